"""The visual side of OpenAI's ResNet CLIPs as they were released: other names for the same tensors."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from reid_core.models.clip_text.released import is_text
from reid_core.models.eees.architecture import EeesArchitecture
from reid_core.models.eees.clip import WEIGHTS_NAME, described, placed
from reid_core.models.eees.network import Eees
from reid_core.models.importing import Imported, Released, complain

_VISUAL = "visual."
_NEEDED = (
    "conv3.weight",
    "attnpool.q_proj.weight",
    "attnpool.c_proj.weight",
    "attnpool.positional_embedding",
)
_NUMBERS = ("logit_scale", "input_resolution", "context_length", "vocab_size")
_CONVOLUTIONS = {"1": "conv1_1x1", "2": "conv2_kxk", "3": "conv3_1x1"}
_ATTENTION = {"q_proj": "q", "k_proj": "k", "v_proj": "v", "c_proj": "proj"}


class ReleasedClipVisual(Released):
    """OpenAI's CLIP with a ResNet: the visual side is taken, as a folder that `load_clip_visual` reads."""

    what = "OpenAI's CLIP with a ResNet"

    def write(self, state: Mapping[str, Tensor], out: Path, tokenizer: str, name: str) -> Imported:
        """Write the visual side under timm's names; see `Released.write`."""
        visual = {key.removeprefix(_VISUAL): each for key, each in state.items() if key.startswith(_VISUAL)}
        rest = sorted(key for key in state if not key.startswith(_VISUAL))
        complain(self.what, [_VISUAL + key for key in _NEEDED if key not in visual], [])
        complain(self.what, [], [key for key in rest if not is_text(key) and key not in _NUMBERS])
        renamed = {_renamed(key): each.contiguous() for key, each in visual.items()}
        body, attention = described(renamed, last_stride=2)
        side = int((len(visual["attnpool.positional_embedding"]) - 1) ** 0.5)
        architecture = EeesArchitecture(body=body, attention=attention, grid=(side, side))
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            expected = Eees(architecture).state_dict()
        found = placed(renamed, architecture, self.what)
        wanted = {key for key in expected if not key.startswith("neck.")}
        complain(self.what, sorted(wanted - found.keys()), sorted(found.keys() - wanted))
        unlike = [key for key, each in found.items() if each.shape != expected[key].shape]
        complain(self.what, [f"{key} of shape {tuple(expected[key].shape)}" for key in unlike], [])
        out.mkdir(parents=True, exist_ok=True)
        save_file(renamed, out / WEIGHTS_NAME)
        return Imported(out, len(renamed), tuple(rest))


def _renamed(key: str) -> str:
    """Timm's name of a tensor of the visual side; one that OpenAI has not stays as it is."""
    part, _, rest = key.partition(".")
    if part == "attnpool":
        module, _, kind = rest.partition(".")
        return (
            "head.pos_embed"
            if rest == "positional_embedding"
            else f"head.{_ATTENTION.get(module, module)}.{kind}"
        )
    stem = re.fullmatch(r"(conv|bn)([123])", part)
    if stem is not None:
        return f"stem.conv{stem[2]}.{stem[1]}.{rest}"
    block = re.fullmatch(r"layer([1-4])\.(\d+)\.(conv|bn)([123])\.(\w+)", key)
    if block is not None:
        stage, number, module, which, kind = block.groups()
        return f"stages.{int(stage) - 1}.{number}.{_CONVOLUTIONS[which]}.{module}.{kind}"
    shortcut = re.fullmatch(r"layer([1-4])\.(\d+)\.downsample\.([01])\.(\w+)", key)
    if shortcut is not None:
        stage, number, which, kind = shortcut.groups()
        return f"stages.{int(stage) - 1}.{number}.shortcut.conv.{'conv' if which == '0' else 'bn'}.{kind}"
    return key
