"""Captions of tracklets: which crops are to be captioned, and what is said of them.

A tracklet is captioned once by a model. Its captions, their vectors and the outbox row that tells of them are
written in one transaction, so that a captioner that ends at any time leaves all of it or nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reid_core.gallery.database import Database
from reid_core.gallery.outbox import CAPTION_MADE, put_event
from reid_core.gallery.schema import CaptionRow, SightingRow, TrackletRow
from reid_core.gallery.vector_rows import add_caption_vectors
from reid_core.types import Floats, Modality


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """What is said of one sighting; fields as in `CaptionRow`, ``rank`` is the sighting's."""

    sighting: str
    rank: int
    model: str
    text: str


@dataclass(frozen=True, slots=True)
class Uncaptioned:
    """A crop that is to be captioned: whose it is, and its JPEG file."""

    tracklet: str
    sighting: str
    modality: Modality
    crop: bytes


@dataclass(frozen=True, slots=True)
class TrackletCaptions:
    """What is to be written of a tracklet.

    Attributes:
        tracklet: its id.
        texts: of its sightings, by their id, best first; none of them empty.
        vectors: of those that were understood, ``(N, D)`` float32, L2-normalised; ``None`` without any.
    """

    tracklet: str
    texts: Mapping[str, str]
    vectors: Floats | None = None


def uncaptioned(
    database: Database,
    tracklets: Collection[str],
    model: str,
    crops: int,
    modalities: Collection[Modality] = tuple(Modality),
) -> list[Uncaptioned]:
    """The best crops of those of some tracklets that a model has not captioned; in order of arrival.

    Args:
        database: of the gallery.
        tracklets: their ids; ones that are gone are left out.
        model: id of the captioner.
        crops: of each, at most.
        modalities: of the tracklets; of others nothing is read.
    """
    chosen = (
        select(SightingRow.id, SightingRow.tracklet_id, SightingRow.crop, TrackletRow.modality)
        .join(TrackletRow, TrackletRow.id == SightingRow.tracklet_id)
        .where(SightingRow.tracklet_id.in_(sorted(tracklets)), SightingRow.rank <= crops)
        .where(func.length(SightingRow.crop) > 0)
        .where(TrackletRow.modality.in_(sorted(map(str, modalities))))
        .order_by(TrackletRow.position, SightingRow.rank)
    )
    with database.read() as session:
        done = _captioned(session, tracklets, model)
        return [
            Uncaptioned(row.tracklet_id, row.id, Modality(row.modality), row.crop)
            for row in session.execute(chosen)
            if row.tracklet_id not in done
        ]


def without_captions(
    database: Database,
    recordings: Collection[str],
    model: str,
    modalities: Collection[Modality] = tuple(Modality),
) -> tuple[str, ...]:
    """Tracklets of recordings and modalities that a model has said nothing of yet, in order of arrival."""
    said = select(CaptionRow.sighting_id).where(
        CaptionRow.tracklet_id == TrackletRow.id, CaptionRow.model_id == model
    )
    chosen = (
        select(TrackletRow.id)
        .where(TrackletRow.recording_id.in_(sorted(recordings)), ~said.exists())
        .where(TrackletRow.modality.in_(sorted(map(str, modalities))))
        .order_by(TrackletRow.position)
    )
    with database.read() as session:
        return tuple(session.scalars(chosen))


def put_captions(
    session: Session,
    captions: Sequence[TrackletCaptions],
    model: str,
    encoder: tuple[str, str] | None = None,
) -> int:
    """Write what is said of tracklets, and an outbox row for each.

    Tracklets that are gone, or that the model has captioned meanwhile, are left as they are.

    Args:
        session: of the writing transaction.
        captions: what to write.
        model: id of the captioner.
        encoder: id of the text encoder and the space of its vectors, where there are any.

    Returns:
        how many tracklets were written.

    Raises:
        UsageError: vectors do not fit the space.
    """
    names = [one.tracklet for one in captions]
    ends = select(TrackletRow.id, TrackletRow.end_ns).where(TrackletRow.id.in_(names))
    there = {row.id: row.end_ns for row in session.execute(ends)}
    done = _captioned(session, names, model)
    written = 0
    for one in captions:
        if one.tracklet not in there or one.tracklet in done or not one.texts:
            continue
        for sighting, text in one.texts.items():
            session.add(CaptionRow(sighting_id=sighting, model_id=model, tracklet_id=one.tracklet, text=text))
        if one.vectors is not None and encoder is not None:
            add_caption_vectors(session, encoder[1], encoder[0], one.tracklet, one.vectors)
        put_event(session, CAPTION_MADE, one.tracklet, {"model": model}, there[one.tracklet])
        written += 1
    return written


def captions_of(database: Database, tracklet: str, model: str | None = None) -> tuple[CaptionRecord, ...]:
    """What is said of a tracklet, of its best crop first; by all models or one."""
    chosen = (
        select(CaptionRow, SightingRow.rank)
        .join(SightingRow, SightingRow.id == CaptionRow.sighting_id)
        .where(CaptionRow.tracklet_id == tracklet)
        .order_by(SightingRow.rank, CaptionRow.model_id)
    )
    if model is not None:
        chosen = chosen.where(CaptionRow.model_id == model)
    with database.read() as session:
        return tuple(
            CaptionRecord(row.CaptionRow.sighting_id, row.rank, row.CaptionRow.model_id, row.CaptionRow.text)
            for row in session.execute(chosen)
        )


def _captioned(session: Session, tracklets: Collection[str], model: str) -> set[str]:
    chosen = select(CaptionRow.tracklet_id).where(
        CaptionRow.tracklet_id.in_(sorted(tracklets)), CaptionRow.model_id == model
    )
    return set(session.scalars(chosen))
