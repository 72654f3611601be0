"""The logic of ``nightreid words``: how a description is understood."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from reid_core.words.terms import How, Reading, Understanding
from reid_core.words.understanding import understand

_SOURCES = {
    How.PLAIN: "the captions' own word",
    How.LISTED: "listed",
    How.COLOUR: "colour by its value",
    How.WORDNET: "WordNet",
    How.SPELLING: "spelling",
    How.NUMBER: "age or height",
}


def words_command(text: str, as_json: bool = False) -> None:
    """Print how a description is understood.

    Args:
        text: the description.
        as_json: print one JSON object.

    Raises:
        UsageError: it is empty, too long, or not English.
    """
    found = understand(text)
    if as_json:
        print(json.dumps(asdict(found) | {"told": found.told}, ensure_ascii=False))
        return
    if found.readings:
        console = Console(highlight=False, markup=False)
        console.print(_table(found))
    if found.sentence:
        print(f"Searched for: {found.sentence}")
    else:
        print("None of these words is understood as something to search for.")


def _table(found: Understanding) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("words", "read as", "by"):
        table.add_column(name)
    for reading in found.readings:
        table.add_row(reading.words, *_row(reading))
    return table


def _row(reading: Reading) -> tuple[str, str]:
    if reading.how not in _SOURCES:
        return "", f"{reading.how}{f' ({reading.note})' if reading.note else ''}"
    meant = f" ({reading.note})" if reading.note else ""
    return f"{'no ' * reading.denied}{' and '.join(reading.values)}", f"{_SOURCES[reading.how]}{meant}"
