"""How plausible the world's people are to public networks that never saw it.

A re-identification network must tell them apart by their look, but not trivially, and must fail from
infrared to visible as it does on real people. An attribute network must see the clothes, hair and bags
that the labels speak of. Whether a detector takes them for people is `judge_frames`' part.
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid_core.errors import SourceError, UsageError
from reid_core.images import read_image
from reid_core.types import Floats, Ints, Modality, Spectrum
from training.datasets.records import ImageRecord, ReidDataset, Split, identities_of
from training.evaluation.baselines import EmbedFiles
from training.evaluation.galleries import draw_gallery
from training.evaluation.intervals import share_interval
from training.evaluation.ranks import Sides, rank_vectors
from training.synthetic.judges.networks import ATTRIBUTE_OUTPUTS

if TYPE_CHECKING:
    from training.synthetic.judges.networks import AttributeNetwork

LABELS = {
    "is_male": "gender",
    "has_bag": "bag",
    "has_backpack": "backpack",
    "has_hat": "hat",
    "has_longsleeves": "long sleeves",
    "has_longpants": "long trousers",
    "has_longhair": "long hair",
    "has_coat_jacket": "coat or jacket",
}
"""The attribute network's output, which is also the key in ``labels.json``, to what people call it."""

CROWD = 60
"""Identities that are told apart at a time."""

JUDGING_NETWORK = "OMZ 0287"
_CHANCES = 3
_SPLITS = (Split.TRAIN, Split.VAL, Split.TEST)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a figure should lie, both ends included; ``None`` where it is open."""

    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        """Whether a figure lies there; one that is no number does not."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.least is not None and self.most is not None:
            return f"{self.least:.2f} to {self.most:.2f}"
        return f">= {self.least:.2f}" if self.least is not None else f"<= {self.most:.3f}"


CROSS_VIEW = Target(least=0.70, most=0.97)
ACROSS_SPECTRA = Target(most=_CHANCES / CROWD)
ATTRIBUTES = {
    "has_longpants": Target(least=0.90),
    "has_longhair": Target(least=0.85),
    "has_backpack": Target(least=0.80),
    "has_hat": Target(least=0.75),
    "is_male": Target(least=0.75),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One figure of one judge.

    Attributes:
        judge: the network.
        figure: what was measured.
        value: 0..1.
        target: where it should lie, or ``None`` where it is only told.
        facts: counts and whatever else explains it, as plain values.
    """

    judge: str
    figure: str
    value: float
    target: Target | None
    facts: Mapping[str, Any]

    @property
    def passed(self) -> bool | None:
        """Whether the target is met; ``None`` without one."""
        return self.target.met(self.value) if self.target is not None else None

    def as_json(self) -> dict[str, Any]:
        """Plain values, figures to four places."""
        return {
            "judge": self.judge,
            "figure": self.figure,
            "value": _rounded(self.value),
            "target": asdict(self.target) if self.target is not None else None,
            "passed": self.passed,
            **self.facts,
        }


def judge_identities(dataset: ReidDataset, networks: Mapping[str, EmbedFiles]) -> list[Verdict]:
    """How well people are told apart across views and across spectra.

    The identities are taken sixty at a time in ascending order. Of each, one image a camera is drawn (as
    `draw_gallery` draws trial 0); those of one camera are queries and those of another the gallery.
    Rank-1 is the mean over the crowds of sixty and over all ordered pairs of visible cameras, or all pairs
    of an infrared spectrum's cameras and visible ones that do not stand in the same place.

    Raises:
        UsageError: there are fewer than sixty identities.
    """
    records = [record for split in _SPLITS for record in dataset.splits.get(split, ())]
    people = identities_of(records)
    crowds = [people[start : start + CROWD] for start in range(0, len(people) - CROWD + 1, CROWD)]
    if not crowds:
        raise UsageError(f"{dataset.root} holds {len(people)} identities; {CROWD} are needed.")
    drawn = draw_gallery((record for record in records if record.identity <= crowds[-1][-1]), 0)
    verdicts = []
    for name, embed in networks.items():
        vectors = _embedded(dataset, drawn, embed)
        for spectrum in Spectrum:
            rankings = list(_rankings(dataset, drawn, vectors, crowds, spectrum))
            if not rankings:
                continue
            shares = [float(hits.mean()) for _, hits in rankings]
            asked, hits = (np.concatenate(each) for each in zip(*rankings, strict=True))
            visible = spectrum is Spectrum.VISIBLE
            target = (CROSS_VIEW if visible else ACROSS_SPECTRA) if name == JUDGING_NETWORK else None
            figure = "visible rank-1 across views" if visible else f"{spectrum} to visible rank-1"
            facts = {
                "identities": CROWD,
                "crowds": len(crowds),
                "rankings": len(shares),
                "queries": len(hits),
                "interval_95": [round(end, 4) for end in share_interval(hits, asked)],
                "spread": round(statistics.pstdev(shares), 4),
                "chance": round(1 / CROWD, 4),
            }
            verdicts.append(Verdict(name, figure, statistics.fmean(shares), target, facts))
    return verdicts


def judge_attributes(dataset: ReidDataset, network: "AttributeNetwork") -> list[Verdict]:
    """How well an attribute network's answers on visible crops order them as the labels say.

    The figure is the area under the ROC curve of each person's mean answer over all their visible crops,
    because the labels are of people: a backpack is theirs also where they are seen from the front.
    ``of_crops`` among its facts is that over single crops, whatever they show of the person. A yes or no
    that everybody shares gives no figure, which meets no target.

    Raises:
        SourceError: the labels are missing or malformed.
    """
    file = dataset.root / "labels.json"
    try:
        labels = json.loads(file.read_text(encoding="utf-8"))
        truth = {
            int(identity): [bool(said[key]) for key in ATTRIBUTE_OUTPUTS] for identity, said in labels.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"The labels {file} cannot be read: {error!r}.") from None
    crops = [
        record
        for split in _SPLITS
        for record in dataset.splits.get(split, ())
        if record.modality is Modality.VISIBLE
    ]
    if not crops:
        raise SourceError(f"{dataset.root} holds no visible image.")
    scores = _in_batches(dataset, crops, network)
    said = np.array([truth[record.identity] for record in crops])
    people, whose = np.unique([record.identity for record in crops], return_inverse=True)
    means = np.stack([scores[whose == place].mean(axis=0) for place in range(len(people))])
    has = np.array([truth[identity] for identity in people])
    verdicts = []
    for column, key in enumerate(ATTRIBUTE_OUTPUTS):
        facts = {
            "of_crops": _rounded(
                area_under_roc(scores[said[:, column], column], scores[~said[:, column], column])
            ),
            "crops": len(crops),
            "identities_with": int(has[:, column].sum()),
            "identities_without": int((~has[:, column]).sum()),
        }
        value = area_under_roc(means[has[:, column], column], means[~has[:, column], column])
        verdicts.append(
            Verdict("OMZ attributes 0230", f"AUC of {LABELS[key]}", value, ATTRIBUTES.get(key), facts)
        )
    return verdicts


def area_under_roc(positives: ArrayLike, negatives: ArrayLike) -> float:
    """Probability that a positive scores higher than a negative, ties counting half; NaN without either.

    Mann and Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than the
    Other" (1947): exact, from ranks.
    """
    above = np.asarray(positives, np.float64)
    below = np.sort(np.asarray(negatives, np.float64))
    if not len(above) or not len(below):
        return float("nan")
    lower = np.searchsorted(below, above, side="left")
    lower_or_equal = np.searchsorted(below, above, side="right")
    return float((lower + lower_or_equal).sum() / (2 * len(above) * len(below)))


def _rounded(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None


def _embedded(dataset: ReidDataset, drawn: Sequence[ImageRecord], embed: EmbedFiles) -> Floats:
    """The vector of each image, each embedded as what its camera records."""
    vectors: dict[int, Floats] = {}
    for modality in Modality:
        places = [place for place, record in enumerate(drawn) if record.modality is modality]
        if places:
            found = embed([dataset.file(drawn[place]) for place in places], modality)
            vectors.update(zip(places, found, strict=True))
    return np.stack([vectors[place] for place in range(len(drawn))])


def _rankings(
    dataset: ReidDataset,
    drawn: Sequence[ImageRecord],
    vectors: Floats,
    crowds: Sequence[Sequence[int]],
    spectrum: Spectrum,
) -> Iterator[tuple[Ints, NDArray[np.bool_]]]:
    """Of each crowd and pair of cameras: who asks, and whether the right one comes first."""
    identities = np.array([record.identity for record in drawn])
    cameras = np.array([record.camera for record in drawn])
    spectra = {record.camera: record.spectrum for record in drawn}
    pairs = [
        (query, gallery)
        for query, gallery in permutations(sorted(spectra), 2)
        if spectra[query] is spectrum
        and spectra[gallery] is Spectrum.VISIBLE
        and dataset.same_place.get(query) != gallery
    ]
    for crowd in crowds:
        member = np.isin(identities, crowd)
        for query, gallery in pairs:
            asked, kept = member & (cameras == query), member & (cameras == gallery)
            sides = Sides.of(identities[asked], cameras[asked], identities[kept], cameras[kept])
            ranks = rank_vectors(vectors[asked], vectors[kept], sides)
            yield sides.query_ids[ranks.rows], ranks.identities == 1


def _in_batches(dataset: ReidDataset, crops: Sequence[ImageRecord], network: "AttributeNetwork") -> Floats:
    size = 64
    return np.concatenate(
        [
            network([read_image(dataset.file(record)) for record in crops[start : start + size]])
            for start in range(0, len(crops), size)
        ]
    )
