"""A gallery at one moment: all of an answer is read in one transaction, in which indexes are in step."""

from collections.abc import Collection
from contextlib import ExitStack
from typing import Self

from reid_core.gallery.identity_vectors import IdentityVectors
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.ownership import owners_of
from reid_core.gallery.records import VectorKind
from reid_core.gallery.store import Gallery
from reid_core.gallery.vector_store import VectorStore
from reid_core.querying.ranking import RankedMatch, ranked_in
from reid_core.types import Floats


class Moment:
    """To be used in a ``with`` statement.

    Args:
        gallery: to read.
        space: in which it compares.
        kind: of vectors that are looked at in any case.

    Raises:
        ModelMismatchError: the gallery is of another space; on entering.
    """

    def __init__(self, gallery: Gallery, space: str, kind: VectorKind) -> None:
        self._gallery, self._space, self._kind = gallery, space, kind
        self._open = ExitStack()
        self._stores: dict[VectorKind, VectorStore] = {}

    def __enter__(self) -> Self:
        reading = self._gallery.reading(self._space, self._kind)
        self._session, self._stores[self._kind] = self._open.enter_context(reading)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def ranked(
        self,
        query: Floats,
        count: int,
        where: SearchFilter,
        kind: VectorKind,
        *,
        slack: float = 0.0,
        without: Collection[str] = (),
        among: Collection[str] | None = None,
    ) -> tuple[RankedMatch, ...]:
        """The best identities and all that score as the last of them, as `ranked_identities` has them."""
        store = self._store(kind)
        return ranked_in(
            self._session,
            store,
            query,
            count,
            where,
            with_ties=True,
            slack=slack,
            without=without,
            among=among,
        )

    def identities_of(self, tracklets: Collection[str]) -> set[str]:
        """Of some tracklets."""
        return set(owners_of(self._session, tracklets).values())

    def count(self, where: SearchFilter, kind: VectorKind) -> int:
        """How many identities a search with this filter looks at."""
        return self._store(kind).identities(self._session, where)

    def vectors_of(
        self,
        identities: Collection[str],
        where: SearchFilter,
        kind: VectorKind = VectorKind.CROP,
        without: Collection[str] = (),
    ) -> dict[str, IdentityVectors]:
        """The vectors of some identities that a search with this filter looks at."""
        return self._store(kind).of_identities(self._session, identities, where, without)

    def _store(self, kind: VectorKind) -> VectorStore:
        if kind not in self._stores:
            reading = self._gallery.reading(self._space, kind, self._session)
            self._stores[kind] = self._open.enter_context(reading)[1]
        return self._stores[kind]
