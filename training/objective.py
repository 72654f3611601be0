"""The weighted sum of losses that a recipe names."""

from torch import Tensor, nn

from reid_core.models.dual_stream.network import DualStreamOutput
from training.losses import (
    AttributePrediction,
    IdentityCrossEntropy,
    SupervisedContrastive,
    WeightedRegularizedTriplet,
)
from training.recipe import LossSettings

LOSSES = ("identity", "triplet", "contrastive", "attributes")


class Objective(nn.Module):
    """``sum_l weight_l loss_l``; a loss of weight 0 is not computed.

    Args:
        settings: of the recipe.
        attributes: the loss over attributes, which has weights of its own; ``None`` where its weight is 0.
    """

    def __init__(self, settings: LossSettings, attributes: AttributePrediction | None = None) -> None:
        super().__init__()
        self._weights = {name: float(getattr(settings, name).weight) for name in LOSSES}
        self.attributes = attributes
        self._identity = IdentityCrossEntropy(settings.identity.smoothing)
        self._triplet = WeightedRegularizedTriplet(settings.triplet.mode)
        self._contrastive = SupervisedContrastive(
            settings.contrastive.temperature, settings.contrastive.scope
        )

    def forward(
        self, output: DualStreamOutput, labels: Tensor, infrared: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum, and each loss before its weight.

        Args:
            output: of the network, which must have a classifier.
            labels: ``(N,)`` classes.
            infrared: ``(N,)`` bool, which rows are infrared.
        """
        if output.logits is None:
            raise ValueError("the network has no classifier to learn identities with")
        parts: dict[str, Tensor] = {}
        if self._weights["identity"]:
            parts["identity"] = self._identity(output.logits, labels)
        if self._weights["triplet"]:
            parts["triplet"] = self._triplet(output.features, labels)
        if self._weights["contrastive"]:
            parts["contrastive"] = self._contrastive(output.bn_features, labels, infrared)
        if self.attributes is not None:
            parts["attributes"] = self.attributes(output.bn_features, labels)
        terms = [self._weights[name] * part for name, part in parts.items()]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total, parts
