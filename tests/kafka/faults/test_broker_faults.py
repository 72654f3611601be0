"""The broker is restarted, killed or answers no more, while a worker takes and a camera gives."""

import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from kafka import KafkaConsumer, TopicPartition

from stream.kafka.envelope import Kind
from stream.kafka.wire import read
from tests.support.brightness import write_video
from tests.support.broker import Cluster, external
from tests.support.crew import Deployment, WorkerProcess, until
from tests.support.giving import PublisherProcess
from tests.support.shift import make_topics

KIND = "The broker"
pytestmark = pytest.mark.slow
FROZEN_SECONDS = 30.0
BUFFER = 4 << 20


@pytest.fixture(scope="module")
def victim(request, missing, module_tmp):
    """A broker for the rows of this module to hurt; it is well again when each of them ends."""
    if external():
        missing("KAFKA_BOOTSTRAP names a broker that is not the tests' own to stop")
    request.getfixturevalue("broker_jars")
    cluster = Cluster(module_tmp("victim"))
    cluster.start()
    yield cluster
    cluster.kill()


@pytest.fixture
def broker(victim):
    """That broker, up."""
    yield victim
    victim.start()


def working(deployment, records):
    """A worker in the middle of it: something is staged, and not all is fetched."""
    worker = deployment.worker(slow=0.02)
    deployment.publish(records)
    deployment.until_staged()
    assert worker.metric("records_total") < len(records)
    return worker


def fetches(worker, within):
    """Come back once the worker has fetched something more."""
    before = worker.metric("records_total")
    until("records are fetched again", lambda: worker.metric("records_total") > before, within)


@pytest.mark.fault(
    row="The broker restarts",
    injected="SIGTERM to the only broker while a worker reads from it; the broker is started again",
    promise="Once the broker answers, the worker resumes by itself",
    bound_s=10,
)
def test_the_broker_restarts(deploy, broker, recovery, short_records, undisturbed):
    deployment = deploy(broker)
    worker = working(deployment, short_records)
    broker.restart()
    recovery.begins()
    fetches(worker, recovery.left)
    recovery.over()
    deployment.drained(60)
    deployment.check(undisturbed["sqlite"])
    assert worker.stop() == 0


@pytest.mark.fault(
    row="The broker dies",
    injected="SIGKILL to the only broker while a worker reads from it; the broker is started again after "
    "a second",
    promise="Once the broker answers, the worker resumes by itself",
    bound_s=10,
)
def test_the_broker_is_killed(deploy, broker, recovery, short_records, undisturbed):
    deployment = deploy(broker)
    worker = working(deployment, short_records)
    broker.kill()
    time.sleep(1)
    broker.start()
    recovery.begins()
    fetches(worker, recovery.left)
    recovery.over()
    deployment.drained(60)
    deployment.check(undisturbed["sqlite"])
    assert worker.stop() == 0


# A broker that keeps its connections and answers nothing


@dataclass
class Watched:
    """What a process said of itself while the broker stood still.

    Attributes:
        red_after: seconds until it was no longer ready.
        reasons: why, at the end.
        always_live: whether it was alive throughout.
        buffered: the most that a publisher held, in bytes.
        grown: by how much its memory grew, in bytes.
        back_after: seconds from the broker's return until it was ready and got somewhere.
    """

    red_after: float | None = None
    reasons: list[str] = field(default_factory=list)
    always_live: bool = True
    buffered: float = 0.0
    grown: int = 0
    back_after: float = 0.0

    def look(self, process, seconds):
        self.always_live = self.always_live and process.live
        self.reasons = process.reasons
        if self.reasons and self.red_after is None:
            self.red_after = seconds
        self.buffered = max(self.buffered, process.metric("buffer_bytes"))


@dataclass
class Outage:
    """A broker that stood still, and what went on around it."""

    deployment: Deployment
    worker: WorkerProcess
    publisher: PublisherProcess
    prefix: str
    of_worker: Watched = field(default_factory=Watched)
    of_publisher: Watched = field(default_factory=Watched)


@pytest.fixture(scope="module")
def noise(module_tmp):
    """A recording whose frames stay large however they are encoded: 45 s at 8 a second."""
    random = np.random.default_rng(3)
    pictures = (random.integers(0, 255, (360, 480, 1), np.uint8).repeat(3, 2) for _ in range(360))
    return write_video(module_tmp("noise") / "noise.mp4", pictures, fps=8.0)


@pytest.fixture(scope="module")
def outage(victim, noise, short_records, colour_checkpoint, module_tmp):
    """Thirty seconds of it, once for all rows: a worker in the middle of its work, a camera that goes on."""
    folder = module_tmp("outage")
    prefix = f"o{uuid.uuid4().hex[:8]}."
    limits = {"records": 8, "lease_seconds": 1.0, "idle_seconds": 8.0}
    told = {"session_seconds": 2.0, "group": f"{prefix}night", "limits": limits}
    url = f"sqlite:///{folder / 'gallery.db'}"
    deployment = Deployment(victim.bootstrap, prefix, url, colour_checkpoint, folder, told)
    deployment.make_topics()
    make_topics(victim.bootstrap, f"given.{prefix}")
    publisher = PublisherProcess(_giving(victim, f"given.{prefix}", noise), folder)
    try:
        half = len(short_records) // 2
        worker = deployment.worker(slow=0.02)
        deployment.publish(short_records[:half])
        deployment.until_staged()
        publisher.start()
        until("pictures arrive", lambda: publisher.metric("frames_acknowledged_total") > 8, 30)
        found = Outage(deployment, worker, publisher, f"given.{prefix}")
        _stand_still(victim, found, short_records[half:])
        yield found
    finally:
        victim.thaw()
        publisher.remove()
        deployment.close()


def _giving(victim, prefix, noise: Path):
    return {
        "kafka": {"bootstrap": [victim.bootstrap]},
        "prefix": prefix,
        "codec": "png",
        "realtime": True,
        "buffer": {"bytes": BUFFER, "policy": "drop-oldest"},
        "cameras": [{"camera": "door", "source": str(noise), "modality": "visible"}],
    }


def _stand_still(victim, outage, records):
    watched = ((outage.of_worker, outage.worker), (outage.of_publisher, outage.publisher))
    memory = [process.memory for _, process in watched]
    victim.freeze()
    begun = time.monotonic()
    while (seconds := time.monotonic() - begun) < FROZEN_SECONDS:
        for said, process in watched:
            said.look(process, seconds)
        time.sleep(0.3)
    for (said, process), before in zip(watched, memory, strict=True):
        said.grown = process.memory - before
    fetched = outage.worker.metric("records_total")
    acknowledged = outage.publisher.metric("frames_acknowledged_total")
    victim.thaw()
    back = time.monotonic()
    outage.deployment.publish(records)

    def note(watched, process, metric, before):
        if not watched.back_after and process.ready and process.metric(metric) > before:
            watched.back_after = time.monotonic() - back
        return watched.back_after

    def both():
        takes = note(outage.of_worker, outage.worker, "records_total", fetched)
        gives = note(outage.of_publisher, outage.publisher, "frames_acknowledged_total", acknowledged)
        return takes and gives

    try:
        until("both go on", both, 60)
    except AssertionError as error:
        processes = (outage.worker, outage.publisher)
        said = [(one.alive, one.reasons, one.answer("/metrics")[1]) for one in processes]
        raise AssertionError(f"{error}: {fetched}, {acknowledged}, {said}\n{outage.worker.log()}") from None


@pytest.mark.fault(
    row="The broker hangs for 30 s: the worker",
    injected="SIGSTOP to the only broker for 30 s; connections stay open",
    promise="The worker waits without using more memory; /ready fails with a reason within 15 s, /live "
    "stays green; once the broker continues, so does the worker",
    bound_s=15,
)
def test_the_broker_stands_still_before_a_worker(outage, recovery, undisturbed):
    said = outage.of_worker
    assert said.red_after is not None and said.red_after < 15 and said.reasons
    assert said.always_live
    assert said.grown < 64 << 20
    recovery.took(said.back_after)
    outage.deployment.drained(60)
    outage.deployment.check(undisturbed["sqlite"])
    assert outage.worker.stop() == 0


@pytest.mark.fault(
    row="The broker hangs for 30 s: the publisher",
    injected="The same; a camera keeps sending, 30 times as many bytes as the publisher may hold",
    promise="Memory stays within its limit, the oldest frames are dropped and each is counted; /ready "
    "fails with a reason, /live stays green; once the broker continues, so does the publisher; "
    "every acknowledged frame is there once and in order",
    bound_s=15,
)
def test_the_broker_stands_still_before_a_publisher(outage, victim, recovery):
    said, publisher = outage.of_publisher, outage.publisher
    assert said.red_after is not None and said.red_after < 15
    assert any("Kafka has acknowledged nothing" in reason for reason in said.reasons)
    assert said.always_live
    assert BUFFER / 2 < said.buffered <= BUFFER
    assert said.grown < 8 * BUFFER
    recovery.took(said.back_after)
    assert publisher.ended(60) == 0
    told = publisher.result
    assert told["dropped"] > 100 and told["undelivered"] == 0
    assert told["read"] == told["acknowledged"] + told["dropped"] == 360
    *frames, end = given(victim.bootstrap, f"{outage.prefix}frames.visible")
    assert end.kind is Kind.END and end.seq == 360
    seqs = [frame.seq for frame in frames]
    assert len(seqs) == told["acknowledged"] and seqs == sorted(set(seqs))


def given(bootstrap, topic):
    """Every envelope on a topic that one camera gave."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    found = []
    while any(consumer.position(one) < ends[one] for one in partitions):
        for records in consumer.poll(500).values():
            found += [read(record.value, record.headers) for record in records]
    consumer.close()
    return found
