"""Frames to payloads and back, for the envelope."""

import io

import cv2
import numpy as np
from PIL import Image as Pil

from reid_core.counts import Counts
from reid_core.errors import SourceError
from reid_core.images import decode_picture, encode_jpeg
from reid_core.types import Image
from stream.kafka.envelope import MOST_PIXELS, Codec, Envelope, EnvelopeError, Refusal

_PNG_COMPRESSION = 1
# No other reader of Pillow's is let near what a record holds.
_FORMATS = {Codec.JPEG: "JPEG", Codec.PNG: "PNG", Codec.TIFF: "TIFF"}


def encode(image: Image | Counts, codec: Codec, quality: int = 90) -> bytes:
    """Encode a frame.

    Args:
        image: uint8 ``H x W x 3`` RGB or ``H x W`` grey, or ``H x W`` raw counts, uint16 (PNG and GRAY16) or
            float32 (TIFF).
        codec: JPEG and GRAY8 hold 8 bits a channel; PNG, TIFF and the raw ones lose nothing.
        quality: of JPEG, 1..100.

    Raises:
        ValueError: the codec does not hold such a frame.
    """
    if codec is Codec.JPEG and image.dtype == np.uint8:
        return encode_jpeg(np.asarray(image, np.uint8), quality)
    kind = image.dtype.name if image.ndim == 2 else f"{image.dtype.name} colour"
    if codec is Codec.TIFF and kind == "float32":
        buffer = io.BytesIO()
        plane = Pil.fromarray(np.ascontiguousarray(image, np.float32))
        plane.save(buffer, "TIFF", compression="tiff_adobe_deflate")
        return buffer.getvalue()
    if codec is Codec.PNG and kind in ("uint8", "uint8 colour", "uint16"):
        # OpenCV takes all numbers for this machine's own.
        native = image.astype(image.dtype.newbyteorder("="), copy=False)
        bgr = cv2.cvtColor(native, cv2.COLOR_RGB2BGR) if native.ndim == 3 else native
        return bytes(cv2.imencode(".png", bgr, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_COMPRESSION])[1])
    if codec is {"uint8": Codec.GRAY8, "uint16": Codec.GRAY16}.get(kind):
        return np.ascontiguousarray(image).astype(image.dtype.newbyteorder("<")).tobytes()
    raise ValueError(f"{codec} does not hold {image.dtype} frames of shape {image.shape}")


def decode(envelope: Envelope, payload: bytes, most_pixels: int = MOST_PIXELS) -> Image | Counts:
    """Decode a frame; its size is checked before a pixel is decoded.

    Args:
        envelope: says what it should be.
        payload: the encoded frame, its digest checked.
        most_pixels: a larger one is refused.

    Returns:
        uint8 ``H x W x 3`` RGB, uint8 ``H x W`` grey of GRAY8, or ``H x W`` raw counts, uint16 or float32.

    Raises:
        EnvelopeError: it is damaged, too large, or another than the envelope says.
    """
    width, height = envelope.width, envelope.height
    if width * height > most_pixels:
        raise EnvelopeError(Refusal.SIZE, f"The headers say {width} x {height} pixels: too many.")
    if envelope.codec in (Codec.GRAY8, Codec.GRAY16):
        return _raw(envelope, payload)
    if envelope.codec is Codec.NONE:
        raise EnvelopeError(Refusal.CODEC, "The record is a frame without a codec.")
    try:
        # The size that is said is the most that is decoded: memory was reckoned with it.
        picture = decode_picture(payload, width * height, (_FORMATS[envelope.codec],))
    except SourceError as error:
        if "megapixels" in error.message:
            raise EnvelopeError(
                Refusal.SIZE, f"The frame is larger than its headers say: {width} x {height} pixels."
            ) from None
        raise EnvelopeError(Refusal.DAMAGED, error.message) from None
    if picture.shape[:2] != (height, width):
        size = f"{picture.shape[1]} x {picture.shape[0]}"
        raise EnvelopeError(Refusal.SIZE, f"The frame has {size} pixels, its headers say {width} x {height}.")
    return picture


def _raw(envelope: Envelope, payload: bytes) -> Image | Counts:
    dtype = "u1" if envelope.codec is Codec.GRAY8 else "<u2"
    if not payload or len(payload) != envelope.width * envelope.height * np.dtype(dtype).itemsize:
        raise EnvelopeError(
            Refusal.SIZE,
            f"{len(payload)} bytes are not {envelope.width} x {envelope.height} {envelope.codec} pixels.",
        )
    plane = np.frombuffer(payload, dtype).reshape(envelope.height, envelope.width)
    return plane if envelope.codec is Codec.GRAY8 else plane.astype(np.uint16)
