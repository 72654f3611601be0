"""Whether a public detector takes the world's people for people, in every light."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reid_core.errors import SourceError
from reid_core.images import read_image
from reid_core.types import Frame, Spectrum
from training.evaluation.detection import FrameTruth, figures, find, match
from training.synthetic.judges.judge import Target, Verdict
from training.synthetic.judges.networks import CONFIDENCE

if TYPE_CHECKING:
    from detectors.detector import PersonDetector

FOUND = Target(least=0.95)

LEAST_VISIBLE, LEAST_HEIGHT = 0.9, 80.0
"""Share and height (pixels) from which a person counts as unoccluded and large enough to be found."""


@dataclass(frozen=True, slots=True)
class TruthFrame:
    """A frame of some people.

    Attributes:
        path: of the frame.
        spectrum: it was recorded in.
        people: their boxes; who is hidden or too small is ignored.
    """

    path: Path
    spectrum: Spectrum
    people: FrameTruth


def read_frames(folder: Path) -> list[TruthFrame]:
    """Read the ``truth.json`` that `training.synthetic.scenes.frames.write_frames` writes.

    Raises:
        SourceError: it is missing or malformed.
    """
    file = folder / "truth.json"
    try:
        return [
            TruthFrame(
                folder / one["image"],
                Spectrum(one["spectrum"]),
                FrameTruth.of(
                    [person["box"] for person in one["people"]],
                    [
                        person["visible"] < LEAST_VISIBLE or person["height"] < LEAST_HEIGHT
                        for person in one["people"]
                    ],
                ),
            )
            for one in json.loads(file.read_text(encoding="utf-8"))
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"The truth {file} cannot be read: {error!r}.") from None


def judge_people(frames: Sequence[TruthFrame], detector: "PersonDetector") -> list[Verdict]:
    """Which share of the unoccluded people of 80 pixels or more is found, in each spectrum.

    Found is whom a detection at confidence .25 or more overlaps by half (intersection over union), one
    detection a person. Frames are shown as they are, never inverted.
    """
    verdicts = []
    for spectrum in Spectrum:
        of_it = [frame for frame in frames if frame.spectrum is spectrum]
        truth = [frame.people for frame in of_it]
        found = find(detector, _read(of_it), spectrum.modality)
        measured = figures(found, truth, least_height=LEAST_HEIGHT)
        hits = [match(one, people)[1].sum() for one, people in zip(found, truth, strict=True)]
        incomplete = [
            frame.path.name
            for frame, hit in zip(of_it, hits, strict=True)
            if hit < (~frame.people.ignored).sum()
        ]
        facts = {
            "people": measured.people,
            "frames": measured.frames,
            "confidence": CONFIDENCE,
            "precision": round(measured.precision_25, 4) if found and measured.people else None,
            "not_all_found": incomplete,
        }
        verdicts.append(
            Verdict("YOLO11n int8", f"people found, {spectrum}", measured.recall_25, FOUND, facts)
        )
    return verdicts


def _read(frames: Sequence[TruthFrame]) -> Iterator[Frame]:
    for index, frame in enumerate(frames):
        yield Frame(str(frame.spectrum), frame.spectrum.modality, index, 0, read_image(frame.path))
