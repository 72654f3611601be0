"""What is wrong with the files of a data set, whichever layout it has."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.file_names import path_of
from reid_core.images import read_image
from training.datasets.checks.findings import Seen, SeenImage, Told
from training.datasets.wording import few, plural


def check_files(root: Path, seen: Seen, deep: bool, told: Told) -> None:
    """Add findings on files that are no images, empty, unreadable or there twice.

    Args:
        root: of the data set.
        seen: whose images and strays are looked at.
        deep: decode every image; otherwise only empty and unreadable ones are found.
        told: how far it has come.
    """
    if seen.strays:
        seen.note(
            "stray",
            f"{plural(len(seen.strays), 'thing')} that are neither images nor folders of identities, "
            f"which nothing reads: {few(seen.strays)}.",
            seen.strays,
        )
    empty = [image.path for image in seen.images if image.size == 0]
    if empty:
        seen.error("empty", f"{plural(len(empty), 'image file')} without a byte: {few(empty)}.", empty)
    full = [image for image in seen.images if image.size]
    digests = _digests(root, full, seen, told)
    _check_twice(full, digests, seen)
    if deep:
        _check_decoding(root, [image for image in full if image.path in digests], seen, told)


def _digests(root: Path, images: list[SeenImage], seen: Seen, told: Told) -> dict[str, bytes]:
    """Path -> SHA-256. A file whose size no other has gets its path instead: nothing can be the same."""
    sizes: dict[int, int] = {}
    for image in images:
        sizes[image.size] = sizes.get(image.size, 0) + 1
    digests = {}
    unreadable = []
    for done, image in enumerate(images, 1):
        try:
            with (root / path_of(image.path)).open("rb") as file:
                alone = sizes[image.size] == 1
                said = image.path.encode(errors="surrogateescape")
                digests[image.path] = said if alone else hashlib.file_digest(file, "sha256").digest()
        except OSError:
            unreadable.append(image.path)
        told("images compared", done, len(images))
    if unreadable:
        few_of = few(unreadable)
        seen.error("unreadable", f"{plural(len(unreadable), 'image')} cannot be read: {few_of}.", unreadable)
    return digests


def _check_twice(images: Iterable[SeenImage], digests: dict[str, bytes], seen: Seen) -> None:
    """The same bytes at two places, by how bad that is.

    Between identities or splits it falsifies figures, and between modalities as well: the visible gallery
    would hold the infrared query. A layout that keeps an image twice by design gives both the same key.
    """
    same: dict[bytes, dict[str, SeenImage]] = {}
    for image in images:
        if image.path in digests:
            same.setdefault(digests[image.path], {}).setdefault(image.key, image)
    kinds: dict[str, list[str]] = {"identities": [], "splits": [], "modalities": [], "": []}
    for group in same.values():
        if len(group) == 1:
            continue
        members = list(group.values())
        if len({each.identity for each in members}) > 1:
            kind = "identities"
        elif len({each.split for each in members if each.split}) > 1:
            kind = "splits"
        elif len({each.modality for each in members}) > 1:
            kind = "modalities"
        else:
            kind = ""
        kinds[kind].append(" = ".join(each.path for each in members))
    for kind, found in kinds.items():
        if found:
            number = plural(len(found), "image")
            if kind:
                seen.error(f"same-in-two-{kind}", f"{number} under two {kind}: {few(found)}.", found)
            else:
                seen.note("same-twice", f"{number} of one person twice: {few(found)}.", found)


def _check_decoding(root: Path, images: list[SeenImage], seen: Seen, told: Told) -> None:
    damaged = []
    for done, image in enumerate(images, 1):
        try:
            read_image(root / path_of(image.path))
        except SourceError:
            damaged.append(image.path)
        told("images decoded", done, len(images))
    if damaged:
        text = f"{plural(len(damaged), 'image')} cannot be decoded: {few(damaged)}."
        seen.error("damaged", text, damaged)
