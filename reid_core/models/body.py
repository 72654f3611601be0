"""The body of a network: CLIP's ResNet as timm builds it, or an ImageNet backbone, cut after the stem.

A network that has one has a stem for each modality and a shared rest.
"""

import copy
import warnings
from collections.abc import Mapping
from typing import Any, Self

import torch
from torch import Tensor, nn

from reid_core.errors import ModelError
from reid_core.models.backbones import BACKBONES, Backbone, create_backbone, default_preprocess
from reid_core.models.body_settings import CLIP, BodySettings
from reid_core.models.network import Network
from reid_core.preprocess import Preprocess
from reid_core.types import Modality

BODY = ("visible_stem.", "infrared_stem.", "trunk.")
"""How the names of a body's tensors begin."""

CLIP_MEAN = (122.7709383, 116.7460125, 104.09373615)
CLIP_STD = (68.5005327, 66.6321579, 70.32316305)

# The last stage has so many times the channels that come out of CLIP's stem.
_GROWTH = 32


class BodiedNetwork(Network):
    """A network whose images are first seen by a body."""

    visible_stem: nn.Module
    infrared_stem: nn.Module
    trunk: nn.Module
    frozen = False
    """Whether the body keeps its weights and statistics."""

    def put_body(self, body: Backbone) -> None:
        """Begin with a body; both stems start alike."""
        self.visible_stem, self.trunk = body.stem, body.trunk
        self.infrared_stem = copy.deepcopy(body.stem)

    def freeze_body(self) -> None:
        """Have the body keep its weights, and stay in evaluation mode."""
        self.frozen = True
        for part in self.body():
            part.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """As of any module, but a frozen body stays in evaluation mode."""
        super().train(mode)
        if self.frozen:
            for part in self.body():
                part.eval()
        return self

    def body(self) -> tuple[nn.Module, ...]:
        """The stems and the rest up to the last maps."""
        return self.visible_stem, self.infrared_stem, self.trunk

    def maps(self, images: Tensor, modality: Modality) -> Tensor:
        """``(N, 3, H, W)`` of one modality to the last maps, ``(N, C, h, w)``."""
        stem = self.visible_stem if modality is Modality.VISIBLE else self.infrared_stem
        found: Tensor = self.trunk(stem(images))
        return found

    def maps_of_both(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Both modalities in one pass: ``(V, 3, H, W)``, ``(I, 3, H, W)`` to ``(V + I, C, h, w)``."""
        found: Tensor = self.trunk(torch.cat([self.visible_stem(visible), self.infrared_stem(infrared)]))
        return found

    def take_body(self, source: Network, what: str) -> None:
        """Give the body the weights of another network with the same stems and trunk.

        Args:
            source: of any system.
            what: where it comes from, for messages.

        Raises:
            ModelError: its body is another one.
        """
        taken, wanted = (
            {name: each for name, each in one.state_dict().items() if name.startswith(BODY)}
            for one in (source, self)
        )
        check_same(wanted, taken, f"The body of {what}")
        self.load_state_dict(taken, strict=False)


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


def check_same(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], what: str) -> None:
    """See that tensors have the same names and shapes.

    Raises:
        ModelError: they have not.
    """
    unlike = sorted(wanted.keys() ^ found.keys()) or sorted(
        name for name, each in wanted.items() if each.shape != found[name].shape
    )
    if unlike:
        shown = ", ".join(unlike[:3]) + (", ..." if len(unlike) > 3 else "")
        raise ModelError(f"{what} is another one than the recipe builds: {len(unlike)} differ, {shown}.")


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
