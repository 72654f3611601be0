"""One run over the small world, for a process of its own that may be killed in the middle."""

import hashlib
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reid_core.gallery import Gallery
from reid_core.runtime import Embedder, load_embedder
from reid_core.types import Modality, Spectrum
from stream.chain.config import CameraOptions, IdentitySettings, RunSettings
from stream.footage.naming import SourceSpec
from stream.run.result import RunResult
from stream.run.running import Silence, run_footage
from tests.support.brightness import SMALL, START_NS, brightness_detector

SETTINGS = RunSettings(
    detector=SMALL,
    identity=IdentitySettings(merge_score=0.98),
    # Whoever is at the gate is in the yard a moment later, and sometimes in both.
    cameras={"gate": CameraOptions(overlaps=("yard",))},
)
# Seconds between the starts of the recordings: they overlap.
STARTS = {"gate": 0.0, "yard": 1.3, "night": 2.1}


@dataclass(frozen=True)
class Night:
    """What to run, and when to die of it.

    Attributes:
        videos: camera to file.
        model: folder of the embedder.
        database: SQLite file.
        at_frame: deadly after so many settled frames of all cameras.
        at_commit: deadly behind so many commits of the writer.
        before_commit: deadly in front of that commit instead of behind it.
        at_embedding: deadly at so many calls of the embedder: before the vectors are there.
        stop_at: asked to stop after so many settled frames.
        slow: seconds that the detector takes for each look.
    """

    videos: dict[str, Path]
    model: str
    database: Path
    at_frame: int = 0
    at_commit: int = 0
    before_commit: bool = False
    at_embedding: int = 0
    stop_at: int = 0
    slow: float = 0.0
    cameras: tuple[str, ...] = ("gate", "yard", "night")


def specs(videos: dict[str, Path], cameras: Sequence[str] = ("gate", "yard", "night")) -> list[SourceSpec]:
    made = []
    for camera in cameras:
        infrared = camera == "night"
        made.append(
            SourceSpec(
                camera,
                str(videos[camera]),
                Modality.INFRARED if infrared else Modality.VISIBLE,
                Spectrum.THERMAL if infrared else Spectrum.VISIBLE,
                START_NS + int(STARTS[camera] * 1e9),
            )
        )
    return made


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Counting(Silence):
    """Counts settled frames and does something at one of them."""

    at: int
    act: Callable[[], Any]
    frames: int = 0
    notes: list[str] = field(default_factory=list)

    def update(self, camera, done, total, tracklets):
        self.frames += 1
        if self.frames == self.at:
            self.act()

    def note(self, text):
        self.notes.append(text)


def run_night(night: Night) -> RunResult:
    """Run it in this process."""
    stop = threading.Event()
    progress = Counting(night.at_frame or night.stop_at, die if night.at_frame else stop.set)
    with Gallery.open(f"sqlite:///{night.database}") as gallery:
        if night.at_commit:
            _deadly(gallery, night.at_commit, night.before_commit)
        embedder = load_embedder(night.model, threads=1)
        if night.at_embedding:
            _deadly_embedder(embedder, night.at_embedding)
        return run_footage(
            specs(night.videos, night.cameras),
            gallery,
            brightness_detector(slow=night.slow),
            embedder,
            SETTINGS,
            progress,
            stop,
        )


def _deadly(gallery: Gallery, at_commit: int, before: bool) -> None:
    real, count = gallery.add_tracklets, 0

    def add_tracklets(*args, **kwargs):
        nonlocal count
        count += 1
        if before and count == at_commit:
            die()
        added = real(*args, **kwargs)
        if count == at_commit:
            die()
        return added

    gallery.add_tracklets = add_tracklets  # type: ignore[method-assign]


def _deadly_embedder(embedder: Embedder, at_embedding: int) -> None:
    real, count = embedder.embed, 0

    def embed(*args, **kwargs):
        nonlocal count
        count += 1
        if count == at_embedding:
            # By now the detector is further on: what closes meanwhile waits behind this tracklet.
            time.sleep(0.2)
            die()
        return real(*args, **kwargs)

    embedder.embed = embed  # type: ignore[method-assign]


def rows(database: Path, without: dict[str, set[str]] | None = None, leave: Sequence[str] = ()):
    """Every row of every table, columns named in ``without`` left out; large values by their digest."""
    found = {}
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in sorted(set(tables) - set(leave)):
            hidden = (without or {}).get(table, set())
            found[table] = sorted(
                repr({k: _short(row[k]) for k in row.keys() if k not in hidden})  # noqa: SIM118
                for row in connection.execute(f'SELECT * FROM "{table}"')
            )
    connection.close()
    return found


def _short(value):
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes) and len(value) > 64 else value


def count(database: Path, table: str) -> int:
    with sqlite3.connect(database) as connection:
        return connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
