"""Who is meant by a crop: the very picture that the gallery holds, or whoever is most like it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import LargeBinary, func, or_, select
from sqlalchemy.orm import Session

from reid_core.gallery.schema import SightingRow, TrackletRow
from reid_core.gallery.sealed_column import as_stored
from reid_core.gallery.store import Gallery
from reid_core.querying.asking import Asking, QueryModels
from reid_core.querying.query import Form
from reid_core.sealing import key_ring
from reid_core.sealing.sealed import MAGIC, overhead
from reid_core.types import Image, Modality


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody of the gallery who may be meant.

    Attributes:
        rank: from 1.
        identity: their id.
        score: cosine of the crop and their best sighting.
        probability: that it is them, 0..1; ``None`` where that is not calibrated.
        tracklets: how many they have.
        cameras: that saw them, sorted.
    """

    rank: int
    identity: str
    score: float
    probability: float | None
    tracklets: int
    cameras: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """Who is meant.

    Attributes:
        identities: of the tracklets that have this very picture as a crop.
        tracklets: these.
        candidates: whoever is like it, best first, where nobody has it.
    """

    identities: tuple[str, ...] = ()
    tracklets: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = ()


def by_example(
    gallery: Gallery,
    files: Sequence[bytes],
    crops: Sequence[Image],
    modality: Modality,
    models: QueryModels,
    most: int = 5,
) -> Example:
    """Find who is meant by crops of one person.

    Args:
        gallery: that holds them.
        files: of the crops, byte for byte: the gallery may hold these very ones.
        crops: the same, ``uint8`` ``h x w x 3`` RGB, each as a detector cuts it out.
        modality: of the crops.
        models: of the gallery.
        most: how many candidates at most.

    Raises:
        ModelMismatchError: the embedder is not the gallery's.
    """
    same = _with_these_files(gallery, files)
    if same.tracklets:
        return same
    asking = Asking(gallery, models, None, Form.IMAGE)
    asking.by_images(crops, modality)
    answer = asking.service.ask(asking.query(), most)
    found = []
    with gallery.database.read() as session:
        for one in answer.identities:
            theirs = select(TrackletRow.camera_id).where(TrackletRow.identity_id == one.identity)
            cameras = session.scalars(theirs).all()
            found.append(
                Candidate(
                    *(one.rank, one.identity, one.score, one.probability),
                    tracklets=len(cameras),
                    cameras=tuple(sorted(set(cameras))),
                )
            )
    return Example(candidates=tuple(found))


def _with_these_files(gallery: Gallery, files: Sequence[bytes]) -> Example:
    with gallery.database.read() as session:
        chosen = (
            select(TrackletRow.id, TrackletRow.identity_id)
            .join(SightingRow, SightingRow.tracklet_id == TrackletRow.id)
            .where(or_(SightingRow.crop.in_(files), SightingRow.id.in_(_encrypted(session, files))))
            .distinct()
        )
        rows = session.execute(chosen).all()
    identities = {row.identity_id for row in rows if row.identity_id is not None}
    return Example(tuple(sorted(identities)), tuple(sorted(row.id for row in rows)))


def _encrypted(session: Session, files: Sequence[bytes]) -> list[str]:
    """Sightings whose crop is one of some files, and encrypted: only their lengths are alike then."""
    ring, wanted = key_ring(), set(files)
    lengths = {len(one) + overhead(key) for one in files for key in ring.secrets}
    if not lengths:
        return []
    chosen = select(SightingRow.id, SightingRow.crop).where(
        func.length(SightingRow.crop).in_(sorted(lengths))
    )
    own = func.substr(as_stored(SightingRow.crop), 1, len(MAGIC), type_=LargeBinary) == MAGIC
    return [row.id for row in session.execute(chosen.where(own)) if row.crop in wanted]
