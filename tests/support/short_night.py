"""The small bright world once more, shorter: for tests that go through it many times."""

from pathlib import Path

from tests.support.brightness import BLUE, GREEN, RED, WARM, Walker, scenes, write_video

GATE = (Walker(4, 32, RED), Walker(58, 86, GREEN, leftwards=True))
YARD = (Walker(8, 38, GREEN), Walker(34, 64, BLUE, row=0.02, leftwards=True))
NIGHT = (Walker(6, 30, WARM), Walker(56, 78, WARM, leftwards=True))


def write_short_night(folder: Path) -> dict[str, Path]:
    """Two visible cameras that overlap in time and an infrared one: 320 pictures."""
    return {
        "gate": write_video(folder / "gate.mp4", scenes(GATE, 120), fps=10.0),
        "yard": write_video(folder / "yard.mp4", scenes(YARD, 110), fps=10.0),
        "night": write_video(folder / "night.mp4", scenes(NIGHT, 90, 160, 120), fps=10.0),
    }
