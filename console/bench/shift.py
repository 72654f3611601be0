"""A worker through a night: many live cameras at the highest rate it sustains, its memory and its latency."""

import json
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from console.bench.footage import read_frames
from console.bench.kafka import WorkerProcess, topics, worker_process
from console.bench.machine import describe_machine
from console.bench.watches import add_watches
from reid_core.errors import SourceError
from reid_core.gallery import Gallery
from reid_core.types import Modality, Spectrum
from stream.footage.naming import parse_source
from stream.kafka.clients import KafkaSettings, TopicPartition, consumer, producer, translated
from stream.kafka.envelope import Codec, Envelope, Kind, Stream
from stream.kafka.payloads import encode
from stream.kafka.topic_plan import TopicSettings
from stream.kafka.wire import write

CAMERAS = 8
# Long enough for all that the footage shows: some stretches of it take several times as long as others.
_FIRST_SECONDS = 150.0
_BACKLOG = 400
_FLOOD = 1000.0
_WARM_FRAMES = 200
_MARGIN = 0.8
_MOST_FRAMES = 1400
_SAMPLE_SECONDS = 5.0
_WARM_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class _Camera:
    """One camera of the bench: which footage it repeats, and where it begins in it."""

    name: str
    modality: Modality
    spectrum: Spectrum
    payloads: list[tuple[bytes, int, int]]
    phase: int


def bench_shift(
    bootstrap: str,
    visible: Sequence[str],
    infrared: Sequence[str],
    minutes: float,
    detector: str | None,
    reid: str | None,
    watches: int = 0,
) -> dict[str, Any]:
    """Run one worker on all cores of this process with eight live cameras, and so many watches.

    The footage is decoded and encoded as JPEG beforehand and repeated, half of the cameras visible, half
    infrared, each beginning elsewhere in it, each frame stamped with the time at which it is sent. First
    something always waits, for two minutes and a half, which gives the highest rate; then four fifths of it
    are sent for so many minutes. Memory is the worker's resident size, its slope a line through the samples
    after the first fifth. Latency is from the capture of a tracklet's last frame to the broker's
    acknowledgement of its link; how the tracklets closed is told with it, because one that somebody left
    (``timeout``) closes only when the tracker's patience is over (``tracker.lost_seconds``). That of
    alerts is told likewise where there are watches.
    """
    kafka = KafkaSettings(bootstrap=(bootstrap,))
    cameras = _cameras(visible, infrared)
    with tempfile.TemporaryDirectory() as folder, topics(kafka, 1) as settings:
        arguments = _arguments(kafka, settings, folder, detector, reid)
        if watches:
            add_watches(_database(folder), watches, reid, time.time_ns())
        with worker_process(arguments, sorted(os.sched_getaffinity(0))) as worker:
            feed = _Feed(kafka, settings, cameras)
            try:
                highest = _highest(feed, worker)
                rate = _MARGIN * highest
                found = _through_the_night(feed, worker, rate, minutes)
            finally:
                feed.stop()
            links = _latencies(kafka, settings.links, found["from_ns"])
            alerts = _latencies(kafka, settings.alerts, found["from_ns"]) if watches else {}
        closed = _closed(_database(folder), links)
    return {
        "name": "shift",
        "cameras": len(cameras),
        "minutes": minutes,
        "highest_fps": round(highest, 1),
        "fps": round(found["done"] / found["seconds"], 1),
        "frames": round(found["done"]),
        "lag_records": found["lag"],
        "memory": found["memory"],
        "links": len(links),
        "closed": closed,
        "latency_s": _percentiles(links),
        "watches": watches,
        "alerts": len(alerts),
        "alert_latency_s": _percentiles(alerts),
        "machine": describe_machine(),
    }


def _percentiles(latencies: Mapping[str, float]) -> dict[str, float]:
    found = list(latencies.values())
    return {f"p{q}": round(float(np.percentile(found, q)), 3) for q in (50, 95, 99) if found}


def _cameras(visible: Sequence[str], infrared: Sequence[str]) -> list[_Camera]:
    if not visible or not infrared:
        raise SourceError("The shift bench needs footage.", "Name it with --visible and --infrared.")
    kinds = (
        (Modality.VISIBLE, Spectrum.VISIBLE, _payloads(visible[0], Modality.VISIBLE)),
        (Modality.INFRARED, Spectrum.THERMAL, _payloads(infrared[0], Modality.INFRARED)),
    )
    each = CAMERAS // len(kinds)
    return [
        _Camera(f"{modality}-{i}", modality, spectrum, payloads, i * len(payloads) // each)
        for i in range(each)
        for modality, spectrum, payloads in kinds
    ]


def _payloads(location: str, modality: Modality) -> list[tuple[bytes, int, int]]:
    frames = read_frames(parse_source(location, modality), _MOST_FRAMES)
    return [(encode(rgb, Codec.JPEG, 95), rgb.shape[1], rgb.shape[0]) for rgb in frames]


def _arguments(
    kafka: KafkaSettings, settings: TopicSettings, folder: str, detector: str | None, reid: str | None
) -> list[str]:
    options = {
        "kafka.bootstrap": ",".join(kafka.bootstrap),
        "prefix": settings.prefix,
        "database": _database(folder),
    }
    options |= {"models.detector": detector} if detector is not None else {}
    options |= {"models.reid": reid} if reid is not None else {}
    return [part for key, value in options.items() for part in ("--set", f"{key}={value}")]


class _Feed:
    """Sends the cameras' frames in turn, at a rate that may be changed."""

    def __init__(self, kafka: KafkaSettings, settings: TopicSettings, cameras: Sequence[_Camera]) -> None:
        self._settings = settings
        self._cameras = cameras
        self.rate = 0.0
        self.sent = 0
        self._stop = threading.Event()
        with translated():
            self._client = producer(kafka, linger_ms=2)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more."""
        self._stop.set()
        self._thread.join()
        self._client.close(timeout=10)

    def _run(self) -> None:
        envelopes = self._envelopes()
        due = time.monotonic()
        while not self._stop.is_set():
            if self.rate <= 0:
                due = time.monotonic()
                self._stop.wait(0.01)
                continue
            due += 1 / self.rate
            self._stop.wait(max(0.0, due - time.monotonic()))
            envelope = next(envelopes)
            value, headers = write(envelope)
            topic = self._settings.frames(envelope.stream.modality)
            self._client.send(topic, value, key=envelope.key, headers=headers)
            self.sent += 1

    def _envelopes(self) -> Iterator[Envelope]:
        begun = time.time_ns()
        # The tracker counts in frames: it is told the rate that the footage was recorded at.
        streams = [
            Stream(
                f"{camera.name}/{begun}",
                camera.name,
                camera.modality,
                camera.spectrum,
                10.0,
                begun,
                live=True,
            )
            for camera in self._cameras
        ]
        index = 0
        while True:
            for camera, stream in zip(self._cameras, streams, strict=True):
                payload, width, height = camera.payloads[(camera.phase + index) % len(camera.payloads)]
                yield Envelope(Kind.FRAME, stream, index, time.time_ns(), Codec.JPEG, width, height, payload)
            index += 1


def _highest(feed: _Feed, worker: WorkerProcess) -> float:
    """Frames per second that the worker does where something always waits for it."""

    def done() -> float:
        return worker.total("nightreid_worker_frames_total")

    def keep_busy(until: Callable[[], bool]) -> None:
        while not until():
            feed.rate = _FLOOD if feed.sent - done() < _BACKLOG else 0.0
            time.sleep(0.1)

    keep_busy(lambda: done() >= _WARM_FRAMES)
    before, begun = done(), time.monotonic()
    keep_busy(lambda: time.monotonic() - begun >= _FIRST_SECONDS)
    highest = (done() - before) / (time.monotonic() - begun)
    feed.rate = 0.0
    while done() < feed.sent:
        time.sleep(0.2)
    return highest


def _through_the_night(feed: _Feed, worker: WorkerProcess, rate: float, minutes: float) -> dict[str, Any]:
    samples: list[tuple[float, float]] = []
    lags = []
    from_ns, begun = time.time_ns(), time.monotonic()
    done = worker.total("nightreid_worker_frames_total")
    feed.rate = rate
    while (passed := time.monotonic() - begun) < 60 * minutes:
        samples.append((passed / 60, worker.memory() / (1 << 20)))
        lags.append(feed.sent - worker.total("nightreid_worker_frames_total"))
        time.sleep(_SAMPLE_SECONDS)
    done = worker.total("nightreid_worker_frames_total") - done
    seconds = time.monotonic() - begun
    feed.rate = 0.0
    time.sleep(15)  # what is open closes, and is linked
    settled = [sample for sample in samples if sample[0] >= _WARM_SHARE * minutes]
    sizes = [size for _, size in settled]
    slope = float(np.polyfit([minute for minute, _ in settled], sizes, 1)[0])
    return {
        "from_ns": from_ns,
        "done": done,
        "seconds": seconds,
        "lag": {"median": float(np.median(lags)), "most": float(max(lags)), "last": float(lags[-1])},
        "memory": {
            "slope_mib_per_minute": round(slope, 2),
            "first_mib": round(sizes[0]),
            "last_mib": round(sizes[-1]),
            "most_mib": round(max(sizes)),
            "each_minute_mib": _each_minute(samples),
        },
    }


def _each_minute(samples: Sequence[tuple[float, float]]) -> list[int]:
    minutes = range(int(samples[-1][0]) + 1)
    return [
        round(float(np.median([size for passed, size in samples if int(passed) == minute])))
        for minute in minutes
    ]


def _database(folder: str) -> str:
    return f"sqlite:///{folder}/shift.db"


def _closed(database: str, tracklets: Collection[str]) -> dict[str, int]:
    with Gallery.open(database) as gallery:
        found = gallery.tracklets(modality=Modality.INFRARED)
    return dict(Counter(str(each.close_reason) for each in found if each.id in tracklets))


def _latencies(kafka: KafkaSettings, topic: str, from_ns: int) -> dict[str, float]:
    """Seconds from the last frame of each tracklet to its first link or alert on the topic."""
    seen: dict[str, float] = {}
    with translated():
        client = consumer(kafka, group_id=None, isolation_level="read_committed")
        partitions = [TopicPartition(topic, 0)]
        client.assign(partitions)
        client.seek_to_beginning(*partitions)
        end = client.end_offsets(partitions)[partitions[0]]
        while client.position(partitions[0]) < end:
            for records in client.poll(timeout_ms=500).values():
                for record in records:
                    said = json.loads(record.value)
                    if said["start_ns"] >= from_ns:
                        seen.setdefault(said["tracklet"], record.timestamp / 1e3 - said["end_ns"] / 1e9)
        client.close()
    return seen
