"""Times of day, on whichever day: in arrays and in SQL, with the same answers."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.orm import InstrumentedAttribute

from reid_core.types import Ints

Hours: TypeAlias = tuple[int, int]
"""From when to when: nanoseconds since midnight UTC, the first inside and the second outside; over midnight
where the first is not the earlier."""

DAY_NS = 86_400_000_000_000
"""Nanoseconds of a day."""


def at_hours(times_ns: Ints, hours: Hours) -> NDArray[np.bool_]:
    """``(N,)`` which of ``(N,)`` times, UTC nanoseconds, lie within."""
    first, last = hours
    of_day = times_ns % DAY_NS
    after, before = of_day >= first, of_day < last
    return after & before if first < last else after | before


def within_hours(time_ns: InstrumentedAttribute[int], hours: Hours) -> ColumnElement[bool]:
    """The same of a column of times."""
    first, last = hours
    of_day = time_ns % DAY_NS
    after, before = of_day >= first, of_day < last
    return and_(after, before) if first < last else or_(after, before)
