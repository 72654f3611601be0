"""The envelope in which one frame of one camera travels through Kafka: what it says, and why it is refused.

Headers say whose frame it is and what it holds, so that a reader can route and refuse it without
touching the body. The body is a MessagePack map with the encoded frame in it, or, above a limit, with the
address of a blob that holds it (a claim check). docs/kafka.md lists every field; a test holds it to the
tables below.

`stream.kafka.wire` writes and reads it.
"""

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar

import crc32c

from reid_core.errors import NightreidError
from reid_core.types import Modality, Spectrum

MOST_PIXELS = 100_000_000
INLINE = "crc32c"
"""Algorithm of the digest of a payload that travels in the record."""


class Refusal(StrEnum):
    """Why a record is a dead letter: stable codes."""

    SCHEMA = "schema"
    ENVELOPE = "envelope"
    EMPTY = "empty"
    DIGEST = "digest"
    CODEC = "codec"
    DAMAGED = "damaged"
    SIZE = "size"
    BLOB = "blob"
    CAMERA = "camera"
    CRASH = "crash"
    RECORD = "record"


class EnvelopeError(NightreidError):
    """A record that will never be a frame, however often it is tried.

    Args:
        reason: the stable code.
        message: one sentence.
    """

    code: ClassVar[str] = "envelope"

    def __init__(self, reason: Refusal, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Kind(StrEnum):
    """What a record says: here is a frame, or: this stream is over."""

    FRAME = "frame"
    END = "end"


class Codec(StrEnum):
    """How the payload holds the frame."""

    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    GRAY8 = "gray8"
    GRAY16 = "gray16"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Stream:
    """One unbroken numbering of one camera's frames: a recording, or a camera between two starts.

    Attributes:
        id: up to 64 characters; a recording's id in the gallery.
        camera: the camera's id.
        modality: how its frames are compared.
        spectrum: the light it records.
        fps: frames per second.
        start_ns: capture time of frame 0, UTC nanoseconds.
        source: what is read, credentials removed.
        live: whether it is a camera rather than a recording.
    """

    id: str
    camera: str
    modality: Modality
    spectrum: Spectrum
    fps: float
    start_ns: int
    source: str = ""
    live: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """One record.

    Attributes:
        kind: frame or end.
        stream: whose it is.
        seq: number of the frame in its stream, from 0; of an end, the number of frames.
        capture_ns: capture time, UTC nanoseconds; of an end, that of the last frame.
        codec: of the payload.
        width: of the frame, pixels.
        height: of the frame, pixels.
        payload: the encoded frame; empty where ``blob`` holds it.
        blob: address of the payload in the blob store, or empty.
        digest: ``algorithm:hex`` of the payload.
        problem: of an end, one sentence where the stream broke off.
        sent_ns: when the publisher handed it to Kafka, by its own clock, UTC nanoseconds; ``None`` where it
            does not say.
        replayed: whether it was a dead letter and was sent again.
    """

    kind: Kind
    stream: Stream
    seq: int
    capture_ns: int
    codec: Codec = Codec.NONE
    width: int = 0
    height: int = 0
    payload: bytes = field(default=b"", repr=False)
    blob: str = ""
    digest: str = ""
    problem: str | None = None
    sent_ns: int | None = None
    replayed: bool = False

    @property
    def key(self) -> bytes:
        """The record's key: all of a camera's frames are in one partition, in order."""
        return self.stream.camera.encode()


HEADERS = {
    "schema": "`nightreid.frame/MAJOR.MINOR`",
    "kind": "`frame` or `end`",
    "camera": "the camera's id, up to 255 characters",
    "modality": "`visible` or `infrared`",
    "spectrum": "`visible`, `near` or `thermal`",
    "stream": "id of the stream that `seq` counts in, up to 64 characters",
    "seq": "number of the frame in its stream, from 0, decimal; of an end, the number of frames",
    "capture_ns": "capture time, UTC nanoseconds since 1970, decimal",
    "codec": "`jpeg`, `png`, `tiff`, `gray8`, `gray16` (raw, little-endian, row by row) or `none`",
    "width": "of the frame, pixels, decimal",
    "height": "of the frame, pixels, decimal",
    "digest": "of the payload: `crc32c:HEX` inline, `sha256:HEX` in a blob",
    "live": "`1` for a camera, `0` for a recording",
    "sent_ns": "when the publisher sent it, by the publisher's clock, UTC nanoseconds since 1970, decimal",
}
"""Every header and what it holds."""

BODY = {
    "payload": "the encoded frame, if inline",
    "blob": "address of the payload in the blob store, if not inline",
    "fps": "frames per second",
    "start_ns": "capture time of frame 0 of the stream",
    "source": "what is read, credentials removed",
    "problem": "of an end: one sentence if the stream broke off, or nil",
}
"""Every field of the body and what it holds."""


def inline_digest(payload: bytes) -> str:
    """The digest of a payload that travels in the record."""
    return f"{INLINE}:{crc32c.crc32c(payload):08x}"


def blob_digest(payload: bytes) -> str:
    """The digest of a payload that is left in the blob store; it is also its name there."""
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"


def check_digest(digest: str, payload: bytes) -> None:
    """Make sure that a payload is the one that was sent.

    Raises:
        EnvelopeError: it is another, or the digest is of no known kind.
    """
    made = {INLINE: inline_digest, "sha256": blob_digest}.get(digest.partition(":")[0])
    if made is None:
        raise EnvelopeError(Refusal.DIGEST, f"The digest {digest[:80]!r} is of no known kind.")
    if made(payload) != digest:
        raise EnvelopeError(Refusal.DIGEST, f"The payload of {len(payload)} bytes does not fit its digest.")


def without_payload(envelope: Envelope) -> Envelope:
    """The same envelope, its payload let go of."""
    return replace(envelope, payload=b"")
