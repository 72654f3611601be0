"""Whoever was erased is erased again where a backup brought them back, before anybody is answered."""

import logging
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.audit.errors import AuditKeyError
from reid_core.audit.trail import Trail
from reid_core.erasure.auditing import Auditing, rows_about
from reid_core.erasure.gone import Gone, all_of
from reid_core.erasure.letters import empty_dead_letters, stretches_of
from reid_core.erasure.removing import remove
from reid_core.erasure.service import put_erasure
from reid_core.erasure.tidying import TIDY_DUE, due, tidy
from reid_core.errors import NightreidError
from reid_core.gallery.correction_rows import CorrectedRow
from reid_core.gallery.database import Database
from reid_core.gallery.erased import Erased, erasure_key, keep_key, recognised
from reid_core.gallery.erasure_rows import ErasedRow, ErasureRow
from reid_core.gallery.erasures_file import ErasureEntry, append_erasures, key_beside, read_erasures
from reid_core.gallery.schema import IdentityRow, MetaRow, StagedRow, TrackletRow
from reid_core.gallery.store import Gallery
from reid_core.gallery.streams import TRACKLET
from reid_core.gallery.watch_rows import AlertRow, WatchRow

_LATELY_NS = 600 * 10**9
_ACTOR = "system:restored"
_LOG = logging.getLogger(__name__)


def replay(gallery: Gallery) -> int:
    """Bring a gallery and the file of its erasures in step.

    Erasures that the gallery does not know, because it was restored from before them, are done again. Those
    that the file does not know, because it was lost, are written there.

    Args:
        gallery: that nobody uses yet; its file of erasures is there.

    Returns:
        how many tracklets were erased again.

    Raises:
        GalleryError: the file or its key is damaged, gone or another gallery's.
        StorageError: it cannot be read or written.
    """
    file = gallery.erasures
    assert file is not None
    noted = read_erasures(file)
    with gallery.database.read() as session:
        there = _names(session)
    if there - {one.name for one in noted}:
        _note_missing(gallery.database, file)
    if not {one.name for one in noted} - there:
        _finish(gallery)
        return 0
    return _erase_again(gallery, noted, file)


def _note_missing(database: Database, file: Path) -> None:
    """Write down what the file does not know."""
    # In a writer's turn, as whoever erases does: services that start together note it once.
    with database.write() as session:
        missing = _names(session) - {one.name for one in read_erasures(file)}
        if missing:
            key_beside(file, erasure_key(session))
            append_erasures(file, _stored(session, missing))


def _erase_again(gallery: Gallery, noted: Sequence[ErasureEntry], file: Path) -> int:
    now_ns = time.time_ns()
    with gallery.indexes.erasing() as session:
        # Another process that opens the gallery may have been first, and a line may be there twice.
        there = _names(session)
        ahead = [*{one.name: one for one in noted if one.name not in there}.values()]
        if not ahead:
            return 0
        keep_key(session, key_beside(file, erasure_key(session)))
        for entry in ahead:
            put_erasure(session, entry, {})
        session.flush()
        tracklets = recognised(session, Erased.TRACKLET, _tracklets(session))
        identities = recognised(session, Erased.IDENTITY, _identities(session))
        gone = all_of(session, tracklets, identities)
        if gone.tracklets or gone.identities:
            empty_dead_letters(session, stretches_of(session, gone.tracklets))
            remove(session, gone, now_ns)
            _forget(session, gallery.database, ahead, gone)
            due(session, now_ns)
    if gone.tracklets or gone.identities:
        _tidy(gallery)
    _LOG.warning(
        "The gallery %s is older than %d erasures: %d tracklets were erased again.",
        gallery.name,
        len(ahead),
        len(tracklets),
    )
    return len(tracklets)


def _names(session: Session) -> set[str]:
    """The erasures that the gallery knows."""
    return set(session.scalars(select(ErasureRow.name)))


def _forget(session: Session, database: Database, ahead: Sequence[ErasureEntry], gone: Gone) -> None:
    """Forget what the audit log says of them, where this process may write to it."""
    if not rows_about(session, gone):
        return
    try:
        auditing = Auditing(Trail.of(database), _ACTOR)
        auditing.forget(session, ahead[-1].name, gone)
    except AuditKeyError as error:
        _LOG.warning("What the audit log says of who was erased stays: %s", error)


def _finish(gallery: Gallery) -> None:
    """Tidy up behind whoever erased and did not live to."""
    with gallery.database.read() as session:
        row = session.get(MetaRow, TIDY_DUE)
    # Whoever erased lately may be at it.
    if row is not None and time.time_ns() - int(row.value) >= _LATELY_NS:
        _tidy(gallery)


def _tidy(gallery: Gallery) -> None:
    """Have no file hold anybody who was erased; what fails is said, and done on an opening later on."""
    try:
        gallery.indexes.forget()
        tidy(gallery.database)
        with gallery.database.write() as session:
            due(session, None)
    except NightreidError as error:
        _LOG.warning("The files of %s may still hold somebody who was erased: %s", gallery.name, error)


def _tracklets(session: Session) -> set[str]:
    """Ids of all tracklets that anything speaks of."""
    staged = select(StagedRow.subject).where(StagedRow.kind == TRACKLET)
    chosen = (select(TrackletRow.id), staged, select(CorrectedRow.tracklet_id), select(AlertRow.tracklet_id))
    return {one for each in chosen for one in session.scalars(each)}


def _identities(session: Session) -> set[str]:
    watched = select(WatchRow.identity).where(WatchRow.identity.is_not(None))
    found = {*session.scalars(select(IdentityRow.id)), *session.scalars(watched)}
    return {one for one in found if one is not None}


def _stored(session: Session, names: Collection[str]) -> list[ErasureEntry]:
    """Erasures as the database knows them, in order."""
    chosen = select(ErasureRow).where(ErasureRow.name.in_(sorted(names))).order_by(ErasureRow.id)
    found = []
    for row in session.scalars(chosen).all():
        prints: dict[Erased, list[str]] = {}
        theirs = select(ErasedRow).where(ErasedRow.erasure_id == row.id).order_by(ErasedRow.fingerprint)
        for one in session.scalars(theirs):
            prints.setdefault(Erased(one.kind), []).append(one.fingerprint)
        found.append(ErasureEntry(row.name, row.created_ns, row.actor, row.audit, prints))
    return found
