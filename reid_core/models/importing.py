"""Checkpoints that others released: read strictly, and said what of them was taken."""

import pickle
import warnings
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from reid_core.errors import ModelError, UsageError
from reid_core.models.hub import reason
from reid_core.registry import Registry

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file.

    Attributes:
        folder: that was written.
        taken: tensors that are in it.
        left_out: tensors of the file that are not, as its kind says.
    """

    folder: Path
    taken: int
    left_out: tuple[str, ...]


class Released(ABC):
    """One kind of released checkpoint.

    Attributes:
        what: it is, in words.
    """

    what: ClassVar[str]

    @abstractmethod
    def write(self, state: "Mapping[str, Tensor]", out: Path, tokenizer: str, name: str) -> Imported:
        """Check its tensors and write them in this repository's form.

        Args:
            state: of the file, all float32.
            out: folder to be created.
            tokenizer: CLIP's, by name or folder, where texts are read.
            name: for people.

        Raises:
            ModelError: a tensor is missing, surplus or of another shape; nothing is written then.
        """


RELEASED: Registry[type[Released]] = Registry(
    "kind of released checkpoint",
    "nightreid.released",
    {
        "clip": "reid_core.models.clip_text.released:ReleasedClip",
        "clip-visual": "reid_core.models.eees.released:ReleasedClipVisual",
        "tvi-lfm": "reid_core.models.dual_stream.released:ReleasedTviLfm",
    },
)


def import_released(
    file: Path, kind: str, out: Path, tokenizer: str, *, torchscript: bool = False
) -> Imported:
    """Bring a released checkpoint into this repository's form.

    Args:
        file: ``.safetensors``, or what `torch.save` wrote of tensors alone; no code of it is run.
        kind: of `RELEASED`.
        out: folder to be created.
        tokenizer: CLIP's, by name or folder.
        torchscript: the file is a TorchScript archive, as OpenAI's are; loading one trusts whoever made it.

    Raises:
        UsageError: there is no such kind, or the folder is taken.
        ModelError: the file cannot be read, or is not of its kind.
    """
    released = RELEASED.get(kind)()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is there already.", "Name another folder, or remove it.")
    return released.write(_state(file, torchscript), out, tokenizer, file.stem)


def complain(what: str, missing: Sequence[str], surplus: Sequence[str]) -> None:
    """Say what a file lacks or has too much.

    Raises:
        ModelError: it does.
    """
    for said, names in (("lacks", missing), ("has surplus", surplus)):
        if names:
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            raise ModelError(
                f"The file is no {what}: it {said} {len(names)} tensor{'s' * (len(names) > 1)}: {shown}."
            )


def _state(file: Path, torchscript: bool) -> "dict[str, Tensor]":
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not file.is_file():
        raise ModelError(f"The checkpoint {file} does not exist.")
    if _is_torchscript(file) and not torchscript:
        raise ModelError(
            f"The checkpoint {file} is a TorchScript archive: loading one trusts whoever made it.",
            "Say --torchscript if you do.",
        )
    load_archive: Any = torch.jit.load
    state: Any
    try:
        if file.suffix == ".safetensors":
            state = load_file(file)
        elif torchscript:
            with warnings.catch_warnings():
                # torch advises against writing such files; these are written.
                warnings.simplefilter("ignore", FutureWarning)
                state = dict(load_archive(str(file), map_location="cpu").state_dict())
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"The checkpoint {file} cannot be read: {reason(error)}.",
            "Tensors are read, and nothing that could run code.",
        ) from None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    named = isinstance(state, Mapping) and bool(state)
    if not named or not all(isinstance(each, torch.Tensor) for each in state.values()):
        raise ModelError(f"The checkpoint {file} holds something other than tensors by name.")
    return {
        str(name).removeprefix("module."): each.float() if each.is_floating_point() else each
        for name, each in state.items()
    }


def _is_torchscript(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any("/code/" in name for name in archive.namelist())
