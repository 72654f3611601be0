"""Uses of a gallery from the command line: who they are by, what they must state, that they are logged."""

import getpass
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from reid_core.errors import SecondPersonError, UsageError

if TYPE_CHECKING:
    # Commands name these options before anything heavy is imported.
    from sqlalchemy.orm import Session

    from reid_core.audit.policy import UsePolicy
    from reid_core.audit.settings import AuditSettings
    from reid_core.gallery.database import Database

PurposeOption = Annotated[
    str | None,
    typer.Option(
        "--purpose",
        envvar="NIGHTREID_PURPOSE",
        show_envvar=False,
        help="Why, for the audit log; or NIGHTREID_PURPOSE.",
    ),
]
CaseOption = Annotated[
    str | None,
    typer.Option(
        "--case",
        envvar="NIGHTREID_CASE",
        show_envvar=False,
        help="Reference of the case, for the audit log; or NIGHTREID_CASE.",
    ),
]


@dataclass(frozen=True, slots=True)
class LocalUse:
    """One command that uses a gallery.

    Attributes:
        purpose: why, where it is stated.
        case: of which case.
    """

    purpose: str | None = None
    case: str | None = None

    def or_else(self, reason: str) -> "LocalUse":
        """The same with a reason that the command asks for itself, where no purpose is stated."""
        return replace(self, purpose=self.purpose or reason or None)

    def record(
        self,
        database: "Database",
        action: str,
        subject: Mapping[str, object] | None = None,
        details: Mapping[str, object] | None = None,
        session: "Session | None" = None,
    ) -> int:
        """Write down what is done, before its result is shown.

        Args:
            database: of the gallery.
            action: a short dotted word.
            subject: ids alone.
            details: what is personal.
            session: of the writing transaction in which it is done, where it changes something.

        Returns:
            the number of the audit log's row.

        Raises:
            PurposeNeededError: the gallery's policy asks for what is not stated.
            SecondPersonError: it asks for a second person.
            AuditKeyError: the log's key is missing, or another one.
        """
        from sqlalchemy import event as events

        from reid_core.audit.event import AuditEvent
        from reid_core.audit.trail import Trail

        self.check(database, action, session)
        trail = Trail.of(database)
        event = AuditEvent(action, local_actor(), self.purpose, self.case, subject or {}, details or {})
        number = trail.append(event, session)
        if session is None:
            note_checkpoint(database)
        else:
            # Before its end the row may still go, and a checkpoint would say that it was cut off.
            events.listen(session, "after_commit", lambda _: note_checkpoint(database), once=True)
        return number

    def check(self, database: "Database", action: str, session: "Session | None" = None) -> None:
        """Make sure of what the gallery's policy asks for; `record` does so too, if late.

        Raises:
            PurposeNeededError: it is not stated.
            SecondPersonError: a second person has to agree, and a command is of one.
        """
        from reid_core.audit.policy import kept_policy

        if session is not None:
            policy = kept_policy(session)
        else:
            with database.read() as own:
                policy = kept_policy(own)
        if policy.two_persons and _needs_two(policy, action):
            raise SecondPersonError(
                f"This ({action}) needs the agreement of a second person, and a command is of one.",
                "Do it in the console (`nightreid serve`), where it is proposed and another account agrees.",
            )
        policy.check(action, self.purpose, self.case, "State it with --purpose.", "State it with --case.")


def _needs_two(policy: "UsePolicy", action: str) -> bool:
    # It knows all that can be proposed, which takes long to import: few policies ask.
    from console.two_persons import needs_two

    return needs_two(policy, action)


def note_checkpoint(database: "Database", settings: "AuditSettings | None" = None) -> None:
    """Write down where the audit log of a gallery ends, behind what a command did.

    Args:
        database: of the gallery.
        settings: of the log; those of the environment by default.

    Raises:
        AuditKeyError: the log's key is missing, or another one.
        StorageError: the file of checkpoints cannot be written.
    """
    from reid_core.audit.keeping import Checkpointing
    from reid_core.audit.settings import AuditSettings
    from reid_core.audit.trail import Trail

    settings = settings or AuditSettings()
    Checkpointing(database, Trail.of(database, settings.key_file), settings).turn()


def local_actor() -> str:
    """Who uses this machine, as the audit log names them.

    Raises:
        UsageError: the machine does not know.
    """
    with suppress(KeyError, OSError, ImportError):
        return f"local:{getpass.getuser()}"
    raise UsageError(
        f"This machine does not know its user (number {os.getuid()}), whom the audit log names.",
        "Set the variable USER.",
    )
