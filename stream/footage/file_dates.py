"""Whether a file's date can be that of its recording."""

from datetime import UTC, datetime

_MOST_LATE_S = 60.0
# Cameras whose clock was never set write 1904, 1970 or 2000.
_EARLIEST = datetime(2005, 1, 1, tzinfo=UTC)


def copied_note(camera: str, created: str | None, start_ns: int, length_s: float) -> str | None:
    """Say that a file was written long after its container says the recording was made.

    Args:
        camera: its id.
        created: ``creation_time`` of the container, ISO 8601; it may be that of the beginning or of the end.
        start_ns: start by the file's date, UTC nanoseconds.
        length_s: of the recording, seconds.

    Returns:
        One sentence, or ``None`` where the dates agree or the container's is none.
    """
    try:
        made = datetime.fromisoformat(created or "")
    except ValueError:
        return None
    made = made if made.tzinfo is not None else made.replace(tzinfo=UTC)
    if made < _EARLIEST or start_ns / 1e9 - made.timestamp() <= length_s + _MOST_LATE_S:
        return None
    return (
        f"The file of {camera} was written later than its recording was made, "
        f"{made.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} by its container, and may be a copy: "
        f"if its times are wrong, give --start {camera}=TIME."
    )
