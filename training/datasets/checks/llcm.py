"""LLCM: folders and lists against what was published."""

from pathlib import Path

from reid_core.errors import SourceError
from reid_core.types import Modality
from training.datasets.checks.findings import Seen, SeenImage
from training.datasets.checks.folders import identity_folders
from training.datasets.checks.published import LLCM, LLCM_WHOLE
from training.datasets.listing import listed_numbers, listed_paths
from training.datasets.records import Split
from training.datasets.wording import few, plural

SIDES = (("vis", Modality.VISIBLE), ("nir", Modality.INFRARED))
CAMERAS = range(1, 10)
NO_SUCH_CAMERA = "test_nir/cam3"
"""Nobody was recorded by it in infrared; copies hold an empty folder of it, or none."""


def check_llcm(root: Path) -> Seen:
    """Lists, folders and counts of a copy of LLCM."""
    seen = Seen()
    train = {side: _train_list(root, side, seen) for side, _ in SIDES}
    test = _test_list(root, seen)
    for side, modality in SIDES:
        _walk_train(root, side, modality, train[side], seen)
        _walk_test(root, side, modality, test, seen)
    _check_lists(train, test, seen)
    _count(train, test, seen)
    return seen


def _train_list(root: Path, side: str, seen: Seen) -> list[str] | None:
    named = f"idx/train_{side}.txt"
    if not (root / named).is_file():
        seen.error("missing-list", f"The list {named} is missing.", [named])
        return None
    try:
        paths = listed_paths(root / named)
    except SourceError as error:
        seen.error("bad-list", error.message, [named])
        return None
    odd = [path for path in paths if not _identity(path)]
    if odd:
        text = f"{plural(len(odd), 'path')} of {named} in no identity's folder: {few(odd)}."
        seen.error("bad-list", text, odd)
        return None
    return paths


def _test_list(root: Path, seen: Seen) -> set[int] | None:
    named = "idx/test_id.txt"
    if not (root / named).is_file():
        seen.error("missing-list", f"The list {named} is missing.", [named])
        return None
    try:
        return set(listed_numbers(root / named))
    except SourceError as error:
        seen.error("bad-list", error.message, [named])
        return None


def _walk_train(root: Path, side: str, modality: Modality, paths: list[str] | None, seen: Seen) -> None:
    if not (root / side).is_dir():
        seen.error("missing-folder", f"The folder {side} is missing.", [side])
    there = set()
    unlisted = []
    wanted = set(paths or ())
    for name, inside in identity_folders(root / side, side, seen.strays):
        for file, size in inside.images:
            path = f"{side}/{name}/{file}"
            there.add(path)
            split = Split.TRAIN if path in wanted else None
            if split is None:
                unlisted.append(path)
            key = f"{side}/{int(name)}/{file}"
            seen.images.append(SeenImage(path, size, int(name), 0, modality, split, key))
    gone = sorted(wanted - there)
    # A folder that is missing has been told of already.
    if gone and (root / side).is_dir():
        seen.error("listed-missing", f"{plural(len(gone), 'listed image')} not there: {few(gone)}.", gone)
    if unlisted and paths is not None:
        seen.note(
            "unlisted",
            f"{plural(len(unlisted), 'image')} under {side} in no training list, which nothing trains on: "
            f"{few(unlisted)}.",
            unlisted,
        )


def _walk_test(root: Path, side: str, modality: Modality, wanted: set[int] | None, seen: Seen) -> None:
    surplus = []
    for camera in CAMERAS:
        named = f"test_{side}/cam{camera}"
        images = 0
        for name, inside in identity_folders(root / named, named, seen.strays, digits=4):
            listed = wanted is None or int(name) in wanted
            if not listed:
                surplus.append(f"{named}/{name}")
            images += len(inside.images) if listed else 0
            for file, size in inside.images:
                key = f"{side}/{int(name)}/{file}"
                split = Split.TEST if listed else None
                path = f"{named}/{name}/{file}"
                seen.images.append(SeenImage(path, size, int(name), camera, modality, split, key))
        if named == NO_SUCH_CAMERA and not images:
            seen.note("no-nir-camera-3", f"{named} is empty or missing, as in every copy.", [named])
        elif not (root / named).is_dir():
            seen.error("missing-folder", f"The folder {named} is missing.", [named])
        else:
            seen.count(f"images of {named}", None, images)
    if surplus:
        number = plural(len(surplus), "folder")
        text = f"{number} of identities that idx/test_id.txt does not list: {few(surplus)}."
        seen.note("unlisted-identity", text, surplus)


def _check_lists(train: dict[str, list[str] | None], test: set[int] | None, seen: Seen) -> None:
    learned = {_identity(path) for paths in train.values() for path in paths or ()}
    both = sorted(learned & (test or set()))
    if both:
        number = plural(len(both), "identity", "identities")
        seen.error("identity-in-two-splits", f"{number} in the lists of train and test: {few(both)}.")
    there = {image.identity for image in seen.images if image.split == Split.TEST}
    gone = sorted((test or set()) - there)
    if gone:
        number = plural(len(gone), "test identity", "test identities")
        seen.error("no-folder", f"{number} without an image at any camera: {few(gone)}.", map(str, gone))


def _count(train: dict[str, list[str] | None], test: set[int] | None, seen: Seen) -> None:
    lists_there = None not in train.values()
    learned = {_identity(path) for paths in train.values() for path in paths or ()}
    part = LLCM[Split.TRAIN]
    seen.compare("identities of train", part.identities, len(learned) if lists_there else None)
    numbers = part.visible, part.infrared
    totals = {}
    for (side, modality), number in zip(SIDES, numbers, strict=True):
        paths = train[side]
        totals[modality] = None if paths is None else len(set(paths))
        seen.compare(f"{modality} images of train", number, totals[modality])
    part = LLCM[Split.TEST]
    seen.compare("identities of test", part.identities, None if test is None else len(test))
    numbers, wholes = (part.visible, part.infrared), (LLCM_WHOLE.visible, LLCM_WHOLE.infrared)
    everybody = None if test is None or not lists_there else len(learned | test)
    seen.count("identities in all", LLCM_WHOLE.identities, everybody)
    for (_, modality), number, whole in zip(SIDES, numbers, wholes, strict=True):
        own = sum(image.split == Split.TEST and image.modality is modality for image in seen.images)
        seen.compare(f"{modality} images of test", number, None if test is None else own)
        learned_from = totals[modality]
        known = learned_from is not None and test is not None
        seen.count(f"{modality} images in all", whole, own + (learned_from or 0) if known else None)


def _identity(path: str) -> int:
    """By its folder; 0 where it is in none."""
    folder = path.split("/")[-2:-1]
    return int(folder[0]) if folder and folder[0].isdigit() else 0
