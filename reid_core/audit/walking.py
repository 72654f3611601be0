"""One way through the rows of a chain: where it was broken, and how.

A row carries its number, and its hash is over that number and over the hash of the row before. One that does
not verify may have been edited, or inserted, or numbered anew because one before it was removed: the rows
behind it tell which.
"""

from dataclasses import dataclass, field

from reid_core.audit.findings import Finding, Wrong
from reid_core.audit.rows import AuditRow
from reid_core.audit.sealing import Sealed, row_hash, same
from reid_core.audit.spans import told

# As which number a row may have been written that was numbered anew, and of how many rows that is tried.
_FARTHEST = 2000
_TRIED = 50


def sealed(row: AuditRow) -> Sealed:
    """The fields of a row that its hash is over."""
    return Sealed(
        number=row.number,
        time_ns=row.time_ns,
        action=row.action,
        actor=row.actor,
        subject=row.subject,
        purpose_digest=row.purpose_digest,
        details_digest=row.details_digest,
        previous=row.previous,
    )


@dataclass
class Walk:
    """How far one has come.

    Args:
        key: of the chain.
        chain: its name.
        end: the number that its head says it ends at.

    Attributes:
        findings: so far.
        rows: seen.
    """

    key: bytes
    chain: str
    end: int
    findings: list[Finding] = field(default_factory=list)
    rows: int = 0
    # The number and the hash of the row before, as it was written; no hash where it is not known.
    _number: int = 0
    _hash: str | None = None
    # By how much rows stand behind the number that they were written with.
    _shift: int = 0
    # Rows that do not verify, of which it is not known yet why.
    _open: list[AuditRow] = field(default_factory=list)
    _tried: int = 0

    def __post_init__(self) -> None:
        self._hash = self.chain

    def step(self, row: AuditRow) -> bool:
        """Look at the next row.

        Returns:
            whether it is one that was written as it stands.
        """
        self.rows += 1
        fields = sealed(row)
        # Numbered anew, the rows of a log from which one was removed, or into which one came, end elsewhere.
        if min(row.number, row.number - self._shift) > self.end:
            self._say(Wrong.INSERTED, [row.number], "is behind the end of the log: it was inserted")
            return False
        written = self._written_as(fields, row.hash)
        if written is None:
            self._gap(row.number - self._shift)
            self._open.append(row)
            return False
        self._settle(written, fields)
        if written > self._number + 1:
            self._removed(written)
        elif self._hash is not None and not same(row.previous, self._hash):
            self._say(Wrong.REPLACED, [row.number], f"does not follow row {row.number - 1} as it stands")
        self._shift = row.number - written
        self._number, self._hash = written, row.hash
        return True

    def finish(self, head: str) -> None:
        """Compare the last row with where the log says it ends.

        Args:
            head: hash that it names.
        """
        if self._open:
            numbers, what = [row.number for row in self._open], "not as written: edited, or inserted"
            self._say(Wrong.EDITED, numbers, f"is {what}", f"are {what}")
            self._number += len(self._open)
            self._hash = None
        last = max(self._number, self._number + self._shift)
        if last < self.end:
            self._missing(Wrong.CUT_OFF, range(last + 1, self.end + 1), "cut off at the end")
        elif self._hash is not None and not same(head, self._hash):
            message = "The end of the log names another last row than the one that is there."
            self.findings.append(Finding(Wrong.HEAD, self.end, self.end, message))

    def _written_as(self, row: Sealed, found: str) -> int | None:
        """The number that a row was written with; ``None`` where it is not as it was written."""
        likely = row.number - self._shift
        if same(row_hash(self.key, row, likely), found):
            return likely
        if self._tried >= _TRIED:
            return None
        self._tried += 1
        # Not as one that was passed already: that would be a copy.
        first = max(self._number + 1, likely - _FARTHEST)
        near = sorted(range(first, likely + _FARTHEST), key=lambda number: abs(number - likely))
        return next((one for one in near if same(row_hash(self.key, row, one), found)), None)

    def _gap(self, likely: int) -> None:
        """Note what is missing in front of a row that does not verify."""
        expected = self._number + len(self._open) + 1
        if likely > expected and not self._open:
            self._missing(Wrong.REMOVED, range(expected, likely), "removed")
            self._number, self._hash = likely - 1, None

    def _settle(self, written: int, follower: Sealed) -> None:
        """Tell why rows did not verify, now that one behind them does.

        Args:
            written: the number that the follower was written with.
            follower: it.
        """
        if not self._open:
            return
        room = max(0, written - self._number - 1)
        # One that the follower was sealed onto was there; of the others, as many as there was room for.
        onto = [row for row in self._open if same(row.hash, follower.previous)]
        rest = [row for row in self._open if row not in onto]
        edited = rest[: max(0, room - len(onto))] + onto
        self._blame(edited, [row for row in self._open if row not in edited])
        if edited:
            self._number += len(edited)
            self._hash = None
        self._open.clear()

    def _blame(self, edited: list[AuditRow], inserted: list[AuditRow]) -> None:
        if edited:
            self._say(Wrong.EDITED, [row.number for row in edited], "was edited", "were edited")
        if inserted:
            self._say(Wrong.INSERTED, [row.number for row in inserted], "was inserted", "were inserted")

    def _removed(self, written: int) -> None:
        self._missing(Wrong.REMOVED, range(self._number + 1, written), "removed")

    def _missing(self, wrong: Wrong, numbers: range, how: str) -> None:
        one = len(numbers) == 1
        message = f"Row{'' if one else 's'} {told([*numbers])} {'was' if one else 'were'} {how}."
        self.findings.append(Finding(wrong, numbers[0], numbers[-1], message))

    def _say(self, wrong: Wrong, numbers: list[int], one: str, several: str | None = None) -> None:
        many = len(numbers) > 1 and several is not None
        message = f"Row{'s' if many else ''} {told(numbers)} {several if many else one}."
        self.findings.append(Finding(wrong, min(numbers), max(numbers), message))
