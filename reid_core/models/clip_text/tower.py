"""CLIP's text tower, built from settings, a hub's name or a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from reid_core.errors import ModelError
from reid_core.models.clip_text.projection import resized_projection
from reid_core.models.clip_text.settings import TowerSettings
from reid_core.models.hub import AS_TENSORS, STRICTLY, loading
from reid_core.models.network import ParameterGroup

_VISUAL = ("vision_model.", "visual_projection.", "logit_scale")
"""What a whole CLIP has beside its text tower."""

GROUPS = ("text", "text-bias", "text-ends")
"""Of a tower's parameters; see `TextTower.parameter_groups`."""


class TextTower(nn.Module):
    """Numbers of tokens to features.

    Args:
        settings: what to build.

    Attributes:
        settings: what was built; ``projection`` is the width of what comes out.
    """

    def __init__(self, settings: TowerSettings) -> None:
        super().__init__()
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection

        self.settings = settings
        self.clip: Any = CLIPTextModelWithProjection(CLIPTextConfig(**settings.as_config()))

    def forward(self, tokens: Tensor) -> Tensor:
        """``(N, T)`` int64, each row with an end token, to ``(N, D)``.

        The mask is causal: nothing behind the end token is looked at.
        """
        found: Tensor = self.clip(input_ids=tokens).text_embeds
        return found

    def widened(self, width: int) -> "TextTower":
        """The tower itself, its projection brought to a width; see `resized_projection`."""
        settings = self.settings.model_copy(update={"projection": width})
        old = self.clip.text_projection.weight
        new = nn.Linear(settings.width, width, bias=False, device=old.device, dtype=old.dtype)
        with torch.no_grad():
            new.weight.copy_(resized_projection(old, width))
        self.clip.text_projection = new
        self.clip.config.projection_dim = width
        self.settings = settings
        return self

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """``text``: the transformer's weights; ``text-bias``: its biases; ``text-ends``: all the rest.

        The rest are the embeddings of tokens and places, the last norm and the projection. TVI-LFM's
        released code moves the three at rates of their own.
        """
        groups: dict[str, list[nn.Parameter]] = {name: [] for name in GROUPS}
        for name, parameter in self.clip.named_parameters():
            inside = ".encoder." in name
            groups[("text-bias" if name.endswith(".bias") else "text") if inside else "text-ends"].append(
                parameter
            )
        return tuple(ParameterGroup(name, parameters) for name, parameters in groups.items())


@dataclass(frozen=True, slots=True)
class LoadedTower:
    """A published tower and what became of its file.

    Attributes:
        tower: it.
        left_out: tensors of the file that are of the visual side.
    """

    tower: TextTower
    left_out: tuple[str, ...]


def build_tower(settings: TowerSettings, seed: int) -> TextTower:
    """A tower with random weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TextTower(settings)


def load_tower(source: str) -> LoadedTower:
    """A tower from a hub or a folder, in float32.

    Args:
        source: a name such as ``openai/clip-vit-base-patch32``, or a folder in transformers' form; of a
            text tower with its projection or of a whole CLIP.

    Raises:
        ModelError: it is not to be had, tensors are missing or of other shapes, or it has others than a
            CLIP has.
    """
    from transformers import CLIPTextModelWithProjection

    # Typed as the model alone, which it is without the loading information.
    load: Any = CLIPTextModelWithProjection.from_pretrained
    hint = f"Give the name of a CLIP on the Hugging Face hub, or a folder that holds one {AS_TENSORS}."
    with loading(f"The text tower {source!r}", hint):
        model, told = load(source, dtype=torch.float32, **STRICTLY)
    _check_told(source, told)
    tower = build_tower(_settings_of(model.config), 0)
    tower.load_state_dict({f"clip.{name}": each for name, each in model.state_dict().items()}, strict=True)
    return LoadedTower(tower, tuple(sorted(told["unexpected_keys"])))


def _check_told(source: str, told: Mapping[str, Any]) -> None:
    missing = sorted(told["missing_keys"])
    unlike = sorted(str(each[0] if isinstance(each, tuple) else each) for each in told["mismatched_keys"])
    surplus = sorted(name for name in told["unexpected_keys"] if not name.startswith(_VISUAL))
    for what, names in (("lacks", missing), ("has other shapes of", unlike), ("has surplus", surplus)):
        if names:
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            raise ModelError(
                f"The text tower {source!r} {what} {len(names)} tensor{'s' * (len(names) > 1)}: {shown}.",
                "It is not the text tower of a CLIP, or only a part of one.",
            )


def _settings_of(config: Any) -> TowerSettings:
    """What transformers' configuration describes.

    Raises:
        ModelError: it is of another form than CLIP's towers.
    """
    settings = TowerSettings(
        vocabulary=config.vocab_size,
        context=config.max_position_embeddings,
        width=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        projection=config.projection_dim,
        begin=config.bos_token_id,
        # Old configurations say 2 and mean the greatest number.
        end=config.vocab_size - 1 if config.eos_token_id == 2 else config.eos_token_id,
    )
    own = settings.as_config()
    unlike = [
        f"{name} {getattr(config, name)!r}"
        for name in ("intermediate_size", "hidden_act")
        if getattr(config, name) != own[name]
    ]
    if unlike:
        raise ModelError(f"The text tower has {', '.join(unlike)}, which none of OpenAI's CLIP has.")
    return settings
