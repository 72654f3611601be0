"""How far Kafka's partitions reach, asked for again and again: what tells a backlog from a silence.

A **sounding** is what Kafka says of every partition's end at one moment. Once everything in front of those
ends has been read, whatever had come to Kafka by that moment is known. Moments are on a clock that only goes
on while Kafka answers: when nobody could be heard, nobody was silent.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Place = tuple[str, int]
"""Topic and number of a partition."""

NEVER = float("-inf")
# The clock goes on for no longer than this on one answer.
_LONGEST_SECONDS = 2.0
_KEPT = 64


@dataclass(frozen=True, slots=True)
class Sounding:
    """The ends of all partitions.

    Attributes:
        moment: seconds on the clock of `Soundings`; what came to Kafka before it lies in front of the ends.
        ends: the record behind the last one of each partition.
        topic_ids: Kafka's own of the topics, empty where the broker tells none.
    """

    moment: float
    ends: Mapping[Place, int]
    topic_ids: Mapping[str, str] = field(default_factory=dict)


class Soundings:
    """The latest soundings: made in the consumer's thread, read in every other.

    Args:
        clock: seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._moment = 0.0
        self._asked = clock()
        self._kept: list[Sounding] = []
        self._wanted = False

    def now(self) -> float:
        """Seconds for which Kafka has answered."""
        with self._lock:
            return self._at(self._clock())

    def want(self) -> None:
        """Ask for another one soon."""
        self._wanted = True

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for another one."""
        return self._wanted

    def put(
        self, asked: float, ends: Mapping[Place, int], topic_ids: Mapping[str, str] | None = None
    ) -> None:
        """Keep one.

        Args:
            asked: when Kafka was asked, on the clock that was given.
            ends: what it answered.
            topic_ids: Kafka's own of the topics whose ends these are.
        """
        with self._lock:
            self._moment, self._asked = self._at(asked), asked
            self._wanted = False
            self._kept.append(Sounding(self._moment, ends, topic_ids or {}))
            if len(self._kept) > _KEPT:
                # Coarser the further they reach back: a long backlog takes no more memory than a short one.
                self._kept = self._kept[::-2][::-1]

    @property
    def latest(self) -> Sounding | None:
        """The last one; ``None`` where Kafka has not answered yet."""
        with self._lock:
            return self._kept[-1] if self._kept else None

    def read_up_to(self, come: Mapping[Place, int]) -> float:
        """The moment up to which all that had come to Kafka has been read; `NEVER` where none is known.

        Args:
            come: the record to read next in each partition that is asked about; one that is left out has not
                been read from. A partition without an end is waited for.
        """
        return self._newest(lambda one: come.keys() <= one.ends.keys() and _all_read(one.ends, come))

    def read_one_up_to(self, place: Place, come: int) -> float:
        """The same of one partition."""
        return self._newest(lambda one: place in one.ends and one.ends[place] <= come)

    def _newest(self, fits: Callable[[Sounding], bool]) -> float:
        with self._lock:
            kept = self._kept
        return next((one.moment for one in reversed(kept) if fits(one)), NEVER)

    def _at(self, time_s: float) -> float:
        return self._moment + min(max(0.0, time_s - self._asked), _LONGEST_SECONDS)


def _all_read(ends: Mapping[Place, int], come: Mapping[Place, int]) -> bool:
    return all(end <= come.get(place, 0) for place, end in ends.items())
