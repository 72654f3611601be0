"""A checkpoint's scores fitted anew on a data set's people, and what its calibration does to others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.models.checkpoint import write_manifest
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.manifest import PairKind, StandardisedScores
from reid_core.runtime import load_embedder
from reid_core.runtime.cache import cache_folder
from reid_core.standardising import parse_form
from reid_core.types import Floats
from training.calibrating import calibrate
from training.datasets.opening import open_dataset
from training.datasets.records import ImageRecord, Split, identities_of
from training.evaluation.open_world import AtSize, open_world
from training.evaluation.standardised import standardised
from training.evaluation.vectors import Told, embedded
from training.recipe import CalibrationSettings


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """What was fitted.

    Attributes:
        calibration: by kind of pair.
        notes: a sentence for each kind that could not be fitted.
    """

    calibration: Mapping[PairKind, Calibration]
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """What calibrations do in galleries of several sizes.

    Attributes:
        data: the people, in words.
        found: by kind of pair, smallest gallery first.
        form: how vectors are standardised by their cameras, where the model is calibrated for that, too.
        standardised: as ``found``, of such vectors.
    """

    data: str
    found: Mapping[PairKind, Sequence[AtSize]]
    form: str | None = None
    standardised: Mapping[PairKind, Sequence[AtSize]] = field(default_factory=dict)


def recalibrate(
    files: CheckpointFiles,
    data: Path,
    split: Split | None,
    settings: CalibrationSettings,
    seed: int,
    told: Told | None = None,
    form: str | None = None,
) -> Recalibrated:
    """Fit a model's scores on people that it never learned from, and write that into its ``model.json``.

    Args:
        files: of the checkpoint; its weights and its identity stay as they are.
        data: folder of a data set.
        split: whose people; ``None`` for everybody.
        settings: how galleries are drawn.
        seed: of the draws.
        told: called with images embedded and their number.
        form: fit scores of vectors that are standardised by their cameras in this form
            (`reid_core.standardising.parse_form`), and leave those of vectors as they are; by default the
            other way round.

    Raises:
        UsageError: no kind of pair can be calibrated on these people, or the text names no form.
        ModelError: the model is damaged.
        SourceError: the data cannot be read.
    """
    chosen = parse_form(form) if form is not None else None
    vectors, records, described = _embedded(files, data, split, told)
    if chosen is not None:
        vectors = standardised(vectors, records, chosen)
    calibrations, notes = calibrate(vectors, records, settings, seed, described)
    if not calibrations:
        raise UsageError(notes[0] if notes else "These people make no pairs to calibrate on.")
    written: dict[str, object] = {"calibration": calibrations}
    if form is not None:
        written = {"standardised": StandardisedScores(form=form, calibration=calibrations)}
    write_manifest(files.folder, files.manifest.model_copy(update=written))
    return Recalibrated(calibrations, notes)


def check_calibration(
    files: CheckpointFiles,
    data: Path,
    split: Split | None,
    sizes: Sequence[int],
    settings: CalibrationSettings,
    seed: int,
    told: Told | None = None,
) -> Checked:
    """Measure a model's calibration as it stands, on people that it has not seen; nothing is written.

    Args:
        files: of the checkpoint.
        data: folder of a data set.
        split: whose people; ``None`` for everybody.
        sizes: of the galleries.
        settings: how they are drawn.
        seed: of the draws.
        told: called with images embedded and their number.

    Raises:
        UsageError: the model has no calibration, or there are not enough people for the largest gallery.
        ModelError: the model is damaged.
        SourceError: the data cannot be read.
    """
    calibrations = files.manifest.calibration
    if not calibrations:
        raise UsageError("The model has no calibration to check.", "Calibrate it first, without --check.")
    vectors, records, described = _embedded(files, data, split, told)
    found = open_world(vectors, records, calibrations, sizes, settings, seed)
    made = files.manifest.standardised
    if made is None:
        return Checked(described, found)
    other = standardised(vectors, records, parse_form(made.form))
    of_form = open_world(other, records, made.calibration, sizes, settings, seed)
    return Checked(described, found, made.form, of_form)


def _embedded(
    files: CheckpointFiles, data: Path, split: Split | None, told: Told | None
) -> tuple[Floats, Sequence[ImageRecord], str]:
    dataset = open_dataset(data)
    splits = [each for each in Split if dataset.splits.get(each)] if split is None else [split]
    records = dataset.records(*splits)
    embedder = load_embedder(str(files.folder))
    mirror = files.manifest.preprocess.mirror
    vectors = embedded(dataset, records, embedder, mirror, cache_folder() / "features", told)
    people = len(identities_of(records))
    described = f"{dataset.name}: {people} identities of {data.resolve().name} ({split or 'all'})"
    return vectors, records, described
