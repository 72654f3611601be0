"""Real people in aligned visible and thermal frames that nobody labelled: the detector finds them in both.

A box that is found in the thermal frame and, at nearly the same place, in the visible one is a person. Both
crops are cut where the visible one was found, and the pairs are measured as KAIST's are
(`training.evaluation.pairs`).
"""

from pathlib import Path

import numpy as np

from detectors.detector import PersonDetector
from detectors.letterbox import intersections_over_unions
from reid_core.errors import SourceError
from reid_core.images import read_image
from reid_core.types import Floats, Frame, Image, Modality
from training.evaluation.pairs import SHIFT, SHIFT_SEED, RealPair, cut

PROTOCOL = "aligned-frames/thermal-to-visible-of-the-same-moment"
"""What the figures stand under: as for KAIST's pairs, no retrieval protocol."""

OVERLAP = 0.4
"""Least intersection over union of the two boxes of one person."""

_KINDS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


def read_aligned(
    visible: Path, infrared: Path, detector: PersonDetector, min_height: int = 24
) -> list[RealPair]:
    """Cut the people who are found in both frames of a pair.

    Args:
        visible: folder of frames.
        infrared: folder of frames of the same names and sizes, showing the same places at the same moments.
        detector: that looks at both.
        min_height: of the thermal box, pixels.

    Raises:
        SourceError: a folder is missing, no frame has a partner, two partners are of different sizes, or
            nobody is found in both frames of a pair.
    """
    names = [_frames(folder) for folder in (visible, infrared)]
    both = sorted(names[0].keys() & names[1].keys())
    if not both:
        raise SourceError(f"No frame of {visible} has one of the same name in {infrared}.")
    random = np.random.default_rng(SHIFT_SEED)
    pairs = []
    for name in both:
        frames = read_image(names[0][name]), read_image(names[1][name])
        if frames[0].shape[:2] != frames[1].shape[:2]:
            raise SourceError(f"{names[0][name]} and {names[1][name]} are of different sizes: not aligned.")
        pairs += _pairs(name, *frames, detector, min_height, random)
    if not pairs:
        raise SourceError(f"Nobody is found in both frames of a pair, in {visible} and {infrared}.")
    return pairs


def _frames(folder: Path) -> dict[str, Path]:
    """By name without its ending."""
    if not folder.is_dir():
        raise SourceError(f"There is no folder {folder}.")
    return {file.stem: file for file in sorted(folder.iterdir()) if file.suffix.lower() in _KINDS}


def _pairs(
    name: str,
    visible: Image,
    infrared: Image,
    detector: PersonDetector,
    min_height: int,
    random: np.random.Generator,
) -> list[RealPair]:
    there = _boxes(detector, visible, Modality.VISIBLE)
    taken: set[int] = set()
    pairs = []
    for box in _boxes(detector, infrared, Modality.INFRARED):
        overlaps = intersections_over_unions(box[None], there)[0]
        if not len(overlaps) or box[3] - box[1] < min_height:
            continue
        best = int(np.argmax(overlaps))
        if overlaps[best] < OVERLAP or best in taken:
            continue
        taken.add(best)
        left, top, right, bottom = (float(side) for side in there[best])
        width, height = right - left, bottom - top
        angle = random.uniform(0, 2 * np.pi)
        aside = left + SHIFT * width * np.cos(angle), top + SHIFT * height * np.sin(angle)
        place = (left, top, width, height)
        pairs.append(
            RealPair(
                name,
                False,
                round(height),
                cut(visible, place),
                cut(infrared, place),
                cut(infrared, (*aside, width, height)),
            )
        )
    return pairs


def _boxes(detector: PersonDetector, frame: Image, modality: Modality) -> Floats:
    """``(N, 4)`` left, top, right, bottom of who is found for sure, surest first."""
    (found,) = detector.detect([Frame("", modality, 0, 0, frame)])
    return found.select(found.confidences >= detector.settings.look(modality).confidence).boxes
