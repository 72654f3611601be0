"""The one reader and writer of still images.

The size is read from the header before a pixel is decoded, so that a small file cannot ask for all of
the machine's memory. What a pixel is becomes of it in `reid_core.image_pixels`.
"""

import functools
import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import UnidentifiedImageError

from reid_core.counts import Counts, stretch_to_8bit
from reid_core.errors import SourceError, UsageError
from reid_core.image_pixels import FormError, pages_of, pixels_of
from reid_core.types import Image

MAX_PIXELS = 100_000_000
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"})


def read_image(path: Path | str, to_8bit: Callable[[NDArray[Any]], NDArray[np.uint8]] | None = None) -> Image:
    """Read an image of any common format.

    One channel is repeated three times; more than 8 bits of one channel are stretched to 8
    (:func:`stretch_to_8bit`); transparency is dropped; the camera's orientation tag is obeyed.

    Args:
        path: of the file.
        to_8bit: maps ``H x W`` counts of more than 8 bits to uint8 in place of the stretch.

    Returns:
        ``uint8`` ``H x W x 3`` RGB.

    Raises:
        SourceError: the file is missing, no image, damaged, of more than 100 megapixels, or holds several.
    """
    with _opened(path) as file, _picture(file, str(path)) as picture:
        pages = pages_of(picture)
        if len(pages) > 1:
            raise SourceError(
                f"The image {path} holds {len(pages)} pictures, of which none is the one that counts.",
                "Save them as files of their own.",
            )
        _turn_to(picture, pages[0], str(path), MAX_PIXELS)
        return as_rgb(pixels_of(picture, file), to_8bit)


def read_pictures(path: Path | str) -> Iterator[Image | Counts]:
    """Read every picture of a file, one after the other: a TIFF's pages, an animation's frames.

    Copies that a TIFF keeps in a smaller size are no pages of it.

    Args:
        path: of the file.

    Yields:
        ``uint8`` ``H x W x 3`` RGB, or one channel of more than 8 bits as it is, ``H x W``.

    Raises:
        SourceError: as :func:`read_image`, when it comes to the picture that cannot be read.
    """
    with _opened(path) as file, _picture(file, str(path)) as picture:
        pages = pages_of(picture)
        for page in pages:
            name = f"{path}" if len(pages) == 1 else f"{path} (picture {page + 1})"
            with _damage_told(name, MAX_PIXELS):
                _turn_to(picture, page, name, MAX_PIXELS)
                pixels = pixels_of(picture, file)
            yield pixels


def count_pictures(path: Path | str) -> int:
    """How many pictures :func:`read_pictures` gives of a file; 1 of one that cannot be read."""
    try:
        with _opened(path) as file, _picture(file, str(path)) as picture:
            return len(pages_of(picture))
    except SourceError:
        return 1


def as_rgb(
    pixels: Image | Counts, to_8bit: Callable[[NDArray[Any]], NDArray[np.uint8]] | None = None
) -> Image:
    """A picture as ``uint8`` ``H x W x 3`` RGB, its counts stretched by ``to_8bit`` or by themselves."""
    if pixels.ndim == 2:
        grey = (to_8bit or stretch_to_8bit)(pixels)
        return np.repeat(grey[:, :, None], 3, axis=2)
    return np.asarray(pixels, np.uint8)


def decode_jpeg(data: bytes) -> Image:
    """Decode an image held in memory, as :func:`encode_jpeg` made it.

    Returns:
        ``uint8`` ``H x W x 3`` RGB.

    Raises:
        SourceError: the bytes are no image, damaged or of more than 100 megapixels.
    """
    return as_rgb(decode_picture(data))


def decode_picture(
    data: bytes, most_pixels: int = MAX_PIXELS, formats: tuple[str, ...] | None = None
) -> Image | Counts:
    """Decode an image of any common format held in memory; one channel of more than 8 bits stays raw.

    Args:
        data: the encoded image; of several in one file, the first counts.
        most_pixels: a larger one is refused before a pixel is decoded.
        formats: the formats that it may have, as Pillow calls them; any where ``None``.

    Returns:
        ``uint8`` ``H x W x 3`` RGB, or the raw counts of one channel of more than 8 bits, ``H x W``:
        ``uint16``, or ``float32`` where those do not hold them.

    Raises:
        SourceError: the bytes are no image, damaged or too large.
    """
    file = io.BytesIO(data)
    with _picture(file, "in memory", most_pixels, formats) as picture:
        _turn_to(picture, pages_of(picture)[0], "in memory", most_pixels)
        return pixels_of(picture, file)


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


@functools.cache
def _silence_pillow() -> None:
    """Our own limit stands in for Pillow's warning, which would be printed into the user's output."""
    warnings.simplefilter("ignore", Pil.DecompressionBombWarning)


@contextmanager
def _opened(path: Path | str) -> Iterator[IO[bytes]]:
    """An image file.

    Raises:
        SourceError: it is missing, a folder, or may not be read.
    """
    try:
        with Path(path).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise SourceError(f"The image {path} does not exist.") from None
    except IsADirectoryError:
        raise SourceError(f"{path} is a folder, not an image.") from None
    except PermissionError:
        raise SourceError(f"The image {path} may not be read: permission denied.") from None


@contextmanager
def _picture(
    file: IO[bytes], name: str, most_pixels: int = MAX_PIXELS, formats: tuple[str, ...] | None = None
) -> Iterator[Pil.Image]:
    """An image, opened and not too large; whatever is raised inside becomes one sentence."""
    _silence_pillow()
    with _damage_told(name, most_pixels), Pil.open(file, formats=formats) as picture:
        _check_pixels(picture, name, most_pixels)
        yield picture


@contextmanager
def _damage_told(name: str, most_pixels: int) -> Iterator[None]:
    try:
        yield
    except UnidentifiedImageError:
        raise SourceError(
            f"The image {name} is in no known image format, or its pixels are in a form that is not read."
        ) from None
    except Pil.DecompressionBombError:
        raise _too_large(name, "too many pixels", most_pixels) from None
    except SourceError:
        raise
    except FormError as error:
        raise SourceError(f"The image {name} {error}.") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, OverflowError, MemoryError) as error:
        # Pillow's decoders report damage with whatever their parsers stumble over.
        raise SourceError(f"The image {name} is damaged: {error}.") from None


def _turn_to(picture: Pil.Image, page: int, name: str, most_pixels: int) -> None:
    """Go to a page, if it is not too large."""
    if picture.tell() != page:
        picture.seek(page)
        _check_pixels(picture, name, most_pixels)


def _check_pixels(picture: Pil.Image, name: str, most_pixels: int) -> None:
    width, height = picture.size
    if width * height > most_pixels:
        raise _too_large(name, f"{width} x {height} pixels", most_pixels)


def _too_large(name: str, size: str, most_pixels: int) -> SourceError:
    return SourceError(f"The image {name} has {size}: more than {most_pixels / 1e6:g} megapixels.")
