"""People to erase, and somebody who goes on writing meanwhile, in a process of its own."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from reid_core.gallery import Gallery, IdentityPolicy, TrackletEntry
from reid_core.gallery.captions import TrackletCaptions, put_captions
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, near, unit

LONG = 192
JOINS = IdentityPolicy(0.8)


def noisy_jpeg(generator: np.random.Generator) -> bytes:
    """A crop that nobody else has, of a few kilobytes."""
    pixels = generator.integers(0, 256, (96, 48, 3), np.uint8)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


def with_noise(entry: TrackletEntry, generator: np.random.Generator) -> TrackletEntry:
    return replace(entry, crops=tuple(noisy_jpeg(generator) for _ in entry.crops))


@dataclass(frozen=True)
class Somebody:
    """Who is to be erased: identity, visible tracklets and the infrared ones linked to them."""

    identity: str
    visible: tuple[str, ...]
    infrared: tuple[str, ...]
    entries: tuple[TrackletEntry, ...]


def fill(gallery: Gallery, seed: int = 3) -> tuple[Somebody, Somebody]:
    """Two people by day and night, captioned and linked; the first is who the tests erase."""
    generator = np.random.default_rng(seed)
    day, night = Scene(gallery, "gate"), Scene(gallery, "yard", Modality.INFRARED)
    people = []
    for number, centre in enumerate(unit(generator, 2, LONG)):
        start = 1000 * number
        seen = [
            with_noise(day.entry(start + 40 * place, near(centre, generator, 3, 0.01)), generator)
            for place in range(2)
        ]
        dark = [with_noise(night.entry(start + 500, near(centre, generator, 2, 0.01)), generator)]
        (identity, other) = gallery.add_tracklets(seen, MODEL, JOINS)
        assert identity == other
        gallery.add_tracklets(dark, MODEL, JOINS)
        names = tuple(one.tracklet.id for one in seen)
        with gallery.database.write() as session:
            for name in names:
                text = f"a person number {number} in a coat of tweed with {name[:13]} buttons"
                first = gallery_sighting(name)
                put_captions(
                    session,
                    [TrackletCaptions(name, {first: text}, near(centre, generator, 1))],
                    "c" * 64,
                    ("t" * 64, MODEL),
                )
        entries = (*seen, *dark)
        people.append(Somebody(identity, names, tuple(one.tracklet.id for one in dark), entries))
    linker = Linker(gallery, Matcher(gallery, MODEL, None, top=3))
    linker.link([name for one in people for name in one.infrared])
    return people[0], people[1]


def gallery_sighting(tracklet: str, rank: int = 1) -> str:
    from reid_core.gallery.writing import sighting_id

    return sighting_id(tracklet, rank)


class Ingest:
    """A process that goes on adding and linking people until it is told to stop."""

    def __init__(self, url: str, erasures: Path) -> None:
        # pgvector and FAISS are loaded anew: nothing is shared with this process but the database.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.erasing", url, str(erasures)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "at work\n"

    def stop(self) -> int:
        """End it in order; returns how many tracklets it wrote."""
        out, _ = self._process.communicate("\n", timeout=60)
        assert self._process.returncode == 0
        return int(json.loads(out)["written"])


def _ingest(url: str, erasures: str) -> None:
    import threading

    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    generator, written = np.random.default_rng(11), 0
    with Gallery.open(url, erasures=Path(erasures)) as gallery:
        day, night = Scene(gallery, "gate"), Scene(gallery, "yard", Modality.INFRARED)
        linker = Linker(gallery, Matcher(gallery, MODEL, None, top=3))
        while not stop.is_set():
            start = 100_000 + 50 * written
            centre = unit(generator, 1, LONG)[0]
            pair = [
                with_noise(scene.entry(start, near(centre, generator, 2, 0.01)), generator)
                for scene in (day, night)
            ]
            gallery.add_tracklets(pair, MODEL, JOINS)
            linker.link([pair[1].tracklet.id])
            written += 2
            if written == 4:
                print("at work", flush=True)
            time.sleep(0.02)
    print(json.dumps({"written": written}))


if __name__ == "__main__":
    _ingest(*sys.argv[1:])
