"""What a detector network is to this room: canvases in, person rows out.

Two makes stand behind it: OpenVINO folders directly (``openvino_network``), and everything else that
ultralytics opens (``ultralytics_network``).
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from reid_core.errors import ModelError
from reid_core.types import Floats, Image

Canvas: TypeAlias = tuple[int, int]
"""Height and width in pixels of what the network is given."""

PAD_VALUE = 114
"""The grey around a letterboxed frame, as YOLO was trained with."""

_END_TO_END_COLUMNS = 6


class Network(ABC):
    """A person detector network without its pre- and postprocessing.

    Attributes:
        stride: a canvas' sides are multiples of this.
        fixed: the one canvas it can be given, or ``None`` if it takes any.
        calls_at_once: how many threads may be in `infer` at the same time.
    """

    stride: int = 32
    fixed: Canvas | None = None
    calls_at_once: int = 1

    def canvas(self, height: int, width: int, size: int) -> Canvas:
        """The canvas for a frame: its longer side ``size`` pixels, both divisible by the stride.

        Args:
            height: of the frame, pixels.
            width: of the frame, pixels.
            size: wanted length of the longer side, pixels.
        """
        if self.fixed is not None:
            return self.fixed
        ratio = size / max(height, width)
        return (self._up(height * ratio), self._up(width * ratio))

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

    def _up(self, length: float) -> int:
        return max(self.stride, math.ceil(round(length, 3) / self.stride) * self.stride)


@dataclass(frozen=True, slots=True)
class Head:
    """How a YOLO's output for one frame is read.

    Attributes:
        person: index of the class that is people.
        end_to_end: ``(K, 6)``, already thinned out: corners, score and class; otherwise
            ``(4 + classes, A)``: centre, size and the classes' scores of every anchor.
    """

    person: int
    end_to_end: bool

    @classmethod
    def of(cls, shape: Sequence[int], names: Mapping[int, str], end_to_end: bool, weights: str) -> "Head":
        """The head that gives outputs of one shape.

        Args:
            shape: of the whole output for one frame, ``(1, rows, columns)``.
            names: of the classes.
            end_to_end: what the weights say of themselves.
            weights: where they came from, for the error.

        Raises:
            ModelError: it is not a detector's head, or none of its classes is people.
        """
        person = person_class(names, weights)
        wanted = len(shape) == 3 and (
            shape[2] == _END_TO_END_COLUMNS if end_to_end else shape[1] == 4 + len(names)
        )
        if not wanted:
            size = " x ".join(str(length) for length in shape)
            raise ModelError(
                f"The detector {weights} does not give what a YOLO detector gives: its output is {size}.",
                "Give --detector a YOLO detection model; segmentation, pose or other makes do not fit.",
            )
        return cls(person, end_to_end)

    def rows(self, output: Floats) -> Floats:
        """The people in one frame's output as ``(A, 5)`` float32 rows."""
        if not self.end_to_end:
            return np.ascontiguousarray(output[[0, 1, 2, 3, 4 + self.person]].T)
        people = output[output[:, 5].round() == self.person]
        low, high = people[:, :2], people[:, 2:4]
        return np.concatenate([(low + high) / 2, high - low, people[:, 4:5]], axis=1)


_PEOPLE = ("person", "persons", "people", "pedestrian", "pedestrians", "human")
_NAMELESS = ("", "0", "class0", "item", "object")


def person_class(names: Mapping[int, str], weights: str) -> int:
    """Which class is people: the one called so, or the only one there is where that has no name of its own.

    Raises:
        ModelError: there is no such class.
    """
    known = {int(index): str(name).strip().lower() for index, name in names.items()}
    for index, name in known.items():
        if name in _PEOPLE or (len(known) == 1 and name in _NAMELESS):
            return index
    listed = ", ".join(list(known.values())[:5]) + (", ..." if len(known) > 5 else "")
    raise ModelError(
        f"The detector {weights} does not find people: its classes are {listed or 'none at all'}.",
        "One of them has to be called person.",
    )
