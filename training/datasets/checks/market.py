"""Market-1501: people and images of each folder beside the published numbers, and names that say nothing."""

from collections.abc import Callable, Mapping
from pathlib import Path

from reid_core.types import Modality
from training.datasets.checks.findings import Seen, SeenImage
from training.datasets.checks.folders import listed
from training.datasets.checks.published import MARKET
from training.datasets.records import Split
from training.datasets.wording import few, plural


def check_market(
    root: Path, folders: Mapping[str, Split], named: Callable[[str], tuple[int, int] | None]
) -> Seen:
    """What lies in the folders.

    Args:
        root: of the data set.
        folders: to the split of their people.
        named: identity and camera by a file's name, ``None`` where it does not say.
    """
    seen = Seen()
    strange = []
    for folder, split in folders.items():
        if not (root / folder).is_dir():
            seen.error("missing-folder", f"The folder {folder} is missing.", [folder])
            continue
        inside = listed(root / folder)
        seen.strays += [f"{folder}/{name}" for name in (*inside.others, *inside.folders)]
        people = set()
        for file, size in inside.images:
            path, said = f"{folder}/{file}", named(file)
            if said is None:
                strange.append(path)
                continue
            identity, camera = said
            if identity > 0:
                people.add(identity)
                kept = SeenImage(path, size, identity, camera, Modality.VISIBLE, split, path)
                seen.images.append(kept)
        identities, images = MARKET[folder]
        seen.compare(f"identities of {folder}", identities, len(people))
        seen.compare(f"images of {folder}", images, len(inside.images))
    if strange:
        text = f"{plural(len(strange), 'image')} not named as Market-1501's are: {few(strange)}."
        seen.error("bad-name", text, strange)
    return seen
