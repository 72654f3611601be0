"""The vision transformer of both modalities: built from settings, filled from a name or a file."""

import math
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from reid_core.errors import ModelError
from reid_core.models.hub import reason
from reid_core.models.star_reid.alignment import Tokens
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.weights import fetch_state

_EPS = 1e-6
_NAMES = {"cls_token": "cls", "pos_embed": "positions", "patch_embed.proj.": "patches."}
_UNUSED = ("head.", "head_dist.", "pre_logits.", "fc_norm.", "dist_token")
_FILE = "model.safetensors"


class VisionTransformer(nn.Module):
    """Patches, a class token, blocks and a last norm (Dosovitskiy et al., 2021), patches overlapping.

    Args:
        architecture: of the network.
        channels: of a body's last maps, each of whose places is a patch; ``None`` without a body.
    """

    def __init__(self, architecture: StarArchitecture, channels: int | None = None) -> None:
        super().__init__()
        with warnings.catch_warnings():
            # timm's own imports warn of its moved modules.
            warnings.simplefilter("ignore")
            from timm.models.vision_transformer import Block

        width, depth, (rows, columns) = architecture.width, architecture.depth, architecture.grid
        if channels is None:
            self.patches = nn.Conv2d(3, width, architecture.patch, architecture.stride)
        else:
            self.patches = nn.Conv2d(channels, width, 1)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 1 + rows * columns, width))
        for each in (self.cls, self.positions):
            nn.init.trunc_normal_(each, std=0.02)
        self.drop = nn.Dropout(architecture.dropout)
        self.blocks = nn.ModuleList(
            Block(
                width,
                architecture.heads,
                qkv_bias=True,
                proj_drop=architecture.dropout,
                drop_path=architecture.drop_path * number / max(1, depth - 1),
                norm_layer=partial(nn.LayerNorm, eps=_EPS),
            )
            for number in range(depth)
        )
        self.norm = nn.LayerNorm(width, eps=_EPS)

    def forward(self, images: Tensor) -> Tokens:
        """Preprocessed images of either modality, or a body's last maps, to tokens after the last norm.

        Args:
            images: ``(N, 3, H, W)``, or ``(N, C, *grid)``.
        """
        patches = self.patches(images).flatten(2).transpose(1, 2)
        # Not len(): a trace takes that for a constant, and the graph would have one batch size.
        first = self.cls.expand(patches.shape[0], -1, -1)
        tokens = self.drop(torch.cat([first, patches], dim=1) + self.positions)
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)
        return Tokens(tokens[:, 0], tokens[:, 1:])


def resized_positions(positions: Tensor, old: tuple[int, int], new: tuple[int, int]) -> Tensor:
    """Position embeddings of one grid of patches for another: bilinear between the centres of patches.

    Args:
        positions: ``(1, 1 + h w, D)``, that of the class token first.
        old: ``h, w``.
        new: ``H, W``.

    Returns:
        ``(1, 1 + H W, D)``; the class token's is as it was.
    """
    if old == new:
        return positions
    maps = positions[:, 1:].transpose(1, 2).reshape(1, -1, *old)
    resized = functional.interpolate(maps, size=new, mode="bilinear", align_corners=False)
    return torch.cat([positions[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)


def load_vit(network: VisionTransformer, source: str, grid: tuple[int, int]) -> None:
    """Fill a transformer with published weights, in place.

    Args:
        network: to be filled.
        source: timm's name of a vision transformer (``vit_base_patch16_224``), a file of its tensors
            (``.safetensors``, or ``.pth`` without code in it), or a folder with ``model.safetensors``.
        grid: of the network's patches; published positions, of a square image, are brought to it.

    Raises:
        ModelError: the weights are not to be had, or of another transformer.
    """
    state, expected = {}, network.state_dict()
    for name, tensor in _published(source).items():
        if not name.startswith(_UNUSED):
            state[_renamed(name)] = tensor
    positions = state.get("positions")
    if positions is not None and positions.ndim == 3:
        side = math.isqrt(positions.shape[1] - 1)
        if positions.shape[1] == expected["positions"].shape[1]:
            pass
        elif side * side == positions.shape[1] - 1:
            state["positions"] = resized_positions(positions, (side, side), grid)
    unlike = sorted(expected.keys() ^ state.keys()) or sorted(
        name for name, each in state.items() if each.shape != expected[name].shape
    )
    if unlike:
        shown = ", ".join(unlike[:3]) + (", ..." if len(unlike) > 3 else "")
        raise ModelError(
            f"The weights {source!r} are of another transformer than the recipe describes: {shown}.",
            "Set model.width, depth, heads and patch to those of the weights.",
        )
    network.load_state_dict(state, strict=True)


def _renamed(name: str) -> str:
    for theirs, ours in _NAMES.items():
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def _published(source: str) -> Mapping[str, Tensor]:
    place = Path(source)
    if place.is_dir():
        place /= _FILE
    try:
        if place.suffix == ".safetensors":
            return load_file(place)
        if place.is_file():
            loaded: Mapping[str, Tensor] = torch.load(place, map_location="cpu", weights_only=True)
            return loaded
        return fetch_state(source)
    except Exception as error:
        # Files and hubs have errors of their own; all mean the same to the user.
        if isinstance(error, SafetensorError):
            raise ModelError(f"The weights file {place} is damaged: {error}.") from None
        raise ModelError(
            f"The weights {source!r} cannot be loaded: {reason(error)}.",
            "Give timm's name of a vision transformer, or a file or folder that holds its weights.",
        ) from error
