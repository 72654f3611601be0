"""Listing folders of images quickly: data sets have tens of thousands of them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from reid_core.file_names import readable_path
from reid_core.images import IMAGE_SUFFIXES


@dataclass(frozen=True, slots=True)
class Listed:
    """What lies in one folder: images with their sizes, names of folders, and everything else."""

    images: list[tuple[str, int]]
    folders: list[str]
    others: list[str]


def listed(folder: Path) -> Listed:
    """What lies in a folder, by readable name; hidden things are left out, a missing folder is empty."""
    found = Listed([], [], [])
    if not folder.is_dir():
        return found
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.name.startswith("."):
                continue
            name = readable_path(entry.name)
            if entry.is_dir():
                found.folders.append(name)
            elif PurePath(entry.name).suffix.lower() in IMAGE_SUFFIXES and entry.is_file():
                found.images.append((name, entry.stat().st_size))
            else:
                found.others.append(name)
    return found


def identity_folders(
    folder: Path, named: str, strays: list[str], digits: int | None = None
) -> Iterator[tuple[str, Listed]]:
    """The folders of identities in one folder, and what lies in them.

    Args:
        folder: that holds them.
        named: its path relative to the root.
        strays: gets the paths of everything else.
        digits: how many a name has; ``None`` for any number of them.
    """
    top = listed(folder)
    strays += [f"{named}/{name}" for name in (*top.others, *(name for name, _ in top.images))]
    for name in top.folders:
        if not (name.isascii() and name.isdigit()) or (digits is not None and len(name) != digits):
            strays.append(f"{named}/{name}")
            continue
        inside = listed(folder / name)
        strays += [f"{named}/{name}/{other}" for other in (*inside.others, *inside.folders)]
        yield name, inside
