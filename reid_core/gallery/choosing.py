"""Which identities of an index in memory can be the one that a tracklet belongs to.

While an index has no graph, everybody is compared. With one, the graph names the vectors nearest to each of
the tracklet's; whose they are is compared by all of their exemplars.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from reid_core.gallery.identities import Finalists, Nominees, contenders, outdone
from reid_core.gallery.index import VectorIndex
from reid_core.gallery.likely import Likely
from reid_core.gallery.owners import Owners
from reid_core.gallery.scoring import cosines, slack
from reid_core.types import Floats, Ints

# Identities nominated for a tracklet, of which the nearest two matter.
_NOMINATED = 8
_TOLD = 2
# With a graph so many of those who were nominated are compared, and of those who were seen since.
_COMPARED = 4
# Vectors near each of a tracklet's that say who is nominated.
_NEAR = 16
_NOBODY = -1


def nominees(index: VectorIndex, owners: Owners, likely: Likely, vectors: Floats) -> Nominees | None:
    """Whom a tracklet may belong to; ``None`` if there is nobody.

    Args:
        index: of the gallery's vectors.
        owners: of all its rows.
        likely: of the same.
        vectors: ``(S, D)`` float32, L2-normalised, of the tracklet.
    """
    if not owners.names:
        return None
    newest = int(index.columns["id"][-1])
    near = _nearby(index, owners, likely, vectors, ())
    if near is not None:
        return Nominees(_named(owners, near[:_NOMINATED]), newest, None)
    best = _best_scores(vectors @ index.vectors.T, owners.deciding, len(owners.names))
    # Beside those that are nominated, one to say what the others are within.
    means, order = _ranked(best, _NOMINATED + 1)
    bound = float(means[order[_NOMINATED]]) if len(order) > _NOMINATED else -np.inf
    return Nominees(_named(owners, order[:_NOMINATED]), newest, bound)


def finalists(
    index: VectorIndex,
    owners: Owners,
    likely: Likely,
    vectors: Floats,
    forbidden: Collection[str],
    nominated: Nominees | None,
) -> Finalists | None:
    """As `VectorStore.finalists`, of an index and whose its rows are."""
    if not owners.names:
        return None
    left_out = _numbers(owners, forbidden)
    if nominated is not None:
        first = int(np.searchsorted(index.columns["id"], nominated.newest, "right"))
        among = _numbers(owners, nominated.identities)
        if nominated.bound is None:
            among = [number for number in among if number not in left_out][:_COMPARED]
        among += _since(index, owners, vectors, first, nominated.bound is None)
        found = _among(index, owners, vectors, among, left_out, nominated.bound)
        if found is not None:
            return found
    near = _nearby(index, owners, likely, vectors, left_out)
    if near is not None:
        found = _among(index, owners, vectors, near[:_COMPARED].tolist(), left_out, None)
        if found is not None:
            return found
    return _of_all(index, owners, vectors, left_out)


def _nearby(
    index: VectorIndex, owners: Owners, likely: Likely, vectors: Floats, left_out: Collection[int]
) -> Ints | None:
    """Who is near by the graph and not left out, the nearest first; ``None`` where all are to be compared.

    Where the vectors nearest to a tracklet are all of one identity, those that are likely by one exemplar
    each are looked at as well.
    """
    seen = {*left_out, _NOBODY}
    near = index.near(vectors, _NEAR, _of_others(owners, index, seen) if left_out else None)
    if near is None:
        return None
    chosen = near
    if len({*owners.all[near].tolist()} - seen) < _TOLD:
        [others] = likely.rows(index, owners, vectors.mean(axis=0)[None], _NOMINATED)
        chosen = np.union1d(near, others)
    behind = slice(index.in_graph, len(index))
    scores = np.concatenate(
        [cosines(vectors, index.vectors[chosen]), cosines(vectors, index.vectors[behind])], axis=1
    )
    whose = np.concatenate([owners.all[chosen], owners.all[behind]])
    numbers, places = np.unique(whose, return_inverse=True)
    order = _ranked(_best_scores(scores, places, len(numbers)), len(numbers))[1]
    named = numbers[order]
    return named[~np.isin(named, [_NOBODY, *left_out])]


def _of_others(owners: Owners, index: VectorIndex, numbers: Collection[int]) -> NDArray[np.bool_]:
    """Which rows of the graph are of none of some identities, which are few."""
    whose = owners.all[: index.in_graph]
    others = np.ones(len(whose), np.bool_)
    for number in numbers:
        np.logical_and(others, whose != number, out=others)
    return others


def _since(index: VectorIndex, owners: Owners, vectors: Floats, first: int, few: bool) -> list[int]:
    """Who was seen from a row on: all of them, or the few that these rows make likeliest."""
    numbers, places = np.unique(owners.deciding[first:], return_inverse=True)
    if few and len(numbers) > _COMPARED:
        best = _best_scores(cosines(vectors, index.vectors[first:]), places, len(numbers))
        best[:, numbers == _NOBODY] = -np.inf
        numbers = numbers[_ranked(best, _COMPARED)[1]]
    found: list[int] = numbers.tolist()
    return found


def _among(
    index: VectorIndex,
    owners: Owners,
    vectors: Floats,
    numbers: Collection[int],
    left_out: Collection[int],
    bound: float | None,
) -> Finalists | None:
    """The finalists, if they are among some identities; ``None`` if somebody else may be.

    Args:
        index: of the gallery's vectors.
        owners: of all its rows.
        vectors: as of `finalists`.
        numbers: the identities; -1 is nobody.
        left_out: whom to leave out, unless nobody else is there.
        bound: the mean that the others are within; ``None`` where nearly the best will do.
    """
    known = sorted({*numbers} - {_NOBODY})
    eligible = [number for number in known if number not in left_out]
    allowed = bool(eligible)
    among = np.array(eligible or known, np.int64)
    if not len(among) or (bound is None and len(eligible) < _TOLD):
        return None
    rows = owners.rows(among.tolist())
    scores = cosines(vectors, index.vectors[rows])
    whose = np.searchsorted(among, owners.all[rows])
    best = _best_scores(scores, whose, len(among))
    if bound is not None and not (outdone(best, bound, index.dim) if allowed else bound == -np.inf):
        return None
    final = contenders(best, index.dim)
    bounds = (best - slack(index.dim))[:, whose]
    return _finalists(index, owners, rows[final[whose] & (scores >= bounds).any(axis=0)], allowed)


def _of_all(
    index: VectorIndex, owners: Owners, vectors: Floats, left_out: Collection[int]
) -> Finalists | None:
    """As `_among`, among all identities; ``None`` where nobody has an exemplar."""
    whose = owners.deciding
    scores = vectors @ index.vectors.T
    best = _best_scores(scores, whose, len(owners.names))
    # Some may have no exemplar any more: they were merged into others.
    numbers = np.flatnonzero(np.isfinite(best[0]))
    if not len(numbers):
        return None
    eligible = numbers[~np.isin(numbers, [*left_out])]
    among = eligible if len(eligible) else numbers
    # Rows of nobody (-1) look at the last place, which is never among them.
    final = np.zeros(best.shape[1] + 1, np.bool_)
    final[among[contenders(best[:, among], index.dim)]] = True
    bounds = (best - slack(index.dim))[:, whose]
    rows = np.flatnonzero(final[whose] & (scores >= bounds).any(axis=0))
    return _finalists(index, owners, rows, bool(len(eligible)))


def _finalists(index: VectorIndex, owners: Owners, rows: Ints, allowed: bool) -> Finalists:
    columns = index.columns
    return Finalists(
        index.vectors[rows],
        columns["id"][rows],
        _named(owners, owners.all[rows]),
        [name.decode() for name in columns["tracklet"][rows].tolist()],
        [name.decode() for name in columns["sighting"][rows].tolist()],
        allowed,
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


def _ranked(best: Floats, most: int) -> tuple[NDArray[np.float64], Ints]:
    """The mean of each column of best cosines, and the columns that have one: the highest first."""
    means = best.mean(axis=0, dtype=np.float64)
    order = np.argsort(-means, kind="stable")[:most]
    return means, order[np.isfinite(means[order])]


def _named(owners: Owners, numbers: Ints) -> tuple[str, ...]:
    return tuple(owners.names[number] for number in numbers.tolist())


def _numbers(owners: Owners, names: Sequence[str] | Collection[str]) -> list[int]:
    """The numbers of those that have a row, in the same order."""
    found = map(owners.number, names)
    return [number for number in found if number is not None]
