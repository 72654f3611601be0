"""The short night again, its thermal camera switched to its negative in the middle of a walk."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.support.brightness import scenes, write_video
from tests.support.short_night import GATE, NIGHT, YARD

SWITCHED = 66
"""The first frame of the night camera that is a negative."""


def write_changed_night(folder: Path) -> dict[str, Path]:
    """Videos of gate, yard and night; what is cold at night is grey, so that a negative shows."""
    return {
        "gate": write_video(folder / "gate.mp4", scenes(GATE, 120), fps=10.0),
        "yard": write_video(folder / "yard.mp4", scenes(YARD, 110), fps=10.0),
        "night": write_video(folder / "night.mp4", _night(), fps=10.0),
    }


def _night() -> Iterator[np.ndarray]:
    for index, picture in enumerate(scenes(NIGHT, 90, 160, 120)):
        picture[100:] = 90
        yield 255 - picture if index >= SWITCHED else picture
