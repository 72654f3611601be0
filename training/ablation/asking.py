"""Infrared queries with words over single-shot galleries, as the rows of an ablation are measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.images import read_image
from reid_core.runtime.raw import RawFeatures
from reid_core.types import Floats, Ints, Modality
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.evaluating import ProtocolResult
from training.evaluation.galleries import Trial, draw_trials
from training.evaluation.intervals import Interval, share_interval
from training.evaluation.protocols import parse_protocol, presets_of
from training.evaluation.ranks import Sides, rank_vectors
from training.evaluation.retrieval import RetrievalResult, summarise
from training.evaluation.texts import captions_of_images
from training.seeding import generator

Level = Literal["identity", "image", "own", "other person"]
LEVELS: tuple[Level, ...] = ("identity", "image", "own", "other person")
"""Whose words a query has.

``identity``: a caption of any visible image of the person, as TVI-LFM's released evaluation draws it.
``image``: one of a visible image that is not in the trial's gallery, so that nothing searched was described.
``own``: the infrared image's own. ``other person``: as ``image``, of somebody else.
"""

_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Figures:
    """Of queries of one kind, means over the trials; 0 to 1."""

    r1: float
    map: float
    minp: float


def figures_of(result: ProtocolResult) -> Figures:
    """Those of a protocol's result."""
    return Figures(*(result.mean(figure) for figure in ("r1", "map", "minp")))


@dataclass(frozen=True, slots=True)
class CountedFigures(Figures):
    """With what they can be trusted by.

    Attributes:
        queries: asked over all trials.
        r1_95: interval of R1, over people.
    """

    queries: int
    r1_95: Interval


@dataclass(frozen=True, slots=True)
class Asked:
    """What the queries of one trial ask with.

    Attributes:
        rows: ``(Q,)`` of the images.
        texts: of each.
        filters: of each, the infrared image's own caption.
    """

    rows: Ints
    texts: Sequence[str]
    filters: Sequence[str]


Ask = Callable[[Asked], Floats]
"""Queries to ``(Q, D)`` vectors, each of length one."""


def kinds_of(dataset: ReidDataset) -> dict[str, str]:
    """The protocol of each kind of infrared images, all cameras and single shots, by the kind.

    Raises:
        UsageError: the data set has none.
    """
    presets = presets_of(dataset.protocols)
    found = {
        name.rsplit("-", 1)[1]: name
        for name in presets
        if name.endswith(("-near", "-thermal")) and "-all-single-A-" in name
    }
    if not found:
        raise UsageError(f"{dataset.root} has no protocol for each kind of infrared images.")
    return found


class Examination:
    """The test images of a data set, their captions, and the trials of each infrared kind.

    Args:
        dataset: with captions of both modalities.
        kinds: presets of its protocols by the kind of infrared images.
        trials: galleries drawn.
        seed: of the texts that are drawn.
    """

    def __init__(
        self,
        dataset: ReidDataset,
        kinds: Mapping[str, str],
        trials: int = 10,
        seed: int = 1,
    ) -> None:
        self._dataset, self._seed = dataset, seed
        self.records = dataset.records(Split.TEST)
        self.kinds: dict[str, list[Trial]] = {
            kind: draw_trials(self.records, parse_protocol(f"{preset}+trials={trials}"))
            for kind, preset in kinds.items()
        }
        self.captions = captions_of_images(dataset, self.records)

    def measure(self, ask: Ask, gallery: Floats, level: Level, kind: str) -> CountedFigures:
        """What one kind of queries finds.

        Args:
            ask: makes the queries' vectors.
            gallery: ``(N, D)`` vectors of all test images.
            level: whose words.
            kind: of the infrared images.
        """
        ids = np.array([record.identity for record in self.records], np.int64)
        cameras = np.array([record.camera for record in self.records], np.int64)
        found: list[RetrievalResult] = []
        hits: list[NDArray[np.bool_]] = []
        whose: list[Ints] = []
        for trial in self.kinds[kind]:
            query, shown = trial.query, trial.gallery
            sides = Sides.of(ids[query], cameras[query], ids[shown], cameras[shown], self._dataset.same_place)
            asked = Asked(query, self._texts(trial, level), [self.captions[row] for row in query.tolist()])
            ranks = rank_vectors(ask(asked), gallery[shown], sides)
            found.append(summarise(ranks))
            hits.append(ranks.identities == 1)
            whose.append(ids[query][ranks.rows])
        every = np.concatenate(hits)
        r1, mean, minp = (
            float(np.mean([getattr(each, name) for each in found])) for name in ("r1", "map", "minp")
        )
        return CountedFigures(r1, mean, minp, len(every), share_interval(every, np.concatenate(whose)))

    def _texts(self, trial: Trial, level: Level) -> list[str]:
        if level == "own":
            return [self.captions[row] for row in trial.query.tolist()]
        hidden = set() if level == "identity" else set(trial.gallery.tolist())
        candidates: dict[int, list[int]] = {}
        for row, record in enumerate(self.records):
            if record.modality is Modality.VISIBLE and row not in hidden:
                candidates.setdefault(record.identity, []).append(row)
        people = sorted(candidates)
        texts = []
        for row in trial.query.tolist():
            rng = generator(self._seed, "words", trial.number, row)
            whose = self.records[row].identity
            if level == "other person":
                others = [one for one in people if one != whose]
                whose = others[int(rng.integers(len(others)))]
            texts.append(self.captions[int(rng.choice(candidates[whose]))])
        return texts


def raw_features(dataset: ReidDataset, records: Sequence[ImageRecord], checkpoint: Path) -> Floats:
    """``(N, D)`` before the neck, of some images of a data set."""
    network = RawFeatures(checkpoint)
    features: Floats | None = None
    for modality in Modality:
        rows = np.flatnonzero([record.modality is modality for record in records])
        for start in range(0, len(rows), _CHUNK):
            some = rows[start : start + _CHUNK]
            crops = [read_image(dataset.file(records[row])) for row in some.tolist()]
            found = network(crops, modality)
            if features is None:
                features = np.empty((len(records), found.shape[1]), np.float32)
            features[some] = found
    assert features is not None
    return features
