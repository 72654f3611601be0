"""The audit log for others to read: JSON lines, or CSV for a spreadsheet."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from reid_core.audit.reading import AuditEntry

_FIELDS = ("number", "time", "action", "actor", "purpose", "case", "subject", "details", "forgotten", "hash")
# What a spreadsheet takes for a formula where a cell begins with it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class ExportForm(StrEnum):
    """How rows are written."""

    JSONL = "jsonl"
    CSV = "csv"


def exported(entries: Iterable[AuditEntry], form: ExportForm) -> Iterator[str]:
    """Rows as text, a line or more at a time; a CSV begins with its head."""
    if form is ExportForm.JSONL:
        for entry in entries:
            yield f"{json.dumps(entry_json(entry), ensure_ascii=False)}\n"
        return
    yield _csv_line(_FIELDS)
    for entry in entries:
        said = entry_json(entry)
        yield _csv_line([_cell(said[name]) for name in _FIELDS])


def entry_json(entry: AuditEntry) -> dict[str, Any]:
    """A row as JSON values; its time is ISO 8601 UTC, to the nanosecond."""
    return {
        "number": entry.number,
        "time": _iso(entry.time_ns),
        "action": entry.action,
        "actor": entry.actor,
        "purpose": entry.purpose,
        "case": entry.case,
        "subject": entry.subject,
        "details": entry.details,
        "forgotten": list(entry.forgotten),
        "hash": entry.hash,
    }


def _iso(time_ns: int) -> str:
    moment = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ns % 1_000_000_000:09d}Z"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()
