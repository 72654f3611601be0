"""Images and their texts, each found by the other among those of a batch."""

from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from training.losses.loss import Loss, LossContext, LossSettings

Similarity = Literal["dot", "cosine"]
SamePerson = Literal["negatives", "positives"]

_TEMPERATURES: dict[Similarity, float] = {"dot": 1.0, "cosine": 0.07}


class ImageTextSettings(LossSettings):
    """Contrast of images and texts.

    Attributes:
        weight: in the sum; 0 for none.
        similarity: ``s`` of the formula: ``dot``, the plain product, as in CSDN's code; or ``cosine``, as in
            CLIP, for where the plain one diverges.
        temperature: by which it is divided; ``null`` is 1 for ``dot`` and .07 for ``cosine``.
        same_person: what the other images and texts of the same person are: ``negatives``, as EEES eqs. 4 and
            5 are printed; ``positives``, as in the supervised contrast that EEES cites for them.
    """

    # Many people are described alike.
    identifies: ClassVar[bool] = False
    weight: float = Field(default=0.2, ge=0)
    similarity: Similarity = "dot"
    temperature: float | None = Field(default=None, gt=0)
    same_person: SamePerson = "negatives"


class ImageTextContrast(Loss[ImageTextSettings]):
    """``sum over modalities of i2t + t2i``.

    ``i2t = -mean_i 1/|P(i)| sum_{p in P(i)} log( exp(s(f_i, t_p) / h) / sum_j exp(s(f_i, t_j) / h) )`` over
    the images ``f`` and texts ``t`` of one modality, and ``t2i`` with both exchanged. ``P(i)`` is ``{i}``
    where others of the same person are negatives, else everybody of the same person.

    Source: Dong et al., "Embedding and Enriching Explicit Semantics" (2024), eqs. 3 to 5.

    Args:
        similarity: ``dot`` or ``cosine``.
        temperature: ``h``; ``None`` for what suits the similarity.
        same_person: ``negatives`` or ``positives``.
    """

    settings = ImageTextSettings
    reads: ClassVar = ("attended", "texts", "labels", "infrared")

    def __init__(
        self,
        similarity: Similarity = "dot",
        temperature: float | None = None,
        same_person: SamePerson = "negatives",
    ) -> None:
        super().__init__()
        self.similarity = similarity
        self.temperature = _TEMPERATURES[similarity] if temperature is None else temperature
        self.same_person = same_person

    @classmethod
    def create(cls, settings: ImageTextSettings, context: LossContext) -> Self:
        """As the recipe says."""
        return cls(settings.similarity, settings.temperature, settings.same_person)

    def forward(self, images: Tensor, texts: Tensor, labels: Tensor, infrared: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            images: ``(N, D)`` features, of any length.
            texts: ``(N, D)`` features of the text of each.
            labels: ``(N,)`` identities.
            infrared: ``(N,)`` bool, which rows are infrared.
        """
        images, texts = images.float(), texts.float()
        if self.similarity == "cosine":
            images, texts = functional.normalize(images), functional.normalize(texts)
        total = images.sum() * 0.0
        for rows in (~infrared, infrared):
            logits = images[rows] @ texts[rows].t() / self.temperature
            own = labels[rows]
            if self.same_person == "positives":
                positive = (own[:, None] == own[None, :]).float()
            else:
                positive = torch.eye(len(own), device=own.device)
            total = total + _found(logits, positive) + _found(logits.t(), positive)
        return total


class MultiViewContrast(ImageTextContrast):
    """The same of multi-view features: many images of a person find their many texts.

    Source: Dong et al., eqs. 8 to 10.
    """

    reads: ClassVar = ("multi_attended", "multi_texts", "labels", "infrared")


def _found(logits: Tensor, positive: Tensor) -> Tensor:
    """``(N, N)`` each, rows ask; to one number, 0 of no rows."""
    each = (functional.log_softmax(logits, dim=1) * positive).sum(dim=1) / positive.sum(dim=1)
    return -each.mean() if len(each) else logits.sum()
