"""A data set of one's own: a table of images, as ``nightreid dataset import`` writes it.

``images.csv`` has the columns ``path,identity,camera,modality,spectrum,split``; ``dataset.json`` says where
the images lie, what numbers of identities and cameras are called, and which cameras see the same place.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, ValidationError

from reid_core.config import Settings
from reid_core.errors import SourceError
from reid_core.file_names import path_of
from reid_core.types import Modality, Spectrum
from reid_core.validation import first_wrong
from training.datasets.checks.findings import Seen, Told
from training.datasets.checks.own import check_own
from training.datasets.layout import Checked, Layout
from training.datasets.own_rows import Row, read_rows
from training.datasets.own_table import write_table
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.datasets.wording import few

MANIFEST_NAME = "dataset.json"
TABLE_NAME = "images.csv"

OwnSplits: TypeAlias = dict[Split, list[ImageRecord]]


class OwnManifest(Settings):
    """What ``dataset.json`` says.

    Attributes:
        format: of the two files.
        name: of the data set, for the record.
        images: the folder that the table's paths begin at, as `readable_path` shows it; a relative one begins
            at the data set's folder.
        digest: SHA-256 over the table and all images, as they were imported.
        splits: how identities came to their splits.
        same_place: infrared camera -> visible camera that sees the same place.
        identities: number -> what the user called somebody.
        cameras: number -> what the user called it.
    """

    format: Literal[1] = 1
    name: str
    images: str = "."
    digest: str | None = None
    splits: str = ""
    same_place: dict[int, int] = Field(default_factory=dict)
    identities: dict[int, str] = Field(default_factory=dict)
    cameras: dict[int, str] = Field(default_factory=dict)


def read_manifest(root: Path) -> OwnManifest:
    """Read ``dataset.json``.

    Raises:
        SourceError: it is missing, no JSON, or says something else.
    """
    file = root / MANIFEST_NAME
    try:
        return OwnManifest.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise SourceError(f"The data set {root} has no {MANIFEST_NAME}.") from None
    except ValidationError as error:
        wrong = first_wrong(OwnManifest, error)
        where = wrong.key or "the file"
        raise SourceError(f"In {file} {where} is not valid: {wrong.message.lower()}.", wrong.hint) from None
    except (OSError, ValueError, RecursionError) as error:
        raise SourceError(f"{file} cannot be read: {error}.") from None


class OwnLayout(Layout):
    """Splits are a column of the table; a person whose images are of two splits is refused."""

    name = "own"
    looks = f"what `nightreid dataset import` writes ({MANIFEST_NAME}, {TABLE_NAME})"

    def recognises(self, root: Path) -> bool:
        """Whether both files are there."""
        return (root / MANIFEST_NAME).is_file() and (root / TABLE_NAME).is_file()

    def open(self, root: Path, trial: int = 1) -> ReidDataset:
        """List a folder of this layout; trials are none of its own.

        Raises:
            SourceError: a file is missing, a row of the table cannot be used, somebody is in two splits, or
                the folder of the images is not there.
        """
        manifest = read_manifest(root)
        images = root / path_of(manifest.images)
        if not images.is_dir():
            raise SourceError(
                f"The images of {root} should be in {images}, which is not there.",
                f'"images" in {MANIFEST_NAME} names their folder.',
            )
        table = read_rows(root / TABLE_NAME)
        problems = list(table.problems)
        records: OwnSplits = {split: [] for split in Split}
        splits: dict[int, Split] = {}
        for row in table.rows:
            if not (row.identity.isdecimal() and row.camera.isdecimal()):
                problems.append(f"{row.where} (identity and camera must be whole numbers)")
            elif row.split is None:
                problems.append(f"{row.where} (no split)")
            elif splits.setdefault(int(row.identity), row.split) is not row.split:
                other = splits[int(row.identity)]
                problems.append(f"{row.where} (identity {row.identity} is in {other} and in {row.split})")
            else:
                records[row.split].append(record_of(row, int(row.identity), int(row.camera)))
        if problems:
            raise SourceError(f"Rows of {root / TABLE_NAME} cannot be used: {few(problems)}.")
        if not splits:
            raise SourceError(f"The table {root / TABLE_NAME} lists no image.")
        ordered = {
            split: tuple(sorted(some, key=lambda each: (each.identity, each.camera, each.path)))
            for split, some in records.items()
        }
        return ReidDataset(
            manifest.name, self.name, root, ordered, manifest.same_place, manifest.digest, images
        )

    def check(self, root: Path, deep: bool, told: Told) -> Checked:
        """The table against the images."""
        try:
            dataset = self.open(root)
        except SourceError as error:
            seen = Seen()
            seen.error("bad-table", error.message)
            return Checked(seen, root)
        return Checked(check_own(dataset, deep, told), dataset.images or root)


LAYOUT = OwnLayout()


def record_of(row: Row, identity: int, camera: int) -> ImageRecord:
    """A row as an image, under the numbers of its identity and camera."""
    # Visible light is of one kind; which kind infrared is must be told.
    spectrum = Spectrum.VISIBLE if row.modality is Modality.VISIBLE else row.spectrum
    return ImageRecord(row.path, identity, camera, row.modality, spectrum, row.path)


def write_own(root: Path, manifest: OwnManifest, splits: Mapping[Split, Sequence[ImageRecord]]) -> None:
    """Write both files into a folder that is there."""
    write_table(root / TABLE_NAME, splits)
    (root / MANIFEST_NAME).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
