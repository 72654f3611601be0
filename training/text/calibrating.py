"""What scores of texts, and of infrared tracklets with texts, are worth.

Everybody is described once: by the captions of one of their visible cameras, which is then no part of the
gallery, as a witness does not describe the picture that is searched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reid_core.calibration import Calibration, fit_calibration
from reid_core.errors import UsageError
from reid_core.fusion import AgreementFusion
from reid_core.models.language import QueryKind
from reid_core.querying.fusion import Fusion
from reid_core.runtime.embedder import normalised
from reid_core.types import Floats, Ints, Modality
from training.calibrating import fitted
from training.datasets.records import ImageRecord
from training.identifying import Person, people_of
from training.recipe import CalibrationSettings
from training.seeding import generator
from training.text.recipe import TextRecipe

__all__ = ["Asking", "ask_people", "calibrate_texts", "fit_fusion"]


@dataclass(frozen=True, slots=True)
class Asking:
    """People of a data set, and the queries for each as rows behind the rows of their images.

    Attributes:
        vectors: ``(N + Q, D)`` float32 of length one: images, then queries.
        people: by what asks: the cameras that may be in the gallery, and a tracklet of one row a query.
    """

    vectors: Floats
    people: Mapping[QueryKind, Mapping[int, Person]]


def fit_fusion(
    vectors: Floats, records: Sequence[ImageRecord], texts: Mapping[int, Floats], recipe: TextRecipe
) -> AgreementFusion:
    """How sure it is that an infrared image and words are of one person, by what their cosine is.

    Args:
        vectors: ``(N, D)`` float32 of length one, of the images.
        records: of those.
        texts: ``(K, D)`` vectors of what is said of an image, by its row.
        recipe: weight and trust; its seed draws words of the person, and of somebody else, for each image.

    Raises:
        UsageError: there are too few infrared images, or what is said of people does not fit them better.
    """
    said: dict[int, list[Floats]] = {}
    for row in sorted(texts):
        said.setdefault(records[row].identity, []).append(texts[row])
    people = {identity: np.concatenate(each) for identity, each in said.items()}
    numbers = sorted(people)
    same: list[float] = []
    different: list[float] = []
    for row, record in enumerate(records):
        if record.modality is not Modality.INFRARED or record.identity not in people or len(people) < 2:
            continue
        rng = generator(recipe.seed, "agreement", record.path)
        others = [one for one in numbers if one != record.identity]
        for whose, found in ((record.identity, same), (int(rng.choice(others)), different)):
            found.append(float(vectors[row] @ people[whose][rng.integers(len(people[whose]))]))
    curve = fit_calibration(same, different, "infrared images and words", prior=recipe.trust)
    return AgreementFusion(weight=recipe.weight, slope=curve.slope, intercept=curve.intercept)


def ask_people(
    vectors: Floats,
    records: Sequence[ImageRecord],
    texts: Mapping[int, Floats],
    fusion: Fusion,
    seed: int,
) -> Asking:
    """A query for each described image, and for each infrared tracklet with one of them.

    Args:
        vectors: ``(N, D)`` float32 of length one, of the images.
        records: of those.
        texts: ``(K, D)`` vectors of what is said of an image, by its row.
        fusion: of image and text.
        seed: by which the described camera and the texts are drawn.
    """
    rows = list(vectors)
    people: dict[QueryKind, dict[int, Person]] = {"text": {}, "fused": {}}
    for identity, person in people_of(records).items():
        described = [
            place for place, some in enumerate(person.visible) if any(row in texts for row in some.tolist())
        ]
        if not described or len(person.visible) < 2:
            continue
        rng = generator(seed, "described", identity)
        place = int(rng.choice(described))
        said = np.concatenate([texts[row] for row in person.visible[place].tolist() if row in texts])
        seen = [normalised(vectors[some].mean(axis=0)) for some in person.infrared]
        told = rng.integers(len(said), size=len(seen)).tolist()
        mixed = [fusion(image, said[one]) for image, one in zip(seen, told, strict=True)]
        searched = [some for other, some in enumerate(person.visible) if other != place]
        for kind, queries in (("text", list(said)), ("fused", mixed)):
            asked: list[Ints] = []
            for query in queries:
                asked.append(np.array([len(rows)], np.int64))
                rows.append(query)
            people[kind][identity] = Person(searched, asked)  # type: ignore[index]
    return Asking(np.stack(rows), people)


def calibrate_texts(
    asking: Asking, settings: CalibrationSettings, seed: int, data: str
) -> tuple[dict[QueryKind, Calibration], list[str]]:
    """Fit what scores are worth, for each kind of query.

    Args:
        asking: people and their queries.
        settings: how galleries are drawn; the rate is that of links.
        seed: of the draws.
        data: what the pairs were taken from, for the record.

    Returns:
        The calibrations that could be fitted, and a sentence for each that could not.
    """
    found: dict[QueryKind, Calibration] = {}
    notes = []
    for kind, people in asking.people.items():
        try:
            # A query is scored as a tracklet of one image is.
            found[kind] = fitted(asking.vectors, people, "infrared-visible", settings, seed, data)
        except UsageError as error:
            notes.append(f"No calibration of {kind} queries: {error.message}")
    return found, notes
