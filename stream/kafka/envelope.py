"""The envelope in which one frame of one camera travels through Kafka, and its reader.

Headers say whose frame it is and what it holds, so that a reader can route and refuse it without
touching the body. The body is a MessagePack map with the encoded frame in it, or, above a limit, with the
address of a blob that holds it (a claim check). docs/kafka.md lists every field; a test holds it to the
tables below.

Version rule: readers accept every minor of the major they know and ignore fields they do not; another
major is refused.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

import crc32c
import msgpack

from reid_core.errors import NightreidError
from reid_core.types import Modality, Spectrum

SCHEMA = "nightreid.frame"
MAJOR, MINOR = 1, 0
MOST_PIXELS = 100_000_000
_INLINE = "crc32c"
_LONGEST_NAME = 255
_LONGEST_STREAM = 64
_LONGEST_TEXT = 4096
_SIDES = 1 << 20
_MOST_NS = 1 << 62
LONGEST_NUMBER = len(str(_MOST_NS))

Headers = list[tuple[str, bytes]]


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
    return f"{_INLINE}:{crc32c.crc32c(payload):08x}"


def blob_digest(payload: bytes) -> str:
    """The digest of a payload that is left in the blob store; it is also its name there."""
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"


def check_digest(digest: str, payload: bytes) -> None:
    """Make sure that a payload is the one that was sent.

    Raises:
        EnvelopeError: it is another, or the digest is of no known kind.
    """
    made = {_INLINE: inline_digest, "sha256": blob_digest}.get(digest.partition(":")[0])
    if made is None:
        raise EnvelopeError(Refusal.DIGEST, f"The digest {digest[:80]!r} is of no known kind.")
    if made(payload) != digest:
        raise EnvelopeError(Refusal.DIGEST, f"The payload of {len(payload)} bytes does not fit its digest.")


def write(envelope: Envelope) -> tuple[bytes, Headers]:
    """The body and the headers of a record."""
    stream = envelope.stream
    digest = envelope.digest or inline_digest(envelope.payload)
    headers = {
        "schema": f"{SCHEMA}/{MAJOR}.{MINOR}",
        "kind": envelope.kind,
        "camera": stream.camera,
        "modality": stream.modality,
        "spectrum": stream.spectrum,
        "stream": stream.id,
        "seq": envelope.seq,
        "capture_ns": envelope.capture_ns,
        "codec": envelope.codec,
        "width": envelope.width,
        "height": envelope.height,
        "digest": digest,
        "live": int(stream.live),
    }
    source = stream.source[:_LONGEST_TEXT]
    body: dict[str, Any] = {"fps": stream.fps, "start_ns": stream.start_ns, "source": source}
    if envelope.kind is Kind.END:
        body["problem"] = envelope.problem[:_LONGEST_TEXT] if envelope.problem is not None else None
    elif envelope.blob:
        body["blob"] = envelope.blob
    else:
        body["payload"] = envelope.payload
    packed: bytes = msgpack.packb(body)
    return packed, [(name, str(value).encode()) for name, value in headers.items()]


def holds_raw_picture(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether a record's headers say that its frame lies in it, and is not compressed."""
    said = {name: text or b"" for name, text in headers}
    raw = said.get("codec") in (Codec.GRAY8.encode(), Codec.GRAY16.encode())
    return raw and said.get("digest", b"").startswith(_INLINE.encode())


def without_payload(envelope: Envelope) -> Envelope:
    """The same envelope, its payload let go of."""
    return replace(envelope, payload=b"")


def read(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Envelope:
    """Read a record; the payload's digest is left to `check_digest`, where it is decoded.

    Raises:
        EnvelopeError: the record is none of ours, of another major version, or not whole.
    """
    said = {name: (text or b"").decode("utf-8", "replace") for name, text in headers}
    _check_schema(said.get("schema"))
    if not value:
        raise EnvelopeError(Refusal.EMPTY, "The record is empty.")
    try:
        body = msgpack.unpackb(value, max_map_len=64, max_array_len=64, max_ext_len=0)
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise EnvelopeError(Refusal.ENVELOPE, f"The body is not MessagePack: {error}.") from None
    if not isinstance(body, dict):
        raise EnvelopeError(Refusal.ENVELOPE, "The body is not a map.")
    try:
        return _envelope(said, body)
    except KeyError as error:
        raise EnvelopeError(Refusal.ENVELOPE, f"The field {error} is missing.") from None
    except (ValueError, TypeError, OverflowError) as error:
        raise EnvelopeError(Refusal.ENVELOPE, f"A field does not hold what it should: {error}.") from None


def _check_schema(schema: str | None) -> None:
    if schema is None:
        raise EnvelopeError(Refusal.SCHEMA, "The record has no schema header: it is no nightreid frame.")
    name, _, version = schema.partition("/")
    if name != SCHEMA or version.partition(".")[0] != str(MAJOR):
        raise EnvelopeError(
            Refusal.SCHEMA, f"The schema {schema[:80]!r} is not known here ({SCHEMA}/{MAJOR} is)."
        )


def _envelope(said: Mapping[str, str], body: Mapping[str, Any]) -> Envelope:
    stream = Stream(
        id=_text(said["stream"], "stream", _LONGEST_STREAM),
        camera=_text(said["camera"], "camera", _LONGEST_NAME),
        modality=Modality(said["modality"]),
        spectrum=Spectrum(said["spectrum"]),
        fps=_real(body["fps"]),
        start_ns=_moment(body["start_ns"]),
        source=_words(body.get("source", ""), "source"),
        live=_flag(said.get("live", "0"), "live"),
    )
    if stream.spectrum.modality is not stream.modality:
        raise ValueError(f"a {stream.spectrum} camera is not {stream.modality}")
    if not 0 < stream.fps < 1e4:
        raise ValueError(f"{stream.fps} frames per second")
    kind = Kind(said["kind"])
    payload, blob = body.get("payload", b""), body.get("blob", "")
    if not isinstance(payload, bytes) or not isinstance(blob, str):
        raise TypeError("the payload is not binary")
    if kind is Kind.FRAME and not payload and not blob:
        raise EnvelopeError(Refusal.EMPTY, "The record holds no frame.")
    problem = body.get("problem")
    return Envelope(
        kind=kind,
        stream=stream,
        seq=_number(said["seq"], "seq"),
        capture_ns=_number(said["capture_ns"], "capture_ns"),
        codec=_codec(said["codec"]),
        width=_side(said["width"]),
        height=_side(said["height"]),
        payload=payload,
        blob=blob,
        digest=said["digest"],
        problem=_words(problem, "problem") if problem is not None else None,
    )


def _codec(text: str) -> Codec:
    try:
        return Codec(text)
    except ValueError:
        raise EnvelopeError(Refusal.CODEC, f"The codec {text[:40]!r} is not known.") from None


def _text(text: str, name: str, longest: int) -> str:
    if not 0 < len(text) <= longest or "\0" in text:
        raise ValueError(f"{name} is of {len(text)} characters")
    return text


def _words(text: Any, name: str) -> str:
    """Text of the body that a database is to hold."""
    if not isinstance(text, str) or len(text) > _LONGEST_TEXT or "\0" in text:
        raise ValueError(f"{name} is no text, or too long")
    return text


def _flag(text: str, name: str) -> bool:
    if text not in ("0", "1"):
        raise ValueError(f"{name} is {text[:40]!r}")
    return text == "1"


def _real(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise TypeError("fps is no number")
    return float(number)


def _moment(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < _MOST_NS:
        raise ValueError("start_ns is no time")
    return number


def _number(text: str, name: str) -> int:
    # Not what else `int` reads: others measure the same headers byte by byte.
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else -1
    if not 0 <= number < _MOST_NS:
        raise ValueError(f"{name} is {text[:40]!r}")
    return number


def _side(text: str) -> int:
    side = _number(text, "a side")
    if side > _SIDES:
        raise ValueError(f"a side of {side} pixels")
    return side
