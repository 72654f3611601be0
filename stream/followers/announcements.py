"""What is told of an event, and where: a line of a table for each kind."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reid_core.gallery.ledger import RECORD_REFUSED
from reid_core.gallery.outbox import (
    ALERT_RAISED,
    AUDIT_CHECKPOINT,
    CAPTION_MADE,
    IDENTITY_CHANGED,
    LINK_MADE,
    TRACKLET_CLOSED,
    Event,
    Outbox,
)
from reid_core.gallery.refusals import unpacked_record
from reid_core.types import Modality
from stream.kafka.dead_letters import DeadLetter, nightreid_version
from stream.kafka.topic_plan import DEAD_LETTERS

SCHEMA_HEADER = "schema"
SIGHTING_SCHEMA, LINK_SCHEMA = "nightreid.sighting/1.0", "nightreid.link/1.0"
CAPTION_SCHEMA = "nightreid.caption/1.0"
ALERT_SCHEMA = "nightreid.alert/1.0"
AUDIT_SCHEMA = "nightreid.audit-checkpoint/1.0"


@dataclass(frozen=True, slots=True)
class Announcement:
    """A record to be published."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Kind:
    """How events of one kind are told.

    Attributes:
        topics: that they may be told on, without the prefix.
        make: outbox, event and prefix to what is published; ``None`` where what it is about is gone.
    """

    topics: tuple[str, ...]
    make: Callable[[Outbox, Event, str], Announcement | None]


def _sighting(outbox: Outbox, event: Event, prefix: str) -> Announcement | None:
    said = outbox.tracklet(event.subject)
    return None if said is None else _about(said, said, f"{prefix}sightings", SIGHTING_SCHEMA)


def _changed(outbox: Outbox, event: Event, prefix: str) -> Announcement | None:
    said = outbox.tracklet(event.subject)
    if said is None:
        return None
    now = {**said, "identity": event.payload["identity"]}
    return _about(now, now, f"{prefix}sightings", SIGHTING_SCHEMA)


def _link(outbox: Outbox, event: Event, prefix: str) -> Announcement | None:
    said = outbox.tracklet(event.subject)
    if said is None:
        return None
    link = outbox.link(event.subject, str(event.payload["model"]))
    # What was decided then counts; the candidates are those of now.
    decided = {name: event.payload[name] for name in ("decision", "identity", "model")}
    return _about(said, {**said, **(link or {}), **decided}, f"{prefix}links", LINK_SCHEMA)


def _caption(outbox: Outbox, event: Event, prefix: str) -> Announcement | None:
    said = outbox.tracklet(event.subject)
    captions = outbox.captions(event.subject, str(event.payload["model"]))
    if said is None or not captions:
        return None
    told = {**said, "model": event.payload["model"], "captions": captions}
    return _about(said, told, f"{prefix}captions", CAPTION_SCHEMA)


def _alert(outbox: Outbox, event: Event, prefix: str) -> Announcement | None:
    said = outbox.alert(int(event.payload["alert"]))
    return None if said is None else _about(said, said, f"{prefix}alerts", ALERT_SCHEMA)


def _dead_letter(outbox: Outbox, event: Event, prefix: str) -> Announcement | None:
    refused = outbox.refused(event)
    if refused is None:
        return None
    key, headers, value = unpacked_record(refused.record)
    letter = DeadLetter(
        topic=refused.topic,
        partition=refused.number,
        offset=refused.offset,
        key=key,
        value=value,
        headers=tuple(headers),
        reason=refused.reason,
        message=refused.message,
        attempts=refused.attempts,
        version=nightreid_version(),
        time_ns=refused.time_ns,
        topic_id=refused.topic_id,
    ).to_record()
    topic = f"{prefix}{DEAD_LETTERS}{refused.topic.removeprefix(prefix)}"
    return Announcement(topic, letter.key, letter.value, letter.headers)


def _checkpoint(outbox: Outbox, event: Event, prefix: str) -> Announcement | None:
    # As the file of checkpoints has it, a line each.
    value = json.dumps(dict(event.payload), sort_keys=True).encode()
    chain = str(event.payload["chain"]).encode()
    return Announcement(f"{prefix}audit", chain, value, [(SCHEMA_HEADER, AUDIT_SCHEMA.encode())])


def _about(tracklet: Mapping[str, Any], said: Mapping[str, Any], topic: str, schema: str) -> Announcement:
    value = json.dumps(said, separators=(",", ":")).encode()
    return Announcement(topic, str(tracklet["camera"]).encode(), value, [(SCHEMA_HEADER, schema.encode())])


KINDS: Mapping[str, Kind] = {
    TRACKLET_CLOSED: Kind(("sightings",), _sighting),
    IDENTITY_CHANGED: Kind(("sightings",), _changed),
    LINK_MADE: Kind(("links",), _link),
    CAPTION_MADE: Kind(("captions",), _caption),
    ALERT_RAISED: Kind(("alerts",), _alert),
    AUDIT_CHECKPOINT: Kind(("audit",), _checkpoint),
    RECORD_REFUSED: Kind(tuple(f"{DEAD_LETTERS}frames.{one}" for one in Modality), _dead_letter),
}
"""Kind of an event to how it is told."""
