"""Market-1501: visible crops of people seen by six cameras; the names of the files say everything.

``bounding_box_train``, ``bounding_box_test`` and ``query`` hold ``0002_c1s1_000551_01.jpg`` and the like:
identity, camera, sequence, frame, box (Zheng et al., "Scalable Person Re-identification: A Benchmark", ICCV
2015). Identities 0000 and -1 are no people but whatever a detector had found; they are left out.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.types import Modality, Spectrum
from training.datasets.checks.findings import Told
from training.datasets.checks.folders import listed
from training.datasets.checks.market import check_market
from training.datasets.layout import Cameras, Checked, Layout
from training.datasets.records import ImageRecord, ReidDataset, Split

FOLDERS = {"bounding_box_train": Split.TRAIN, "bounding_box_test": Split.TEST, "query": Split.TEST}
"""Folder to the split of its people."""

_NAME = re.compile(r"(-1|\d{4})_c([1-6])s\d+_\d+_\d+(?:\.jpg)+")


class MarketLayout(Layout):
    """Training people and test people; queries and gallery of the test people lie in a folder each."""

    name = "market"
    looks = "Market-1501 (bounding_box_train or bounding_box_test)"
    cameras = Cameras("Market-1501", frozenset(range(1, 7)), frozenset())

    def recognises(self, root: Path) -> bool:
        """Whether one of the two folders of crops is there."""
        return any((root / name).is_dir() for name in ("bounding_box_train", "bounding_box_test"))

    def open(self, root: Path, trial: int = 1) -> ReidDataset:
        """List a folder of this layout; trials are none of its own.

        Raises:
            SourceError: an image is not named as Market-1501's are, or somebody is in both splits.
        """
        splits: dict[Split, list[ImageRecord]] = {split: [] for split in Split}
        for folder, split in FOLDERS.items():
            splits[split] += _records(root, folder)
        both = {one.identity for one in splits[Split.TRAIN]} & {one.identity for one in splits[Split.TEST]}
        if both:
            raise SourceError(f"Person {min(both):04d} is among the training and the test people of {root}.")
        ordered = {
            split: tuple(sorted(records, key=lambda one: (one.identity, one.camera, one.path)))
            for split, records in splits.items()
        }
        return ReidDataset("Market-1501", self.name, root, ordered, protocols=self.name)

    def check(self, root: Path, deep: bool, told: Told) -> Checked:
        """People and images of each folder beside the published numbers, and names that say nothing."""
        return Checked(check_market(root, FOLDERS, named), root)


LAYOUT = MarketLayout()


def named(file: str) -> tuple[int, int] | None:
    """Identity and camera by a file's name; identity -1 or 0 is nobody. ``None`` for any other name."""
    found = _NAME.fullmatch(file)
    return (int(found.group(1)), int(found.group(2))) if found is not None else None


def _records(root: Path, folder: str) -> Iterator[ImageRecord]:
    for file, _ in listed(root / folder).images:
        said = named(file)
        if said is None:
            raise SourceError(
                f"The image {folder}/{file} is not named as Market-1501's are.",
                "Its names are such as 0002_c1s1_000551_01.jpg: identity, camera, sequence, frame, box.",
            )
        identity, camera = said
        if identity > 0:
            path = f"{folder}/{file}"
            yield ImageRecord(path, identity, camera, Modality.VISIBLE, Spectrum.VISIBLE, path)
