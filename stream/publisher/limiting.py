"""How many frames per second are wanted."""


class RateLimit:
    """Lets through as many frames per second as are wanted, spread evenly.

    A frame may come half an interval early, so that a camera of exactly the wanted rate loses none to
    the jitter of its clock; that is made up for, so that the mean is the wanted rate.

    Args:
        fps: frames per second, or ``None`` for all of them.
    """

    def __init__(self, fps: float | None) -> None:
        self._fps = fps
        self._interval_ns = 0 if fps is None else round(1e9 / fps)
        self._due_ns: int | None = None

    def admits(self, time_ns: int) -> bool:
        """Whether a frame of that time is wanted; times come in order, or the clock was put back."""
        early_ns = 0 if self._due_ns is None else self._due_ns - time_ns
        if early_ns > 2 * self._interval_ns:
            self._due_ns = None
        elif early_ns > self._interval_ns // 2:
            return False
        # What comes late is made up for as well, by no more than one frame.
        due_ns = time_ns if self._due_ns is None else max(self._due_ns, time_ns - self._interval_ns)
        self._due_ns = due_ns + self._interval_ns
        return True

    def rate(self, fps: float) -> float:
        """Frames a second that come of so many."""
        return fps if self._fps is None else min(fps, self._fps)
