"""Times of day in a place's own time, over midnight and over changes of the clock."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Self
from zoneinfo import ZoneInfo

from reid_core.errors import UsageError
from reid_core.gallery.hours import DAY_NS

_FORM = re.compile(r"(\d{1,2})(?::(\d{2}))?\s*[-–]\s*(\d{1,2})(?::(\d{2}))?")
_LONGEST_ZONE = 64
UTC_NAME = "UTC"


@dataclass(frozen=True, slots=True)
class Hours:
    """From when to when each day; over midnight where the end is the earlier one.

    Attributes:
        begin: the first moment inside.
        end: the first moment outside.
        zone: whose clock they are told by, as ``Europe/Berlin``.
    """

    begin: time
    end: time
    zone: str

    @classmethod
    def parse(cls, text: str, zone: str = UTC_NAME) -> Self:
        """What a person writes, as ``22:00-06:00``.

        Raises:
            UsageError: it is none, or there is no such zone.
        """
        _zone(zone)
        found = _FORM.fullmatch(text.strip())
        numbers = [int(part or 0) for part in found.groups()] if found else []
        # The day's end is the next one's beginning.
        if not numbers or max(numbers[1], numbers[3]) > 59 or not _is_of_day(numbers):
            raise UsageError(f"{text!r} are no hours of the day such as 22:00-06:00.")
        begin, end = time(numbers[0] % 24, numbers[1]), time(numbers[2] % 24, numbers[3])
        if begin == end:
            raise UsageError(
                f"The hours {text!r} begin and end at the same time.", "Leave them out for all day."
            )
        return cls(begin, end, zone)

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"

    def meet(self, start_ns: int, end_ns: int) -> bool:
        """Whether some of a stretch of time lies within.

        Args:
            start_ns: its first moment, UTC nanoseconds.
            end_ns: its last moment.
        """
        if end_ns - start_ns >= DAY_NS:
            return True
        zone = _zone(self.zone)
        day = datetime.fromtimestamp(start_ns // 1_000_000_000, zone).date() - timedelta(days=1)
        last = datetime.fromtimestamp(end_ns // 1_000_000_000, zone).date()
        while day <= last:
            ends = day + timedelta(days=1) if self.end <= self.begin else day
            # As moments: clocks that are put forward or back make a night longer or shorter.
            opens, closes = (
                int(datetime.combine(on, at, zone).timestamp()) * 1_000_000_000
                for on, at in ((day, self.begin), (ends, self.end))
            )
            if start_ns < closes and end_ns >= opens:
                return True
            day += timedelta(days=1)
        return False


def _is_of_day(numbers: list[int]) -> bool:
    return all(hour < 24 or (hour == 24 and not minute) for hour, minute in (numbers[:2], numbers[2:]))


def _zone(name: str) -> tzinfo:
    if name == UTC_NAME:
        return UTC
    try:
        if len(name) > _LONGEST_ZONE:
            raise ValueError(name)
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise UsageError(
            f"There is no time zone {name!r}.", "Zones are named as Europe/Berlin or UTC."
        ) from None
