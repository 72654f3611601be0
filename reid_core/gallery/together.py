"""Whether two groups of tracklets were seen together: nobody is in two places of one picture."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.schema import TrackletRow
from reid_core.gallery.whereabouts import Stay, Whereabouts, excludes

_PAGE = 4096


def stays_of(session: Session, tracklets: Collection[str]) -> dict[str, Stay]:
    """When each of some tracklets was where."""
    names, found = sorted(tracklets), dict[str, Stay]()
    columns = TrackletRow.camera_id, TrackletRow.start_ns, TrackletRow.end_ns, TrackletRow.identity_id
    for start in range(0, len(names), _PAGE):
        chosen = select(TrackletRow.id, *columns).where(TrackletRow.id.in_(names[start : start + _PAGE]))
        found.update((row[0], Stay(*row[1:])) for row in session.execute(chosen))
    return found


def meeting(
    one: dict[str, Stay], other: dict[str, Stay], whereabouts: Whereabouts | None = None
) -> tuple[str, str] | None:
    """The first two tracklets, of one group and the other, that cannot be one person; ``None`` if all can."""
    return next(
        (
            (mine, theirs)
            for mine, stay in one.items()
            for theirs, other_stay in other.items()
            if excludes(whereabouts, stay, other_stay)
        ),
        None,
    )


def check_apart(session: Session, tracklets: Collection[str], others: Collection[str]) -> None:
    """Make sure that two groups of tracklets were never in one picture.

    Raises:
        UsageError: two of them were.
    """
    found = meeting(stays_of(session, tracklets), stays_of(session, others))
    if found is not None:
        raise UsageError(
            f"Tracklets {found[0]} and {found[1]} were in one picture at the same time: that is two people.",
            "Where a tracker followed one person twice, add --anyway.",
        )
