"""What ONNX and OpenVINO networks have in common: images in, a vector out, and local features perhaps."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from reid_core.errors import ModelError
from reid_core.models.manifest import ModelManifest
from reid_core.types import EMBEDDING, Floats


def check_input(path: Path, manifest: ModelManifest, inputs: int, shape: Sequence[int | None]) -> int | None:
    """Compare a network's input with what the manifest prepares.

    Args:
        path: of the network, for the message.
        manifest: of the model.
        inputs: how many it takes.
        shape: of the first, ``None`` where a side is free.

    Returns:
        The batch size it is fixed to, or ``None``.

    Raises:
        ModelError: it does not take one batch of images of the manifest's size.
    """
    if inputs != 1 or len(shape) != 4:
        raise ModelError(f"The network {path} does not take one batch of images.")
    wanted = [3, manifest.preprocess.height, manifest.preprocess.width]
    if any(has not in (None, want) for has, want in zip(shape[1:], wanted, strict=True)):
        raise ModelError(
            f"The network {path} takes {_written(shape[1:])}, "
            f"but its model.json prepares {_written(wanted)}.",
            "Check height and width of 'preprocess'.",
        )
    return shape[0]


def output_positions(path: Path, manifest: ModelManifest, names: Sequence[Sequence[str]]) -> dict[str, int]:
    """Which outputs hold the vector and the local features.

    Args:
        path: of the network, for the message.
        manifest: of the model.
        names: of each output (OpenVINO's may have several).

    Returns:
        Places among the outputs, by the names of the features.

    Raises:
        ModelError: the manifest names none of several, or one that is not there.
    """
    listed = ", ".join(repr(each[0]) if each else "(unnamed)" for each in names)

    def position(wanted: str) -> int:
        found = next((index for index, each in enumerate(names) if wanted in each), None)
        if found is None:
            raise ModelError(f"The network {path} has no output {wanted!r}, but {listed}.")
        return found

    local = {name: position(name) for name in manifest.local_shapes}
    # A graph that we exported calls its outputs what the features are called.
    vector = manifest.output or (EMBEDDING if local else None)
    if vector is None and len(names) > 1:
        raise ModelError(f"The network {path} has {len(names)} outputs: {listed}.", "Name one as 'output'.")
    return {EMBEDDING: 0 if vector is None else position(vector), **local}


def fixed_chunks(
    run: Callable[[Floats], Mapping[str, Floats]], batch: Floats, size: int | None
) -> Mapping[str, Floats]:
    """Run a network whose batch size may be fixed; the last chunk is filled up with zeros."""
    if size is None:
        return run(batch)
    answers = []
    for start in range(0, len(batch), size):
        chunk = batch[start : start + size]
        filled = np.zeros((size, *batch.shape[1:]), np.float32)
        filled[: len(chunk)] = chunk
        answers.append({name: rows[: len(chunk)] for name, rows in run(filled).items()})
    return {name: np.concatenate([each[name] for each in answers]) for name in answers[0]}


def _written(sides: Sequence[int | None]) -> str:
    return " x ".join("?" if side is None else str(side) for side in sides)
