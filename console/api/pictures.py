"""Uploaded pictures: decoded within bounds, kept for minutes in bounded memory, for whoever uploaded them."""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from console.api.context import Context
from reid_core.errors import SourceError
from reid_core.images import as_rgb, decode_picture
from reid_core.types import Image, Modality

SECONDS = 900.0
"""How long a picture is kept."""
_BYTES = 256 << 20
_OF_ONE_OWNER = 20
_SMALLEST_SIDE = 3
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "PPM")


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A picture that somebody uploaded.

    Attributes:
        id: a secret name.
        owner: id of the account.
        image: ``uint8`` ``H x W x 3`` RGB.
        modality: as it was uploaded.
        until: of `time.monotonic`.
    """

    id: str
    owner: str
    image: Image
    modality: Modality
    until: float


class Pictures:
    """The pictures of the last minutes.

    Args:
        context: of the app.
    """

    def __init__(self, context: Context) -> None:
        self._most_pixels = context.settings.limits.pixels
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, owner: str, data: bytes, modality: Modality) -> Kept:
        """Decode and keep one; the oldest go where there are too many.

        Raises:
            SourceError: it is no picture, damaged, or of too many or too few pixels.
        """
        image = as_rgb(decode_picture(data, self._most_pixels, _FORMATS))
        height, width = image.shape[:2]
        if min(height, width) < _SMALLEST_SIDE:
            raise SourceError(f"The picture is {width} x {height} pixels: too small to show a person.")
        kept = Kept(secrets.token_urlsafe(12), owner, image, modality, time.monotonic() + SECONDS)
        with self._lock:
            self._kept[kept.id] = kept
            self._tidy(owner)
        return kept

    def get(self, owner: str, picture: str) -> Kept | None:
        """A picture of an account's own; ``None`` where there is none any more."""
        with self._lock:
            kept = self._kept.get(picture)
        return kept if kept is not None and kept.owner == owner and time.monotonic() < kept.until else None

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()

    def _tidy(self, owner: str) -> None:
        now = time.monotonic()
        for name in [one.id for one in self._kept.values() if one.until <= now]:
            del self._kept[name]
        mine = [one.id for one in self._kept.values() if one.owner == owner]
        for name in mine[:-_OF_ONE_OWNER]:
            del self._kept[name]
        while sum(one.image.nbytes for one in self._kept.values()) > _BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
