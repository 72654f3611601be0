"""What a gallery stores already is encrypted, decrypted, encrypted anew, or goes with its key.

Some rows in a transaction: who is killed in between goes on where it stopped, because each row says by its
first bytes how it lies.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, String, exists, func, literal, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from reid_core.gallery.database import Database
from reid_core.gallery.refusals import camera_of_record
from reid_core.gallery.schema import Base, RefusedRow, SightingRow, StagedRow, TrackletRow
from reid_core.gallery.sealed_column import as_stored
from reid_core.gallery.sealing_rows import sealing_of
from reid_core.sealing import Purpose, key_of, key_ring

_TOGETHER = 256
# The id of a key stands in them.
_HEAD_BYTES = 64

Progress = Callable[[int], None]
"""Told how many rows were looked at."""


@dataclass(frozen=True, slots=True)
class Place:
    """A column that holds crops.

    Attributes:
        row: of its table.
        purpose: what its bytes are.
        number: the column by whose order it is gone through.
        content: the column.
        camera: of the row; ``None`` where the bytes alone say.
    """

    row: type[Base]
    purpose: Purpose
    number: InstrumentedAttribute[Any]
    content: InstrumentedAttribute[bytes]
    camera: Any

    @property
    def table(self) -> str:
        """Its table's name."""
        return str(self.row.__tablename__)


_CAMERA = select(TrackletRow.camera_id).where(TrackletRow.id == SightingRow.tracklet_id).scalar_subquery()
PLACES = (
    Place(SightingRow, Purpose.CROP, SightingRow.id, SightingRow.crop, _CAMERA),
    Place(StagedRow, Purpose.STAGED, StagedRow.id, StagedRow.content, StagedRow.camera_id),
    Place(RefusedRow, Purpose.LETTER, RefusedRow.id, RefusedRow.record, None),
)
"""All columns of the database that hold crops, or frames."""


def reseal(database: Database, progress: Progress = lambda _: None) -> dict[str, int]:
    """Have all that is stored lie as the gallery's state says: encrypted with its class's key, or plain.

    Args:
        database: of the gallery.
        progress: see `Progress`.

    Returns:
        how many rows were written anew, by table.

    Raises:
        SealingKeyError: a key is missing; what was done until then is done.
    """
    return _everywhere(database, _reseal_some, progress)


def forget_sealed(
    database: Database, keys: Collection[str], held: ColumnElement[bool], progress: Progress = lambda _: None
) -> dict[str, int]:
    """Empty what is encrypted with some keys.

    Args:
        database: of the gallery.
        keys: their ids.
        held: says of a row of `TrackletRow` that it stays.
        progress: see `Progress`.

    Returns:
        how many rows were emptied, by table.
    """

    def some(session: Session, place: Place, after: Any) -> _Done:
        rows = _page(session, place, after)
        gone = [row.number for row in rows if key_of(row.head) in keys]
        emptied = update(place.row).where(place.number.in_(gone)).values({place.content: b""})
        if place.row is SightingRow:
            emptied = emptied.where(~exists().where(TrackletRow.id == SightingRow.tracklet_id, held))
        done = len(session.execute(emptied.returning(place.number)).all()) if gone else 0
        return _Done(rows, done)

    return _everywhere(database, some, progress)


def counted(database: Database) -> dict[str, dict[str | None, int]]:
    """How many rows are encrypted with which key, by table; ``None`` are plain ones."""
    found: dict[str, dict[str | None, int]] = {}
    for place in PLACES:
        counts: Counter[str | None] = Counter()
        after: Any = None
        while True:
            with database.read() as session:
                rows = _page(session, place, after)
            if not rows:
                break
            counts.update(key_of(row.head) for row in rows)
            after = rows[-1].number
        found[place.table] = dict(counts)
    return found


@dataclass(frozen=True, slots=True)
class _Done:
    """Rows that were looked at in one transaction, and how many of them were changed."""

    rows: list[Any]
    changed: int


def _everywhere(
    database: Database, some: Callable[[Session, Place, Any], _Done], progress: Progress
) -> dict[str, int]:
    """Go through all places, some rows in a writing transaction."""
    counts, looked_at = dict.fromkeys((place.table for place in PLACES), 0), 0
    for place in PLACES:
        after: Any = None
        while True:
            with database.write() as session:
                done = some(session, place, after)
            if not done.rows:
                break
            after = done.rows[-1].number
            counts[place.table] += done.changed
            looked_at += len(done.rows)
            progress(looked_at)
    return counts


def _page(session: Session, place: Place, after: Any) -> list[Any]:
    """The next rows that are not empty: number, camera and how their bytes begin."""
    head = func.substr(as_stored(place.content), 1, _HEAD_BYTES, type_=LargeBinary)
    camera = place.camera if place.camera is not None else literal(None, String)
    chosen = select(place.number.label("number"), camera.label("camera"), head.label("head"))
    chosen = chosen.where(func.length(place.content) > 0).order_by(place.number).limit(_TOGETHER)
    return list(session.execute(chosen if after is None else chosen.where(place.number > after)))


def _reseal_some(session: Session, place: Place, after: Any) -> _Done:
    sealing, ring = sealing_of(session), key_ring()
    rows = _page(session, place, after)
    # Of which camera a dead letter is, only its bytes say; there are few.
    wrong = [one.number for one in rows if one.camera is None or key_of(one.head) != sealing.key(one.camera)]
    cameras = {one.number: one.camera for one in rows}
    chosen = select(place.number.label("number"), as_stored(place.content).label("content"))
    done = 0
    for row in session.execute(chosen.where(place.number.in_(wrong))).all():
        plain = ring.opened(row.content, place.purpose)
        camera = cameras[row.number]
        camera = camera_of_record(plain) if camera is None else camera
        if key_of(row.content) != sealing.key(camera):
            content = sealing.sealed(plain, camera, place.purpose)
            changed = update(place.row).where(place.number == row.number)
            session.execute(changed.values({place.content: content}))
            done += 1
    return _Done(rows, done)
