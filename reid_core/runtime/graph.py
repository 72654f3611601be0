"""What ONNX and OpenVINO networks have in common: one image in, one vector out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from reid_core.errors import ModelError
from reid_core.models.manifest import ModelManifest
from reid_core.types import Floats


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


def output_position(path: Path, manifest: ModelManifest, names: Sequence[Sequence[str]]) -> int:
    """Which output holds the vector.

    Args:
        path: of the network, for the message.
        manifest: of the model.
        names: of each output (OpenVINO's may have several).

    Raises:
        ModelError: the manifest names none of several, or one that is not there.
    """
    listed = ", ".join(repr(each[0]) if each else "(unnamed)" for each in names)
    if manifest.output is None:
        if len(names) == 1:
            return 0
        raise ModelError(f"The network {path} has {len(names)} outputs: {listed}.", "Name one as 'output'.")
    for index, each in enumerate(names):
        if manifest.output in each:
            return index
    raise ModelError(f"The network {path} has no output {manifest.output!r}, but {listed}.")


def fixed_chunks(run: Callable[[Floats], Floats], batch: Floats, size: int | None) -> Floats:
    """Run a network whose batch size may be fixed; the last chunk is filled up with zeros."""
    if size is None:
        return run(batch)
    answers = []
    for start in range(0, len(batch), size):
        chunk = batch[start : start + size]
        filled = np.zeros((size, *batch.shape[1:]), np.float32)
        filled[: len(chunk)] = chunk
        answers.append(run(filled)[: len(chunk)])
    return np.concatenate(answers)


def _written(sides: Sequence[int | None]) -> str:
    return " x ".join("?" if side is None else str(side) for side in sides)
