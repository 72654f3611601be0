"""What the pixels of an opened image are: colour of 8 bits, or one channel of counts.

* Up to 8 bits a channel: RGB, whatever the file calls it.
* More than 8 bits in one channel, transparency apart: counts, as they are.
* 16 bits a channel in colour: a picture for eyes. Its white is that of 16 bits, or of 12 or 10 where even the
  brightest pixel needs no more: cameras leave the upper bits of their 10 or 12 empty, and a picture of 16
  bits that is as dark as that shows nobody.
"""

from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageOps

from reid_core.counts import Counts, as_counts
from reid_core.types import Image

_ORIENTATION = 0x0112
_SUBFILE, _BITS, _PLANES, _FORMAT = 254, 258, 284, 339
_APART, _UNSIGNED = 2, 1
# A reduced copy of another page, and a transparency mask.
_NO_PAGE = 1 | 4
# Other files hold several pictures of one moment: a preview, a depth.
_PAGED = ("TIFF", "PNG", "WEBP")
_DARK = 16
_WHITES = ((1 << 10) - 1, (1 << 12) - 1)


class FormError(ValueError):
    """The pixels are in a form that is not read; the message goes on behind "The image NAME"."""


def pages_of(picture: Pil.Image) -> list[int]:
    """The numbers of a file's pictures: a TIFF's pages but for smaller copies, an animation's frames."""
    count = getattr(picture, "n_frames", 1) if picture.format in _PAGED else 1
    if count == 1 or picture.format != "TIFF":
        return list(range(count))
    pages = []
    for page in range(count):
        picture.seek(page)
        if not _tag(picture, _SUBFILE, 0) & _NO_PAGE:
            pages.append(page)
    picture.seek(0)
    return pages or [0]


def pixels_of(picture: Pil.Image, file: IO[bytes]) -> Image | Counts:
    """Decode what an opened image shows at its present page, upright.

    Args:
        picture: opened by Pillow, not decoded yet.
        file: what it was opened from.

    Returns:
        ``uint8`` ``H x W x 3`` RGB, or one channel of more than 8 bits, ``H x W``.

    Raises:
        FormError: 16 bits a channel lie in a form that is not read.
    """
    # Asked first: to look for the orientation decodes some files, and then they no longer say.
    tiles = getattr(picture, "tile", None)
    raw = str(tiles[0].args) if tiles else ""
    # A JPEG without an orientation tag is the rule: exif_transpose would copy it.
    turned = picture.getexif().get(_ORIENTATION, 1) != 1
    if picture.mode.startswith("RGB") and (";16" in raw or _tag(picture, _BITS, 8) > 8):
        return _sixteen_bits(picture, file, grey="LA;16" in raw, turned=turned)
    unsigned = picture.format == "TIFF" and _tag(picture, _FORMAT, _UNSIGNED) == _UNSIGNED
    upright = ImageOps.exif_transpose(picture) if turned else picture
    if upright.mode.startswith(("I", "F")):
        plane = np.asarray(upright)
        return as_counts(plane.view(np.uint32) if upright.mode == "I" and unsigned else plane)
    return np.array(upright.convert("RGB"), np.uint8)


def _sixteen_bits(picture: Pil.Image, file: IO[bytes], grey: bool, turned: bool) -> Image | Counts:
    """Colour, or grey with transparency, of 16 bits a channel, of which Pillow keeps the upper 8."""
    if _tag(picture, _PLANES, 1) == _APART:
        raise FormError("has 16 bits a channel in planes that lie apart, which is not read")
    upper = np.asarray(picture)[:, :, :3]
    if not grey and upper.max(initial=0) >= _DARK:
        upright = ImageOps.exif_transpose(picture) if turned else picture
        return np.array(upright.convert("RGB"), np.uint8)
    if turned or picture.tell():
        raise FormError("has 16 bits a channel, is dark, and is turned or a page, which is not read")
    file.seek(0)
    whole = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if whole is None or whole.dtype != np.uint16 or whole.shape[:2] != upper.shape[:2]:
        raise FormError("has 16 bits a channel in a form that is not read")
    if grey:
        return as_counts(whole[:, :, 0])
    return _whitened(whole[:, :, 2::-1])


def _whitened(colour: NDArray[np.uint16]) -> Image:
    """Colour whose upper bits are empty, as bright as its own bits allow."""
    most = int(colour.max(initial=0))
    white = next(white for white in _WHITES if most <= white)
    return np.asarray(np.rint(colour.astype(np.float32) * np.float32(255 / white)), np.uint8)


def _tag(picture: Pil.Image, number: int, usual: int) -> int:
    """A TIFF's tag, the largest of several values; the usual one where it has none or is no TIFF."""
    value = getattr(picture, "tag_v2", {}).get(number, usual)
    return int(max(value)) if isinstance(value, tuple) else int(value)
