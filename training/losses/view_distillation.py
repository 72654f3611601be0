"""What several views of a person show, told to each single one."""

from typing import ClassVar, Literal, Self

from pydantic import Field
from torch import Tensor

from training.losses.loss import Loss, LossContext, LossSettings

Form = Literal["norm", "mean"]


class DistillationSettings(LossSettings):
    """Distillation of multi-view features.

    Attributes:
        weight: in the sum; 0 for none.
        form: ``norm`` is the squared distance, as EEES eq. 11 is printed; ``mean`` that over the number of
            dimensions, as the "MSE" that its text calls it.
    """

    # It is 0 where all people look alike.
    identifies: ClassVar[bool] = False
    weight: float = Field(default=0.08, ge=0)
    form: Form = "norm"


class ViewDistillation(Loss[DistillationSettings]):
    """``sum over modalities of mean_i |sg(fm_i) - f_i|^2 + mean_i |sg(tm_i) - t_i|^2``.

    ``f`` and ``t`` are features of images and texts, ``fm`` and ``tm`` their multi-view ones, through which
    no gradient passes (``sg``): the single view learns from the others, and not they from it.

    Source: Dong et al., "Embedding and Enriching Explicit Semantics" (2024), eq. 11.

    Args:
        form: ``norm`` or ``mean``.
    """

    settings = DistillationSettings
    reads: ClassVar = ("attended", "texts", "multi_attended", "multi_texts", "infrared")

    def __init__(self, form: Form = "norm") -> None:
        super().__init__()
        self.form = form

    @classmethod
    def create(cls, settings: DistillationSettings, context: LossContext) -> Self:
        """In the recipe's form."""
        return cls(settings.form)

    def forward(
        self, images: Tensor, texts: Tensor, multi_images: Tensor, multi_texts: Tensor, infrared: Tensor
    ) -> Tensor:
        """Loss of a batch.

        Args:
            images: ``(N, D)`` features.
            texts: ``(N, D)`` features of the text of each.
            multi_images: ``(N, D)`` multi-view features of the images.
            multi_texts: ``(N, D)`` multi-view features of the texts.
            infrared: ``(N,)`` bool, which rows are infrared.
        """
        total = images.float().sum() * 0.0
        for single, multi in ((images, multi_images), (texts, multi_texts)):
            squares = (multi.detach().float() - single.float()).square()
            distances = squares.sum(dim=1) if self.form == "norm" else squares.mean(dim=1)
            for rows in (~infrared, infrared):
                if rows.any():
                    total = total + distances[rows].mean()
        return total
