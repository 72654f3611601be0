"""The logic of ``nightreid retention``."""

import json
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import model_validator

from console.identity import open_gallery
from console.local_use import LocalUse, local_actor, note_checkpoint
from reid_core.audit.event import AuditEvent
from reid_core.audit.trail import Trail
from reid_core.config import Settings, load_config
from reid_core.retention.enforcing import CHANGED, Removed, Retention
from reid_core.retention.reporting import Line, report
from reid_core.retention.rules import RetentionRules, kept_rules, rules_json
from stream.run.export import iso_utc


class RetentionFile(Settings):
    """The rules in a worker's file, or in one of their own.

    Attributes:
        retention: the rules; ``null`` for those that the gallery keeps.
    """

    retention: RetentionRules | None = None

    @model_validator(mode="before")
    @classmethod
    def _pass_over_others(cls, values: Any) -> Any:
        from stream.worker.config import WorkerSettings

        others = WorkerSettings.model_fields.keys() - cls.model_fields.keys()
        return {key: value for key, value in values.items() if key not in others}


def enforce_command(
    url: str, config: Path | None, overrides: Sequence[str], use: LocalUse, as_json: bool
) -> int:
    """Remove what is over, and print what went.

    Returns:
        0.

    Raises:
        ConfigError: the rules are not valid.
        RetentionBusyError: a worker is at it, and was for as long as it may be silent.
        AuditKeyError: the audit log cannot be written to; nothing was removed.
    """
    given = load_config(RetentionFile, config, overrides, os.environ).retention
    actor = local_actor()
    with open_gallery(url) as gallery:
        database = gallery.database
        use.check(database, CHANGED)
        retention = Retention(gallery, Trail.of(database), actor, f"{socket.gethostname()}-{os.getpid()}")
        if given is not None:
            retention.change(given, AuditEvent(CHANGED, actor, use.purpose, use.case))
        removed = retention.enforce(wait=True)
        note_checkpoint(database)
        with database.read() as session:
            rules = kept_rules(session)
    if as_json:
        said = {"rules": rules_json(rules), "removed": [_removed_json(one) for one in removed]}
        print(json.dumps(said, indent=2))
        return 0
    for one in removed:
        where = f" of {one.camera}" if one.camera is not None else ""
        print(f"{one.count} {one.what}{where}: older than {one.days:g} days, before {iso_utc(one.before_ns)}")
    if not removed:
        print("nothing is over" if rules != RetentionRules() else "no rules: all is kept for ever")
    return 0


def report_command(url: str, as_json: bool) -> int:
    """Print what is left and what went.

    Returns:
        0.
    """
    with open_gallery(url) as gallery:
        found = report(gallery.database, Trail.of(gallery.database))
    if as_json:
        said = {
            "made": iso_utc(found.made_ns),
            "enforced": _time(found.enforced_ns),
            "lines": [_line_json(one) for one in found.lines],
            "followers": found.followers,
        }
        print(json.dumps(said, indent=2))
        return 0
    for one in found.lines:
        print(_line(one))
    print(f"enforced last: {_time(found.enforced_ns) or 'never'}")
    for name, position in found.followers.items():
        print(f"events behind {position} wait for {name}")
    return 0


def _line(one: Line) -> str:
    """A rule in one line: what is left under it, and what went."""
    rule = "for ever" if one.days is None else f"{one.days:g} days"
    left = f"oldest {_time(one.oldest_ns)}" if one.oldest_ns is not None else "none left"
    over = f" (over{f', {one.held} held' if one.held else ''})" if one.over else ""
    went = f"{one.removed} removed"
    if one.last_ns is not None:
        went += f", last {_time(one.last_ns)} by {one.last_days:g} days"
    return f"{one.camera or '-'}  {one.what}  {rule}  {left}{over}  {went}"


def _time(time_ns: int | None) -> str | None:
    return iso_utc(time_ns) if time_ns is not None else None


def _removed_json(one: Removed) -> dict[str, Any]:
    said = asdict(one)
    return {**said, "before": iso_utc(said.pop("before_ns"))}


def _line_json(one: Line) -> dict[str, Any]:
    said = {name: value for name, value in asdict(one).items() if not name.endswith("_ns")}
    return {**said, "oldest": _time(one.oldest_ns), "last": _time(one.last_ns)}
