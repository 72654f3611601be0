"""Who is to be erased, and what there is of them, shown before anything goes."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from reid_core.erasure.gone import pages
from reid_core.erasure.holds import held
from reid_core.errors import UsageError
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.naming import SHORTEST, any_tracklet, the_identity
from reid_core.gallery.schema import LinkRow, SightingRow, StagedRow, TrackletRow
from reid_core.gallery.spaces import active_space
from reid_core.gallery.streams import TRACKLET
from reid_core.reviewing.visits import visits_of


class Why(StrEnum):
    """Why a tracklet is part of an erasure."""

    NAMED = "named"
    MEMBER = "of the identity"
    LINKED = "linked to the identity"
    CONFIRMED = "confirmed to be the identity"


_WHY = {"member": Why.MEMBER, "linked": Why.LINKED, "confirmed": Why.CONFIRMED}


@dataclass(frozen=True, slots=True)
class Chosen:
    """A tracklet that is to be erased.

    Attributes:
        id: of the tracklet.
        camera: that saw it.
        modality: how its crops are compared.
        start_ns: capture time of its first frame, UTC nanoseconds; of a staged one that of its end.
        end_ns: of its last.
        sightings: how many crops are kept.
        why: it is part of this.
        probability: of the link, of one that is linked.
        staged: it is on its way into the gallery.
        held: it is under legal hold.
    """

    id: str
    camera: str
    modality: str
    start_ns: int
    end_ns: int
    sightings: int
    why: Why
    probability: float | None = None
    staged: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom an erasure is about.

    Attributes:
        identities: that are named, or that nobody is left of afterwards.
        tracklets: that go, in order of time.
        possible: infrared tracklets that name an identity of these as a candidate, and are not linked to it:
            they stay, and lose the candidate.
        linked: whether infrared tracklets that are linked to the identities go with them.
    """

    identities: tuple[str, ...]
    tracklets: tuple[Chosen, ...]
    possible: tuple[str, ...] = ()
    linked: bool = True

    @property
    def named(self) -> tuple[str, ...]:
        """The tracklets that were named themselves."""
        return tuple(one.id for one in self.tracklets if one.why is Why.NAMED)


def plan(
    session: Session,
    identities: Collection[str] = (),
    tracklets: Collection[str] = (),
    linked: bool = True,
) -> Plan:
    """What an erasure takes.

    Args:
        session: of a transaction.
        identities: their ids, or the beginning of each.
        tracklets: likewise, of either modality; those that are staged by their whole id.
        linked: with the infrared tracklets that are linked to the identities and not rejected by a person, or
            confirmed by one.

    Raises:
        UsageError: nobody is named, or somebody who is not there.
    """
    if not identities and not tracklets:
        raise UsageError("Nobody is named to be erased.", "Give --identity, --tracklet or --image.")
    why: dict[str, tuple[Why, float | None]] = {}
    named = {the_identity(session, said) for said in identities}
    model = active_space(session) or ""
    for visits in visits_of(session, sorted(named), model, SearchFilter()).values():
        for one in visits:
            if one.how == "member" or linked:
                why[one.tracklet] = _WHY[one.how], one.probability
    possible = _named_by_links(session, named)
    staged = set[str]()
    for said in tracklets:
        name, waits = _tracklet(session, said)
        why[name] = Why.NAMED, None
        staged |= {name} if waits else set()
    chosen = [*_stored(session, why), *_waiting(session, staged)]
    kept = tuple(sorted(possible - why.keys()))
    ordered = tuple(sorted(chosen, key=lambda one: (one.start_ns, one.id)))
    return Plan(tuple(sorted(named)), ordered, kept, linked)


def _named_by_links(session: Session, identities: Collection[str]) -> set[str]:
    """Infrared tracklets whose links name one of some identities, as the decision or as a candidate."""
    found = set[str]()
    for one in identities:
        named = or_(LinkRow.identity_id == one, cast(LinkRow.candidates, Text).contains(one))
        found.update(session.scalars(select(LinkRow.tracklet_id).where(named)))
    return found


def _tracklet(session: Session, said: str) -> tuple[str, bool]:
    """The id of a tracklet, and whether it is staged."""
    try:
        return any_tracklet(session, said)[0], False
    except UsageError:
        waits = StagedRow.kind == TRACKLET, StagedRow.subject == said
        if len(said) < SHORTEST or session.scalar(select(StagedRow.id).where(*waits)) is None:
            raise
        return said, True


def _stored(session: Session, why: dict[str, tuple[Why, float | None]]) -> list[Chosen]:
    on_hold, found = held(session, why), list[Chosen]()
    for names in pages(why):
        counted = select(SightingRow.tracklet_id, SightingRow.id).where(SightingRow.tracklet_id.in_(names))
        sightings: dict[str, int] = {}
        for row in session.execute(counted):
            sightings[row.tracklet_id] = sightings.get(row.tracklet_id, 0) + 1
        columns = (
            *(TrackletRow.id, TrackletRow.camera_id, TrackletRow.modality),
            *(TrackletRow.start_ns, TrackletRow.end_ns),
        )
        for one in session.execute(select(*columns).where(TrackletRow.id.in_(names))):
            reason, probability = why[one.id]
            found.append(
                Chosen(
                    *(one.id, one.camera_id, one.modality, one.start_ns, one.end_ns),
                    sightings=sightings.get(one.id, 0),
                    why=reason,
                    probability=probability,
                    held=one.id in on_hold,
                )
            )
    return found


def _waiting(session: Session, names: Collection[str]) -> list[Chosen]:
    on_hold = held(session, names)
    rows = session.scalars(
        select(StagedRow).where(StagedRow.kind == TRACKLET, StagedRow.subject.in_(sorted(names)))
    )
    return [
        Chosen(
            *(row.subject, row.camera_id, row.modality, row.due_ns, row.due_ns),
            sightings=0,
            why=Why.NAMED,
            staged=True,
            held=row.subject in on_hold,
        )
        for row in rows
    ]
