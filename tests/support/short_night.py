"""The small bright world once more, shorter: for tests that go through it many times."""

from pathlib import Path

from tests.support.brightness import BLUE, GREEN, RED, START_NS, WARM, Walker, scenes, write_video

GATE = (Walker(4, 32, RED), Walker(58, 86, GREEN, leftwards=True))
YARD = (Walker(8, 38, GREEN), Walker(34, 64, BLUE, row=0.02, leftwards=True))
NIGHT = (Walker(6, 30, WARM), Walker(56, 78, WARM, leftwards=True))


OVERLAPPING = "yard"
"""The camera in whose frame there is always somebody when somebody leaves, but for the last one."""

LATER = START_NS + 9_500_000_000
"""A capture time at which each camera has lost somebody, and the overlapping one still follows somebody."""


def write_short_night(folder: Path) -> dict[str, Path]:
    """Two visible cameras that overlap in time and an infrared one: 320 frames."""
    return {
        "gate": write_video(folder / "gate.mp4", scenes(GATE, 120), fps=10.0),
        "yard": write_video(folder / "yard.mp4", scenes(YARD, 110), fps=10.0),
        "night": write_video(folder / "night.mp4", scenes(NIGHT, 90, 160, 120), fps=10.0),
    }
