"""OpenAI's text towers as they were released: other names for the same tensors."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from reid_core.errors import ModelError
from reid_core.models.clip_text.settings import TowerSettings
from reid_core.models.clip_text.tower import TextTower, build_tower
from reid_core.models.importing import Imported, Released, complain

_INSIDE = "transformer.resblocks."
_ENDS = {
    "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
    "positional_embedding": "text_model.embeddings.position_embedding.weight",
    "ln_final.weight": "text_model.final_layer_norm.weight",
    "ln_final.bias": "text_model.final_layer_norm.bias",
}
_PARTS = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_NUMBERS = ("logit_scale", "input_resolution", "context_length", "vocab_size")
# OpenAI's towers have heads 64 wide.
_HEAD = 64


def is_text(name: str) -> bool:
    """Whether a tensor of OpenAI's CLIP is of its text tower."""
    return name in _ENDS or name == "text_projection" or name.startswith("transformer.")


def released_tower(state: Mapping[str, Tensor]) -> TextTower:
    """A tower of tensors under OpenAI's names, and no others.

    Raises:
        ModelError: a tensor is missing, surplus or of another shape.
    """
    what = "text tower of OpenAI's CLIP"
    needed = [*_ENDS, "text_projection", f"{_INSIDE}0.attn.in_proj_weight"]
    complain(what, [name for name in needed if name not in state], [])
    layers = {name.removeprefix(_INSIDE).split(".")[0] for name in state if name.startswith(_INSIDE)}
    vocabulary, width = state["token_embedding.weight"].shape
    if width % _HEAD:
        raise ModelError(f"The file is no {what}: it is {width} wide, no multiple of {_HEAD}.")
    settings = TowerSettings(
        vocabulary=vocabulary,
        context=len(state["positional_embedding"]),
        width=width,
        layers=len(layers),
        heads=width // _HEAD,
        projection=state["text_projection"].shape[1],
        begin=vocabulary - 2,
        end=vocabulary - 1,
    )
    tower = build_tower(settings, 0)
    expected, found = tower.state_dict(), _renamed(state)
    complain(
        what,
        sorted(expected.keys() - found.keys()),
        sorted(name.removeprefix("clip.") for name in found.keys() - expected.keys()),
    )
    unlike = [name for name, each in found.items() if each.shape != expected[name].shape]
    if unlike:
        raise ModelError(f"The file is no {what}: {unlike[0]} is {tuple(found[unlike[0]].shape)}.")
    tower.load_state_dict({name: each.contiguous() for name, each in found.items()}, strict=True)
    return tower.eval()


def _renamed(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Under transformers' names; a name that OpenAI has not stays as it is."""
    found: dict[str, Tensor] = {}
    for name, each in state.items():
        if name in _ENDS:
            found[_ENDS[name]] = each
        elif name == "text_projection":
            found["text_projection.weight"] = each.t()
        elif name.startswith(_INSIDE):
            number, _, part = name.removeprefix(_INSIDE).partition(".")
            layer = f"text_model.encoder.layers.{number}"
            module, _, kind = part.rpartition(".")
            if part in ("attn.in_proj_weight", "attn.in_proj_bias"):
                for which, third in zip("qkv", each.chunk(3), strict=True):
                    found[f"{layer}.self_attn.{which}_proj.{part.rpartition('_')[2]}"] = third
            else:
                found[f"{layer}.{_PARTS.get(module, module)}.{kind}"] = each
        else:
            found[name] = each
    return {f"clip.{name}": each for name, each in found.items()}


class ReleasedClip(Released):
    """OpenAI's CLIP: the text tower is taken, as a folder that `load_tower` reads."""

    what = "OpenAI's CLIP"

    def write(self, state: Mapping[str, Tensor], out: Path, tokenizer: str, name: str) -> Imported:
        """Write the tower in transformers' form; see `Released.write`."""
        text = {key: each for key, each in state.items() if is_text(key)}
        rest = sorted(state.keys() - text.keys())
        surplus = [key for key in rest if not key.startswith("visual.") and key not in _NUMBERS]
        complain(self.what, [], surplus)
        tower = released_tower(text)
        tower.clip.save_pretrained(out)
        return Imported(out, len(text), tuple(rest))
