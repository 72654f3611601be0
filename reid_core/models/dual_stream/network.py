"""The dual-stream network and its parts."""

import copy
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.errors import ModelError, UsageError
from reid_core.models.backbones import create_backbone, default_stem_stages
from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.dual_stream.kept import KeptImageNet
from reid_core.models.neck import BNNeck, identity_classifier
from reid_core.models.network import NeckedNetwork, ParameterGroup
from reid_core.models.pooling import GeM
from reid_core.types import EMBEDDING, Modality


class DualStreamOutput(NamedTuple):
    """What a forward pass gives; rows are the visible images, then the infrared ones.

    Attributes:
        features: ``(N, D)`` pooled, before the neck: what metric losses work on.
        bn_features: ``(N, D)`` after the neck: what the classifier and inference work on.
        logits: ``(N, classes)``, or ``None`` without a classifier.
    """

    features: Tensor
    bn_features: Tensor
    logits: Tensor | None


class DualStream(NeckedNetwork):
    """Two stems and a shared rest (the common ancestor of AGW, CAJ and TVI-LFM).

    Args:
        architecture: what to build.
        embedding: numbers in a vector; ``None`` for the backbone's own width. Another number puts a
            linear map without bias between the pooling and the neck. With ``imagenet_share`` the vector is
            ``[sqrt(1 - s) v, sqrt(s) f]``, ``v`` what was learned and ``f`` ImageNet's features, each of
            length one, and the number counts both.
        pretrained: start from ImageNet weights; both stems start alike in any case.

    Raises:
        ModelError: there is no such backbone, its weights cannot be had, or the embedding is too short.
    """

    kind: ClassVar[str] = "dual-stream"
    architecture: DualStreamArchitecture

    def __init__(self, architecture: DualStreamArchitecture, embedding: int | None, pretrained: bool) -> None:
        super().__init__()
        backbone = create_backbone(
            architecture.backbone,
            architecture.stem_stages,
            architecture.last_stride,
            pretrained,
            non_local=architecture.non_local,
            stem_activation=architecture.stem_activation,
            instance_norm=architecture.instance_norm,
        )
        self.kept: KeptImageNet | None = None
        beside = 0
        if architecture.imagenet_share is not None:
            self.kept = KeptImageNet(
                architecture.backbone, architecture.last_stride, architecture.gem_p, pretrained
            )
            beside = self.kept.width
        width = backbone.width if embedding is None else embedding - beside
        if width < 1:
            raise ModelError(f"An embedding of {embedding} numbers has no room for ImageNet's {beside}.")
        self.architecture = architecture
        self.embedding = width + beside
        self._width = width
        self.visible_stem = backbone.stem
        self.infrared_stem = copy.deepcopy(backbone.stem)
        self.trunk = backbone.trunk
        self.pool = GeM(architecture.gem_p, architecture.gem_learned)
        self.reduce = (
            nn.Identity() if width == backbone.width else nn.Linear(backbone.width, width, bias=False)
        )
        self.neck = BNNeck(width, architecture.neck_bias)
        self.classifier: nn.Linear | None = None
        if architecture.classes is not None:
            self.classifier = identity_classifier(width, architecture.classes)

    def forward(self, visible: Tensor | None = None, infrared: Tensor | None = None) -> DualStreamOutput:
        """One pass over images of either or both modalities.

        Args:
            visible: ``(V, 3, H, W)`` preprocessed, or ``None``.
            infrared: ``(I, 3, H, W)`` preprocessed, or ``None``.

        Raises:
            UsageError: neither was given.
        """
        maps = []
        if visible is not None:
            maps.append(self.visible_stem(visible))
        if infrared is not None:
            maps.append(self.infrared_stem(infrared))
        if not maps:
            raise UsageError("The dual-stream network needs images of at least one modality.")
        if self.kept is not None and self.training:
            for images, modality in ((visible, Modality.VISIBLE), (infrared, Modality.INFRARED)):
                if images is not None:
                    self.kept.look(images, modality)
        features = self._pooled(torch.cat(maps) if len(maps) > 1 else maps[0])
        bn_features = self.neck(features)
        return DualStreamOutput(
            features, bn_features, None if self.classifier is None else self.classifier(bn_features)
        )

    def raw(self, images: Tensor, modality: Modality) -> Tensor:
        """Pooled, before the neck: ``(N, 3, H, W)`` of one modality to ``(N, D)``."""
        stem = self.visible_stem if modality is Modality.VISIBLE else self.infrared_stem
        return self._pooled(stem(images))

    def raw_of_both(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """Pooled, before the neck, of both modalities in one pass."""
        return self._pooled(torch.cat([self.visible_stem(visible), self.infrared_stem(infrared)]))

    def sights(self, images: Tensor, modality: Modality, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The image itself and the maps of stem and trunk in a grid's cells, and L2(BN(feature))."""
        twice = functional.adaptive_avg_pool2d(images, (2 * grid[0], 2 * grid[1]))
        cells = [functional.pixel_unshuffle(twice, 2)]
        maps = (self.visible_stem if modality is Modality.VISIBLE else self.infrared_stem)(images)
        for following in (nn.Identity(), *self.trunk):
            maps = following(maps)
            if maps.shape[-2] >= grid[0] and maps.shape[-1] >= grid[1]:
                cells.append(functional.adaptive_avg_pool2d(maps, grid))
        found = self.neck(self.reduce(self.pool(maps)))
        return torch.cat(cells, 1), functional.normalize(found)

    def _pooled(self, maps: Tensor) -> Tensor:
        features: Tensor = self.reduce(self.pool(self.trunk(maps)))
        return features

    def with_classifier(self, classes: int, seed: int) -> Self:
        """A copy with a new classifier over so many identities."""
        copied = copy.deepcopy(self)
        copied.architecture = self.architecture.model_copy(update={"classes": classes})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            copied.classifier = identity_classifier(self._width, classes)
        return copied

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """``embedding``: ``(N, D)`` of length one, L2(BN(feature)); ImageNet's beside it, if it was kept."""
        found = super().features(images, modality)
        share = self.architecture.imagenet_share
        if self.kept is None or share is None:
            return found
        both = [found[EMBEDDING] * (1 - share) ** 0.5, self.kept(images, modality) * share**0.5]
        return {EMBEDDING: torch.cat(both, dim=1)}

    @property
    def feature_width(self) -> int:
        """Numbers in what is learned, without ImageNet's."""
        return self._width

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """``backbone``, and ``head``: the reduction, the neck and the classifier."""
        backbone: list[nn.Parameter] = []
        head: list[nn.Parameter] = []
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                (head if name.startswith(("reduce.", "neck.", "classifier.")) else backbone).append(parameter)
        return (ParameterGroup("backbone", backbone), ParameterGroup("head", head))

    def for_inference(self) -> Self:
        """A copy that embeds alike and tells no training identities apart."""
        bare = copy.deepcopy(self)
        bare.classifier = None
        bare.architecture = self.architecture.model_copy(update={"classes": None})
        return bare

    def extended(self, instance_norm: bool, imagenet_share: float | None, pretrained: bool) -> Self:
        """A copy of the same weights, with what it had not yet.

        Args:
            instance_norm: half of the channels of early blocks normalised by their own image.
            imagenet_share: of the features beside the learned ones, ``None`` without.
            pretrained: those features come from ImageNet weights.

        Raises:
            ModelError: those weights cannot be had.
        """
        update = {"instance_norm": instance_norm, "imagenet_share": imagenet_share}
        with torch.random.fork_rng(devices=[]):
            other = type(self)(self.architecture.model_copy(update=update), None, pretrained)
            if self._width != other._width:
                other = type(self)(
                    other.architecture, other.embedding - other._width + self._width, pretrained
                )
        other.load_state_dict(self.state_dict(), strict=False)
        return other


def create_dual_stream(
    backbone: str = "tf_efficientnet_lite0",
    embedding: int | None = None,
    pretrained: bool = False,
    *,
    stem_stages: int | None = None,
    last_stride: int = 1,
    gem_p: float = 3.0,
    gem_learned: bool = False,
    classes: int | None = None,
    non_local: bool = False,
    stem_activation: bool = True,
    neck_bias: bool = False,
    instance_norm: bool = False,
    imagenet_share: float | None = None,
    generator: torch.Generator | None = None,
) -> DualStream:
    """Build a dual-stream network by the name of its backbone.

    Args:
        backbone: ``resnet18``, ``resnet34``, ``resnet50`` or ``tf_efficientnet_lite0`` to ``4``.
        embedding: numbers in a vector, ``None`` for the backbone's own width.
        pretrained: start from ImageNet weights.
        stem_stages: stages each modality has for itself, ``None`` for what suits the backbone.
        last_stride: 1 or 2, of the last stage that shrinks.
        gem_p: power of the pooling.
        gem_learned: whether the power is learned.
        classes: identities to classify, ``None`` for no classifier.
        non_local: with AGW's non-local blocks; ResNets only.
        stem_activation: ResNets only: false leaves the stems' ReLU out, as TVI-LFM's released weights do.
        neck_bias: learn the neck's bias.
        instance_norm: half of the channels of early blocks normalised by their own image.
        imagenet_share: of ImageNet's features beside the learned ones in a similarity; ``None`` without.
        generator: where random first weights come from; ``None`` gives the same ones each time. The
            global random state is left as it was.

    Raises:
        ModelError: there is no such backbone, or its weights cannot be had.
    """
    architecture = DualStreamArchitecture(
        backbone=backbone,
        stem_stages=default_stem_stages(backbone) if stem_stages is None else stem_stages,
        last_stride=1 if last_stride == 1 else 2,
        gem_p=gem_p,
        gem_learned=gem_learned,
        classes=classes,
        non_local=non_local,
        stem_activation=stem_activation,
        neck_bias=neck_bias,
        instance_norm=instance_norm,
        imagenet_share=imagenet_share,
    )
    seed = 0 if generator is None else int(torch.randint(2**62, (1,), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DualStream(architecture, embedding, pretrained)
