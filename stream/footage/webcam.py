"""Cameras of this machine."""

import time
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from reid_core.types import Image


class Webcam:
    """One of this machine's cameras; a picture is taken as it is asked for.

    Attributes:
        width: of a frame, pixels.
        height: of a frame, pixels.
        fps: frames per second, as it says; 0 where it does not.
        start_ns: capture time of its first frame, UTC nanoseconds.
        ready_ns: the same; nothing gathers.
    """

    def __init__(self, number: int) -> None:
        """Open it.

        Raises:
            OSError: it cannot be.
        """
        self._capture: Any = cv2.VideoCapture(number)
        if not self._capture.isOpened():
            raise OSError(f"no camera {number}")
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.start_ns = self.ready_ns = time.time_ns()

    def frames(self) -> Iterator[tuple[int, Image]]:
        """Capture time, UTC nanoseconds, and uint8 ``H x W x 3`` RGB of each, until there are no more."""
        while True:
            decoded, image = self._capture.read()
            if not decoded:
                return
            yield time.time_ns(), np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)

    def close(self) -> None:
        """Let go of it."""
        self._capture.release()
