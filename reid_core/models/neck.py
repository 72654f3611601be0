"""Between a feature and the training identities: batch norm, and the classifier behind it."""

from torch import nn


class BNNeck(nn.BatchNorm1d):
    """Batch norm between the metric loss and the classifier, its bias frozen at 0.

    Source: Luo et al., "Bag of Tricks and A Strong Baseline for Deep Person Re-identification" (2019),
    section 3.6.

    Args:
        width: numbers in a feature.
        bias: learn the bias.
    """

    def __init__(self, width: int, bias: bool = False) -> None:
        super().__init__(width)
        self.bias.requires_grad_(bias)


def identity_classifier(width: int, classes: int) -> nn.Linear:
    """Training identities by the neck's result: a linear map without bias, its weights N(0, .001)."""
    classifier = nn.Linear(width, classes, bias=False)
    nn.init.normal_(classifier.weight, std=0.001)
    return classifier
