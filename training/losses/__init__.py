"""Losses, one class a file, each with its formula."""

from training.losses.identity_cross_entropy import IdentityCrossEntropy
from training.losses.supervised_contrastive import SupervisedContrastive
from training.losses.weighted_regularized_triplet import WeightedRegularizedTriplet

__all__ = ["IdentityCrossEntropy", "SupervisedContrastive", "WeightedRegularizedTriplet"]
