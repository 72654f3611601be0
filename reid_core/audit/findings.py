"""What checking an audit log found."""

from dataclasses import dataclass
from enum import StrEnum


class Wrong(StrEnum):
    """What was done to a log behind its back."""

    EDITED = "edited"
    REMOVED = "removed"
    INSERTED = "inserted"
    CUT_OFF = "cut off"
    REPLACED = "replaced"
    DETAIL = "detail"
    HEAD = "head"
    CHECKPOINT = "checkpoint"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong.

    Attributes:
        wrong: what was done.
        first: number of the first row that it was done to; ``None`` where it is of none.
        last: of the last one.
        message: one sentence.
    """

    wrong: Wrong
    first: int | None
    last: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking found.

    Attributes:
        rows: that are there.
        forgotten: parts of rows that were forgotten, as the log says.
        checkpoints: that were compared.
        last: number that the log says it ends at.
        hash: of its last row.
        notices: what was done as it should be and is worth knowing: that it was sealed anew.
        findings: what is wrong; nothing in a whole log.
    """

    rows: int
    forgotten: int
    checkpoints: int
    last: int
    hash: str
    notices: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings
