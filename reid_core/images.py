"""The one reader and writer of still images.

The size is read from the header before a pixel is decoded, so that a small file cannot ask for all of
the machine's memory.
"""

import functools
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageOps, UnidentifiedImageError

from reid_core.errors import SourceError, UsageError
from reid_core.types import Image

MAX_PIXELS = 100_000_000
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})


def read_image(path: Path | str, to_8bit: Callable[[NDArray[Any]], NDArray[np.uint8]] | None = None) -> Image:
    """Read an image of any common format.

    One channel is repeated three times; more than 8 bits a channel are stretched to 8
    (:func:`stretch_to_8bit`); transparency is dropped; the camera's orientation tag is obeyed.

    Args:
        path: of the file.
        to_8bit: maps ``H x W`` counts of more than 8 bits to uint8 in place of the stretch.

    Returns:
        ``uint8`` ``H x W x 3`` RGB.

    Raises:
        SourceError: the file is missing, no image, damaged or of more than 100 megapixels.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _decode(file, str(path), to_8bit or stretch_to_8bit)
    except FileNotFoundError:
        raise SourceError(f"The image {path} does not exist.") from None
    except IsADirectoryError:
        raise SourceError(f"{path} is a folder, not an image.") from None
    except PermissionError:
        raise SourceError(f"The image {path} may not be read: permission denied.") from None


def decode_jpeg(data: bytes) -> Image:
    """Decode an image held in memory, as :func:`encode_jpeg` made it.

    Returns:
        ``uint8`` ``H x W x 3`` RGB.

    Raises:
        SourceError: the bytes are no image, damaged or of more than 100 megapixels.
    """
    return _decode(io.BytesIO(data), "in memory", stretch_to_8bit)


def decode_picture(
    data: bytes, most_pixels: int = MAX_PIXELS, formats: tuple[str, ...] | None = None
) -> Image | NDArray[np.uint16]:
    """Decode an image of any common format held in memory; one of more than 8 bits stays raw.

    Args:
        data: the encoded image; of several in one file, the first counts.
        most_pixels: a larger one is refused before a pixel is decoded.
        formats: the formats that it may have, as Pillow calls them; any where ``None``.

    Returns:
        ``uint8`` ``H x W x 3`` RGB, or the raw counts of one channel of more than 8 bits,
        ``uint16`` ``H x W``.

    Raises:
        SourceError: the bytes are no image, damaged, too large, or counts that 16 bits do not hold.
    """
    raw: list[NDArray[np.uint16]] = []

    def keep(counts: NDArray[Any]) -> NDArray[np.uint8]:
        if counts.ndim != 2 or not 0 <= counts.min() <= counts.max() <= np.iinfo(np.uint16).max:
            raise SourceError("The image in memory holds counts that 16 bits do not hold.")
        raw.append(counts.astype(np.uint16))
        return np.zeros((1, 1), np.uint8)

    picture = _decode(io.BytesIO(data), "in memory", keep, most_pixels, formats)
    return raw[0] if raw else picture


def encode_jpeg(image: Image, quality: int = 90) -> bytes:
    """Encode an image as JPEG.

    Args:
        image: ``uint8`` ``H x W x 3`` RGB, or ``H x W`` grey.
        quality: 1..100.

    Raises:
        UsageError: the array is no image, or the quality is out of range.
    """
    if not 1 <= quality <= 100:
        raise UsageError(f"JPEG quality must be from 1 to 100, not {quality}.")
    if (
        image.dtype != np.uint8
        or image.size == 0
        or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3))
    ):
        raise UsageError(f"A uint8 H x W x 3 image is needed, not {image.dtype} of shape {image.shape}.")
    buffer = io.BytesIO()
    Pil.fromarray(np.ascontiguousarray(image)).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def stretch_to_8bit(raw: NDArray[Any], low: float = 0.5, high: float = 99.5) -> NDArray[np.uint8]:
    """Map a 14/16-bit or float image onto 0..255, linearly between two percentiles.

    Args:
        raw: ``H x W`` of any number type.
        low: percentile that becomes 0.
        high: percentile that becomes 255.

    Returns:
        ``uint8`` ``H x W``; an image of one value becomes black.
    """
    values = np.nan_to_num(np.asarray(raw, np.float32))
    darkest, brightest = (float(value) for value in np.percentile(values, [low, high]))
    if brightest <= darkest:
        darkest, brightest = float(values.min()), float(values.max())
    if brightest <= darkest:
        return np.zeros(values.shape, np.uint8)
    stretched: NDArray[np.float32] = (values - darkest) * (255.0 / (brightest - darkest)) + 0.5
    return np.clip(stretched, 0, 255).astype(np.uint8)


def list_images(folder: Path, recursive: bool = True) -> list[Path]:
    """The image files below a folder, sorted by path; hidden files and folders are left out.

    Raises:
        SourceError: the folder does not exist.
    """
    if not folder.is_dir():
        raise SourceError(f"The folder {folder} does not exist.")
    found = folder.rglob("*") if recursive else folder.glob("*")
    return sorted(
        path
        for path in found
        if path.suffix.lower() in IMAGE_SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )


@functools.cache
def _silence_pillow() -> None:
    """Our own limit stands in for Pillow's warning, which would be printed into the user's output."""
    warnings.simplefilter("ignore", Pil.DecompressionBombWarning)


def _decode(
    file: IO[bytes],
    name: str,
    to_8bit: Callable[[NDArray[Any]], NDArray[np.uint8]],
    most_pixels: int = MAX_PIXELS,
    formats: tuple[str, ...] | None = None,
) -> Image:
    _silence_pillow()
    try:
        with Pil.open(file, formats=formats) as picture:
            width, height = picture.size
            if width * height > most_pixels:
                raise _too_large(name, f"{width} x {height} pixels", most_pixels)
            return _to_rgb(picture, to_8bit)
    except UnidentifiedImageError:
        raise SourceError(f"The image {name} is in no known image format.") from None
    except Pil.DecompressionBombError:
        raise _too_large(name, "too many pixels", most_pixels) from None
    except SourceError:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, MemoryError) as error:
        # Pillow's decoders report damage with whatever their parsers stumble over.
        raise SourceError(f"The image {name} is damaged: {error}.") from None


def _too_large(name: str, size: str, most_pixels: int) -> SourceError:
    return SourceError(f"The image {name} has {size}: more than {most_pixels / 1e6:g} megapixels.")


def _to_rgb(picture: Pil.Image, to_8bit: Callable[[NDArray[Any]], NDArray[np.uint8]]) -> Image:
    # A JPEG without an orientation tag is the rule: exif_transpose would copy it.
    if picture.getexif().get(0x0112, 1) != 1:
        picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith(("I", "F")):
        grey = to_8bit(np.asarray(picture))
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.array(picture.convert("RGB"), np.uint8)
