"""Records that will never be frames, and a worker whose decoder some of them end."""

import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from kafka import KafkaProducer

from reid_core.types import Modality, Spectrum
from stream.kafka.envelope import Codec, Envelope, blob_digest, inline_digest
from stream.kafka.payloads import encode
from stream.kafka.wire import write
from stream.worker.records import Prepared, Taken, prepare
from tests.support.files import png
from tests.support.shift import Post, topic_of, work

Headers = list[tuple[str, bytes]]
MARK = b"ends whoever decodes it"


@dataclass(frozen=True)
class Sent:
    """A record to be sent as it is.

    Attributes:
        topic: without the prefix.
        key: decides its partition.
        value: its body.
        headers: its headers.
        reason: why it is expected to be a dead letter; empty where it is a good one.
        name: for the message of a test that fails.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: str = ""
    name: str = ""


@dataclass(frozen=True)
class Place:
    """Where a record went."""

    sent: Sent
    topic: str
    partition: int
    offset: int


def good(envelope: Envelope) -> Sent:
    value, headers = write(envelope)
    return Sent(topic_of("", envelope), envelope.key, value, headers)


def send_all(bootstrap: str, prefix: str, records: Iterable[Sent]) -> list[Place]:
    """Send in order; where each of them went."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_request_size=11 << 20)
    # A record without a key goes where the one before it went.
    futures, partition = [], None
    for one in records:
        future = producer.send(
            f"{prefix}{one.topic}",
            one.value,
            key=one.key,
            headers=one.headers,
            partition=partition if one.key is None else None,
        )
        partition = future.get(30).partition if one.reason else partition
        futures.append((one, future))
    producer.flush(60)
    places = [(one, future.get(30)) for one, future in futures]
    producer.close()
    return [Place(one, place.topic, place.partition, place.offset) for one, place in places]


def checked_in(envelope: Envelope, blobs: Any) -> Envelope:
    """The same, its payload left in a store."""
    name, digest = blobs.put(envelope.payload)
    return replace(envelope, payload=b"", blob=name, digest=digest)


def corpus(frame: Envelope, folder: Path) -> list[Sent]:
    """Every way in which a record is none, made of a good one of a visible camera.

    Args:
        frame: a good one; its payload is PNG.
        folder: for files in between.
    """
    bad = _Spoiler(frame)
    jpeg = encode(np.full((240, 320, 3), 90, np.uint8), Codec.JPEG)
    huge = png(folder / "huge.png", 20_000, 20_000).read_bytes()
    # Less than any limit of its own.
    large = png(folder / "large.png", 9_500, 9_500).read_bytes()
    flipped = bytearray(frame.payload)
    flipped[len(flipped) // 2] ^= 0x55
    elsewhere = replace(
        frame, stream=replace(frame.stream, modality=Modality.INFRARED, spectrum=Spectrum.NEAR)
    )
    return [
        bad("damaged", "a flipped byte in a PNG", payload=bytes(flipped)),
        bad("damaged", "a JPEG without its tables", payload=jpeg[:100] + bytes(300), codec=Codec.JPEG),
        bad("damaged", "a truncated PNG", payload=frame.payload[: len(frame.payload) // 2]),
        bad("damaged", "a truncated JPEG", payload=jpeg[: len(jpeg) // 2], codec=Codec.JPEG),
        bad("damaged", "a text", payload=b"This is no picture. " * 40),
        bad("damaged", "a JPEG that is said to be PNG", payload=jpeg),
        bad("empty", "a payload of nothing", body={"payload": b""}),
        bad("empty", "a value of nothing", value=b""),
        bad("empty", "a tombstone", value=None),
        bad("envelope", "bytes of no kind", value=os.urandom(400)),
        bad("envelope", "a body that is cut off", value=write(frame)[0][:-20]),
        bad("envelope", "a map of four billion", value=b"\xdf\xff\xff\xff\xff"),
        bad("envelope", "nested a hundred thousand deep", value=b"\x91" * 100_000),
        bad("envelope", "a number that is none", headers={"seq": b"one"}),
        bad("envelope", "a header that is missing", headers={"width": None}),
        bad("envelope", "a time behind all times", headers={"capture_ns": str(1 << 70).encode()}),
        bad("envelope", "a source with a zero in it", body={"source": "a\0b"}),
        bad("schema", "a later major", headers={"schema": b"nightreid.frame/2.0"}),
        bad("schema", "another schema", headers={"schema": b"somebody.else/1.0"}),
        bad("schema", "no schema", headers={"schema": None}),
        Sent(frame_topic(frame), None, b"hello", [], "schema", "somebody else's record"),
        bad("digest", "another payload than was sent", digest="crc32c:deadbeef"),
        bad("digest", "a digest of no known kind", digest="md5:00"),
        bad("blob", "a blob that is missing", blob="0" * 64, digest=blob_digest(b"missing")),
        bad("blob", "a blob outside the store", blob="../../etc/passwd", digest=blob_digest(b"x")),
        bad("codec", "a codec nobody knows", headers={"codec": b"h264"}),
        bad("size", "20,000 x 20,000 pixels", payload=huge, width=20_000, height=20_000),
        bad("size", "20,000 x 20,000 pixels that are said to be 320 x 240", payload=huge),
        bad("size", "9,500 x 9,500 pixels that are said to be 320 x 240", payload=large),
        bad("size", "320 x 240 pixels that are said to be 20,000 x 20,000", width=20_000, height=20_000),
        bad("size", "a side that no picture has", width=1, height=76_800),
        bad("size", "raw pixels that are too few", payload=bytes(1000), codec=Codec.GRAY16),
        bad("camera", "an infrared camera's topic", topic="frames.infrared", key=b"night"),
        bad("camera", "a stream that is another camera's", camera="somewhere else"),
        bad("camera", "a camera that is known as visible", of=elsewhere, topic="frames.infrared"),
        bad("damaged", "as large as a record may be", payload=os.urandom((10 << 20) - 2000)),
        bad("schema", "headers as large as a record may be", headers={"schema": None, "x": bytes(9 << 20)}),
        bad("damaged", "a zip bomb that says it is a PNG", payload=zlib.compress(bytes(100 << 20))),
    ]


def frame_topic(envelope: Envelope) -> str:
    return topic_of("", envelope)


@dataclass
class _Spoiler:
    frame: Envelope
    made: list[Sent] = field(default_factory=list)

    def __call__(self, reason: str, name: str, **changes: Any) -> Sent:
        frame = changes.pop("of", self.frame)
        topic = changes.pop("topic", frame_topic(frame))
        key = changes.pop("key", frame.key)
        camera = changes.pop("camera", None)
        headers, body = changes.pop("headers", {}), changes.pop("body", {})
        whole = "value" in changes
        value = changes.pop("value", None)
        if camera is not None:
            frame = replace(frame, stream=replace(frame.stream, camera=camera))
        if "payload" in changes and "digest" not in changes:
            changes["digest"] = inline_digest(changes["payload"])
        packed, written = write(replace(frame, **changes))
        packed = msgpack.packb(msgpack.unpackb(packed) | body) if body else packed
        kept = [each for each in written if each[0] not in headers]
        kept += [(header, text) for header, text in headers.items() if text is not None]
        return Sent(topic, key, value if whole else packed, kept, reason, name)


def deadly(envelope: Envelope) -> Sent:
    """A good record, but for what the decoder of `fragile` makes of it."""
    one = good(envelope)
    return replace(one, headers=[*one.headers, ("mark", MARK)], reason="crash", name="a deadly one")


def fragile(post: Post) -> None:
    """A worker whose decoder ends the process at a marked record, as a fault in C code does."""
    work(post, _prepare(os.abort, post))


def fragile_in_silence(post: Post) -> None:
    """The same, without a core and without a word, as when the kernel ends who takes all memory."""
    work(post, _prepare(lambda: os._exit(137), post))


def _prepare(end: Callable[[], Any], post: Post) -> Callable[[Taken], Prepared]:
    limits = post.settings().limits

    def prepare_record(taken: Taken) -> Prepared:
        if dict(taken.record.headers).get("mark") == MARK:
            end()
        return prepare(taken.record, None, limits.pixels, limits.bytes)

    return prepare_record
