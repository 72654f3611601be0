"""How fast frames go through a worker, against a consumer that only takes them; two workers against one."""

import os
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from typing import Any

import cv2
import numpy as np

from console.bench.footage import read_frames
from console.bench.kafka import WorkerProcess, send, topics, worker_process
from console.bench.machine import describe_machine
from detectors.config import DetectorSettings
from detectors.detector import Look, PersonDetector
from detectors.network import Network
from reid_core.errors import SourceError
from reid_core.gallery import Gallery
from reid_core.runtime import Embedder, load_embedder
from reid_core.types import Detections, Floats, Modality, Spectrum
from stream.footage.naming import parse_source
from stream.kafka.clients import KafkaConsumer, KafkaSettings, TopicPartition, consumer, translated
from stream.kafka.envelope import Codec, Envelope, Kind, Stream
from stream.kafka.payloads import encode
from stream.kafka.topic_plan import TopicSettings
from stream.service.process import suit_to_receiving
from stream.worker.config import WorkerSettings
from stream.worker.worker import FETCH, Worker

TARGET = 1.25
"""Of the worker's time to the bare consumer's: at least 0.8 of its rate."""
WORKERS_TARGET = 1.8
"""Of two workers' rate to one's."""

_FRAMES = 1500
_ROUNDS = 5
_SCALING_ROUNDS = 3
_LOOK_SECONDS = 0.01
_BYTES = 300_000
_WIDTH, _HEIGHT = 640, 480
_START_NS = 1_700_000_000_000_000_000


class _NothingNetwork(Network):
    """Finds nobody, at once."""

    def infer(self, canvases: Sequence[Any]) -> list[Any]:
        return [np.zeros((0, 5), np.float32) for _ in canvases]


class _NothingDetector(PersonDetector):
    """A detector without its model."""

    def look(self, looks: Sequence[Look]) -> list[Detections]:
        """Nobody, at once."""
        return [Detections.empty() for _ in looks]


def bench_ingest(
    bootstrap: str, visible: Sequence[str], detector: str | None, reid: str | None
) -> dict[str, Any]:
    """Time them on the same records in the same topics, each in processes of its own.

    * the worker, as `nightreid worker` runs it: everything but the models, which answer at once: poll,
      envelope, checksum, order, decoding, motion gate, tracker, ledger in SQLite, offsets;
    * bare: a loop of the client library's ``poll`` with the worker's own fetch settings and nothing else,
      not even a group;
    * tuned: that loop with what makes receiving faster in a worker (`stream.service.process`, larger pieces),
      to tell what that saves from what the worker adds.

    Frames of 300 kB: raw 8-bit grey, as a near-infrared camera's, and JPEG, which has to be decoded; the
    target is for the former, what decoding costs is shown by the latter. Rounds alternate; medians are
    compared.

    Two workers against one: processes pinned to a core each, with the real models on footage, two cameras on
    two partitions. Left out where no footage is named.
    """
    kafka = KafkaSettings(bootstrap=(bootstrap,))
    cases = {codec.value: _case(kafka, codec) for codec in (Codec.GRAY8, Codec.JPEG)}
    first = cases["gray8"]
    result: dict[str, Any] = {
        "name": "ingest",
        "ours_s": first["ours_s"],
        "baseline_s": first["baseline_s"],
        "ratio": first["ratio"],
        "target": TARGET,
        "baseline": "a bare kafka-python consumer loop on the same records",
        "frames": _FRAMES,
        "cases": cases,
    }
    if visible:
        result["workers"] = _scaling(kafka, visible[0], detector, reid)
    return result | {"machine": describe_machine()}


def _case(kafka: KafkaSettings, codec: Codec) -> dict[str, Any]:
    with topics(kafka, 1) as settings:
        frames = _frames(codec)
        send(kafka, settings, frames)
        rounds: dict[str, list[float]] = {"ours_s": [], "baseline_s": [], "tuned_s": []}
        for _ in range(_ROUNDS):
            rounds["baseline_s"].append(_alone(_bare, kafka, settings))
            rounds["ours_s"].append(_alone(_worker, kafka, settings))
            rounds["tuned_s"].append(_alone(_tuned, kafka, settings))
    ours_s, baseline_s, tuned_s = (statistics.median(seconds) for seconds in rounds.values())
    return {
        "ours_s": round(ours_s, 3),
        "baseline_s": round(baseline_s, 3),
        "ratio": round(ours_s / baseline_s, 3),
        "tuned_s": round(tuned_s, 3),
        "tuned_ratio": round(ours_s / tuned_s, 3),
        "ours_fps": round(_FRAMES / ours_s, 1),
        "baseline_fps": round(_FRAMES / baseline_s, 1),
        "record_bytes": round(sum(len(frame.payload) for frame in frames) / len(frames)),
        "rounds": {name: [round(s, 3) for s in seconds] for name, seconds in rounds.items()},
    }


def _alone(timed: Callable[..., float], *arguments: Any) -> float:
    """What a function returns in a new process, which has nothing of what others left behind."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(timed, *arguments).result()


def _frames(codec: Codec) -> list[Envelope]:
    """Frames of noise that moves, so that the gate lets every one through."""
    stream = Stream("bench", "bench", Modality.INFRARED, Spectrum.NEAR, 25.0, _START_NS)
    coarse = np.random.default_rng(1).integers(0, 255, (_HEIGHT, 2 * _WIDTH), np.uint8)
    noise = cv2.GaussianBlur(coarse, (3, 3), 0)
    payloads = []
    for i in range(16):
        plane = np.ascontiguousarray(noise[:, 37 * i : 37 * i + _WIDTH])
        if codec is Codec.GRAY8:
            payloads.append(encode(plane, codec))
        else:
            payloads.append(_jpeg(plane))
    return [
        Envelope(
            Kind.FRAME,
            stream,
            i,
            _START_NS + i * 40_000_000,
            codec,
            _WIDTH,
            _HEIGHT,
            payloads[i % len(payloads)],
        )
        for i in range(_FRAMES)
    ]


def _jpeg(plane: Any) -> bytes:
    """A JPEG of about 300 kB."""
    colour = np.repeat(plane[:, :, None], 3, axis=2)
    made = [encode(colour, Codec.JPEG, quality) for quality in (100, 98, 95, 90)]
    return min(made, key=lambda data: abs(len(data) - _BYTES))


def _bare(kafka: KafkaSettings, settings: TopicSettings) -> float:
    plain = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    return _poll_all(KafkaConsumer(bootstrap_servers=list(kafka.bootstrap), **plain, **FETCH), settings)


def _tuned(kafka: KafkaSettings, settings: TopicSettings) -> float:
    suit_to_receiving()
    return _poll_all(consumer(kafka, **FETCH), settings)


def _poll_all(client: KafkaConsumer, settings: TopicSettings) -> float:
    """From the first records until the last."""
    with translated():
        client.assign([TopicPartition(settings.frames(modality), 0) for modality in Modality])
        taken, begun = 0, 0.0
        while taken < _FRAMES:
            for records in client.poll(timeout_ms=100).values():
                begun = begun or time.perf_counter()
                taken += len(records)
        seconds = time.perf_counter() - begun
        client.close()
    return seconds


def _worker(kafka: KafkaSettings, settings: TopicSettings) -> float:
    """From the first records until the last is settled and written."""
    suit_to_receiving()
    stop = threading.Event()
    detector = _NothingDetector(_NothingNetwork(), "nothing", "0" * 64, DetectorSettings())
    with tempfile.TemporaryDirectory() as folder, Gallery.open(f"sqlite:///{folder}/bench.db") as gallery:
        worker = Worker(
            gallery,
            detector,
            _nothing_embedder(),
            WorkerSettings(kafka=kafka, prefix=settings.prefix, group=f"bench-{uuid.uuid4().hex[:8]}"),
            stop,
        )
        thread = threading.Thread(target=worker.run)
        thread.start()
        begun = 0.0
        while worker.settled < _FRAMES and thread.is_alive():
            if not begun and worker.settled:
                begun = time.perf_counter()
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - begun
        stop.set()
        thread.join()
    return seconds


def _nothing_embedder() -> Embedder:
    """Never called: nobody is found."""

    class Nothing:
        name, model_id = "nothing", "0" * 64

        def calibration(self, _pair: str) -> None:
            """None."""

        def embed(self, _crops: Sequence[Any], _modality: Modality) -> Floats:
            """Nothing."""
            return np.zeros((0, 1), np.float32)

    return Nothing()  # type: ignore[return-value]


# Two workers


def _scaling(kafka: KafkaSettings, footage: str, detector: str | None, reid: str | None) -> dict[str, Any]:
    cores = sorted(os.sched_getaffinity(0))[:2]
    if len(cores) < 2:
        raise SourceError("Two workers need two cores.")
    load_embedder(reid)  # finds out early whether there is such a model
    rates: dict[int, list[float]] = {1: [], 2: []}
    frames = _footage(footage)
    for _ in range(_SCALING_ROUNDS):
        for workers in (1, 2):
            rates[workers].append(_rate(kafka, frames, cores[:workers], detector, reid))
    one, two = statistics.median(rates[1]), statistics.median(rates[2])
    return {
        "one_fps": round(one, 1),
        "two_fps": round(two, 1),
        "speedup": round(two / one, 2),
        "target": WORKERS_TARGET,
        "frames": 2 * len(frames),
        "rounds": {str(workers): [round(rate, 1) for rate in found] for workers, found in rates.items()},
    }


def _footage(location: str) -> list[tuple[int, Any]]:
    """JPEG files of a recording's first frames, and its size."""
    frames = read_frames(parse_source(location, Modality.VISIBLE), 500)
    return [(index, (encode(rgb, Codec.JPEG), *rgb.shape[:2])) for index, rgb in enumerate(frames)]


def _two_cameras(frames: Sequence[tuple[int, Any]]) -> list[Envelope]:
    """The same footage as two cameras, one on each topic's one partition."""
    sent = []
    for index, (payload, height, width) in frames:
        for modality, spectrum in ((Modality.VISIBLE, Spectrum.VISIBLE), (Modality.INFRARED, Spectrum.NEAR)):
            stream = Stream(f"bench {modality}", f"bench {modality}", modality, spectrum, 10.0, _START_NS)
            time_ns = _START_NS + index * 100_000_000
            sent.append(Envelope(Kind.FRAME, stream, index, time_ns, Codec.JPEG, width, height, payload))
    return sent


def _rate(
    kafka: KafkaSettings,
    frames: Sequence[tuple[int, Any]],
    cores: Sequence[int],
    detector: str | None,
    reid: str | None,
) -> float:
    """Frames per second of workers pinned to a core each, once all of them have joined."""
    sent = _two_cameras(frames)
    with tempfile.TemporaryDirectory() as folder, topics(kafka, 1) as settings, ExitStack() as stack:
        options = {
            "kafka.bootstrap": ",".join(kafka.bootstrap),
            "prefix": settings.prefix,
            "database": f"sqlite:///{folder}/bench.db",
            "detector.threads": 1,
            "limits.decoders": 1,
        }
        options |= {"models.detector": detector} if detector is not None else {}
        options |= {"models.reid": reid} if reid is not None else {}
        arguments = [part for key, value in options.items() for part in ("--set", f"{key}={value}")]
        processes: list[WorkerProcess] = []
        for core in cores:
            processes.append(stack.enter_context(worker_process(arguments, [core])))
        shares = 2 // len(cores)
        while any(one.total("nightreid_worker_assigned_partitions") != shares for one in processes):
            time.sleep(0.2)
        send(kafka, settings, sent[: 2 * 20])
        _wait(processes, 2 * 20)
        send(kafka, settings, sent[2 * 20 :])
        begun, before = time.perf_counter(), _done(processes)
        _wait(processes, len(sent))
        rate: float = (len(sent) - before) / (time.perf_counter() - begun)
    return rate


def _done(processes: Sequence[WorkerProcess]) -> float:
    return sum(one.total("nightreid_worker_frames_total") for one in processes)


def _wait(processes: Sequence[WorkerProcess], frames: int) -> None:
    while _done(processes) < frames:
        time.sleep(0.05)
