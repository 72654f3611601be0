"""The triplet loss of AGW on attention-pooled features."""

from typing import ClassVar

from training.losses.weighted_regularized_triplet import WeightedRegularizedTriplet


class AttendedTriplet(WeightedRegularizedTriplet):
    """`WeightedRegularizedTriplet` of a second head's features."""

    reads: ClassVar = ("attended", "labels")
