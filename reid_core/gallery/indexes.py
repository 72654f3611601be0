"""What holds and compares the vectors of one gallery: an index for each space and kind, made on first use."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from reid_core.gallery.database import Database
from reid_core.gallery.live import LiveIndex
from reid_core.gallery.outbox import VECTORS_ADDED, VECTORS_REMOVED, Outbox
from reid_core.gallery.pgvector_index import PgvectorIndex
from reid_core.gallery.records import VectorKind
from reid_core.gallery.spaces import check_space
from reid_core.gallery.vector_column import POSTGRESQL
from reid_core.gallery.vector_store import VectorStore


class Indexes:
    """The indexes of a gallery, for several threads at once.

    Args:
        database: of the gallery.
        folder: where those in memory are kept between runs; ``None`` for nowhere.

    Attributes:
        lock: of whoever changes them.
        guard: the same where an index is for one thread at a time; a server's readers wait for nobody.
    """

    def __init__(self, database: Database, folder: Path | None) -> None:
        self._database = database
        self._folder = folder
        self._stores: dict[tuple[str, VectorKind], VectorStore] = {}
        self.lock = threading.RLock()
        shared = database.dialect == POSTGRESQL
        self.guard: AbstractContextManager[Any] = nullcontext() if shared else self.lock

    def save(self) -> None:
        """Write those that have changed; only a warning is logged where the disk does not take them."""
        with self.lock:
            for store in self._stores.values():
                store.save()

    def close(self) -> None:
        """Save and forget them."""
        with self.lock:
            self.save()
            self._stores.clear()

    def lag(self, space: str) -> int:
        """As `Gallery.index_lag`."""
        with self.lock:
            store = self._stores.get((space, VectorKind.CROP))
            mark = store.mark() if store is not None else None
        if mark is None:
            return 0
        return Outbox(self._database).count_after(mark[1].outbox, (VECTORS_ADDED, VECTORS_REMOVED))

    @contextmanager
    def reading(self, space: str, kind: VectorKind) -> Iterator[tuple[Session, VectorStore]]:
        """A reading transaction and the vectors in step with it.

        Raises:
            ModelMismatchError: the gallery is of another space.
        """
        with self.guard, self._database.read() as session:
            check_space(session, space)
            store = self._store(space, kind)
            store.sync(session)
            yield session, store

    @contextmanager
    def writing(self, space: str) -> Iterator[tuple[Session, VectorStore]]:
        """As `Gallery.writing`."""
        with self.guard:
            store = self._store(space, VectorKind.CROP)
            mark = store.mark()
            try:
                with self._database.write() as session:
                    check_space(session, space)
                    store.sync(session)
                    mark = store.mark()
                    yield session, store
            except BaseException:
                store.restore(mark)
                raise

    def _store(self, space: str, kind: VectorKind) -> VectorStore:
        if self._database.dialect == POSTGRESQL:
            return self._stores.setdefault((space, kind), PgvectorIndex(space, kind))
        # Not the id itself: it comes from a file and is made a path here.
        said = space if kind is VectorKind.CROP else f"{space} {kind}"
        name = hashlib.sha256(said.encode()).hexdigest()[:32]
        folder = self._folder / name if self._folder is not None else None
        return self._stores.setdefault((space, kind), LiveIndex(space, kind, folder))
