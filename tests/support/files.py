"""Files that are not what they say, made by hand."""

import struct
import zlib
from pathlib import Path

import cv2


def png(path: Path, width: int, height: int) -> Path:
    """A black 8-bit grey PNG of any size, without ever holding its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
    return path


def truncated(source: Path, target: Path, share: float = 0.6) -> Path:
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def faststart(source: Path, target: Path) -> Path:
    """The same MP4 with its index in front, as for streaming."""
    data = source.read_bytes()
    boxes, place = [], 0
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        boxes.append((kind, data[place : place + size]))
        place += size
    moov = bytearray(next(box for kind, box in boxes if kind == b"moov"))
    at = moov.find(b"stco") + 8
    (count,) = struct.unpack_from(">I", moov, at)
    for i in range(count):
        where = at + 4 + 4 * i
        struct.pack_into(">I", moov, where, struct.unpack_from(">I", moov, where)[0] + len(moov))
    front = [box for kind, box in boxes if kind == b"ftyp"]
    rest = [box for kind, box in boxes if kind not in (b"ftyp", b"moov")]
    target.write_bytes(b"".join([*front, bytes(moov), *rest]))
    return target


def cut_from(source: Path, target: Path, first: int, last: int, width: int) -> Path:
    """Some frames of a video, smaller."""
    reader = cv2.VideoCapture(str(source))
    writer = None
    for index in range(last):
        _, picture = reader.read()
        if index < first:
            continue
        size = (width, round(picture.shape[0] * width / picture.shape[1]) // 2 * 2)
        if writer is None:
            fps = reader.get(cv2.CAP_PROP_FPS)
            writer = cv2.VideoWriter(str(target), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
        writer.write(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    writer.release()
    reader.release()
    return target
