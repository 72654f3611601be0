"""A ridge regression from features of descriptions to a space, by what tells people apart there.

With ``m(x)`` the mean vector of the people who are described by ``x``, as the regression has it, and ``C``
the spread of images around it, an image ``g`` is of the described person rather than of anybody by the log
odds ``g C^-1 (m(x) - m)``, up to what is the same for all images (Fisher 1936, with ``C`` shrunk towards a
sphere: Ledoit and Wolf 2004). So ``C^-1 (m(x) - m)`` is the text's vector, and cosines rank by it.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reid_core.models.understood.encoder import FeatureTable
from reid_core.types import Floats, Ints
from training.text.descriptions import Description
from training.text.recipe import TextRecipe

__all__ = ["learn_table"]

Doubles = NDArray[np.float64]


def learn_table(descriptions: Sequence[Description], vectors: Floats, recipe: TextRecipe) -> FeatureTable:
    """Fit a table of features.

    Args:
        descriptions: of people and of their images.
        vectors: ``(N, D)`` of length one, of the images that descriptions' rows are of.
        recipe: least counts, ridge and shrinkage.
    """
    counts = Counter(feature for each in descriptions for feature in each.features)
    names = sorted(feature for feature, count in counts.items() if count >= recipe.least)
    said = _indicators(descriptions, names)
    wanted = _means(descriptions, vectors)
    rows, bias = _ridge(said, wanted, recipe.ridge)
    own = np.flatnonzero([each.row >= 0 and each.whole for each in descriptions])
    shown = vectors[[descriptions[place].row for place in own.tolist()]]
    spread = _shrunk(shown - (said[own] @ rows + bias), recipe.shrinkage)
    towards = np.linalg.solve(spread, np.vstack([rows, bias - wanted.mean(axis=0)]).T).T
    # Lengths say nothing; of about one, numbers of half precision hold them best.
    towards /= np.linalg.norm(towards[:-1], axis=1).mean()
    return FeatureTable(names, towards[:-1].astype(np.float32), towards[-1].astype(np.float32))


def _indicators(descriptions: Sequence[Description], names: Sequence[str]) -> Floats:
    """``(K, F)``: 1 where a description says a feature."""
    places = {name: place for place, name in enumerate(names)}
    said = np.zeros((len(descriptions), len(names)), np.float32)
    for row, each in zip(said, descriptions, strict=True):
        row[[places[feature] for feature in each.features if feature in places]] = 1
    return said


def _means(descriptions: Sequence[Description], vectors: Floats) -> Doubles:
    """``(K, D)``: of each description the mean of its person's images."""
    images = {each.row: each.identity for each in descriptions if each.row >= 0}
    people, places = np.unique(list(images.values()), return_inverse=True)
    sums = np.zeros((len(people), vectors.shape[1]))
    np.add.at(sums, places, vectors[list(images)])
    means: Doubles = sums / np.bincount(places)[:, None]
    whose: Ints = np.searchsorted(people, [each.identity for each in descriptions])
    return means[whose]


def _ridge(said: Floats, wanted: Doubles, penalty: float) -> tuple[Doubles, Doubles]:
    """``(F, D)`` and ``(D,)``: ``said @ rows + bias`` is nearest to what is wanted, rows being short."""
    middle, mean = said.mean(axis=0, dtype=np.float64), wanted.mean(axis=0)
    moments = (said.T @ said).astype(np.float64) - len(said) * np.outer(middle, middle)
    rows = np.linalg.solve(moments + penalty * np.eye(len(moments)), said.T @ (wanted - mean))
    return rows, mean - middle @ rows


def _shrunk(residuals: Doubles, shrinkage: float) -> Doubles:
    """``(D, D)`` covariance of residuals with a share of their mean variance added in all directions."""
    covariance = residuals.T @ residuals / len(residuals)
    size = len(covariance)
    shrunk: Doubles = covariance + shrinkage * np.trace(covariance) / size * np.eye(size)
    return shrunk
