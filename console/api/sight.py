"""What of the gallery whoever asks may see: the rest is answered as if it were not there."""

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.api.use import Use, not_found
from reid_core.access import EVERYTHING
from reid_core.gallery import SearchFilter
from reid_core.gallery.records import CameraRecord
from reid_core.gallery.relocating import members
from reid_core.gallery.schema import IdentityRow, TrackletRow
from reid_core.reviewing.visits import Visit, overlapping, visits_by_tracklet
from reid_core.watching.alerts import Alert


def sees_visit(use: Use, visit: Visit | Alert) -> bool:
    """Whether any of a tracklet, or of that of an alert, may be seen."""
    scope = use.principal.scope
    return (
        scope.has_camera(visit.camera)
        and (scope.since_ns is None or visit.end_ns >= scope.since_ns)
        and (scope.until_ns is None or visit.start_ns < scope.until_ns)
    )


def sees_cameras(use: Use, cameras: Collection[str]) -> bool:
    """Whether what looks at some cameras, at all where none are named, looks where one may oneself."""
    mine = use.principal.scope.cameras
    return mine is None or (bool(cameras) and mine.issuperset(cameras))


def everything(use: Use) -> SearchFilter:
    """All that may be seen."""
    return use.narrowed(SearchFilter())


def seen_visit(use: Use, session: Session, tracklet: str) -> Visit:
    """A tracklet by its whole id.

    Raises:
        NotFoundError: there is none that may be seen.
    """
    visit = visits_by_tracklet(session, [tracklet]).get(tracklet)
    if visit is None or not sees_visit(use, visit):
        raise not_found()
    return visit


def must_see_some(use: Use, session: Session, identity: str) -> None:
    """Make sure that an identity is there, and was seen where whoever asks may look.

    Raises:
        NotFoundError: it was not.
    """
    if not any(sees_visit(use, one) for one in _of(session, identity)):
        raise not_found()


def must_see_all(use: Use, session: Session, tracklets: Iterable[str]) -> None:
    """Make sure that each of some tracklets, by their whole ids, may be seen.

    Raises:
        NotFoundError: one may not, or is not there.
    """
    names = set(tracklets)
    found = visits_by_tracklet(session, names)
    if len(found) < len(names) or not all(sees_visit(use, one) for one in found.values()):
        raise not_found()


def must_see_whole(use: Use, session: Session, identity: str) -> None:
    """Make sure that an identity is there, and that all of it may be seen: nobody moves what they cannot see.

    Raises:
        NotFoundError: it is not, or not all of it may be seen.
    """
    there = _of(session, identity)
    if not there or not all(sees_visit(use, one) for one in there):
        raise not_found()


def known_identities(use: Use, session: Session, identities: Collection[str]) -> frozenset[str]:
    """Those of some identities of which a tracklet may be seen."""
    if use.principal.scope == EVERYTHING:
        return frozenset(identities)
    mine = TrackletRow.identity_id.in_(sorted(set(identities))), *overlapping(everything(use))
    found = session.scalars(select(TrackletRow.identity_id).where(*mine).distinct())
    return frozenset(name for name in found if name is not None)


def seen_cameras(use: Use) -> tuple[CameraRecord, ...]:
    """The cameras that may be known of."""
    return tuple(one for one in use.gallery.cameras() if use.principal.scope.has_camera(one.id))


def is_identity(session: Session, identity: str) -> bool:
    """Whether there is an identity of this whole id."""
    return session.scalar(select(IdentityRow.id).where(IdentityRow.id == identity)) is not None


def _of(session: Session, identity: str) -> list[Visit]:
    return list(visits_by_tracklet(session, members(session, identity)).values())
