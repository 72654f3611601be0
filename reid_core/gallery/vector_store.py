"""What the gallery asks of whatever holds and compares the vectors of one space and kind."""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeAlias

from sqlalchemy.orm import Session

from reid_core.gallery.identities import Finalists, Nominees
from reid_core.gallery.identity_vectors import IdentityVectors
from reid_core.gallery.index import Hits, Rows, SearchFilter
from reid_core.gallery.index_files import Position
from reid_core.gallery.records import VectorKind
from reid_core.types import Floats, Ints

# Where a store stands: its rows, what it has applied of the outbox, and how many exemplars were replaced.
Mark = tuple[int, Position, int]


class VectorStore(Protocol):
    """The vectors of one space and kind, as the session of a transaction sees them.

    All answer alike: scores are float64 inner products rounded to float32, equal ones go by vector id.

    Attributes:
        space: of the vectors.
        kind: of the vectors.
    """

    space: str
    kind: VectorKind

    def sync(self, session: Session, slowly: bool = True) -> bool:
        """Be in step with what the session sees; comes before the methods below that take a session.

        Args:
            session: of a transaction.
            slowly: whether it may take as long as reading all vectors does.

        Returns:
            whether it is in step; without ``slowly`` it may be as it was before.
        """

    def dim(self, session: Session) -> int | None:
        """Length of the vectors; ``None`` while there are none."""

    def search(self, session: Session, queries: Floats, k: int, where: SearchFilter | None) -> Hits:
        """The ``k`` best of the sightings that pass the filter, never fewer than there are.

        Exact up to a number that the gallery was opened with; nearly all of the best where more pass.

        Args:
            session: that it is in step with.
            queries: ``(Q, D)`` float32, L2-normalised.
            k: how many for each query, at least 1.
            where: which sightings to look at; all by default.

        Raises:
            UsageError: the queries do not fit, or ``k`` is below 1.
        """

    def nominate(self, session: Session, vectors: Floats) -> Nominees | None:
        """Whom a tracklet may belong to, for `finalists` in a later transaction; ``None`` if there is nobody.

        Args:
            session: that it is in step with.
            vectors: ``(S, D)`` float32, L2-normalised, of the tracklet; ``S`` at least 1.
        """

    def finalists(
        self,
        session: Session,
        vectors: Floats,
        forbidden: Collection[str],
        nominees: Nominees | None = None,
    ) -> Finalists | None:
        """The exemplars that can decide which identity a tracklet belongs to; ``None`` if there is nobody.

        Args:
            session: that it is in step with.
            vectors: ``(S, D)`` float32, L2-normalised, of the tracklet; ``S`` at least 1.
            forbidden: identities to leave out, unless nobody else is there.
            nominees: what `nominate` found for it before; the answer is the same with them and without, but
                sooner there. Where the search is approximate, both are of nearly the best.
        """

    def exemplars(self, session: Session, identity: str, most: int) -> tuple[Ints, Floats] | None:
        """Ids, ascending, and vectors of an identity's exemplars, where there are more than ``most``."""

    def learn(self, session: Session, rows: Rows, identity: str | None) -> None:
        """Hold vectors that were written in this transaction; `advance` comes after it.

        Args:
            session: that it was in step with before.
            rows: the vectors.
            identity: whose they are; ``None`` for nobody's.
        """

    def advance(
        self, session: Session, events: Sequence[int], chain: str | None, replaced: Sequence[int]
    ) -> None:
        """Be in step with what was written in this transaction, without reading it again.

        Args:
            session: of the transaction.
            events: the outbox rows that tell of it, ascending; at least one.
            chain: the digest over all vectors now; ``None`` where none was written.
            replaced: vectors that are exemplars no more, ascending.
        """

    def identities(self, session: Session, where: SearchFilter) -> int:
        """How many identities have a vector that passes the filter."""

    def whose(self, session: Session, hits: Hits) -> list[list[str | None]]:
        """The identity of each of the ``(Q, m)`` vectors that a search with the session found."""

    def of_identities(
        self, session: Session, identities: Collection[str], where: SearchFilter, without: Collection[str]
    ) -> dict[str, IdentityVectors]:
        """The vectors of some identities that a search with this filter looks at.

        Args:
            session: that it is in step with.
            identities: their ids.
            where: which of their vectors.
            without: tracklets whose vectors are left out.

        Returns:
            by identity; of those that have none, nothing.
        """

    def mark(self) -> Mark | None:
        """Where it stands, for `restore`."""

    def restore(self, mark: Mark | None) -> None:
        """Forget what came after ``mark``: the transaction it came from was not committed."""

    def save(self) -> None:
        """Keep for the next run what need not be made anew then."""


InStep: TypeAlias = AbstractContextManager[tuple[Session, VectorStore]]
"""A transaction, and vectors in step with it."""
