"""What a layout says of a place, and how things are put beside the walking lines."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.synthetic.places.furniture import Furniture
from training.synthetic.places.surface import Material

Rect = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a layout says besides what it built.

    Attributes:
        base: the floor's material where no region lies.
        extent: x0, y0, x1, y1 of where people may be, metres.
        mounts: rectangles of the plan above which cameras hang.
        heights: metres at which they hang.
        ceiling: height and material, or None outside.
        window: direction from which daylight falls in, or None.
    """

    base: Material
    extent: Rect
    mounts: tuple[Rect, ...]
    heights: tuple[float, float]
    ceiling: tuple[float, Material] | None = None
    window: tuple[float, float, float] | None = None


def furnish(b: Furniture, count: int, box: Rect, low: float, reach: float, indoor: bool) -> None:
    """Things beside the walking lines: people pass before and behind them."""
    rng = b.rng
    things: list[Callable[[float, float, float], None]]
    if indoor:
        things = [b.table, b.chair, b.bench, b.bin, b.planter, b.crate, b.machine]
        odds = np.array([0.24, 0.22, 0.14, 0.12, 0.14, 0.08, 0.06])
    else:
        things = [b.bench, b.bin, b.planter, b.sign, b.shrub, b.ball, b.crate, b.tree]
        odds = np.array([0.16, 0.14, 0.12, 0.14, 0.12, 0.12, 0.06, 0.14])
    for x, y, yaw in b.spots(count, low, reach, box):
        thing = things[int(rng.choice(len(things), p=odds / odds.sum()))]
        turn = yaw + float(rng.choice([0, np.pi / 2, np.pi])) + float(rng.normal(0, 0.08))
        thing(x, y, turn)
