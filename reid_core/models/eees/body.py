"""The body of a network: CLIP's ResNet as timm builds it, or an ImageNet backbone, cut after the stem."""

import warnings
from typing import Any

import torch
from torch import Tensor, nn

from reid_core.errors import ModelError
from reid_core.models.backbones import BACKBONES, Backbone, create_backbone, default_preprocess
from reid_core.models.eees.architecture import CLIP, BodySettings
from reid_core.preprocess import Preprocess

CLIP_MEAN = (122.7709383, 116.7460125, 104.09373615)
CLIP_STD = (68.5005327, 66.6321579, 70.32316305)

# The last stage has so many times the channels that come out of CLIP's stem.
_GROWTH = 32


def create_body(settings: BodySettings, pretrained: bool = False) -> Backbone:
    """Build a body and cut it.

    Args:
        settings: what to build.
        pretrained: with ImageNet weights, where it is of ImageNet.

    Raises:
        ModelError: there is no such backbone, it has not what the settings ask for, or no weights are to be
            had.
    """
    if settings.backbone == CLIP:
        return _clip_resnet(settings)
    if settings.backbone not in BACKBONES:
        named = ", ".join((CLIP, *BACKBONES))
        raise ModelError(f"There is no backbone {settings.backbone!r}.", f"Choose one of: {named}.")
    return create_backbone(
        settings.backbone,
        settings.stem_stages,
        settings.last_stride,
        pretrained,
        non_local=settings.non_local,
        stem_activation=settings.stem_activation,
        instance_norm=settings.instance_norm,
    )


def body_preprocess(settings: BodySettings, height: int, width: int) -> Preprocess:
    """The input that the body's published weights were trained on."""
    if settings.backbone != CLIP:
        return default_preprocess(settings.backbone, height, width)
    return Preprocess(height=height, width=width, mean=CLIP_MEAN, std=CLIP_STD, interpolation="bicubic")


def last_maps(settings: BodySettings, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of the last maps of such images."""
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        body = create_body(settings)
        maps: Tensor = nn.Sequential(body.stem, body.trunk).eval()(torch.zeros(1, 3, height, width))
    return maps.shape[2], maps.shape[3]


def _clip_resnet(settings: BodySettings) -> Backbone:
    if settings.non_local or settings.instance_norm or not settings.stem_activation:
        raise ModelError(
            "CLIP's ResNet has no non-local blocks, no instance norm, and the activations of its stem."
        )
    with warnings.catch_warnings():
        # timm's own imports warn of its moved modules.
        warnings.simplefilter("ignore")
        from timm.models.byobnet import ByoBlockCfg, ByobNet, ByoModelCfg

    width = settings.width
    strides = (1, 2, 2, settings.last_stride)
    blocks = tuple(
        ByoBlockCfg(type="bottle", d=depth, c=4 * width * 2**stage, s=stride, br=0.25)
        for stage, (depth, stride) in enumerate(zip(settings.layers, strides, strict=True))
    )
    built: Any = ByobNet(
        ByoModelCfg(
            blocks=blocks,
            stem_chs=(width // 2, width // 2, width),
            stem_type="",
            stem_pool="avg2",
            downsample="avg",
            aa_layer="avg",
        ),
        num_classes=0,
    )
    stages = list(built.stages)
    if settings.stem_stages > len(stages):
        raise ModelError(
            f"{CLIP} has {len(stages)} stages, not {settings.stem_stages}, to give to the stems."
        )
    return Backbone(
        nn.Sequential(built.stem, *stages[: settings.stem_stages]),
        nn.Sequential(*stages[settings.stem_stages :]),
        _GROWTH * width,
    )
