"""The text files in which data sets list their images and people."""

from pathlib import Path

from reid_core.errors import SourceError


def listed_paths(file: Path) -> list[str]:
    """The first column of a list of ``path label`` lines, with forward slashes.

    Raises:
        SourceError: the file is missing or lists nothing.
    """
    rows = [line.rsplit(maxsplit=1) for line in _text(file).splitlines() if line.strip()]
    if not rows:
        raise SourceError(f"The list {file} is empty.")
    if any(len(row) != 2 or not row[1].isdigit() for row in rows):
        raise SourceError(f"The list {file} does not hold lines of the form 'path label'.")
    return [row[0].replace("\\", "/") for row in rows]


def listed_numbers(file: Path) -> list[int]:
    """The numbers of a file that separates them by commas or lines, ascending.

    Raises:
        SourceError: the file is missing or holds something else.
    """
    try:
        return sorted({int(part) for part in _text(file).replace("\n", ",").split(",") if part.strip()})
    except ValueError:
        raise SourceError(f"{file} is not a list of numbers separated by commas.") from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SourceError(f"The list {file} is missing.", "It belongs to the data set.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"The list {file} cannot be read: {error}.") from None
