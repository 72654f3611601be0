"""Real people, seen by a visible and a thermal camera at one moment: the aligned frames of KAIST.

Each annotated box is cut from both frames. An infrared crop is a query, all visible crops of all frames are
the gallery, and the one cut at the same place is right. Both share pose, occlusion and much of the
background, which no camera of another place would: figures here say what a descriptor keeps across the
spectrum, not how it would find somebody again. ``shifted`` cuts the infrared boxes a little beside, as a
detector would, so that what lives by exact alignment shows.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reid_core.errors import SourceError
from reid_core.images import read_image
from reid_core.standardising import Form, Statistics
from reid_core.types import Floats, Image, Modality
from training.evaluation.baselines import Describe
from training.evaluation.intervals import wilson
from training.evaluation.retrieval import evaluate_retrieval

_PERSON = 1
_VISIBLE, _THERMAL = "_visible.png", "_lwir.png"
_NIGHT_SETS = ("set03", "set04", "set05", "set09", "set10", "set11")
SHIFT, SHIFT_SEED = 0.08, 2
"""How far beside a box is cut, as a share of its sides, and the seed of the directions."""

PROTOCOL = "kaist-pairs/thermal-to-visible-of-the-same-moment"
"""What the figures stand under: no retrieval protocol, as both crops are of one moment and place."""


@dataclass(frozen=True, slots=True)
class RealPair:
    """One person cut from both frames.

    Attributes:
        frame: the frame's name.
        night: whether it was recorded at night.
        height: of the box, pixels.
        visible: ``uint8`` ``h x w x 3`` RGB.
        infrared: the same place in the thermal frame.
        shifted: the same, 8 % of the box beside in a direction of chance.
    """

    frame: str
    night: bool
    height: int
    visible: Image
    infrared: Image
    shifted: Image


def read_pairs(kaist: Path, min_height: int = 60) -> list[RealPair]:
    """Cut the people of ``pairs_demo`` whose boxes are high enough and not marked to be ignored.

    Args:
        kaist: the folder with ``pairs_demo`` and ``annotations``.
        min_height: of a box, pixels.

    Raises:
        SourceError: frames or annotations are missing, or no box is that high.
    """
    boxes = _boxes(kaist / "annotations" / "KAIST_annotation.json")
    random = np.random.default_rng(SHIFT_SEED)
    pairs = []
    for file in sorted((kaist / "pairs_demo").glob(f"*{_VISIBLE}")):
        frame = file.name.removesuffix(_VISIBLE)
        visible = read_image(file)
        infrared = read_image(file.with_name(frame + _THERMAL))
        for left, top, width, height in boxes.get(frame, []):
            # Drawn for every box, so that a person's shift does not hang on the others' heights.
            angle = random.uniform(0, 2 * np.pi)
            if height < min_height:
                continue
            aside = (SHIFT * width * np.cos(angle), SHIFT * height * np.sin(angle))
            box = (left, top, width, height)
            pairs.append(
                RealPair(
                    frame,
                    frame.startswith(_NIGHT_SETS),
                    int(height),
                    cut(visible, box),
                    cut(infrared, box),
                    cut(infrared, (left + aside[0], top + aside[1], width, height)),
                )
            )
    if not pairs:
        raise SourceError(f"No person of {min_height} pixels or more in the frame pairs of {kaist}.")
    return pairs


def evaluate_pairs(
    pairs: list[RealPair], methods: Mapping[str, Describe], protocol: str = PROTOCOL, form: Form | None = None
) -> dict[str, Any]:
    """Rank all visible crops for each infrared one.

    Args:
        pairs: to measure on.
        methods: what describes a crop, by name.
        protocol: what the figures stand under.
        form: each side's vectors standardised by what that side shows; ``None`` takes them as they are.

    Returns:
        Plain values: counts, chance, and for each method rank-1 with Wilson's 95 % interval, rank-5 and
        mAP, the same with shifted boxes, and rank-1 of the day's and the night's queries.
    """
    night = np.array([pair.night for pair in pairs])
    return {
        "protocol": protocol,
        "frames": len({pair.frame for pair in pairs}),
        "pairs": len(pairs),
        "at_night": int(night.sum()),
        "min_height": min(pair.height for pair in pairs),
        "chance_r1": round(1 / len(pairs), 4),
        "methods": {name: _measured(pairs, describe, night, form) for name, describe in methods.items()},
    }


def _measured(
    pairs: list[RealPair], describe: Describe, night: np.ndarray[Any, Any], form: Form | None
) -> dict[str, Any]:
    def described(crops: list[Image], modality: Modality) -> Floats:
        vectors = describe(crops, modality)
        if form is None:
            return vectors
        shown = Statistics.of(vectors)
        return form.apply(vectors, shown, shown)

    gallery = described([pair.visible for pair in pairs], Modality.VISIBLE)
    exact = described([pair.infrared for pair in pairs], Modality.INFRARED)
    shifted = described([pair.shifted for pair in pairs], Modality.INFRARED)
    # Every pair is a person of its own in a camera of its own.
    people, cameras = np.arange(len(pairs)), np.zeros(len(pairs))
    result = evaluate_retrieval(exact, people, cameras, gallery, people, cameras)
    aside = evaluate_retrieval(shifted, people, cameras, gallery, people, cameras)
    right = np.argmax(exact @ gallery.T, axis=1) == people
    right_aside = np.argmax(shifted @ gallery.T, axis=1) == people
    low, high = wilson(int(right.sum()), len(pairs))
    low_aside, high_aside = wilson(int(right_aside.sum()), len(pairs))
    return {
        "r1": round(result.r1, 4),
        "hits": int(right.sum()),
        "interval_95": [round(low, 4), round(high, 4)],
        "r5": round(result.r5, 4),
        "map": round(result.map, 4),
        "r1_shifted": round(aside.r1, 4),
        "interval_95_shifted": [round(low_aside, 4), round(high_aside, 4)],
        "map_shifted": round(aside.map, 4),
        **{f"{name}_day": each for name, each in _share(right[~night]).items()},
        **{f"{name}_night": each for name, each in _share(right[night]).items()},
    }


def _share(right: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Rank-1 of some of the pairs, of how many, and its interval."""
    if not right.size:
        return {"r1": None, "pairs": 0, "interval_95": None}
    interval = wilson(int(right.sum()), right.size)
    return {
        "r1": round(float(right.mean()), 4),
        "pairs": right.size,
        "interval_95": [round(end, 4) for end in interval],
    }


def _boxes(annotations: Path) -> dict[str, list[tuple[float, float, float, float]]]:
    """Frame name to boxes ``(left, top, width, height)`` of people not marked to be ignored."""
    try:
        values = json.loads(annotations.read_text(encoding="utf-8"))
        names = {image["id"]: image["im_name"].replace("/", "_") for image in values["images"]}
        found: dict[str, list[tuple[float, float, float, float]]] = {}
        for one in values["annotations"]:
            if one["category_id"] == _PERSON and not one["ignore"]:
                found.setdefault(names[one["image_id"]], []).append(tuple(one["bbox"]))
    except (OSError, ValueError, KeyError) as error:
        raise SourceError(f"The annotations {annotations} cannot be read: {error!r}.") from None
    return found


def cut(frame: Image, box: tuple[float, float, float, float]) -> Image:
    """The part of a frame in a box ``(left, top, width, height)``, as far as it is within the frame."""
    left, top, width, height = box
    x1, y1 = max(0, round(left)), max(0, round(top))
    return frame[y1 : max(y1 + 1, round(top + height)), x1 : max(x1 + 1, round(left + width))].copy()
