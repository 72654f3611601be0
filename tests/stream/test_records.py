"""Records between two threads: counted, bounded, and packed for a dead letter as they were."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.motion import sketch
from reid_core.gallery.ledger import Hold
from reid_core.gallery.refusals import unpacked_record
from stream.kafka.blobs import BlobStore, BlobStoreAwayError
from stream.kafka.dead_letters import pack_record
from stream.kafka.envelope import Codec, EnvelopeError, Refusal
from stream.kafka.wire import read
from stream.worker.partitions import Share
from stream.worker.records import (
    Prepared,
    Taken,
    Waiting,
    cost_of,
    prepare,
)
from tests.support import frames
from tests.support.frames import Camera, record

MOST = 1 << 20
SHARE = Share(Hold("frames.visible", 0, 1, 0, 0), 0, 0, 0)
CAMERA = Camera()


def item(number=0):
    return Taken(SHARE, record(CAMERA.bare(number), offset=number), None)


# Waiting


def test_first_in_first_out_and_counted():
    waiting = Waiting()
    items = [item(number) for number in range(3)]
    for number, one in enumerate(items):
        waiting.put(one, 100 + number)
    assert (len(waiting), waiting.bytes) == (3, 303)
    assert waiting.take(0) is items[0]
    assert (len(waiting), waiting.bytes) == (2, 203)
    assert [waiting.take(0), waiting.take(0), waiting.take(0)] == [*items[1:], None]
    assert (len(waiting), waiting.bytes) == (0, 0)


def test_several_at_once_are_taken_one_by_one():
    waiting, items = Waiting(), [item(number) for number in range(3)]
    waiting.extend([(one, 5) for one in items])
    assert (len(waiting), waiting.bytes) == (3, 15)
    assert [waiting.take(0) for _ in range(4)] == [*items, None] and waiting.bytes == 0


def test_whoever_takes_waits_for_as_long_as_is_said_and_no_longer():
    waiting = Waiting()
    begun = time.monotonic()
    assert waiting.take(0.1) is None
    assert 0.09 <= time.monotonic() - begun < 2


def test_whoever_waits_gets_it_at_once():
    waiting, one = Waiting(), item()
    threading.Timer(0.05, waiting.put, (one, 7)).start()
    begun = time.monotonic()
    assert waiting.take(10) is one
    assert time.monotonic() - begun < 5 and waiting.bytes == 0


def test_nothing_is_lost_or_miscounted_between_threads():
    waiting, found = Waiting(), []

    def put(first):
        for number in range(first, first + 500):
            waiting.put(item(number), number)

    with ThreadPoolExecutor(4) as pool:
        puts = [pool.submit(put, first) for first in (0, 500, 1000)]
        while len(found) < 1500:
            one = waiting.take(5)
            assert one is not None
            found.append(one.record.offset)
        for done in puts:
            done.result()
    assert sorted(found) == list(range(1500)) and waiting.bytes == 0
    for first in (0, 500, 1000):
        mine = [one for one in found if first <= one < first + 500]
        assert mine == sorted(mine)


# What it costs


def test_the_cost_is_the_record_and_its_picture_decoded():
    made = record(CAMERA.frame(0))
    assert cost_of(made, MOST) == len(made.value) + 60 * 40 * 3


@pytest.mark.parametrize(("width", "height"), [(b"1048576", b"1048576"), (b"999999999", b"999999999")])
def test_no_header_makes_it_cost_more_than_is_ever_decoded(width, height):
    made = record(CAMERA.frame(0), headers={"width": width, "height": height})
    assert cost_of(made, MOST) == len(made.value) + 3 * MOST


digits = st.text("0123456789", max_size=22).map(str.encode)


@given(digits | st.binary(max_size=12), digits | st.binary(max_size=12))
def test_whatever_is_decoded_was_counted(width, height):
    """A size that the envelope's reader reads is one that the cost was reckoned with."""
    made = record(CAMERA.frame(0), headers={"width": width, "height": height})
    cost = cost_of(made, MOST)
    assert cost >= len(made.value)
    try:
        found = read(made.value, made.headers)
    except EnvelopeError:
        return
    assert cost == len(made.value) + 3 * min(found.width * found.height, MOST)


@pytest.mark.parametrize("text", [b"+20000", b" 20000", b"20_000", "２００００".encode(), b"0x4e20"])
def test_a_size_that_is_spelt_oddly_is_no_way_around(text):
    made = record(CAMERA.frame(0), headers={"width": text, "height": text})
    with pytest.raises(EnvelopeError):
        read(made.value, made.headers)


def test_a_record_without_anything_costs_next_to_nothing():
    made = frames.Taken(None, [])
    assert 0 <= cost_of(made, MOST) < 100
    assert cost_of(replace(made, headers=[("width", None), ("height", b"")]), MOST) < 100


# Dead letters


@given(
    st.none() | st.binary(max_size=50),
    st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.binary(max_size=20))
    ),
    st.none() | st.binary(max_size=500),
)
def test_a_record_is_unpacked_as_it_was_packed(key, headers, value):
    made = frames.Taken(value, headers, key=key)
    assert unpacked_record(pack_record(made)) == (key, headers, value)


def test_a_large_one_too():
    made = frames.Taken(bytes(10 << 20), [("a", b"1"), ("a", b"2")])
    assert unpacked_record(pack_record(made))[2] == made.value


# Reading and decoding


PICTURE = np.random.default_rng(1).integers(0, 256, (40, 60, 3)).astype(np.uint8)
COUNTS = np.random.default_rng(1).integers(0, 1 << 14, (40, 60)).astype(np.uint16)


def refusal(made, blobs=None, pixels=MOST, size=MOST):
    with pytest.raises(EnvelopeError) as caught:
        prepare(made, blobs, pixels, size)
    return caught.value.reason


def test_a_picture_is_ready_to_be_looked_at():
    found = prepare(record(CAMERA.frame(7, PICTURE)), None, MOST, MOST)
    assert np.array_equal(found.picture, PICTURE)
    assert found.envelope.seq == 7 and found.envelope.payload == b""
    drawn = sketch(PICTURE, rgb=True)
    assert np.array_equal(found.sketched.thumbnail, drawn.thumbnail)


def test_raw_counts_are_scaled_by_whoever_sees_all_of_them():
    found = prepare(record(CAMERA.frame(7, COUNTS, Codec.GRAY16)), None, MOST, MOST)
    assert np.array_equal(found.picture, COUNTS) and found.sketched is None


def test_an_end_has_no_picture():
    found = prepare(record(CAMERA.end(3)), None, MOST, MOST)
    assert found == Prepared(found.envelope, None, None) and found.envelope.seq == 3


def test_a_picture_out_of_the_store(tmp_path):
    blobs = BlobStore(str(tmp_path))
    checked = _in_store(blobs)
    assert np.array_equal(prepare(record(checked), blobs, MOST, MOST).picture, PICTURE)
    assert refusal(record(checked)) is Refusal.BLOB
    assert refusal(record(checked), blobs, size=1000) is Refusal.SIZE
    assert blobs.remove_older(-60) == 1
    assert refusal(record(checked), blobs) is Refusal.BLOB


def test_a_store_that_is_away_is_not_the_records_fault(tmp_path):
    folder = tmp_path / "blobs"
    checked = _in_store(BlobStore(str(folder)))
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(BlobStoreAwayError):
        prepare(record(checked), BlobStore(str(folder)), MOST, MOST)


def _in_store(blobs):
    whole = CAMERA.frame(0, PICTURE)
    name, digest = blobs.put(whole.payload)
    return replace(whole, payload=b"", blob=name, digest=digest)


def test_a_payload_that_is_another_is_not_decoded():
    made = record(replace(CAMERA.frame(0, PICTURE), digest="crc32c:00000000"))
    assert refusal(made) is Refusal.DIGEST


@pytest.mark.parametrize("shape", [(31, 400), (400, 31), (1, 1)])
def test_too_small_to_show_anybody(shape):
    assert refusal(record(CAMERA.frame(0, np.zeros((*shape, 3), np.uint8)))) is Refusal.SIZE


def test_larger_than_is_allowed():
    assert refusal(record(CAMERA.frame(0, PICTURE)), pixels=2399) is Refusal.SIZE


# What a worker holds


def test_a_share_goes_on_at_the_first_record_that_is_needed():
    share = Share(SHARE.hold, 50, 0, 60)
    assert share.resume == 50

    class Part:
        def __init__(self, **values):
            self.__dict__ |= values

    share.sequencers = {"a": Part(held=None), "b": Part(held=41)}
    assert share.resume == 41
    share.lanes = {"a": Part(resume=12), "c": Part(resume=44)}
    assert share.resume == 12
