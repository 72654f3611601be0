from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reid_core.listing import naturally_ordered
from stream.footage.name_times import times_of_names

NS = 1_763_625_600_200_000_000


def read(*stems):
    return times_of_names(naturally_ordered(Path(f"{stem}.jpg") for stem in stems))


@pytest.mark.parametrize(
    ("names", "apart", "unit"),
    [
        (["1763625600.2", "1763625600.23", "1763625600.3"], [30, 70], "seconds"),
        (["1763625600.200000001", "1763625601"], [800], "seconds"),
        (["1763625600200", "1763625600230"], [30], "milliseconds"),
        (["1763625600200.0", "1763625600230.5"], [30.5], "milliseconds"),
        (["1763625600200000", "1763625600230000"], [30], "microseconds"),
        (["1763625600200000000", "1763625600230000000"], [30], "nanoseconds"),
        (["cam1_1763625600.2", "cam1_1763625600.25"], [50], "seconds"),
        (["0001-1763625600200", "0002-1763625600300"], [100], "milliseconds"),
    ],
)
def test_times_since_1970_are_capture_times(names, apart, unit):
    found = read(*names)
    assert found.unit == unit and abs(found.times[0] - NS) <= 1
    distances = [later - earlier for earlier, later in zip(found.times, found.times[1:], strict=False)]
    assert distances == pytest.approx([ms * 1e6 for ms in apart], abs=1)
    assert found.note("gate", given=False) == (
        f"gate: capture times are taken from the names of its images, which are {unit} since 1970: "
        f"the first is 2025-11-20T08:00:00.200Z."
    )


def test_the_usual_distance_is_the_rate():
    found = read("1763625600.0", "1763625600.1", "1763625600.2", "1763625660.2")
    assert found.fps == pytest.approx(10) and read("1763625600.2").fps is None


@pytest.mark.parametrize(
    "names",
    [
        ["1", "2", "3"],
        ["20251120080000", "20251120080001"],
        ["frame_1763625600"],
        ["1763625600", "1763625600200"],
        ["1763625600.2", "cover"],
        ["1000000001", "1000000002"],
        [str(int((datetime.now(UTC) + timedelta(days=3)).timestamp()))],
        ["1763625600-1763625601", "1763625602-1763625603"],
        ["2-1763625600", "1-1763625601"],
        ["1763625600.2.5", "1763625600.3.5"],
    ],
)
def test_other_names_are_no_times(names):
    assert read(*names) is None


def test_nothing_has_no_times():
    assert times_of_names([]) is None
