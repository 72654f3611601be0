"""Vectors as they stand out from what their own camera shows.

A camera gives all that it sees something in common: its light, its colours, its background. Measured over
whatever it saw, without labels, that can be taken out: ``(f - mean) / deviation`` of each number of a vector
(arXiv 2502.10195).
"""

import re
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.types import Floats

Doubles = NDArray[np.float64]

# A number that hardly varies says nothing; dividing by its deviation would make it the loudest.
_LEAST = 1e-4
_FORM = re.compile(r"(mean|deviation|mean-deviation)(?:\((\d+(?:\.\d+)?)(?:,(0?\.\d+|1(?:\.0+)?))?\))?")


@dataclass(frozen=True, slots=True)
class Statistics:
    """What vectors have in common.

    Attributes:
        count: how many they were.
        mean: ``(D,)`` float64.
        deviation: ``(D,)`` float64, of each number from its mean.
    """

    count: float
    mean: Doubles
    deviation: Doubles

    @classmethod
    def of(cls, vectors: Floats) -> Self:
        """Of ``(N, D)`` vectors, ``N`` at least 1."""
        wide = np.asarray(vectors, np.float64)
        return cls(len(wide), wide.mean(axis=0), wide.std(axis=0))

    @classmethod
    def over(cls, several: "list[Statistics]") -> Self:
        """The mean of several, each of which counts the same, however many vectors it is of."""
        means = np.mean([one.mean for one in several], axis=0)
        variances = np.mean([one.deviation**2 for one in several], axis=0)
        return cls(sum(one.count for one in several), means, np.sqrt(variances))


@dataclass(frozen=True, slots=True)
class Form:
    """How vectors are standardised.

    Attributes:
        mean: whether the camera's mean is taken out.
        deviation: whether each number is divided by its deviation.
        prior: so many sightings does the known mean and deviation count as, beside the camera's own: a camera
            that has seen few people has no statistics of its own yet.
        strength: 1 takes the standardised vector, less mixes it with the vector as it was.
    """

    mean: bool
    deviation: bool
    prior: float = 0.0
    strength: float = 1.0

    def apply(self, vectors: Floats, own: Statistics, known: Statistics) -> Floats:
        """Standardised vectors of one camera.

        Args:
            vectors: ``(N, D)`` float32, L2-normalised.
            own: of the camera.
            known: of all cameras.

        Returns:
            ``(N, D)`` float32, L2-normalised; one that nothing is left of stays as it was.
        """
        share = own.count / (own.count + self.prior) if own.count + self.prior else 0.0
        before = np.asarray(vectors, np.float64)
        found = before
        if self.mean:
            found = found - (share * own.mean + (1 - share) * known.mean)
        if self.deviation:
            spread = np.sqrt(share * own.deviation**2 + (1 - share) * known.deviation**2)
            found = found / np.maximum(spread, _LEAST)
        found = _of_length_one(found, before)
        if self.strength < 1:
            found = _of_length_one(self.strength * found + (1 - self.strength) * before, before)
        return np.asarray(found, np.float32)


def parse_form(text: str) -> Form:
    """The form that a text names: ``mean``, ``deviation`` or ``mean-deviation``, with numbers or without.

    The numbers are the prior, or the prior and the strength: ``mean-deviation(50,0.5)``.

    Raises:
        UsageError: the text names none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise UsageError(
            f"{text!r} is no form of standardising.",
            "Write mean, deviation or mean-deviation, or one with numbers: mean-deviation(50,0.5).",
        )
    name, prior, strength = found.groups()
    return Form("mean" in name, "deviation" in name, float(prior or 0), float(strength or 1))


def _of_length_one(vectors: Doubles, otherwise: Doubles) -> Doubles:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    whole: Doubles = np.where(lengths > 1e-9, vectors / np.maximum(lengths, 1e-9), otherwise)
    return whole
