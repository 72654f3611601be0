"""Figures that papers print, by the protocol that they stand under."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from training.evaluation.protocols import parse_protocol

_FILE = Path(__file__).with_name("published.yaml")


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One row of one paper's table; metrics in 0..1.

    Attributes:
        protocol: id.
        system: its name.
        source: where it is printed.
        r1: rank-1.
        map: mAP.
        minp: mINP, where it is printed.
        note: what its authors did beyond the protocol.
    """

    protocol: str
    system: str
    source: str
    r1: float
    map: float
    minp: float | None
    note: str


@cache
def published_rows() -> tuple[PublishedRow, ...]:
    """All rows at hand, in the order of the file."""
    return tuple(
        PublishedRow(
            protocol=parse_protocol(row["protocol"]).id,
            system=row["system"],
            source=row["source"],
            r1=row["r1"] / 100,
            map=row["map"] / 100,
            minp=row["minp"] / 100 if "minp" in row else None,
            note=row.get("note", ""),
        )
        for row in yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    )
