"""What the gallery holds in pages of light records, so that nobody has to read all of it.

A page goes on behind a position: the place of a tracklet, or of the tracklet that founded an identity, in the
order of arrival. What arrives meanwhile comes behind everything that is there, so pages neither repeat nor
leave out anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, exists, func, select

from reid_core.errors import UsageError
from reid_core.gallery.database import Database
from reid_core.gallery.records import IdentitySummary, TrackletSummary
from reid_core.gallery.schema import IdentityRow, LinkRow, TrackletRow
from reid_core.types import Candidate, CloseReason, Decision, Link, Modality

T = TypeVar("T")
PAGE_SIZE = 100
"""Records in a page unless said."""


@dataclass(frozen=True, slots=True)
class TrackletFilter:
    """Which tracklets are meant; every condition that is given must hold.

    Attributes:
        recordings: only of these.
        cameras: only of these.
        modality: only of this.
        since_ns: seen at or after this, UTC nanoseconds.
        until_ns: seen before this.
    """

    recordings: frozenset[str] | None = None
    cameras: frozenset[str] | None = None
    modality: Modality | None = None
    since_ns: int | None = None
    until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some records in order; ``next`` is the position behind which the next page goes on, if there is one."""

    items: tuple[T, ...]
    next: int | None


def pages(read: Callable[[int], Page[T]]) -> Iterator[tuple[T, ...]]:
    """The records of one page after another.

    Args:
        read: the position to go on behind -> the page.
    """
    after: int | None = 0
    while after is not None:
        page = read(after)
        yield page.items
        after = page.next


def every(read: Callable[[int], Page[T]]) -> Iterator[T]:
    """The records of all `pages`, one page held at a time."""
    for items in pages(read):
        yield from items


class PagedReader:
    """Reads a gallery in pages; every method is one reading transaction.

    Each takes ``where``, which tracklets are meant (all by default), ``after``, the ``next`` of the page
    before, and ``size``, how many records at most; `UsageError` where that is below 1.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def tracklet_page(
        self, where: TrackletFilter | None = None, after: int = 0, size: int = PAGE_SIZE
    ) -> Page[TrackletSummary]:
        """Tracklets in order of arrival."""
        columns = (
            TrackletRow.id,
            TrackletRow.position,
            TrackletRow.recording_id,
            TrackletRow.camera_id,
            TrackletRow.modality,
            TrackletRow.first_frame,
            TrackletRow.last_frame,
            TrackletRow.start_ns,
            TrackletRow.end_ns,
            TrackletRow.length,
            TrackletRow.close_reason,
            TrackletRow.identity_id,
        )
        chosen = select(*columns).where(*_conditions(where), TrackletRow.position > after)
        return self._page(chosen.order_by(TrackletRow.position), size, _summary)

    def identity_page(
        self, where: TrackletFilter | None = None, after: int = 0, size: int = PAGE_SIZE
    ) -> Page[IdentitySummary]:
        """Identities that have such a tracklet, in order of arrival."""
        mine = TrackletRow.identity_id == IdentityRow.id
        members = select(func.count()).select_from(TrackletRow).where(mine).scalar_subquery()
        columns = IdentityRow.id, IdentityRow.created_ns, IdentityRow.position, members.label("tracklets")
        chosen = select(*columns).where(IdentityRow.position > after)
        if conditions := _conditions(where):
            chosen = chosen.where(exists().where(mine, *conditions))
        return self._page(
            chosen.order_by(IdentityRow.position),
            size,
            lambda row: IdentitySummary(row.id, row.created_ns, row.position, row.tracklets),
        )

    def link_page(
        self, model: str, where: TrackletFilter | None = None, after: int = 0, size: int = PAGE_SIZE
    ) -> Page[Link]:
        """A model's links of such infrared tracklets, in order of the tracklets' arrival."""
        chosen = (
            select(LinkRow, TrackletRow.position)
            .join(TrackletRow, TrackletRow.id == LinkRow.tracklet_id)
            .where(*_conditions(where), LinkRow.model_id == model, TrackletRow.position > after)
            .order_by(TrackletRow.position)
        )
        return self._page(chosen, size, lambda row: as_link(row.LinkRow))

    def _page(self, chosen: "Select[*tuple[Any, ...]]", size: int, record: Callable[[Any], T]) -> Page[T]:
        if size < 1:
            raise UsageError(f"A page holds at least 1 record, not {size}.")
        with self._database.read() as session:
            rows = session.execute(chosen.limit(size + 1)).all()
            items = tuple(record(row) for row in rows[:size])
        return Page(items, rows[size - 1].position if len(rows) > size else None)


def as_link(row: LinkRow) -> Link:
    """A row as plain data."""
    candidates: list[dict[str, Any]] = row.candidates
    return Link(
        tracklet=row.tracklet_id,
        model=row.model_id,
        decision=Decision(row.decision),
        candidates=tuple(Candidate(**candidate) for candidate in candidates),
        searched=row.searched,
        own_cameras=row.own_cameras,
    )


def _summary(row: Any) -> TrackletSummary:
    return TrackletSummary(
        id=row.id,
        position=row.position,
        recording=row.recording_id,
        camera=row.camera_id,
        modality=Modality(row.modality),
        first_frame=row.first_frame,
        last_frame=row.last_frame,
        start_ns=row.start_ns,
        end_ns=row.end_ns,
        length=row.length,
        close_reason=CloseReason(row.close_reason),
        identity=row.identity_id,
    )


def _conditions(where: TrackletFilter | None) -> list[ColumnElement[bool]]:
    where = where or TrackletFilter()
    conditions: list[ColumnElement[bool]] = []
    if where.recordings is not None:
        conditions.append(TrackletRow.recording_id.in_(where.recordings))
    if where.cameras is not None:
        conditions.append(TrackletRow.camera_id.in_(where.cameras))
    if where.modality is not None:
        conditions.append(TrackletRow.modality == str(where.modality))
    if where.since_ns is not None:
        conditions.append(TrackletRow.end_ns >= where.since_ns)
    if where.until_ns is not None:
        conditions.append(TrackletRow.start_ns < where.until_ns)
    return conditions
