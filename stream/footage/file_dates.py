"""Whether a file's date can be that of its recording."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from reid_core.types import Modality

_MOST_LATE_S = 60.0
# Cameras whose clock was never set write 1904, 1970 or 2000.
_EARLIEST = datetime(2005, 1, 1, tzinfo=UTC)
# Files of so little time between them were written together; so much may recorders differ that run together.
_TOGETHER_NS = 2_000_000_000
_MOST_NAMES = 6


@dataclass(frozen=True, slots=True)
class Dated:
    """A recording whose times are known from its file's date alone.

    Attributes:
        camera: its id.
        modality: of the camera.
        start_ns: its beginning by that date, UTC nanoseconds.
        end_ns: its end, the date of the file.
    """

    camera: str
    modality: Modality
    start_ns: int
    end_ns: int


def made_at(created: str | None) -> datetime | None:
    """When a container says that its recording was made, or ``None``.

    Args:
        created: its ``creation_time``, ISO 8601; it may be that of the beginning or of the end.
    """
    try:
        made = datetime.fromisoformat(created or "")
    except ValueError:
        return None
    made = made if made.tzinfo is not None else made.replace(tzinfo=UTC)
    return made if made >= _EARLIEST else None


def copied_note(camera: str, created: str | None, start_ns: int, length_s: float) -> str | None:
    """Say that a file was written long after its container says the recording was made.

    Args:
        camera: its id.
        created: as for `made_at`.
        start_ns: start by the file's date, UTC nanoseconds.
        length_s: of the recording, seconds.

    Returns:
        One sentence, or ``None`` where the dates agree or the container's is none.
    """
    made = made_at(created)
    if made is None or start_ns / 1e9 - made.timestamp() <= length_s + _MOST_LATE_S:
        return None
    return (
        f"The file of {camera} was written later than its recording was made, "
        f"{made.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} by its container, and may be a copy: "
        f"if its times are wrong, give --start {camera}=TIME."
    )


def copies_note(recordings: Sequence[Dated]) -> str | None:
    """Say that several files look as if they had been copied together.

    Files that are copied get the date of copying: they seem to have ended together though they did not begin
    together, and a day seems to overlap with its night.

    Args:
        recordings: those whose times are known from their files' dates alone.

    Returns:
        One sentence for all of them, or ``None``.
    """
    together = _written_together(recordings)
    across = _overlapping(recordings)
    reasons = []
    if together:
        lengths = [(one.end_ns - one.start_ns) / 1e9 for one in together]
        reasons.append(
            f"they were written within seconds of each other, but last from {min(lengths):.0f} to "
            f"{max(lengths):.0f} s"
        )
    if across:
        reasons.append("by these dates, visible and infrared recordings overlap")
    if not reasons:
        return None
    doubtful = [one.camera for one in recordings if one in together or one in across]
    return (
        f"The times of {_listed(doubtful)} are those of their files' dates, which may be dates of copying: "
        f"{', and '.join(reasons)}. If they are wrong, give --start NAME=TIME for each."
    )


def _written_together(recordings: Sequence[Dated]) -> list[Dated]:
    """Those that ended together with others of another length."""
    found: list[Dated] = []
    group: list[Dated] = []
    ordered = sorted(recordings, key=lambda one: one.end_ns)
    for one, following in pairwise([*ordered, None]):
        assert one is not None
        group.append(one)
        if following is not None and following.end_ns - one.end_ns <= _TOGETHER_NS:
            continue
        lengths = [each.end_ns - each.start_ns for each in group]
        if max(lengths) - min(lengths) > 2 * _TOGETHER_NS:
            found += group
        group = []
    return found


def _overlapping(recordings: Sequence[Dated]) -> list[Dated]:
    """Those that overlap with one of the other modality."""
    return [
        one
        for one in recordings
        if any(
            one.modality is not other.modality and one.start_ns < other.end_ns and other.start_ns < one.end_ns
            for other in recordings
        )
    ]


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    return f"{', '.join(names[:-1])} and {names[-1]}"
