"""SYSU-MM01 and everything laid out like it.

``cam1/ ... cam6/<four-digit identity>/<image>`` and ``exp/{train,val,test}_id.txt``, one line of numbers
separated by commas each (Wu et al., "RGB-Infrared Cross-Modality Person Re-Identification", ICCV 2017).
"""

from collections.abc import Mapping
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.file_names import readable_path
from reid_core.listing import list_images
from reid_core.types import Modality, Spectrum
from training.datasets.checks.findings import Told
from training.datasets.checks.sysu import check_sysu
from training.datasets.layout import Cameras, Checked, Layout
from training.datasets.listing import listed_numbers
from training.datasets.records import ImageRecord, ReidDataset, Split

CAMERAS: Mapping[int, Spectrum] = {
    1: Spectrum.VISIBLE,
    2: Spectrum.VISIBLE,
    3: Spectrum.NEAR,
    4: Spectrum.VISIBLE,
    5: Spectrum.VISIBLE,
    6: Spectrum.NEAR,
}
VISIBLE_CAMERAS, INFRARED_CAMERAS = frozenset({1, 2, 4, 5}), frozenset({3, 6})
SAME_PLACE: Mapping[int, int] = {3: 2}


class SysuLayout(Layout):
    """Splits are lists of identities in ``exp``; a missing ``val_id.txt`` is an empty one."""

    name = "sysu"
    looks = "SYSU-MM01 (cam1 to cam6, exp)"
    published = True
    cameras = Cameras("SYSU-MM01", VISIBLE_CAMERAS, INFRARED_CAMERAS)

    def recognises(self, root: Path) -> bool:
        """Whether there are the lists' folder and a camera's."""
        return (root / "exp").is_dir() and any(root.glob("cam[1-9]"))

    def lacks(self, root: Path) -> SourceError | None:
        """Cameras without the lists' folder."""
        if (root / "exp").is_dir() or not any(root.glob("cam[1-9]")):
            return None
        return SourceError(
            f"The folder {root} is laid out like SYSU-MM01 but lacks its exp folder.",
            "exp/train_id.txt, val_id.txt and test_id.txt say whose images belong to which split.",
        )

    def open(self, root: Path, trial: int = 1) -> ReidDataset:
        """List a folder of this layout; trials are none of its own.

        Raises:
            SourceError: identity lists are missing, overlapping or not numbers, or nobody has an image.
        """
        splits = open_splits(root, CAMERAS)
        return ReidDataset("SYSU-MM01 layout", self.name, root, splits, SAME_PLACE, protocols=self.name)

    def check(self, root: Path, deep: bool, told: Told) -> Checked:
        """Lists, folders and counts against the published ones."""
        return Checked(check_sysu(root, CAMERAS), root)


LAYOUT = SysuLayout()


def open_splits(root: Path, cameras: Mapping[int, Spectrum]) -> dict[Split, tuple[ImageRecord, ...]]:
    """The images of a tree of this kind, whatever its cameras record.

    Args:
        root: of the data set.
        cameras: those that are looked at.

    Raises:
        SourceError: as `SysuLayout.open`.
    """
    identities = {split: _identities(root / "exp" / f"{split}_id.txt", split) for split in Split}
    _check_disjoint(root, identities)
    splits = {split: _records(root, ids, cameras) for split, ids in identities.items()}
    if not any(splits.values()):
        raise SourceError(f"None of the identities listed in {root / 'exp'} has an image under cam1 to cam6.")
    return splits


def _identities(file: Path, split: Split) -> list[int]:
    if not file.is_file():
        if split is Split.VAL:
            return []
        raise SourceError(
            f"The list of identities {file} is missing.", "It belongs to the data set: one line, e.g. 1,2,4."
        )
    return listed_numbers(file)


def _check_disjoint(root: Path, identities: Mapping[Split, list[int]]) -> None:
    seen: dict[int, Split] = {}
    for split, ids in identities.items():
        for identity in ids:
            if identity in seen:
                both = f"{seen[identity]} and {split}"
                raise SourceError(f"Identity {identity} of {root} is in two splits: {both}.")
            seen[identity] = split


def _records(root: Path, ids: list[int], cameras: Mapping[int, Spectrum]) -> tuple[ImageRecord, ...]:
    records = []
    for identity in ids:
        for camera, spectrum in sorted(cameras.items()):
            folder = root / f"cam{camera}" / f"{identity:04d}"
            if not folder.is_dir():
                continue
            modality = Modality.VISIBLE if spectrum is Spectrum.VISIBLE else Modality.INFRARED
            for file in sorted(list_images(folder, recursive=False)):
                path = f"cam{camera}/{identity:04d}/{readable_path(file.name)}"
                records.append(ImageRecord(path, identity, camera, modality, spectrum, path))
    return tuple(records)
