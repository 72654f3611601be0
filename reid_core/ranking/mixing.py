"""Mix-retrieve: a text narrows the gallery, then the image ranks what is left."""

import math
import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError

Scores: TypeAlias = NDArray[np.floating[Any]]

_CALL = re.compile(r"mix-retrieve\(([0-9.e-]+)\)")


@dataclass(frozen=True, slots=True)
class MixRetrieve:
    """See `mix_retrieve`.

    Attributes:
        share: of the gallery that the text keeps, above 0 and at most 1.

    Raises:
        UsageError: the share is out of its range.
    """

    share: float = 0.5

    def __post_init__(self) -> None:
        # Written this way round, NaN is refused too.
        if not 0 < self.share <= 1:
            raise UsageError(f"Mix-retrieve keeps a share above 0 and at most 1, not {self.share}.")

    @property
    def id(self) -> str:
        """As it stands in a protocol id."""
        return f"mix-retrieve({self.share:g})"


def parse_mix(text: str) -> MixRetrieve | None:
    """What ``mix-retrieve(SHARE)`` names; ``None`` for a text that names something else.

    Raises:
        UsageError: the share is no number, out of its range, or not written as the `id` has it.
    """
    call = _CALL.fullmatch(text)
    if call is None:
        return None
    try:
        found = MixRetrieve(float(call[1]))
    except ValueError:
        raise UsageError(f"{text!r} keeps no share of the gallery.", f"Write {MixRetrieve().id}.") from None
    if found.id != text:
        raise UsageError(f"{text!r} is written {found.id}.")
    return found


def mix_retrieve(images: Scores, texts: Scores, share: float) -> Scores:
    """Similarities of which each query's best ``ceil(share G)`` by text come before all others.

    Source: STAR-ReID (Qiu et al., TIFS 2025), algorithm 1, lines 12 to 16; ``share`` is .5 there. What the
    text leaves out is no answer there; here it comes behind, so that every metric is defined.

    Args:
        images: ``(Q, G)`` similarities of the queries' images.
        texts: ``(Q, G)`` those of their texts; equal ones go by the gallery's order.
        share: above 0 and at most 1.

    Returns:
        ``(Q, G)``: those of the images, less one more than their whole range where the text left out.

    Raises:
        UsageError: shapes disagree, or the share is out of its range.
    """
    MixRetrieve(share)
    if images.shape != texts.shape or images.ndim != 2:
        raise UsageError(f"Similarities of images have shape {images.shape}, those of texts {texts.shape}.")
    if not images.size:
        return images
    # What 0.07 * 100 is in binary is a little more than 7.
    kept = math.ceil(round(share * images.shape[1], 9))
    order = np.argsort(-texts, axis=1, kind="stable")
    left_out = np.ones(images.shape, bool)
    np.put_along_axis(left_out, order[:, :kept], False, axis=1)
    behind = images - (images.max() - images.min() + 1)
    return np.asarray(np.where(left_out, behind, images))
