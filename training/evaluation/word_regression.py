"""The plainest text encoder: a ridge regression from counted words to people's mean visible vectors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reid_core.runtime.embedder import normalised
from reid_core.types import Floats

__all__ = ["WordRegression", "person_means"]


def person_means(vectors: Floats, identities: ArrayLike) -> Floats:
    """``(N, D)``: for each of ``N`` images the mean vector of its person's, of any length."""
    _, places = np.unique(np.asarray(identities), return_inverse=True)
    sums = np.zeros((places.max(initial=-1) + 1, vectors.shape[1]))
    np.add.at(sums, places, vectors)
    means: Floats = (sums / np.maximum(np.bincount(places), 1)[:, None])[places].astype(np.float32)
    return means


class WordRegression:
    """From TF-IDF of texts (1 and 2 words) to vectors; what every text encoder has to beat.

    Args:
        texts: ``N`` captions.
        vectors: ``(N, D)`` what each is to become.
    """

    def __init__(self, texts: Sequence[str], vectors: Floats) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import Ridge

        self._words: Any = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        self._ridge: Any = Ridge(alpha=1.0)
        self._ridge.fit(self._words.fit_transform(texts), vectors)

    def __call__(self, texts: Sequence[str]) -> Floats:
        """``(N, D)`` float32 of length one."""
        return normalised(np.asarray(self._ridge.predict(self._words.transform(texts)), np.float32))
