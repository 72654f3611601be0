"""One frame to one record: encoded, or as the file it already is, in its envelope."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reid_core.counts import Counts
from reid_core.errors import NightreidError
from reid_core.images import count_pictures, read_pictures
from reid_core.types import Image
from stream.footage.sources import SourceFrame, check_size
from stream.kafka.blob_notes import Shown
from stream.kafka.blobs import BlobStore
from stream.kafka.envelope import Codec, Envelope, Kind, Stream
from stream.kafka.payloads import encode
from stream.kafka.wire import write
from stream.publisher.config import Plan
from stream.publisher.outgoing import Record

_SIGNATURES = {
    b"\xff\xd8\xff": Codec.JPEG,
    b"\x89PNG\r\n\x1a\n": Codec.PNG,
    b"II*\0": Codec.TIFF,
    b"MM\0*": Codec.TIFF,
}
_LOSSLESS = {"uint16": Codec.PNG, "float32": Codec.TIFF}
"""How raw counts travel."""


class TooLargeError(NightreidError):
    """A frame is larger than a record may be, and there is no blob store."""

    code = "too-large"


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of an image file.

    Attributes:
        data: the file's bytes, where they hold this picture alone; else empty.
        codec: what they are, or ``None`` where an envelope has no word for it.
        image: uint8 ``H x W x 3`` RGB, or raw counts, ``H x W``.
    """

    data: bytes
    codec: Codec | None
    image: Image | Counts


def read_stills(path: Path) -> Iterator[Still]:
    """Read every picture of an image file; raw counts stay raw.

    Raises:
        SourceError: it is missing, no image, damaged, or shows too little or too much.
    """
    alone = count_pictures(path) == 1
    for image in read_pictures(path):
        check_size(image.shape[1], image.shape[0], str(path))
        # What follows a picture in its file would travel with every one of them.
        data = path.read_bytes() if alone else b""
        codec = next((codec for start, codec in _SIGNATURES.items() if data.startswith(start)), None)
        yield Still(data, codec, image)


class Encoder:
    """Makes records; any number of threads may at once.

    Args:
        inline_bytes: a larger frame goes into the blob store.
        blobs: the blob store, or ``None``.
    """

    def __init__(self, inline_bytes: int, blobs: BlobStore | None) -> None:
        self._inline_bytes = inline_bytes
        self._blobs = blobs

    def frame(
        self, plan: Plan, stream: Stream, seq: int, time_ns: int, picture: SourceFrame | Still
    ) -> Record:
        """The record of one frame.

        Args:
            plan: what is done with its camera.
            stream: whose number it has.
            seq: the number.
            time_ns: capture time.
            picture: decoded, or a file.

        Raises:
            TooLargeError: it is too large for a record, and there is no blob store.
            StorageError: the blob store does not take it.
        """
        image = picture.image
        if isinstance(picture, Still) and plan.passthrough and picture.codec is not None:
            payload, codec = picture.data, picture.codec
        else:
            eight = image.dtype == np.uint8
            pixels = picture.rgb() if isinstance(picture, SourceFrame) and eight else image
            # JPEG holds 8 bits; scaling raw counts is for whoever sees all of the camera's.
            codec = plan.codec if eight else _LOSSLESS[image.dtype.name]
            payload = encode(pixels, codec, plan.quality)
        blob = digest = ""
        if len(payload) > self._inline_bytes:
            if self._blobs is None:
                raise TooLargeError(
                    f"A frame takes {len(payload)} bytes, a record at most {self._inline_bytes}.",
                    "Name a blob store, lower the quality, or raise inline_bytes and the topics' limit.",
                )
            blob, digest = self._blobs.put(payload, Shown(stream.camera, time_ns))
        return _record(
            plan,
            Envelope(
                kind=Kind.FRAME,
                stream=stream,
                seq=seq,
                capture_ns=time_ns,
                codec=codec,
                width=image.shape[1],
                height=image.shape[0],
                payload=b"" if blob else payload,
                blob=blob,
                digest=digest,
            ),
        )


def end(plan: Plan, stream: Stream, frames: int, last_ns: int, problem: str | None) -> Record:
    """The record that ends a stream.

    Args:
        plan: what is done with its camera.
        stream: which is over.
        frames: how many numbers it had.
        last_ns: capture time of the last frame.
        problem: one sentence where it broke off.
    """
    return _record(plan, Envelope(Kind.END, stream, frames, last_ns, problem=problem))


def _record(plan: Plan, envelope: Envelope) -> Record:
    value, headers = write(envelope)
    return Record(
        topic=plan.topic,
        key=envelope.key,
        value=value,
        headers=headers,
        camera=plan.camera,
        capture_ns=envelope.capture_ns,
        made_ms=time.time_ns() // 1_000_000,
        policy=plan.policy,
        end=envelope.kind is Kind.END,
    )
