"""People in frames: any YOLO that ultralytics knows, for visible and infrared frames of any size."""

import hashlib
import os
import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from detectors.config import DetectorSettings
from detectors.letterbox import Placement, Region, decode, merge, place, tile
from detectors.network import Canvas, Network
from detectors.thermal import PolarityJudge
from detectors.ultralytics_package import published_weights, quiet_ultralytics
from reid_core.errors import ModelError
from reid_core.starter import starter_detector
from reid_core.types import Detections, Frame, Image, Modality, Polarity, Spectrum

PUBLISHED = "yolo11n.pt"
"""The official weights, fetched by ultralytics where the machine is online."""

_SUFFIXES = (".pt", ".onnx", ".engine", ".xml")


@dataclass(frozen=True, slots=True)
class Look:
    """One region of one frame, to be shown to the network as it is or inverted."""

    frame: Frame
    region: Region
    invert: bool


class PersonDetector:
    """Finds people. One detector serves all cameras; it keeps no state of any of them.

    Args:
        network: what does the looking.
        name: of the weights, for people.
        digest: SHA-256 of the weights.
        settings: thresholds and sizes for each modality.
    """

    def __init__(self, network: Network, name: str, digest: str, settings: DetectorSettings) -> None:
        # Not only with the first tracker: its import tells OpenCV to have no threads, and OpenCV divides by
        # their number where another thread is at work with it.
        quiet_ultralytics()
        self.network = network
        self.name = name
        self.digest = digest
        self.settings = settings

    @classmethod
    def open(
        cls, weights: str | Path | None = None, settings: DetectorSettings | None = None
    ) -> "PersonDetector":
        """Open detector weights.

        Args:
            weights: ``None`` for the starter pack's (or `PUBLISHED`, where there is none); a ``.pt`` by
                path or by the name ultralytics publishes it under, a ``.onnx``, a TensorRT ``.engine``, or
                the folder of an OpenVINO export (or its ``.xml``).
            settings: thresholds and sizes; the defaults if ``None``.

        Raises:
            ModelError: the weights are missing, damaged, or find no people.
        """
        settings = settings or DetectorSettings()
        threads = settings.threads or os.cpu_count() or 1
        path = Path((starter_detector() or PUBLISHED) if weights is None else weights)
        if not path.exists() and path.suffix == ".pt" and path.parent == Path():
            path = published_weights(path.name)
        _check_openable(path)
        network: Network
        if path.is_dir() or path.suffix == ".xml":
            from detectors.openvino_network import OpenVINONetwork

            network = OpenVINONetwork(path, threads)
        else:
            from detectors.ultralytics_network import UltralyticsNetwork

            network = UltralyticsNetwork(path, threads)
        return cls(network, path.stem if path.is_file() else path.name, digest_of(path), settings)

    @cached_property
    def _calls(self) -> threading.BoundedSemaphore:
        """Keeps calls of the network to as many as it takes: a lane may ask while the next batch is in it."""
        return threading.BoundedSemaphore(self.network.calls_at_once)

    @property
    def calls_at_once(self) -> int:
        """How many calls of `look` may be under way at the same time, in threads of their own."""
        return self.network.calls_at_once

    def close(self) -> None:
        """Give back threads and memory."""
        self.network.close()

    def __enter__(self) -> "PersonDetector":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def regions(self, frame: Frame) -> list[Region]:
        """The parts a frame of this size and modality is looked at in."""
        height, width = frame.image.shape[:2]
        return tile(height, width, self.settings.look(frame.modality).tile_below)

    def judge(self, modality: Modality, spectrum: Spectrum | None = None) -> PolarityJudge:
        """A fresh judge of a camera's polarity, as far as the settings do not decide it.

        Args:
            modality: of the camera.
            spectrum: the light it records, where that is known: reflected light has no polarity.
        """
        if modality is Modality.VISIBLE or spectrum is Spectrum.NEAR:
            return PolarityJudge(invert=False, told=True)
        if self.settings.polarity == "auto":
            return PolarityJudge()
        return PolarityJudge.known(Polarity(self.settings.polarity))

    def detect(self, frames: Sequence[Frame], invert: bool | Sequence[bool] = False) -> list[Detections]:
        """Find the people in whole frames, of one or of many cameras.

        Args:
            frames: of any sizes and modalities.
            invert: for all or for each frame, whether to look at its negative (white-hot thermal).

        Returns:
            For each frame its people, surest first, boxes in the frame's own pixels; those less sure
            than the modality's ``low_confidence`` are left out.
        """
        flags = [invert] * len(frames) if isinstance(invert, bool) else list(invert)
        looks = [
            Look(frame, region, flag)
            for frame, flag in zip(frames, flags, strict=True)
            for region in self.regions(frame)
        ]
        found = iter(self.look(looks))
        return [self.merge([next(found) for _ in self.regions(frame)]) for frame in frames]

    def merge(self, parts: Sequence[Detections]) -> Detections:
        """The people of several looks at one frame, each once."""
        return merge(parts, self.settings.overlap)

    def look(self, looks: Sequence[Look]) -> list[Detections]:
        """Find the people in regions of frames: one call of the network for each size of canvas.

        Returns:
            For each look its people, surest first, boxes in the whole frame's pixels.
        """
        groups: dict[Canvas, list[int]] = defaultdict(list)
        drawn: list[tuple[int, Image, Placement]] = []
        for i, look in enumerate(looks):
            x1, y1, x2, y2 = look.region
            for size in self._sizes(look):
                canvas = self.network.canvas(y2 - y1, x2 - x1, size)
                groups[canvas].append(len(drawn))
                drawn.append((i, *place(look.frame.image, look.region, canvas, look.invert)))
        parts: list[list[Detections]] = [[] for _ in looks]
        for members in groups.values():
            with self._calls:
                answers = self.network.infer([drawn[m][1] for m in members])
            for member, rows in zip(members, answers, strict=True):
                i, _, placement = drawn[member]
                low = self.settings.look(looks[i].frame.modality).low_confidence
                parts[i].append(decode(rows, placement, low, self.settings.overlap))
        return [self.merge(part) for part in parts]

    def _sizes(self, look: Look) -> tuple[int, ...]:
        settings = self.settings.look(look.frame.modality)
        x1, y1, x2, y2 = look.region
        whole = (y2 - y1, x2 - x1) == look.frame.image.shape[:2]
        return (settings.image_size,) if whole else settings.tile_sizes


def digest_of(path: Path) -> str:
    """SHA-256 over a weights file, or over the model files of an OpenVINO export in order of their names."""
    folder = path if path.is_dir() else path.parent
    if path.is_dir() or path.suffix == ".xml":
        pattern = "*" if path.is_dir() else path.stem
        files = sorted(folder.glob(f"{pattern}.xml")) + sorted(folder.glob(f"{pattern}.bin"))
    else:
        files = [path]
    total = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                total.update(block)
    return total.hexdigest()


def _check_openable(path: Path) -> None:
    if not path.exists():
        raise ModelError(
            f"The detector {path} does not exist.", "Give --detector a path or a published name."
        )
    if path.is_dir() and not any(path.glob("*.xml")):
        raise ModelError(f"The folder {path} holds no OpenVINO model (.xml).")
    if path.is_file() and path.suffix not in _SUFFIXES:
        raise ModelError(
            f"The file {path} is not a kind of detector weights that is known here.",
            f"It has to end in {', '.join(_SUFFIXES[:-1])} or {_SUFFIXES[-1]}, or be an OpenVINO folder.",
        )
