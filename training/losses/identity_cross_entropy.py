"""Which of the training identities an image shows."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from training.losses.loss import Loss, LossContext, LossSettings


class IdentitySettings(LossSettings):
    """Cross-entropy over identities: its weight, 0 for none, and the label smoothing."""

    smoothing: float = Field(default=0.1, ge=0, lt=1)


class IdentityCrossEntropy(Loss[IdentitySettings]):
    """``-sum_c q_c log softmax(logits)_c`` with ``q_c = (1 - s) [c = label] + s / C``, mean over images.

    Source: label smoothing of Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7, as
    Luo et al., "Bag of Tricks" (2019), section 3.3, use it for identities; ``s = 0`` is the plain one.

    Args:
        smoothing: ``s``, 0 to below 1.
    """

    settings = IdentitySettings
    reads: ClassVar = ("logits", "labels")

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        self.smoothing = smoothing

    @classmethod
    def create(cls, settings: IdentitySettings, context: LossContext) -> Self:
        """With the recipe's smoothing."""
        return cls(settings.smoothing)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """``(N, C)`` logits and ``(N,)`` labels in 0..C-1 to one number."""
        return functional.cross_entropy(logits.float(), labels, label_smoothing=self.smoothing)
