"""The index of one space and kind, kept in step with the database: loaded, caught up, or built anew."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from reid_core.gallery.identities import Finalists, contenders
from reid_core.gallery.index import Hits, Rows, SearchFilter, VectorIndex, checked_vectors
from reid_core.gallery.index_files import Position, load_index, save_index
from reid_core.gallery.outbox import VECTORS_ADDED, VECTORS_REMOVED
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import MetaRow, OutboxRow, TrackletRow, VectorRow
from reid_core.gallery.scoring import slack
from reid_core.gallery.vector_store import Mark
from reid_core.types import Floats, Ints, Modality

_LOG = logging.getLogger(__name__)
# Rows read at a time, and values in one IN list: SQLite allows some 32,000, PostgreSQL more.
_PAGE = 4096


class LiveIndex:
    """The vectors of one space and kind in memory, beside the database they are from: a `VectorStore`.

    Not for several threads at once: the gallery holds its lock around it.

    Args:
        space: of the vectors.
        kind: of the vectors.
        folder: where the index is kept between runs, or ``None`` to keep it in memory alone.
    """

    def __init__(self, space: str, kind: VectorKind, folder: Path | None) -> None:
        self.space = space
        self.kind = kind
        self._folder = folder
        self._index: VectorIndex | None = None
        self._position: Position | None = None
        self._saved: Position | None = None
        self._owners = np.zeros(0, np.int64)
        self._identities: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._index) if self._index is not None else 0

    def sync(self, session: Session) -> None:
        """Hold exactly the vectors that the session sees."""
        latest = session.scalar(select(func.max(OutboxRow.id))) or 0
        if self._position is None:
            self._load(session, latest)
        elif latest != self._position.outbox and not self._catch_up(session, latest):
            self._rebuild(session, latest)

    def dim(self, session: Session) -> int | None:
        """Length of the vectors; ``None`` while there are none."""
        return self._index.dim if self._index is not None else None

    def search(self, session: Session, queries: Floats, k: int, where: SearchFilter | None) -> Hits:
        """As `VectorIndex.search`; no hits while there are no vectors."""
        index = self._index
        if index is None:
            index = VectorIndex(checked_vectors(queries, None).shape[1])
        return index.search(queries, k, where)

    def finalists(self, session: Session, vectors: Floats, forbidden: Collection[str]) -> Finalists | None:
        """As `VectorStore.finalists`."""
        if self._index is None:
            return None
        owners, names = self._owned(session)
        if not names:
            return None
        eligible = np.array([name not in forbidden for name in names])
        allowed = bool(eligible.any())
        scores = vectors @ self._index.vectors.T
        best = _best_scores(scores, owners, len(names))
        among = np.flatnonzero(eligible) if allowed else np.arange(len(names))
        # Rows of nobody (-1) look at the last place, which is never among them.
        final = np.zeros(len(names) + 1, np.bool_)
        final[among[contenders(best[:, among], self._index.dim)]] = True
        bounds = (best - slack(self._index.dim))[:, owners]
        rows = np.flatnonzero(final[owners] & (scores >= bounds).any(axis=0))
        columns = self._index.columns
        return Finalists(
            self._index.vectors[rows],
            columns["id"][rows],
            [names[code] for code in owners[rows]],
            [name.decode() for name in columns["tracklet"][rows].tolist()],
            [name.decode() for name in columns["sighting"][rows].tolist()],
            allowed,
        )

    def identities(self, session: Session, where: SearchFilter) -> int:
        """As `VectorStore.identities`."""
        if self._index is None:
            return 0
        owners, _ = self._owned(session)
        found = np.unique(owners[self._index.passing(where)])
        return int(np.count_nonzero(found >= 0))

    def mark(self) -> Mark | None:
        """Where it stands, for `restore`."""
        return (len(self), self._position) if self._position is not None else None

    def restore(self, mark: Mark | None) -> None:
        """Forget what came after ``mark``: the transaction it came from was not committed."""
        if mark is None or self._index is None:
            self._clear()
            return
        count, self._position = mark
        self._index.truncate(count)
        self._owners = self._owners[:count]
        # Numbers were given in order of first appearance.
        known = int(self._owners.max(initial=-1)) + 1
        self._identities = dict(list(self._identities.items())[:known])

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

    def _owned(self, session: Session) -> tuple[Ints, Sequence[str]]:
        """The number of each row's identity, -1 for infrared rows, and the identities by that number."""
        assert self._index is not None
        added = self._index.columns["tracklet"][len(self._owners) :].tolist()
        if added:
            identities = _identities_of(session, {name.decode() for name in added})
            numbers = self._identities
            owners = [
                numbers.setdefault(identity, len(numbers)) if identity is not None else -1
                for identity in (identities[name.decode()] for name in added)
            ]
            self._owners = np.concatenate([self._owners, np.array(owners, np.int64)])
        return self._owners, tuple(self._identities)

    def _clear(self) -> None:
        self._index, self._position = None, None
        self._owners, self._identities = np.zeros(0, np.int64), {}

    def _load(self, session: Session, latest: int) -> None:
        found = load_index(self.space, self.kind, self._folder) if self._folder is not None else None
        if found is not None and found[1].chain == _chain_at(session, found[1].outbox):
            self._index, self._position = found
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
        if latest < self._position.outbox:
            return False
        news = session.execute(
            select(OutboxRow.kind, OutboxRow.payload)
            .where(OutboxRow.id > self._position.outbox, OutboxRow.kind.in_((VECTORS_ADDED, VECTORS_REMOVED)))
            .order_by(OutboxRow.id)
        ).all()
        if any(kind == VECTORS_REMOVED for kind, _ in news):
            return False
        batches = [payload for _, payload in news]
        ids = [number for batch in batches if self._is_mine(batch) for number in batch["vectors"]]
        last = int(self._index.columns["id"][-1]) if self._index is not None and len(self) else 0
        if ids and min(ids) <= last:
            return False
        for start in range(0, len(ids), _PAGE):
            self._append(session, select(VectorRow).where(VectorRow.id.in_(ids[start : start + _PAGE])))
        self._position = Position(latest, batches[-1]["chain"] if batches else self._position.chain)
        return True

    def _is_mine(self, batch: Mapping[str, Any]) -> bool:
        """Whether the payload of an outbox row is of vectors held here."""
        space = batch.get("space", batch["model"])
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
                self._index = VectorIndex(rows.vectors.shape[1])
            self._index.add(rows)


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


def _best_scores(scores: Floats, owners: Ints, identities: int) -> Floats:
    """For each of ``S`` sightings its best of ``(S, N)`` cosines with each identity: ``(S, I + 1)``.

    The last place is that of rows of nobody (-1).
    """
    best = np.full((len(scores), identities + 1), -np.inf, np.float32)
    for view, row_scores in enumerate(scores):
        np.maximum.at(best[view], owners, row_scores)
    return best


def _identities_of(session: Session, tracklets: Iterable[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for names in _pages(sorted(tracklets)):
        chosen = select(TrackletRow.id, TrackletRow.identity_id).where(TrackletRow.id.in_(names))
        found.update((row.id, row.identity_id) for row in session.execute(chosen))
    return found


def _pages(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _PAGE):
        yield names[start : start + _PAGE]
