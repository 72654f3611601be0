"""What a decoded frame shows: colours, or raw counts, upright."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from detectors.thermal import RawScaler
from reid_core.counts import Counts
from reid_core.errors import SourceError
from reid_core.types import Image
from stream.footage.sources import SourceFrame
from stream.footage.upright import upright


@dataclass(frozen=True, slots=True)
class Shown:
    """A decoded frame of a video, a folder or a camera.

    Attributes:
        index: its number among the frames that can be decoded.
        time_ns: capture time, UTC nanoseconds.
        image: uint8 ``H x W x 3`` RGB, or raw counts, ``H x W``.
        gathered: whether a camera's came before its connection was ready: it has waited, and may go on to.
    """

    index: int
    time_ns: int
    image: Image | Counts
    gathered: bool = False


def eight_bits(frames: Iterator[Shown], first: int = 0) -> Iterator[SourceFrame]:
    """Frames as whoever looks for people takes them, raw counts scaled by what was seen before.

    Args:
        frames: of one camera, in order.
        first: those before this number are left out; counts are scaled nevertheless, as the scaler
            remembers them.
    """
    scaler = RawScaler()
    for shown in frames:
        image = scaler(shown.image) if shown.image.ndim == 2 else shown.image
        if shown.index >= first:
            yield SourceFrame(shown.index, shown.time_ns, np.asarray(image, np.uint8))


class Developer:
    """Takes the pixels of one stream's frames out.

    Args:
        name: of the video, for errors.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        # A frame's own would begin with threads and tables anew: a third of what decoding costs.
        self._reformatter = VideoReformatter()
        self._rotation: int | None = None
        self._matrix: NDArray[np.int32] | None = None

    def pixels(self, frame: Any) -> Image | Counts:
        """uint8 ``H x W x 3`` RGB, or raw counts, ``H x W``.

        Raises:
            SourceError: it is to be shown at an angle that is no multiple of 90 degrees.
        """
        if frame.rotation != self._rotation:
            self._rotation, self._matrix = frame.rotation, _display_matrix(frame)
        if is_counts(frame):
            pixels = frame.to_ndarray()
        else:
            colour = self._reformatter.reformat(frame, format="rgb24", interpolation="BICUBIC", threads=1)
            pixels = colour.to_ndarray()
        if self._matrix is None:
            return np.asarray(pixels)
        turned = upright(pixels, self._matrix)
        if turned is None:
            raise SourceError(
                f"The video {self._name} is to be shown at an angle that is no multiple of 90 degrees."
            )
        return turned


def is_counts(frame: Any) -> bool:
    """Whether a frame is grey of more than 8 bits."""
    return len(frame.format.components) == 1 and frame.format.components[0].bits > 8


def _display_matrix(frame: Any) -> NDArray[np.int32] | None:
    """How a frame is to be shown, as `upright` takes it.

    A frame whose side data was looked at is freed by the garbage collector only, and a hundred of them fill
    memory before it comes: this is not for every frame.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else np.frombuffer(bytes(matrix), np.int32)
