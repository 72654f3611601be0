"""Records on their way from the consumer's thread to the one that looks: decoded ahead, memory bounded."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np

from detectors.motion import Sketch, sketch
from reid_core.counts import Counts
from reid_core.types import Image
from stream.kafka import envelope as envelopes
from stream.kafka import payloads as pictures
from stream.kafka import wire
from stream.kafka.blobs import BlobStore
from stream.kafka.clients import Record
from stream.kafka.envelope import Envelope, EnvelopeError, Kind, Refusal
from stream.worker.partitions import Claim, Release, Share

_CHANNELS = 3
_SMALLEST_SIDE = 32
POLLED = 32
"""Records that the consumer hands over at a time, at most."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A record that was read and decoded.

    Attributes:
        envelope: what it says, without the payload.
        picture: uint8 ``H x W x 3`` RGB or ``H x W`` grey, raw counts, ``H x W``; ``None`` for an end.
        sketched: what the motion gate needs of it; ``None`` for raw counts, which are scaled in turn first.
    """

    envelope: Envelope
    picture: Image | Counts | None
    sketched: Sketch | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A record of a share; ``prepared`` is ``None`` where it is to be decoded only when it is its turn."""

    share: Share
    record: Record
    prepared: "Future[Prepared] | None"


@dataclass(frozen=True, slots=True)
class Damaged:
    """A record of a share of which nothing can be had but where it is."""

    share: Share
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Passed:
    """All records in front of this offset were handed over; the rest is marks of transactions."""

    share: Share
    offset: int


Item = Taken | Damaged | Passed | Claim | Release


class Waiting:
    """What waits between two threads, counted in records and in the bytes they take decoded."""

    def __init__(self) -> None:
        self._items: deque[tuple[Item, int]] = deque()
        self._changed = threading.Condition()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item, cost: int = 0) -> None:
        """Append; never waits: whoever puts looks at the size first."""
        self.extend([(item, cost)])

    def extend(self, items: Sequence[tuple[Item, int]]) -> None:
        """Append items and what each takes; whoever waits is woken once."""
        with self._changed:
            self._items.extend(items)
            self.bytes += sum(cost for _, cost in items)
            self._changed.notify()

    def take(self, seconds: float) -> Item | None:
        """The oldest, or ``None`` if there is none within so many seconds."""
        with self._changed:
            if not self._items:
                self._changed.wait(seconds)
            if not self._items:
                return None
            item, cost = self._items.popleft()
            self.bytes -= cost
            return item


def prepare(record: Record, blobs: BlobStore | None, most_pixels: int, most_bytes: int) -> Prepared:
    """Read, check and decode a record.

    Raises:
        EnvelopeError: it will never be a frame.
        StorageError: its blob cannot be reached.
    """
    envelope = wire.read(record.value, record.headers)
    if envelope.kind is Kind.END:
        return Prepared(envelope, None)
    if envelope.blob:
        if blobs is None:
            raise EnvelopeError(
                Refusal.BLOB, "The record's frame is in a blob store, and none is configured."
            )
        payload = blobs.get(envelope.blob, envelope.digest, most_bytes)
    else:
        payload = envelope.payload
        envelopes.check_digest(envelope.digest, payload)
    if min(envelope.width, envelope.height) < _SMALLEST_SIDE:
        size = f"{envelope.width} x {envelope.height}"
        raise EnvelopeError(Refusal.SIZE, f"The frame has {size} pixels: too small to show a person.")
    picture = pictures.decode(envelope, payload, most_pixels)
    sketched = sketch(np.asarray(picture, np.uint8), rgb=True) if picture.dtype == np.uint8 else None
    return Prepared(envelopes.without_payload(envelope), picture, sketched)


def cost_of(record: Record, most_pixels: int) -> int:
    """Bytes that a record takes while it waits, as far as its headers say."""
    sides = [1, 1]
    for name, value in record.headers:
        if (
            name in ("width", "height")
            and value is not None
            and value.isdigit()
            and len(value) <= wire.LONGEST_NUMBER
        ):
            sides[name == "height"] = int(value)
    return len(record.value or b"") + min(sides[0] * sides[1], most_pixels) * _CHANNELS
