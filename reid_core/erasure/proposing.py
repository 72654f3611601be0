"""Erasures that a second person has to agree to: what is looked at, so that nobody else is erased."""

import hashlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from reid_core.erasure.auditing import ERASE
from reid_core.erasure.choosing import Plan, plan
from reid_core.errors import StaleError
from reid_core.reviewing.actions import ACTIONS, Action, Outcome, Subject
from reid_core.reviewing.hands import Hands


def revision(chosen: Plan) -> str:
    """A digest over the tracklets of a plan: it changes where others come or go."""
    return hashlib.sha256(" ".join(sorted(one.id for one in chosen.tracklets)).encode()).hexdigest()[:16]


def subject_of(chosen: Plan) -> dict[str, Any]:
    """A plan as a proposal holds it."""
    named = {"identities": list(chosen.identities), "tracklets": list(chosen.named)}
    return {**{name: ids for name, ids in named.items() if ids}, "linked": chosen.linked}


def planned(session: Session, subject: Subject) -> Plan:
    """The plan of a proposal, as of now."""
    return plan(session, subject.get("identities", ()), subject.get("tracklets", ()), subject["linked"])


def _look(session: Session, subject: Subject) -> dict[str, Any]:
    return {"revision": revision(planned(session, subject))}


def _agree(session: Session, subject: Subject, seen: Mapping[str, Any], hands: Hands) -> Outcome:
    """Make sure that it is about the same; whoever has the gallery erases in the same transaction."""
    if _look(session, subject) != dict(seen):
        raise StaleError("There is more or less of them than was proposed.", "Propose it anew.")
    return Outcome()


ACTIONS[ERASE] = Action(_look, _agree)
