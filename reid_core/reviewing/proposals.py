"""What two people have to agree on: one proposes it, another one approves it, and then it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from reid_core.errors import SecondPersonError, StaleError, UsageError
from reid_core.gallery.label_rows import ProposalRow
from reid_core.reviewing.actions import Outcome, Subject, action_of
from reid_core.reviewing.hands import Hands, Person


class ProposalState(StrEnum):
    """What became of a proposal."""

    OPEN = "open"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants done.

    Attributes:
        number: of the proposal, ascending.
        action: name in `reid_core.reviewing.actions.ACTIONS`.
        subject: what it is about.
        reason: why, in the proposer's words.
        by: who proposed it.
        time_ns: when, UTC nanoseconds.
        state: what became of it.
        decider: who decided; ``None`` while it is open.
        decided_ns: when; 0 while it is open.
    """

    number: int
    action: str
    subject: Mapping[str, Any]
    reason: str
    by: Person
    time_ns: int
    state: ProposalState
    decider: Person | None
    decided_ns: int

    @classmethod
    def of(cls, row: ProposalRow) -> Self:
        """As its row has it."""
        return cls(
            number=row.id,
            action=row.action,
            subject=row.subject,
            reason=row.reason,
            by=Person(row.author, row.author_name),
            time_ns=row.created_ns,
            state=ProposalState(row.state),
            decider=Person(row.decider, row.decider_name) if row.decider else None,
            decided_ns=row.decided_ns,
        )


def propose(session: Session, action: str, subject: Subject, seen: Mapping[str, Any], hands: Hands) -> int:
    """Ask a second person for something; returns the proposal's number, that of before if it waits already.

    Args:
        session: of a writing transaction.
        action: name of what is to be done.
        subject: what it is about.
        seen: what whoever proposes saw, where they say so; of the rest what is there now counts.
        hands: who proposes it.

    Raises:
        UsageError: there is no such action, or it could not be done at all.
        StaleError: what is there is not what was seen.
    """
    there = action_of(action).look(session, subject)
    if any(there.get(name) != value for name, value in seen.items() if value is not None):
        raise StaleError("What this is about has changed meanwhile.", "Look at it again.")
    waiting = select(ProposalRow).where(
        ProposalRow.action == action, ProposalRow.state == str(ProposalState.OPEN)
    )
    for row in session.scalars(waiting.order_by(ProposalRow.id)):
        if row.subject == dict(subject):
            return row.id
    values = {
        "action": action,
        "subject": dict(subject),
        "seen": there,
        "reason": hands.reason,
        "author": hands.first.id,
        "author_name": hands.first.name,
        "created_ns": hands.time_ns,
        "state": str(ProposalState.OPEN),
        "decider": "",
        "decider_name": "",
        "decided_ns": 0,
    }
    number: int | None = session.scalar(insert(ProposalRow).values(values).returning(ProposalRow.id))
    assert number is not None
    return int(number)


def approve(session: Session, number: int, person: Person, time_ns: int) -> Outcome:
    """Agree to a proposal, and do it.

    Args:
        session: of a writing transaction.
        number: of the proposal.
        person: who agrees.
        time_ns: when, UTC nanoseconds.

    Raises:
        UsageError: there is no such proposal, or it can no longer be done.
        SecondPersonError: whoever agrees has proposed it.
        StaleError: it was decided already, or what it is about has changed since.
    """
    row = _open(session, number)
    if row.author == person.id:
        raise SecondPersonError(
            "Whoever proposes something cannot approve it.", "Another person has to look at it."
        )
    hands = Hands(Person(row.author, row.author_name), time_ns, row.reason, person)
    _decide(row, ProposalState.APPROVED, person, time_ns)
    session.flush()
    return action_of(row.action).do(session, row.subject, row.seen, hands)


def decline(session: Session, number: int, person: Person, time_ns: int) -> None:
    """Say no to a proposal, or take back one's own; arguments and errors as of `approve`."""
    _decide(_open(session, number), ProposalState.DECLINED, person, time_ns)
    session.flush()


def the_proposal(session: Session, number: int) -> Proposal | None:
    """One proposal by its number."""
    row = session.get(ProposalRow, number)
    return Proposal.of(row) if row is not None else None


def proposals(
    session: Session, state: ProposalState | None = None, before: int | None = None, size: int = 100
) -> tuple[Proposal, ...]:
    """Proposals, newest first.

    Args:
        session: of a transaction.
        state: only of this.
        before: only with lower numbers.
        size: how many at most.
    """
    chosen = select(ProposalRow).order_by(ProposalRow.id.desc()).limit(size)
    if state is not None:
        chosen = chosen.where(ProposalRow.state == str(state))
    if before is not None:
        chosen = chosen.where(ProposalRow.id < before)
    return tuple(map(Proposal.of, session.scalars(chosen)))


def _open(session: Session, number: int) -> ProposalRow:
    # Read anew: another process may have decided since the session first saw it.
    row = session.get(ProposalRow, number, populate_existing=True)
    if row is None:
        raise UsageError(f"There is no proposal {number}.")
    if row.state != ProposalState.OPEN:
        raise StaleError(f"Proposal {number} is {row.state} already, by {row.decider_name}.")
    return row


def _decide(row: ProposalRow, state: ProposalState, person: Person, time_ns: int) -> None:
    row.state, row.decided_ns = str(state), time_ns
    row.decider, row.decider_name = person.id, person.name
