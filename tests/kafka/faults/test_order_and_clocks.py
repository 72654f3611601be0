"""What cameras and networks do to the order of frames and to their times."""

import random
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from kafka import KafkaProducer
from sqlalchemy import select

from reid_core.gallery.database import Database
from reid_core.gallery.schema import RecordingRow, TrackletRow
from reid_core.gallery.tracks import unpack_track
from stream.kafka.envelope import Kind
from stream.kafka.wire import write
from tests.support.brightness import START_NS
from tests.support.crew import until
from tests.support.forked import PROCESSES, start_server
from tests.support.galleries import gallery_rows
from tests.support.parts import CUT, Parts, part_records, run_parts, unfinished, write_parts
from tests.support.shift import topic_of

KIND = "Order, gaps and clocks"
pytestmark = pytest.mark.slow
SECOND = 1_000_000_000
HOUR = 3600 * SECOND
WINDOW = 8


def oddities(worker, kind):
    cameras = {
        one: worker.metric("oddities_total", camera=one, kind=kind) for one in ("gate", "yard", "night")
    }
    return {camera: count for camera, count in cameras.items() if count}


def tracklets(database, camera=None):
    with database.read() as session:
        chosen = select(TrackletRow).order_by(TrackletRow.camera_id, TrackletRow.start_ns)
        return [row for row in session.scalars(chosen) if camera in (None, row.camera_id)]


def recordings(database, camera):
    with database.read() as session:
        chosen = select(RecordingRow).where(RecordingRow.camera_id == camera).order_by(RecordingRow.start_ns)
        return list(session.scalars(chosen))


def shape(row):
    """What somebody was seen to do, whatever time it was and whatever the recording is called."""
    frames, _, boxes, confidences = unpack_track(row.track)
    return row.camera_id, frames.tobytes(), boxes.tobytes(), confidences.tobytes()


def people(rows):
    """Who was seen doing what."""
    who = {}
    for row in rows:
        if row.identity_id is not None:
            who.setdefault(row.identity_id, set()).add(shape(row))
    return {frozenset(shapes) for shapes in who.values()}


@pytest.fixture(scope="module")
def reference(undisturbed_gallery):
    """The gallery of `nightreid run` on the short night."""
    database = Database(f"sqlite:///{undisturbed_gallery}")
    yield database
    database.close()


@pytest.mark.fault(
    row="Records arrive twice and out of order",
    injected="Every camera's records displaced by up to 7 places, and 40 of one camera sent twice",
    promise="Each frame counts exactly once and in order",
    bound_s=15,
)
def test_out_of_order_and_twice(deploy, recovery, short_records, undisturbed):
    deployment = deploy()
    rng, twice, merged = random.Random(5), Counter(), []
    for camera in ("gate", "yard", "night"):
        *frames, end = [one for one in short_records if one.stream.camera == camera]
        moved = sorted(frames, key=lambda one: one.seq + rng.uniform(0, WINDOW - 1))
        assert moved != frames
        for _ in range(40 if camera == "gate" else 0):
            place = rng.randrange(len(moved))
            moved.insert(rng.randrange(place + 1, len(moved) + 1), moved[place])
            twice[camera] += 1
        merged += enumerate([*moved, end])
    worker = deployment.worker()
    recovery.begins()
    deployment.publish(one for _, one in sorted(merged, key=lambda pair: pair[0]))
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"])
    assert oddities(worker, "duplicate") == twice and oddities(worker, "missing") == {}


@pytest.mark.fault(
    row="Frames are missing while nobody is in view",
    injected="Single frames and up to 10 in a row never arrive, the end of a recording included",
    promise="They are counted, and nothing else differs",
    bound_s=15,
)
def test_missing_where_nobody_is(deploy, recovery, short_records, undisturbed):
    deployment = deploy()
    lost = {"gate": {54, *range(109, 119)}, "yard": {86, 97, *range(103, 110)}, "night": {53, *range(81, 89)}}
    worker = deployment.worker()
    recovery.begins()
    deployment.publish(
        one for one in short_records if one.kind is Kind.END or one.seq not in lost[one.stream.camera]
    )
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"])
    assert oddities(worker, "missing") == {camera: len(numbers) for camera, numbers in lost.items()}


@pytest.mark.fault(
    row="A frame is missing while somebody walks past",
    injected="One frame of a camera never arrives while somebody walks past",
    promise="That tracklet lacks the frame; its crops and scores may differ, and nothing else does",
    bound_s=15,
)
def test_missing_in_the_middle_of_a_walk(deploy, recovery, short_records, undisturbed, reference):
    deployment = deploy()
    worker = deployment.worker()
    recovery.begins()
    deployment.publish(one for one in short_records if (one.stream.camera, one.seq) != ("gate", 18))
    deployment.drained(recovery.left)
    recovery.over()
    assert oddities(worker, "missing") == {"gate": 1}
    deployment.check_books()
    found, expected = gallery_rows(deployment.database), undisturbed["sqlite"]
    for table in ("cameras", "recordings", "identities"):
        assert found[table] == expected[table], table
    lacking = 0
    for mine, theirs in zip(tracklets(deployment.gallery), tracklets(reference), strict=True):
        before = unpack_track(theirs.track)
        kept = np.full(len(before[0]), True)
        if theirs.camera_id == "gate":
            kept = before[0] != 18
            lacking += int((~kept).sum())
        assert (mine.id, mine.identity_id, mine.length) == (theirs.id, theirs.identity_id, kept.sum())
        assert [one.tobytes() for one in unpack_track(mine.track)] == [one[kept].tobytes() for one in before]
    assert lacking == 1 and len(found["links"]) == len(expected["links"])


@pytest.mark.fault(
    row="A publisher writes in Kafka transactions",
    injected="Records are sent in transactions, every other one of which is aborted and sent again: their "
    "marks lie between the records and at the ends of the partitions",
    promise="What is no record holds nothing up; each frame counts once",
    bound_s=15,
)
def test_transactions(deploy, recovery, short_records, undisturbed):
    deployment = deploy()
    worker = deployment.worker()
    recovery.begins()
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, transactional_id=deployment.prefix)
    producer.init_transactions()
    for begin in range(0, len(short_records), 40):
        for abort in (begin % 80 == 0, False):
            producer.begin_transaction()
            for one in short_records[begin : begin + 40]:
                value, headers = write(one)
                producer.send(topic_of(deployment.prefix, one), value, key=one.key, headers=headers)
            producer.flush(10)
            if abort:
                producer.abort_transaction()
                continue
            producer.commit_transaction()
            break
    producer.close()
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check(undisturbed["sqlite"])
    assert sum(oddities(worker, "duplicate").values()) > 0 and oddities(worker, "missing") == {}


# A camera is started again


@pytest.fixture(scope="module")
def parts(module_tmp):
    return write_parts(module_tmp("parts"))


@pytest.fixture(scope="module")
def both(module_tmp, parts, colour_checkpoint):
    """The gallery of `nightreid run` on the first part and then on the second."""
    start_server()
    path = module_tmp("both") / "x.db"
    process = PROCESSES.Process(target=run_parts, args=(Parts(parts, colour_checkpoint, path),))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    database = Database(f"sqlite:///{path}")
    assert len(tracklets(database)) == 3
    yield database
    database.close()


@pytest.mark.fault(
    row="A camera restarts",
    injected="Its stream breaks off without an end while somebody is in view; a new stream begins",
    promise="Two recordings, as of two videos; the first is marked as broken off",
    bound_s=15,
)
def test_another_stream_of_the_same_camera(deploy, recovery, parts, both):
    deployment = deploy()
    first, second = part_records(parts)
    worker = deployment.worker()
    recovery.begins()
    # Of the first, some come late and are no part of it any more.
    deployment.publish([*unfinished(first), *second[:5], *first[-4:-1], *second[5:]])
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check_books()
    assert oddities(worker, "late") == {"gate": 3} and oddities(worker, "restarts") == {}
    found, expected = gallery_rows(deployment.database), gallery_rows(f"sqlite:///{both.file}")
    [broken, whole] = recordings(deployment.gallery, "gate")
    assert (broken.status, whole.status) == ("partial", "complete")
    said = "The camera restarted before its stream had ended."
    assert broken.message == said and broken.frames_done == CUT
    # Nothing else differs.
    found["recordings"] = [
        row.replace(f"'message': '{said}'", "'message': None").replace("'partial'", "'complete'")
        for row in found["recordings"]
    ]
    assert found == expected


@pytest.mark.fault(
    row="A camera's frame numbers restart",
    injected="The camera restarts within its stream: numbers from 0 again, the clock continues, the "
    "first three frames are lost",
    promise="A new recording from there on, with the same people; other cameras are not affected",
    bound_s=15,
)
def test_numbers_begin_anew(deploy, recovery, short_records, parts, both, reference):
    deployment = deploy()
    first, second = part_records(parts)
    stream = first[0].stream
    again = [replace(one, stream=stream) for one in second if one.kind is Kind.END or one.seq >= 3]
    gate = [*unfinished(first), *again]
    others = [one for one in short_records if one.stream.camera != "gate"]
    worker = deployment.worker()
    recovery.begins()
    deployment.publish(sorted([*gate, *others], key=lambda one: one.capture_ns))
    deployment.drained(recovery.left)
    recovery.over()
    deployment.check_books()
    assert oddities(worker, "restarts") == {"gate": 1} and oddities(worker, "missing") == {"gate": 3}
    broken, whole = recordings(deployment.gallery, "gate")
    assert (broken.status, broken.message) == ("partial", "The camera's frame numbers restarted.")
    assert (whole.status, whole.frames_done) == ("complete", 50)
    assert whole.start_ns == second[3].capture_ns
    for camera in ("yard", "night"):
        mine, theirs = tracklets(deployment.gallery, camera), tracklets(reference, camera)
        assert [(one.id, one.track) for one in mine] == [(one.id, one.track) for one in theirs]
    mine, theirs = tracklets(deployment.gallery, "gate"), tracklets(both, "gate")
    assert [one.track for one in mine[:2]] == [one.track for one in theirs[:2]]
    # The last one was in sight already when the camera was back: three frames of it are lost.
    before = unpack_track(theirs[2].track)
    assert [one.tobytes() for one in unpack_track(mine[2].track)] == [one[3:].tobytes() for one in before]


# Clocks


def live(records, start_ns, wrong):
    """The records of cameras that run now, their clocks off by ``wrong(camera, seq)``."""
    made = []
    for one in records:
        camera = one.stream.camera
        last = max(0, one.seq - (one.kind is Kind.END))
        moved = one.capture_ns - START_NS + start_ns
        begun = one.stream.start_ns - START_NS + start_ns + wrong(camera, 0)
        stream = replace(one.stream, live=True, start_ns=begun)
        made.append(replace(one, stream=stream, capture_ns=moved + wrong(camera, last)))
    return made


def publish_as_they_come(deployment, records, right):
    """Send each when a clock that is right says that it was captured: the broker then knows better."""
    captured = {(one.stream.camera, one.kind, one.seq): one.capture_ns for one in right}
    producer = KafkaProducer(bootstrap_servers=deployment.bootstrap, acks="all")
    for one in sorted(records, key=lambda one: captured[one.stream.camera, one.kind, one.seq]):
        moment = captured[one.stream.camera, one.kind, one.seq]
        time.sleep(max(0, moment - time.time_ns()) / SECOND)
        value, headers = write(one)
        producer.send(topic_of(deployment.prefix, one), value, key=one.key, headers=headers)
    producer.flush(10)
    producer.close()


JUMPS = ((20, HOUR), (45, -HOUR), (60, 0), (80, HOUR))


def jumping(seq):
    return next((off for at, off in reversed(JUMPS) if seq >= at), 0)


@pytest.mark.parametrize(
    ("off", "skewed"),
    [
        pytest.param(
            lambda seq: HOUR,
            110,
            marks=pytest.mark.fault(
                row="A camera's clock is an hour fast",
                injected="One of three live cameras reports times 1 h ahead",
                promise="Corrected to the broker's clock and counted; nothing is dropped, no camera held up",
                bound_s=12,
            ),
            id="fast",
        ),
        pytest.param(
            lambda seq: -HOUR,
            110,
            marks=pytest.mark.fault(
                row="A camera's clock is an hour slow",
                injected="One of three live cameras reports times 1 h behind",
                promise="Corrected to the broker's clock and counted; nothing is dropped, no camera held up",
                bound_s=12,
            ),
            id="slow",
        ),
        pytest.param(
            jumping,
            75,
            marks=pytest.mark.fault(
                row="A camera's clock jumps back and forth",
                injected="The clock of one of three live cameras jumps by 1 h and 2 h four times",
                promise="Corrected to the broker's clock and counted; nothing is dropped, no camera held up",
                bound_s=12,
            ),
            id="jumping",
        ),
    ],
)
def test_a_clock_that_is_wrong(deploy, recovery, short_records, reference, off, skewed):
    # A camera that ends or is silent holds nobody up; this one does neither.
    deployment = deploy(limits={"idle_seconds": 60.0, "hold_seconds": 60.0})
    worker = deployment.worker()
    until("it has joined", lambda: worker.ready, 20)
    start_ns = time.time_ns() - SECOND * (off is not jumping)
    right = live(short_records, start_ns, lambda camera, seq: 0)
    records = live(short_records, start_ns, lambda camera, seq: off(seq) if camera == "yard" else 0)
    open_ended = [one for one in records if (one.stream.camera, one.kind) != ("yard", Kind.END)]
    if off is jumping:
        publish_as_they_come(deployment, open_ended, right)
    else:
        deployment.publish(open_ended)
    recovery.begins()
    until("the others' are admitted", lambda: len(tracklets(deployment.gallery, "gate")) == 2, recovery.left)
    recovery.over()
    deployment.publish(one for one in records if one not in open_ended)
    deployment.drained(20)
    deployment.check_books()
    assert worker.metric("late_tracklets_total") == 0
    assert set(oddities(worker, "skewed")) == {"yard"} and oddities(worker, "skewed")["yard"] >= skewed
    assert oddities(worker, "late") == oddities(worker, "duplicate") == oddities(worker, "missing") == {}
    mine, theirs = tracklets(deployment.gallery), tracklets(reference)
    assert [shape(one) for one in mine] == [shape(one) for one in theirs]
    assert people(mine) == people(theirs) and deployment.count("links") == 2
    captured = {(one.stream.camera, one.seq): one.capture_ns for one in right if one.kind is Kind.FRAME}
    for row in mine:
        frames, times, _, _ = unpack_track(row.track)
        assert (np.diff(times) > 0).all()
        error = times - [captured[row.camera_id, frame] for frame in frames.tolist()]
        most = 2 * SECOND * (row.camera_id == "yard")
        assert abs(error).max() <= most, row.camera_id
    [yard] = recordings(deployment.gallery, "yard")
    assert abs(yard.start_ns - captured["yard", 0]) <= 2 * SECOND and yard.status == "complete"
