"""Erasing over HTTP: at once, or when a second person agrees; in the transaction that writes it down."""

from sqlalchemy.orm import Session

from console.api.bodies.erasures import ErasureDone, ErasureWanted
from console.api.doing import person
from console.api.sight import must_see_all
from console.api.use import Use
from reid_core.erasure.auditing import ERASE, Auditing
from reid_core.erasure.choosing import Plan
from reid_core.erasure.proposing import planned, revision, subject_of
from reid_core.erasure.service import Erasing, Erasure
from reid_core.errors import StaleError, UsageError
from reid_core.reviewing.actions import Subject
from reid_core.reviewing.hands import Hands
from reid_core.reviewing.proposals import propose
from stream.kafka.erasing import erase_outside


def erase(use: Use, asked: ErasureWanted, chosen: Plan) -> ErasureDone:
    """Erase those of a plan that was just made anew, or have a second person asked.

    Raises:
        StaleError: it is not the plan that was shown.
        NotFoundError: somebody of it may not be seen.
        HeldError: somebody is under legal hold.
    """
    _check_shown(chosen, asked)
    if use.needs_two(ERASE):
        hands = Hands(person(use), use.context.clock(), use.purpose or "")
        with use.gallery.database.write() as session:
            number = propose(session, ERASE, subject_of(chosen), {"revision": asked.revision}, hands)
            use.record("propose", subject={"proposal": number, "action": ERASE}, session=session)
        return ErasureDone(done=False, proposal=number)
    with use.gallery.indexes.erasing() as session:
        # Nobody else's turn is between this look and the erasure.
        now = _planned_again(session, chosen)
        _check_shown(now, asked)
        must_see_planned(use, session, now)
        done = _erasing(use).within(session, now, use.principal.name)
    return _told(done, finish(use, done))


def must_see_planned(use: Use, session: Session, chosen: Plan) -> None:
    """Make sure that all whom an erasure takes may be seen.

    Raises:
        NotFoundError: one may not.
    """
    must_see_all(use, session, [one.id for one in chosen.tracklets if not one.staged])
    for one in chosen.tracklets:
        use.must_see(one.camera, one.start_ns)


def erase_agreed(use: Use, session: Session, subject: Subject, first: str) -> Erasure:
    """Erase what a second person just agreed to, in the same transaction; `told_of` comes behind its end.

    Args:
        use: of the second person.
        session: of the writing transaction.
        subject: of the proposal.
        first: name of who proposed it.
    """
    chosen = planned(session, subject)
    must_see_all(use, session, [one.id for one in chosen.tracklets if not one.staged])
    return _erasing(use).within(session, chosen, f"{first}, agreed by {use.principal.name}"[:255])


def finish(use: Use, done: Erasure) -> list[str]:
    """Have no file and no blob hold anything of who was erased; returns what is left, and until when."""
    return [*_erasing(use).finish(done), *erase_outside(use.context.settings.blobs, done.stretches)]


def auditing_of(use: Use) -> Auditing:
    """What writes down erasures and holds of whoever asks."""
    return Auditing(use.context.trail, use.principal.actor, use.purpose, use.case)


def _planned_again(session: Session, chosen: Plan) -> Plan:
    try:
        return planned(session, subject_of(chosen))
    except UsageError:
        raise _stale() from None


def _check_shown(chosen: Plan, asked: ErasureWanted) -> None:
    if revision(chosen) != asked.revision:
        raise _stale()


def _stale() -> StaleError:
    return StaleError("There is more or less of them than was shown.", "Look at the plan again.")


def _erasing(use: Use) -> Erasing:
    return Erasing(use.gallery, auditing_of(use), use.context.clock)


def _told(done: Erasure, left: list[str]) -> ErasureDone:
    return ErasureDone(
        done=True,
        erasure=done.name,
        tracklets=done.tracklets,
        crops=done.sightings,
        audit=done.audit,
        left=left,
    )
