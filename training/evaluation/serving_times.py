"""How long a model takes in use: for a crop, and for a query of a gallery, as `nightreid query` asks it."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from reid_core.gallery import Gallery
from reid_core.querying.asking import Asking, QueryModels
from reid_core.querying.description import Description
from reid_core.querying.query import Form
from reid_core.ranking.mixing import MixRetrieve
from reid_core.runtime import Embedder
from reid_core.types import Floats, Image, Modality

T = TypeVar("T")

BATCH = 16
"""Crops that are embedded at once."""
_PAGE = 10


@dataclass(frozen=True, slots=True)
class Times:
    """Of the same work, repeated; milliseconds.

    Attributes:
        median: of all.
        low: 5 % took less.
        high: 5 % took more.
        count: of repetitions.
    """

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Times":
        """Those of at least one repetition."""
        low, high = np.percentile(seconds, (5, 95)).tolist()
        return cls(1e3 * statistics.median(seconds), 1e3 * low, 1e3 * high, len(seconds))


@dataclass(frozen=True, slots=True)
class Worded:
    """A query's words and what is made of them and the image.

    Attributes:
        words: of each image that asks.
        form: what is made of both.
        mix: what share they keep, where they narrow.
    """

    words: Sequence[Description]
    form: Form
    mix: MixRetrieve | None = None


def crop_times(embedder: Embedder, crops: Sequence[Image], modality: Modality, rounds: int) -> Times:
    """Embed crops, `BATCH` at once; the time of one crop.

    Args:
        embedder: that is timed.
        crops: at least one, gone through again and again.
        modality: of all of them.
        rounds: batches.
    """
    batches = [[crops[(first + n) % len(crops)] for n in range(BATCH)] for first in range(rounds)]
    embedder.embed(batches[0], modality)
    return Times.of([each / BATCH for each in _timed(batches, lambda one: embedder.embed(one, modality))])


def query_times(
    models: QueryModels, gallery: Floats, crops: Sequence[Image], worded: Worded | None = None
) -> Times:
    """Ask a gallery by each crop: it is embedded, compared and ranked; with words, they are encoded too.

    Args:
        models: to ask with.
        gallery: ``(G, D)`` vectors of visible images of theirs, each an identity of its own.
        crops: infrared ones, one for each query; the first is asked by once before.
        worded: words beside them.
    """
    with (
        tempfile.TemporaryDirectory(prefix="nightreid-times-") as folder,
        Gallery.open(f"sqlite:///{Path(folder) / 'gallery.db'}") as opened,
    ):
        opened.add(
            gallery,
            camera="day",
            modality=Modality.VISIBLE,
            time_ns=range(len(gallery)),
            model=models.source.model_id,
        )

        def ask(place: int) -> None:
            words, form, mix = None, Form.IMAGE, None
            if worded is not None:
                words, form, mix = worded.words[place], worded.form, worded.mix
            asking = Asking(opened, models, words, form, mix)
            asking.by_images([crops[place]], Modality.INFRARED)
            asking.service.ask(asking.query(), _PAGE)

        ask(0)
        return Times.of(_timed(range(len(crops)), ask))


def _timed(items: Iterable[T], work: Callable[[T], object]) -> list[float]:
    """Seconds that the work took for each."""
    taken = []
    for one in items:
        begun = time.perf_counter()
        work(one)
        taken.append(time.perf_counter() - begun)
    return taken
