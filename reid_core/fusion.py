"""An infrared feature and words made one: semantic filtered fusion and modality ensemble retrieval.

Source: Hu et al., "Empowering Visible-Infrared Person Re-Identification with Large Foundation Models"
(NeurIPS 2024; TVI-LFM below), arithmetic on rows that is the same on arrays and on tensors; and
`AgreementFusion`, which is of this project and of vectors that are finished.
"""

import math
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Floats

if TYPE_CHECKING:
    from torch import Tensor

RowsT = TypeVar("RowsT", Floats, "Tensor")

Ensemble = Literal["mean", "cosines"]
"""``mean`` as in the paper of TVI-LFM, ``cosines`` as in its released code."""


def semantic_filtered(infrared: RowsT, wanted: RowsT, filtered: RowsT) -> RowsT:
    """``f_I + t_V - t_I``: what the words say beyond what the infrared image shows (TVI-LFM eq. 7).

    Args:
        infrared: ``(N, D)`` raw features of infrared images.
        wanted: ``(N, D)`` of texts about the visible person.
        filtered: ``(N, D)`` of filter texts: the same without colours, or captions of the infrared images.

    Returns:
        ``(N, D)``, none of them normalised.
    """
    fused: RowsT = infrared + wanted - filtered
    return fused


def ensemble_mean(infrared: RowsT, wanted: RowsT, fused: RowsT) -> RowsT:
    """``(f_I + t_V + f_F) / 3`` of features before they are of length one (TVI-LFM eq. 10)."""
    mean: RowsT = (infrared + wanted + fused) / 3  # type: ignore[assignment]
    return mean


def ensemble_cosines(infrared: Floats, wanted: Floats, fused: Floats) -> Floats:
    """One vector whose dot product ranks as the sum of three cosines does.

    ``cos(f_I, g) + cos(t_V, g) + cos(f_F, g)``, as TVI-LFM's released code has it, is the dot product of a
    gallery vector with the sum of three vectors of length one; the sum's own length is the same for all of
    the gallery.

    Args:
        infrared: ``(N, D)`` of length one.
        wanted: ``(N, D)`` of length one.
        fused: ``(N, D)`` of length one.

    Returns:
        ``(N, D)`` float32 of length one; a row whose three cancel each other out is the fused one.
    """
    total = infrared.astype(np.float64) + wanted + fused
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    return np.asarray(np.where(lengths > 1e-6, total / np.maximum(lengths, 1e-6), fused), np.float32)


class AgreementFusion(Settings):
    """An image's vector and a text's, where the text counts as much as both seem to be of one person.

    ``L2(image + weight * agreement * text)`` with ``agreement = 1 / (1 + exp(-(slope * cos + intercept)))``
    of the cosine of both: words about somebody else mostly do not fit what the image shows, and then it alone
    counts.

    Attributes:
        weight: of the text where there is no doubt; above 0.
        slope: above 0.
        intercept: of the agreement.
    """

    weight: float = Field(gt=0)
    slope: float = Field(gt=0)
    intercept: float

    def agreement(self, vector: Floats, text: Floats) -> float:
        """Probability that image and text are of one person."""
        logit = self.slope * float(vector @ text) + self.intercept
        # Of the negative magnitude alone, so that nothing overflows.
        small = math.exp(-abs(logit))
        return (1.0 if logit >= 0 else small) / (1 + small)

    def __call__(self, vector: Floats, text: Floats) -> Floats:
        """``(D,)`` float32 of length one, of two such vectors; the image where they cancel each other out."""
        total = vector.astype(np.float64) + self.weight * self.agreement(vector, text) * text
        length = float(np.linalg.norm(total))
        return np.asarray(total / length, np.float32) if length > 1e-6 else vector
