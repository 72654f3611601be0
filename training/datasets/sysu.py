"""SYSU-MM01 and everything laid out like it, the synthetic night shift among them.

``cam1/ ... cam6/<four-digit identity>/<image>`` and ``exp/{train,val,test}_id.txt``, one line of numbers
separated by commas each (Wu et al., "RGB-Infrared Cross-Modality Person Re-Identification", ICCV 2017).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid_core.errors import SourceError
from reid_core.images import IMAGE_SUFFIXES
from reid_core.types import Modality, Spectrum
from training.datasets.listing import listed_numbers
from training.datasets.records import ImageRecord, ReidDataset, Split

LAYOUT = "sysu"
CAMERAS: Mapping[int, Spectrum] = {
    1: Spectrum.VISIBLE,
    2: Spectrum.VISIBLE,
    3: Spectrum.NEAR,
    4: Spectrum.VISIBLE,
    5: Spectrum.VISIBLE,
    6: Spectrum.NEAR,
}
SAME_PLACE: Mapping[int, int] = {3: 2}
SYNTHETIC_MANIFEST = "synthetic.json"


def looks_like_sysu(root: Path) -> bool:
    """Whether a folder is laid out this way."""
    return (root / "exp").is_dir() and any(root.glob("cam[1-9]"))


def open_sysu(root: Path) -> ReidDataset:
    """List a folder of this layout; where ``synthetic.json`` names cameras, they are what it says.

    Raises:
        SourceError: identity lists are missing, overlapping or not numbers, or nobody has an image.
    """
    manifest = _manifest(root)
    cameras = _cameras(manifest, root)
    identities = {split: _identities(root / "exp" / f"{split}_id.txt", split) for split in Split}
    _check_disjoint(root, identities)
    splits = {split: _records(root, ids, cameras) for split, ids in identities.items()}
    if not any(splits.values()):
        raise SourceError(f"None of the identities listed in {root / 'exp'} has an image under cam1 to cam6.")
    name = "synthetic night shift" if manifest else "SYSU-MM01 layout"
    digest = manifest.get("digest")
    return ReidDataset(name, LAYOUT, root, splits, SAME_PLACE, str(digest) if digest else None)


def _manifest(root: Path) -> dict[str, Any]:
    file = root / SYNTHETIC_MANIFEST
    if not file.is_file():
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"The manifest {file} cannot be read: {error}.") from None
    return values if isinstance(values, dict) else {}


def _cameras(manifest: dict[str, Any], root: Path) -> Mapping[int, Spectrum]:
    try:
        named = {int(name): Spectrum(said["spectrum"]) for name, said in manifest.get("cameras", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        file = root / SYNTHETIC_MANIFEST
        raise SourceError(f"The cameras in {file} do not name their spectrum.") from None
    return named or CAMERAS


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
            for file in sorted(folder.iterdir()):
                if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith("."):
                    path = f"cam{camera}/{identity:04d}/{file.name}"
                    records.append(ImageRecord(path, identity, camera, modality, spectrum, path))
    return tuple(records)
