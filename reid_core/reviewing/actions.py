"""What people may do with links and identities, by name: at once, or when a second person agrees.

Each action looks first at what is there and later does it, if that is still there. Others add theirs to the
registry (`ACTIONS`): erasing somebody, setting a watch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from reid_core.errors import StaleError, UsageError
from reid_core.gallery import corrections
from reid_core.gallery.naming import the_identity, the_tracklet
from reid_core.gallery.relocating import members
from reid_core.gallery.schema import TrackletRow
from reid_core.gallery.together import check_apart
from reid_core.reviewing.hands import Hands
from reid_core.reviewing.labels import Verdict, judge_link
from reid_core.reviewing.revisions import check_revision, revision
from reid_core.watching.proposing import add_proposed, check_proposed

Subject = Mapping[str, Any]
"""Ids of what an action is about, and what else doing it needs: as JSON holds it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an action.

    Attributes:
        label: number of the label that was kept.
        correction: number of the correction that was made.
        identity: whom it is about from now on.
        watch: number of the watch that was added.
    """

    label: int | None = None
    correction: int | None = None
    identity: str | None = None
    watch: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done.

    Attributes:
        look: what is there now, for `do` to compare with: as JSON holds it. Raises as `do` where it could
            not be done at all.
        do: does it in a writing transaction; `StaleError` where what is there is not what was looked at.
    """

    look: Callable[[Session, Subject], dict[str, Any]]
    do: Callable[[Session, Subject, Mapping[str, Any], Hands], Outcome]


def _look_at_link(session: Session, subject: Subject) -> dict[str, Any]:
    return {}


def _judge(verdict: Verdict) -> Callable[[Session, Subject, Mapping[str, Any], Hands], Outcome]:
    def do(session: Session, subject: Subject, seen: Mapping[str, Any], hands: Hands) -> Outcome:
        identity = subject["identity"]
        label = judge_link(session, subject["tracklet"], identity, subject["model"], verdict, hands)
        return Outcome(label=label, identity=identity)

    return do


def _look_at_identities(*names: str) -> Callable[[Session, Subject], dict[str, Any]]:
    def look(session: Session, subject: Subject) -> dict[str, Any]:
        found = {name: the_identity(session, subject[name]) for name in names}
        return {name: revision(session, identity) for name, identity in found.items()}

    return look


def _merge(session: Session, subject: Subject, seen: Mapping[str, Any], hands: Hands) -> Outcome:
    identity, other = subject["identity"], subject["other"]
    if identity == other:
        raise UsageError(f"Identity {identity} cannot be merged with itself.")
    check_revision(session, identity, seen.get("identity"))
    check_revision(session, other, seen.get("other"))
    if not subject.get("together"):
        check_apart(session, members(session, identity), members(session, other))
    number = corrections.merge(session, identity, other, hands.author)
    return Outcome(correction=number, identity=identity)


def _split(session: Session, subject: Subject, seen: Mapping[str, Any], hands: Hands) -> Outcome:
    check_revision(session, subject["identity"], seen.get("identity"))
    number = corrections.split(session, subject["identity"], subject["tracklets"], hands.author)
    moved = session.get_one(TrackletRow, the_tracklet(session, subject["tracklets"][0]))
    return Outcome(correction=number, identity=moved.identity_id)


def _look_at_move(session: Session, subject: Subject) -> dict[str, Any]:
    tracklet = the_tracklet(session, subject["tracklet"])
    the_identity(session, subject["identity"])
    return {"from": session.get_one(TrackletRow, tracklet).identity_id}


def _move(session: Session, subject: Subject, seen: Mapping[str, Any], hands: Hands) -> Outcome:
    tracklet, identity = subject["tracklet"], the_identity(session, subject["identity"])
    there = session.get_one(TrackletRow, the_tracklet(session, tracklet)).identity_id
    if seen.get("from") not in (None, there):
        raise StaleError(f"Tracklet {tracklet} is of another identity meanwhile.", "Look at it again.")
    if not subject.get("together"):
        check_apart(session, [tracklet], [one for one in members(session, identity) if one != tracklet])
    number = corrections.move(session, tracklet, identity, hands.author)
    return Outcome(correction=number, identity=identity)


def _look_at_watch(session: Session, subject: Subject) -> dict[str, Any]:
    check_proposed(session, subject)
    return {}


def _watch(session: Session, subject: Subject, seen: Mapping[str, Any], hands: Hands) -> Outcome:
    number = add_proposed(session, subject, hands.first.name, hands.reason, hands.time_ns)
    return Outcome(watch=number)


ACTIONS: dict[str, Action] = {
    "link.confirm": Action(_look_at_link, _judge(Verdict.CONFIRMED)),
    "link.reject": Action(_look_at_link, _judge(Verdict.REJECTED)),
    "identity.merge": Action(_look_at_identities("identity", "other"), _merge),
    "identity.split": Action(_look_at_identities("identity"), _split),
    "tracklet.move": Action(_look_at_move, _move),
    "watch.add": Action(_look_at_watch, _watch),
}
"""Every action by the name that policies, the audit log and proposals call it by."""


def action_of(name: str) -> Action:
    """The action of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in ACTIONS:
        raise UsageError(f"There is no action {name!r}.")
    return ACTIONS[name]
