"""The folder of a training run and ``run.json``, which says what the run is and how far it came."""

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from reid_core.errors import ConfigError, StorageError, UsageError
from training.datasets.records import listing_digest
from training.log import EVENTS_NAME, LOG_NAME
from training.material import Material
from training.recipe import Recipe, differences
from training.state import STATE_NAME
from training.systems.reading import parse_recipe

RUN_NAME = "run.json"
MODEL_NAME = "model"
FORMAT = 1
_PACKAGES = ("nightreid", "torch", "timm", "torchvision", "numpy", "opencv-python")


class RunFolder:
    """Opens or begins a run.

    Args:
        path: of the folder.
        recipe: what the run is told.
        material: what it learns from.
        restart: drop an earlier run in the folder.
        start: identity of the model it starts from, ``None`` for the network's own first weights.
        brought: digest of what batches bring besides images (`training.needs.Needs`), if anything.

    Raises:
        ConfigError: the folder holds a run of another recipe; the settings that differ are named.
        UsageError: it holds a run on other data or from another model, or other things than a run.
        StorageError: it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        recipe: Recipe,
        material: Material,
        restart: bool = False,
        start: str | None = None,
        brought: str | None = None,
    ) -> None:
        self.path = path
        before = _read(path)
        if before is not None and restart:
            _clear(path)
            before = None
        digest = listing_digest(material.dataset, (*material.train, *material.validation))
        if before is not None:
            _check_same(path, before, recipe, digest, start, brought)
            self.values = before
            return
        _check_free(path)
        self.values = {
            "format": FORMAT,
            "status": "running",
            "recipe": recipe.recorded(),
            "seed": recipe.seed,
            "start": start,
            "data": {
                "name": material.dataset.name,
                "layout": material.dataset.layout,
                "digest": digest,
                "own_digest": material.dataset.digest,
                **material.counts(),
                **({} if brought is None else {"brought": brought}),
            },
            "versions": {"python": platform.python_version(), **versions(_PACKAGES)},
            "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.write()

    @property
    def finished(self) -> bool:
        """Whether the run came to its end and its model is there."""
        return self.values["status"] == "finished" and (self.path / MODEL_NAME).is_dir()

    def write(self, values: Mapping[str, Any] | None = None) -> None:
        """Put values into ``run.json``, which is written whole or not at all."""
        self.values = {**self.values, **(values or {})}
        text = json.dumps(self.values, indent=2, ensure_ascii=False) + "\n"
        scratch = self.path / f".{RUN_NAME}.new"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            scratch.write_text(text, encoding="utf-8")
            scratch.replace(self.path / RUN_NAME)
        except OSError as error:
            raise StorageError(
                f"The run folder {self.path} cannot be written: {error.strerror or error}."
            ) from error


def machine(device: str, threads: int) -> dict[str, Any]:
    """What a run runs on, for the record."""
    import torch

    facts: dict[str, Any] = {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
    }
    if device == "cuda":
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of those that are installed, for the record."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _read(path: Path) -> dict[str, Any] | None:
    file = path / RUN_NAME
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", "Start over with --restart.") from None
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise UsageError(f"{file} was written by another version.", "Start in another folder: --out.")
    return values


def _check_same(
    path: Path,
    before: Mapping[str, Any],
    recipe: Recipe,
    digest: str,
    start: str | None,
    brought: str | None,
) -> None:
    changed = differences(_as_now(before["recipe"]), recipe.recorded())
    if changed:
        raise ConfigError(
            f"The run in {path} was started with another recipe ({'; '.join(changed[:4])}"
            f"{'; ...' if len(changed) > 4 else ''}).",
            "Name another folder with --out, or discard the run there with --restart.",
        )
    if before.get("start") != start:
        raise UsageError(
            f"The run in {path} started from {before.get('start') or 'no other model'}, "
            f"not from {start or 'no other model'}.",
            "Name that one with --start, or discard the run there with --restart.",
        )
    if before["data"]["digest"] != digest or before["data"].get("brought") != brought:
        raise UsageError(
            f"The run in {path} was started on other data.",
            "Name another folder with --out, or discard the run there with --restart.",
        )


def _as_now(recorded: dict[str, Any]) -> dict[str, Any]:
    """A recorded recipe with the settings that have come since at their defaults."""
    try:
        return parse_recipe(recorded).recorded()
    except (ValueError, UsageError):
        return recorded


def _check_free(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is a file; a run needs a folder.")
    if path.is_dir() and any(path.iterdir()):
        raise UsageError(
            f"{path} holds something other than a training run.", "Name another folder with --out."
        )


def _clear(path: Path) -> None:
    """Drop an earlier run's own files, and nothing else."""
    for name in (STATE_NAME, LOG_NAME, RUN_NAME, f".{STATE_NAME}.new", f".{RUN_NAME}.new"):
        (path / name).unlink(missing_ok=True)
    for name in (EVENTS_NAME, MODEL_NAME):
        shutil.rmtree(path / name, ignore_errors=True)
