"""The index of one space and kind, kept in step with the database: loaded, caught up, or built anew."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from reid_core.gallery.identities import Finalists, Nominees, contenders, outdone
from reid_core.gallery.index import Hits, Rows, SearchFilter, VectorIndex, checked_vectors
from reid_core.gallery.index_files import Position, load_index, save_index
from reid_core.gallery.limits import EXACT_UP_TO
from reid_core.gallery.outbox import EXEMPLARS_REPLACED, VECTORS_ADDED, VECTORS_REMOVED
from reid_core.gallery.owners import Owners
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import MetaRow, OutboxRow, SurplusRow, TrackletRow, VectorRow
from reid_core.gallery.scoring import slack
from reid_core.gallery.vector_store import Mark
from reid_core.types import Floats, Ints, Modality

_LOG = logging.getLogger(__name__)
# Rows read at a time, and values in one IN list: SQLite allows some 32,000, PostgreSQL more.
_PAGE = 4096
# Identities nominated for a tracklet, of which the nearest two matter.
_NOMINATED = 8
_TOLD = 2
# Vectors near each of a tracklet's that say who is nominated; so many times more where they are of too few.
_NEAR, _GROWTH, _MOST_NEAR = 64, 8, 4096


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

    def __len__(self) -> int:
        return len(self._index) if self._index is not None else 0

    @property
    def index(self) -> VectorIndex | None:
        """What it holds in memory, another one after it was built anew; ``None`` while there is nothing."""
        return self._index

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
            index = VectorIndex(checked_vectors(queries, None).shape[1], self._exact_up_to)
        return index.search(queries, k, where)

    def nominate(self, session: Session, vectors: Floats) -> Nominees | None:
        """As `VectorStore.nominate`."""
        if self._index is None:
            return None
        owners = self._owned(session)
        if not owners.names:
            return None
        rows = self._index.near(vectors, _NEAR)
        best = self._best_scores(vectors, rows)
        # Beside those that are nominated, one to say what the others are within.
        means = best.mean(axis=0, dtype=np.float64)
        order = np.argsort(-means, kind="stable")[: _NOMINATED + 1]
        order = order[np.isfinite(means[order])]
        bound = None
        if rows is None:
            bound = float(means[order[_NOMINATED]]) if len(order) > _NOMINATED else -np.inf
        names = tuple(owners.names[number] for number in order[:_NOMINATED].tolist())
        return Nominees(names, int(self._index.columns["id"][-1]), bound)

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
        owners = self._owned(session)
        if not owners.names:
            return None
        left_out = {owners.number(name) for name in forbidden}
        if nominees is not None:
            known = {owners.number(name) for name in nominees.identities} - {None}
            first = int(np.searchsorted(self._index.columns["id"], nominees.newest, "right"))
            found = self._among(
                vectors, {*known, *owners.deciding[first:].tolist()}, left_out, nominees.bound
            )
            if found is not None:
                return found
        near, k = self._index.near(vectors, _NEAR), _NEAR
        while near is not None and k <= _MOST_NEAR:
            numbers = set(owners.deciding[near].tolist())
            found = self._among(vectors, numbers, left_out, None)
            if found is not None:
                return found
            k *= _GROWTH
            near = self._index.near(vectors, k)
        return self._of_all(vectors, left_out)

    def identities(self, session: Session, where: SearchFilter) -> int:
        """As `VectorStore.identities`."""
        if self._index is None:
            return 0
        found = np.unique(self._owned(session).all[self._index.passing(where)])
        return int(np.count_nonzero(found >= 0))

    def mark(self) -> Mark | None:
        """Where it stands, for `restore`."""
        if self._position is None:
            return None
        return len(self), self._position, self._owners.mark()

    def restore(self, mark: Mark | None) -> None:
        """Forget what came after ``mark``: the transaction it came from was not committed."""
        if mark is None or self._index is None:
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
            identities = _identities_of(session, {name.decode() for name in added})
            ids = self._index.columns["id"][first:]
            beyond = select(SurplusRow.vector_id).where(SurplusRow.vector_id >= int(ids[0]))
            surplus = np.isin(ids, np.array(session.scalars(beyond).all(), np.int64))
            self._owners.extend([identities[name.decode()] for name in added], surplus)
        return self._owners

    def _best_scores(self, vectors: Floats, rows: Ints | None) -> Floats:
        """For each of ``S`` sightings its best float32 cosine with each identity's exemplars: ``(S, I)``.

        Of some rows only, where they are given; -inf where an identity has none of them.
        """
        assert self._index is not None
        owners, names = self._owners.deciding, self._owners.names
        if rows is None:
            return _best_scores(vectors @ self._index.vectors.T, owners, len(names))
        return _best_scores(vectors @ self._index.vectors[rows].T, owners[rows], len(names))

    def _among(
        self,
        vectors: Floats,
        numbers: Collection[int | None],
        left_out: Collection[int | None],
        bound: float | None,
    ) -> Finalists | None:
        """The finalists, if they are among some identities; ``None`` if somebody else may be.

        Args:
            vectors: as of `finalists`.
            numbers: the identities; -1 and ``None`` are nobody.
            left_out: whom to leave out, unless nobody else is there.
            bound: the mean that the others are within; ``None`` where nearly the best will do.
        """
        index = self._index
        assert index is not None
        known = sorted(number for number in numbers if number is not None and number >= 0)
        eligible = [number for number in known if number not in left_out]
        allowed = bool(eligible)
        among = np.array(eligible or known, np.int64)
        if not len(among) or (bound is None and len(eligible) < _TOLD):
            return None
        rows = self._owners.rows(among.tolist())
        scores = vectors @ index.vectors[rows].T
        owners = np.searchsorted(among, self._owners.all[rows])
        best = _best_scores(scores, owners, len(among))
        if bound is not None and not (outdone(best, bound, index.dim) if allowed else bound == -np.inf):
            return None
        final = contenders(best, index.dim)
        bounds = (best - slack(index.dim))[:, owners]
        return self._finalists(rows[final[owners] & (scores >= bounds).any(axis=0)], allowed)

    def _of_all(self, vectors: Floats, left_out: Collection[int | None]) -> Finalists:
        """As `_among`, among all identities."""
        assert self._index is not None
        owners = self._owners.deciding
        scores = vectors @ self._index.vectors.T
        best = _best_scores(scores, owners, len(self._owners.names))
        numbers = np.arange(best.shape[1])
        eligible = numbers[~np.isin(numbers, [number for number in left_out if number is not None])]
        among = eligible if len(eligible) else numbers
        # Rows of nobody (-1) look at the last place, which is never among them.
        final = np.zeros(len(numbers) + 1, np.bool_)
        final[among[contenders(best[:, among], self._index.dim)]] = True
        bounds = (best - slack(self._index.dim))[:, owners]
        rows = np.flatnonzero(final[owners] & (scores >= bounds).any(axis=0))
        return self._finalists(rows, bool(len(eligible)))

    def _finalists(self, rows: Ints, allowed: bool) -> Finalists:
        assert self._index is not None
        columns = self._index.columns
        return Finalists(
            self._index.vectors[rows],
            columns["id"][rows],
            [self._owners.names[number] for number in self._owners.all[rows].tolist()],
            [name.decode() for name in columns["tracklet"][rows].tolist()],
            [name.decode() for name in columns["sighting"][rows].tolist()],
            allowed,
        )

    def _clear(self) -> None:
        self._index, self._position = None, None
        self._owners = Owners()

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
        if latest < self._position.outbox:
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
        self._position = Position(latest, batches[-1]["chain"] if batches else self._position.chain)
        return True

    def _set_aside(self, replaced: Iterable[Mapping[str, Any]]) -> None:
        """Learn which exemplars were replaced; of rows whose owner is not known yet the database will say."""
        ids = [number for batch in replaced if self._is_mine(batch) for number in batch["vectors"]]
        if ids and self._index is not None:
            known = self._index.columns["id"][: len(self._owners)]
            self._owners.set_aside(np.flatnonzero(np.isin(known, ids)).tolist())

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


_NEWS = VECTORS_ADDED, VECTORS_REMOVED, EXEMPLARS_REPLACED
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
    """For each of ``S`` sightings its best of ``(S, N)`` cosines with each identity: ``(S, I)``.

    Rows of nobody (-1) are left out; -inf where an identity has no row.
    """
    # Their place is the last.
    best = np.full((len(scores), identities + 1), -np.inf, np.float32)
    for view, row_scores in enumerate(scores):
        np.maximum.at(best[view], owners, row_scores)
    return best[:, :identities]


def _identities_of(session: Session, tracklets: Iterable[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for names in _pages(sorted(tracklets)):
        chosen = select(TrackletRow.id, TrackletRow.identity_id).where(TrackletRow.id.in_(names))
        found.update((row.id, row.identity_id) for row in session.execute(chosen))
    return found


def _pages(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _PAGE):
        yield names[start : start + _PAGE]
