"""Who cannot be one person because of where cameras are: in two at once, or in the other one too soon."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.gallery.schema import TrackletRow


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where cameras are to one another.

    Attributes:
        tolerance_ns: how far their clocks may be apart.
        overlaps: pairs of cameras that see some of the same ground: nothing is forbidden between them.
        metres: the shortest way between two cameras' views, where it is known.
        fastest: metres a second that nobody exceeds.
    """

    tolerance_ns: int
    overlaps: frozenset[frozenset[str]] = frozenset()
    metres: Mapping[frozenset[str], float] = field(default_factory=dict, hash=False)
    fastest: float = 4.0

    def apart_ns(self, camera: str, other: str) -> int | None:
        """The least time between leaving one camera and entering another, less the tolerance.

        Negative where both may be at the same time for so long; ``None`` where nothing is forbidden.
        """
        pair = frozenset((camera, other))
        if camera == other or pair in self.overlaps:
            return None
        return round(self.metres.get(pair, 0.0) / self.fastest * 1e9) - self.tolerance_ns

    @property
    def longest_ns(self) -> int:
        """The longest time that it takes from one camera to another."""
        return round(max(self.metres.values(), default=0.0) / self.fastest * 1e9)


@dataclass(frozen=True, slots=True)
class Stay:
    """When a tracklet was where; the identity that it has, if it has one."""

    camera: str
    start_ns: int
    end_ns: int
    identity: str | None = None


def excludes(whereabouts: Whereabouts | None, one: Stay, other: Stay) -> bool:
    """Whether two tracklets cannot be one person."""
    between = max(other.start_ns - one.end_ns, one.start_ns - other.end_ns)
    if one.camera == other.camera:
        # Nobody is in two places of one picture.
        return between <= 0
    least = whereabouts.apart_ns(one.camera, other.camera) if whereabouts is not None else None
    return least is not None and between < least


def elsewhere(session: Session, whereabouts: Whereabouts, stay: Stay) -> set[str]:
    """The identities that were in other cameras when a tracklet was in its own, or too near to it in time."""
    reach = whereabouts.longest_ns
    chosen = select(
        TrackletRow.camera_id, TrackletRow.start_ns, TrackletRow.end_ns, TrackletRow.identity_id
    ).where(
        TrackletRow.end_ns >= stay.start_ns - reach,
        TrackletRow.start_ns <= stay.end_ns + reach,
        TrackletRow.identity_id.is_not(None),
    )
    others: Iterable[Stay] = (Stay(*row) for row in session.execute(chosen))
    return {
        str(other.identity)
        for other in others
        if other.camera != stay.camera and excludes(whereabouts, stay, other)
    }
