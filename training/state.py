"""Where a run stands: everything that the next step depends on, in one file that is whole or not there.

No pickle: tensors and a JSON header, by safetensors. What is random is drawn from the seed and the step, so
the step is its position; torch's own random state is kept for networks that draw from it (drop-out).
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from reid_core.errors import ModelError, StorageError

STATE_NAME = "state.safetensors"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class RunState:
    """What changes from step to step; the modules are written from and read into in place.

    Attributes:
        model: the network.
        optimiser: over its parameters.
        scaler: of half precision, unused where it is disabled.
        average: the moving average of the weights, if there is one.
        objective: the losses, some of which learn.
    """

    model: nn.Module
    optimiser: Optimizer
    scaler: "torch.amp.GradScaler"
    average: nn.Module | None = None
    objective: nn.Module = field(default_factory=nn.Identity)


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the run it is.

    Attributes:
        step: steps done.
        seconds: spent on them, over all processes.
        threads: of torch: other numbers add up in another order.
        device: ``cpu`` or ``cuda``.
        final: the values of the log's last row.
    """

    step: int
    seconds: float
    threads: int
    device: str
    final: Mapping[str, float] = field(default_factory=dict)


def save_state(folder: Path, state: RunState, position: Position) -> None:
    """Write the state beside its place and move it there.

    Raises:
        StorageError: the disk is full or read-only.
    """
    tensors: dict[str, Tensor] = {}
    for name, module in _modules(state):
        tensors |= {f"{name}/{key}": value for key, value in module.state_dict().items()}
    for number, values in state.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser/{number}/{k}": v for k, v in values.items() if isinstance(v, Tensor)}
    tensors["random/cpu"] = torch.get_rng_state()
    if position.device == "cuda":
        tensors["random/cuda"] = torch.cuda.get_rng_state()
    header = {
        "format": FORMAT,
        "step": position.step,
        "seconds": position.seconds,
        "threads": position.threads,
        "device": position.device,
        "final": dict(position.final),
        "scaler": state.scaler.state_dict(),
    }
    plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    scratch = folder / f".{STATE_NAME}.new"
    try:
        save_file(plain, scratch, metadata={"run": json.dumps(header)})
        # On disk before its name: a machine that loses power has the old one or the new one.
        with scratch.open("rb") as file:
            os.fsync(file.fileno())
        scratch.replace(folder / STATE_NAME)
    except (OSError, SafetensorError) as error:
        raise StorageError(f"The state of the run in {folder} cannot be written: {error}.") from error


def read_position(folder: Path) -> Position | None:
    """Where the run in a folder stands, or ``None`` where it has not got anywhere.

    Raises:
        ModelError: the file is damaged or of another version.
    """
    file = folder / STATE_NAME
    if not file.is_file():
        return None
    header = _header(file)
    return Position(
        header["step"], header["seconds"], header["threads"], header["device"], dict(header["final"])
    )


def load_state(folder: Path, state: RunState) -> None:
    """Read what :func:`save_state` wrote into the modules, the optimiser and torch's random state.

    Raises:
        ModelError: the file is damaged or of another network.
    """
    file = folder / STATE_NAME
    header = _header(file)
    try:
        with safe_open(file, framework="pt") as opened:
            keys = opened.keys()
            tensors: dict[str, Tensor] = {key: opened.get_tensor(key) for key in keys}
        for name, module in _modules(state):
            # Copied into the tensors that are there: their memory layout decides the order of sums.
            module.load_state_dict(_below(tensors, name), strict=True)
        _load_optimiser(state.optimiser, _below(tensors, "optimiser"))
    except (SafetensorError, RuntimeError, KeyError, OSError) as error:
        raise ModelError(
            f"The state {file} does not fit this run: {error}.", "Start over with --restart."
        ) from None
    if header["scaler"]:
        state.scaler.load_state_dict(header["scaler"])
    torch.set_rng_state(tensors["random/cpu"])
    if "random/cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random/cuda"])


def _modules(state: RunState) -> list[tuple[str, nn.Module]]:
    averaged = [("average", state.average)] if state.average is not None else []
    return [("model", state.model), *averaged, ("objective", state.objective)]


def _below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}/"
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


def _load_optimiser(optimiser: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    values: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, name = key.split("/")
        parameter = parameters[int(number)]
        if tensor.shape == parameter.shape and name != "step":
            tensor = torch.empty_like(parameter).copy_(tensor)
        values.setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict({"state": values, "param_groups": optimiser.state_dict()["param_groups"]})


def _header(file: Path) -> dict[str, Any]:
    try:
        with safe_open(file, framework="pt") as opened:
            header: dict[str, Any] = json.loads(opened.metadata()["run"])
    except (SafetensorError, OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise ModelError(f"The state {file} is damaged: {error}.", "Start over with --restart.") from None
    if header.get("format") != FORMAT:
        raise ModelError(f"The state {file} was written by another version.", "Start over with --restart.")
    return header
