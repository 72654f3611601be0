"""The publisher on a real broker, which is frozen, killed and restarted under it."""

import json
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import numpy as np
import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec
from stream.footage.opening import open_source
from stream.footage.sources import recording_id
from stream.kafka.envelope import Kind, check_digest
from stream.kafka.payloads import decode
from stream.kafka.settings import KafkaSettings
from stream.kafka.wire import read
from stream.publisher.config import PublishSettings, with_sources
from stream.publisher.publishing import publish
from tests.conftest import command_environment
from tests.support.daemon import free_ports
from tests.support.mjpeg import camera
from tests.support.night import specs


def create_topics(bootstrap, prefix="", **configs):
    asked = {"num_partitions": 3, "replication_factor": 1, "configs": configs}
    with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
        admin.create_topics(
            {f"{prefix}frames.{modality}": asked for modality in Modality}, wait_for_metadata=True
        )


def received(bootstrap, prefix=""):
    """Every record of both topics, by camera, in the order of its partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False, group_id=None
    )
    parts = [TopicPartition(f"{prefix}frames.{one}", number) for one in Modality for number in range(3)]
    consumer.assign(parts)
    ends = consumer.end_offsets(parts)
    found = {}
    deadline = time.monotonic() + 60
    while any(consumer.position(part) < ends[part] for part in parts):
        assert time.monotonic() < deadline
        for records in consumer.poll(200).values():
            for record in records:
                envelope = read(record.value, record.headers)
                assert record.key == envelope.stream.camera.encode()
                check_digest(envelope.digest, envelope.payload)
                found.setdefault(envelope.stream.camera, []).append(envelope)
    consumer.close()
    return found


def numbers_once(envelopes):
    """The numbers of one stream, those left out that came again; they only ever go up."""
    found = []
    for one in envelopes:
        if one.kind is Kind.FRAME and (not found or one.seq > found[-1]):
            found.append(one.seq)
        elif one.kind is Kind.FRAME:
            assert one.seq in found, "a number that comes late would be lost to the worker"
    return found


class Publisher:
    """The command in a process of its own."""

    def __init__(self, bootstrap, *arguments, folder):
        (self.port,) = free_ports(1)
        command = [sys.executable, "-m", "console.cli", "publish", "--bootstrap", bootstrap, "--json"]
        self.process = subprocess.Popen(
            [*command, "--metrics-port", str(self.port), *map(str, arguments)],
            cwd=folder,
            env=command_environment() | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=(folder / "said.txt").open("w"),
            text=True,
        )
        self._said = folder / "said.txt"
        self._memory = psutil.Process(self.process.pid)

    @property
    def said(self):
        return self._said.read_text()

    @property
    def memory(self):
        return self._memory.memory_info().rss

    def ask(self, path):
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except URLError:
            return None, ""

    def metric(self, name):
        lines = self.ask("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def until(self, true, seconds=60):
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def end(self, how=None, seconds=60):
        """Status and JSON at its end."""
        if how is not None:
            self.process.send_signal(how)
        out, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, json.loads(out) if out else None


@pytest.fixture
def start(tmp_path):
    """Start the command; it is not left behind."""
    started = []

    def go(bootstrap, *arguments):
        started.append(Publisher(bootstrap, *arguments, folder=tmp_path))
        return started[-1]

    yield go
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def noise(monkeypatch):
    """What cameras show: frames of some 300 kB."""
    picture = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    monkeypatch.setattr("tests.support.mjpeg.scene", lambda *_: picture)


def test_pictures_arrive_whole_numbered_and_exact(kafka, topic_prefix, night_videos):
    create_topics(kafka.bootstrap, topic_prefix)
    sources = specs(night_videos)
    settings = PublishSettings(
        kafka=KafkaSettings(bootstrap=kafka.bootstrap), prefix=topic_prefix, codec="png"
    )
    result = publish(with_sources(settings, sources))
    assert result.complete and result.status.sessions == 1
    found = received(kafka.bootstrap, topic_prefix)
    for spec in sources:
        source = open_source(spec, 10, 1, 1)
        pictures = list(source.frames(0, threading.Event()))
        *frames, end = found[spec.camera]
        assert end.kind is Kind.END and end.seq == len(pictures)
        assert [frame.seq for frame in frames] == [picture.index for picture in pictures]
        assert {frame.stream.id for frame in frames} == {recording_id(source)}
        for frame, picture in zip(frames, pictures, strict=True):
            assert frame.capture_ns == picture.time_ns
            assert (decode(frame, frame.payload) == picture.rgb()).all()


def test_a_frozen_broker_costs_the_oldest_pictures_and_no_memory(own_broker, start, noise):
    create_topics(own_broker.bootstrap)
    bound = 6 << 20
    with camera(frames=10**6) as server:
        publisher = start(
            own_broker.bootstrap,
            *(server.url, "--camera", "door", "--modality", "visible"),
            *("--set", f"buffer.bytes={bound}", "--set", "flush_seconds=30"),
        )
        publisher.until(lambda: publisher.metric("nightreid_publisher_frames_acknowledged") > 30)
        publisher.until(lambda: publisher.ask("/ready")[0] == 200)
        before = publisher.memory
        own_broker.freeze()
        frozen = time.monotonic()
        most, fullest = 0, 0
        while time.monotonic() - frozen < 12:
            most = max(most, publisher.memory)
            fullest = max(fullest, publisher.metric("nightreid_publisher_buffer_bytes"))
            assert publisher.ask("/live")[0] == 200
            time.sleep(0.1)
        status, text = publisher.ask("/ready")
        assert status == 503 and "Kafka has acknowledged nothing" in text
        dropped_while_frozen = publisher.metric("nightreid_publisher_frames_dropped")
        read_while_frozen = publisher.metric("nightreid_publisher_frames_read")
        own_broker.thaw()
        publisher.until(lambda: publisher.ask("/ready")[0] == 200, 20)
        publisher.until(lambda: publisher.metric("nightreid_publisher_frames_read") > read_while_frozen + 20)
        status, told = publisher.end(signal.SIGTERM)
    assert status == 0 and told["undelivered"] == 0
    assert bound / 2 < fullest <= bound
    assert dropped_while_frozen > 50
    assert most - before < bound + (24 << 20), f"{(most - before) >> 20} MiB"
    (door,) = told["cameras"]
    assert set(door["dropped"]) <= {"oldest", "encoding"} and door["dropped"]["oldest"] > 50
    *_, end = envelopes = received(own_broker.bootstrap)["door"]
    numbers = numbers_once(envelopes)
    assert end.kind is Kind.END
    assert end.seq - len(numbers) == sum(door["dropped"].values()), "every gap is counted"
    assert door["read"] == end.seq and door["acknowledged"] == len(numbers)
    assert len({one.stream.id for one in envelopes}) == 1
    said = publisher.said
    assert "Kafka has acknowledged nothing for" in said and "Kafka is back" in said


@pytest.mark.parametrize("how", ["kill", "restart"])
def test_a_broker_that_dies_costs_nothing(own_broker, start, night_videos, how):
    """Recordings wait; what is read is read and every number arrives, in order."""
    create_topics(own_broker.bootstrap)
    publisher = start(
        own_broker.bootstrap,
        *(f"gate={night_videos['gate']}", f"yard={night_videos['yard']}", "--modality", "visible"),
        *("--realtime", "--codec", "png"),
    )
    publisher.until(lambda: publisher.metric("nightreid_publisher_frames_acknowledged") > 60)
    if how == "kill":
        own_broker.kill()
        time.sleep(1)
        own_broker.start()
    else:
        own_broker.restart()
    status, told = publisher.end()
    assert status == 0 and told["complete"] and told["dropped"] == 0
    found = received(own_broker.bootstrap)
    for name, count in (("gate", 300), ("yard", 280)):
        assert numbers_once(found[name]) == list(range(count))
        assert found[name][-1].kind is Kind.END and found[name][-1].seq == count


def test_a_broker_that_dies_while_a_camera_is_watched_costs_only_what_is_counted(own_broker, start, noise):
    create_topics(own_broker.bootstrap)
    with camera(frames=10**6) as server:
        publisher = start(
            own_broker.bootstrap,
            *(server.url, "--camera", "door", "--modality", "visible"),
            *("--set", "buffer.bytes=6000000"),
        )
        for _ in range(2):
            known = publisher.metric("nightreid_publisher_frames_acknowledged")
            publisher.until(
                lambda: publisher.metric("nightreid_publisher_frames_acknowledged") > known + 20  # noqa: B023
            )
            own_broker.kill()
            time.sleep(1.5)
            own_broker.start()
        publisher.until(lambda: publisher.ask("/ready")[0] == 200)
        status, told = publisher.end(signal.SIGINT)
    assert status == 130 and told["undelivered"] == 0
    (door,) = told["cameras"]
    envelopes = received(own_broker.bootstrap)["door"]
    numbers = numbers_once(envelopes)
    assert envelopes[-1].seq - len(numbers) == sum(door["dropped"].values())
    assert len(numbers) == door["acknowledged"]
    times = [one.capture_ns for one in envelopes if one.kind is Kind.FRAME]
    assert all(before <= after for before, after in pairwise(times)) or len(numbers) < len(times)


def test_a_connection_that_gets_nowhere_is_left_and_nothing_is_lost(own_broker, night_videos, monkeypatch):
    """As it would after minutes: everything not acknowledged goes again, at worst twice, in order."""
    monkeypatch.setattr("stream.publisher.delivering._STALLED_SECONDS", 1.5)
    create_topics(own_broker.bootstrap)
    kafka = KafkaSettings(bootstrap=own_broker.bootstrap, connect_seconds=2)
    settings = PublishSettings(kafka=kafka, codec="png", realtime=True)
    threads = [threading.Timer(3, own_broker.freeze), threading.Timer(9, own_broker.thaw)]
    for thread in threads:
        thread.start()
    result = publish(with_sources(settings, specs(night_videos)))
    for thread in threads:
        thread.join()
    assert result.complete and result.status.sessions > 1 and result.status.again > 0
    found = received(own_broker.bootstrap)
    for name, count in (("gate", 300), ("yard", 280), ("night", 200)):
        assert numbers_once(found[name]) == list(range(count))
        assert found[name][-1].kind is Kind.END
    # The frozen broker had the first of each partition already.
    assert sum(len(envelopes) for envelopes in found.values()) >= 783


def test_a_broker_that_is_away_at_the_start_is_waited_for(own_broker, start, night_videos):
    create_topics(own_broker.bootstrap)
    own_broker.stop()
    publisher = start(own_broker.bootstrap, f"night={night_videos['night']}", "--modality", "infrared")
    publisher.until(lambda: "No Kafka broker answers" in publisher.said)
    assert publisher.ask("/live")[0] == 200 and publisher.ask("/ready")[0] == 503
    own_broker.start()
    status, told = publisher.end()
    assert status == 0 and told["complete"] and told["acknowledged"] == 200
    assert numbers_once(received(own_broker.bootstrap)["night"]) == list(range(200))


def test_a_broker_that_stays_away_does_not_keep_it_from_ending(own_broker, start, night_videos):
    create_topics(own_broker.bootstrap)
    publisher = start(
        own_broker.bootstrap,
        *(f"night={night_videos['night']}", "--modality", "infrared", "--realtime"),
        *("--set", "flush_seconds=1"),
    )
    publisher.until(lambda: publisher.metric("nightreid_publisher_frames_acknowledged") > 20)
    own_broker.freeze()
    publisher.until(lambda: publisher.metric("nightreid_publisher_buffer_records") > 10)
    begun = time.monotonic()
    status, told = publisher.end(signal.SIGTERM)
    assert time.monotonic() - begun < 15
    assert status == 0 and told["undelivered"] > 10 and told["interrupted"]


@pytest.mark.parametrize("most", [60_000, 5_000])
def test_what_a_topic_does_not_take_costs_nothing_else(kafka, topic_prefix, night_videos, most):
    """Batches are split; a frame that is too large by itself is dropped, the others are not."""
    create_topics(kafka.bootstrap, topic_prefix, **{"max.message.bytes": str(most)})
    settings = PublishSettings(
        kafka=KafkaSettings(bootstrap=kafka.bootstrap), prefix=topic_prefix, codec="jpeg", quality=95
    )
    result = publish(with_sources(settings, specs(night_videos)))
    found = received(kafka.bootstrap, topic_prefix)
    for one in result.status.cameras:
        numbers = numbers_once(found[one.camera])
        end = found[one.camera][-1]
        assert end.kind is Kind.END and end.seq == one.read
        assert one.acknowledged == len(numbers) == end.seq - sum(one.dropped.values())
        small = most > 5_000 or one.camera == "night"
        assert one.dropped == ({} if small else {"refused": one.read})
    assert found["night"][0].width == 160


def test_topics_nobody_made_are_one_sentence(kafka, topic_prefix, start, night_videos):
    publisher = start(
        kafka.bootstrap,
        *(f"night={night_videos['night']}", "--modality", "infrared", "--set", f"prefix={topic_prefix}"),
    )
    status, told = publisher.end()
    assert status == 1 and told is None
    assert f"Kafka has no topic {topic_prefix}frames.infrared" in publisher.said
    assert "Traceback" not in publisher.said


def test_the_password_of_a_camera_is_nowhere(kafka, topic_prefix, start, night_videos, tmp_path):
    """Neither of one that does not answer, nor of one that breaks off."""
    create_topics(kafka.bootstrap, topic_prefix)
    config = tmp_path / "cameras.yaml"
    with camera(frames=20) as server:
        cameras = [
            {
                "camera": "dead",
                "source": "rtsp://joe:s3cret@127.0.0.1:9/1?password=hush",
                "modality": "visible",
            },
            {"camera": "door", "source": server.url, "modality": "visible"},
        ]
        config.write_text(json.dumps({"cameras": cameras, "live": {"gone_seconds": 0}}))
        publisher = start(
            kafka.bootstrap,
            *(f"night={night_videos['night']}", "--modality", "infrared"),
            *("--config", config, "--set", f"prefix={topic_prefix}"),
        )
        publisher.until(lambda: publisher.metric("nightreid_publisher_frames_acknowledged") == 220)
        publisher.until(lambda: "door: The camera" in publisher.said and "dead: The camera" in publisher.said)
        metrics = publisher.ask("/metrics")[1]
        status, told = publisher.end(signal.SIGTERM)
    assert status == 0
    found = received(kafka.bootstrap, topic_prefix)
    assert numbers_once(found["door"]) == list(range(20)) and len(found["night"]) == 201
    everything = f"{publisher.said} {told} {metrics} {found}"
    for secret in ("s3cret", "joe", "hush"):
        assert secret not in everything
    assert "rtsp://***@127.0.0.1:9/1" in publisher.said


def test_the_spec_of_a_source_may_name_its_camera(kafka, topic_prefix, start, night_videos, tmp_path):
    create_topics(kafka.bootstrap, topic_prefix)
    publisher = start(
        kafka.bootstrap,
        *(night_videos["night"], night_videos["gate"], "--camera", "a", "--camera", "b"),
        *("--modality", "infrared", "--near-infrared", "--max-fps", "5", "--set", f"prefix={topic_prefix}"),
        *("--start", "b=2026-11-20T18:00:00+01:00"),
    )
    status, told = publisher.end()
    assert status == 0 and [one["camera"] for one in told["cameras"]] == ["a", "b"]
    found = received(kafka.bootstrap, topic_prefix)
    assert {one.stream.spectrum for one in found["a"] + found["b"]} == {Spectrum.NEAR}
    assert found["b"][0].capture_ns == 1795194000 * 10**9
    assert abs(len(found["b"]) - 61) <= 1
    spec = SourceSpec("a", str(night_videos["night"]), Modality.INFRARED, Spectrum.NEAR)
    assert found["a"][0].stream.id == recording_id(open_source(spec, 10, 1, 1))
