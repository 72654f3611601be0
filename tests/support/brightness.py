"""A small world without weights: bright figures on a dark ground, and parts that find and tell them apart."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import openvino
from openvino import opset13 as ops

from detectors.config import DetectorSettings, LookSettings
from detectors.detector import PersonDetector
from detectors.network import Network

_BRIGHT = 150
_LARGEST_SHARE = 0.12


class BrightnessNetwork(Network):
    """Finds upright bright figures by their connected components."""

    def __init__(self, slow: float = 0.0) -> None:
        self.slow = slow
        self.calls = 0

    def infer(self, canvases):
        self.calls += 1
        time.sleep(self.slow * len(canvases))
        return [_rows(canvas) for canvas in canvases]


def _rows(canvas):
    red, green, blue = cv2.split(canvas)
    mask = cv2.threshold(cv2.max(cv2.max(red, green), blue), _BRIGHT, 1, cv2.THRESH_BINARY)[1]
    # Compression blurs the texture: small holes are closed.
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    rows = [
        (x + w / 2, y + h / 2, w, h, 0.9)
        for x, y, w, h, area in stats[1:].tolist()
        if h > w and h > 12 and area < _LARGEST_SHARE * mask.size
    ]
    return np.array(rows, np.float32).reshape(-1, 5)


SMALL = DetectorSettings(
    visible=LookSettings(image_size=320), infrared=LookSettings(tile_below=320, tile_sizes=(128, 160))
)
"""As small as the small world."""


def brightness_detector(settings: DetectorSettings = SMALL, slow: float = 0.0) -> PersonDetector:
    return PersonDetector(BrightnessNetwork(slow), "brightness", "0" * 64, settings)


def colour_model(folder: Path) -> str:
    """An embedder in OpenVINO form whose vector is the crop's mean colour."""
    folder.mkdir(parents=True, exist_ok=True)
    images = ops.parameter([-1, 3, 8, 4], np.float32, name="images")
    pooled = ops.reduce_mean(images, np.array([2, 3]), keep_dims=True)
    openvino.save_model(openvino.Model([pooled], [images]), str(folder / "net.xml"), compress_to_fp16=False)
    manifest = {
        "format": 1,
        "name": "mean colour",
        "kind": "external",
        "weights": "net.xml",
        "embedding": 3,
        "preprocess": {"height": 8, "width": 4},
    }
    (folder / "model.json").write_text(json.dumps(manifest))
    return str(folder)


@dataclass(frozen=True)
class Walker:
    """A figure that crosses the frame from frame ``first`` to ``last``."""

    first: int
    last: int
    colour: tuple[int, int, int]
    row: float = 0.5
    leftwards: bool = False


RED, GREEN, BLUE, WARM = (230, 60, 60), (60, 220, 70), (70, 80, 235), (225, 225, 225)


def scene(walkers, index: int, width: int = 320, height: int = 240) -> np.ndarray:
    """One RGB frame."""
    picture = np.full((height, width, 3), 40, np.uint8)
    picture[::16] = 48
    w, h = width * 3 // 40, height * 4 // 15
    for number, walker in enumerate(walkers):
        if not walker.first <= index <= walker.last:
            continue
        done = (index - walker.first) / (walker.last - walker.first)
        x = round((width - w) * (1 - done if walker.leftwards else done))
        y = round((height - h) * walker.row)
        texture = np.random.default_rng(number).integers(0, 40, (h // 8 + 1, w // 8 + 1, 1))
        texture = np.kron(texture, np.ones((8, 8, 1), np.int64))[:h, :w]
        picture[y : y + h, x : x + w] = np.clip(np.array(walker.colour) - texture, 0, 255)
    return picture


def scenes(walkers, frames: int, width: int = 320, height: int = 240) -> Iterator[np.ndarray]:
    for index in range(frames):
        yield scene(walkers, index, width, height)


def write_video(path: Path, pictures, fps: float = 25.0, codec: str = "mp4v") -> Path:
    writer = None
    for picture in pictures:
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, size)
            assert writer.isOpened()
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert writer is not None
    writer.release()
    return path


GATE = (Walker(10, 90, RED), Walker(60, 130, GREEN, row=0.05, leftwards=True), Walker(215, 270, BLUE))
YARD = (Walker(30, 110, GREEN), Walker(150, 200, RED, leftwards=True), Walker(180, 240, BLUE, row=0.02))
NIGHT = (Walker(20, 75, WARM), Walker(100, 170, WARM, leftwards=True))
START_NS = 1_700_000_000_000_000_000


def write_night(folder: Path) -> dict[str, Path]:
    """Two visible cameras that overlap in time and an infrared one."""
    return {
        "gate": write_video(folder / "gate.mp4", scenes(GATE, 300)),
        "yard": write_video(folder / "yard.mp4", scenes(YARD, 280)),
        "night": write_video(folder / "night.mp4", scenes(NIGHT, 200, 160, 120), fps=15.0),
    }
