"""RegDB: ten visible and ten thermal images of each of 412 people, and ten predefined halvings.

``Visible/<id>/*.bmp``, ``Thermal/<id>/*.bmp`` and ``idx/{train,test}_{visible,thermal}_<trial>.txt`` with
lines ``Visible/193/x.bmp <label>`` (Nguyen et al., "Person Recognition System Based on a Combination of
Body Images from Visible Light and Thermal Cameras", Sensors 2017). The label of a line counts anew in each
half; the identity here is the folder's number, which captions use too.
"""

from pathlib import Path

from reid_core.errors import SourceError
from reid_core.types import Modality, Spectrum
from training.datasets.checks.findings import Told
from training.datasets.checks.regdb import check_regdb
from training.datasets.layout import Cameras, Checked, Layout
from training.datasets.listing import listed_paths
from training.datasets.records import ImageRecord, ReidDataset, Split

TRIALS = range(1, 11)
_SIDES = (
    ("visible", 1, Modality.VISIBLE, Spectrum.VISIBLE),
    ("thermal", 2, Modality.INFRARED, Spectrum.THERMAL),
)


class RegdbLayout(Layout):
    """Splits are lists of images, of people who are wholly in one half; there is no validation split."""

    name = "regdb"
    looks = "RegDB (Visible, Thermal, idx)"
    published = True
    # Here 1 is the visible camera; evaluation code that only numbers the sides, by who asks, is as right.
    cameras = Cameras("RegDB", frozenset({1, 2}), frozenset({1, 2}))
    trials = TRIALS

    def recognises(self, root: Path) -> bool:
        """Whether the three folders are there."""
        return all((root / name).is_dir() for name in ("idx", "Visible", "Thermal"))

    def open(self, root: Path, trial: int = 1) -> ReidDataset:
        """List a folder of this layout.

        Args:
            root: of the data set.
            trial: which of the ten halvings.

        Raises:
            SourceError: a list is missing or names no images, or the trial is not one of ten.
        """
        if trial not in TRIALS:
            raise SourceError(f"RegDB has trials 1 to 10, not {trial}.")
        splits: dict[Split, tuple[ImageRecord, ...]] = {Split.VAL: ()}
        for split in (Split.TRAIN, Split.TEST):
            records = []
            for side, camera, modality, spectrum in _SIDES:
                for path in listed_paths(root / "idx" / f"{split}_{side}_{trial}.txt"):
                    identity = _identity(path)
                    records.append(ImageRecord(path, identity, camera, modality, spectrum, path))
            splits[split] = tuple(sorted(records, key=lambda each: (each.identity, each.camera, each.path)))
        return ReidDataset(f"RegDB trial {trial}", self.name, root, splits, protocols=self.name)

    def check(self, root: Path, deep: bool, told: Told) -> Checked:
        """Folders and the lists of all trials against the published counts."""
        return Checked(check_regdb(root, TRIALS), root)


LAYOUT = RegdbLayout()


def _identity(path: str) -> int:
    parts = path.split("/")
    if len(parts) < 2 or not parts[-2].isdigit():
        raise SourceError(f"A list of RegDB names {path!r}, which is in no identity's folder.")
    return int(parts[-2])
