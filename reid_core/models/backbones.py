"""ImageNet backbones cut in two: what each modality has for itself, and what both share."""

import warnings
from dataclasses import dataclass
from typing import Any

from torch import nn

from reid_core.errors import ModelError
from reid_core.models.instance_norm import with_instance_norm
from reid_core.models.non_local import with_non_local
from reid_core.models.weights import load_imagenet
from reid_core.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

RESNETS = ("resnet18", "resnet34", "resnet50")
EFFICIENTNETS = tuple(f"tf_efficientnet_lite{size}" for size in range(5))
BACKBONES = RESNETS + EFFICIENTNETS


@dataclass(frozen=True)
class Backbone:
    """A network cut after its stem.

    Attributes:
        stem: ``(N, 3, H, W)`` to maps; to be copied, one a modality.
        trunk: those maps to ``(N, width, h, w)``, shared.
        width: channels of the last maps.
    """

    stem: nn.Sequential
    trunk: nn.Sequential
    width: int


def default_stem_stages(backbone: str) -> int:
    """Stages each modality has for itself after the first convolution.

    ResNet: none, as in AGW (Ye et al., 2021). EfficientNet-Lite: two, which bring a modality's own part
    to a quarter of the input's size, as ResNet's pooling does.
    """
    return 0 if backbone in RESNETS else 2


def default_preprocess(backbone: str, height: int = 256, width: int = 128) -> Preprocess:
    """The input that the backbone's ImageNet weights were trained on."""
    if backbone in RESNETS:
        return Preprocess(height=height, width=width, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return Preprocess(height=height, width=width, mean=(127.5,) * 3, std=(127.5,) * 3)


def create_backbone(
    name: str,
    stem_stages: int,
    last_stride: int,
    pretrained: bool,
    *,
    non_local: bool = False,
    stem_activation: bool = True,
    instance_norm: bool = False,
) -> Backbone:
    """Build a backbone and cut it.

    Args:
        name: one of :data:`BACKBONES`.
        stem_stages: stages in the stem, after the first convolution.
        last_stride: 1 keeps the last maps twice as fine; 2 is the network as it was published.
        pretrained: with ImageNet weights.
        non_local: with AGW's non-local blocks (`reid_core.models.non_local`); ResNets only.
        stem_activation: ResNets only: false leaves the ReLU between the first norm and the pooling out.
        instance_norm: half of the channels of all blocks down to a sixteenth of the input's size are
            normalised by their own image (`reid_core.models.instance_norm`).

    Raises:
        ModelError: no such backbone, too many stages, no weights to be had, or what is a ResNet's of another.
    """
    if name not in BACKBONES:
        raise ModelError(f"There is no backbone {name!r}.", f"Choose one of: {', '.join(BACKBONES)}.")
    if name not in RESNETS and (non_local or not stem_activation):
        what = "non-local blocks" if non_local else "a stem without activation"
        raise ModelError(f"{name} has no place for {what}.", f"Choose one of: {', '.join(RESNETS)}.")
    build = _resnet if name in RESNETS else _efficientnet
    network, first, stages, last, width = build(name, pretrained)
    if stem_stages > len(stages):
        raise ModelError(f"{name} has {len(stages)} stages, not {stem_stages}, to give to the stems.")
    if last_stride == 1:
        _unstride(stages)
    if non_local:
        stages = with_non_local(stages)
    if not stem_activation:
        first = [nn.Identity() if isinstance(module, nn.ReLU) else module for module in first]
    if instance_norm:
        with_instance_norm(stages[: 3 if name in RESNETS else 5])
    del network
    return Backbone(
        nn.Sequential(*first, *stages[:stem_stages]), nn.Sequential(*stages[stem_stages:], *last), width
    )


_Parts = tuple[nn.Module, list[nn.Module], list[nn.Module], list[nn.Module], int]


def _resnet(name: str, pretrained: bool) -> _Parts:
    import torchvision

    network: Any = torchvision.models.get_model(name, weights=None)
    if pretrained:
        load_imagenet(name, network)
    first = [network.conv1, network.bn1, network.relu, network.maxpool]
    return (
        network,
        first,
        [network.layer1, network.layer2, network.layer3, network.layer4],
        [],
        int(network.fc.in_features),
    )


def _efficientnet(name: str, pretrained: bool) -> _Parts:
    with warnings.catch_warnings():
        # timm's own imports warn of its moved modules.
        warnings.simplefilter("ignore")
        import timm

    network: Any = timm.create_model(name, pretrained=False)
    if pretrained:
        load_imagenet(name, network)
    first = [network.conv_stem, network.bn1]
    return network, first, list(network.blocks), [network.conv_head, network.bn2], int(network.num_features)


def _unstride(stages: list[nn.Module]) -> None:
    """Take the stride out of the last stage that has one."""
    for stage in reversed(stages):
        strided = [
            module for module in stage.modules() if isinstance(module, nn.Conv2d) and module.stride != (1, 1)
        ]
        for module in strided:
            module.stride = (1, 1)
        if strided:
            return
