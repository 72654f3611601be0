"""The gallery to add to and search."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from sqlalchemy.orm import Session

from reid_core.gallery import vector_rows, writing
from reid_core.gallery.database import Database
from reid_core.gallery.identities import IdentityPolicy, Nominees
from reid_core.gallery.index import Hits, SearchFilter
from reid_core.gallery.indexes import Indexes
from reid_core.gallery.limits import EXACT_UP_TO
from reid_core.gallery.links import put_link, there_now
from reid_core.gallery.opening import opened
from reid_core.gallery.plain import plain_entries, plain_recording
from reid_core.gallery.reading import GalleryReader
from reid_core.gallery.records import CameraRecord, Checkpoint, RecordingRecord, TrackletEntry, VectorKind
from reid_core.gallery.reembedding import reembed
from reid_core.gallery.spaces import active_space, check_space, comparing_space, set_active_space
from reid_core.gallery.vector_store import InStep
from reid_core.types import CloseReason, Floats, Image, Link, Modality, Spectrum


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

    def __init__(self, database: Database, index_dir: Path | None, exact_up_to: int = EXACT_UP_TO) -> None:
        super().__init__(database)
        self._indexes = Indexes(database, index_dir, exact_up_to)
        # The file of the erasures, outside the database.
        self.erasures: Path | None = None

    @classmethod
    def open(
        cls,
        url: str,
        index_dir: Path | None = None,
        exact_up_to: int = EXACT_UP_TO,
        erasures: Path | None = None,
    ) -> Self:
        """Open a gallery, or create an empty one; whoever was erased since its backup is erased again.

        Args:
            url: ``sqlite:///gallery.db``, or another database's address as SQLAlchemy reads it.
            index_dir: where indexes are kept between runs. By default ``gallery.db.index`` beside an
                SQLite file. PostgreSQL needs none; for every other database they are in memory alone.
            exact_up_to: a search that looks at more vectors than this goes by a graph and finds nearly all
                of the best; not on PostgreSQL, where every search is exact.
            erasures: file of the erasures, kept outside the database. By default what
                ``NIGHTREID_ERASURE_LEDGER`` names, else ``gallery.db.erasures`` beside an SQLite file.

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
        gallery = cls(database, index_dir, exact_up_to)
        opened(gallery, erasures)
        return gallery

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """What a person knows the database by: its file, or its address without the password."""
        return self._database.name

    @property
    def database(self) -> Database:
        """The database, for rows that are written or read together with those of the gallery."""
        return self._database

    @property
    def indexes(self) -> Indexes:
        """What holds and compares the vectors."""
        return self._indexes

    def close(self) -> None:
        """Save the index and let go of the database."""
        self._indexes.close()
        with self._indexes.lock:
            self._database.close()

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

    def add_tracklets(
        self,
        entries: Sequence[TrackletEntry],
        space: str,
        policy: IdentityPolicy,
        checkpoints: Sequence[Checkpoint] = (),
    ) -> tuple[str | None, ...]:
        """Write tracklets, in this order, and checkpoints in one transaction: all of it or nothing.

        A tracklet that is already there changes nothing.

        Args:
            entries: what to write; their recordings are known.
            space: in which they are compared (`comparing`); their vectors are as the model made them.
            policy: when a visible tracklet joins an identity.
            checkpoints: how far recordings have come with these tracklets.

        Returns:
            the identity of each visible tracklet, ``None`` for infrared ones.

        Raises:
            ModelMismatchError: the gallery is of another space.
            UsageError: the parts of an entry do not fit one another or the gallery.
            GalleryError: a recording is not known.
        """
        nominees = self.nominate(entries, space)
        with self.writing(space) as (session, store):
            added = tuple(
                writing.add_tracklet(session, store, entry, policy, nominees.get(entry.tracklet.id))
                for entry in entries
            )
            for checkpoint in checkpoints:
                writing.put_checkpoint(session, checkpoint)
        return added

    def nominate(self, entries: Sequence[TrackletEntry], space: str) -> dict[str, Nominees]:
        """Whom visible tracklets may belong to, for `writing.add_tracklet`: no writer waits meanwhile.

        Whoever comes in between is looked at in the transaction that writes.

        Args:
            entries: the tracklets.
            space: in which they are compared.

        Returns:
            nominees by tracklet; of those that are there, have no vector, or meet nobody, none.

        Raises:
            ModelMismatchError: the gallery is of another space.
            UsageError: the vectors do not fit one another or the gallery.
        """
        seen = [one for one in entries if one.tracklet.modality is Modality.VISIBLE and len(one.vectors)]
        asked = {one.tracklet.id: one.vectors for one in seen}
        made = self.standardisation(space) if seen else None
        if made is not None:
            for one in seen:
                asked[one.tracklet.id] = made.apply(one.vectors, Modality.VISIBLE, one.tracklet.camera)
        return self._indexes.nominees(asked, space) if asked else {}

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
            model: id of the model of the vectors, which is that of their space.
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
            self.add_tracklets(entries, self.comparing(model), policy or IdentityPolicy(None))
        return tuple(entry.tracklet.id for entry in entries)

    def remove_tracklets(self, recording: str, reason: CloseReason) -> int:
        """Take out a recording's tracklets that ended for one reason, with all that hangs on them.

        Args:
            recording: its id.
            reason: what they ended for, such as an interruption that is about to be made good.

        Returns:
            how many were taken out.
        """
        with self._indexes.guard, self._database.write() as session:
            return writing.remove_tracklets(session, recording, reason)

    def put_links(self, links: Sequence[Link], within: Callable[[Session], None] | None = None) -> None:
        """Write links in one transaction: what was taken out since is left out, equal ones stay untouched.

        Args:
            links: what to write.
            within: called first in the transaction, to write what belongs with them; where it raises, nothing
                is written.
        """
        with self._database.write() as session:
            if within is not None:
                within(session)
            for link in there_now(session, links):
                put_link(session, link)

    def reembed(
        self,
        embed: Callable[[list[Image], Modality], Floats],
        model: str,
        *,
        batch: int = 64,
        progress: Callable[[int, int], None] | None = None,
    ) -> int:
        """Give every stored crop a vector in another space, then compare that space's vectors.

        Each batch is committed: a stopped call goes on where it was. The old space's vectors stay, and are
        searched until all is done. Identities stay; captions of the old space have to be encoded anew.

        Args:
            embed: ``n`` RGB crops of one modality -> ``(n, D)`` float32, L2-normalised.
            model: id of the new model, which is that of its space.
            batch: crops at a time.
            progress: called with how many crops have a vector, and how many there are.

        Returns:
            how many crops were embedded.

        Raises:
            GalleryError: a sighting has no crop, or a damaged one.
        """
        return reembed(self._database, embed, model, batch, progress)

    def add_caption_vectors(self, tracklet: str, vectors: Floats, *, model: str, space: str) -> None:
        """Give a tracklet the vectors of its captions; where it has some of this model, nothing changes.

        Args:
            tracklet: its id.
            vectors: ``(N, D)`` float32, L2-normalised, in the order of the captions.
            model: id of the text encoder.
            space: that the text encoder aims at.

        Raises:
            ModelMismatchError: the gallery is of another space.
            UsageError: there is no such tracklet, or the vectors do not fit the space.
        """
        with self._database.write() as session:
            check_space(session, space, VectorKind.CAPTION)
            vector_rows.add_caption_vectors(session, space, model, tracklet, vectors)

    # Searching

    def check_space(self, space: str) -> None:
        """Make sure that the gallery is of this space, or of none yet.

        Raises:
            ModelMismatchError: its vectors lie in another.
        """
        with self._database.read() as session:
            check_space(session, space)

    def adopt_space(self, space: str) -> None:
        """Make this the gallery's space where it has none yet, so that nobody adds vectors of another.

        Raises:
            ModelMismatchError: its vectors lie in another.
        """
        with self._database.write() as session:
            check_space(session, comparing_space(session, space))
            if active_space(session) is None:
                set_active_space(session, space)

    def index_lag(self, space: str) -> int:
        """Changes of the vectors that this process's index of crops has not applied yet; the next use does.

        None on PostgreSQL, where vectors are compared in the database, nor before the first use.
        """
        return self._indexes.lag(space)

    def wait_for_graph(self) -> None:
        """Until the graph by which many vectors are searched holds them; till then all are looked at."""
        self._indexes.wait()

    def search(
        self,
        queries: Floats,
        space: str,
        k: int = 10,
        where: SearchFilter | None = None,
        kind: VectorKind = VectorKind.CROP,
    ) -> Hits:
        """The ``k`` most similar vectors of a kind, of those that pass the filter.

        Exact, unless more vectors pass than the gallery was opened with: then nearly all of the best.

        Args:
            queries: ``(Q, D)`` float32, L2-normalised.
            space: of the queries.
            k: how many for each query.
            where: which vectors to look at, by the sighting or the tracklet they are of; all by default.
            kind: of the vectors to look at.

        Raises:
            ModelMismatchError: the gallery is of another space.
            UsageError: the queries are of another size or not finite, or ``k`` is below 1.
        """
        with self._indexes.reading(space, kind) as (session, store):
            return store.search(session, queries, k, where)

    def count_identities(
        self, space: str, where: SearchFilter | None = None, kind: VectorKind = VectorKind.CROP
    ) -> int:
        """How many identities a search with this filter looks at.

        Raises:
            ModelMismatchError: the gallery is of another space.
        """
        with self._indexes.reading(space, kind) as (session, store):
            return store.identities(session, where or SearchFilter())

    def reading(
        self, space: str, kind: VectorKind = VectorKind.CROP, within: Session | None = None
    ) -> InStep:
        """A reading transaction, or the one of another block around, and a kind's vectors in step with it.

        Raises:
            ModelMismatchError: the gallery is of another space.
        """
        return self._indexes.reading(space, kind, within)

    def writing(self, space: str) -> InStep:
        """A writing transaction and the crops' vectors in step with it, for `writing.add_tracklet`.

        What else is written in the session is committed with them; where the block raises, nothing is kept
        of either. Other writers wait meanwhile, of whatever process: nothing slow belongs inside.

        Args:
            space: whose vectors are written.

        Raises:
            ModelMismatchError: the gallery is of another space.
        """
        return self._indexes.writing(space)
