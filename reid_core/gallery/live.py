"""The index of one space and kind, kept in step with the database: loaded, caught up, or built anew."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from reid_core.gallery.choosing import finalists, nominees
from reid_core.gallery.counting import IdentityCounts
from reid_core.gallery.identities import Finalists, Nominees
from reid_core.gallery.identity_vectors import IdentityVectors
from reid_core.gallery.index import Hits, Rows, SearchFilter, VectorIndex, checked_vectors
from reid_core.gallery.index_files import Position, load_index, save_index
from reid_core.gallery.likely import Likely
from reid_core.gallery.limits import EXACT_UP_TO
from reid_core.gallery.outbox import (
    EXEMPLARS_REPLACED,
    IDENTITY_CHANGED,
    VECTORS_ADDED,
    VECTORS_REMOVED,
    pruned_to,
)
from reid_core.gallery.owners import Owners
from reid_core.gallery.ownership import identities_of, surplus_of
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import MetaRow, OutboxRow, SurplusRow, VectorRow, table_of
from reid_core.gallery.vector_store import Mark
from reid_core.types import Floats, Ints, Modality

_LOG = logging.getLogger(__name__)
# Rows read at a time, and values in one IN list: SQLite allows some 32,000, PostgreSQL more.
_PAGE = 4096
# So many outbox rows are applied while writers wait, and no more.
_MOST_NEWS = 1024


class LiveIndex:
    """The vectors of one space and kind in memory, beside the database they are from: a `VectorStore`.

    Not for several threads at once: the gallery holds its lock around it.

    Args:
        space: of the vectors.
        kind: of the vectors.
        folder: where the index is kept between runs, or ``None`` to keep it in memory alone.
        exact_up_to: as of `VectorIndex`.
    """

    def __init__(
        self, space: str, kind: VectorKind, folder: Path | None, exact_up_to: int = EXACT_UP_TO
    ) -> None:
        self.space = space
        self.kind = kind
        self._exact_up_to = exact_up_to
        self._folder = folder
        self._index: VectorIndex | None = None
        self._position: Position | None = None
        self._saved: Position | None = None
        self._owners = Owners()
        self._likely, self._counts = Likely(), IdentityCounts()
        # Where it stood before it learnt of what is being written.
        self._learnt: Mark | None = None

    def __len__(self) -> int:
        return len(self._index) if self._index is not None else 0

    @property
    def index(self) -> VectorIndex | None:
        """What it holds in memory, another one after it was built anew; ``None`` while there is nothing."""
        return self._index

    def sync(self, session: Session, slowly: bool = True) -> bool:
        """As `VectorStore.sync`: hold exactly the vectors that the session sees."""
        latest = session.scalar(_LATEST) or 0
        behind = latest - self._position.outbox if self._position is not None else None
        if not slowly and (behind is None or behind > _MOST_NEWS):
            return False
        if behind is None:
            self._load(session, latest)
        elif behind and not self._catch_up(session, latest):
            if not slowly:
                return False
            self._rebuild(session, latest)
        return True

    def dim(self, session: Session) -> int | None:
        """Length of the vectors; ``None`` while there are none."""
        return self._index.dim if self._index is not None else None

    def search(self, session: Session, queries: Floats, k: int, where: SearchFilter | None) -> Hits:
        """As `VectorIndex.search`; no hits while there are no vectors."""
        index = self._index
        if index is None:
            index = VectorIndex(checked_vectors(queries, None).shape[1], self._exact_up_to)
        also = None
        if index.by_graph and self._index is not None and k > 0:
            also = self._likely.rows(index, self._owned(session), checked_vectors(queries, index.dim), k)
        return index.search(queries, k, where, also)

    def nominate(self, session: Session, vectors: Floats) -> Nominees | None:
        """As `VectorStore.nominate`."""
        if self._index is None:
            return None
        return nominees(self._index, self._owned(session), self._likely, vectors)

    def finalists(
        self,
        session: Session,
        vectors: Floats,
        forbidden: Collection[str],
        nominees: Nominees | None = None,
    ) -> Finalists | None:
        """As `VectorStore.finalists`."""
        if self._index is None:
            return None
        return finalists(self._index, self._owned(session), self._likely, vectors, forbidden, nominees)

    def exemplars(self, session: Session, identity: str, most: int) -> tuple[Ints, Floats] | None:
        """As `VectorStore.exemplars`."""
        if self._index is None:
            return None
        rows = self._owned(session).exemplars(identity)
        return (self._index.columns["id"][rows], self._index.vectors[rows]) if len(rows) > most else None

    def learn(self, session: Session, rows: Rows, identity: str | None) -> None:
        """As `VectorStore.learn`."""
        if self._index is None:
            self._index = VectorIndex(rows.vectors.shape[1], self._exact_up_to)
        owners = self._owned(session)
        self._learnt = self.mark()
        self._index.add(rows)
        owners.extend([identity] * len(rows.ids), np.zeros(len(rows.ids), np.bool_))

    def advance(
        self, session: Session, events: Sequence[int], chain: str | None, replaced: Sequence[int]
    ) -> None:
        """As `VectorStore.advance`."""
        position = self._position
        if position is None or list(events) != list(range(position.outbox + 1, events[-1] + 1)):
            # Somebody else has written in this transaction, too: the outbox says what.
            if self._learnt is not None:
                self.restore(self._learnt)
            self.sync(session)
            return
        self._learnt = None
        if replaced and self._index is not None:
            self._owners.set_aside(np.searchsorted(self._index.columns["id"], replaced).tolist())
        self._position = Position(events[-1], chain or position.chain)

    def identities(self, session: Session, where: SearchFilter) -> int:
        """As `VectorStore.identities`."""
        if self._index is None:
            return 0
        return self._counts.count(self._index, self._owned(session), where)

    def whose(self, session: Session, hits: Hits) -> list[list[str | None]]:
        """As `VectorStore.whose`."""
        if self._index is None:
            return [[] for _ in hits.ids]
        owners = self._owned(session)
        numbers = owners.all[np.searchsorted(self._index.columns["id"], hits.ids)]
        names = owners.names
        return [[names[number] if number >= 0 else None for number in row] for row in numbers.tolist()]

    def of_identities(
        self, session: Session, identities: Collection[str], where: SearchFilter, without: Collection[str]
    ) -> dict[str, IdentityVectors]:
        """As `VectorStore.of_identities`."""
        if self._index is None:
            return {}
        owners, found = self._owned(session), {}
        for identity in set(identities):
            rows = owners.rows_of([identity])
            rows = rows[self._index.passing_of(where, rows)]
            tracklets = [name.decode() for name in self._index.columns["tracklet"][rows].tolist()]
            kept = [place for place, name in enumerate(tracklets) if name not in without]
            if kept:
                theirs = tuple(tracklets[place] for place in kept)
                found[identity] = IdentityVectors(theirs, self._index.vectors[rows[kept]])
        return found

    def mark(self) -> Mark | None:
        """Where it stands, for `restore`."""
        if self._position is None:
            return None
        return len(self), self._position, self._owners.mark()

    def restore(self, mark: Mark | None) -> None:
        """Forget what came after ``mark``: the transaction it came from was not committed."""
        self._learnt = None
        if mark is None or self._index is None or not mark[0]:
            self._clear()
            return
        count, self._position, replaced = mark
        self._index.truncate(count)
        self._owners.restore(count, replaced)

    def save(self) -> None:
        """Write it, if it has changed; a disk that does not take it costs a rebuild and no row."""
        if self._folder is None or self._index is None or self._position in (None, self._saved):
            return
        assert self._position is not None
        try:
            save_index(self._index, self._position, self.space, self.kind, self._folder)
        except OSError as error:
            _LOG.warning("The vector index cannot be saved in %s (%s); nothing is lost.", self._folder, error)
        else:
            self._saved = self._position

    def _owned(self, session: Session) -> Owners:
        """Whose each row is."""
        assert self._index is not None
        first = len(self._owners)
        added = self._index.columns["tracklet"][first:].tolist()
        if added:
            identities = identities_of(session, {name.decode() for name in added})
            ids = self._index.columns["id"][first:]
            beyond = select(SurplusRow.vector_id).where(SurplusRow.vector_id >= int(ids[0]))
            surplus = np.isin(ids, np.array(session.scalars(beyond).all(), np.int64))
            self._owners.extend([identities[name.decode()] for name in added], surplus)
        return self._owners

    def _clear(self) -> None:
        self._index, self._position = None, None
        self._owners, self._likely, self._counts = Owners(), Likely(), IdentityCounts()

    def _load(self, session: Session, latest: int) -> None:
        found = load_index(self.space, self.kind, self._folder) if self._folder is not None else None
        if found is not None and found[1].chain == _chain_at(session, found[1].outbox):
            self._index, self._position = found
            self._index.exact_up_to = self._exact_up_to
            self._saved = self._position
            in_step = latest == self._position.outbox or self._catch_up(session, latest)
            if in_step and len(self) == self._count(session):
                return
            _LOG.warning("The vector index in %s does not fit its database; it is rebuilt.", self._folder)
        elif found is not None:
            _LOG.warning("The vector index in %s is of another database; it is rebuilt.", self._folder)
        self._rebuild(session, latest)

    def _rebuild(self, session: Session, latest: int) -> None:
        self._clear()
        mine = VectorRow.space == self.space, VectorRow.kind == str(self.kind)
        self._append(session, select(VectorRow).where(*mine))
        self._position = Position(latest, session.scalar(_CHAIN) or "")

    def _catch_up(self, session: Session, latest: int) -> bool:
        """Apply what the outbox says came after the index's position; ``False`` where that cannot be."""
        assert self._position is not None
        # What was taken out of the outbox since cannot be applied any more.
        if latest < self._position.outbox or self._position.outbox < pruned_to(session):
            return False
        news = session.execute(
            select(OutboxRow.kind, OutboxRow.payload)
            .where(OutboxRow.id > self._position.outbox, OutboxRow.kind.in_(_NEWS))
            .order_by(OutboxRow.id)
        ).all()
        if any(kind == VECTORS_REMOVED for kind, _ in news):
            return False
        batches = [payload for kind, payload in news if kind == VECTORS_ADDED]
        ids = [number for batch in batches if self._is_mine(batch) for number in batch["vectors"]]
        last = int(self._index.columns["id"][-1]) if self._index is not None and len(self) else 0
        if ids and min(ids) <= last:
            return False
        for start in range(0, len(ids), _PAGE):
            self._append(session, select(VectorRow).where(VectorRow.id.in_(ids[start : start + _PAGE])))
        self._set_aside([payload for kind, payload in news if kind == EXEMPLARS_REPLACED])
        self._reassign(session, [payload for kind, payload in news if kind == IDENTITY_CHANGED])
        self._position = Position(latest, batches[-1]["chain"] if batches else self._position.chain)
        return True

    def _set_aside(self, replaced: Iterable[Mapping[str, Any]]) -> None:
        """Learn which exemplars were replaced; of rows whose owner is not known yet the database will say."""
        ids = [number for batch in replaced if self._is_mine(batch) for number in batch["vectors"]]
        if ids and self._index is not None:
            known = self._index.columns["id"][: len(self._owners)]
            self._owners.set_aside(np.flatnonzero(np.isin(known, ids)).tolist())

    def _reassign(self, session: Session, changed: Sequence[Mapping[str, Any]]) -> None:
        """Learn whose the rows of identities are that tracklets went from or to, and which decide."""
        if not changed or self._index is None:
            return
        count = len(self._owners)
        named = {payload[key] for payload in changed for key in ("before", "identity")}
        rows = self._owners.rows_of(named)
        tracklets = [name.decode() for name in self._index.columns["tracklet"][:count][rows].tolist()]
        identities = identities_of(session, set(tracklets))
        ids = self._index.columns["id"][:count][rows].tolist()
        surplus = surplus_of(session, ids)
        self._owners.reassign(
            rows.tolist(), [identities.get(name) for name in tracklets], [number in surplus for number in ids]
        )

    def _is_mine(self, batch: Mapping[str, Any]) -> bool:
        """Whether the payload of an outbox row is of vectors held here."""
        space = batch.get("space") or batch["model"]
        return bool(space == self.space and batch.get("kind", VectorKind.CROP) == self.kind)

    def _count(self, session: Session) -> int:
        mine = VectorRow.space == self.space, VectorRow.kind == str(self.kind)
        return session.scalar(select(func.count()).select_from(VectorRow).where(*mine)) or 0

    def _append(self, session: Session, vectors: Select[VectorRow]) -> None:
        columns = vectors.with_only_columns(
            VectorRow.id,
            VectorRow.time_ns,
            VectorRow.modality,
            VectorRow.camera_id,
            VectorRow.tracklet_id,
            VectorRow.sighting_id,
            VectorRow.dim,
            VectorRow.data,
        ).order_by(VectorRow.id)
        for page in session.execute(columns.execution_options(yield_per=_PAGE)).partitions():
            rows = _unpacked(page)
            if self._index is None:
                self._index = VectorIndex(rows.vectors.shape[1], self._exact_up_to)
            self._index.add(rows)


_NEWS = VECTORS_ADDED, VECTORS_REMOVED, EXEMPLARS_REPLACED, IDENTITY_CHANGED
_LATEST = select(func.max(table_of(OutboxRow).c.id))
_CHAIN = select(MetaRow.value).where(MetaRow.key == "chain")


def _chain_at(session: Session, outbox: int) -> str:
    """The digest over all vectors up to an outbox row; empty where there is no such row."""
    latest = (
        select(OutboxRow.payload)
        .where(OutboxRow.id <= outbox, OutboxRow.kind.in_((VECTORS_ADDED, VECTORS_REMOVED)))
        .order_by(OutboxRow.id.desc())
        .limit(1)
    )
    payload = session.scalar(latest)
    return payload["chain"] if payload is not None else ""


def _unpacked(page: "Sequence[Row[*tuple[Any, ...]]]") -> Rows:
    ids, times, modalities, cameras, tracklets, sightings, dims, data = zip(*page, strict=True)
    return Rows(
        np.array(ids, np.int64),
        np.array(times, np.int64),
        [Modality(modality) for modality in modalities],
        cameras,
        tracklets,
        [sighting or "" for sighting in sightings],
        np.frombuffer(b"".join(data), "<f4").reshape(len(page), dims[0]),
    )
