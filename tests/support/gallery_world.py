"""Small made-up people for the gallery's tests."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from sqlalchemy import create_engine, inspect, text

from reid_core.gallery import Gallery, RecordingRecord, TrackletEntry
from reid_core.types import CloseReason, Modality, Sighting, Spectrum, Tracklet

MODEL = "a" * 64
OTHER_MODEL = "b" * 64
DIM = 16


def unit(generator: np.random.Generator, count: int, dim: int = DIM) -> np.ndarray:
    vectors = generator.standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def near(vector: np.ndarray, generator: np.random.Generator, count: int, noise: float = 0.05) -> np.ndarray:
    """``count`` unit vectors about one."""
    moved = vector + noise * generator.standard_normal((count, len(vector)))
    return (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)


def jpeg(shade: int) -> bytes:
    return cv2.imencode(".jpg", np.full((8, 4, 3), shade, np.uint8))[1].tobytes()


@dataclass
class Scene:
    """A camera with one recording, and tracklets in it."""

    gallery: Gallery
    camera: str = "lobby"
    modality: Modality = Modality.VISIBLE

    def __post_init__(self) -> None:
        visible = self.modality is Modality.VISIBLE
        spectrum = Spectrum.VISIBLE if visible else Spectrum.THERMAL
        self.recording = f"recording of {self.camera}"
        self.gallery.put_camera(self.camera, self.modality, spectrum, 0)
        self.gallery.begin_recording(
            RecordingRecord(self.recording, self.camera, "a.mp4", 25.0, 640, 480, 0, "yolo", MODEL)
        )

    def entry(self, start: int, vectors: np.ndarray, length: int = 10) -> TrackletEntry:
        """A tracklet of frames ``start .. start + length`` with one sighting for each vector."""
        frames = np.arange(start, start + length, dtype=np.int64)
        boxes = np.tile(np.array([1, 2, 30, 60], np.float32), (length, 1)) + frames[:, None]
        sightings = tuple(
            Sighting(
                frame=int(frames[i % length]),
                time_ns=int(frames[i % length]) * 40,
                box=boxes[i % length].astype(np.float32),
                confidence=0.5,
                quality=0.75,
                crop=np.zeros((8, 4, 3), np.uint8),
            )
            for i in range(len(vectors))
        )
        tracklet = Tracklet(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.camera} {start} {length}")),
            recording=self.recording,
            camera=self.camera,
            modality=self.modality,
            frames=frames,
            times_ns=frames * 40,
            boxes=boxes.astype(np.float32),
            confidences=np.full(length, 0.5, np.float32),
            sightings=sightings,
            close_reason=CloseReason.TIMEOUT,
        )
        return TrackletEntry(tracklet, vectors, tuple(jpeg(10 * i % 256) for i in range(len(vectors))))


def all_rows(database: Path | str) -> dict[str, list[tuple]]:
    """Every row of every table of a file, or of an address, in order of its content."""
    engine = create_engine(database if isinstance(database, str) else f"sqlite:///{database}")
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        if engine.dialect.name == "sqlite":
            names.append("sqlite_sequence")
        rows = {
            name: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
            for name in names
        }
    engine.dispose()
    return rows
