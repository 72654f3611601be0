"""A text is as far from the image of the other modality as from its own."""

from typing import ClassVar, Self

from pydantic import Field
from torch import Tensor

from training.losses.loss import Loss, LossContext, LossSettings

_FLOOR = 1e-12


class PurificationSettings(LossSettings):
    """Cross-modality semantics purification: its weight, 0 for none."""

    # It is 0 where all people look alike.
    identifies: ClassVar[bool] = False
    weight: float = Field(default=0.01, ge=0)


class SemanticsPurification(Loss[PurificationSettings]):
    """``mean_i (|fv_i - tv_i| - |fv_i - tr_i|)^2 + mean_i (|fr_i - tr_i| - |fr_i - tv_i|)^2``.

    ``fv`` and ``tv`` are features of visible images and their texts, ``fr`` and ``tr`` of infrared ones; the
    ``i``-th of each is of one person. What the texts of both modalities do not share, such as colours, is
    thereby kept out of the images.

    Source: Dong et al., "Embedding and Enriching Explicit Semantics" (2024), eq. 12.
    """

    settings = PurificationSettings
    reads: ClassVar = ("attended", "texts", "infrared")

    @classmethod
    def create(cls, settings: PurificationSettings, context: LossContext) -> Self:
        """It has nothing to choose."""
        return cls()

    def forward(self, images: Tensor, texts: Tensor, infrared: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            images: ``(2N, D)`` features, ``N`` of each modality, people in one order.
            texts: ``(2N, D)`` features of the text of each.
            infrared: ``(2N,)`` bool, which rows are infrared.
        """
        images, texts = images.float(), texts.float()
        said = texts[~infrared], texts[infrared]
        seen = images[~infrared], images[infrared]
        total = images.sum() * 0.0
        for own, other in ((0, 1), (1, 0)):
            intra, inter = (_distance(seen[own], said[which]) for which in (own, other))
            total = total + (intra - inter).square().mean()
        return total


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """``(N, D)`` each to ``(N,)``; with a gradient where both are equal."""
    return (one - other).square().sum(dim=1).clamp(min=_FLOOR).sqrt()
