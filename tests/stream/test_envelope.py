"""The envelope: what is written is read again, and what cannot be read is refused for what it is."""

from dataclasses import replace

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid_core.types import Modality, Spectrum
from stream.kafka import envelope as envelopes
from stream.kafka.envelope import (
    BODY,
    HEADERS,
    Codec,
    Envelope,
    EnvelopeError,
    Kind,
    Refusal,
    Stream,
    blob_digest,
    check_digest,
    inline_digest,
)
from stream.kafka.wire import REPLAY_HEADER, SENT_HEADER, holds_raw_frame, read, sent_at, write
from tests.support.frames import Camera

MOST_NS = (1 << 62) - 1
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
streams = st.builds(
    Stream,
    id=names.filter(lambda name: len(name) <= 64),
    camera=names.filter(lambda name: len(name) <= 255),
    modality=st.just(Modality.INFRARED),
    spectrum=st.sampled_from([Spectrum.NEAR, Spectrum.THERMAL]),
    fps=st.floats(0.001, 9999),
    start_ns=st.integers(0, MOST_NS),
    source=words,
    live=st.booleans(),
)
sides = st.integers(0, 1 << 20)
frames = st.builds(
    Envelope,
    kind=st.just(Kind.FRAME),
    stream=streams,
    seq=st.integers(0, MOST_NS),
    capture_ns=st.integers(0, MOST_NS),
    sent_ns=st.none() | st.integers(0, MOST_NS),
    codec=st.sampled_from(list(Codec)),
    width=sides,
    height=sides,
    payload=st.binary(min_size=1, max_size=64),
)
ends = st.builds(
    Envelope,
    kind=st.just(Kind.END),
    stream=streams,
    seq=st.integers(0, MOST_NS),
    capture_ns=st.integers(0, MOST_NS),
    sent_ns=st.none() | st.integers(0, MOST_NS),
    problem=st.none() | words,
)


def refusal(value, headers):
    with pytest.raises(EnvelopeError) as caught:
        read(value, headers)
    assert caught.value.code == "envelope" and not caught.value.transient
    assert caught.value.message.isprintable() and len(caught.value.message) < 500
    return caught.value.reason


@pytest.fixture
def good():
    """Body and headers of a good record, as dicts to spoil."""
    value, headers = write(Camera().frame(3))
    return msgpack.unpackb(value), dict(headers)


def refusal_of(body, headers):
    return refusal(msgpack.packb(body), list(headers.items()))


@given(frames)
def test_what_is_written_is_read_again(frame):
    assert read(*write(frame)) == replace(frame, digest=inline_digest(frame.payload))


@given(frames, st.binary(max_size=40))
def test_a_claim_check_is_read_again(frame, payload):
    digest = blob_digest(payload)
    checked = replace(frame, payload=b"", blob=digest.partition(":")[2], digest=digest)
    assert read(*write(checked)) == checked


@given(ends)
def test_an_end_is_read_again(end):
    assert read(*write(end)) == replace(end, digest=inline_digest(b""))


@pytest.mark.parametrize(
    ("modality", "spectrum"),
    [
        (Modality.VISIBLE, Spectrum.VISIBLE),
        (Modality.INFRARED, Spectrum.NEAR),
        (Modality.INFRARED, Spectrum.THERMAL),
    ],
)
@pytest.mark.parametrize("live", [True, False])
def test_every_kind_of_camera(modality, spectrum, live):
    camera = Camera(modality=modality, spectrum=spectrum, live=live)
    assert read(*write(camera.frame(0))).stream == camera.stream


def test_exactly_the_named_fields_are_written(good):
    body, headers = good
    # The last one is the publisher's, who says it when the record leaves.
    assert {*headers, SENT_HEADER} == set(HEADERS) and SENT_HEADER not in headers
    _, sent = write(replace(Camera().frame(0), sent_ns=5))
    assert dict(sent)[SENT_HEADER] == b"5" and dict(sent_at(sent, 6))[SENT_HEADER] == b"6"
    _, end_headers = write(Camera().end(3))
    blob, _ = write(replace(Camera().frame(0), payload=b"", blob="0" * 64))
    end, _ = write(Camera().end(3))
    assert set(body) | set(msgpack.unpackb(blob)) | set(msgpack.unpackb(end)) == set(BODY)
    assert set(dict(end_headers)) == set(headers)


def test_a_record_that_was_sent_again_says_so():
    value, headers = write(Camera().frame(0))
    assert not read(value, headers).replayed
    assert read(value, [*headers, (REPLAY_HEADER, b"frames.visible/3/7")]).replayed


def test_the_key_is_the_camera():
    assert Camera(camera="Tür").frame(0).key == "Tür".encode()


# Versions


@pytest.mark.parametrize("schema", [b"nightreid.frame/1.0", b"nightreid.frame/1.17", b"nightreid.frame/1"])
def test_every_minor_of_the_major_is_read(good, schema):
    body, headers = good
    assert read(msgpack.packb(body), list((headers | {"schema": schema}).items())).seq == 3


def test_what_a_later_minor_added_is_ignored(good):
    body, headers = good
    before = read(msgpack.packb(body), list(headers.items()))
    body |= {"lens": [1, {"f": 2.8}], "weather": None}
    headers |= {"exposure": b"\xff\xfe", "nothing": None, "dlq.reason": b"damaged"}
    assert read(msgpack.packb(body), list(headers.items())) == before


@pytest.mark.parametrize(
    "schema",
    [
        *(b"nightreid.frame/2.0", b"nightreid.frame/0.9", b"nightreid.frame/11.0", b"nightreid.frame/"),
        *(b"nightreid.frame", b"nightreid.sighting/1.0", b"", b"\xff", b"nightreid.frame/ 1.0", None),
    ],
)
def test_another_schema_is_refused_before_the_body_is_looked_at(good, schema):
    _, headers = good
    kept = [*((name, text) for name, text in headers.items() if name != "schema"), ("schema", schema)]
    assert refusal(b"\xc1", kept) is Refusal.SCHEMA


def test_a_record_without_headers_is_none_of_ours():
    assert refusal(b"hello", []) is Refusal.SCHEMA


# Malformed


@pytest.mark.parametrize("value", [None, b""])
def test_an_empty_record(good, value):
    assert refusal(value, list(good[1].items())) is Refusal.EMPTY


@pytest.mark.parametrize("missing", [{}, {"payload": b""}, {"payload": b"", "blob": ""}])
def test_a_frame_without_a_picture(good, missing):
    body, headers = good
    del body["payload"]
    assert refusal_of(body | missing, headers) is Refusal.EMPTY


@pytest.mark.parametrize(
    "value",
    [
        b"\xc1",  # a byte that MessagePack never uses
        b"\x91" * 5000,  # nested deeper than anybody's stack
        b"\xdf\xff\xff\xff\xff",  # a map of 4 billion
        b"\xc6\xff\xff\xff\xff",  # 4 GB of binary that are not there
        b"\xdd\x00\x00\x00\x41" + bytes(65),  # an array longer than any of ours
        b"\x80\x80",  # two bodies
        b"\x81\xa3fps",  # cut off
        b"\x81\x91\x01\x01",  # a list as a key
        b"\x81\xa2\xff\xff\x01",  # a name that is no text
        b"\xd6\xff\x00\x00\x00\x00",  # an extension: a time
        b"\x93\x01\x02\x03",  # a list
        b"\x01",  # a number
        b"\xc0",  # nothing
        b'{"fps": 25}',
    ],
)
def test_a_body_that_is_no_map(good, value):
    assert refusal(value, list(good[1].items())) is Refusal.ENVELOPE


REQUIRED_HEADERS = sorted(set(HEADERS) - {"schema", "live", SENT_HEADER})


@pytest.mark.parametrize("name", REQUIRED_HEADERS)
def test_a_missing_header(good, name):
    body, headers = good
    del headers[name]
    assert refusal_of(body, headers) is Refusal.ENVELOPE


@pytest.mark.parametrize("name", ["fps", "start_ns"])
def test_a_missing_field(good, name):
    body, headers = good
    del body[name]
    assert refusal_of(body, headers) is Refusal.ENVELOPE


NO_NUMBERS = [b"", b"-1", b"+1", b" 1", b"1_0", b"1.0", b"1e3", b"\xd9\xa3", b"NaN", b"\xff", b"9" * 5000]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, text) for name in ("seq", "capture_ns", "width", "height") for text in NO_NUMBERS),
        *((name, str(1 << 62).encode()) for name in ("seq", "capture_ns")),
        *((name, str((1 << 20) + 1).encode()) for name in ("width", "height")),
        *(("kind", text) for text in (b"", b"picture", b"Frame", b"\xff")),
        *(("modality", text) for text in (b"", b"thermal", b"infrared")),
        *(("spectrum", text) for text in (b"", b"rgb", b"near", b"thermal")),
        *(("camera", text) for text in (b"", b"c" * 256, b"a\0b")),
        *(("stream", text) for text in (b"", b"s" * 65, b"a\0b")),
        *(("live", text) for text in (b"", b"yes", b"2", b"\xff")),
    ],
)
def test_a_header_that_does_not_hold_what_it_should(good, name, text):
    body, headers = good
    assert refusal_of(body, headers | {name: text}) is Refusal.ENVELOPE


@pytest.mark.parametrize("text", [b"", b"h264", b"JPEG", b"\xff\0"])
def test_an_unknown_codec(good, text):
    body, headers = good
    assert refusal_of(body, headers | {"codec": text}) is Refusal.CODEC


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("fps", value) for value in (0, -25, 1e4, NAN, INF, -INF, "25", b"25", None, True, [25], 1 << 63)),
        *(
            ("start_ns", value)
            for value in (-1, 1 << 62, (1 << 64) - 1, 1.5, NAN, INF, "0", b"0", None, True)
        ),
        *(("source", value) for value in ("a\0b", "x" * 5000, b"a.mp4", 7, {}, None)),
        *(("payload", value) for value in ("text", 7, [1], None)),
        *(("blob", value) for value in (b"0" * 64, 7, [], None)),
        *(("problem", value) for value in ("a\0b", "x" * 5000, b"x", 7, [])),
    ],
)
def test_a_field_that_does_not_hold_what_it_should(good, name, value):
    body, headers = good
    assert refusal_of(body | {name: value}, headers) is Refusal.ENVELOPE


def test_a_header_that_comes_twice_counts_as_it_was_written_last(good):
    body, headers = good
    assert read(msgpack.packb(body), [*headers.items(), ("seq", b"9")]).seq == 9


def test_words_that_are_too_long_are_cut_rather_than_refused_later():
    camera = Camera()
    long = replace(camera.stream, source="s" * 10_000)
    end = read(*write(Envelope(Kind.END, long, 5, 0, problem="p" * 10_000)))
    assert end.stream.source == "s" * 4096 and end.problem == "p" * 4096


header_names = st.sampled_from(sorted(HEADERS)) | st.text(max_size=8)
spoilt = st.dictionaries(header_names, st.none() | st.binary(max_size=30), max_size=5)
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | words | st.binary()
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


@given(spoilt, st.dictionaries(st.sampled_from(sorted(BODY)), values, max_size=4), st.data())
def test_a_spoilt_record_is_read_or_refused_and_nothing_else(headers, body, data):
    value, said = write(Camera().frame(3))
    packed = msgpack.packb(msgpack.unpackb(value) | body)
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(packed) - 1))
        packed = packed[:place] + data.draw(st.binary(max_size=2)) + packed[place + 1 :] or b"\0"
    try:
        found = read(packed, [*(dict(said) | headers).items()])
    except EnvelopeError:
        return
    # What is read can be written into any database.
    stream = found.stream
    assert 0 < len(stream.id) <= 64 and 0 < len(stream.camera) <= 255
    assert all(0 <= number < 1 << 62 for number in (stream.start_ns, found.seq, found.capture_ns))
    texts = (stream.id, stream.camera, stream.source, found.problem or "", found.blob, found.digest)
    assert not any("\0" in text for text in texts[:4])
    for text in texts:
        text.encode()
    assert found.kind is Kind.END or found.payload or found.blob


@given(st.binary(max_size=200), st.lists(st.tuples(header_names, st.none() | st.binary(max_size=20))))
def test_random_bytes_are_refused(value, headers):
    refusal(value, headers)


@given(st.binary(max_size=200))
def test_random_bodies_are_refused(value):
    _, headers = write(Camera().frame(3))
    assert refusal(value, headers) in (Refusal.ENVELOPE, Refusal.EMPTY)


# Digests


@given(st.binary(max_size=50), st.integers(0, 49), st.integers(1, 255))
@pytest.mark.parametrize("digest_of", [inline_digest, blob_digest])
def test_one_wrong_bit_breaks_the_digest(digest_of, payload, place, change):
    digest = digest_of(payload)
    check_digest(digest, payload)
    spoilt = bytearray(payload + b"\0")
    spoilt[place % len(spoilt)] ^= change
    with pytest.raises(EnvelopeError) as caught:
        check_digest(digest, bytes(spoilt))
    assert caught.value.reason is Refusal.DIGEST


@pytest.mark.parametrize(
    "digest", ["", "md5:00", "crc32c", "crc32c:", "sha256:", "sha256:0", "\0", "x" * 9999]
)
def test_a_digest_of_no_known_kind(digest):
    with pytest.raises(EnvelopeError) as caught:
        check_digest(digest, b"payload")
    assert caught.value.reason is Refusal.DIGEST and len(caught.value.message) < 200


def test_the_digest_is_the_one_that_others_compute():
    assert inline_digest(b"123456789") == "crc32c:e3069283"
    assert blob_digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("codec", Codec)
def test_a_raw_picture_is_known_by_its_headers(codec):
    here = dict(write(Camera().frame(0))[1]) | {"codec": codec.encode()}
    assert holds_raw_frame(here.items()) == (codec in (Codec.GRAY8, Codec.GRAY16))
    elsewhere = here | {"digest": blob_digest(b"x").encode()}
    assert not holds_raw_frame(elsewhere.items())
    assert not holds_raw_frame([("codec", None), ("digest", None)]) and not holds_raw_frame([])


def test_every_refusal_has_a_code_of_its_own():
    assert len({str(one) for one in Refusal}) == len(Refusal)


def test_the_payload_is_let_go_of():
    frame = Camera().frame(0)
    bare = envelopes.without_payload(frame)
    assert bare.payload == b"" and replace(bare, payload=frame.payload) == frame
