"""What a regression on words learns from: captions as they are understood, and parts of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reid_core.errors import SourceError, UsageError
from reid_core.types import Modality
from reid_core.words.features import features_of
from reid_core.words.terms import Term
from reid_core.words.understanding import understand
from training.datasets.captions import read_identity_captions
from training.datasets.records import ImageRecord, ReidDataset
from training.evaluation.texts import IDENTITY_CAPTIONS, captions_of_images, rephrased_captions
from training.seeding import generator

__all__ = ["Description", "describe_people"]

_LEAST_SHARE = 0.15
"""Of a caption's terms that a part of it keeps on average, at least."""


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of somebody.

    Attributes:
        identity: of whom.
        row: of the record that it was said about; -1 where it is about the person.
        features: what is understood of it.
        whole: whether it is a caption rather than a part of one.
    """

    identity: int
    row: int
    features: tuple[str, ...]
    whole: bool


def describe_people(
    dataset: ReidDataset, records: Sequence[ImageRecord], parts: int, seed: int
) -> list[Description]:
    """All that is said of the people of some visible images.

    Each image's caption and its rephrasing, each person's own caption where there is one, and ``parts``
    random parts of each caption. What is not understood, and what nobody is searched by, is in none.

    Args:
        dataset: with captions.
        records: visible and others; only visible ones are described.
        parts: of each image's caption.
        seed: of the parts.

    Raises:
        SourceError: captions are missing or cannot be read, or none is understood.
    """
    rows = [row for row, record in enumerate(records) if record.modality is Modality.VISIBLE]
    images = [records[row] for row in rows]
    found = [each for each in _of_images(dataset, images, rows, parts, seed) if each.features]
    file = dataset.root / IDENTITY_CAPTIONS
    if file.is_file():
        # Of whom no image's caption is understood, there is no image to learn the words from.
        known = {each.identity for each in found}
        for identity, captions in read_identity_captions(file).items():
            if identity in known:
                said = (features_of(_terms(each)) for each in captions)
                found += [Description(identity, -1, each, True) for each in said if each]
    if not found:
        raise SourceError(f"Nothing in the captions of {dataset.root} is understood.", "See docs/words.md.")
    return found


def _of_images(
    dataset: ReidDataset, images: Sequence[ImageRecord], rows: Sequence[int], parts: int, seed: int
) -> Iterator[Description]:
    captions, others = captions_of_images(dataset, images), rephrased_captions(dataset, images)
    for image, row, caption, other in zip(images, rows, captions, others, strict=True):
        terms = _terms(caption)
        yield Description(image.identity, row, features_of(terms), True)
        if other is not None:
            yield Description(image.identity, row, features_of(_terms(other)), True)
        rng = generator(seed, "parts", image.path)
        for _ in range(parts):
            kept = rng.random(len(terms)) < rng.uniform(_LEAST_SHARE, 1)
            some = [term for term, keep in zip(terms, kept.tolist(), strict=True) if keep]
            yield Description(image.identity, row, features_of(some), False)


def _terms(caption: str) -> tuple[Term, ...]:
    """Nothing of a caption that cannot be read: a captioner may have written anything."""
    try:
        return understand(caption).terms
    except UsageError:
        return ()
