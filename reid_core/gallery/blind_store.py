"""A vector store that holds nothing: for writing alone, where nobody is compared with anybody."""

from collections.abc import Collection, Sequence

import numpy as np
from sqlalchemy.orm import Session

from reid_core.gallery.identities import Finalists, Nominees
from reid_core.gallery.identity_vectors import IdentityVectors
from reid_core.gallery.index import Hits, Rows, SearchFilter
from reid_core.gallery.records import VectorKind
from reid_core.gallery.vector_rows import dim_of
from reid_core.gallery.vector_store import Mark
from reid_core.types import Floats, Ints


class BlindStore:
    """A `VectorStore` by which every visible tracklet founds an identity.

    Args:
        space: of the vectors that are written.
    """

    def __init__(self, space: str) -> None:
        self.space = space
        self.kind = VectorKind.CROP

    def sync(self, session: Session, slowly: bool = True) -> bool:
        """There is nothing to keep in step."""
        return True

    def dim(self, session: Session) -> int | None:
        """As `VectorStore.dim`."""
        return dim_of(session, self.space)

    def search(self, session: Session, queries: Floats, k: int, where: SearchFilter | None) -> Hits:
        """Nothing is found."""
        nothing = np.empty((len(queries), 0), "S36")
        empty = np.empty((len(queries), 0))
        return Hits(empty.astype(np.float32), empty.astype(np.int64), nothing, nothing)

    def nominate(self, session: Session, vectors: Floats) -> Nominees | None:
        """Nobody."""
        return None

    def finalists(
        self,
        session: Session,
        vectors: Floats,
        forbidden: Collection[str],
        nominees: Nominees | None = None,
    ) -> Finalists | None:
        """Nobody."""
        return None

    def exemplars(self, session: Session, identity: str, most: int) -> tuple[Ints, Floats] | None:
        """None."""
        return None

    def learn(self, session: Session, rows: Rows, identity: str | None) -> None:
        """It learns nothing."""

    def advance(
        self, session: Session, events: Sequence[int], chain: str | None, replaced: Sequence[int]
    ) -> None:
        """It stands nowhere."""

    def identities(self, session: Session, where: SearchFilter) -> int:
        """Nobody."""
        return 0

    def whose(self, session: Session, hits: Hits) -> list[list[str | None]]:
        """Nobody's: nothing was found."""
        return [[] for _ in hits.ids]

    def of_identities(
        self, session: Session, identities: Collection[str], where: SearchFilter, without: Collection[str]
    ) -> dict[str, IdentityVectors]:
        """Of nobody."""
        return {}

    def mark(self) -> Mark | None:
        """Nowhere."""
        return None

    def restore(self, mark: Mark | None) -> None:
        """There is nothing to forget."""

    def save(self) -> None:
        """There is nothing to keep."""
