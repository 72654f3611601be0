"""Descriptions as witnesses word them, beside plain ones, and what each content word is to be read as."""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

FILE = Path(__file__).parents[1] / "reid_core/words/reworded_queries.yaml"
_MARKED = re.compile(r"\[([^\]=]+)=([^\]]+)\]")


@dataclass(frozen=True)
class Mark:
    """A content word or phrase and what it is to be read as.

    Attributes:
        words: as they stand in the query.
        start: where, in characters.
        readings: any of these will do; all of one's values must be read, ``!`` before one that is denied.
            None at all: nothing that can be searched for.
    """

    words: str
    start: int
    readings: tuple[frozenset[str], ...]

    @property
    def end(self) -> int:
        return self.start + len(self.words)


@dataclass(frozen=True)
class Reworded:
    """A query of the list: its kind of difficulty, the plain description, the query and its content words."""

    kind: str
    plain: str
    query: str
    marks: tuple[Mark, ...]


def reworded_queries() -> tuple[Reworded, ...]:
    """All of them, in the order of the file."""
    said = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return tuple(_read(kind, **entry) for kind, entries in said.items() for entry in entries)


def _read(kind: str, plain: str, query: str) -> Reworded:
    text, marks, at = "", [], 0
    for found in _MARKED.finditer(query):
        text += query[at : found.start()]
        readings = tuple(
            frozenset() if one == "-" else frozenset(one.split("+")) for one in found[2].split("|")
        )
        marks.append(Mark(found[1], len(text), readings))
        text += found[1]
        at = found.end()
    return Reworded(kind, plain, text + query[at:], tuple(marks))


def words_of(text: str) -> list[str]:
    """Its words in lower case; what a hyphen joins is several."""
    return re.findall(r"[a-z0-9.]+(?:'[a-z]+)?", text.lower())
