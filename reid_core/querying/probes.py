"""Who is asked for, as a vector: a stored tracklet, or somebody on images."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.gallery.naming import any_tracklet
from reid_core.gallery.store import Gallery
from reid_core.images import decode_jpeg, read_image
from reid_core.querying.local_vectors import LocalVectors
from reid_core.querying.tracklet_vector import query_vector
from reid_core.runtime.embedder import Embedder
from reid_core.types import Floats, Image, Modality

_SMALLEST_SIDE = 3

RawOf = Callable[[Sequence[Image], Modality], Floats]
"""Crops of one modality to ``(N, D)`` features before the neck: `reid_core.runtime.raw.RawFeatures`."""


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Somebody who is looked for.

    Attributes:
        vector: ``(D,)`` float32, L2-normalised.
        modality: of the images it is made of.
        views: ``(S, D)`` float32, L2-normalised, of each of them.
        tracklet: id of the stored tracklet; ``None`` where it is of images.
        raw: ``(D,)`` float32, the mean feature before the neck, where it was asked for.
        local: ``(L,)`` float32, L2-normalised, of the parts of all of them, where it was asked for.
    """

    vector: Floats
    modality: Modality
    views: Floats
    tracklet: str | None = None
    raw: Floats | None = None
    local: Floats | None = None


def track_probe(
    gallery: Gallery,
    said: str,
    space: str,
    raw_of: RawOf | None = None,
    parts: LocalVectors | None = None,
) -> Probe:
    """A stored tracklet, by the vectors that are kept of it: made of them as links are.

    Args:
        gallery: that holds it.
        said: its id, or enough of its beginning.
        space: of the vectors.
        raw_of: makes raw features of its crops, where they are needed.
        parts: local vectors of the gallery, where they are needed.

    Raises:
        UsageError: there is no such tracklet, or nothing of it is good enough to recognise anybody by.
        ModelMismatchError: the gallery is of another space.
    """
    gallery.check_space(space)
    with gallery.database.read() as session:
        tracklet, modality = any_tracklet(session, said)
    stored = gallery.vectors(tracklet, space)
    if not len(stored.vectors):
        raise UsageError(
            f"Tracklet {tracklet} has no picture that somebody could be recognised by.",
            "Ask by another tracklet.",
        )
    raw = local = None
    if raw_of is not None or parts is not None:
        pictured = [one for one in gallery.sightings(tracklet) if one.crop]
        if not pictured:
            raise UsageError(
                f"Tracklet {tracklet} has no stored pictures "
                + ("for words to be fused with." if parts is None else "whose parts could be compared.")
            )
        if raw_of is not None:
            raw = raw_of([decode_jpeg(one.crop) for one in pictured], modality).mean(axis=0)
        if parts is not None:
            local = _mean(parts.of(pictured, modality))
    return Probe(query_vector(stored), modality, stored.vectors, tracklet, raw, local)


def image_probe(
    embedder: Embedder,
    crops: Sequence[Image],
    modality: Modality,
    raw_of: RawOf | None = None,
    compared: Callable[[Floats, Modality], Floats] | None = None,
    parts: LocalVectors | None = None,
) -> Probe:
    """Somebody on one or several images, all of one person.

    Args:
        embedder: of the gallery's space.
        crops: ``uint8`` ``h x w x 3`` RGB, each a crop of the person as a detector cuts it out.
        modality: of all of them.
        raw_of: makes raw features of them, where they are needed.
        compared: brings their vectors into the space in which the gallery compares.
        parts: local vectors of the gallery, where they are needed.

    Raises:
        UsageError: there is no image.
    """
    if not crops:
        raise UsageError("There is no image to ask by.")
    vectors = embedder.embed(crops, modality)
    if compared is not None:
        vectors = compared(vectors, modality)
    raw = raw_of(crops, modality).mean(axis=0) if raw_of is not None else None
    local = _mean(parts.made(crops, modality)) if parts is not None else None
    return Probe(_mean(vectors), modality, vectors, None, raw, local)


def _mean(vectors: Floats) -> Floats:
    """``(D,)`` of length one; the first vector where they cancel one another out."""
    mean = vectors.astype(np.float64).mean(axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length, np.float32) if length > 1e-6 else vectors[0]


def read_crops(files: Sequence[Path]) -> list[Image]:
    """Image files as crops.

    Raises:
        SourceError: one is missing, no image, damaged, or too small to show a person.
    """
    crops = []
    for file in files:
        crop = read_image(file)
        height, width = crop.shape[:2]
        if min(height, width) < _SMALLEST_SIDE:
            raise SourceError(f"The image {file} is {width} x {height} pixels: too small to show a person.")
        crops.append(crop)
    return crops
