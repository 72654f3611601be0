"""Which images lie in a folder, and in which order: the same for whoever reads folders.

Links are followed. A folder that a link leads to once more from inside of it is left out there: what lies in
it is listed already. Hidden files and folders are left out.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.images import IMAGE_SUFFIXES

_NUMBER = re.compile(r"\d+")
# Two numbers with a point between them, and no third one: 12.5, but not 1.2.3.
_POINTED = re.compile(r"(?<![\d.,])(\d+)[.,](\d+)(?![.,]?\d)")
_SECONDS_DIGITS = 10


def list_images(folder: Path, recursive: bool = True) -> list[Path]:
    """The images in a folder in their natural order, then those in each folder below.

    A link that leads nowhere is listed: whoever reads it says so.

    Raises:
        SourceError: the folder does not exist or cannot be read.
    """
    return [path for path in list_files(folder, recursive) if path.suffix.lower() in IMAGE_SUFFIXES]


def list_files(folder: Path, recursive: bool = True) -> list[Path]:
    """All files in a folder, ordered as `list_images` does.

    Raises:
        SourceError: the folder does not exist or cannot be read.
    """
    if not folder.is_dir():
        raise SourceError(f"The folder {folder} does not exist.")
    return list(_below(folder, recursive, ()))


def _below(folder: Path, recursive: bool, above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    """The files below a folder that lies in others, each of them known by its device and number."""
    files, folders = [], []
    try:
        status = folder.stat()
        own = (status.st_dev, status.st_ino)
        if own in above:
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if entry.name.startswith("."):
                    continue
                if path.is_dir() if entry.is_symlink() else entry.is_dir():
                    folders.append(path)
                elif path.is_file() or not path.exists():
                    files.append(path)
    except OSError as error:
        raise SourceError(f"The folder {folder} cannot be read: {str(error.strerror).lower()}.") from None
    yield from naturally_ordered(files)
    if recursive:
        for inside in naturally_ordered(folders):
            yield from _below(inside, recursive, (*above, own))


def naturally_ordered(paths: Iterable[Path]) -> list[Path]:
    """Files of one folder with the numbers in their names in numeric order: ``frame10`` behind ``frame9``.

    Two numbers with a point between them are a number and its fraction (``12.25`` before ``12.5``) where they
    are the whole name, or a time in seconds, or one of the names can be read in no other way (``12.05``
    beside ``12.5``). They are two numbers (``cam1.9`` before ``cam1.10``) in all other names, and where
    fractions of several lengths end in 0, which a fraction does not.
    """
    paths = list(paths)
    pointed = {path: _pointed(path) for path in paths}
    fractions: dict[tuple[str, ...], list[re.Match[str]]] = defaultdict(list)
    for path, found in pointed.items():
        for number in found:
            fractions[_kind(path, number)].append(number)
    decimal = {kind for kind, numbers in fractions.items() if _are_fractions(numbers)}

    def key(path: Path) -> tuple[list[tuple[int, Decimal | str]], str]:
        own = [number for number in pointed[path] if _kind(path, number) in decimal]
        return _parts(path.name, own), path.name

    return sorted(paths, key=key)


def _pointed(path: Path) -> list[re.Match[str]]:
    return list(_POINTED.finditer(path.stem))


def _kind(path: Path, number: re.Match[str]) -> tuple[str, ...]:
    """What names have in common in which a number stands at the same place."""
    before, behind = path.stem[: number.start()], path.stem[number.end() :]
    return _NUMBER.sub("0", before), _NUMBER.sub("0", behind)


def _are_fractions(numbers: Sequence[re.Match[str]]) -> bool:
    """Whether what stands behind the points of numbers at one place of a folder's names are fractions."""
    if all(len(number[1]) >= _SECONDS_DIGITS for number in numbers):
        return True
    behind = [number[2] for number in numbers if len(number[2]) > 1]
    if len({len(number[2]) for number in numbers}) > 1:
        if any(digits.startswith("0") for digits in behind):
            return True
        if any(digits.endswith("0") for digits in behind):
            return False
    return all(number[0] == number.string for number in numbers)


def _parts(name: str, fractions: Sequence[re.Match[str]]) -> list[tuple[int, Decimal | str]]:
    """A name's words and numbers, by turns."""
    parts: list[tuple[int, Decimal | str]] = []
    place = 0
    for number in fractions:
        parts += _words_and_numbers(name[place : number.start()])
        parts.append((0, Decimal(f"{number[1]}.{number[2]}")))
        place = number.end()
    return parts + _words_and_numbers(name[place:])


def _words_and_numbers(text: str) -> list[tuple[int, Decimal | str]]:
    return [(0, Decimal(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", text)]
