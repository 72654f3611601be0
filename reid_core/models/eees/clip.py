"""The visual side of CLIP's ResNets: by a hub's name, from a folder, and where its tensors go."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from reid_core.errors import ModelError
from reid_core.models.body_settings import CLIP, BodySettings
from reid_core.models.eees.architecture import AttentionSettings, EeesArchitecture
from reid_core.models.eees.attention import resized_positions
from reid_core.models.hub import reason

OPENAI = "timm/resnet50_clip.openai"
"""OpenAI's CLIP RN50, visual side, on the Hugging Face hub."""

WEIGHTS_NAME = "visual.safetensors"
_PARTS = ("stem.", "stages.", "head.")
# OpenAI's attention pools have heads 64 wide.
_HEAD = 64


def load_clip_visual(source: str) -> Mapping[str, Tensor]:
    """Tensors of a visual side under timm's names, in float32.

    Args:
        source: a folder that ``nightreid import-checkpoint --kind clip-visual`` wrote, or a name on the
            Hugging Face hub such as ``timm/resnet50_clip.openai``.

    Raises:
        ModelError: it is not to be had, or holds something else.
    """
    state = _of_folder(Path(source)) if Path(source).is_dir() else _of_hub(source)
    surplus = [name for name in state if not name.startswith(_PARTS)]
    if surplus or "head.q.weight" not in state or "stem.conv3.conv.weight" not in state:
        raise ModelError(
            f"{source!r} is no visual side of a CLIP with a ResNet.",
            "Give the name of one on the Hugging Face hub, or a folder of import-checkpoint.",
        )
    return {name: each.float() if each.is_floating_point() else each for name, each in state.items()}


def described(state: Mapping[str, Tensor], last_stride: int) -> tuple[BodySettings, AttentionSettings]:
    """What network such tensors are of.

    Args:
        state: from `load_clip_visual`.
        last_stride: 1 or 2, which no tensor says.
    """
    blocks = {tuple(name.split(".")[1:3]) for name in state if name.startswith("stages.")}
    inner = len(state["head.q.weight"])
    body = BodySettings.model_validate(
        {
            "backbone": CLIP,
            "layers": tuple(sum(stage == str(number) for stage, _ in blocks) for number in range(4)),
            "width": len(state["stem.conv3.conv.weight"]),
            "last_stride": last_stride,
        }
    )
    attention = AttentionSettings(
        width=len(state["head.proj.weight"]), inner=inner, heads=max(1, inner // _HEAD)
    )
    return body, attention


def placed(state: Mapping[str, Tensor], architecture: EeesArchitecture, what: str) -> dict[str, Tensor]:
    """The same tensors under the names that they have in the network of EEES.

    Both stems get the stem's; the attention's positions are brought to the network's grid.

    Args:
        state: from `load_clip_visual`.
        architecture: of the network.
        what: where they come from, for messages.

    Raises:
        ModelError: the attention's places are no square.
    """
    own_stages = architecture.body.stem_stages
    taken: dict[str, Tensor] = {}
    for name, each in state.items():
        part, _, rest = name.partition(".")
        number, _, inside = rest.partition(".")
        if part == "head":
            taken[f"attention.{rest}"] = each
        elif part == "stages" and int(number) >= own_stages:
            taken[f"trunk.{int(number) - own_stages}.{inside}"] = each
        else:
            where = f"0.{rest}" if part == "stem" else f"{int(number) + 1}.{inside}"
            taken |= {f"visible_stem.{where}": each, f"infrared_stem.{where}": each.clone()}
    positions = taken["attention.pos_embed"]
    side = int((len(positions) - 1) ** 0.5)
    if side * side != len(positions) - 1:
        raise ModelError(f"The attention of {what} has {len(positions) - 1} places, which are no square.")
    taken["attention.pos_embed"] = resized_positions(positions, (side, side), architecture.grid)
    return taken


def _of_folder(folder: Path) -> dict[str, Tensor]:
    file = folder / WEIGHTS_NAME
    try:
        return load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"The weights {file} cannot be read: {error}.",
            "nightreid import-checkpoint --kind clip-visual writes such a folder.",
        ) from None


def _of_hub(source: str) -> dict[str, Tensor]:
    import timm

    name = f"hf-hub:{source}" if "/" in source else source
    try:
        with torch.random.fork_rng(devices=[]):
            model = timm.create_model(name, pretrained=True)
    except Exception as error:
        # The hub's client has a family of errors; all mean the same to the user.
        raise ModelError(
            f"The visual side {source!r} cannot be loaded: {reason(error)}.",
            "Give the name of one on the Hugging Face hub, or a folder of import-checkpoint.",
        ) from error
    state: dict[str, Tensor] = model.state_dict()
    return state
