"""A user's images as rows, out of folders or of a table; what cannot be used is told, never dropped."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from reid_core.errors import SourceError
from reid_core.file_names import readable_path
from reid_core.images import IMAGE_SUFFIXES
from reid_core.listing import list_files
from reid_core.types import Modality, Spectrum
from training.datasets.records import Split

REQUIRED = ("path", "identity", "camera", "modality")
OPTIONAL = ("spectrum", "split")
# Windows' separator, unless it begins a byte as `readable_path` shows it.
_BACKSLASH = re.compile(r"\\(?!x(?:[01][0-9a-f]|5c|7f|[89a-f][0-9a-f]))")
DEFAULT_CAMERAS = {Modality.VISIBLE: "1", Modality.INFRARED: "2"}


@dataclass(frozen=True, slots=True)
class Row:
    """One image as the user lists it.

    Attributes:
        where: the line or the file, for errors.
        path: relative to the folder of the images, with forward slashes; as `readable_path` shows it.
        identity: any text.
        camera: any text.
        modality: how it is compared.
        spectrum: where it is told.
        split: likewise.
    """

    where: str
    path: str
    identity: str
    camera: str
    modality: Modality
    spectrum: Spectrum | None
    split: Split | None


@dataclass(frozen=True, slots=True)
class Rows:
    """What was read.

    Attributes:
        rows: that can be used so far.
        problems: the others, each as ``where (reason)``.
        unused: columns that mean nothing here.
    """

    rows: tuple[Row, ...]
    problems: tuple[str, ...]
    unused: tuple[str, ...] = ()


def read_rows(file: Path) -> Rows:
    """Read a table: CSV in UTF-8 with commas and a header; the order of the columns is free.

    Raises:
        SourceError: it is missing, no such table, or lacks a column.
    """
    try:
        # Spreadsheets put a byte order mark before the header.
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceError(f"The table {file} does not exist.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"The table {file} cannot be read: {error}.") from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    problems: list[str] = []
    lines: dict[str, str] = {}
    try:
        header = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = header
        lacking = [name for name in REQUIRED if name not in header]
        if lacking:
            raise SourceError(
                f"The table {file} lacks the column {', '.join(lacking)}.",
                f"Its first line must name {', '.join(REQUIRED)}, separated by commas.",
            )
        for values in reader:
            where = f"line {reader.line_num}"
            row = _row(where, values)
            if isinstance(row, Row) and lines.setdefault(row.path, where) != where:
                row = f"{row.path} is listed in {lines[row.path]} too"
            if isinstance(row, Row):
                rows.append(row)
            else:
                problems.append(f"{where} ({row})")
    except csv.Error as error:
        raise SourceError(f"Line {reader.line_num} of {file} is no CSV: {error}.") from None
    unused = tuple(name for name in header if name not in REQUIRED + OPTIONAL)
    return Rows(tuple(rows), tuple(problems), unused)


def _row(where: str, values: dict[str | None, str | None]) -> Row | str:
    """A row, or what is wrong with it."""
    if None in values:
        return "more fields than the header names"
    if None in values.values():
        return "fewer fields than the header names"
    said = {name: (value or "").strip() for name, value in values.items()}
    empty = [name for name in REQUIRED if not said[name]]
    if empty:
        return f"no {' and no '.join(empty)}"
    path = _BACKSLASH.sub("/", said["path"])
    if PurePosixPath(path).is_absolute() or PureWindowsPath(path).drive or ".." in path.split("/"):
        return f"{path} is no path inside the folder"
    if PurePosixPath(path).suffix.lower() not in IMAGE_SUFFIXES:
        return f"{path} is no image file"
    if said["modality"] not in list(Modality):
        return f"modality {said['modality']!r} is neither visible nor infrared"
    modality = Modality(said["modality"])
    spectrum = said.get("spectrum")
    if spectrum and (spectrum not in list(Spectrum) or Spectrum(spectrum).modality is not modality):
        kinds = [each.value for each in Spectrum if each.modality is modality]
        return f"spectrum {spectrum!r} of {modality} light is not {' or '.join(kinds)}"
    split = said.get("split")
    if split and split not in list(Split):
        return f"split {split!r} is not train, val or test"
    return Row(
        where,
        PurePosixPath(path).as_posix(),
        said["identity"],
        said["camera"],
        modality,
        Spectrum(spectrum) if spectrum else None,
        Split(split) if split else None,
    )


def read_folders(folder: Path) -> Rows:
    """List ``visible/<identity>/[<camera>/]<file>`` and ``infrared/...`` below a folder, by path.

    Hidden files and folders, and what lies beside the two and holds no image, are left alone. Without a
    folder of cameras, visible images are of camera 1 and infrared ones of camera 2.

    Raises:
        SourceError: the folder is missing or has neither of the two.
    """
    if not folder.is_dir():
        raise SourceError(f"The folder {folder} does not exist.")
    if not any((folder / modality).is_dir() for modality in Modality):
        raise SourceError(
            f"The folder {folder} has neither a folder visible nor a folder infrared.",
            "Images lie in visible/<identity>/<camera>/ and infrared/<identity>/<camera>/; or list them in a "
            "table and name it with --csv.",
        )
    rows: list[Row] = []
    problems: list[str] = []
    for path in sorted(readable_path(file.relative_to(folder).as_posix()) for file in list_files(folder)):
        parts = path.split("/")
        inside = parts[0] in list(Modality)
        image = PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES
        if not inside:
            if image:
                problems.append(f"{path} (neither under visible nor under infrared)")
        elif not image:
            problems.append(f"{path} (no image file)")
        elif len(parts) not in (3, 4):
            problems.append(f"{path} (not in <identity>/ or <identity>/<camera>/)")
        else:
            modality = Modality(parts[0])
            camera = parts[2] if len(parts) == 4 else DEFAULT_CAMERAS[modality]
            rows.append(Row(path, path, parts[1], camera, modality, None, None))
    return Rows(tuple(rows), tuple(problems))
