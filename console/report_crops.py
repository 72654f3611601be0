"""Crops made small and put inside the page."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image as Pictures


@dataclass(frozen=True, slots=True)
class Crop:
    """An image for the page: a ``data:`` URI with its size in pixels and what it shows."""

    src: str
    width: int
    height: int
    alt: str


class Crops:
    """Sightings' JPEGs by id, each made small once.

    Args:
        jpegs: the crops, JPEG-encoded, by sighting id.
        height: pixels; higher crops are made this high.
    """

    def __init__(self, jpegs: Mapping[str, bytes], height: int) -> None:
        self._jpegs = jpegs
        self._height = height
        self._small: dict[str, tuple[str, int, int] | None] = {}

    def get(self, sighting: str, alt: str) -> Crop | None:
        """The crop with its description, or ``None`` where it is not there or damaged."""
        if sighting not in self._small:
            jpeg = self._jpegs.get(sighting)
            self._small[sighting] = None if jpeg is None else _shrink(jpeg, self._height)
        small = self._small[sighting]
        return None if small is None else Crop(*small, alt)


def _shrink(jpeg: bytes, height: int) -> tuple[str, int, int] | None:
    try:
        with Pictures.open(io.BytesIO(jpeg)) as picture:
            width, tall = picture.size
            if tall > height:
                width, tall = max(1, round(width * height / tall)), height
                picture.draft("RGB", (1, 2 * height))
                buffer = io.BytesIO()
                small = picture.convert("RGB").resize((width, tall), Pictures.Resampling.LANCZOS)
                small.save(buffer, "JPEG", quality=82, optimize=True)
                jpeg = buffer.getvalue()
            else:
                picture.verify()
    except (OSError, SyntaxError, ValueError, Pictures.DecompressionBombError):
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}", width, tall
