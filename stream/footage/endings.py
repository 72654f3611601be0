"""Whether a video file is all there, by what its structure says of its own end."""

import struct
from collections.abc import Iterable
from typing import Any

_MATROSKA, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_FLV, _FLV_SIZE = b"FLV\x01", b"filesize\x00"
_UNKNOWN = 0xFFFFFFFF
_MOST = 1 << 53
# Transport streams: length of a packet, and where its first byte stands, which is always the same. Recorders
# put a time in front of each, broadcasters a checksum behind.
_TRANSPORT = ((188, 0), (192, 4), (204, 0))
_SYNC = 0x47
_PACKETS = 5

START = 1024
"""How much of a file's beginning tells what it is, bytes."""


def ends_early(size: int, start: bytes, packets: Iterable[Any]) -> bool:
    """Whether a video file ends before its own structure does.

    Args:
        size: of the file, bytes.
        start: its first bytes, at least `START` of them where there are so many.
        packets: what its index names, with ``pos`` and ``size``, bytes.
    """
    if any(packet.pos + packet.size > size for packet in packets):
        return True
    end = _declared_end(start)
    return (end is not None and end > size) or _in_a_packet(start, size)


def _in_a_packet(start: bytes, size: int) -> bool:
    """Whether an MPEG transport stream ends within one of its packets, which are all of one length."""
    for length, first in _TRANSPORT:
        if len(start) >= START and all(start[first + length * i] == _SYNC for i in range(_PACKETS)):
            return size % length != 0
    return False


def _declared_end(start: bytes) -> int | None:
    """Where an AVI, Matroska, ASF or FLV file says that it ends, bytes; ``None`` where it does not."""
    if start[:4] == b"RIFF" and len(start) >= 8:
        length = int.from_bytes(start[4:8], "little")
        return None if length == _UNKNOWN else 8 + length
    if start.startswith(_ASF):
        return _declared_by_asf(start)
    if start.startswith(_FLV):
        return _declared_by_flv(start)
    if start[:4] != _MATROSKA:
        return None
    header, place = _variable(start, 4)
    if header is None or start[place + header : place + header + 4] != _SEGMENT:
        return None
    length_or_none, place = _variable(start, place + header + 4)
    return None if length_or_none is None else place + length_or_none


def _declared_by_asf(start: bytes) -> int | None:
    place = start.find(_ASF_PROPERTIES)
    if place < 0 or len(start) < place + 92:
        return None
    flags = int.from_bytes(start[place + 88 : place + 92], "little")
    # What was broadcast was not known to its end.
    return None if flags & 1 else int.from_bytes(start[place + 40 : place + 48], "little")


def _declared_by_flv(start: bytes) -> int | None:
    """By its metadata, which have a name, the type of a number (0) and the number."""
    place = start.find(_FLV_SIZE)
    number = start[place + len(_FLV_SIZE) :][:8]
    if place < 0 or len(number) < 8:
        return None
    (size,) = struct.unpack(">d", number)
    return int(size) if 0 < size < _MOST else None


def _variable(data: bytes, place: int) -> tuple[int | None, int]:
    """A number of Matroska's variable width and where it ends; ``None`` for the one that means unknown."""
    if place >= len(data) or data[place] == 0:
        return None, place
    width = 9 - data[place].bit_length()
    bits = 7 * width
    number = int.from_bytes(data[place : place + width], "big") & ((1 << bits) - 1)
    return (None if number == (1 << bits) - 1 else number), place + width
