"""A small synthetic night, watched by the starter models: for tests that speak of the right person.

Seven people; the seventh comes at night only. The second camera of the day is held back: it plays later.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from console.demo_figures import identity_people
from detectors.detector import PersonDetector
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Spectrum
from stream.chain.config import RunSettings
from stream.footage.naming import SourceSpec
from stream.run.running import run_footage
from stream.run.truth import apply_truth

PEOPLE, SEED, FPS = 7, 7, 5
LATER = "day-2"


@dataclass(frozen=True)
class WatchedNight:
    """What the camera's footage became, and who everybody is by truth.

    Attributes:
        folder: with the videos and their truth.
        database: SQLite file of the gallery; to be copied, not changed.
        identities: gallery identity to person.
        tracklets: infrared tracklet to person.
        captions: person to what a witness would say.
    """

    folder: Path
    database: Path
    identities: dict[str, str | None]
    tracklets: dict[str, str | None]
    captions: dict[str, str]

    def copy(self, folder: Path) -> Path:
        """The gallery once more, to be changed."""
        made = folder / "gallery.db"
        shutil.copy(self.database, made)
        return made

    def of(self, person: str) -> set[str]:
        """The identities that are a person."""
        return {identity for identity, who in self.identities.items() if who == person}

    def source(self, camera: str) -> SourceSpec:
        """A camera's video, as a run is given it."""
        return _spec(self.folder, camera, _manifest(self.folder)["cameras"][camera])


def film(folder: Path) -> Path:
    """The night's videos and their truth, in a folder that is made."""
    from training.synthetic.scenes.video import write_videos
    from training.synthetic.scenes.visits import VideoPlan

    write_videos(folder, VideoPlan(people=PEOPLE, seed=SEED, fps=FPS, every=1000), processes=2)
    return folder


def watch(footage: Path, database: Path) -> WatchedNight:
    """Everything but the camera that is held back, carried through the whole chain into a new gallery."""
    manifest = _manifest(footage)
    specs = [_spec(footage, name, facts) for name, facts in manifest["cameras"].items() if name != LATER]
    settings = RunSettings()
    with (
        PersonDetector.open(None, settings.detector) as detector,
        Gallery.open(f"sqlite:///{database}") as gallery,
    ):
        result = run_footage(specs, gallery, detector, load_embedder(None), settings)
    result = apply_truth(result, footage / "truth")
    return WatchedNight(
        folder=footage,
        database=database,
        identities=identity_people(result),
        tracklets={
            one.id: one.truth
            for camera in result.cameras
            for one in camera.tracklets
            if camera.id.startswith("night")
        },
        captions={number: person["caption"] for number, person in manifest["people"].items()},
    )


def _manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "video.json").read_text(encoding="utf-8"))


def _spec(folder: Path, camera: str, facts: dict[str, Any]) -> SourceSpec:
    spectrum = Spectrum(facts["spectrum"])
    start = round(datetime.fromisoformat(facts["start"]).timestamp()) * 1_000_000_000
    return SourceSpec(camera, str(folder / f"{camera}.mp4"), spectrum.modality, spectrum, start)
