"""What of a video could not be read, told from what was: by errors and missing bytes, never by counts."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

_MATROSKA, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_UNKNOWN = 0xFFFFFFFF


class Losses:
    """Counts the frames that were lost to errors, and says where.

    A decoder holds frames back, may name an error late, and one error takes along what hangs on it. So what
    was lost is what had been sent and was passed over by a later frame, from an error to the next keyframe;
    without an error, some packets just show nothing.
    """

    def __init__(self) -> None:
        self._waiting: list[int] = []
        self._passed: set[int] = set()
        self._errors = 0
        self._unplaced = 0
        self._broken = False

    @property
    def middle(self) -> int:
        """Number of frames that were lost in front of others."""
        return len(self._passed) + self._unplaced

    @property
    def at_the_end(self) -> bool:
        """Whether errors were followed by no frame."""
        return self._errors > 0

    def sent(self, at: int | None) -> None:
        """A packet went to the decoder; ``at`` is its timestamp."""
        if at is not None:
            self._waiting.append(at)

    def failed(self) -> None:
        """The decoder or the container had an error."""
        self._errors += 1
        self._broken = True

    def shown(self, at: int | None, key: bool) -> None:
        """A frame came out; ``at`` is its timestamp, ``key`` whether it hangs on no other."""
        if at is None:
            self._unplaced += self._errors
            self._errors = 0
            self._waiting.clear()
            return
        # What comes out of its order was not lost.
        self._passed.discard(at)
        passed = [one for one in self._waiting if one < at]
        self._waiting = [one for one in self._waiting if one > at]
        if self._broken:
            self._passed.update(passed)
            self._errors = max(0, self._errors - len(passed))
            self._broken = self._errors > 0 or not key


def sentence(path: Path, losses: Losses, good: int, breaks_off: bool, total: int | None) -> str | None:
    """What a person is told of a video that was read to its end; ``None`` of one that is whole.

    Args:
        path: of the video.
        losses: what was lost to errors.
        good: number of frames that were read.
        breaks_off: whether its end is missing.
        total: number of frames that its container names, if it does.
    """
    lost = f"{losses.middle} frame{'s' * (losses.middle != 1)} in the middle could not be read"
    if not breaks_off:
        return f"The video {path} is damaged: {lost}." if losses.middle else None
    known = total is not None and total > good
    ends = f"ends after {good} of {total} frames" if known else f"breaks off after {good} frames"
    also = f", and {lost}" if losses.middle else ""
    return f"The video {path} {ends}: it is damaged or cut short{also}."


def ends_early(path: Path, packets: Iterable[Any]) -> bool:
    """Whether a video file ends before its own structure does.

    Args:
        path: of the file.
        packets: what its index names, with ``pos`` and ``size``, bytes.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if any(packet.pos + packet.size > size for packet in packets):
        return True
    with path.open("rb") as file:
        start = file.read(64)
    end = _declared_end(start)
    return end is not None and end > size


def _declared_end(start: bytes) -> int | None:
    """Where an AVI or Matroska file says that it ends, bytes; ``None`` where it does not."""
    if start[:4] == b"RIFF" and len(start) >= 8:
        length = int.from_bytes(start[4:8], "little")
        return None if length == _UNKNOWN else 8 + length
    if start[:4] != _MATROSKA:
        return None
    header, place = _variable(start, 4)
    if header is None or start[place + header : place + header + 4] != _SEGMENT:
        return None
    length_or_none, place = _variable(start, place + header + 4)
    return None if length_or_none is None else place + length_or_none


def _variable(data: bytes, place: int) -> tuple[int | None, int]:
    """A number of Matroska's variable width and where it ends; ``None`` for the one that means unknown."""
    if place >= len(data) or data[place] == 0:
        return None, place
    width = 9 - data[place].bit_length()
    bits = 7 * width
    number = int.from_bytes(data[place : place + width], "big") & ((1 << bits) - 1)
    return (None if number == (1 << bits) - 1 else number), place + width
