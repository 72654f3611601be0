"""Whether a copy of a data set is whole: counts against those that were published, and what is odd in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reid_core.errors import SourceError
from training.datasets.captions import read_identity_captions, read_image_captions
from training.datasets.checks.files import check_files
from training.datasets.checks.findings import Count, Finding, Seen, Severity, Told
from training.datasets.opening import LAYOUTS, layout_of
from training.datasets.records import ImageRecord
from training.datasets.wording import few

__all__ = ["CheckReport", "Count", "Finding", "Severity", "check_dataset"]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        layout: one of `opening.LAYOUTS`.
        published: whether counts are compared with published ones.
        root: of the data set.
        counts: numbers of identities and images, by camera and split.
        findings: errors first.
    """

    layout: str
    published: bool
    root: Path
    counts: tuple[Count, ...]
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity is Severity.ERROR for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "layout": self.layout,
            "root": str(self.root),
            "errors": self.errors,
            "counts": [count.as_json() for count in self.counts],
            "findings": [finding.as_json() for finding in self.findings],
        }


def check_dataset(
    root: Path, name: str | None = None, *, deep: bool = False, told: Told | None = None
) -> CheckReport:
    """Look at everything of a copy that can be looked at.

    What is wrong with the copy is in the report; nothing in it stops the check.

    Args:
        root: of the data set.
        name: its layout; by default what the folder looks like.
        deep: decode every image, and compute the digests of synthetic and imported sets anew.
        told: called with what is done, how many of it, and of how many.

    Raises:
        UsageError: there is no layout of that name.
        SourceError: the folder is missing, or no name is given and it looks like no data set.
    """
    if name is not None:
        # A name that there is not is told of before a folder that there is not.
        LAYOUTS.get(name)
    if not root.is_dir():
        raise SourceError(f"The data set folder {root} does not exist.")
    layout = layout_of(root, name)
    if layout is None:
        raise SourceError(f"The folder {root} looks like no data set of a known layout.", _hint(root))
    tell: Told = told or (lambda what, done, total: None)
    checked = layout.check(root, deep, tell)
    seen = checked.seen
    check_files(checked.images, seen, deep, tell)
    if layout.published:
        _check_captions(root, seen)
    findings = sorted(seen.findings, key=lambda finding: finding.severity is Severity.NOTE)
    return CheckReport(layout.name, layout.published, root, tuple(seen.counts), tuple(findings))


def _hint(root: Path) -> str:
    inside = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and layout_of(folder)]
    if inside:
        return f"{few([str(folder) for folder in inside])} does."
    return f"Name the layout ({', '.join(LAYOUTS.names)}) to see what is missing."


def _check_captions(root: Path, seen: Seen) -> None:
    """Captions come apart from the images and are needed by few: their absence is no error."""
    found = sorted((root / "Text").glob("*/caption_*.json"))
    by_identity = sorted((root / "Text").glob("*/id_caption_map_*.json"))
    if not found and not by_identity:
        seen.note(
            "no-captions", "There are no captions under Text; only text queries and training need them."
        )
        return
    records: Sequence[ImageRecord] = [image.record() for image in seen.images]
    for file in found:
        named = file.relative_to(root).as_posix()
        try:
            captions = read_image_captions(file, records, allow_missing=True)
        except SourceError as error:
            seen.error("captions", error.message, [named])
            continue
        lacking = f", and none for {len(captions.missing):,}" if captions.missing else ""
        seen.note("captions", f"{named} has captions for {len(captions):,} images{lacking}.", [named])
    for file in by_identity:
        named = file.relative_to(root).as_posix()
        try:
            people = read_identity_captions(file)
        except SourceError as error:
            seen.error("captions", error.message, [named])
            continue
        seen.note("captions", f"{named} has captions of {len(people):,} identities.", [named])
