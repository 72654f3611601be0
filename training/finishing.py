"""The end of a run: what came out is measured on the validation identities, calibrated and saved."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from reid_core.calibration import Calibration
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.checkpoint_files import CheckpointFiles, open_checkpoint
from reid_core.models.manifest import PairKind, Result, Training
from reid_core.models.network import Network
from reid_core.models.systems import SYSTEMS
from reid_core.preprocess import Preprocess
from reid_core.types import Spectrum
from training.calibrating import calibrate
from training.datasets.records import ReidDataset
from training.evaluation.protocols import validation_protocol
from training.material import Material
from training.recipe import Recipe
from training.run_folder import MODEL_NAME, RunFolder
from training.state import Position
from training.validating import Validated, embed_images, retrieval_by_spectrum, single_shot_rows

_FIGURES = ("r1", "r5", "r10", "map", "minp")


def finish(
    folder: RunFolder,
    recipe: Recipe,
    material: Material,
    start: CheckpointFiles | None,
    model: Network,
    origin: str,
    preprocess: Preprocess,
    images: NDArray[np.uint8] | None,
    identities: Sequence[int],
    position: Position,
    accompany: Callable[[CheckpointFiles], None],
    note: Callable[[str], None],
) -> None:
    """Write ``model/`` and complete ``run.json``.

    Args:
        folder: of the run.
        recipe: of the run.
        material: what was learned from, and the validation identities.
        start: the checkpoint that the run started from, if any.
        model: what came out.
        origin: where its first weights come from without such a checkpoint.
        preprocess: of the network.
        images: of the validation records, ``(N, H, W, 3)`` uint8, or ``None`` without any.
        identities: of the classifier, in its order.
        position: where the run ended.
        accompany: called with the checkpoint, to write what else came out.
        note: called with each sentence worth telling.
    """
    results: dict[str, Validated] = {}
    calibration: dict[PairKind, Calibration] = {}
    data = material.dataset.name
    if images is None:
        note("No identities were kept from training: nothing is measured, and scores stay uncalibrated.")
    else:
        rows = np.arange(len(material.validation))
        vectors = embed_images(model, images, material.validation, rows, preprocess)
        few = single_shot_rows(material.validation, recipe.seed)
        shown = [material.validation[row] for row in few.tolist()]
        results = retrieval_by_spectrum(vectors[few], shown, material.dataset.same_place)
        for kind, found in results.items():
            note(f"{kind} to visible: {found}")
        people = len({record.identity for record in material.validation})
        described = f"{data}: {people} identities kept from training"
        calibration, notes = calibrate(
            vectors, material.validation, recipe.calibration, recipe.seed, described
        )
        for text in notes:
            note(text)
    protocols = tuple(
        Result(
            protocol=_protocol(material.dataset, kind, recipe.input.mirror),
            metrics=_metrics(found),
        )
        for kind, found in results.items()
    )
    target = folder.path / MODEL_NAME
    kept = model if recipe.keep_classifier else model.for_inference()
    classifies = SYSTEMS.get(kept.kind)().classes(kept.architecture) is not None
    save_checkpoint(
        target,
        kept,
        name=recipe.name,
        preprocess=preprocess,
        label_map=[str(identity) for identity in identities] if classifies else (),
        training=Training(
            recipe=f"nightreid train: {recipe.name}",
            data=(data,),
            origin=origin if start is None else _learned_on(start),
            licence=recipe.licence,
            settings=recipe.recorded(),
        ),
        results=protocols,
        calibration=calibration,
    )
    written = open_checkpoint(target)
    accompany(written)
    folder.write(
        {
            "status": "finished",
            "steps": position.step,
            "seconds": round(position.seconds, 1),
            "ended": datetime.now(UTC).isoformat(timespec="seconds"),
            "final": {name: round(value, 6) for name, value in position.final.items()},
            "validation": {result.protocol: result.metrics for result in protocols},
            "calibration": {kind: each.to_dict() for kind, each in calibration.items()},
            "model_id": written.model_id,
        }
    )


def _protocol(dataset: ReidDataset, kind: str, mirror: bool) -> str:
    queries = kind if kind in (Spectrum.NEAR, Spectrum.THERMAL) else "unknown"
    same_place = bool(dataset.same_place)
    return validation_protocol(dataset.protocols, queries, same_place=same_place, flip=mirror).id


def _learned_on(start: CheckpointFiles) -> str:
    """A checkpoint that a run started from, what that learned from and where it came from itself."""
    before = start.manifest.training
    learned = f", which learned from {', '.join(before.data)}" if before.data else ""
    origin = f"; it started from {before.origin}" if before.origin else ""
    return f"{start.manifest.name} ({start.model_id}){learned}{origin}"


def _metrics(found: Validated) -> dict[str, float]:
    """The figures, of how many queries they are, and the 95 % interval of rank-1."""
    low, high = found.interval
    figures = {name: float(getattr(found.result, name)) for name in _FIGURES}
    said = {**figures, "r1_low": low, "r1_high": high, "queries": float(found.result.valid)}
    return {name: round(value, 4) for name, value in said.items()}
