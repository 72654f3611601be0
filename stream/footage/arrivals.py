"""When what a live camera sends was taken: as it arrives, or at its own distances where it comes at once.

What comes at once was not taken at once. A connection begins with what had gathered: what the camera kept
ready, and what was read to learn its form. Behind a stall of the network comes what waited there. All of it
is held until what comes has to be waited for again. Whatever of it was least late was taken as it arrived,
and the stream's timestamps lead from there to the others. They count for nothing else, as many cameras make
them up.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

_Sent = TypeVar("_Sent")

_SURE_SECONDS = 0.25
_STALL_SECONDS = 0.5
_USUAL = 8
# What is held: its length, how long it may take to come, its size.
_LONGEST_SECONDS = 30.0
_COMING_SECONDS = 3.0
_MOST_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Arrival(Generic[_Sent]):
    """Something that a camera sent.

    Attributes:
        sent: what.
        size: of it, bytes.
        seconds: when it was sent by the stream's timestamps, or ``None``.
        shown: when it is to be shown by them, seconds, or ``None``.
        at_ns: when it arrived, UTC nanoseconds.
    """

    sent: _Sent
    size: int
    seconds: float | None
    shown: float | None
    at_ns: int


@dataclass(frozen=True, slots=True)
class Taken(Generic[_Sent]):
    """Something that a camera sent, its time known.

    Attributes:
        sent: what.
        time_ns: when it was taken, UTC nanoseconds; ``None`` where it came as it was taken.
    """

    sent: _Sent
    time_ns: int | None


def taken(arrivals: Iterable[Arrival[_Sent]]) -> Iterator[Taken[_Sent]]:
    """Say of everything when it was taken; what comes at once is given out when all of it has come.

    Args:
        arrivals: of one connection, in their order.
    """
    held: list[Arrival[_Sent]] = []
    waits: deque[float] = deque(maxlen=_USUAL)
    before: Arrival[_Sent] | None = None
    at_once_ns = 0
    for one in arrivals:
        # The first is held as well: what had gathered may follow it.
        late = True
        if before is not None:
            distance, waited = _distance(before, one), (one.at_ns - before.at_ns) / 1e9
            late = waited > _STALL_SECONDS + 2 * max([distance, *waits])
            waits.append(waited)
            if waited < distance / 2:
                at_once_ns = one.at_ns
        before = one
        if late:
            yield from _led_back(held)
            held, at_once_ns = [one], one.at_ns
        elif held:
            held.append(one)
            if one.at_ns - at_once_ns >= _SURE_SECONDS * 1e9 or _is_long(held):
                yield from _led_back(held)
                held = []
        else:
            yield Taken(one.sent, None)
    yield from _led_back(held)


def _distance(before: Arrival[_Sent], one: Arrival[_Sent]) -> float:
    """How long behind another something was sent by its timestamp, seconds; 0 where that is not known."""
    if before.seconds is None or one.seconds is None:
        return 0.0
    return max(0.0, one.seconds - before.seconds)


def _is_long(held: list[Arrival[_Sent]]) -> bool:
    first, last = held[0], held[-1]
    return (
        (last.seconds or 0.0) - (first.seconds or 0.0) > _LONGEST_SECONDS
        or _comes_for(held) > _COMING_SECONDS
        or sum(one.size for one in held) > _MOST_BYTES
    )


def _led_back(held: list[Arrival[_Sent]]) -> Iterator[Taken[_Sent]]:
    """What was held: up to the one that was least late, as long in front of it as timestamps say."""
    late = [None if one.shown is None else one.at_ns - round(one.shown * 1e9) for one in held]
    least = min((one for one in late if one is not None), default=0)
    last = late.index(least) if least in late else 0
    # What comes at once for so long has timestamps that are made up, and so have those that jump.
    made_up = _comes_for(held) > _COMING_SECONDS
    for place, (one, lateness) in enumerate(zip(held, late, strict=True)):
        back = 0 if lateness is None else lateness - least
        if made_up or back > 2e9 * _LONGEST_SECONDS or (place > last and back > 1e9 * _SURE_SECONDS):
            back = 0
        yield Taken(one.sent, one.at_ns - back)


def _comes_for(held: list[Arrival[_Sent]]) -> float:
    return (held[-1].at_ns - held[0].at_ns) / 1e9 if held else 0.0
