"""What a worker does beside the work: retention, one worker at a time, and checkpoints of the audit log."""

import logging
import threading
import time
from collections.abc import Callable

from reid_core.audit.event import AuditEvent
from reid_core.audit.keeping import Checkpointing
from reid_core.audit.trail import Trail, is_begun
from reid_core.errors import NightreidError
from reid_core.gallery import Gallery
from reid_core.gallery.lease import LeaseLostError
from reid_core.retention.enforcing import BLOBS, CHANGED, Retention
from reid_core.retention.errors import RetentionBusyError
from reid_core.retention.rules import RetentionRules, before, kept_rules
from stream.worker.config import WorkerSettings

_LOG = logging.getLogger(__name__)
_TURN_SECONDS = 1.0
# A holder that died is silent by then.
_AGAIN_SECONDS = 90.0


class Housekeeper:
    """A thread that keeps the gallery as its rules say.

    What fails is logged and tried again when it is time again: the work goes on.

    Args:
        gallery: to keep.
        settings: of the worker.
        holder: name of this worker.
        clock: seconds that only go up.

    Raises:
        AuditKeyError: the settings have rules, and the audit log that proves them has no key.
    """

    def __init__(
        self,
        gallery: Gallery,
        settings: WorkerSettings,
        holder: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gallery = gallery
        self._settings = settings
        self._holder = holder
        self._stop = threading.Event()
        self._clock = clock
        self._due = clock()
        self._keeping: Checkpointing | None = None
        self._trail: Trail | None = None
        self._retention: Retention | None = None
        self._blobs = 0
        if settings.retention is not None:
            self._open()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End after what is in hand."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def note_blobs(self, count: int) -> None:
        """Have the audit log tell of blobs that were removed, where there is one; called by one thread."""
        self._blobs += count

    def _run(self) -> None:
        while True:
            self.turn()
            if self._stop.wait(_TURN_SECONDS):
                return

    def turn(self) -> None:
        """Do what is due."""
        try:
            if self._keeping is not None:
                self._keeping.turn()
            if self._clock() >= self._due:
                self._due = self._clock() + 60 * self._settings.retention_minutes
                self._look_after()
        except (RetentionBusyError, LeaseLostError) as error:
            _LOG.info("%s", error)
            self._due = min(self._due, self._clock() + _AGAIN_SECONDS)
        except NightreidError as error:
            _LOG.warning("Retention and checkpoints wait: %s", error)
        except Exception:
            # A thread that ended would say nothing, and nothing would be removed any more.
            _LOG.exception("Retention and checkpoints wait for what was not foreseen.")

    def _look_after(self) -> None:
        rules = self._settings.retention
        if rules is None:
            with self._gallery.database.read() as session:
                kept = kept_rules(session)
            if kept == RetentionRules():
                # Nothing goes; a log that somebody began is noted all the same.
                if is_begun(self._gallery.database):
                    self._open()
                return
        trail = self._open()
        actor = f"system:{self._holder}"
        if self._retention is None:
            self._retention = Retention(self._gallery, trail, actor, self._holder, steady=self._clock)
        retention = self._retention
        if rules is not None:
            retention.change(rules, AuditEvent(CHANGED, actor, "settings of the worker"))
        blobs, days = self._blobs, self._settings.blob_hours / 24
        retention.note(BLOBS, days, before(days, time.time_ns()), blobs)
        self._blobs -= blobs
        for one in retention.enforce(self._stop.is_set):
            _LOG.info(
                "Retention: %d %s%s older than %g days removed.",
                one.count,
                one.what,
                f" of {one.camera}" if one.camera is not None else "",
                one.days,
            )

    def _open(self) -> Trail:
        if self._trail is None:
            database, settings = self._gallery.database, self._settings.audit
            self._trail = Trail.of(database, settings.key_file)
            self._keeping = Checkpointing(database, self._trail, settings, tell=settings.topic)
        return self._trail
