"""The vectors of one space and kind, kept and compared by PostgreSQL: nothing of it is held in memory.

The server scans every vector that passes the filter and names the nearest by its float32 distance; float64
inner products of those few decide here. Where more are nearly equal than were named, they are all fetched.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Float,
    Row,
    Select,
    String,
    all_,
    and_,
    any_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.exemplars import is_exemplar
from reid_core.gallery.filtering import passing
from reid_core.gallery.identities import Finalists, Nominees, contenders, outdone
from reid_core.gallery.identity_vectors import IdentityVectors, identity_vectors
from reid_core.gallery.index import ID_LENGTH, Hits, Rows, SearchFilter, checked_vectors
from reid_core.gallery.ownership import identities_of
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import TrackletRow, VectorRow
from reid_core.gallery.scoring import decided, slack
from reid_core.gallery.vector_column import VectorData
from reid_core.gallery.vector_store import Mark
from reid_core.types import Floats, Ints, Modality

Found: TypeAlias = "Sequence[Row[*tuple[Any, ...]]]"
Chosen: TypeAlias = "Select[*tuple[Any, ...]]"
Doubles: TypeAlias = NDArray[np.float64]
_DOUBLE = Float(53)
# How many more than asked are fetched, so that near ties at the end can be told apart.
_SPARE = 6
# Queries answered by one statement.
_TOGETHER = 32
# Identities fetched at first, of which the nearest two matter.
_IDENTITIES = 16
# Identities nominated for a tracklet.
_NOMINATED = 8


class PgvectorIndex:
    """The vectors of one space and kind in PostgreSQL: a `VectorStore`, also for several threads at once.

    Args:
        space: of the vectors.
        kind: of the vectors.
    """

    def __init__(self, space: str, kind: VectorKind) -> None:
        self.space = space
        self.kind = kind
        self._mine = and_(VectorRow.space == space, VectorRow.kind == str(kind))

    def sync(self, session: Session, slowly: bool = True) -> bool:
        """Nothing: the rows are the index."""
        return True

    def mark(self) -> Mark | None:
        """Nothing: what was not committed is forgotten by the server."""
        return None

    def restore(self, mark: Mark | None) -> None:
        """Nothing."""

    def save(self) -> None:
        """Nothing."""

    def dim(self, session: Session) -> int | None:
        """Length of the vectors; ``None`` while there are none."""
        return session.scalar(select(VectorRow.dim).where(self._mine).limit(1))

    def search(self, session: Session, queries: Floats, k: int, where: SearchFilter | None) -> Hits:
        """As `VectorStore.search`."""
        if k < 1:
            raise UsageError(f"The number of results must be at least 1, not {k}.")
        queries = checked_vectors(queries, self.dim(session))
        passing = self._passing(where or SearchFilter())
        # One part at least, for the shapes.
        starts = range(0, max(len(queries), 1), _TOGETHER)
        parts = [self._best(session, queries[start : start + _TOGETHER], k, passing) for start in starts]
        return Hits(*(np.concatenate(part) for part in zip(*parts, strict=True)))

    def nominate(self, session: Session, vectors: Floats) -> Nominees | None:
        """As `VectorStore.nominate`."""
        nearest = self._identities([_distance(vector) for vector in vectors])
        # One more than are nominated, to say what the others are within.
        found = session.execute(nearest.limit(_NOMINATED + 1)).all()
        if not found:
            return None
        newest = session.scalar(select(func.max(VectorRow.id))) or 0
        means = _best_scores(found).mean(axis=0)
        bound = float(means[_NOMINATED]) if len(found) > _NOMINATED else -np.inf
        return Nominees(tuple(row[0] for row in found[:_NOMINATED]), newest, bound)

    def finalists(
        self,
        session: Session,
        vectors: Floats,
        forbidden: Collection[str],
        nominees: Nominees | None = None,
    ) -> Finalists | None:
        """As `VectorStore.finalists`."""
        distances = [_distance(vector) for vector in vectors]
        found = None
        if nominees is not None:
            found = self._nominated(session, distances, forbidden, nominees)
        allowed = True
        if not found:
            nearest = self._identities(distances).where(TrackletRow.identity_id != all_(_names(forbidden)))
            found = _leading(session, nearest, vectors.shape[1])
            allowed = bool(found)
        if not found:
            found = _leading(session, self._identities(distances), vectors.shape[1])
        if not found:
            return None
        best = _best_scores(found)
        final = contenders(best, vectors.shape[1])
        names = [row[0] for row, chosen in zip(found, final, strict=True) if chosen]
        rows = self._near(session, distances, names, slack(vectors.shape[1]) - best[:, final])
        return Finalists(
            _stacked(rows),
            np.array([row.id for row in rows], np.int64),
            [row.identity_id for row in rows],
            [row.tracklet_id for row in rows],
            [row.sighting_id for row in rows],
            allowed,
        )

    def exemplars(self, session: Session, identity: str, most: int) -> tuple[Ints, Floats] | None:
        """As `VectorStore.exemplars`."""
        tracklets = session.scalars(select(TrackletRow.id).where(TrackletRow.identity_id == identity)).all()
        # By tracklet alone: a database that has never counted its rows would take the space for the rarer.
        theirs = select(VectorRow.id, VectorRow.space, VectorRow.kind).where(
            VectorRow.tracklet_id == any_(_names(tracklets)), is_exemplar()
        )
        made = self.space, str(self.kind)
        mine = [row.id for row in session.execute(theirs) if (row.space, row.kind) == made]
        if len(mine) <= most:
            return None
        ids = np.array(mine, np.int64)
        rows = session.execute(_columns().where(VectorRow.id == any_(_numbers(ids)))).all()
        return np.sort(ids), _stacked(rows)

    def learn(self, session: Session, rows: Rows, identity: str | None) -> None:
        """Nothing: the rows are the index."""

    def advance(
        self, session: Session, events: Sequence[int], chain: str | None, replaced: Sequence[int]
    ) -> None:
        """Nothing."""

    def identities(self, session: Session, where: SearchFilter) -> int:
        """As `VectorStore.identities`."""
        counted = (
            select(func.count(TrackletRow.identity_id.distinct()))
            .join(VectorRow, VectorRow.tracklet_id == TrackletRow.id)
            .where(self._passing(where))
        )
        return session.scalar(counted) or 0

    def whose(self, session: Session, hits: Hits) -> list[list[str | None]]:
        """As `VectorStore.whose`."""
        tracklets: list[list[str]] = hits.tracklets.tolist()
        found = identities_of(session, {name for row in tracklets for name in row})
        return [[found.get(name) for name in row] for row in tracklets]

    def of_identities(
        self, session: Session, identities: Collection[str], where: SearchFilter, without: Collection[str]
    ) -> dict[str, IdentityVectors]:
        """As `VectorStore.of_identities`."""
        return identity_vectors(session, identities, self.space, where, self.kind, without)

    def _passing(self, where: SearchFilter) -> ColumnElement[bool]:
        return and_(self._mine, *passing(where))

    def _best(
        self, session: Session, queries: Floats, k: int, passing: ColumnElement[bool]
    ) -> tuple[Floats, Ints, NDArray[np.bytes_], NDArray[np.bytes_]]:
        """Scores, vector ids, tracklets and sightings of the best ``m``: ``(Q, m)`` each."""
        places, ids = self._candidates(session, queries, k, passing)
        k = min(k, int(np.count_nonzero(places == 0)))
        rows = (
            session.execute(_columns().where(VectorRow.id == any_(_numbers(np.unique(ids))))).all()
            if k
            else []
        )
        numbers = np.array([row.id for row in rows], np.int64)
        tracklets = np.array([row.tracklet_id for row in rows], f"S{ID_LENGTH}")
        sightings = np.array([row.sighting_id or "" for row in rows], f"S{ID_LENGTH}")
        chosen = np.zeros((len(queries), k), np.int64)
        scores = np.zeros((len(queries), k), np.float32)
        if k:
            scores, chosen = decided(queries, _stacked(rows), places, np.searchsorted(numbers, ids), k)
        return scores, numbers[chosen], tracklets[chosen], sightings[chosen]

    def _candidates(
        self, session: Session, queries: Floats, k: int, passing: ColumnElement[bool]
    ) -> tuple[NDArray[np.intp], Ints]:
        """Pairs of a query's number, ascending, and a vector id: all that can be among its best ``k``."""
        if not len(queries):
            return np.zeros(0, np.intp), np.zeros(0, np.int64)
        distances = [_distance(query) for query in queries]
        nearest = [
            select(literal(place).label("place"), VectorRow.id, distance.label("distance"))
            .where(passing)
            .order_by("distance")
            .limit(k + _SPARE)
            .subquery()
            for place, distance in enumerate(distances)
        ]
        found = _pairs(session.execute(union_all(*map(select, nearest))).all(), len(queries))
        bounds = {}
        for place, (_, distance) in enumerate(found):
            if len(distance) == k + _SPARE:
                bound = float(distance[k - 1] + slack(queries.shape[1]))
                if distance[-1] <= bound:
                    bounds[place] = bound
        if bounds:
            within = [
                select(literal(place).label("place"), VectorRow.id, distances[place].label("distance")).where(
                    passing, _guarded(distances[place], self.space) <= bound
                )
                for place, bound in bounds.items()
            ]
            more = _pairs(session.execute(union_all(*within)).all(), len(queries))
            found = [more[place] if place in bounds else pairs for place, pairs in enumerate(found)]
        places = np.repeat(np.arange(len(queries)), [len(ids) for ids, _ in found])
        return places, np.concatenate([ids for ids, _ in found])

    def _nominated(
        self,
        session: Session,
        distances: Sequence[ColumnElement[float]],
        forbidden: Collection[str],
        nominees: Nominees,
    ) -> "Found | None":
        """As `_leading`, of the nominees and of those who were seen since; ``None`` if it may be others."""
        since = (
            select(TrackletRow.identity_id)
            .join(VectorRow, VectorRow.tracklet_id == TrackletRow.id)
            .where(VectorRow.id > nominees.newest, self._mine, TrackletRow.identity_id.is_not(None))
            .distinct()
        )
        names = ({*nominees.identities, *session.scalars(since)}) - {*forbidden}
        if not names or nominees.bound is None:
            return None
        found = session.execute(self._identities(distances, sorted(names))).all()
        dim = session.scalar(select(VectorRow.dim).where(self._mine).limit(1)) or 1
        return found if found and outdone(_best_scores(found), nominees.bound, dim) else None

    def _identities(
        self, distances: Sequence[ColumnElement[float]], names: Sequence[str] | None = None
    ) -> Chosen:
        """Each identity and each sighting's least distance to its exemplars, the nearest on average first.

        Every visible tracklet has an identity, and no other has.
        """
        views = [distance.label(f"view_{view}") for view, distance in enumerate(distances)]
        # The OFFSET has the distances computed before the rows are grouped: distances are sorted then, and
        # not vectors.
        rows = select(VectorRow.tracklet_id, *views).where(
            self._mine, VectorRow.modality == str(Modality.VISIBLE), is_exemplar()
        )
        if names is not None:
            of_them = select(TrackletRow.id).where(TrackletRow.identity_id == any_(_names(names)))
            rows = rows.where(VectorRow.tracklet_id.in_(of_them))
        near = rows.offset(0).subquery()
        least = [func.min(near.c[view.key]) for view in views]
        return (
            select(TrackletRow.identity_id, *least)
            .join(near, near.c.tracklet_id == TrackletRow.id)
            .group_by(TrackletRow.identity_id)
            .order_by(sum(least[1:], least[0]))
        )

    def _near(
        self,
        session: Session,
        distances: Sequence[ColumnElement[float]],
        identities: Sequence[str],
        bounds: Doubles,
    ) -> Found:
        """The identities' rows that are within their ``(S, I)`` bound of a sighting, by ascending id."""
        arrays: list[ColumnElement[Any]] = [_names(identities)]
        arrays += [bindparam(None, bound.tolist(), ARRAY(_DOUBLE)) for bound in bounds]
        names = [f"bound_{view}" for view in range(len(bounds))]
        wanted = func.unnest(*arrays).table_valued("identity", *names).render_derived()
        near = [
            _guarded(distance, self.space) <= wanted.c[name]
            for distance, name in zip(distances, names, strict=True)
        ]
        chosen = (
            _columns(TrackletRow.identity_id)
            .join(TrackletRow, TrackletRow.id == VectorRow.tracklet_id)
            .join(wanted, wanted.c.identity == TrackletRow.identity_id)
            .where(self._mine, is_exemplar(), or_(*near))
        )
        return session.execute(chosen).all()


def _distance(vector: Floats) -> ColumnElement[float]:
    """Minus the inner product with a vector, as pgvector sums it: in float32."""
    data = bindparam(None, np.asarray(vector, "<f4").tobytes(), VectorData)
    return VectorRow.data.op("<#>", return_type=_DOUBLE)(data)


def _guarded(distance: ColumnElement[float], space: str) -> ColumnElement[float]:
    # A condition may be evaluated before that on the space; vectors of other lengths would be an error.
    return case((VectorRow.space == space, distance))


def _columns(*others: Any) -> Chosen:
    columns = VectorRow.id, VectorRow.tracklet_id, VectorRow.sighting_id, VectorRow.data, *others
    return select(*columns).order_by(VectorRow.id)


# One array however many there are: the parameters of a statement are numbered.
def _names(names: Iterable[str]) -> ColumnElement[Any]:
    return bindparam(None, list(names), ARRAY(String))


def _numbers(numbers: Ints) -> ColumnElement[Any]:
    return bindparam(None, numbers.tolist(), ARRAY(BigInteger))


def _leading(session: Session, identities: Chosen, dim: int) -> Found:
    """The identities that can be one of the two nearest, and a few more."""
    found = session.execute(identities.limit(_IDENTITIES)).all()
    if len(found) < _IDENTITIES or not contenders(_best_scores(found), dim)[-1]:
        return found
    return session.execute(identities).all()


def _best_scores(found: Found) -> Doubles:
    """``(S, I)`` best cosines of what `_leading` found."""
    return -np.array([row[1:] for row in found], np.float64).T


def _pairs(rows: Found, places: int) -> list[tuple[Ints, Doubles]]:
    """The vector ids of each place and their ascending distances."""
    place, ids, distance = (np.array([row[i] for row in rows]) for i in range(3))
    found = []
    for number in range(places):
        chosen = np.flatnonzero(place == number)
        chosen = chosen[np.argsort(distance[chosen], kind="stable")]
        found.append((ids[chosen].astype(np.int64), distance[chosen].astype(np.float64)))
    return found


def _stacked(rows: Found) -> Floats:
    """``(n, D)`` vectors of rows."""
    return np.frombuffer(b"".join(row.data for row in rows), "<f4").reshape(len(rows), -1)
