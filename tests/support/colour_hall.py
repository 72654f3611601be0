"""A gallery of people who wear one colour each, day and night, and what understands questions about them."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from reid_core.calibration import Calibration
from reid_core.gallery import Gallery
from reid_core.gallery.hours import DAY_NS
from reid_core.matcher import Matcher
from reid_core.runtime import load_embedder
from reid_core.size_law import SizeLaw
from reid_core.types import Modality
from tests.support.brightness import BLUE, GREEN, RED
from tests.support.colour_words import colour_words

COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}
LAW = SizeLaw(20.0, -8.0, 1.0, 0.1, 0.9, 0.12, -0.2, rate=0.1, smallest=5, largest=80)
CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up", sizes=LAW)
START_NS = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z
HOUR_NS = DAY_NS // 24


def solid(colour, height=64, width=32):
    """A crop of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def picture(colour, suffix=".jpg", height=64, width=32) -> bytes:
    """The same as a file."""
    return cv2.imencode(suffix, solid(colour, height, width)[..., ::-1])[1].tobytes()


@dataclass
class ColourHall:
    """Red and green in the lobby, blue and red at the gate, and somebody blue in the yard at night, linked.

    Attributes:
        gallery: that holds them.
        tracklets: by name: ``red``, ``green``, ``blue``, ``red again`` and ``night``.
        who: identity of each of the visible ones.
    """

    gallery: Gallery
    tracklets: dict[str, str]
    who: dict[str, str]

    def sighting(self, name: str) -> str:
        """The id of a tracklet's one crop."""
        return self.gallery.sightings(self.tracklets[name])[0].id


@lru_cache(maxsize=1)
def _embedded(checkpoint: str) -> tuple[str, dict[str, np.ndarray]]:
    """The model's id and the vector of each colour: opening a model takes longer than most tests."""
    embedder = load_embedder(checkpoint)
    crops = [solid(colour) for colour in COLOURS.values()]
    vectors = embedder.embed(crops, Modality.VISIBLE)
    return embedder.model_id, dict(zip(COLOURS, vectors, strict=True))


def colour_hall(gallery: Gallery, checkpoint: str) -> ColourHall:
    """Fill a gallery; ``checkpoint`` is the folder of the embedder."""
    model, vectors = _embedded(str(checkpoint))
    places = {"red": "lobby", "green": "lobby", "blue": "gate", "red again": "gate", "night": "yard"}
    found = {}
    for place, (name, camera) in enumerate(places.items()):
        colour = "blue" if name == "night" else name.split()[0]
        modality = Modality.INFRARED if name == "night" else Modality.VISIBLE
        (found[name],) = gallery.add(
            vectors[colour][None],
            camera=camera,
            modality=modality,
            time_ns=[START_NS + place * HOUR_NS],
            model=model,
            crops=[picture(COLOURS[colour])],
        )
    matcher = Matcher(gallery, model, Calibration(3.0, -3.0, 2.0, 100, 100, "made up"))
    gallery.put_links([matcher.match(found["night"])])
    return ColourHall(gallery, found, _who(gallery, found))


def _who(gallery: Gallery, tracklets: dict[str, str]) -> dict[str, str]:
    owners = gallery.identities_of(tracklets.values())
    return {name: owners[one] for name, one in tracklets.items() if one in owners}


def colour_encoder(folder: Path, checkpoint: str) -> Path:
    """The folder of a text encoder of that embedder's space that knows the colours, calibrated."""
    embedder = load_embedder(checkpoint)
    table = {name: embedder.embed([solid(colour)], Modality.VISIBLE)[0] for name, colour in COLOURS.items()}
    return colour_words(folder, embedder.space, table, {"text": CALIBRATION, "fused": CALIBRATION})
