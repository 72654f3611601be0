"""Who makes the vectors of queries that come with text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reid_core.images import read_image
from reid_core.types import Floats, Image, Modality
from training.datasets.records import ImageRecord, ReidDataset

FUSED_FEATURES = ("fused", "ensemble-mean", "ensemble-cosines")
"""Features of queries with text that are made of the image too: semantic filtered fusion, and modality
ensemble as the paper of TVI-LFM and as its released code have it. Any other feature is of the text alone."""


@dataclass(frozen=True, slots=True)
class QueryBatch:
    """Some queries of one modality.

    Attributes:
        dataset: where their images lie.
        records: of the images, one a query.
        texts: of each, by the protocol's text source.
        flip: whether vectors are asked for of images together with their mirror images.
        feature: which vector: ``bn`` or one of `FUSED_FEATURES`.
        filters: of those, what each image itself shows, in words; else none.
    """

    dataset: ReidDataset
    records: Sequence[ImageRecord]
    texts: Sequence[str]
    flip: bool
    feature: str = "bn"
    filters: Sequence[str] = ()

    @property
    def modality(self) -> Modality:
        """Of all of them."""
        return self.records[0].modality

    def crops(self) -> list[Image]:
        """The images, read anew: who reads text alone needs none.

        Raises:
            SourceError: one is missing or damaged.
        """
        return [read_image(self.dataset.file(record)) for record in self.records]


class QueryMaker(Protocol):
    """Makes the vectors of queries that come with text.

    Attributes:
        model_id: what the vectors are made by; they are kept under it and made anew by another one.
        space: what they are compared in: that of the model that makes the gallery's vectors.
    """

    model_id: str
    space: str

    def __call__(self, queries: QueryBatch) -> Floats:
        """``(N, D)`` float32 of length one, in the order of the queries."""
