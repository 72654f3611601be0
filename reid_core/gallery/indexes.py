"""What holds and compares the vectors of one gallery: an index for each space and kind, made on first use."""

import hashlib
import logging
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from reid_core.errors import NightreidError
from reid_core.gallery.database import Database
from reid_core.gallery.growing import Grower
from reid_core.gallery.identities import Nominees
from reid_core.gallery.index import VectorIndex, checked_vectors
from reid_core.gallery.live import LiveIndex
from reid_core.gallery.outbox import VECTORS_ADDED, VECTORS_REMOVED, Outbox, pruned_to
from reid_core.gallery.pgvector_index import PgvectorIndex
from reid_core.gallery.records import VectorKind
from reid_core.gallery.relocating import identity_changes
from reid_core.gallery.schema import OutboxRow, TrackletRow
from reid_core.gallery.spaces import check_space
from reid_core.gallery.standardisations import model_of
from reid_core.gallery.vector_column import POSTGRESQL
from reid_core.gallery.vector_store import VectorStore
from reid_core.types import Floats

_LOG = logging.getLogger(__name__)
_LOCK = ".lock"


class Indexes:
    """The indexes of a gallery, for several threads at once.

    Args:
        database: of the gallery.
        folder: where those in memory are kept between runs; ``None`` for nowhere.
        exact_up_to: among so many vectors a search is exact.

    Attributes:
        lock: of whoever changes them.
        guard: the same where an index is for one thread at a time; a server's readers wait for nobody.
    """

    def __init__(self, database: Database, folder: Path | None, exact_up_to: int) -> None:
        self._database = database
        self._folder = folder
        self._exact_up_to = exact_up_to
        self._stores: dict[tuple[str, VectorKind], VectorStore] = {}
        self.lock = threading.RLock()
        shared = database.dialect == POSTGRESQL
        self.guard: AbstractContextManager[Any] = nullcontext() if shared else self.lock
        self._grower = Grower(self.lock, self._in_memory)

    def save(self) -> None:
        """Write those that have changed; only a warning is logged where the disk does not take them.

        One that holds vectors that were taken out meanwhile is not written: who was erased would be on disk
        again.
        """
        with self.lock:
            if self._folder is None or not self._stores:
                return
            try:
                with self._files(self._folder):
                    removed = self._last_removal()
                    for store in self._stores.values():
                        mark = store.mark()
                        if mark is not None and mark[1].outbox >= removed:
                            store.save()
            except (OSError, NightreidError) as error:
                _LOG.warning("The vector index cannot be saved (%s); nothing is lost.", error)

    @contextmanager
    def erasing(self) -> Iterator[Session]:
        """A writing transaction that takes people out; behind it no index of before is on disk or in use.

        Whoever saves an index meanwhile is waited for, and finds out afterwards that it holds too much.
        """
        with self.guard:
            if self._folder is None:
                with self._database.write() as session:
                    yield session
                return
            with self._files(self._folder), self._database.write() as session:
                yield session
                # Before the end: whoever dies here loses a cache, and nothing is left of anybody.
                if self._folder.exists():
                    shutil.rmtree(self._folder)
                self._stores.clear()

    def forget(self) -> None:
        """Let go of all indexes, in memory and on disk; the next use builds them from the database."""
        with self.guard:
            self._stores.clear()
            if self._folder is not None and self._folder.exists():
                with self._files(self._folder):
                    shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def _files(self, folder: Path) -> Iterator[None]:
        """The right to write or remove the files of indexes, of all processes."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}{_LOCK}")):
            yield

    def _last_removal(self) -> int:
        """The number of the last event that tells of vectors taken out; 0 where there is none."""
        with self._database.read() as session:
            chosen = select(func.max(OutboxRow.id)).where(OutboxRow.kind == VECTORS_REMOVED)
            return max(session.scalar(chosen) or 0, pruned_to(session))

    def close(self) -> None:
        """Save and forget them; not with the lock held."""
        self._grower.close()
        with self.lock:
            self.save()
            self._stores.clear()

    def wait(self) -> None:
        """As `Gallery.wait_for_graph`."""
        self._grower.wait()

    def lag(self, space: str) -> int:
        """As `Gallery.index_lag`."""
        with self.lock:
            store = self._stores.get((space, VectorKind.CROP))
            mark = store.mark() if store is not None else None
        if mark is None:
            return 0
        return Outbox(self._database).count_after(mark[1].outbox, (VECTORS_ADDED, VECTORS_REMOVED))

    @contextmanager
    def reading(
        self, space: str, kind: VectorKind, within: Session | None = None
    ) -> Iterator[tuple[Session, VectorStore]]:
        """As `Gallery.reading`."""
        own = nullcontext(within) if within is not None else self._database.read()
        with self.guard, own as session:
            check_space(session, space, kind)
            store = self._store(space if kind is VectorKind.CROP else model_of(session, space), kind)
            store.sync(session)
            self._grower.look()
            yield session, store

    def nominees(self, tracklets: Mapping[str, Floats], space: str) -> dict[str, Nominees]:
        """As `Gallery.nominate`: vectors by tracklet in, nominees by tracklet out."""
        with self.reading(space, VectorKind.CROP) as (session, store):
            there = session.scalars(select(TrackletRow.id).where(TrackletRow.id.in_(tracklets)))
            asked = {name: tracklets[name] for name in tracklets.keys() - set(there)}
            found = {
                name: store.nominate(session, checked_vectors(vectors, store.dim(session)))
                for name, vectors in asked.items()
            }
            changes = identity_changes(session)
        return {
            name: replace(nominees, changes=changes)
            for name, nominees in found.items()
            if nominees is not None
        }

    @contextmanager
    def writing(self, space: str) -> Iterator[tuple[Session, VectorStore]]:
        """As `Gallery.writing`."""
        with self.guard:
            store = self._store(space, VectorKind.CROP)
            while True:
                mark = store.mark()
                try:
                    with self._database.write() as session:
                        check_space(session, space)
                        if store.sync(session, slowly=False):
                            mark = store.mark()
                            yield session, store
                            return
                except BaseException:
                    store.restore(mark)
                    raise
                # No writer waits while an index is built.
                with self._database.read() as session:
                    store.sync(session)

    def _in_memory(self) -> Iterator[VectorIndex]:
        for store in self._stores.values():
            if isinstance(store, LiveIndex) and store.index is not None:
                yield store.index

    def _store(self, space: str, kind: VectorKind) -> VectorStore:
        if self._database.dialect == POSTGRESQL:
            return self._stores.setdefault((space, kind), PgvectorIndex(space, kind))
        # Not the id itself: it comes from a file and is made a path here.
        said = space if kind is VectorKind.CROP else f"{space} {kind}"
        name = hashlib.sha256(said.encode()).hexdigest()[:32]
        folder = self._folder / name if self._folder is not None else None
        return self._stores.setdefault((space, kind), LiveIndex(space, kind, folder, self._exact_up_to))
