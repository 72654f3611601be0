"""The logic of ``nightreid audit``."""

import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from console.failing import check_writable
from console.identity import open_gallery
from console.local_use import LocalUse, local_actor
from console.progress import ProgressBars
from console.statuses import WRONG
from console.when import time_range
from reid_core.audit.checkpoints import Checkpoint, CheckpointFile
from reid_core.audit.event import AuditEvent
from reid_core.audit.exporting import ExportForm, exported
from reid_core.audit.findings import Verification
from reid_core.audit.keeping import Checkpointing
from reid_core.audit.reading import AuditFilter, entries_in_order
from reid_core.audit.settings import AuditSettings
from reid_core.audit.spans import told
from reid_core.audit.trail import Trail
from reid_core.errors import StorageError, UsageError
from reid_core.gallery.database import Database


def verify_command(url: str, files: Sequence[Path], as_json: bool) -> int:
    """Check a log and print what is wrong.

    Returns:
        0 where it is whole, 1 where it is not.

    Raises:
        AuditKeyError: the key is missing, or another one.
        AuditError: a file of checkpoints holds something else.
    """
    with open_gallery(url) as gallery, ProgressBars(ends=True) as bars:
        noted = _checkpoints(gallery.database, files)
        trail = Trail.of(gallery.database)
        done = trail.verify(noted, lambda so_far, all_: bars.show("rows", so_far, all_, ""))
    if as_json:
        print(json.dumps({"whole": done.whole, **asdict(done)}, indent=2))
    else:
        _print(done)
    return 0 if done.whole else WRONG


def _print(done: Verification) -> None:
    for notice in done.notices:
        print(notice)
    for one in done.findings:
        print(f"{one.wrong}: {one.message}")
    against = f"{done.checkpoints} checkpoint{'s' * (done.checkpoints != 1)}"
    parts = f"{done.forgotten} forgotten detail{'s' * (done.forgotten != 1)}"
    state = "whole" if done.whole else f"NOT whole, {len(done.findings)} findings"
    print(f"audit log {state}: {done.rows} rows, {parts}, compared with {against}")
    if not done.checkpoints and done.rows:
        print("Without a checkpoint kept elsewhere, rows cut off at the end do not show.")


def export_command(
    url: str, out: Path | None, form: str, since: str | None, until: str | None, use: LocalUse
) -> int:
    """Write a log out.

    Returns:
        0.

    Raises:
        UsageError: a time is none.
        PurposeNeededError: the policy asks for a purpose.
        StorageError: the file cannot be written.
    """
    first, last, hours = time_range(since, until)
    if hours is not None:
        raise UsageError("An export is of a stretch of time, not of times of day.", "Give dates, too.")
    if out is not None:
        check_writable(out)
    with open_gallery(url) as gallery:
        asked = {"since_ns": first, "until_ns": last, "form": form}
        number = use.record(gallery.database, "audit.export", subject=asked)
        rows = entries_in_order(gallery.database, AuditFilter(first, last), number)
        with _opened(out) as opened:
            for text in exported(rows, ExportForm(form)):
                opened.write(text)
    return 0


def reseal_command(url: str, files: Sequence[Path], use: LocalUse, as_json: bool) -> int:
    """Go on with a log that a restored backup set back.

    Returns:
        0.

    Raises:
        UsageError: no purpose is stated.
        AuditError: no row is missing by the checkpoints.
    """
    if not use.purpose:
        raise UsageError("Sealing a log anew needs the reason.", "State it with --purpose.")
    with open_gallery(url) as gallery:
        database = gallery.database
        noted = _checkpoints(database, files)
        if not noted:
            raise UsageError("There is no checkpoint that says what is lost.", "Name it with --checkpoints.")
        last = max(noted, key=lambda one: (one.era, one.number))
        trail = Trail.of(database)
        number = trail.reseal(last, AuditEvent("audit.reseal", local_actor(), use.purpose, use.case))
        Checkpointing(database, trail, AuditSettings()).turn()
    lost = [*range(number, last.number + 1)]
    if as_json:
        print(json.dumps({"number": number, "kept": number - 1, "lost": last.number}, indent=2))
    else:
        print(f"row {number} says that rows {told(lost) or 'none'} of before are lost")
    return 0


def _checkpoints(database: Database, files: Sequence[Path]) -> tuple[Checkpoint, ...]:
    for file in files:
        if not file.exists():
            raise UsageError(f"There is no file of checkpoints {file}.")
    own = AuditSettings().checkpoint_file(database)
    named = files or ([own] if own is not None else [])
    return tuple(one for file in named for one in CheckpointFile(file).read())


def _opened(out: Path | None) -> AbstractContextManager[TextIO]:
    if out is None:
        return nullcontext(sys.stdout)
    try:
        return out.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise StorageError(f"The file {out} cannot be written: {error.strerror}.") from None
