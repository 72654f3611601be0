"""What a gallery's footage says of who is who, without anybody's labels: read once, in a fixed order."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import TrackletRow, VectorRow
from reid_core.gallery.spaces import comparing_space
from reid_core.gallery.standardisations import Standardisation, standardisation_of
from reid_core.gallery.store import Gallery
from reid_core.gallery.together import stays_of
from reid_core.gallery.whereabouts import Stay
from reid_core.types import Floats, Ints, Modality
from training.adapting.words import Words, words_of
from training.seeding import generator

_PAGE = 1024
# A picture that never changes is of nobody who walks: a poster, a dummy, a coat on a hook.
_STILL = 0.99


@dataclass(frozen=True, slots=True)
class Evidence:
    """Tracklets and the vectors of their sightings; both in order of arrival.

    Attributes:
        names: ids of ``T`` tracklets.
        modalities: of each.
        stays: when each was where, and whose it is.
        rows: ``(N,)`` place among the tracklets of the one that each vector is of, ascending; a tracklet's
            own are in order of time.
        vectors: ``(N, D)`` float32, L2-normalised: standardised, without a head.
        present: ``(N, D)`` the same sightings as the gallery compares them now.
        words: of people, whichever tracklets they are of.
        stays_of_words: of the tracklets that those name and that are there.
        still: tracklets that were left out because their pictures never change.
    """

    names: Sequence[str]
    modalities: Sequence[Modality]
    stays: Sequence[Stay]
    rows: Ints
    vectors: Floats
    present: Floats
    words: Words
    stays_of_words: Mapping[str, Stay]
    still: int

    @property
    def digest(self) -> str:
        """SHA-256 of all of it: what is learned is a function of this, the settings and the seed."""
        found = hashlib.sha256("\n".join(self.names).encode())
        for array in (self.rows, self.vectors, self.present):
            found.update(np.ascontiguousarray(array).tobytes())
        found.update(repr((self.stays, sorted(self.words.same), sorted(self.words.apart))).encode())
        return found.hexdigest()


def read_evidence(gallery: Gallery, made: Standardisation, most: int, seed: int) -> Evidence:
    """Read what the gallery holds.

    Args:
        gallery: of the model of ``made``.
        made: how vectors are standardised.
        most: tracklets of each camera; of more, so many are drawn.
        seed: of the draw.
    """
    with gallery.database.read() as session:
        chosen = _drawn(session, made.model, most, seed)
        raw = _vectors(session, made.model, chosen)
        now = standardisation_of(session, comparing_space(session, made.model))
        words = words_of(session)
        spoken = stays_of(session, {name for pair in words.same | words.apart for name in pair})
        stays = stays_of(session, raw)
    names: list[str] = []
    rows: list[Ints] = []
    vectors: list[Floats] = []
    present: list[Floats] = []
    still = 0
    for name in (one for one in chosen if one in raw):
        mine, stay = raw[name], stays[name]
        modality = chosen[name]
        found = made.apply(mine, modality, stay.camera)
        if len(found) > 1 and float((mine @ mine[0]).min()) > _STILL:
            still += 1
            continue
        rows.append(np.full(len(found), len(names), np.int64))
        names.append(name)
        vectors.append(found)
        present.append(now.apply(mine, modality, stay.camera) if now is not None else mine)
    empty = np.empty((0, 0), np.float32)
    return Evidence(
        names,
        [chosen[name] for name in names],
        [stays[name] for name in names],
        np.concatenate(rows) if rows else np.empty(0, np.int64),
        np.concatenate(vectors) if vectors else empty,
        np.concatenate(present) if present else empty,
        words,
        spoken,
        still,
    )


def _drawn(session: Session, model: str, most: int, seed: int) -> dict[str, Modality]:
    """Ids and modalities of tracklets with vectors, in order of arrival: at most so many of each camera."""
    with_vectors = select(VectorRow.tracklet_id).where(
        VectorRow.space == model, VectorRow.kind == str(VectorKind.CROP)
    )
    rows = session.execute(
        select(TrackletRow.id, TrackletRow.camera_id, TrackletRow.modality)
        .where(TrackletRow.id.in_(with_vectors))
        .order_by(TrackletRow.position)
    ).all()
    of: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        of.setdefault(row.camera_id, []).append(place)
    kept: set[int] = set()
    for camera, places in of.items():
        order = generator(seed, "camera", camera).permutation(len(places))
        kept.update(places[number] for number in order[:most].tolist())
    return {row.id: Modality(row.modality) for place, row in enumerate(rows) if place in kept}


def _vectors(session: Session, model: str, chosen: Mapping[str, Modality]) -> dict[str, Floats]:
    """The model's own vectors of each tracklet, in order of time."""
    names, found = sorted(chosen), dict[str, list[np.ndarray]]()
    for start in range(0, len(names), _PAGE):
        rows = (
            select(VectorRow.tracklet_id, VectorRow.data)
            .where(VectorRow.space == model, VectorRow.kind == str(VectorKind.CROP))
            .where(VectorRow.tracklet_id.in_(names[start : start + _PAGE]))
            .order_by(VectorRow.time_ns, VectorRow.id)
        )
        for row in session.execute(rows):
            found.setdefault(row.tracklet_id, []).append(np.frombuffer(row.data, "<f4"))
    return {name: np.stack(mine).astype(np.float32) for name, mine in found.items()}
