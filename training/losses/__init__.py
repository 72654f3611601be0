"""Losses, one class a file, each with its formula."""

from training.losses.attribute_prediction import AttributePrediction
from training.losses.identity_cross_entropy import IdentityCrossEntropy
from training.losses.supervised_contrastive import SupervisedContrastive
from training.losses.weighted_regularized_triplet import WeightedRegularizedTriplet

__all__ = [
    "AttributePrediction",
    "IdentityCrossEntropy",
    "SupervisedContrastive",
    "WeightedRegularizedTriplet",
]
