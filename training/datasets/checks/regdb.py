"""RegDB: folders and the lists of ten trials against what was published."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.types import Modality
from training.datasets.checks.findings import Seen, SeenImage
from training.datasets.checks.folders import identity_folders
from training.datasets.checks.published import REGDB_HALF, REGDB_IDENTITIES, REGDB_IMAGES_EACH
from training.datasets.listing import listed_paths
from training.datasets.records import Split
from training.datasets.wording import few, plural

SIDES = (("Visible", 1, Modality.VISIBLE), ("Thermal", 2, Modality.INFRARED))
PARTS = (Split.TRAIN, Split.TEST)

Line = tuple[str, int, str]
"""A path, the identity of its folder, and the label beside it."""

Trial = dict[tuple[Split, str], list[Line]]


def check_regdb(root: Path, numbers: Iterable[int]) -> Seen:
    """Lists of these trials, folders and counts of a copy of RegDB."""
    seen = Seen()
    for side, camera, modality in SIDES:
        if (root / side).is_dir():
            _walk(root, side, camera, modality, seen)
        else:
            seen.error("missing-folder", f"The folder {side} is missing.", [side])
    trials = _read_trials(root, numbers, seen)
    there = {image.path for image in seen.images}
    named = {line[0] for trial in trials.values() for lines in trial.values() for line in lines}
    gone = sorted(named - there)
    if gone:
        seen.error("listed-missing", f"{plural(len(gone), 'listed image')} not there: {few(gone)}.", gone)
    for number, trial in trials.items():
        _check_trial(number, trial, seen)
    return seen


def _walk(root: Path, side: str, camera: int, modality: Modality, seen: Seen) -> None:
    each: dict[int, int] = {}
    for name, inside in identity_folders(root / side, side, seen.strays):
        identity = int(name)
        each[identity] = each.get(identity, 0) + len(inside.images)
        for file, size in inside.images:
            path = f"{side}/{name}/{file}"
            seen.images.append(SeenImage(path, size, identity, camera, modality, None, path))
    seen.compare(f"identities in {side}", REGDB_IDENTITIES, sum(number > 0 for number in each.values()))
    seen.count(f"images in {side}", REGDB_IDENTITIES * REGDB_IMAGES_EACH, sum(each.values()))
    everybody = range(1, REGDB_IDENTITIES + 1)
    gone = [f"{side}/{identity}" for identity in everybody if not each.get(identity)]
    if gone:
        number = plural(len(gone), "identity", "identities")
        seen.error("no-folder", f"{number} of 1 to {REGDB_IDENTITIES} without an image: {few(gone)}.", gone)
    odd = {f"{side}/{i}": n for i, n in sorted(each.items()) if n not in (0, REGDB_IMAGES_EACH)}
    if odd:
        shown = few([f"{path} has {number}" for path, number in odd.items()])
        number = plural(len(odd), "folder")
        seen.error("not-ten", f"{number} without exactly {REGDB_IMAGES_EACH} images: {shown}.", odd)
    surplus = [f"{side}/{identity}" for identity in sorted(each) if identity not in everybody]
    if surplus:
        number = plural(len(surplus), "folder")
        seen.note("unlisted", f"{number} of identities that RegDB does not have: {few(surplus)}.", surplus)


def _read_trials(root: Path, numbers: Iterable[int], seen: Seen) -> dict[int, Trial]:
    trials: dict[int, Trial] = {}
    missing = []
    for number in numbers:
        for part in PARTS:
            for side, _, _ in SIDES:
                named = f"idx/{part}_{side.lower()}_{number}.txt"
                if not (root / named).is_file():
                    missing.append(named)
                    continue
                try:
                    trials.setdefault(number, {})[part, side] = _lines(root / named)
                except SourceError as error:
                    seen.error("bad-list", error.message, [named])
    if missing:
        seen.error("missing-list", f"{plural(len(missing), 'list')} missing: {few(missing)}.", missing)
    return trials


def _lines(file: Path) -> list[Line]:
    paths = listed_paths(file)
    labels = [line.split()[-1] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = []
    for path, label in zip(paths, labels, strict=True):
        folder = path.split("/")[-2:-1]
        if not folder or not folder[0].isdigit():
            raise SourceError(f"The list {file} names {path!r}, which is in no identity's folder.")
        found.append((path, int(folder[0]), label))
    return found


def _check_trial(number: int, trial: Trial, seen: Seen) -> None:
    people: dict[Split, set[int]] = {}
    for part in PARTS:
        sides = {side: trial[part, side] for side, _, _ in SIDES if (part, side) in trial}
        for side, lines in sides.items():
            named = f"idx/{part}_{side.lower()}_{number}.txt"
            seen.compare(f"images in {named}", REGDB_HALF * REGDB_IMAGES_EACH, len(lines), detail=True)
            seen.compare(f"identities in {named}", REGDB_HALF, len(_who(lines)), detail=True)
            people.setdefault(part, set()).update(_who(lines))
        if len(sides) == len(SIDES):
            _check_sides(number, part, sides, seen)
    both = sorted(people.get(Split.TRAIN, set()) & people.get(Split.TEST, set()))
    if both:
        who = plural(len(both), "identity", "identities")
        seen.error("identity-in-two-splits", f"{who} in train and test of trial {number}: {few(both)}.")


def _check_sides(number: int, part: Split, sides: Mapping[str, Sequence[Line]], seen: Seen) -> None:
    visible, thermal = (sides[side] for side, _, _ in SIDES)
    lists = f"the visible and the thermal {part} list of trial {number}"
    if _who(visible) != _who(thermal):
        only = sorted(_who(visible) ^ _who(thermal))
        who = plural(len(only), "identity", "identities")
        seen.error("sides-differ", f"{who} in only one of {lists}: {few(only)}.")
        return
    pairs = {(identity, label) for _, identity, label in (*visible, *thermal)}
    if not len(pairs) == len({pair[0] for pair in pairs}) == len({pair[1] for pair in pairs}):
        seen.error("labels", f"Labels and identities do not belong together one to one in {lists}.")
    elif part is Split.TEST and [line[1] for line in visible] != [line[1] for line in thermal]:
        seen.error(
            "order",
            f"The identities come in different orders in {lists}, which some evaluation codes rely on.",
        )


def _who(lines: Sequence[Line]) -> set[int]:
    return {identity for _, identity, _ in lines}
