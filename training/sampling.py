"""Which images make a batch: a function of the seed and the step, so that a resumed run draws the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.types import Floats, Ints, Modality, Spectrum
from training.datasets.records import ImageRecord
from training.seeding import generator

NEAREST = 2
"""Look-alikes to draw from, as a multiple of those that a batch takes."""


@dataclass(frozen=True, slots=True)
class BatchIndices:
    """The images of one batch, by their place in the training records.

    Attributes:
        visible: ``(P * V,)``, those of one identity together.
        infrared: ``(P * I,)``, identities in the same order.
        visible_labels: ``(P * V,)`` class numbers.
        infrared_labels: ``(P * I,)``.
    """

    visible: Ints
    infrared: Ints
    visible_labels: Ints
    infrared_labels: Ints


class IdentitySampler:
    """``P`` identities without replacement, ``V`` visible and ``I`` infrared images of each with replacement.

    Source: AGW and CAJ (Ye et al., "Channel Augmented Joint Learning", ICCV 2021, section 4.1). An epoch has
    ``floor(N / (P * max(V, I))) + 1`` batches, ``N`` the images of the larger modality.

    Only people seen in both modalities take part; their numbers in ascending order become classes
    0, 1, 2 ...

    Args:
        records: the training images.
        seed: of the run.
        identities: ``P``.
        visible: ``V``.
        infrared: ``I``.
        balance_spectra: where somebody has near-infrared and thermal images, draw as many of each.
        alike: share of the batches that are of people who look alike, after `know_look_alikes`.

    Raises:
        UsageError: fewer than ``P`` people are seen in both modalities.
    """

    def __init__(
        self,
        records: Sequence[ImageRecord],
        seed: int,
        *,
        identities: int = 8,
        visible: int = 4,
        infrared: int = 4,
        balance_spectra: bool = True,
        alike: float = 0.0,
    ) -> None:
        places: dict[int, dict[Spectrum | None, list[int]]] = {}
        seen: dict[int, set[Modality]] = {}
        for place, record in enumerate(records):
            # Without balance, all infrared images of a person are one pool.
            infra = record.modality is Modality.INFRARED
            pool = record.spectrum if infra and balance_spectra else (None if infra else Spectrum.VISIBLE)
            places.setdefault(record.identity, {}).setdefault(pool, []).append(place)
            seen.setdefault(record.identity, set()).add(record.modality)
        self.identities = sorted(one for one, modalities in seen.items() if len(modalities) == len(Modality))
        if len(self.identities) < identities:
            raise UsageError(
                f"A batch needs {identities} people seen in both modalities; the data have "
                f"{len(self.identities)}.",
                "Lower sampler.identities, or train on more data.",
            )
        self._visible = [np.array(places[one][Spectrum.VISIBLE], np.int64) for one in self.identities]
        self._infrared = [_infrared_pools(places[one]) for one in self.identities]
        self._seed = seed
        self._counts = identities, visible, infrared
        self.alike = alike
        self._look_alikes: Ints | None = None
        used = {Modality.VISIBLE: 0, Modality.INFRARED: 0}
        for record in records:
            used[record.modality] += len(seen[record.identity]) == len(Modality)
        self.steps_per_epoch = max(used.values()) // (identities * max(visible, infrared)) + 1

    def batch(self, step: int) -> BatchIndices:
        """The batch of a step, counted from 0 over the whole run."""
        rng = generator(self._seed, "batch", step)
        count, visible, infrared = self._counts
        classes = self._people(count, rng)
        return BatchIndices(
            np.concatenate([rng.choice(self._visible[one], visible) for one in classes]),
            np.concatenate([_evenly(self._infrared[one], infrared, rng) for one in classes]),
            np.repeat(classes, visible),
            np.repeat(classes, infrared),
        )

    def visible_images(self, most: int) -> tuple[Ints, Ints]:
        """The first visible images of each class, at most so many: their places, and their classes."""
        first = [places[:most] for places in self._visible]
        return np.concatenate(first), np.repeat(np.arange(len(first)), [len(places) for places in first])

    def know_look_alikes(self, means: Floats) -> None:
        """From now on the share `alike` of the batches is of somebody and some of those who look most alike.

        After the graph sampling of Liao and Shao, "Graph Sampling Based Deep Metric Learning for
        Generalizable Person Re-Identification" (CVPR 2022): a batch tells apart what is hard to tell apart.
        There neighbours are found anew every epoch; here once, and people are drawn from the
        nearest `NEAREST` times as many as a batch takes.

        Args:
            means: ``(classes, D)`` one vector of length one for each class.
        """
        others = min(len(means) - 1, NEAREST * (self._counts[0] - 1))
        likeness = means @ means.T
        np.fill_diagonal(likeness, -np.inf)
        self._look_alikes = np.argsort(-likeness, axis=1, kind="stable")[:, :others]

    def _people(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        if self._look_alikes is not None and self.alike and rng.random() < self.alike:
            one = int(rng.integers(len(self.identities)))
            others = rng.choice(self._look_alikes[one], count - 1, replace=False)
            return np.concatenate([[one], others])
        return rng.choice(len(self.identities), count, replace=False)


def _infrared_pools(places: dict[Spectrum | None, list[int]]) -> list[Ints]:
    pools = [pool for pool in places if pool is not Spectrum.VISIBLE]
    return [np.array(places[pool], np.int64) for pool in sorted(pools, key=str)]


def _evenly(pools: Sequence[Ints], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """As many from each pool; which gets one more, where it does not come out even, is drawn."""
    shares = np.full(len(pools), count // len(pools))
    shares[rng.permutation(len(pools))[: count % len(pools)]] += 1
    drawn = [rng.choice(pool, share) for pool, share in zip(pools, shares, strict=True)]
    return np.concatenate(drawn)
