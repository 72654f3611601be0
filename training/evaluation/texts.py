"""The text that a query asks with, by the text source of its protocol."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from reid_core.errors import SourceError
from reid_core.types import Modality
from training.datasets.captions import SIDES, read_identity_captions, read_image_captions
from training.datasets.records import ImageRecord, ReidDataset, Split

IDENTITY_CAPTIONS = "identity_captions.json"
"""One caption a person, in the data set's folder."""

CAPTIONER = "Blip"
"""Whose captions count where a data set has those of several: the published results' captioner."""

_TextOf: TypeAlias = Callable[[ImageRecord], str]
_RANDOM = re.compile(r"identity-random\((\d+)\)")


def query_texts(dataset: ReidDataset, queries: Sequence[ImageRecord], source: str) -> tuple[str, ...]:
    """A text for each query.

    ``image`` is its own caption. ``identity-random(SEED)`` draws among the captions of the right person's
    visible images, one a query in the order of the queries, from ``RandomState(SEED)``: on SYSU-MM01 the
    draws of TVI-LFM's released evaluation (Hu et al., NeurIPS 2024). ``identity-fixed`` is the right person's
    one caption. Both identity kinds know who is asked for.

    Args:
        dataset: with captions in ``Text/<captioner>_RGB`` and ``_IR``, or in `IDENTITY_CAPTIONS`.
        queries: all that a protocol asks with, in its order.
        source: the text source of the protocol, not ``none``.

    Raises:
        SourceError: the captions are missing or cannot be read, or a query has none.
    """
    drawn = _RANDOM.fullmatch(source)
    if drawn is not None:
        text = _drawn_caption(dataset, int(drawn[1]))
    elif source == "identity-fixed":
        text = _fixed_caption(dataset)
    else:
        text = _own_caption(dataset, {query.modality for query in queries})
    return tuple(text(query) for query in queries)


def captions_of_images(
    dataset: ReidDataset, records: Sequence[ImageRecord], captioner: str | None = None
) -> tuple[str, ...]:
    """The own caption of each image.

    Args:
        dataset: with captions in ``Text/<captioner>_RGB`` and ``_IR``.
        records: the images.
        captioner: whose captions; by default `CAPTIONER`'s, or the only ones.

    Raises:
        SourceError: the captions are missing or cannot be read, or an image has none.
    """
    text = _own_caption(dataset, {record.modality for record in records}, captioner)
    return tuple(text(record) for record in records)


def rephrased_captions(dataset: ReidDataset, records: Sequence[ImageRecord]) -> tuple[str | None, ...]:
    """The own caption of each visible image in other words, where the data set has that.

    Raises:
        SourceError: the captions cannot be read.
    """
    file = _file(dataset, Modality.VISIBLE, "caption_llm_dict")
    if file is None:
        return (None,) * len(records)
    captions = read_image_captions(file, _everybody(dataset), allow_missing=True)
    found = (captions.get(record.caption_key) for record in records)
    return tuple(None if each is None else each.aug_description for each in found)


def _drawn_caption(dataset: ReidDataset, seed: int) -> _TextOf:
    captions = _of_visible_images(dataset)
    state = np.random.RandomState(seed)

    def text(query: ImageRecord) -> str:
        known = _known(captions, query, dataset)
        return known[int(state.choice(len(known)))]

    return text


def _fixed_caption(dataset: ReidDataset) -> _TextOf:
    file = dataset.root / IDENTITY_CAPTIONS
    captions = read_identity_captions(file)

    def text(query: ImageRecord) -> str:
        known = _known(captions, query, dataset)
        if len(known) > 1:
            raise SourceError(
                f"{file} has {len(known)} captions of identity {query.identity}; the protocol asks with the "
                "one that there is."
            )
        return known[0]

    return text


def _own_caption(dataset: ReidDataset, modalities: set[Modality], captioner: str | None = None) -> _TextOf:
    captions = {
        modality: read_image_captions(
            _need_file(dataset, modality, "caption_dict", captioner), _everybody(dataset), allow_missing=True
        )
        for modality in modalities
    }

    def text(query: ImageRecord) -> str:
        found = captions[query.modality].get(query.caption_key)
        if found is None:
            raise SourceError(f"The image {query.path} of {dataset.root} has no caption.")
        return found.description

    return text


def _of_visible_images(dataset: ReidDataset) -> Mapping[int, Sequence[str]]:
    """The distinct captions of everybody's visible images, as published where they are."""
    published = _file(dataset, Modality.VISIBLE, "id_caption_map")
    if published is not None:
        return read_identity_captions(published)
    records = _everybody(dataset)
    captions = read_image_captions(
        _need_file(dataset, Modality.VISIBLE, "caption_dict"), records, allow_missing=True
    )
    found: dict[int, dict[str, None]] = {}
    for record in records:
        said = captions.get(record.caption_key)
        if record.modality is Modality.VISIBLE and said is not None:
            found.setdefault(record.identity, {})[said.description] = None
    return {identity: tuple(said) for identity, said in found.items()}


def _known(captions: Mapping[int, Sequence[str]], query: ImageRecord, dataset: ReidDataset) -> Sequence[str]:
    found = captions.get(query.identity)
    if not found:
        raise SourceError(f"Identity {query.identity} of {dataset.root} has no caption.")
    return found


def _everybody(dataset: ReidDataset) -> list[ImageRecord]:
    return [record for split in Split for record in dataset.splits.get(split, ())]


def _need_file(dataset: ReidDataset, modality: Modality, kind: str, captioner: str | None = None) -> Path:
    found = _file(dataset, modality, kind, captioner)
    if found is None:
        named = f"Text/{captioner or '*'}_{SIDES[modality]}/{kind}_*.json"
        raise SourceError(
            f"The data set {dataset.root} has no captions {named}.",
            "A protocol that asks with text needs them.",
        )
    return found


def _file(dataset: ReidDataset, modality: Modality, kind: str, captioner: str | None = None) -> Path | None:
    """The captions of a kind: somebody's; by default `CAPTIONER`'s, or the only ones."""
    side = SIDES[modality]
    named = {
        folder.name.removesuffix(f"_{side}"): folder / f"{kind}_{folder.name}.json"
        for folder in sorted((dataset.root / "Text").glob(f"*_{side}"))
    }
    there = {captioner: file for captioner, file in named.items() if file.is_file()}
    if captioner is not None:
        return there.get(captioner)
    if CAPTIONER in there or len(there) < 2:
        return there.get(CAPTIONER) or next(iter(there.values()), None)
    raise SourceError(
        f"The data set {dataset.root} has captions by {', '.join(there)}, and none by {CAPTIONER}.",
        "Leave those of one captioner under Text.",
    )
