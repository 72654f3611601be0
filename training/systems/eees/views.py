"""Multi-view features: of an image or text with others of the same person and modality.

Source: Dong et al., "Embedding and Enriching Explicit Semantics" (2024), eqs. 6 and 7.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reid_core.errors import UsageError
from reid_core.types import Ints


def draw_views(labels: Ints, infrared: NDArray[np.bool_], count: int, rng: np.random.Generator) -> Ints:
    """Other rows of a batch for each row: of the same person and modality, never itself, none twice.

    Args:
        labels: ``(N,)`` identities.
        infrared: ``(N,)`` which rows are infrared.
        count: ``M``, rows for each.
        rng: where they are drawn from.

    Returns:
        ``(N, M)`` rows.

    Raises:
        UsageError: there are not so many.
    """
    allowed = (labels[:, None] == labels) & (infrared[:, None] == infrared)
    np.fill_diagonal(allowed, False)
    if (allowed.sum(axis=1) < count).any():
        raise UsageError(
            f"A batch has fewer than {count} other images of a person in a modality.",
            "Lower model.cross_views, or raise sampler.visible and sampler.infrared.",
        )
    chances = np.where(allowed, rng.random(allowed.shape), 2.0)
    return np.argsort(chances, axis=1)[:, :count]


def multi_view(features: Tensor, others: Tensor) -> Tensor:
    """``(f_i + sum_m f_m) / (M + 1)``.

    Args:
        features: ``(N, D)``.
        others: ``(N, M)`` rows, from `draw_views`.

    Returns:
        ``(N, D)``.
    """
    return (features + features[others].sum(dim=1)) / (others.shape[1] + 1)
