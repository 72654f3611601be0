"""An envelope as the body and the headers of a record, and back.

Version rule: readers accept every minor of the major they know and ignore fields they do not; another
major is refused.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgpack

from reid_core.redaction import redact, redact_text
from reid_core.types import Modality, Spectrum
from stream.kafka.envelope import INLINE, Codec, Envelope, EnvelopeError, Kind, Refusal, Stream, inline_digest

SCHEMA = "nightreid.frame"
MAJOR, MINOR = 1, 1
SENT_HEADER = "sent_ns"
REPLAY_HEADER = "replay"
"""Header of a record that was sent again: ``topic/partition/offset`` of the first time."""
_LONGEST_NAME = 255
_LONGEST_STREAM = 64
_LONGEST_TEXT = 4096
_SIDES = 1 << 20
_MOST_NS = 1 << 62
LONGEST_NUMBER = len(str(_MOST_NS))

Headers = list[tuple[str, bytes]]


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
    if envelope.sent_ns is not None:
        headers[SENT_HEADER] = envelope.sent_ns
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


def sent_at(headers: Headers, time_ns: int) -> Headers:
    """A record's headers with the time at which it is handed to Kafka, by this machine's clock."""
    kept = [one for one in headers if one[0] != SENT_HEADER]
    return [*kept, (SENT_HEADER, str(time_ns).encode())]


def holds_raw_frame(headers: Iterable[tuple[str, bytes | None]]) -> bool:
    """Whether a record's headers say that its frame lies in it, and is not compressed."""
    said = {name: text or b"" for name, text in headers}
    raw = said.get("codec") in (Codec.GRAY8.encode(), Codec.GRAY16.encode())
    return raw and said.get("digest", b"").startswith(INLINE.encode())


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
        # Whoever wrote it may not have hidden a login.
        source=redact(_words(body.get("source", ""), "source")),
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
        problem=redact_text(_words(problem, "problem")) if problem is not None else None,
        sent_ns=_number(said[SENT_HEADER], SENT_HEADER) if SENT_HEADER in said else None,
        replayed=REPLAY_HEADER in said,
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
