"""Watches are added, listed, paused and removed, in a caller's transaction."""

import math
from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.calibrations import camera_ids
from reid_core.gallery.naming import the_identity
from reid_core.gallery.schema import MetaRow, OutboxRow, TrackletRow
from reid_core.gallery.watch_rows import AlertRow, WatchRow
from reid_core.watching.describing import described
from reid_core.watching.hours import Hours
from reid_core.watching.watch import NewWatch, Watch, WatchKind

LONGEST_NAME = 255
_SHOWN = 60
_MARK = "watched"


def add_watch(session: Session, new: NewWatch, now_ns: int) -> int:
    """Add a watch: it looks at whoever comes into the gallery from now on.

    Args:
        session: of the writing transaction.
        new: what is asked of it.
        now_ns: the time of day, UTC nanoseconds.

    Returns:
        its number.

    Raises:
        UsageError: it is asked for nobody or for several things, or something that it names is not there.
    """
    values = _whom(session, new) | _conditions(session, new, now_ns)
    values |= {
        "name": _checked_name(new.name.strip() or _name_of(values)),
        "author": new.author,
        "purpose": new.purpose.strip(),
        "created_ns": now_ns,
        "after": session.scalar(select(func.max(TrackletRow.position))) or 0,
        "paused": False,
        "standing": "",
    }
    if not any_watch(session):
        # While there was none nobody counted; what happened then is nothing to a new one.
        put_mark(session, session.scalar(select(func.max(OutboxRow.id))) or 0)
    return int(session.execute(insert(WatchRow).values(values).returning(WatchRow.id)).scalar_one())


def check_one(text: object, identity: object, picture: object) -> None:
    """Make sure that a watch is asked for one thing.

    Raises:
        UsageError: none of them is given, or several are.
    """
    if sum(one is not None for one in (text, identity, picture)) != 1:
        raise UsageError(
            "A watch looks for one thing: a description, an identity, or a picture.",
            "Give one of TEXT, --identity and --image.",
        )


def watches(session: Session) -> tuple[Watch, ...]:
    """All watches, by their number."""
    return tuple(map(Watch.of, session.scalars(select(WatchRow).order_by(WatchRow.id))))


def any_watch(session: Session) -> bool:
    """Whether there is a watch, paused or not."""
    return session.scalar(select(WatchRow.id).limit(1)) is not None


def the_watch(session: Session, number: int) -> WatchRow:
    """The row of one watch.

    Raises:
        UsageError: there is none of this number.
    """
    row = session.get(WatchRow, number) if 0 < number < 1 << 62 else None
    if row is None:
        raise UsageError(f"There is no watch {number}.", "`nightreid watch list` lists them.")
    return row


def pause(session: Session, number: int) -> None:
    """Have a watch look at nobody until it is resumed.

    Raises:
        UsageError: there is none of this number.
    """
    the_watch(session, number).paused = True


def resume(session: Session, number: int, now_ns: int) -> None:
    """Have a paused watch look again: at whoever comes from now on, not at who came meanwhile.

    Raises:
        UsageError: there is none of this number, or it has expired.
    """
    row = the_watch(session, number)
    if row.expires_ns is not None and row.expires_ns <= now_ns:
        raise UsageError(f"Watch {number} has expired.", "Add it anew.")
    if row.paused:
        row.paused = False
        row.after = session.scalar(select(func.max(TrackletRow.position))) or 0


def change(
    session: Session,
    number: int,
    now_ns: int,
    *,
    name: str | None,
    expires_ns: int | None,
    alarms: float | None,
) -> None:
    """Have a watch called something else, end at another time, or raise fewer or more false alarms.

    Args:
        session: of the writing transaction.
        number: of the watch.
        now_ns: the time of day, UTC nanoseconds.
        name: the new one; ``None``, here and below, has it stay as it is.
        expires_ns: whoever is seen later is not looked at, UTC nanoseconds.
        alarms: false alarms allowed a night.

    Raises:
        UsageError: there is none of this number, or it cannot be so.
    """
    row = the_watch(session, number)
    if name is not None:
        row.name = _checked_name(name.strip() or row.name)
    if expires_ns is not None:
        row.expires_ns = _checked_end(expires_ns, now_ns)
    if alarms is not None:
        row.false_alarms = _checked_alarms(alarms)
    session.flush()


def remove(session: Session, number: int) -> None:
    """Forget a watch and whom it looked for; its alerts stay.

    Raises:
        UsageError: there is none of this number.
    """
    session.execute(delete(WatchRow).where(WatchRow.id == the_watch(session, number).id))


def alert_counts(session: Session) -> Mapping[int, int]:
    """How many alerts each watch has told of, by its number."""
    counted = select(AlertRow.watch_id, func.count()).where(AlertRow.repeats.is_(None))
    return {row[0]: row[1] for row in session.execute(counted.group_by(AlertRow.watch_id))}


def mark(session: Session) -> int:
    """The number of the last event that watches have looked at, whoever did it."""
    row = session.get(MetaRow, _MARK)
    return int(row.value) if row is not None else 0


def put_mark(session: Session, event: int) -> None:
    """Note that watches have looked at everything up to an event."""
    session.merge(MetaRow(key=_MARK, value=str(event)))


def _whom(session: Session, new: NewWatch) -> dict[str, object]:
    check_one(new.text, new.identity, new.vector)
    nobody = dict.fromkeys(("text", "identity", "space", "pictured", "data"))
    if new.text is not None:
        return {**nobody, "kind": str(WatchKind.DESCRIPTION), "text": described(new.text)[0]}
    if new.identity is not None:
        found = the_identity(session, new.identity)
        return {**nobody, "kind": str(WatchKind.IDENTITY), "identity": found}
    assert new.vector is not None and new.space is not None and new.pictured is not None
    return {
        **nobody,
        "kind": str(WatchKind.PICTURE),
        "space": new.space,
        "pictured": str(new.pictured),
        "data": np.asarray(new.vector, "<f4").tobytes(),
    }


def _conditions(session: Session, new: NewWatch, now_ns: int) -> dict[str, object]:
    known = camera_ids(session)
    for camera in new.cameras:
        if camera not in known:
            near = get_close_matches(camera, known, 1)
            hint = (
                f"Did you mean {near[0]!r}?" if near else f"It knows: {', '.join(sorted(known)) or 'none'}."
            )
            raise UsageError(f"The gallery has no camera {camera!r}.", hint)
    if new.expires_ns is not None:
        _checked_end(new.expires_ns, now_ns)
    if new.false_alarms is not None:
        _checked_alarms(new.false_alarms)
    if new.score is not None and not -1 <= new.score <= 1:
        raise UsageError(f"A score is a cosine, -1 to 1, not {new.score}.")
    hours = Hours.parse(new.hours, new.zone) if new.hours is not None else None
    return {
        "looks_at": str(new.looks_at) if new.looks_at is not None else None,
        "cameras": sorted(set(new.cameras)),
        "hours": str(hours) if hours is not None else None,
        "zone": new.zone,
        "expires_ns": new.expires_ns,
        "false_alarms": new.false_alarms,
        "score": new.score,
    }


def _name_of(values: Mapping[str, object]) -> str:
    said = values["text"] or values["identity"] or f"{values['pictured']} picture"
    text = str(said)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1].rstrip()}…"


def _checked_name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise UsageError(f"The name of a watch has at most {LONGEST_NAME} characters.")
    return name


def _checked_end(expires_ns: int, now_ns: int) -> int:
    if expires_ns <= now_ns:
        raise UsageError("The watch would have expired already.", "Name a time to come with --until.")
    return expires_ns


def _checked_alarms(alarms: float) -> float:
    if not 0 < alarms < math.inf:
        raise UsageError(f"False alarms a night are a number above 0, not {alarms}.")
    return alarms
