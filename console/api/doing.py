"""Corrections and judgements: done at once, or proposed where the policy asks for two people."""

from collections.abc import Mapping
from typing import Any

from console.api.bodies.reviews import Done
from console.api.use import Use
from reid_core.reviewing.actions import action_of
from reid_core.reviewing.hands import Hands, Person
from reid_core.reviewing.proposals import propose


def person(use: Use) -> Person:
    """Whoever asks, as an account: two tokens of somebody are the same person."""
    return Person(use.principal.id, use.principal.name)


def do(use: Use, action: str, subject: Mapping[str, Any], seen: Mapping[str, Any], reason: str) -> Done:
    """Do something, or have a second person asked; written down in the same transaction.

    Args:
        use: who wants it.
        action: its name in `reid_core.reviewing.actions.ACTIONS`.
        subject: what it is about.
        seen: what whoever asks saw, to be compared with what is there now.
        reason: why, in their words.

    Raises:
        StaleError: what is there is not what was seen.
        UsageError: it cannot be done.
    """
    use.must_state_why(action)
    hands = Hands(person(use), use.context.clock(), reason)
    ids = {name: value for name, value in subject.items() if not isinstance(value, bool)}
    details = {"reason": reason} if reason else {}
    with use.gallery.database.write() as session:
        if use.needs_two(action):
            number = propose(session, action, subject, seen, hands)
            about = {**ids, "proposal": number, "action": action}
            use.record("propose", subject=about, details=details, session=session)
            return Done(done=False, action=action, proposal=number, identity=subject.get("identity"))
        outcome = action_of(action).do(session, subject, seen, hands)
        made = {"label": outcome.label, "correction": outcome.correction}
        about = {**ids, **{name: number for name, number in made.items() if number is not None}}
        use.record(action, subject=about, details=details, session=session)
    return Done(
        done=True,
        action=action,
        label=outcome.label,
        correction=outcome.correction,
        identity=outcome.identity,
    )
