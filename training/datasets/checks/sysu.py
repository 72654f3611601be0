"""SYSU-MM01: folders and lists against what was published."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.types import Spectrum
from training.datasets.checks.findings import Count, Seen, SeenImage, wrong_count
from training.datasets.checks.folders import identity_folders
from training.datasets.checks.published import SYSU_IDENTITIES, SYSU_IMAGES, SYSU_LEARNED, SYSU_TEST
from training.datasets.listing import listed_numbers
from training.datasets.records import Split
from training.datasets.wording import few, plural

PERMUTATIONS = "exp/rand_perm_cam.mat"

Lists = dict[Split, list[int]]


def check_sysu(root: Path, cameras: Mapping[int, Spectrum]) -> Seen:
    """Lists, folders and counts of a copy of SYSU-MM01, which has these cameras."""
    seen = Seen()
    lists = read_lists(root, seen)
    walk_cameras(root, lists, cameras, seen)
    _count(lists, seen)
    if not (root / PERMUTATIONS).is_file():
        seen.note(
            "no-permutations",
            f"{PERMUTATIONS} is absent; only the protocols of sampler B need it, and it comes with the "
            "evaluation code of the authors.",
        )
    return seen


def read_lists(root: Path, seen: Seen) -> Lists:
    """The identities of every split whose list can be read; the other lists become findings."""
    lists: Lists = {}
    for split in Split:
        named = f"exp/{split}_id.txt"
        if not (root / named).is_file():
            seen.error("missing-list", f"The list {named} is missing.", [named])
            continue
        try:
            lists[split] = listed_numbers(root / named)
        except SourceError as error:
            seen.error("bad-list", error.message, [named])
    splits: dict[int, list[str]] = {}
    for split, ids in lists.items():
        for identity in ids:
            splits.setdefault(identity, []).append(split)
    twice = {identity: both for identity, both in splits.items() if len(both) > 1}
    if twice:
        shown = [f"{identity} ({' and '.join(both)})" for identity, both in sorted(twice.items())]
        number = plural(len(twice), "identity", "identities")
        seen.error("identity-in-two-splits", f"{number} in two splits: {few(shown)}.")
    return lists


def walk_cameras(root: Path, lists: Lists, cameras: Mapping[int, Spectrum], seen: Seen) -> None:
    """Collect the images of all cameras and compare their folders with the lists."""
    split_of = {identity: split for split, ids in lists.items() for identity in ids}
    empty = []
    for camera, spectrum in sorted(cameras.items()):
        named = f"cam{camera}"
        if not (root / named).is_dir():
            seen.error("missing-folder", f"The folder {named} is missing.", [named])
            continue
        for name, inside in identity_folders(root / named, named, seen.strays, digits=4):
            identity = int(name)
            if not inside.images and identity in split_of:
                empty.append(f"{named}/{name}")
            for file, size in inside.images:
                path = f"{named}/{name}/{file}"
                split = split_of.get(identity)
                seen.images.append(SeenImage(path, size, identity, camera, spectrum.modality, split, path))
    if empty:
        number = plural(len(empty), "folder")
        seen.note("empty-folder", f"{number} of listed identities without an image: {few(empty)}.", empty)
    people = {image.identity for image in seen.images}
    gone = sorted(set(split_of) - people)
    if gone:
        number = plural(len(gone), "listed identity", "listed identities")
        seen.error("no-folder", f"{number} without an image at any camera: {few(gone)}.", map(str, gone))
    unlisted = sorted(people - set(split_of))
    # Where a list is missing, its finding says everything.
    if unlisted and len(lists) == len(Split):
        images = sum(image.split is None for image in seen.images)
        seen.note(
            "unlisted",
            f"{plural(len(unlisted), 'identity', 'identities')} with {plural(images, 'image')} in no list, "
            f"which nothing uses: {few(unlisted)}.",
            map(str, unlisted),
        )


def _count(lists: Lists, seen: Seen) -> None:
    for split, number in SYSU_IDENTITIES.items():
        found = len(lists[split]) if split in lists else None
        seen.compare(f"identities of {split}", number, found)
    learned = Split.TRAIN, Split.VAL
    parts = ((learned, "train and val", SYSU_LEARNED), ((Split.TEST,), "test", SYSU_TEST))
    cameras_right = True
    for splits, named, published in parts:
        complete = all(split in lists for split in splits)
        for camera, (images, people) in published.items():
            own = [each for each in seen.images if each.camera == camera and each.split in splits]
            what = f"camera {camera} in {named}"
            found = len({each.identity for each in own}) if complete else None
            seen.compare(f"identities at {what}", people, found)
            count = Count(f"images of {what}", images, len(own) if complete else None)
            seen.counts.append(count)
            if count.wrong:
                cameras_right = False
                few_left = count.found is not None and count.found < images
                seen.findings.append(wrong_count(count, _gaps(own) if few_left else ()))
    for split, by_modality in SYSU_IMAGES.items():
        for modality, number in by_modality.items():
            right = (each.split == split and each.modality is modality for each in seen.images)
            what, found = f"{modality} images of {split}", sum(right) if split in lists else None
            # A camera that is wrong has been told of already.
            if cameras_right:
                seen.compare(what, number, found)
            else:
                seen.count(what, number, found)


def _gaps(images: Iterable[SeenImage]) -> list[str]:
    """What the numbering of files leaves out: ``0003.jpg`` between ``0002.jpg`` and ``0004.jpg``."""
    folders: dict[str, dict[int, str]] = {}
    for image in images:
        folder, _, name = image.path.rpartition("/")
        stem, _, suffix = name.rpartition(".")
        if stem.isascii() and stem.isdigit():
            folders.setdefault(folder, {})[int(stem)] = suffix
    gaps = []
    for folder, numbers in sorted(folders.items()):
        suffix = next(iter(numbers.values()))
        gaps += [f"{folder}/{n:04d}.{suffix}" for n in range(1, max(numbers)) if n not in numbers]
    return gaps
