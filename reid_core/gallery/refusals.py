"""Records that will never be frames: written with the event that tells of them, in a caller's transaction."""

from collections.abc import Iterable

import msgpack
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from reid_core.gallery.outbox import put_event
from reid_core.gallery.records import Refused
from reid_core.gallery.schema import PartitionRow, RefusedRow
from reid_core.gallery.sealing_rows import sealing_of
from reid_core.sealing import Purpose

RECORD_REFUSED = "record.refused"
"""Kind of the outbox row that tells of a dead letter; its payload names the row of ``refused``."""

_NAMES = ("topic", "topic_id", "number", "offset", "reason", "message", "attempts", "record")


def packed_record(
    key: bytes | None, headers: Iterable[tuple[str, bytes | None]], value: bytes | None
) -> bytes:
    """Key, headers and value as the column ``record`` has them."""
    packed: bytes = msgpack.packb({"key": key, "headers": [list(one) for one in headers], "value": value})
    return packed


def unpacked_record(
    packed: bytes,
) -> tuple[bytes | None, list[tuple[str, bytes]], bytes | None]:
    """Key, headers and value as `packed_record` packed them."""
    said = msgpack.unpackb(packed)
    return said["key"], [(name, value) for name, value in said["headers"]], said["value"]


def camera_of_record(packed: bytes) -> str:
    """The camera that a record names in its headers; empty where it names none."""
    headers = dict(unpacked_record(packed)[1])
    return (headers.get("camera") or b"").decode(errors="replace")


def put_refused(session: Session, refused: Refused) -> None:
    """Write a dead letter and its outbox row; once for each record."""
    there = select(RefusedRow.id).where(
        RefusedRow.topic == refused.topic,
        RefusedRow.topic_id == refused.topic_id,
        RefusedRow.number == refused.number,
        RefusedRow.offset == refused.offset,
    )
    if session.scalar(there) is not None:
        return
    sealing = sealing_of(session)
    values = {name: getattr(refused, name) for name in _NAMES}
    if sealing.on and refused.record:
        camera = camera_of_record(refused.record)
        values["record"] = sealing.sealed(refused.record, camera, Purpose.LETTER)
    number = session.scalar(insert(RefusedRow).values(values).returning(RefusedRow.id))
    subject = f"{refused.topic}/{refused.number}/{refused.offset}"[-64:]
    payload = {"id": number, "topic": refused.topic, "reason": refused.reason}
    put_event(session, RECORD_REFUSED, subject, payload, refused.time_ns)


def refused_from(session: Session, row: PartitionRow) -> frozenset[int]:
    """Offsets of a partition's dead letters from its next record on."""
    behind = select(RefusedRow.offset).where(
        RefusedRow.topic == row.topic,
        RefusedRow.topic_id == row.topic_id,
        RefusedRow.number == row.number,
        RefusedRow.offset >= row.next,
    )
    return frozenset(session.scalars(behind))


def take_unnamed(session: Session, row: PartitionRow) -> None:
    """Dead letters that were written before topics had ids are those of the topic that is there now."""
    unnamed = update(RefusedRow).where(
        RefusedRow.topic == row.topic, RefusedRow.number == row.number, RefusedRow.topic_id == ""
    )
    session.execute(unnamed.values(topic_id=row.topic_id))
