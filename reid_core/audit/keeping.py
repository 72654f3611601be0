"""Checkpoints of the audit log, written when a service starts and every so often while it is at work."""

import time
from collections.abc import Callable

from reid_core.audit.checkpoints import Checkpoint, CheckpointFile
from reid_core.audit.settings import AuditSettings
from reid_core.audit.trail import Trail
from reid_core.gallery.database import Database
from reid_core.gallery.outbox import AUDIT_CHECKPOINT, put_event

_SUBJECT = "audit"


class Checkpointing:
    """Writes where a log ends to a file, and tells it to whoever follows the outbox.

    Args:
        database: of the gallery.
        trail: its log.
        settings: where the file is, and how often.
        tell: whether to put an event into the outbox, for a topic.
        clock: seconds that only go up.
    """

    def __init__(
        self,
        database: Database,
        trail: Trail,
        settings: AuditSettings,
        tell: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._trail = trail
        path = settings.checkpoint_file(database)
        self._file = CheckpointFile(path) if path is not None else None
        self._tell = tell
        self._seconds = 60 * settings.checkpoint_minutes
        self._clock = clock
        self._due = clock()

    def turn(self) -> Checkpoint | None:
        """Write one where it is time, as it is at the first call.

        Returns:
            it; ``None`` where it is not time, or nothing was ever logged.

        Raises:
            AuditKeyError: the log is kept with another key.
            StorageError: the file cannot be written; it is tried again when it is time again.
        """
        now = self._clock()
        if now < self._due:
            return None
        self._due = now + self._seconds
        checkpoint = self._trail.checkpoint()
        if checkpoint is None:
            return None
        if self._file is not None:
            self._file.append(checkpoint)
        if self._tell:
            with self._database.write() as session:
                put_event(session, AUDIT_CHECKPOINT, _SUBJECT, checkpoint.as_json(), checkpoint.time_ns)
        return checkpoint
