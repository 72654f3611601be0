"""What the topics tell already, held against the outbox: how far an announcer came, in this gallery.

A database that is restored from a backup counts its events again from an earlier number, and what happens
then is not what the topics tell under these numbers. So a record carries, beside the number of its event, the
event's digest and the **generation** of the gallery. Where the last generation on the topics tells of events
that are not here, the gallery was restored, or is another one: the next generation begins, and goes on behind
the last event that both have in common.
"""

import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reid_core.gallery.outbox import Event, Outbox

_LOG = logging.getLogger(__name__)
_TOGETHER = 1024
_DIGITS = 16

OUTBOX_HEADER = "outbox"
"""Header that carries the number of the outbox row."""

EVENT_HEADER = "event"
"""Header that carries the digest of the outbox row."""

GENERATION_HEADER = "generation"
"""Header that carries how often the numbers of outbox rows have begun anew, plus one."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a record says of its event.

    Attributes:
        number: of the outbox row.
        generation: in which that number counts; records of versions before this was known are of the first.
        digest: of the row, or ``None`` where the record says none.
    """

    number: int
    generation: int
    digest: str | None


def headers_of(event: Event, generation: int) -> list[tuple[str, bytes]]:
    """What a record says of its event."""
    return [
        (OUTBOX_HEADER, str(event.id).encode()),
        (EVENT_HEADER, digest(event).encode()),
        (GENERATION_HEADER, str(generation).encode()),
    ]


def told_by(headers: Iterable[tuple[str, bytes | None]]) -> Told | None:
    """What a record's headers say; ``None`` where it is none of ours."""
    # A dead letter's own headers are in front, whatever names they have.
    said = {name: value.decode(errors="replace") for name, value in headers if value is not None}
    number, generation = said.get(OUTBOX_HEADER, ""), said.get(GENERATION_HEADER, "1")
    if not (number.isascii() and number.isdigit() and generation.isascii() and generation.isdigit()):
        return None
    return Told(int(number), int(generation), said.get(EVENT_HEADER))


def digest(event: Event) -> str:
    """16 hexadecimal digits over what an event says, its number left out."""
    said = json.dumps([event.kind, event.subject, event.payload, event.created_ns], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:_DIGITS]


def go_on(
    outbox: Outbox, kinds: Collection[str], position: int, generation: int, told: Sequence[Told]
) -> tuple[int, int]:
    """Where to go on, and in which generation.

    Args:
        outbox: of the gallery.
        kinds: of the events that are told.
        position: number of the last event that the gallery knows to be told.
        generation: as the gallery knows it.
        told: what is on the topics behind what the gallery knows to be there.

    Returns:
        number of the last event that is told, and the generation of those to come.
    """
    last = max([generation, *(one.generation for one in told)])
    newest = [one for one in told if one.generation == last]
    if last == generation:
        newest = [one for one in newest if one.number > position]
    if not newest:
        return position, last
    here = _digests(outbox, kinds, min(one.number for one in newest), max(one.number for one in newest))
    strange = [one.number for one in newest if not _is_here(one, here)]
    first = min(strange, default=None)
    common = [one.number for one in newest if first is None or one.number < first]
    position = max([position, *common])
    if first is None:
        return position, last
    _LOG.warning(
        "The topics tell of events that are not in this gallery: it was restored, or is another one. "
        "Generation %d begins, and goes on behind event %d.",
        last + 1,
        position,
    )
    return position, last + 1


def _is_here(told: Told, here: Mapping[int, str]) -> bool:
    known = here.get(told.number)
    return known is not None and told.digest in (None, known)


def _digests(outbox: Outbox, kinds: Collection[str], first: int, last: int) -> dict[int, str]:
    """Number to digest of the events from one to another."""
    found: dict[int, str] = {}
    while events := outbox.after(max([first - 1, *found]), kinds, _TOGETHER):
        found |= {event.id: digest(event) for event in events if event.id <= last}
        if events[-1].id >= last:
            break
    return found
