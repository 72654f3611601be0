"""Parts of a camera's picture in which nobody is looked for: posters, mannequins, mirrors."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from reid_core.types import Detections

Polygon = Sequence[tuple[float, float]]
"""Corners ``(x, y)``: shares of the frame's width and height where none is above 1, else pixels."""


class IgnoreZones:
    """The zones of one camera.

    A detection is in a zone where the middle of its lower edge is, on the border included: what hangs on a
    wall has its feet on that wall, and who walks by in front of it has them below.

    Args:
        polygons: three corners or more each.
    """

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        self._polygons = [np.array(polygon, np.float32) for polygon in polygons]

    def outside(self, found: Detections, width: int, height: int) -> NDArray[np.bool_]:
        """Which detections are in no zone. ``(N,)``.

        Args:
            found: in a frame.
            width: of the frame, pixels.
            height: of the frame, pixels.
        """
        keep = np.ones(len(found), bool)
        for polygon in self._polygons:
            corners = polygon * np.array([width, height], np.float32) if polygon.max() <= 1 else polygon
            for place, (x1, _, x2, y2) in enumerate(found.boxes.tolist()):
                foot = ((x1 + x2) / 2, y2)
                keep[place] &= cv2.pointPolygonTest(corners, foot, measureDist=False) < 0
        return keep
