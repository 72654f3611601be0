"""Vectors of a data set's images and of queries with text: each computed once and kept."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from reid_core.errors import ModelError, SourceError, StorageError, UsageError
from reid_core.images import read_image
from reid_core.runtime import Embedder
from reid_core.types import Floats, Ints, Modality
from training.datasets.records import ImageRecord, ReidDataset
from training.evaluation.queries import QueryBatch, QueryMaker

BLOCK = 512
"""Images between two states of the cache: what an interruption may cost."""

_BATCH = 32

Told = Callable[[int, int], None]


def embedded(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    embedder: Embedder,
    flip: bool,
    cache: Path,
    told: Told | None = None,
) -> Floats:
    """Vectors of images, each computed once for a model and kept in blocks that an interruption leaves whole.

    Args:
        dataset: where they lie.
        records: which, in the order of the result.
        embedder: the model.
        flip: of the image together with its mirror image.
        cache: folder for the blocks. Their key is a digest of the images' bytes, the model and the flip.
        told: called with images done and their number.

    Returns:
        ``(N, D)`` float32 of length one.

    Raises:
        SourceError: an image is missing or damaged.
        StorageError: the cache cannot be written.
    """
    said = [embedder.model_id, embedder.precision, flip]

    def made(rows: Sequence[int]) -> Floats:
        some = [records[row] for row in rows]
        crops = [read_image(dataset.file(record)) for record in some]
        return embedder.embed(crops, some[0].modality, _BATCH, mirror=flip)

    return _kept_in_blocks(dataset, records, embedder, said, made, cache, told)


def located(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    embedder: Embedder,
    cache: Path,
    told: Told | None = None,
) -> dict[str, Floats]:
    """Local features of images, kept as `embedded` keeps vectors.

    Returns:
        Of each local feature of the model, by name: ``(N, P, d)`` float32, each row of length one.

    Raises:
        SourceError: an image is missing or damaged.
        StorageError: the cache cannot be written.
    """
    shapes = dict(embedder.local_features)
    said = ["local", sorted(shapes.items()), embedder.model_id, embedder.precision]

    def made(rows: Sequence[int]) -> Floats:
        some = [records[row] for row in rows]
        crops = [read_image(dataset.file(record)) for record in some]
        found = embedder.features(crops, some[0].modality, _BATCH, mirror=False)
        return np.concatenate([found[name].reshape(len(rows), -1) for name in shapes], axis=1)

    widths = [parts * width for parts, width in shapes.values()]
    flat = _kept_in_blocks(dataset, records, embedder, said, made, cache, told, width=sum(widths))
    split = np.split(flat, np.cumsum(widths)[:-1], axis=1)
    return {
        name: each.reshape(len(records), *shape)
        for (name, shape), each in zip(shapes.items(), split, strict=True)
    }


def asked(
    dataset: ReidDataset,
    queries: Sequence[ImageRecord],
    texts: Sequence[str],
    maker: QueryMaker,
    embedder: Embedder,
    flip: bool,
    cache: Path,
    told: Told | None = None,
    feature: str = "bn",
    filters: Sequence[str] = (),
) -> Floats:
    """Vectors of queries with their texts, kept as `embedded` keeps those of images.

    Args:
        dataset: where the images lie.
        queries: whose, in the order of the result.
        texts: of each.
        maker: makes the vectors.
        embedder: the model that makes the gallery's.
        flip: of the image together with its mirror image.
        cache: folder for the blocks. Their key is a digest of the images' bytes, the texts, the maker, the
            model, the flip and the feature.
        told: called with queries done and their number.
        feature: which vector.
        filters: of each query, where the feature needs any; part of the key.

    Returns:
        ``(Q, D)`` float32.

    Raises:
        UsageError: the maker's vectors are of another space than the gallery's.
        ModelError: the maker answers with something else than finite vectors of the gallery's dimension.
        SourceError: an image is missing.
        StorageError: the cache cannot be written.
    """
    if maker.space != embedder.space:
        raise UsageError(
            f"The queries' vectors are of the space {maker.space[:12]}, the gallery's of "
            f"{embedder.space[:12]}: they cannot be compared."
        )
    said = ["query", maker.model_id, embedder.model_id, embedder.precision, flip, feature]

    def made(rows: Sequence[int]) -> Floats:
        some, words = [queries[row] for row in rows], [texts[row] for row in rows]
        own = [filters[row] for row in rows] if filters else []
        batch = QueryBatch(dataset, some, words, flip, feature, own)
        found, shape = np.asarray(maker(batch), np.float32), (len(rows), embedder.dim)
        if found.shape != shape or not np.isfinite(found).all():
            raise ModelError(
                f"The maker of queries answered with an array of shape {found.shape}, "
                f"not with finite vectors of shape {shape}."
            )
        return found

    read = ["\0".join(pair) for pair in zip(texts, filters, strict=True)] if filters else texts
    return _kept_in_blocks(dataset, queries, embedder, said, made, cache, told, read)


def _kept_in_blocks(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    embedder: Embedder,
    said: Sequence[object],
    made: Callable[[Sequence[int]], Floats],
    cache: Path,
    told: Told | None,
    texts: Sequence[str] | None = None,
    width: int | None = None,
) -> Floats:
    """``(N, D)``, block by block: each by ``made`` from its rows, or out of the cache by what makes it."""
    vectors = np.empty((len(records), width or embedder.dim), np.float32)
    for block, done in _blocks(records):
        rows: list[int] = block.tolist()
        some = [records[row] for row in rows]
        own = [] if texts is None else [texts[row] for row in rows]
        digest = _digest_of_images([*said, str(some[0].modality), *own], dataset, some)
        place = cache / embedder.model_id[:16] / f"{digest.hexdigest()[:40]}.npy"
        vectors[block] = _kept(place, (len(rows), vectors.shape[1]), partial(made, rows))
        if told is not None:
            told(done, len(records))
    return vectors


def _blocks(records: Sequence[ImageRecord]) -> Iterator[tuple[Ints, int]]:
    """Rows of one modality each, and how many are done after them."""
    done = 0
    for modality in Modality:
        rows = np.flatnonzero([record.modality is modality for record in records])
        for start in range(0, len(rows), BLOCK):
            some = rows[start : start + BLOCK]
            done += len(some)
            yield some, done


def _digest_of_images(
    said: Sequence[object], dataset: ReidDataset, records: Sequence[ImageRecord]
) -> "hashlib._Hash":
    digest = hashlib.sha256(json.dumps(said).encode())
    for record in records:
        try:
            digest.update(hashlib.sha256(dataset.file(record).read_bytes()).digest())
        except OSError as error:
            file = dataset.file(record)
            raise SourceError(f"The image {file} cannot be read: {error.strerror or error}.") from None
    return digest


def _kept(place: Path, shape: tuple[int, int], made: Callable[[], Floats]) -> Floats:
    """A block out of the cache, or made and put there."""
    if place.is_file():
        kept: Floats = np.load(place, allow_pickle=False)
        if kept.shape == shape and np.isfinite(kept).all():
            return kept
    found = made()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = place.with_name(f".{place.stem}.{os.getpid()}.npy")
        np.save(scratch, found)
        scratch.replace(place)
    except OSError as error:
        raise StorageError(
            f"The feature cache {place} cannot be written: {error.strerror or error}.",
            "NIGHTREID_CACHE names another folder for it.",
        ) from error
    return found
