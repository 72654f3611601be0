"""The run against what its models alone need, and against what people put together by hand."""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from console.bench.machine import describe_machine
from console.report import write_report
from detectors.detector import Look, PersonDetector
from reid_core.errors import SourceError
from reid_core.gallery import Gallery
from reid_core.runtime import Embedder, load_embedder
from reid_core.types import Detections, Floats, Image, Modality
from stream.chain.config import RunSettings
from stream.footage.naming import SourceSpec, parse_source
from stream.footage.opening import open_source
from stream.run.running import run_footage
from stream.service.process import keep_large_blocks

MODELS_TARGET = 1.1
BY_HAND_TARGET = 3.0


class _RecordingDetector(PersonDetector):
    """Remembers what it was asked to look at, call by call."""

    calls: list[list[Look]]

    def look(self, looks: Sequence[Look]) -> list[Detections]:
        """As the detector does."""
        self.calls.append(list(looks))
        return super().look(looks)


class _RecordingEmbedder:
    """Remembers the crops it was given, call by call."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.calls: list[tuple[list[Image], Modality]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed(self, crops: Sequence[Image], modality: Modality) -> Floats:
        """As the embedder does."""
        self.calls.append((list(crops), modality))
        return self._embedder.embed(crops, modality)


def bench_pipeline(
    visible: Sequence[str], infrared: Sequence[str], weights: str, reid: str | None, repeats: int = 3
) -> dict[str, Any]:
    """Time the run, its models alone, and the hand-made chain on the same footage in one process.

    * the run: decoding, gate, detection, tracking, crops, embedding, writing, linking and the report, into
      a fresh database;
    * models alone: the very detector and embedder calls of that run (same frames, regions, crops and batch
      sizes), replayed from memory;
    * by hand: ultralytics' ``track`` with its defaults on the same weights, one embedder call a crop, and a
      NumPy search of the visible crops for each infrared one.

    Loading the models is in none of them. Repeats take turns; medians are compared.
    """
    specs = [parse_source(text, Modality.VISIBLE) for text in visible]
    specs += [parse_source(text, Modality.INFRARED) for text in infrared]
    if not specs:
        raise SourceError("The pipeline bench needs footage.", "Name it with --visible and --infrared.")
    # As `nightreid run` does.
    keep_large_blocks()
    settings = RunSettings()
    embedder = load_embedder(reid)
    with PersonDetector.open(weights, settings.detector) as detector:
        looks, crops = _recorded(specs, detector, embedder, settings)
        ours: list[float] = []
        alone: list[float] = []
        for _ in range(repeats):
            ours.append(_timed(lambda: _run_once(specs, detector, embedder, settings)))
            alone.append(_timed(lambda: _replay(detector, embedder, looks, crops)))
    frames = sum(_frame_count(spec, settings) for spec in specs)
    by_hand = _timed(lambda: _by_hand(specs, weights, embedder))
    ours_s, baseline_s = statistics.median(ours), statistics.median(alone)
    return {
        "name": "pipeline",
        "ours_s": round(ours_s, 3),
        "baseline_s": round(baseline_s, 3),
        "ratio": round(ours_s / baseline_s, 3),
        "target": MODELS_TARGET,
        "baseline": "the same detector and embedder calls alone",
        "by_hand": {
            "baseline": "ultralytics track, one embedder call a crop, NumPy search",
            "ours_fps": round(frames / ours_s, 1),
            "baseline_s": round(by_hand, 3),
            "baseline_fps": round(frames / by_hand, 1),
            "speedup": round(by_hand / ours_s, 2),
            "target": BY_HAND_TARGET,
        },
        "frames": frames,
        "looks": sum(map(len, looks)),
        "crops": sum(len(images) for images, _ in crops),
        "repeats": {"ours_s": [round(s, 3) for s in ours], "baseline_s": [round(s, 3) for s in alone]},
        "machine": describe_machine(),
    }


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _run_once(
    specs: Sequence[SourceSpec], detector: PersonDetector, embedder: Embedder, settings: RunSettings
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Gallery.open(f"sqlite:///{folder}/bench.db") as gallery:
            result = run_footage(specs, gallery, detector, embedder, settings)
        write_report(result, Path(folder) / "report.html")


def _recorded(
    specs: Sequence[SourceSpec], detector: PersonDetector, embedder: Embedder, settings: RunSettings
) -> tuple[list[list[Look]], list[tuple[list[Image], Modality]]]:
    """The detector and embedder calls of one run; warms both up as well."""
    spy = _RecordingDetector(detector.network, detector.name, detector.digest, detector.settings)
    spy.calls = []
    crops = _RecordingEmbedder(embedder)
    _run_once(specs, spy, crops, settings)  # type: ignore[arg-type]
    return spy.calls, crops.calls


def _replay(
    detector: PersonDetector,
    embedder: Embedder,
    looks: Sequence[Sequence[Look]],
    crops: Sequence[tuple[list[Image], Modality]],
) -> None:
    for call in looks:
        detector.look(call)
    for images, modality in crops:
        embedder.embed(images, modality)


def _frame_count(spec: SourceSpec, settings: RunSettings) -> int:
    source = open_source(spec, settings.folder_fps, settings.live.open_seconds, settings.live.gone_seconds)
    return source.total or sum(1 for _ in source.frames(0, threading.Event()))


def _by_hand(specs: Sequence[SourceSpec], weights: str, embedder: Embedder) -> None:
    """What a capable person writes in an afternoon from the libraries' own examples."""
    os.environ.setdefault("YOLO_VERBOSE", "false")
    from ultralytics import YOLO

    gallery: list[Floats] = []
    for spec in specs:
        model = YOLO(weights, task="detect")
        capture = cv2.VideoCapture(spec.location)
        while True:
            decoded, frame = capture.read()
            if not decoded:
                break
            [result] = model.track(frame, persist=True, classes=[0], verbose=False)
            for x1, y1, x2, y2 in result.boxes.xyxy.cpu().numpy().astype(int):
                crop = cv2.cvtColor(frame[max(y1, 0) : y2, max(x1, 0) : x2], cv2.COLOR_BGR2RGB)
                [vector] = embedder.embed([np.asarray(crop, np.uint8)], spec.modality)
                if spec.modality is Modality.VISIBLE:
                    gallery.append(vector)
                elif gallery:
                    np.argsort(-(np.stack(gallery) @ vector))[:5]
        capture.release()
