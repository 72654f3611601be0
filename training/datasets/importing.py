"""A user's own images made a data set: all of them or none, with numbers for names and disjoint splits."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from reid_core.errors import SourceError, UsageError
from reid_core.file_names import path_of, readable_path, readable_text
from reid_core.images import read_image
from reid_core.types import Modality, Spectrum
from training.datasets.own import LAYOUT, OwnManifest, OwnSplits, record_of, write_own
from training.datasets.own_rows import Row, Rows, read_folders, read_rows
from training.datasets.own_table import digest_of
from training.datasets.records import ReidDataset, Split, identities_of
from training.datasets.wording import few, plural
from training.seeding import generator

COPIES = "images"
"""Where copied images go."""

VAL_SHARE, TEST_SHARE = 0.1, 0.2
_LONGEST_NUMBER = 9
_LINE = re.compile(r"line (\d+) ")


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """How images become a data set.

    Attributes:
        name: of it; by default the folder's.
        val: share of the identities; ``None`` for a tenth. Only where the images name no splits.
        test: likewise; ``None`` for a fifth.
        seed: by which identities are drawn.
        spectrum: of infrared images that do not name theirs.
        same_place: infrared camera -> visible camera that sees the same place, as the user calls them.
        copy: whether images are copied into the data set.
    """

    name: str | None = None
    val: float | None = None
    test: float | None = None
    seed: int = 1
    spectrum: Spectrum | None = None
    same_place: Mapping[str, str] = field(default_factory=dict)
    copy: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """What was made: the data set as it opens from now on, and what is worth knowing of it."""

    dataset: ReidDataset
    notes: tuple[str, ...]


def import_dataset(
    folder: Path,
    out: Path,
    settings: ImportSettings,
    table: Path | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Imported:
    """Make a data set of a folder of images; nothing is written unless every image can be used.

    Args:
        folder: that the images lie in: laid out as `own_rows.read_folders` says, or as the table does.
        out: folder to be created.
        settings: how.
        table: CSV with the columns path, identity, camera, modality and perhaps spectrum and split.
        told: called with images read and their number.

    Raises:
        UsageError: ``out`` holds something, or the settings contradict the images.
        SourceError: the folder or table is missing, or an image or row cannot be used.
    """
    _check_settings(settings)
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"{out} is there already.", "Name a folder that is not.")
    if not folder.is_dir():
        raise SourceError(f"The folder {folder} does not exist.")
    source = table or folder
    read = read_folders(folder) if table is None else read_rows(table)
    if not read.rows and not read.problems:
        raise SourceError(f"{source} names no image.")
    people, doubtful = _numbered((row.identity, row.where) for row in read.rows)
    cameras, odd = _numbered((row.camera, row.where) for row in read.rows)
    hashes, damaged = _hashes(folder, read.rows, told)
    problems = sorted((*read.problems, *doubtful, *odd, *damaged), key=_place)
    if problems:
        total = len(read.rows) + len(read.problems)
        raise SourceError(
            f"{len(problems):,} of {total:,} images of {source} cannot be used: {few(problems)}.",
            "Nothing was written.",
        )
    split_of, said = _splits(read.rows, people, settings, source)
    splits: OwnSplits = {split: [] for split in Split}
    for row in read.rows:
        if row.modality is Modality.INFRARED:
            row = replace(row, spectrum=row.spectrum or settings.spectrum)
        splits[split_of[row.identity]].append(record_of(row, people[row.identity], cameras[row.camera]))
    manifest = OwnManifest(
        name=readable_text(settings.name) if settings.name else readable_path(folder.resolve().name),
        images=COPIES if settings.copy else readable_path(folder.resolve()),
        digest=digest_of(splits, hashes),
        splits=said,
        same_place=_same_place(settings.same_place, read.rows, cameras),
        identities={number: name for name, number in people.items()},
        cameras={number: name for name, number in cameras.items()},
    )
    _write(out, manifest, splits, folder if settings.copy else None)
    return Imported(LAYOUT.open(out), _notes(splits, read))


def _check_settings(settings: ImportSettings) -> None:
    val, test = settings.val or 0.0, settings.test or 0.0
    if val < 0 or test < 0 or val + test > 1:
        raise UsageError(f"Shares of {val} for validation and {test} for test do not fit in one data set.")
    if settings.seed < 0:
        raise UsageError(f"A seed is 0 or more, not {settings.seed}.")
    if settings.spectrum is Spectrum.VISIBLE:
        raise UsageError("Infrared images are near infrared or thermal.")


def _place(problem: str) -> tuple[int, str]:
    """Lines of a table in their order; files by name."""
    found = _LINE.match(problem)
    return int(found[1]) if found else 0, problem


def _numbered(named: Iterable[tuple[str, str]]) -> tuple[dict[str, int], list[str]]:
    """Name -> number: its own where all names are numbers, their order otherwise; and names in doubt."""
    where: dict[str, str] = {}
    for name, place in named:
        where.setdefault(name, place)
    if not all(name.isascii() and name.isdigit() and len(name) <= _LONGEST_NUMBER for name in where):
        return {name: number for number, name in enumerate(sorted(where), 1)}, []
    first: dict[int, str] = {}
    doubtful = []
    for name, place in where.items():
        other = first.setdefault(int(name), name)
        if other != name:
            doubtful.append(f"{place} ({name!r} and {other!r} are one number, but two names)")
    return {name: int(name) for name in where}, doubtful


def _hashes(
    folder: Path, rows: Sequence[Row], told: Callable[[int, int], None] | None
) -> tuple[dict[str, str], list[str]]:
    """SHA-256 of every image that can be decoded, and the others."""
    hashes = {}
    damaged = []
    for done, row in enumerate(rows, 1):
        file = folder / path_of(row.path)
        try:
            read_image(file)
            hashes[row.path] = hashlib.sha256(file.read_bytes()).hexdigest()
        except SourceError:
            damaged.append(
                f"{row.where} ({row.path} is damaged)"
                if file.is_file()
                else f"{row.where} (no file {row.path})"
            )
        if told is not None:
            told(done, len(rows))
    return hashes, damaged


def _splits(
    rows: Sequence[Row], people: Mapping[str, int], settings: ImportSettings, source: Path
) -> tuple[dict[str, Split], str]:
    """Identity -> split, and how it came to that."""
    named = [row for row in rows if row.split is not None]
    if not named:
        val = VAL_SHARE if settings.val is None else settings.val
        test = TEST_SHARE if settings.test is None else settings.test
        if val + test > 1:
            raise UsageError(
                f"Shares of {val} for validation and {test} for test do not fit in one data set."
            )
        order = generator(settings.seed, "import").permutation(sorted(people.values())).tolist()
        tested, validated = round(len(order) * test), round(len(order) * val)
        places = {number: place for place, number in enumerate(order)}
        drawn = {
            name: Split.TEST
            if places[number] < tested
            else Split.VAL
            if places[number] < tested + validated
            else Split.TRAIN
            for name, number in people.items()
        }
        return drawn, f"drawn: val {val:g}, test {test:g}, seed {settings.seed}"
    if settings.val is not None or settings.test is not None:
        raise UsageError(f"{source} names splits; shares for validation and test are for images without.")
    problems = [f"{row.where} (no split)" for row in rows if row.split is None]
    found: dict[str, Split] = {}
    for row in named:
        assert row.split is not None
        if found.setdefault(row.identity, row.split) is not row.split:
            both = f"{found[row.identity]} and in {row.split}"
            problems.append(f"{row.where} (identity {row.identity} is in {both})")
    if problems:
        number = f"{len(problems):,} of {len(rows):,}"
        raise SourceError(
            f"{number} images of {source} cannot be used: {few(problems)}.",
            "Either every row names a split, the same for all of an identity, or none does.",
        )
    return found, "as the table names them"


def _same_place(named: Mapping[str, str], rows: Sequence[Row], cameras: Mapping[str, int]) -> dict[int, int]:
    kinds = {modality: {row.camera for row in rows if row.modality is modality} for modality in Modality}
    for infrared, visible in named.items():
        for camera, modality in ((infrared, Modality.INFRARED), (visible, Modality.VISIBLE)):
            if camera not in kinds[modality]:
                raise UsageError(
                    f"No {modality} image is of a camera {camera!r}.",
                    f"Those of {modality} images are: {', '.join(sorted(kinds[modality])) or 'none'}.",
                )
    return {cameras[infrared]: cameras[visible] for infrared, visible in named.items()}


def _write(out: Path, manifest: OwnManifest, splits: OwnSplits, copied: Path | None) -> None:
    """The whole folder, or nothing of it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        scratch.mkdir()
        if copied is not None:
            for record in (record for records in splits.values() for record in records):
                path = path_of(record.path)
                place = scratch / COPIES / path
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(copied / path, place)
        write_own(scratch, manifest, splits)
        if out.exists():
            out.rmdir()
        scratch.rename(out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _notes(splits: OwnSplits, read: Rows) -> tuple[str, ...]:
    notes = []
    records = [record for some in splits.values() for record in some]
    seen = {
        modality: set(identities_of(record for record in records if record.modality is modality))
        for modality in Modality
    }
    for modality, other in (tuple(Modality), tuple(Modality)[::-1]):
        alone = len(seen[modality] - seen[other])
        if alone:
            who = plural(alone, "identity has", "identities have")
            notes.append(f"{who} {modality} images only: not learned from.")
    if any(record.modality is Modality.INFRARED and record.spectrum is None for record in records):
        notes.append("Infrared images do not tell whether they are near infrared or thermal.")
    for split, some in splits.items():
        if not some:
            notes.append(f"Nobody is in the {split} split.")
    if read.unused:
        notes.append(f"Columns that were not used: {', '.join(read.unused)}.")
    return tuple(notes)
