"""Which of the training identities an image shows, asked of each modality by itself."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from training.losses.loss import Loss, LossContext, LossSettings


class ModalityIdentitySettings(LossSettings):
    """Cross-entropy of each modality: the weight of their sum, 0 for none, and the label smoothing."""

    smoothing: float = Field(default=0.0, ge=0, lt=1)


class ModalityIdentity(Loss[ModalityIdentitySettings]):
    """``CE(visible) + CE(infrared)``, each a mean over its images.

    Source: Lu et al., "Learning Progressive Modality-Shared Transformers for Effective Visible-Infrared
    Person Re-Identification" (PMT, AAAI 2023); "the sum of cross entropy" of STAR-ReID, eq. 14.

    Args:
        smoothing: of labels, 0 to below 1.
    """

    settings = ModalityIdentitySettings
    reads: ClassVar = ("logits", "labels", "infrared")

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        self.smoothing = smoothing

    @classmethod
    def create(cls, settings: ModalityIdentitySettings, context: LossContext) -> Self:
        """With the recipe's smoothing."""
        return cls(settings.smoothing)

    def forward(self, logits: Tensor, labels: Tensor, infrared: Tensor) -> Tensor:
        """``(N, C)`` logits, ``(N,)`` labels and ``(N,)`` bool of both modalities to one number."""
        terms = [
            functional.cross_entropy(logits[rows].float(), labels[rows], label_smoothing=self.smoothing)
            for rows in (~infrared, infrared)
        ]
        return terms[0] + terms[1]
