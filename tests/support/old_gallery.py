"""The gallery of `tests/fixtures/gallery_0003`, and what the version that wrote it went on to do with it."""

import json
import lzma
import shutil
from pathlib import Path

import numpy as np

from reid_core.calibration import Calibration
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter
from reid_core.matcher import Matcher
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, near

FOLDER = Path(__file__).parents[1] / "fixtures" / "gallery_0003"
PEOPLE = np.eye(16, dtype=np.float32)[:4]
POLICY = IdentityPolicy(0.8)
FILTERS = (
    SearchFilter(),
    SearchFilter(modality=Modality.VISIBLE),
    SearchFilter(cameras=frozenset({"yard"})),
    SearchFilter(since_ns=3000, until_ns=8000),
)


def unpack(folder: Path, name: str = "gallery", index: bool = False) -> Path:
    """The database, put into a folder; with its index beside it if asked for."""
    path = folder / f"{name}.db"
    path.write_bytes(lzma.decompress((FOLDER / f"{name}.sqlite.xz").read_bytes()))
    if index:
        shutil.copytree(FOLDER / "index", folder / f"{name}.db.index")
    return path


def known_answers() -> list:
    """What the old version answered to `answers`."""
    return json.loads((FOLDER / "answers.json").read_text())


def answers(gallery: Gallery) -> list:
    found = [gallery.search(PEOPLE, MODEL, 9, where) for where in FILTERS]
    return [
        [hits.ids.tolist(), hits.scores.tolist(), hits.tracklets.tolist(), hits.sightings.tolist()]
        for hits in found
    ]


def go_on(gallery: Gallery) -> None:
    """What came next."""
    draw = np.random.default_rng(15)
    gate, yard = Scene(gallery, "gate"), Scene(gallery, "yard", Modality.INFRARED)
    for number in range(3):
        entries = [
            gate.entry(700 + 40 * number, near(PEOPLE[number], draw, 2)),
            yard.entry(700 + 40 * number, near(PEOPLE[number + 1], draw, 2)),
        ]
        gallery.add_tracklets(entries, MODEL, POLICY)
    matcher = Matcher(gallery, MODEL, Calibration(10.0, -5.0, 0.5, 100, 100, "made up"))
    dark = gallery.tracklets(modality=Modality.INFRARED)
    gallery.put_links([matcher.match(one.id) for one in dark])
