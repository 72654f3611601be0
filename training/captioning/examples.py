"""What is learned from: what the captions of images answer, and what the eyes see in the images."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reid_core.errors import SourceError, UsageError
from reid_core.images import read_image
from reid_core.models.attribute_captioner.captioner import Eyes
from reid_core.models.attribute_captioner.groups import GENERIC, GROUPS, answers_of, group_of
from reid_core.preprocess import grey
from reid_core.types import Image, Modality
from reid_core.words.terms import Term
from reid_core.words.understanding import understand
from training.augmentation.pipeline import Augmenter
from training.augmentation.step import Shown
from training.datasets.records import ImageRecord, ReidDataset
from training.evaluation.texts import captions_of_images
from training.seeding import generator

Values = Mapping[str, Sequence[str]]
Told = Callable[[int, int], None]
_TOGETHER = 32
_ROOM = 1.125


@dataclass(frozen=True, slots=True)
class Learned:
    """Images of one modality as they are learned from.

    Attributes:
        maps: ``(N, V, C, h, w)`` float16, the image itself first among its views.
        vectors: ``(N, V, D)`` float16.
        answers: group to ``(N, values + 1)`` bool: what may be true, "nothing" first; all of a row where
            the caption does not tell.
    """

    maps: Tensor
    vectors: Tensor
    answers: Mapping[str, Tensor]


def terms_of_captions(dataset: ReidDataset, records: Sequence[ImageRecord]) -> list[tuple[Term, ...]]:
    """What the caption of each image says.

    Raises:
        SourceError: the captions are missing, or one cannot be read as English.
    """
    found = []
    for record, text in zip(records, captions_of_images(dataset, records), strict=True):
        try:
            found.append(understand(text).terms)
        except UsageError as error:
            raise SourceError(f"The caption of {record.path} is not understood: {error}") from None
    return found


def values_of(captions: Sequence[Sequence[Term]], least: int) -> dict[str, tuple[str, ...]]:
    """The values of each group that occur often enough; groups of none are left out."""
    counts: Counter[tuple[str, str]] = Counter()
    for terms in captions:
        answered = {(name, term.value) for term in terms if (name := group_of(term)) and not term.denied}
        counts.update(answered)
    values = {
        name: tuple(
            sorted(
                value
                for (group, value), count in counts.items()
                if group == name and count >= least and value != GENERIC.get(name)
            )
        )
        for name in GROUPS
    }
    return {
        name: each
        for name, each in values.items()
        if each and (not GROUPS[name].of or values[GROUPS[name].of])
    }


def answer_rows(captions: Sequence[Sequence[Term]], values: Values) -> dict[str, NDArray[np.bool_]]:
    """Captions as the ``answers`` of `Learned`."""
    rows = {name: np.ones((len(captions), len(known) + 1), np.bool_) for name, known in values.items()}
    for at, terms in enumerate(captions):
        for name, answer in answers_of(terms, values).items():
            if answer is not None:
                rows[name][at] = [not answer, *(value in answer for value in values[name])]
    return rows


def seen(
    eyes: Eyes,
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    captions: Sequence[Sequence[Term]],
    values: Values,
    augmenter: Augmenter | None,
    views: int,
    seed: int,
    told: Told,
) -> Learned:
    """Look at images of one modality once for all passes.

    Args:
        eyes: that look.
        dataset: of the images.
        records: the images.
        captions: terms of each.
        values: of the groups.
        augmenter: changes the views besides the image itself; ``None`` for none.
        views: how many.
        seed: of the changes.
        told: how many of how many images are looked at.
    """
    modality = records[0].modality
    maps: list[Tensor] = []
    vectors: list[Tensor] = []
    pictures = [_small(eyes, read_image(dataset.file(record)), modality) for record in records]
    for start in range(0, len(records), _TOGETHER):
        places = range(start, min(start + _TOGETHER, len(records)))
        shown = [list(_views(pictures, records, at, augmenter, views, seed)) for at in places]
        flat = eyes.tensors([view for one in shown for view in one], modality)
        parts, whole = eyes.look(flat, modality)
        count = len(shown)
        maps.append(parts.view(count, -1, *parts.shape[1:]).half())
        vectors.append(whole.view(count, -1, whole.shape[1]).half())
        told(places.stop, len(records))
    answers = {name: torch.from_numpy(rows) for name, rows in answer_rows(captions, values).items()}
    return Learned(torch.cat(maps), torch.cat(vectors), answers)


def _small(eyes: Eyes, image: Image, modality: Modality) -> Image:
    """A little larger than the eyes take it, so that another box can be drawn."""
    height, width = (round(_ROOM * side) for side in (eyes.preprocess.height, eyes.preprocess.width))
    room = eyes.preprocess.model_copy(update={"height": height, "width": width})
    found = room.resize([image])[0]
    return grey(found) if modality is Modality.INFRARED else found


def _views(
    pictures: Sequence[Image],
    records: Sequence[ImageRecord],
    at: int,
    augmenter: Augmenter | None,
    views: int,
    seed: int,
) -> Iterator[Image]:
    yield pictures[at]
    if augmenter is None:
        return
    record = records[at]
    shown = Shown(record.modality, record.spectrum)
    for view in range(views):
        rng = generator(seed, "caption view", record.path, view)
        other = pictures[int(rng.integers(len(pictures)))]
        yield augmenter.picture(pictures[at], other, shown, rng)
