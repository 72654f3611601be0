"""A tracklet's course as one compact blob: ``NRT1``, a count, and the zlib-compressed columns.

Not NumPy's own ``.npz``: that stores the time of writing, and the same track must give the same bytes.
"""

import struct
import zlib

import numpy as np

from reid_core.errors import GalleryError
from reid_core.types import Floats, Ints

_HEADER = struct.Struct("<4sI")
_MAGIC = b"NRT1"
_BYTES_PER_FRAME = 8 + 8 + 16 + 4


def pack_track(frames: Ints, times_ns: Ints, boxes: Floats, confidences: Floats) -> bytes:
    """Pack one track.

    Args:
        frames: ``(N,)`` int64 frame numbers.
        times_ns: ``(N,)`` int64 capture times.
        boxes: ``(N, 4)`` float32 ``xyxy`` pixels.
        confidences: ``(N,)`` float32.
    """
    columns = (
        np.asarray(frames, "<i8"),
        np.asarray(times_ns, "<i8"),
        np.asarray(boxes, "<f4"),
        np.asarray(confidences, "<f4"),
    )
    payload = zlib.compress(b"".join(column.tobytes() for column in columns), 6)
    return _HEADER.pack(_MAGIC, len(frames)) + payload


def unpack_track(blob: bytes) -> tuple[Ints, Ints, Floats, Floats]:
    """The frames, times, boxes and confidences that `pack_track` packed.

    Raises:
        GalleryError: the blob is damaged.
    """
    try:
        magic, count = _HEADER.unpack_from(blob)
        columns = zlib.decompress(blob[_HEADER.size :])
    except (struct.error, zlib.error):
        raise GalleryError("A stored track is damaged.") from None
    if magic != _MAGIC or len(columns) != count * _BYTES_PER_FRAME:
        raise GalleryError("A stored track is damaged.")
    frames = np.frombuffer(columns, "<i8", count)
    times_ns = np.frombuffer(columns, "<i8", count, offset=8 * count)
    boxes = np.frombuffer(columns, "<f4", 4 * count, offset=16 * count).reshape(count, 4)
    confidences = np.frombuffer(columns, "<f4", count, offset=32 * count)
    return frames, times_ns, boxes, confidences
