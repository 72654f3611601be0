"""Records that are no frames lie between good ones: each is a dead letter, and nothing else happens."""

import signal
from collections import Counter

import pytest

from stream.kafka.blobs import BlobStore
from stream.kafka.dead_letters import DeadLetter
from tests.support.crew import until
from tests.support.memory import resident
from tests.support.poison import (
    Place,
    Sent,
    checked_in,
    corpus,
    deadly,
    fragile,
    fragile_in_silence,
    good,
    send_all,
)

KIND = "Damaged and poison records"
pytestmark = pytest.mark.slow
MEBI = 1 << 20
LETTERS = ("dlq.frames.visible", "dlq.frames.infrared")


def gates(records):
    return [one for one in records if one.stream.camera == "gate"]


def among(records: list[Sent], others: list[Sent], first: int) -> list[Sent]:
    """The others between the records, one behind each from the first-th on."""
    made = records[:first]
    for number, one in enumerate(records[first:]):
        made.append(one)
        made += others[number : number + 1]
    return made


def check_letters(deployment, places: list[Place]) -> None:
    """Each of these is on its topic once, with the reason, where it was, and all it held."""
    expected = {
        (place.topic, place.partition, place.offset): place.sent for place in places if place.sent.reason
    }
    letters = [DeadLetter.from_record(one) for topic in LETTERS for one in deployment.read(topic)]
    found = {(one.topic, one.partition, one.offset): one for one in letters}
    assert len(found) == len(letters), "one is there twice"
    assert {expected[at].name for at in expected.keys() - found.keys()} == set()
    assert {found[at].message for at in found.keys() - expected.keys()} == set()
    for at, sent in expected.items():
        assert (found[at].reason, sent.name) == (sent.reason, sent.name)
        assert found[at].message and found[at].attempts >= 1 and found[at].version
        if len(sent.value or b"") + sum(len(text) for _, text in sent.headers) < MEBI:
            assert (found[at].key, found[at].value or b"") == (sent.key, sent.value or b""), sent.name
            assert list(found[at].headers) == sent.headers, sent.name


def reasons(places: list[Place], deployment):
    return [
        (place.topic.removeprefix(deployment.prefix), place.sent.reason)
        for place in places
        if place.sent.reason
    ]


@pytest.mark.fault(
    row="Damaged, empty, oversize and foreign records",
    injected="38 invalid records between good ones, decompression bombs of 20,000 x 20,000 pixels included",
    promise="Each is a dead letter exactly once, with its reason and position; memory grows by less "
    "than 256 MiB",
    bound_s=20,
)
def test_records_that_are_no_pictures(deploy, recovery, short_records, undisturbed, tmp_path):
    deployment = deploy(blobs=str(tmp_path / "blobs"))
    blobs = BlobStore(str(tmp_path / "blobs"))
    others = corpus(gates(short_records)[60], tmp_path)
    assert len(others) == 38
    # Good ones that are too large for a record are in the store.
    records = [
        good(checked_in(one, blobs) if one.payload and number % 3 == 0 else one)
        for number, one in enumerate(short_records)
    ]
    half = len(records) // 3
    worker = deployment.worker()
    places = send_all(deployment.bootstrap, deployment.prefix, records[:half])
    until("the first pictures are gone through", lambda: worker.metric("frames_total") >= half, 30)
    before = resident(worker.pid, peak=True)
    recovery.begins()
    places += send_all(deployment.bootstrap, deployment.prefix, among(records[half:], others, 20))
    deployment.drained(recovery.left)
    recovery.over()
    grown = resident(worker.pid, peak=True) - before
    assert worker.live and worker.ready and worker.metric("dead_letters_total") == len(others)
    deployment.check(undisturbed["sqlite"], dead_letters=reasons(places, deployment))
    check_letters(deployment, places)
    assert grown < 256 * MEBI, f"{grown / MEBI:.0f} MiB"
    assert worker.stop() == 0


@pytest.mark.fault(
    row="Damaged records are processed again",
    injected="SIGKILL to the worker after the first dead letters; there is no blob store",
    promise="The next worker processes them again, and none is a dead letter twice",
    bound_s=20,
)
def test_damaged_records_across_a_restart(deploy, recovery, short_records, undisturbed, tmp_path):
    deployment = deploy()
    # Of two topics nobody knows which is gone over first: a camera is what it was first known as.
    others = [
        one
        for one in corpus(gates(short_records)[60], tmp_path)
        if len(one.value or b"") < MEBI and one.name != "a camera that is known as visible"
    ]
    elsewhere = BlobStore(str(tmp_path / "blobs"))
    others.append(
        Sent(
            *("frames.visible", b"gate"),
            *_written(checked_in(gates(short_records)[61], elsewhere)),
            *("blob", "too large for a record, and there is no store"),
        )
    )
    records = among([good(one) for one in short_records], others, 40)
    worker = deployment.worker(slow=0.02)
    places = send_all(deployment.bootstrap, deployment.prefix, records)
    until("there are dead letters", lambda: deployment.count("refused") >= 8, 20)
    recovery.begins()
    worker.kill()
    assert worker.ended(1) == -signal.SIGKILL
    refused = {(row.topic, row.number, row.offset) for row in deployment.refused()}
    come = deployment.next_offsets()
    again = [one for one in refused if one[2] >= come.get(one[:2], 0)]
    assert again, "the next worker would not see one of them again"
    deployment.worker()
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"], dead_letters=reasons(places, deployment))
    check_letters(deployment, places)


def _written(envelope):
    sent = good(envelope)
    return sent.value, sent.headers


ATTEMPTS = 2


@pytest.mark.parametrize(
    ("target", "status"),
    [
        pytest.param(
            fragile,
            -signal.SIGABRT,
            marks=pytest.mark.fault(
                row="A poison record crashes the decoder",
                injected="abort() inside the decoder at two records, in whichever worker processes one",
                promise="Both are dead letters after limits.attempts attempts; their neighbours are not",
                bound_s=60,
            ),
        ),
        pytest.param(
            fragile_in_silence,
            137,
            marks=pytest.mark.fault(
                row="A poison record exhausts memory",
                injected="The process dies silently at two records, in whichever worker processes one",
                promise="Both are dead letters after limits.attempts attempts; their neighbours are not",
                bound_s=60,
            ),
        ),
    ],
)
def test_a_record_that_ends_its_worker(deploy, recovery, short_records, undisturbed, target, status):
    deployment = deploy(limits={"attempts": ATTEMPTS}, member="w")
    gate, night = (
        next(one for one in short_records if one.stream.camera == camera and one.seq == 50)
        for camera in ("gate", "night")
    )
    # Twice the same number: what is deadly about the second one is the record, not the frame.
    records = []
    for one in short_records:
        records.append(good(one))
        if one is gate or one is night:
            records.append(deadly(one))
    places = send_all(deployment.bootstrap, deployment.prefix, records)
    recovery.begins()
    lives = 0
    while _ended(deployment, deployment.worker(target), status, recovery.left):
        lives += 1
    deployment.drained(recovery.left)
    recovery.over()
    # Of each the first time is no try, for nobody knew; the two may have met in one life.
    assert ATTEMPTS + 1 <= lives <= 2 * (ATTEMPTS + 1)
    deployment.check(undisturbed["sqlite"], dead_letters=reasons(places, deployment))
    check_letters(deployment, places)
    assert {row.attempts for row in deployment.refused()} == {ATTEMPTS}
    assert Counter(row.reason for row in deployment.refused()) == {"crash": 2}
    assert deployment.count("attempts") <= 1


def _ended(deployment, worker, status, within):
    """Whether a worker has come to its end before the records have."""
    until("an end", lambda: not worker.alive or deployment.records_left() == 0, within)
    if not worker.alive:
        assert worker.ended(1) == status
    return not worker.alive
