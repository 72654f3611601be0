"""What is kept of a camera, class by class: how old the oldest is, and how what is over goes.

What is under legal hold is passed over. What is taken out takes along what makes no sense without it.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Delete,
    Select,
    Update,
    delete,
    exists,
    func,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from reid_core.erasure.gone import all_of
from reid_core.erasure.holds import is_held
from reid_core.erasure.removing import remove
from reid_core.gallery.delivery_rows import DeliveryRow
from reid_core.gallery.records import VectorKind
from reid_core.gallery.relocating import changed_identities
from reid_core.gallery.schema import CaptionRow, LinkRow, SightingRow, TrackletRow, VectorRow
from reid_core.gallery.vector_rows import forget_vectors
from reid_core.gallery.watch_rows import AlertRow
from reid_core.retention.rules import OfCamera

_SUBJECT = "retention"
_LOCAL = "local_vectors"


class Kept(Protocol):
    """One class of what is kept of a camera."""

    def oldest(self, session: Session, camera: str) -> int | None:
        """Capture time of the oldest that is left, UTC nanoseconds; ``None`` where nothing is."""

    def held(self, session: Session, camera: str, before_ns: int) -> int:
        """How many are over, and stay because they are under legal hold."""

    def take_out(self, session: Session, camera: str, before_ns: int, most: int, now_ns: int) -> int:
        """Remove some that are over, in a writing transaction; returns how many: 0 where none is left."""


class _OfTracklets:
    """A class whose things are there or not for a tracklet as a whole."""

    def there(self) -> ColumnElement[bool]:
        """Whether a row of `TrackletRow` has any."""
        raise NotImplementedError

    def remove(self, session: Session, tracklets: Sequence[str], now_ns: int) -> int:
        """Remove those of some tracklets; returns how many things went."""
        raise NotImplementedError

    def oldest(self, session: Session, camera: str) -> int | None:
        """See `Kept`."""
        chosen = select(func.min(TrackletRow.end_ns)).where(TrackletRow.camera_id == camera, self.there())
        return session.scalar(chosen)

    def held(self, session: Session, camera: str, before_ns: int) -> int:
        """See `Kept`."""
        counted = select(func.count()).select_from(TrackletRow).where(*self._over(camera, before_ns))
        return session.scalar(counted.where(is_held())) or 0

    def take_out(self, session: Session, camera: str, before_ns: int, most: int, now_ns: int) -> int:
        """See `Kept`."""
        chosen = select(TrackletRow.id).where(*self._over(camera, before_ns), ~is_held())
        names = session.scalars(chosen.order_by(TrackletRow.end_ns).limit(most)).all()
        return self.remove(session, names, now_ns) if names else 0

    def _over(self, camera: str, before_ns: int) -> tuple[ColumnElement[bool], ...]:
        return TrackletRow.camera_id == camera, TrackletRow.end_ns < before_ns, self.there()


class Tracklets(_OfTracklets):
    """Tracklets, with all that hangs on them; identities that nobody is left of go, too."""

    def there(self) -> ColumnElement[bool]:
        """Every tracklet is one."""
        return TrackletRow.id.is_not(None)

    def remove(self, session: Session, tracklets: Sequence[str], now_ns: int) -> int:
        """Take them out of every table, and out of what others' rows say of them."""
        # A standing query by a picture is of somebody who is still looked for.
        remove(session, all_of(session, tracklets), now_ns, pictured=False)
        return len(tracklets)


class Crops(_OfTracklets):
    """Pictures; the sightings stay, without them."""

    def there(self) -> ColumnElement[bool]:
        """Whether one of its sightings has a picture."""
        mine = SightingRow.tracklet_id == TrackletRow.id, func.length(SightingRow.crop) > 0
        return exists().where(*mine)

    def remove(self, session: Session, tracklets: Sequence[str], now_ns: int) -> int:
        """Empty them."""
        theirs = SightingRow.tracklet_id.in_(tracklets), func.length(SightingRow.crop) > 0
        return _done(session, update(SightingRow).where(*theirs).values(crop=b""))


class Vectors(_OfTracklets):
    """Vectors of crops, local ones among them: nobody is found by them any more."""

    def there(self) -> ColumnElement[bool]:
        """Whether it has one."""
        return exists().where(*_of_kind(VectorKind.CROP))

    def remove(self, session: Session, tracklets: Sequence[str], now_ns: int) -> int:
        """Take them out; indexes learn of it, and whoever nominated candidates looks again."""
        count = _forget(session, tracklets, VectorKind.CROP, now_ns)
        if inspect(session.connection()).has_table(_LOCAL):
            for name in tracklets:
                mine = "SELECT id FROM sightings WHERE tracklet_id = :tracklet"
                session.execute(
                    text(f"DELETE FROM {_LOCAL} WHERE sighting_id IN ({mine})"), {"tracklet": name}
                )
        changed_identities(session)
        return count


class Captions(_OfTracklets):
    """What a captioner says, and the vectors of that."""

    def there(self) -> ColumnElement[bool]:
        """Whether it has one, or a vector of one."""
        said = exists().where(CaptionRow.tracklet_id == TrackletRow.id)
        return said | exists().where(*_of_kind(VectorKind.CAPTION))

    def remove(self, session: Session, tracklets: Sequence[str], now_ns: int) -> int:
        """Take them out."""
        count = _forget(session, tracklets, VectorKind.CAPTION, now_ns)
        return count + _done(session, delete(CaptionRow).where(CaptionRow.tracklet_id.in_(tracklets)))


class Links(_OfTracklets):
    """Who an infrared tracklet is; of the camera that saw the tracklet."""

    def there(self) -> ColumnElement[bool]:
        """Whether it has one."""
        return exists().where(LinkRow.tracklet_id == TrackletRow.id)

    def remove(self, session: Session, tracklets: Sequence[str], now_ns: int) -> int:
        """Take them out."""
        return _done(session, delete(LinkRow).where(LinkRow.tracklet_id.in_(tracklets)))


class Alerts:
    """Whom watches found; an alert outlives its watch, and goes with its tracklet at the latest."""

    def oldest(self, session: Session, camera: str) -> int | None:
        """See `Kept`."""
        return session.scalar(select(func.min(AlertRow.end_ns)).where(AlertRow.camera_id == camera))

    def held(self, session: Session, camera: str, before_ns: int) -> int:
        """See `Kept`."""
        chosen = self._over(select(func.count()).select_from(AlertRow), camera, before_ns)
        return session.scalar(chosen.where(self._is_held())) or 0

    def take_out(self, session: Session, camera: str, before_ns: int, most: int, now_ns: int) -> int:
        """See `Kept`."""
        chosen = self._over(select(AlertRow.id), camera, before_ns).where(~self._is_held())
        numbers = session.scalars(chosen.order_by(AlertRow.id).limit(most)).all()
        session.execute(delete(DeliveryRow).where(DeliveryRow.alert_id.in_(numbers)))
        return _done(session, delete(AlertRow).where(AlertRow.id.in_(numbers))) if numbers else 0

    def _is_held(self) -> ColumnElement[bool]:
        return exists(select(TrackletRow.id).where(TrackletRow.id == AlertRow.tracklet_id, is_held()))

    def _over(self, chosen: Select[Any], camera: str, before_ns: int) -> Select[Any]:
        return chosen.where(AlertRow.camera_id == camera, AlertRow.end_ns < before_ns)


KEPT: dict[OfCamera, Kept] = {
    # First what takes the rest along.
    OfCamera.TRACKLETS: Tracklets(),
    OfCamera.CROPS: Crops(),
    OfCamera.VECTORS: Vectors(),
    OfCamera.CAPTIONS: Captions(),
    OfCamera.LINKS: Links(),
    OfCamera.ALERTS: Alerts(),
}
"""What is kept of each camera, in the order in which it goes."""


def _of_kind(kind: VectorKind) -> tuple[ColumnElement[bool], ...]:
    return VectorRow.tracklet_id == TrackletRow.id, VectorRow.kind == str(kind)


def _forget(session: Session, tracklets: Sequence[str], kind: VectorKind, now_ns: int) -> int:
    theirs = VectorRow.tracklet_id.in_(tracklets), VectorRow.kind == str(kind)
    count = session.scalar(select(func.count()).select_from(VectorRow).where(*theirs)) or 0
    if count:
        forget_vectors(session, tracklets, _SUBJECT, now_ns, kind)
    return count


def _done(session: Session, statement: Delete | Update) -> int:
    done = session.execute(statement)
    assert isinstance(done, CursorResult)
    return int(done.rowcount)
