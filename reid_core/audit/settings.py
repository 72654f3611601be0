"""Settings of the audit log: of the console, of workers and of the command line alike."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from reid_core.config import Settings
from reid_core.gallery.database import Database

CHECKPOINTS_VARIABLE = "NIGHTREID_AUDIT_CHECKPOINTS"


class AuditSettings(Settings):
    """The audit log.

    Attributes:
        key_file: that holds the key of its chain, made where it is missing; see `reid_core.audit.keys` for
            what is taken without it.
        checkpoints: file to which is written where the log ends; best on another disk or machine.
            By default ``gallery.db.audit-checkpoints`` beside an SQLite file, and none for a server.
        checkpoint_minutes: how often, where a service is at work; at each start besides.
        topic: whether workers tell it on the topic ``audit``, too.
    """

    key_file: Path | None = None
    checkpoints: Path | None = None
    checkpoint_minutes: float = Field(default=15.0, gt=0)
    topic: bool = False

    def checkpoint_file(
        self, database: Database, environment: Mapping[str, str] | None = None
    ) -> Path | None:
        """The file of a gallery's checkpoints; the variable ``NIGHTREID_AUDIT_CHECKPOINTS`` comes first."""
        named = (os.environ if environment is None else environment).get(CHECKPOINTS_VARIABLE)
        if named:
            return Path(named)
        if self.checkpoints is not None or database.file is None:
            return self.checkpoints
        return database.file.with_name(f"{database.file.name}.audit-checkpoints")
