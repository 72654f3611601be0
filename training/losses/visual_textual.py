"""Images and the words about them: dual-level visual-textual reasoning."""

import math
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from training.losses.loss import Loss, LossContext, LossSettings

Duplicates = Literal["negative", "masked"]
Pairing = Literal["batch", "mean"]


class VisualTextualSettings(LossSettings):
    """Visual-textual reasoning.

    Attributes:
        alpha: weight of the local level (published: .3); 0 for the global one alone.
        powers: weigh the pairs of a text by its reasoning power, eqs. 11 and 12; else they count alike.
        temperature: of the softmax (its first value, where it is learned).
        learned: whether the temperature is learned, as in CLIP.
        duplicates: other texts of an image's person are ``negative``, as eq. 10 is printed, or ``masked``.
        pairing: what ``Cat`` of an image pair is: both in the ``batch``, or their ``mean``.
    """

    alpha: float = Field(default=0.3, ge=0)
    powers: bool = True
    temperature: float = Field(default=0.07, gt=0)
    learned: bool = True
    duplicates: Duplicates = "negative"
    pairing: Pairing = "batch"


class VisualTextualReasoning(Loss[VisualTextualSettings]):
    """``V2T(G) + alpha V2T(P) + T2V(G) + alpha T2V(P)``, eq. 13.

    ``G`` are class tokens and ``P`` pooled tokens of images and texts, ``S`` the cosine over the temperature.
    See `visual_to_text` and `text_to_visual` for the terms.

    Source: Qiu et al., "Advancing Visible-Infrared Person Re-Identification" (STAR-ReID, TIFS 2025), section
    III-B.

    Args:
        settings: of the recipe.
    """

    settings = VisualTextualSettings
    reads: ClassVar = ("globals", "locals", "text_globals", "text_locals", "labels")

    def __init__(self, settings: VisualTextualSettings) -> None:
        super().__init__()
        self._said = settings
        self.log_scale = nn.Parameter(
            torch.tensor(-math.log(settings.temperature)), requires_grad=settings.learned
        )

    @classmethod
    def create(cls, settings: VisualTextualSettings, context: LossContext) -> Self:
        """As the recipe says."""
        return cls(settings)

    def forward(self, images: Tensor, parts: Tensor, texts: Tensor, words: Tensor, labels: Tensor) -> Tensor:
        """Loss of a batch.

        Args:
            images: ``(2 N, D)`` class tokens, visible images and then infrared ones.
            parts: ``(2 N, D)`` their pooled patches.
            texts: ``(N, D)`` class tokens; the ``i``-th is about the images ``i`` and ``N + i``.
            words: ``(N, D)`` their pooled tokens.
            labels: ``(2 N,)`` identities.
        """
        total = self._level(images, texts, labels)
        if self._said.alpha:
            total = total + self._said.alpha * self._level(parts, words, labels)
        return total

    def _level(self, images: Tensor, texts: Tensor, labels: Tensor) -> Tensor:
        count, whose = len(texts), labels[: len(texts)]
        rows = images.float()
        if self._said.pairing == "mean":
            rows = (rows[:count] + rows[count:]) / 2
        people = labels[: len(rows)]
        # CLIP's bound: a scale beyond it makes learning unstable.
        scale = self.log_scale.exp().clamp(max=100.0)
        scores = scale * functional.normalize(rows) @ functional.normalize(texts.float()).t()
        own = torch.arange(len(rows), device=labels.device) % count
        return visual_to_text(scores, own, people, whose, self._said.duplicates) + text_to_visual(
            scores, people, whose, self._said.powers
        )


def visual_to_text(
    scores: Tensor, own: Tensor, people: Tensor, whose: Tensor, duplicates: Duplicates = "negative"
) -> Tensor:
    """``-mean_i log( exp S(v_i, t_i) / sum_k exp S(v_i, t_k) )``, eq. 10.

    Args:
        scores: ``(V, N)`` ``S`` of images and texts.
        own: ``(V,)`` the text of each image.
        people: ``(V,)`` identities of the images.
        whose: ``(N,)`` of the texts.
        duplicates: whether the sum over ``k`` has the other texts of the image's person.
    """
    if duplicates == "masked":
        others = people[:, None] == whose[None, :]
        others = others & (torch.arange(len(whose), device=own.device)[None, :] != own[:, None])
        scores = scores.masked_fill(others, -torch.inf)
    return functional.cross_entropy(scores, own)


def text_to_visual(scores: Tensor, people: Tensor, whose: Tensor, powers: bool = True) -> Tensor:
    """``mean_i sum_p w_pi l_pi`` over the images ``p`` of the person of text ``i``, eqs. 11 and 12.

    ``l_pi = -log( exp S(v_p, t_i) / sum_k exp S(v_k, t_i) )`` over all images ``k`` of the batch, and
    ``w_pi = l_pi / sum_p l_pi``: a pair that is told badly counts more. No gradient passes the weights:
    through them a loss would fall where another one rises.

    Args:
        scores: ``(V, N)`` ``S`` of images and texts.
        people: ``(V,)`` identities of the images.
        whose: ``(N,)`` of the texts.
        powers: weigh so; else the images of a text count alike.
    """
    positive = people[:, None] == whose[None, :]
    losses = -functional.log_softmax(scores, dim=0)
    kept = losses.detach() if powers else torch.ones_like(losses)
    kept = kept * positive
    weights = kept / kept.sum(dim=0, keepdim=True).clamp(min=torch.finfo(kept.dtype).tiny)
    return (weights * losses).sum(dim=0).mean()
