"""What a detector network is to this room: canvases in, person rows out.

Two makes stand behind it: OpenVINO folders directly (``openvino_network``), and everything else that
ultralytics opens (``ultralytics_network``).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from reid_core.errors import ModelError
from reid_core.types import Floats, Image

Canvas: TypeAlias = tuple[int, int]
"""Height and width in pixels of what the network is given."""

PAD_VALUE = 114
"""The grey around a letterboxed picture, as YOLO was trained with."""

_STRIDE = 32


class Network(ABC):
    """A person detector network without its pre- and postprocessing."""

    resizable: bool = True

    def canvas(self, height: int, width: int, size: int) -> Canvas:
        """The canvas for a picture: its longer side ``size`` pixels, both divisible by the stride.

        Args:
            height: of the picture, pixels.
            width: of the picture, pixels.
            size: wanted length of the longer side, pixels.
        """
        ratio = size / max(height, width)
        return (_up(height * ratio), _up(width * ratio))

    @abstractmethod
    def infer(self, canvases: Sequence[Image]) -> list[Floats]:
        """Run the network.

        Args:
            canvases: uint8 ``H x W x 3`` RGB each, all of one size that ``canvas`` gave.

        Returns:
            For each, ``(A, 5)`` float32: centre x, centre y, width, height in canvas pixels, and the
            person's score in 0..1.
        """

    def close(self) -> None:
        """Give back threads and memory."""
        return


def _up(length: float) -> int:
    return max(_STRIDE, math.ceil(round(length, 3) / _STRIDE) * _STRIDE)


def person_class(names: Mapping[int, str], weights: str) -> int:
    """Which class is people: the one called person, or the only one there is.

    Raises:
        ModelError: there is no such class.
    """
    for index, name in names.items():
        if str(name).lower() in ("person", "people", "pedestrian"):
            return int(index)
    if len(names) == 1:
        return int(next(iter(names)))
    raise ModelError(f"The detector {weights} has no class called person among its {len(names)} classes.")
