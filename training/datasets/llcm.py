"""LLCM: 1,064 people seen by nine cameras in low light, visible and near infrared.

Training: ``vis/<id>/*``, ``nir/<id>/*`` named by ``idx/train_{vis,nir}.txt`` (``path label``). Test:
``test_vis/cam<1..9>/<id>/*``, ``test_nir/cam<1..9>/<id>/*`` of the people in ``idx/test_id.txt`` (Zhang and
Wang, "Diverse Embedding Expansion Network and Low-Light Cross-Modality Benchmark for Visible-Infrared Person
Re-identification", CVPR 2023). There is no infrared camera 3; an empty folder of it is normal.
"""

import re
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.file_names import readable_path
from reid_core.listing import list_images
from reid_core.types import Modality, Spectrum
from training.datasets.checks.findings import Told
from training.datasets.checks.llcm import check_llcm
from training.datasets.layout import Cameras, Checked, Layout
from training.datasets.listing import listed_numbers, listed_paths
from training.datasets.records import ImageRecord, ReidDataset, Split

_SIDES = (("vis", Modality.VISIBLE, Spectrum.VISIBLE), ("nir", Modality.INFRARED, Spectrum.NEAR))
_CAMERA = re.compile(r"(?:^|[_/-])c(?:am)?0*(\d+)(?=[_./s-])")


class LlcmLayout(Layout):
    """The training people are a list of images, the test people a list of identities; nobody validates."""

    name = "llcm"
    looks = "LLCM (vis, nir, idx)"
    published = True
    cameras = Cameras("LLCM", frozenset(range(1, 10)), frozenset(range(1, 10)) - {3})

    def recognises(self, root: Path) -> bool:
        """Whether the three folders are there."""
        return all((root / name).is_dir() for name in ("idx", "vis", "nir"))

    def open(self, root: Path, trial: int = 1) -> ReidDataset:
        """List a folder of this layout; trials are none of its own.

        The camera of a training image is read from its file name, and 0 where that does not tell.

        Raises:
            SourceError: a list is missing or names no images.
        """
        train = [record for side in _SIDES for record in _train(root, *side)]
        wanted = listed_numbers(root / "idx" / "test_id.txt")
        test = [record for side in _SIDES for record in _test(root, wanted, *side)]
        splits = {
            Split.TRAIN: tuple(sorted(train, key=_order)),
            Split.VAL: (),
            Split.TEST: tuple(sorted(test, key=_order)),
        }
        return ReidDataset("LLCM", self.name, root, splits, protocols=self.name)

    def check(self, root: Path, deep: bool, told: Told) -> Checked:
        """Lists, folders and counts against the published ones."""
        return Checked(check_llcm(root), root)


LAYOUT = LlcmLayout()


def _order(record: ImageRecord) -> tuple[int, int, str]:
    return record.identity, record.camera, record.path


def _train(root: Path, side: str, modality: Modality, spectrum: Spectrum) -> list[ImageRecord]:
    records = []
    for path in listed_paths(root / "idx" / f"train_{side}.txt"):
        folder = path.split("/")[-2:-1]
        if not folder or not folder[0].isdigit():
            raise SourceError(f"A list of LLCM names {path!r}, which is in no identity's folder.")
        found = _CAMERA.search(path)
        camera = int(found.group(1)) if found else 0
        records.append(ImageRecord(path, int(folder[0]), camera, modality, spectrum, path))
    return records


def _test(
    root: Path, wanted: list[int], side: str, modality: Modality, spectrum: Spectrum
) -> list[ImageRecord]:
    records = []
    for camera in range(1, 10):
        for identity in wanted:
            folder = root / f"test_{side}" / f"cam{camera}" / f"{identity:04d}"
            for file in sorted(list_images(folder, recursive=False)) if folder.is_dir() else ():
                path = readable_path(file.relative_to(root).as_posix())
                key = f"{side}/{identity:04d}/{readable_path(file.name)}"
                records.append(ImageRecord(path, identity, camera, modality, spectrum, key))
    return records
