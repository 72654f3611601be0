"""What of a video could not be read, told from what was: by errors and missing bytes, never by counts."""


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


def sentence(name: str, losses: Losses, good: int, breaks_off: bool, total: int | None) -> str | None:
    """What a person is told of a video that was read to its end; ``None`` of one that is whole.

    Args:
        name: of the video.
        losses: what was lost to errors.
        good: number of frames that were read.
        breaks_off: whether its end is missing.
        total: number of frames that its container names, if it does.
    """
    lost = f"{losses.middle} frame{'s' * (losses.middle != 1)} in the middle could not be read"
    if not breaks_off:
        return f"The video {name} is damaged: {lost}." if losses.middle else None
    known = total is not None and total > good
    ends = f"ends after {good} of {total} frames" if known else f"breaks off after {good} frames"
    also = f", and {lost}" if losses.middle else ""
    return f"The video {name} {ends}: it is damaged or cut short{also}."
