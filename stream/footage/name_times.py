"""Capture times that stand in the names of images: seconds since 1970, or thousandths and so on of them."""

import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
# Before 2005 a number of ten digits is rather the number of something else.
_EARLIEST = 1_104_537_600 * _SECOND
_UNITS = {
    10: ("seconds", _SECOND),
    13: ("milliseconds", 10**6),
    16: ("microseconds", 10**3),
    19: ("nanoseconds", 1),
}
_LONG_NUMBER = re.compile(r"(?<![\d.,])(\d{19}|\d{16}|\d{13}|\d{10})(?:[.,](\d+))?(?![.,]?\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class NamedTimes:
    """What the names of a folder's images say.

    Attributes:
        times: of each image, UTC nanoseconds, ascending.
        unit: what the numbers count.
    """

    times: list[int]
    unit: str

    @property
    def fps(self) -> float | None:
        """Images a second, by the usual distance; ``None`` of a single one."""
        apart = [later - earlier for earlier, later in pairwise(self.times)]
        return _SECOND / statistics.median(apart) if apart else None

    def note(self, camera: str, given: bool) -> str:
        """What is to be told: where times come from, where the start was ``given`` and where not."""
        names = f"the names of its images, which are {self.unit} since 1970"
        if given:
            return (
                f"{camera}: the distances of frames in time are those in {names}; the start is the one given."
            )
        first = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.times[0] // 1000)
        text = first.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"{camera}: capture times are taken from {names}: the first is {text}."


def times_of_names(files: Sequence[Path]) -> NamedTimes | None:
    """The capture times that names are, or ``None`` where they are not plainly such.

    Plainly: each name holds one number of ten, thirteen, sixteen or nineteen digits, all the same, perhaps
    with a fraction; all lie between 2005 and now, and each is later than the one before. Of a single image,
    the number is the whole name.

    Args:
        files: in order.
    """
    found = [list(_LONG_NUMBER.finditer(file.stem)) for file in files]
    if not found or any(len(numbers) != 1 for numbers in found):
        return None
    numbers = [number for (number,) in found]
    if len(numbers) == 1 and numbers[0][0] != files[0].stem:
        return None
    # Numbers of another unit are not in range, or not in their order.
    unit, nanoseconds = _UNITS[len(numbers[0][1])]
    times = [int(Decimal(f"{number[1]}.{number[2] or 0}") * nanoseconds) for number in numbers]
    in_range = times[0] >= _EARLIEST and times[-1] <= time.time_ns() + _DAY
    ascending = all(earlier < later for earlier, later in pairwise(times))
    return NamedTimes(times, unit) if in_range and ascending else None
