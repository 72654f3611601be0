"""Times as the command line spells them: a moment, or a time of day."""

import re
from datetime import UTC, datetime, time, timedelta

from reid_core.errors import UsageError
from reid_core.gallery.hours import DAY_NS, Hours

_ZONE = "Add Z for UTC, or an offset such as +01:00."
_OF_DAY = re.compile(r"\d{1,2}(:\d{2}){0,2}(Z|[+-]\d{2}(:?\d{2})?)?", re.IGNORECASE)


def time_range(since: str | None, until: str | None) -> tuple[int | None, int | None, Hours | None]:
    """What ``--from`` and ``--to`` say.

    Args:
        since: ``2026-11-20T18:00Z``, or ``18:00Z`` for a time of every day.
        until: likewise.

    Returns:
        the first moment and the first behind the last, UTC nanoseconds, and the hours; each where it is said.

    Raises:
        UsageError: one is no time, has no zone, or both do not fit one another.
    """
    given = {
        option: text.strip() for option, text in (("--from", since), ("--to", until)) if text is not None
    }
    of_day = [option for option, text in given.items() if _OF_DAY.fullmatch(text)]
    if not of_day:
        moments = {option: _moment(text, option) for option, text in given.items()}
        first, last = moments.get("--from"), moments.get("--to")
        if first is not None and last is not None and first >= last:
            raise UsageError(f"--from {since} is not before --to {until}.")
        return first, last, None
    if len(of_day) < 2:
        raise UsageError(
            f"{of_day[0]} {given[of_day[0]]} is a time of day, which needs another one as "
            f"{'--to' if of_day[0] == '--from' else '--from'}.",
            "Give both as times of day, or both with a date.",
        )
    first_hour, last_hour = (_hour(given[option], option) for option in ("--from", "--to"))
    return None, None, (first_hour, last_hour)


def _moment(text: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a time such as 2026-11-20T18:00Z or 18:00Z.") from None
    if moment.tzinfo is None:
        raise UsageError(f"{option} {text}: the time has no zone.", _ZONE)
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1) * 1000


def _hour(text: str, option: str) -> int:
    padded = text if re.match(r"\d\d", text) else f"0{text}"
    try:
        found = time.fromisoformat(padded)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a time of day such as 18:00Z.") from None
    offset = found.utcoffset()
    if offset is None:
        raise UsageError(f"{option} {text}: the time has no zone.", _ZONE)
    of_day = timedelta(hours=found.hour, minutes=found.minute, seconds=found.second) - offset
    return of_day // timedelta(microseconds=1) * 1000 % DAY_NS
