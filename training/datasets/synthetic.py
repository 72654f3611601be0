"""The synthetic night shift: SYSU-MM01's tree with ``synthetic.json``, which says of itself what is in it."""

import json
from pathlib import Path
from typing import Any

from reid_core.errors import SourceError
from reid_core.types import Spectrum
from training.datasets import sysu
from training.datasets.checks.findings import Told
from training.datasets.checks.synthetic import check_synthetic
from training.datasets.layout import Cameras, Checked, Layout
from training.datasets.records import ReidDataset

MANIFEST_NAME = "synthetic.json"


class SyntheticLayout(Layout):
    """Cameras are of the kinds that the manifest names; counts are compared with the manifest's."""

    name = "synthetic"
    looks = f"the synthetic night shift ({MANIFEST_NAME} beside cam1 to cam6, exp)"
    builds_on = sysu.LAYOUT.name
    cameras = Cameras("The synthetic night shift", sysu.VISIBLE_CAMERAS, sysu.INFRARED_CAMERAS)

    def recognises(self, root: Path) -> bool:
        """Whether the manifest is there."""
        return (root / MANIFEST_NAME).is_file()

    def open(self, root: Path, trial: int = 1) -> ReidDataset:
        """List a folder of this layout; trials are none of its own.

        Raises:
            SourceError: the manifest cannot be read, or as for SYSU-MM01.
        """
        manifest = _read_manifest(root)
        digest = manifest.get("digest")
        return ReidDataset(
            # What says nothing is a plain folder of SYSU-MM01's tree, but still no copy of SYSU-MM01.
            "synthetic night shift" if manifest else "SYSU-MM01 layout",
            sysu.LAYOUT.name,
            root,
            sysu.open_splits(root, _cameras(manifest, root) or sysu.CAMERAS),
            sysu.SAME_PLACE,
            str(digest) if digest else None,
            protocols=self.name,
        )

    def check(self, root: Path, deep: bool, told: Told) -> Checked:
        """Everything that a synthetic set says of itself."""
        return Checked(check_synthetic(root, MANIFEST_NAME, sysu.CAMERAS, deep, told), root)


LAYOUT = SyntheticLayout()


def _read_manifest(root: Path) -> dict[str, Any]:
    file = root / MANIFEST_NAME
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SourceError(f"The manifest {file} cannot be read: {error}.") from None
    return values if isinstance(values, dict) else {}


def _cameras(manifest: dict[str, Any], root: Path) -> dict[int, Spectrum]:
    try:
        return {int(name): Spectrum(said["spectrum"]) for name, said in manifest.get("cameras", {}).items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        file = root / MANIFEST_NAME
        raise SourceError(f"The cameras in {file} do not name their spectrum.") from None
