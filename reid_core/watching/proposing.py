"""A watch that waits for a second person's agreement: as JSON holds it, and as it is added then."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from reid_core.gallery.naming import the_identity
from reid_core.types import Modality
from reid_core.watching.describing import described
from reid_core.watching.keeping import add_watch, check_one
from reid_core.watching.watch import NewWatch

_PLAIN = ("text", "identity", "space", "hours", "zone", "expires_ns", "false_alarms", "score", "name")


def packed(new: NewWatch) -> dict[str, Any]:
    """A watch that is asked for, without who asks and why; what is not said is left out."""
    vector = np.asarray(new.vector, "<f4").tobytes() if new.vector is not None else None
    said = {
        **{name: getattr(new, name) for name in _PLAIN},
        "cameras": list(new.cameras),
        "looks_at": new.looks_at,
        "pictured": new.pictured,
        "vector": base64.b64encode(vector).decode() if vector is not None else None,
    }
    return {name: value for name, value in said.items() if value is not None}


def unpacked(subject: Mapping[str, Any]) -> NewWatch:
    """What `packed` was made of; nobody is its author yet."""
    vector, pictured, looks_at = (subject.get(name) for name in ("vector", "pictured", "looks_at"))
    return NewWatch(
        **{name: subject[name] for name in _PLAIN if name in subject},
        cameras=tuple(subject["cameras"]),
        looks_at=Modality(looks_at) if looks_at is not None else None,
        pictured=Modality(pictured) if pictured is not None else None,
        vector=np.frombuffer(base64.b64decode(vector), "<f4") if vector is not None else None,
        author="",
    )


def check_proposed(session: Session, subject: Mapping[str, Any]) -> None:
    """Make sure that a watch could be added.

    Raises:
        UsageError: it is asked for nobody or several things, or for somebody who is not there.
    """
    new = unpacked(subject)
    check_one(new.text, new.identity, new.vector)
    if new.text is not None:
        described(new.text)
    if new.identity is not None:
        the_identity(session, new.identity)


def add_proposed(session: Session, subject: Mapping[str, Any], author: str, purpose: str, now_ns: int) -> int:
    """Add a watch that was agreed to: it looks at whoever comes from then on.

    Args:
        session: of the writing transaction.
        subject: as `packed` made it.
        author: who proposed it.
        purpose: why.
        now_ns: when, UTC nanoseconds.

    Returns:
        its number.

    Raises:
        UsageError: something that it names is not there any more.
    """
    return add_watch(session, replace(unpacked(subject), author=author, purpose=purpose), now_ns)
