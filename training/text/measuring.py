"""What a text encoder adds to infrared queries, beside a regression on counted words, in one protocol."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np

from reid_core.errors import UsageError
from reid_core.models.language import TextEncoder
from reid_core.querying.fusion import Fusion, fusion_of
from reid_core.runtime import Embedder
from reid_core.runtime.cache import cache_folder
from reid_core.runtime.embedder import normalised
from reid_core.types import Floats, Modality
from training.ablation.asking import Ask, CountedFigures, Examination, Level, kinds_of
from training.datasets.opening import open_dataset
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.texts import captions_of_images
from training.evaluation.vectors import embedded
from training.evaluation.word_regression import WordRegression, person_means
from training.seeding import generator
from training.text.rewording import read_rewordings, reworded

__all__ = ["TextRow", "measure_text"]

LEVELS: tuple[Level, ...] = ("image", "identity", "other person")
INFRARED = "infrared alone"
TEXT, SUM, FUSED = "text alone", "sum of cosines", "fused"
REGRESSION = "regression on words: "

Encode = Callable[[Sequence[str]], Floats]
Making = Callable[[Floats, Floats], Floats]
"""Vectors of images and of texts to vectors of queries."""


@dataclass(frozen=True, slots=True)
class TextRow:
    """One line of the table.

    Attributes:
        name: of what asks.
        kind: of infrared images: ``near``, ``thermal`` ...
        level: whose words; ``None`` where none are read.
        reworded: whether they were said in the list's words.
        figures: of these queries.
    """

    name: str
    kind: str
    level: Level | None
    reworded: bool
    figures: CountedFigures


def measure_text(
    encoder: TextEncoder,
    embedder: Embedder,
    data: Path,
    rewordings: Path | None = None,
    beside: Path | None = None,
    trials: int = 10,
    told: Callable[[int, int], None] | None = None,
) -> list[TextRow]:
    """Single-shot retrieval of a data set's test people by infrared images, texts and both.

    Args:
        encoder: of the texts.
        embedder: of the images.
        data: folder of a data set with captions and a protocol for each kind of infrared images.
        rewordings: list of descriptions whose words the captions are said in, too.
        beside: folder of a data set whose captions a plain regression learns from, to be measured beside.
        trials: galleries drawn.
        told: called with images embedded and their number.

    Raises:
        UsageError: the data set has no such protocol.
        SourceError: images, captions or the list cannot be read.
    """
    dataset = open_dataset(data)
    examination = Examination(dataset, kinds_of(dataset), trials)
    vectors = _vectors(dataset, examination.records, embedder, told)
    words = {} if rewordings is None else read_rewordings(rewordings)
    encodes: list[tuple[Encode, dict[str, Making]]] = [
        (encoder.encode, {TEXT: _text, SUM: _sum, FUSED: partial(_fused, fusion_of(encoder))})
    ]
    if beside is not None:
        plain = _regression(beside, embedder, told)
        encodes.insert(0, (plain, {f"{REGRESSION}{TEXT}": _text, f"{REGRESSION}{SUM}": _sum}))
    rows = [
        TextRow(INFRARED, kind, None, False, examination.measure(_images(vectors), vectors, "own", kind))
        for kind in examination.kinds
    ]
    for (encode, makings), other in product(encodes, (False, True) if words else (False,)):
        texts = _Texts(encode, words if other else {}, embedder.dim)
        for kind, level, (name, making) in product(examination.kinds, LEVELS, makings.items()):
            figures = examination.measure(_asking(vectors, texts, making), vectors, level, kind)
            rows.append(TextRow(name, kind, level, other, figures))
    return rows


def _images(vectors: Floats) -> Ask:
    return lambda asked: vectors[asked.rows]


def _asking(vectors: Floats, texts: "_Texts", making: Making) -> Ask:
    return lambda asked: making(vectors[asked.rows], texts(asked.texts))


def _text(images: Floats, texts: Floats) -> Floats:
    return texts


def _sum(images: Floats, texts: Floats) -> Floats:
    return normalised(images + texts)


def _fused(fusion: Fusion, images: Floats, texts: Floats) -> Floats:
    return np.stack(list(map(fusion, images, texts)))


class _Texts:
    """Vectors of texts, or of the same in the words of a list; each is made once.

    One of which nothing is understood is all zeros: it fits everybody as well, and an image alone counts.
    """

    def __init__(self, encode: Encode, words: Mapping[str, tuple[str, ...]], dim: int) -> None:
        self._encode, self._words, self._dim = encode, words, dim
        self._made: dict[str, Floats] = {}

    def __call__(self, texts: Sequence[str]) -> Floats:
        for text in texts:
            if text not in self._made:
                self._made[text] = self._vector(text)
        return np.stack([self._made[text] for text in texts])

    def _vector(self, text: str) -> Floats:
        said = reworded(text, self._words, generator(1, "reworded", text)) if self._words else text
        try:
            found: Floats = self._encode([said])[0]
        except UsageError:
            return np.zeros(self._dim, np.float32)
        return found


def _vectors(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    embedder: Embedder,
    told: Callable[[int, int], None] | None,
) -> Floats:
    mirror = embedder.manifest.preprocess.mirror
    return embedded(dataset, records, embedder, mirror, cache_folder() / "features", told)


def _regression(data: Path, embedder: Embedder, told: Callable[[int, int], None] | None) -> WordRegression:
    """Learned from the captions of a data set's visible training images."""
    dataset = open_dataset(data)
    records = dataset.records(Split.TRAIN)
    vectors = _vectors(dataset, records, embedder, told)
    rows = [row for row, record in enumerate(records) if record.modality is Modality.VISIBLE]
    images = [records[row] for row in rows]
    means = person_means(vectors[rows], [each.identity for each in images])
    return WordRegression(captions_of_images(dataset, images), means)
