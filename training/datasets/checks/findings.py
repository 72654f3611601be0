"""What a check of a data set says: counts beside those that were published, and findings."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from reid_core.types import Modality
from training.datasets.records import ImageRecord
from training.datasets.wording import few

Told = Callable[[str, int, int], None]
"""Called with what is done, how many of it, and of how many."""


class Severity(StrEnum):
    """Whether figures of such a copy can be compared with anybody's."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing of a copy.

    Attributes:
        severity: an error, or only a note.
        code: stable name of the kind of finding.
        text: one sentence, which names the first few paths.
        paths: all of them, relative to the data set's root.
    """

    severity: Severity
    code: str
    text: str
    paths: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "severity": str(self.severity),
            "code": self.code,
            "text": self.text,
            "paths": list(self.paths),
        }


@dataclass(frozen=True, slots=True)
class Count:
    """A number of images or identities.

    Attributes:
        what: in words, such as ``images of camera 1 in test``.
        expected: as published or as the data set's own manifest says; ``None`` where nobody says.
        found: ``None`` where it cannot be told, for want of a list.
        detail: only of interest when it is wrong.
    """

    what: str
    expected: int | None
    found: int | None
    detail: bool = False

    @property
    def wrong(self) -> bool:
        """Whether both numbers are known and differ."""
        return None not in (self.expected, self.found) and self.expected != self.found

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"what": self.what, "expected": self.expected, "found": self.found}


@dataclass(frozen=True, slots=True)
class SeenImage:
    """An image file that lies where the layout has images.

    Attributes:
        path: relative to the root, with forward slashes.
        size: bytes.
        identity: by its folder.
        camera: 0 where nothing tells.
        modality: of its camera.
        split: by the data set's lists; ``None`` where no list names it, or every trial has its own.
        key: what captions call it; two files of one key are one image that the data set keeps twice.
    """

    path: str
    size: int
    identity: int
    camera: int
    modality: Modality
    split: str | None
    key: str

    def record(self) -> ImageRecord:
        """As captions are looked up by it."""
        return ImageRecord(self.path, self.identity, self.camera, self.modality, None, self.key)


@dataclass(slots=True)
class Seen:
    """What one layout's part of a check found; grows while it looks.

    Attributes:
        counts: in the order of the report.
        findings: likewise.
        images: every image file of the layout's folders.
        strays: what else lies in them, by path.
    """

    counts: list[Count] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    images: list[SeenImage] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    def error(self, code: str, text: str, paths: Iterable[str] = ()) -> None:
        """Add one."""
        self.findings.append(Finding(Severity.ERROR, code, text, tuple(paths)))

    def note(self, code: str, text: str, paths: Iterable[str] = ()) -> None:
        """Add one."""
        self.findings.append(Finding(Severity.NOTE, code, text, tuple(paths)))

    def count(self, what: str, expected: int | None, found: int | None, detail: bool = False) -> bool:
        """Add a count; returns whether it is wrong."""
        self.counts.append(Count(what, expected, found, detail))
        return self.counts[-1].wrong

    def compare(self, what: str, expected: int | None, found: int | None, detail: bool = False) -> None:
        """Add a count, and a finding where it is wrong."""
        if self.count(what, expected, found, detail):
            self.findings.append(wrong_count(self.counts[-1]))


def wrong_count(count: Count, gaps: Sequence[str] = ()) -> Finding:
    """A count that is not what it should be, in a sentence.

    Args:
        count: with both numbers.
        gaps: paths that the numbering of files leaves out.
    """
    assert count.expected is not None and count.found is not None
    off = count.found - count.expected
    how = f"{-off:,} missing" if off < 0 else f"{off:,} too many"
    text = f"There are {count.found:,} {count.what} instead of {count.expected:,}: {how}"
    if gaps:
        text += f"; the numbering of the files leaves out {few(gaps)}"
    return Finding(Severity.ERROR, "count", f"{text}.", tuple(gaps))
