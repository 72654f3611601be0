"""The state of learning a head, from which a killed run goes on to the very same weights."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from reid_core.errors import StorageError
from reid_core.types import Ints

Doubles = NDArray[np.float64]

_NAME = "state.safetensors"
_ARRAYS = ("matrix", "first", "second", "groups")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far learning has come.

    Attributes:
        round: that is under way, from 0.
        step: of the round that comes next.
        matrix: ``(R, R)`` float64, what is learned.
        first: mean of its gradients, as Adam keeps it.
        second: mean of their squares.
        groups: ``(T,)`` of the round's tracklets; empty before they are made.
    """

    round: int
    step: int
    matrix: Doubles
    first: Doubles
    second: Doubles
    groups: Ints


class ProgressFile:
    """The file of a state in a folder that is its own.

    Args:
        folder: made if it is not there.
        key: says what is learned, from what and how: a state of anything else is not gone on from.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._file, self._key = folder / _NAME, key

    def read(self) -> Progress | None:
        """The state that lies there; ``None`` where there is none, it is of something else, or damaged."""
        try:
            with safe_open(self._file, framework="numpy") as opened:
                said = json.loads(opened.metadata()["adapt"])
                if said["key"] != self._key:
                    return None
                return Progress(said["round"], said["step"], *(opened.get_tensor(one) for one in _ARRAYS))
        except (OSError, SafetensorError, KeyError, TypeError, ValueError):
            return None

    def write(self, state: Progress) -> None:
        """Put a state in the place of the one before, whole or not at all.

        Raises:
            StorageError: the folder cannot be written.
        """
        said = {"key": self._key, "round": state.round, "step": state.step}
        scratch = self._file.with_name(f".{_NAME}.new")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            save_file(
                {name: np.ascontiguousarray(getattr(state, name)) for name in _ARRAYS},
                scratch,
                {"adapt": json.dumps(said)},
            )
            scratch.replace(self._file)
        except (OSError, SafetensorError) as error:
            raise StorageError(f"The state in {self._file.parent} cannot be written: {error}.") from error

    def remove(self) -> None:
        """Take the state away: nothing is left to go on with."""
        self._file.unlink(missing_ok=True)
