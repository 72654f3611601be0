"""Which images ask and which are searched, in each trial of a protocol."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.types import Ints, Modality
from training.datasets.records import ImageRecord, ReidDataset
from training.evaluation.cameras import INDOOR, check_cameras
from training.evaluation.protocols import Direction, ProtocolSpec, Sampler, Search

PERMUTATIONS_NAME = "rand_perm_cam.mat"
"""Sampler B's file of SYSU-MM01's authors, in the data set's ``exp`` folder. It comes with their evaluation
code, not with the images."""

_Image = TypeVar("_Image")

Permutations = Mapping[tuple[int, int], Ints]
"""(camera, identity) -> ``(trials, n)`` positions in the folder's sorted files, from 0."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One draw.

    Attributes:
        number: of the trial, from 0.
        query: ``(Q,)`` rows of the records: by identity, camera and file name.
        gallery: ``(G,)``.
    """

    number: int
    query: Ints
    gallery: Ints


def draw_trials(
    records: Sequence[ImageRecord], spec: ProtocolSpec, permutations: Permutations | None = None
) -> list[Trial]:
    """All trials of a protocol.

    Args:
        records: of the split that is evaluated.
        spec: the protocol.
        permutations: sampler B's.

    Raises:
        UsageError: sampler B without its permutations, or permutations of fewer trials; or the draw is that
            of a training; or an image is of a camera that is none of the protocol's.
        SourceError: nobody asks, or there is no gallery.
    """
    if spec.sampler is Sampler.VALIDATION:
        raise UsageError(
            "The sampler 'validation' is a training's own, drawn by its seed.",
            "Its figures are in run.json and model.json; nothing else can be measured by it.",
        )
    order = sorted(
        range(len(records)),
        key=lambda row: (records[row].identity, records[row].camera, records[row].path),
    )
    visible = [row for row in order if records[row].modality is Modality.VISIBLE]
    infrared = [row for row in order if records[row].modality is Modality.INFRARED]
    if spec.search is Search.INDOOR:
        visible = [row for row in visible if records[row].camera in INDOOR]
    if spec.queries != "all":
        infrared = [row for row in infrared if (records[row].spectrum or "unknown") == spec.queries]
    ask, searched = {
        Direction.VIS2IR: (visible, infrared),
        Direction.VIS2VIS: (visible, visible),
    }.get(spec.direction, (infrared, visible))
    for rows, what in ((ask, "query"), (searched, "gallery")):
        if not rows:
            kind = "infrared" if rows is infrared else "visible"
            raise SourceError(f"The {what} is empty: there are no {kind} images that the protocol asks for.")
    of_ask, of_searched = ({records[row].camera for row in rows} for rows in (ask, searched))
    check_cameras(spec, of_ask, of_searched, "the data set")
    drawn = ask if spec.direction is Direction.SWAPPED else searched
    trials = []
    # Nothing is drawn of a gallery of everybody: there is one.
    for number in range(spec.trials if spec.shots is not None else 1):
        some = _draw(records, drawn, spec, number, permutations)
        query, gallery = (some, searched) if spec.direction is Direction.SWAPPED else (ask, some)
        trials.append(Trial(number, np.array(query, np.int64), np.array(gallery, np.int64)))
    return trials


def _draw(
    records: Sequence[ImageRecord],
    rows: Sequence[int],
    spec: ProtocolSpec,
    trial: int,
    permutations: Permutations | None,
) -> list[int]:
    """So many of each (identity, camera), both ascending; files in order of name."""
    if spec.shots is None:
        return list(rows)
    folders: dict[tuple[int, int], list[int]] = {}
    for row in rows:
        folders.setdefault((records[row].identity, records[row].camera), []).append(row)
    if spec.sampler is Sampler.B:
        return [
            files[place]
            for key, files in folders.items()
            for place in _permuted(permutations, key, trial, spec.shots, len(files))
        ]
    if spec.shots == 1:
        return one_a_folder(folders.values(), trial)
    # The released codes draw these from a generator that everything before has used: no two agree.
    state = np.random.RandomState(trial)
    return [
        files[place]
        for files in folders.values()
        for place in state.choice(len(files), min(spec.shots, len(files)), replace=False).tolist()
    ]


def one_a_folder(folders: Iterable[Sequence[_Image]], trial: int) -> list[_Image]:
    """Sampler A's single-shot draw: one file of each folder, folders and files in order."""
    # The draws of the module's own functions after random.seed(trial), which this leaves alone.
    generator = random.Random(trial)
    return [generator.choice(files) for files in folders]


def draw_gallery(images: Iterable[ImageRecord], trial: int) -> list[ImageRecord]:
    """Sampler A's single-shot gallery: one image of each (identity, camera), both ascending."""
    folders: dict[tuple[int, int], list[ImageRecord]] = {}
    for image in images:
        folders.setdefault((image.identity, image.camera), []).append(image)
    return one_a_folder(
        (sorted(folders[key], key=lambda image: image.path) for key in sorted(folders)), trial
    )


def _permuted(
    permutations: Permutations | None, key: tuple[int, int], trial: int, shots: int, files: int
) -> list[int]:
    if permutations is None:
        raise UsageError(
            f"Sampler B needs the official permutations, {PERMUTATIONS_NAME}.",
            "It comes with the evaluation code of SYSU-MM01's authors and belongs into the exp folder.",
        )
    identity, camera = key
    rows = permutations.get((camera, identity))
    if rows is None or trial >= len(rows):
        raise UsageError(f"The permutations hold no trial {trial} of identity {identity} at camera {camera}.")
    places: list[int] = rows[trial][:shots].tolist()
    if not all(0 <= place < files for place in places):
        raise UsageError(
            f"The permutations name image {max(places) + 1} of identity {identity} at camera {camera}, "
            f"where there are {files}: they belong to another copy of the data set."
        )
    return places


def read_permutations(dataset: ReidDataset) -> Permutations | None:
    """Sampler B's permutations, ``None`` where the data set has no such file.

    Raises:
        SourceError: the file is not what SYSU-MM01's authors give out.
    """
    file = dataset.root / "exp" / PERMUTATIONS_NAME
    return _read_permutations(file) if file.is_file() else None


def _read_permutations(file: Path) -> Permutations:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        cells = loadmat(file)["rand_perm_cam"].ravel()
        found: dict[tuple[int, int], Ints] = {}
        for camera, people in enumerate(cells, 1):
            for identity, rows in enumerate(people.ravel(), 1):
                if np.asarray(rows).size:
                    # Matlab counts from 1.
                    found[camera, identity] = np.atleast_2d(np.asarray(rows)).astype(np.int64) - 1
    except (OSError, ValueError, KeyError, TypeError, AttributeError, MatReadError) as error:
        raise SourceError(
            f"{file} does not hold the official permutations: {error}.",
            "It is a Matlab file with a cell array rand_perm_cam, a cell a camera.",
        ) from None
    return found
