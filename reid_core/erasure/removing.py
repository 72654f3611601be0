"""Everything of somebody taken out of the tables, in one writing transaction."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    cast,
    delete,
    func,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from reid_core.erasure.gone import Gone, pages
from reid_core.erasure.holdings import HOLDINGS, Id
from reid_core.erasure.pictured import forget_pictured
from reid_core.erasure.scrubbing import ERASED, scrubbed, without_ids
from reid_core.gallery.correction_rows import CorrectedRow, CorrectionRow
from reid_core.gallery.delivery_rows import DeliveryRow
from reid_core.gallery.links import put_link, without_candidates
from reid_core.gallery.relocating import CHANGES, identity_changes
from reid_core.gallery.schema import LinkRow, MetaRow, TrackletRow, VectorRow, table_of
from reid_core.gallery.vector_rows import forget_vectors
from reid_core.gallery.watch_rows import AlertRow, WatchRow
from reid_core.types import Candidate, Decision, Link

_SUBJECT = "erasure"
# So many ids are looked for in one statement that searches text.
_SEARCHED = 64
# From so many on, rows are read and the ids in them looked up: ids of the gallery's own are UUIDs.
_MANY = 256
_READ = 2000
_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def remove(session: Session, gone: Gone, now_ns: int, pictured: bool = True) -> dict[str, int]:
    """Take somebody out of every table.

    Indexes learn of it through the outbox, whoever nominated candidates before has to look again, and links
    of others lose them as candidates.

    Args:
        session: of the writing transaction.
        gone: whom.
        now_ns: the time of day, UTC nanoseconds.
        pictured: whether watches by a picture go, proposed or not, that are about them.

    Returns:
        by table, how many rows went or were changed.
    """
    counts: Counter[str] = Counter()
    tables = _tables(session)
    if pictured:
        counts.update(forget_pictured(session, gone))
    for names in pages(gone.tracklets):
        theirs = select(func.count()).select_from(VectorRow).where(VectorRow.tracklet_id.in_(names))
        counts["vectors"] += session.scalar(theirs) or 0
        forget_vectors(session, list(names), _SUBJECT, now_ns)
    counts["links"] += _links_of_others(session, gone)
    session.flush()
    for table in reversed(tables.sorted_tables):
        holding = HOLDINGS.get(table.name)
        if holding is not None:
            counts[table.name] += _delete(session, table, holding.rows, gone)
            counts[table.name] += sum(_delete_naming(session, table, one, gone) for one in holding.naming)
    counts["deliveries"] += _deliveries(session)
    counts["corrections"] += _corrections(session, gone)
    for table in tables.sorted_tables:
        holding = HOLDINGS.get(table.name)
        for column in holding.scrubbed if holding is not None else ():
            counts[table.name] += _scrub(session, table, column, gone)
    # Nobody's mark may be ahead of the order of arrival, which goes on where it is now.
    last = session.scalar(select(func.max(TrackletRow.position))) or 0
    session.execute(update(WatchRow).where(WatchRow.after > last).values(after=last))
    session.merge(MetaRow(key=CHANGES, value=str(identity_changes(session) + 1)))
    session.flush()
    session.expire_all()
    return {name: count for name, count in sorted(counts.items()) if count}


def _tables(session: Session) -> MetaData:
    """The tables that are there, those that followers and queries made for themselves among them."""
    found, connection = MetaData(), session.connection()
    there = set(inspect(connection).get_table_names())
    for name in sorted(there & HOLDINGS.keys()):
        Table(name, found, autoload_with=connection)
    return found


def _delete(session: Session, table: Table, rows: Mapping[str, Id], gone: Gone) -> int:
    count = 0
    for column, kind in rows.items():
        for names in pages(gone.of(kind)):
            done = session.execute(delete(table).where(table.c[column].in_(names)))
            count += int(getattr(done, "rowcount", 0))
    return count


def _delete_naming(session: Session, table: Table, column: str, gone: Gone) -> int:
    key = list(table.primary_key.columns)
    named = _keys_naming(session, key, table.c[column], gone.of(Id.ANY))
    for values in named:
        session.execute(delete(table).where(*_is(key, values)))
    return len(named)


def _deliveries(session: Session) -> int:
    """What was to be told of alerts that are gone."""
    there = select(AlertRow.id).where(AlertRow.id == DeliveryRow.alert_id).exists()
    return int(getattr(session.execute(delete(DeliveryRow).where(~there)), "rowcount", 0))


def _links_of_others(session: Session, gone: Gone) -> int:
    """Leave somebody out of the candidates of others; who was linked to them is linked to nobody."""
    count = 0
    links = table_of(LinkRow)
    key = [links.c.tracklet_id, links.c.model_id]
    found = set(_keys_naming(session, key, links.c.candidates, gone.tracklets | gone.identities))
    for ids in pages(gone.identities):
        found.update(map(tuple, session.execute(select(*key).where(links.c.identity_id.in_(ids)))))
    for place in sorted(found):
        row = session.get(LinkRow, place)
        if row is not None and row.tracklet_id not in gone.tracklets:
            candidates = tuple(Candidate(**one) for one in row.candidates)
            theirs = {
                one.tracklet
                for one in candidates
                if one.tracklet in gone.tracklets or one.identity in gone.identities
            }
            link = Link(
                row.tracklet_id,
                row.model_id,
                Decision(row.decision),
                candidates,
                row.searched,
                row.own_cameras,
            )
            put_link(session, without_candidates(link, theirs))
            count += 1
    return count


def _corrections(session: Session, gone: Gone) -> int:
    """Corrections name somebody no more; one that speaks of nobody any more stands no more."""
    count = 0
    for ids in pages(gone.identities):
        for column in (CorrectionRow.identity, CorrectionRow.other):
            done = session.execute(
                update(CorrectionRow).where(column.in_(ids)).values({column.key: ERASED, "reason": ""})
            )
            count += int(getattr(done, "rowcount", 0))
    empty = ~select(CorrectedRow.correction_id).where(CorrectedRow.correction_id == CorrectionRow.id).exists()
    session.execute(
        update(CorrectionRow)
        .where(empty, or_(CorrectionRow.identity == ERASED, CorrectionRow.other == ERASED))
        .values(identity=ERASED, other=ERASED, reason="", undone_by=ERASED)
    )
    return count


def _scrub(session: Session, table: Table, name: str, gone: Gone) -> int:
    """Take ids out of a column of JSON or text, in rows that stay."""
    key, column = list(table.primary_key.columns), table.c[name]
    everything = gone.of(Id.ANY)
    # Wherever a sighting is named, its tracklet is too.
    named = _keys_naming(session, key, column, gone.tracklets | gone.identities)
    for values in named:
        same = _is(key, values)
        value: Any = session.execute(select(column).where(*same)).scalar_one()
        new = scrubbed(value, everything) if isinstance(column.type, JSON) else without_ids(value, everything)
        session.execute(update(table).where(*same).values({name: new}))
    return len(named)


def _keys_naming(
    session: Session, key: Sequence[Column[Any]], column: Column[Any], ids: frozenset[str]
) -> list[tuple[Any, ...]]:
    """Keys of the rows in whose text, or JSON, one of some ids stands.

    The database looks for each of a few ids in each row; for many, each row is read once.
    """
    text = cast(column, Text)
    found: dict[tuple[Any, ...], None] = {}
    many = len(ids) > _MANY
    if many:
        for row in session.execute(select(*key, text).execution_options(yield_per=_READ)):
            if row[-1] is not None and not ids.isdisjoint(_ID.findall(row[-1])):
                found[tuple(row[:-1])] = None
    for some in _searched(frozenset(one for one in ids if not (many and _ID.fullmatch(one)))):
        named = or_(*(text.contains(one, autoescape=True) for one in some))
        found |= dict.fromkeys(tuple(row) for row in session.execute(select(*key).where(named)))
    return list(found)


def _is(key: Sequence[Column[Any]], values: Sequence[Any]) -> list[ColumnElement[bool]]:
    return [column == value for column, value in zip(key, values, strict=True)]


def _searched(ids: frozenset[str]) -> list[list[str]]:
    ordered = sorted(ids)
    return [ordered[start : start + _SEARCHED] for start in range(0, len(ordered), _SEARCHED)]
