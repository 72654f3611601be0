"""Somebody is erased: out of every table, index and page, and noted so that they do not come back."""

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import insert
from sqlalchemy.orm import Session

from reid_core.erasure.auditing import Auditing
from reid_core.erasure.choosing import Plan, plan
from reid_core.erasure.gone import Gone, all_of
from reid_core.erasure.holds import check_free
from reid_core.erasure.letters import Stretch, empty_dead_letters, stretches_of
from reid_core.erasure.removing import remove
from reid_core.erasure.tidying import due, tidy
from reid_core.errors import NightreidError, UsageError
from reid_core.gallery.erased import Erased, erasure_key, fingerprint, keep_key, known
from reid_core.gallery.erasure_rows import ErasedRow, ErasureRow
from reid_core.gallery.erasures_file import VARIABLE, ErasureEntry, append_erasures, key_beside
from reid_core.gallery.schema import table_of
from reid_core.gallery.store import Gallery
from reid_core.sealing import SealingKeyError


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was done.

    Attributes:
        name: of the erasure, by which the ledger knows it.
        tracklets: how many went.
        sightings: how many crops.
        counts: by table, how many rows went or were changed.
        audit: number of the audit row, if one was written.
        left: what is left of them where, and until when; one sentence each.
        gone: the ids and crops, for whoever proves it; not kept anywhere.
        stretches: when they were in which camera's pictures, for whoever removes frames; not kept either.
    """

    name: str
    tracklets: int
    sightings: int
    counts: Mapping[str, int]
    audit: int | None
    left: tuple[str, ...]
    gone: Gone
    stretches: tuple[Stretch, ...]


class Erasing:
    """Erases people from a gallery.

    It takes the turn of a writer, as admission does: nothing half erased is ever seen, and what others were
    about to write of them is refused afterwards.

    Args:
        gallery: that holds them.
        auditing: writes the audit row; without it there is none.
        clock: the time of day, UTC nanoseconds.
    """

    def __init__(
        self,
        gallery: Gallery,
        auditing: Auditing | None = None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._gallery = gallery
        self._auditing = auditing
        self._clock = clock

    def erase(self, chosen: Plan, actor: str, whole: bool = True) -> Erasure:
        """Erase those of a plan, and have nothing of them left in the database's files.

        Who came to a named identity since the plan was made goes with it.

        Args:
            chosen: whom.
            actor: who erases.
            whole: write the database's files anew (`tidying.tidy`).

        Raises:
            HeldError: one of them is under legal hold; nothing was erased.
            UsageError: a server's gallery has no file of erasures, or somebody named is gone by now.
            StorageError: the erasure cannot be noted; nothing was erased.
            SealingKeyError: the key of a crop is not there; nothing was erased.
            DatabaseBusyError: another writer does not end; nothing was erased.
        """
        with self._gallery.indexes.erasing() as session:
            done = self.within(session, chosen, actor)
        return replace(done, left=self.finish(done, whole))

    def within(self, session: Session, chosen: Plan, actor: str) -> Erasure:
        """Erase in a writing transaction of the caller's; `finish` comes behind its end.

        Arguments and errors as of `erase`.
        """
        file = self._gallery.erasures
        if file is None and self._gallery.database.dialect != "sqlite":
            raise UsageError(
                "The erasures of a server's gallery need a file outside the database: a backup from before "
                "would bring back who was erased.",
                f"Name it in {VARIABLE}; every machine that opens the gallery needs it.",
            )
        name, now_ns = str(uuid.uuid4()), self._clock()
        now = plan(session, chosen.identities, chosen.named, chosen.linked)
        names = {one.id for one in (*chosen.tracklets, *now.tracklets)}
        check_free(session, names)
        gone = all_of(session, names)
        _check_known(gone)
        key = keep_key(session, self._key_outside(session))
        prints = fingerprints(key, gone)
        stretches = stretches_of(session, gone.tracklets)
        letters = empty_dead_letters(session, stretches)
        counts = remove(session, gone, now_ns) | ({"refused": letters} if letters else {})
        audit = None
        if self._auditing is not None:
            audit = self._auditing.erased(session, name, gone, counts)
        entry = ErasureEntry(name, now_ns, actor, audit, prints)
        put_erasure(session, entry, counts)
        due(session, now_ns)
        if file is not None:
            # Last, and before the commit: what is noted and not done is done on the next opening.
            append_erasures(file, [entry])
        sizes = len(gone.tracklets), len(gone.sightings)
        return Erasure(name, *sizes, counts, audit, (), gone, stretches)

    def finish(self, done: Erasure, whole: bool = True) -> tuple[str, ...]:
        """Have no file hold anything of them; returns what is left, as `Erasure.left`.

        Where that fails, as another program holds the database or its disk is full, that is said, and it is
        done on an opening later on: they are erased by then, and what comes behind must come.
        """
        try:
            self._gallery.indexes.forget()
            left = tidy(self._gallery.database, {*done.counts, "audit_parts"}, whole)
            with self._gallery.database.write() as session:
                due(session, None)
        except NightreidError as error:
            left = [f"The pages of the database, until `nightreid erase --tidy` is run: {error.message}"]
        return tuple(left)

    def _key_outside(self, session: Session) -> bytes | None:
        """The key beside the file of erasures, made where there is none; it is the gallery's own."""
        file = self._gallery.erasures
        return key_beside(file, erasure_key(session)) if file is not None else None


def _check_known(gone: Gone) -> None:
    """See that each crop can be read: one that cannot would come back under another name."""
    if gone.lacking:
        key = min(gone.lacking)
        raise SealingKeyError(
            f"Crops of them are encrypted with the key {key}, which is not there: nothing was erased.",
            f"Put it back. If it was destroyed: nightreid crops forget {key}",
        )


def fingerprints(key: bytes, gone: Gone) -> dict[Erased, list[str]]:
    """Of all that must not come again, sorted."""
    return {
        Erased.TRACKLET: sorted(fingerprint(key, Erased.TRACKLET, one) for one in gone.tracklets),
        Erased.IDENTITY: sorted(fingerprint(key, Erased.IDENTITY, one) for one in gone.identities),
        Erased.CROP: sorted({fingerprint(key, Erased.CROP, one) for one in gone.crops}),
    }


def put_erasure(session: Session, entry: ErasureEntry, counts: Mapping[str, int]) -> None:
    """Note an erasure in the database, inside its transaction; what is known already stays as it is."""
    values = {
        "name": entry.name,
        "created_ns": entry.time_ns,
        "actor": entry.actor,
        "audit": entry.audit,
        "counts": dict(counts),
    }
    number = session.scalar(insert(ErasureRow).values(values).returning(ErasureRow.id))
    for kind, prints in entry.prints.items():
        there = known(session, kind, prints)
        rows = [
            {"kind": str(kind), "fingerprint": one, "erasure_id": number}
            for one in prints
            if one not in there
        ]
        if rows:
            session.execute(insert(table_of(ErasedRow)), rows)
