"""The gallery to add to and search."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy.orm import Session

from reid_core.gallery import writing
from reid_core.gallery.database import Database
from reid_core.gallery.identities import IdentityPolicy
from reid_core.gallery.index import Hits, SearchFilter
from reid_core.gallery.live import VECTORS_ADDED, VECTORS_REMOVED, LiveIndex
from reid_core.gallery.outbox import Outbox
from reid_core.gallery.pgvector_index import PgvectorIndex
from reid_core.gallery.plain import plain_entries, plain_recording
from reid_core.gallery.reading import GalleryReader
from reid_core.gallery.records import (
    CameraRecord,
    Checkpoint,
    RecordingRecord,
    TrackletEntry,
)
from reid_core.gallery.reembedding import reembed
from reid_core.gallery.vector_column import POSTGRESQL
from reid_core.gallery.vector_store import VectorStore
from reid_core.types import CloseReason, Floats, Image, Link, Modality, Spectrum, Tracklet


class Gallery(GalleryReader):
    """People seen by cameras: an SQL database, which is the truth, and an index to search it by.

    On PostgreSQL the server is the index too, and many processes and machines share one gallery; elsewhere
    the index is a cache in this process's memory. The answers are the same.

    May be used by several threads at once. Every method raises `GalleryError` or `StorageError` where the
    database cannot be used; what was written before stays, and a failed call has written nothing.

        with Gallery.open("sqlite:///gallery.db") as gallery:
            gallery.add(vectors, camera="lobby", modality=Modality.VISIBLE, time_ns=times, model=model.id)
            hits = gallery.search(queries, model.id, k=5, where=SearchFilter(cameras=frozenset({"lobby"})))
    """

    def __init__(self, database: Database, index_dir: Path | None) -> None:
        super().__init__(database)
        self._index_dir = index_dir
        self._stores: dict[str, VectorStore] = {}
        self._lock = threading.RLock()
        # An index in memory is for one thread at a time. A server's is not in memory: its readers need not
        # wait for this process's writer either.
        shared = database.dialect == POSTGRESQL
        self._guard: AbstractContextManager[Any] = nullcontext() if shared else self._lock

    @classmethod
    def open(cls, url: str, index_dir: Path | None = None) -> Self:
        """Open a gallery, or create an empty one.

        Args:
            url: ``sqlite:///gallery.db``, or another database's address as SQLAlchemy reads it.
            index_dir: where indexes are kept between runs. By default ``gallery.db.index`` beside an
                SQLite file. PostgreSQL needs none; for every other database they are in memory alone.

        Raises:
            UsageError: the address is not one.
            MissingDependencyError: its driver is not installed, or the server lacks pgvector.
            SchemaTooNewError: a newer version wrote it.
            DatabaseAwayError: the server cannot be reached.
            GalleryError: it is not a gallery, or damaged, or in use.
            StorageError: it cannot be opened, created or written.
        """
        database = Database(url)
        if index_dir is None and database.file is not None:
            index_dir = database.file.with_name(f"{database.file.name}.index")
        return cls(database, index_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def name(self) -> str:
        """What a person knows the database by: its file, or its address without the password."""
        return self._database.name

    @property
    def database(self) -> Database:
        """The database, for rows that are written or read together with those of the gallery."""
        return self._database

    def close(self) -> None:
        """Save the index and let go of the database."""
        with self._lock:
            self.save_index()
            self._stores.clear()
            self._database.close()

    def save_index(self) -> None:
        """Write the indexes that have changed; only a warning is logged where the disk does not take them."""
        with self._lock:
            for store in self._stores.values():
                store.save()

    # Writing

    def put_camera(self, camera: str, modality: Modality, spectrum: Spectrum, created_ns: int) -> None:
        """Make a camera known; nothing changes where it is.

        Args:
            camera: its id.
            modality: how its images are compared.
            spectrum: the light it records.
            created_ns: capture time of its first recording.

        Raises:
            GalleryError: it is known with another modality.
        """
        with self._database.write() as session:
            writing.put_camera(session, CameraRecord(camera, modality, spectrum, created_ns))

    def begin_recording(self, recording: RecordingRecord) -> RecordingRecord:
        """Make a recording known; where it is, what is stored of it is returned unchanged.

        Raises:
            GalleryError: its camera is not known.
        """
        with self._database.write() as session:
            writing.put_recording(session, recording)
        stored = self.recording(recording.id)
        assert stored is not None
        return stored

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write how far a recording has come."""
        with self._database.write() as session:
            writing.put_checkpoint(session, checkpoint)

    def add_tracklet(
        self,
        tracklet: Tracklet,
        vectors: Floats,
        crops: Sequence[bytes],
        model: str,
        policy: IdentityPolicy,
        checkpoint: Checkpoint | None = None,
    ) -> str | None:
        """`add_tracklets` of one; returns the identity of a visible tracklet."""
        entry = TrackletEntry(tracklet, vectors, tuple(crops))
        checkpoints = (checkpoint,) if checkpoint is not None else ()
        return self.add_tracklets([entry], model, policy, checkpoints)[0]

    def add_tracklets(
        self,
        entries: Sequence[TrackletEntry],
        model: str,
        policy: IdentityPolicy,
        checkpoints: Sequence[Checkpoint] = (),
    ) -> tuple[str | None, ...]:
        """Write tracklets, in this order, and checkpoints in one transaction: all of it or nothing.

        A tracklet that is already there changes nothing.

        Args:
            entries: what to write; their recordings are known.
            model: id of the model of their vectors.
            policy: when a visible tracklet joins an identity.
            checkpoints: how far recordings have come with these tracklets.

        Returns:
            the identity of each visible tracklet, ``None`` for infrared ones.

        Raises:
            ModelMismatchError: the gallery is of another model.
            UsageError: the parts of an entry do not fit one another or the gallery.
            GalleryError: a recording is not known.
        """
        with self.writing(model) as (session, store):
            added = tuple(writing.add_tracklet(session, store, entry, policy) for entry in entries)
            for checkpoint in checkpoints:
                writing.put_checkpoint(session, checkpoint)
        return added

    def add(
        self,
        vectors: Floats,
        *,
        camera: str,
        modality: Modality,
        time_ns: Sequence[int],
        model: str,
        crops: Sequence[bytes] = (),
        policy: IdentityPolicy | None = None,
    ) -> tuple[str, ...]:
        """Add people of whom there is one vector each and no track.

        Adding the same vector of the same camera and time again changes nothing.

        Args:
            vectors: ``(N, D)`` float32, L2-normalised.
            camera: id of the camera; made known if it is not.
            modality: of that camera.
            time_ns: ``N`` capture times, UTC nanoseconds.
            model: id of the model of the vectors.
            crops: ``N`` JPEG files, or none.
            policy: when a visible one joins an identity; never by default.

        Returns:
            ``N`` tracklet ids.
        """
        entries = plain_entries(vectors, camera, modality, time_ns, crops)
        if entries:
            start = min(int(time) for time in time_ns)
            # What is not known of the camera is taken from its modality.
            spectrum = Spectrum.VISIBLE if modality is Modality.VISIBLE else Spectrum.NEAR
            self.put_camera(camera, modality, spectrum, start)
            self.begin_recording(plain_recording(camera, start, model))
            self.add_tracklets(entries, model, policy or IdentityPolicy(None))
        return tuple(entry.tracklet.id for entry in entries)

    def remove_tracklets(self, recording: str, reason: CloseReason) -> int:
        """Take out a recording's tracklets that ended for one reason, with all that hangs on them.

        Args:
            recording: its id.
            reason: what they ended for, such as an interruption that is about to be made good.

        Returns:
            how many were taken out.
        """
        with self._guard, self._database.write() as session:
            return writing.remove_tracklets(session, recording, reason)

    def put_links(self, links: Sequence[Link]) -> None:
        """Write links in one transaction; equal ones stay untouched, and none is removed."""
        with self._database.write() as session:
            for link in links:
                writing.put_link(session, link)

    def reembed(
        self,
        embed: Callable[[list[Image], Modality], Floats],
        model: str,
        *,
        batch: int = 64,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Give every stored crop a vector of another model, then compare that model's vectors.

        Each batch is committed: a stopped call goes on where it was. The old model's vectors stay, and are
        the ones that are searched until all is done. Identities stay as they are.

        Args:
            embed: ``n`` RGB crops of one modality -> ``(n, D)`` float32, L2-normalised.
            model: id of the new model.
            batch: crops at a time.
            progress: called with how many crops have a vector, and how many there are.

        Returns:
            how many crops were embedded.

        Raises:
            GalleryError: a sighting has no crop, or a damaged one.
        """
        return reembed(self._database, embed, model, batch, progress)

    # Searching

    def check_model(self, model: str) -> None:
        """Make sure that the gallery is of this model, or of none yet.

        Raises:
            ModelMismatchError: its vectors are of another.
        """
        with self._database.read() as session:
            writing.check_model(session, model)

    def index_lag(self, model: str) -> int:
        """Changes of the vectors that this process's index has not applied yet; the next use does.

        None on PostgreSQL, where vectors are compared in the database, nor before the first use.
        """
        with self._lock:
            store = self._stores.get(model)
            mark = store.mark() if store is not None else None
        if mark is None:
            return 0
        return Outbox(self._database).count_after(mark[1].outbox, (VECTORS_ADDED, VECTORS_REMOVED))

    def adopt_model(self, model: str) -> None:
        """Make this the gallery's model where it has none yet, so that nobody adds vectors of another.

        Raises:
            ModelMismatchError: its vectors are of another.
        """
        with self._database.write() as session:
            writing.check_model(session, model)
            if writing.active_model(session) is None:
                writing.set_active_model(session, model)

    def search(self, queries: Floats, model: str, k: int = 10, where: SearchFilter | None = None) -> Hits:
        """The ``k`` most similar sightings of those that pass the filter: exact.

        Args:
            queries: ``(Q, D)`` float32, L2-normalised.
            model: id of the model of the queries.
            k: how many for each query.
            where: which sightings to look at; all by default.

        Raises:
            ModelMismatchError: the gallery is of another model.
            UsageError: the queries are of another size or not finite, or ``k`` is below 1.
        """
        with self._guard, self._database.read() as session:
            writing.check_model(session, model)
            store = self._store(model)
            store.sync(session)
            return store.search(session, queries, k, where)

    @contextmanager
    def writing(self, model: str) -> Iterator[tuple[Session, VectorStore]]:
        """A writing transaction and the model's vectors in step with it, for `writing.add_tracklet`.

        What else is written in the session is committed with them; where the block raises, nothing is kept
        of either. Other writers wait meanwhile, of whatever process: nothing slow belongs inside.

        Args:
            model: id of the model whose vectors are written.

        Raises:
            ModelMismatchError: the gallery is of another model.
        """
        with self._guard:
            store = self._store(model)
            mark = store.mark()
            try:
                with self._database.write() as session:
                    writing.check_model(session, model)
                    store.sync(session)
                    mark = store.mark()
                    yield session, store
            except BaseException:
                store.restore(mark)
                raise

    def _store(self, model: str) -> VectorStore:
        if self._database.dialect == POSTGRESQL:
            return self._stores.setdefault(model, PgvectorIndex(model))
        # Not the id itself: it comes from a file and is made a path here.
        name = hashlib.sha256(model.encode()).hexdigest()[:32]
        folder = self._index_dir / name if self._index_dir is not None else None
        return self._stores.setdefault(model, LiveIndex(model, folder))
