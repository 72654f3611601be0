"""The fault table as a page: what is done, what is promised, what was measured."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

COMMAND = "make faults"
_HEAD = f"""# Faults

Each row is a test: a fault is injected while workers run against a real Kafka broker and a real database,
and the guarantee is asserted, the recovery time included. Afterwards, unless the row says otherwise:

* the gallery holds the rows of an undisturbed run on the same footage, in every column;
* every event of it is on its topic exactly once and in order;
* nothing is left waiting, and there is no dead letter but the expected ones.

"Within" is the guaranteed time from the fault, or from its end if the row says so, to the recovery;
"measured" is what it took when this page was written. `{COMMAND}` runs the rows and writes this page.
"""
_COLUMNS = ("Fault", "How it is injected", "Guarantee", "Within", "Measured", "Result")
PASSED = "passed"


@dataclass(frozen=True)
class Row:
    """One row; ``measured_s`` and ``result`` are of the last run.

    Attributes:
        kind: heading under which it stands.
        row: what happens.
        injected: how it is brought about.
        promise: what must hold afterwards.
        bound_s: how long the recovery may take.
        measured_s: how long it took.
        result: ``passed``, or whatever else.
    """

    kind: str
    row: str
    injected: str
    promise: str
    bound_s: float
    measured_s: float | None = None
    result: str = "not run"

    @property
    def told(self) -> tuple[str, str, str, str, float]:
        """What does not change from run to run."""
        return self.kind, self.row, self.injected, self.promise, self.bound_s


def page(rows: Iterable[Row]) -> str:
    """The whole page, kinds in the order in which they first come."""
    rows = list(rows)
    order = list(dict.fromkeys(row.kind for row in rows))
    rows.sort(key=lambda row: order.index(row.kind))
    passed = sum(row.result == PASSED for row in rows)
    parts = [_HEAD, f"{passed} of {len(rows)} rows passed.\n"]
    for kind, group in groupby(rows, key=lambda row: row.kind):
        parts.append(f"## {kind}\n")
        lines = [_line(_COLUMNS), _line(["---"] * 3 + ["---:"] * 2 + ["---"]), *map(_row, group)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def rows_on(text: str) -> list[Row]:
    """The rows of a page."""
    found, kind = [], ""
    for line in text.splitlines():
        if line.startswith("## "):
            kind = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("|") else []
        if len(cells) != len(_COLUMNS) or cells[0] == _COLUMNS[0] or set(cells[0]) == {"-"}:
            continue
        row, injected, promise, bound, measured, result = cells
        seconds = float(measured.removesuffix(" s")) if measured.endswith(" s") else None
        result = result.strip("*")
        found.append(Row(kind, row, injected, promise, float(bound.removesuffix(" s")), seconds, result))
    return found


def _row(row: Row) -> str:
    measured = f"{row.measured_s:.1f} s" if row.measured_s is not None else "–"
    # What did not pass must not look as if it had.
    result = row.result if row.result == PASSED else f"**{row.result.upper()}**"
    return _line([row.row, row.injected, row.promise, f"{row.bound_s:g} s", measured, result])


def _line(cells: Iterable[str]) -> str:
    cells = list(cells)
    assert not any("|" in cell or "\n" in cell for cell in cells), cells
    return f"| {' | '.join(cells)} |"
