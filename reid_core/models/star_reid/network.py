"""The network: a shared transformer, alignment, a neck."""

import copy
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.errors import ModelError
from reid_core.models.body import BODY, BodiedNetwork, create_body
from reid_core.models.network import ParameterGroup
from reid_core.models.star_reid.alignment import Alignment, Tokens, pooled
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.star_reid.vit import VisionTransformer, load_vit
from reid_core.types import EMBEDDING, Modality

LOCAL = "local"
"""Name of the one local feature: pooled patches."""


class StarOutput(NamedTuple):
    """What a training pass gives; rows are the visible images, then the infrared ones.

    Attributes:
        fused: ``(2 N, D)`` of eq. 9, or ``cls`` where nothing is aligned.
        cls: ``(2 N, D)``.
        bn_features: ``(2 N, D)``, ``cls`` after the neck.
        logits: ``(2 N, C)``.
        patches: ``(2 N, P, D)``.
    """

    fused: Tensor
    cls: Tensor
    bn_features: Tensor
    logits: Tensor
    patches: Tensor


class StarReid(BodiedNetwork):
    """STAR-ReID's visual side; with ``aligned`` off it is PMT's network.

    Args:
        architecture: what to build.
        pretrained: its body begins with ImageNet weights. Both stems start alike in any case.

    Attributes:
        channels: of a body's last maps, ``None`` without a body.

    Raises:
        ModelError: there is no such body, or its weights cannot be had.
    """

    kind: ClassVar[str] = "star-reid"
    architecture: StarArchitecture

    def __init__(self, architecture: StarArchitecture, pretrained: bool = False) -> None:
        super().__init__()
        self.architecture, self.embedding = architecture, architecture.width
        self.channels: int | None = None
        if architecture.body is not None:
            body = create_body(architecture.body, pretrained)
            self.put_body(body)
            self.channels = body.width
        self.vit = VisionTransformer(architecture, self.channels)
        self.alignment = Alignment(architecture) if architecture.aligned else None
        # Its bias stays 0, as in Luo et al., "Bag of Tricks" (2019), section 3.6.
        self.neck = nn.BatchNorm1d(architecture.width)
        self.neck.bias.requires_grad_(False)
        self.classifier: nn.Linear | None = None
        if architecture.classes is not None:
            self.classifier = nn.Linear(architecture.width, architecture.classes, bias=False)
            nn.init.normal_(self.classifier.weight, std=0.001)

    def forward(self, visible: Tensor, infrared: Tensor) -> StarOutput:
        """Both modalities of the same people, row by row.

        Args:
            visible: ``(N, 3, H, W)`` preprocessed.
            infrared: ``(N, 3, H, W)``, of the same people in the same order.

        Raises:
            ModelError: there is no classifier.
        """
        return self.taught(self.maps_of_both(visible, infrared))

    def maps(self, images: Tensor, modality: Modality) -> Tensor:
        """What the transformer sees: the body's last maps, ``(N, C, *grid)``; the images without a body."""
        return images if self.channels is None else super().maps(images, modality)

    def maps_of_both(self, visible: Tensor, infrared: Tensor) -> Tensor:
        """`maps` of both modalities in one pass: ``(V + I, ...)``."""
        if self.channels is None:
            return torch.cat([visible, infrared])
        return super().maps_of_both(visible, infrared)

    def taught(self, maps: Tensor) -> StarOutput:
        """What the losses read, of `maps_of_both` of as many visible as infrared images.

        Raises:
            ModelError: there is no classifier.
        """
        if self.classifier is None:
            raise ModelError("The network has no classifier to learn identities with.")
        count = maps.shape[0] // 2
        tokens = self.vit(maps)
        day, night = (Tokens(*(each[rows] for each in tokens)) for rows in _halves(count))
        fused = tokens.cls
        if self.alignment is not None:
            sides = (day, night, Modality.VISIBLE), (night, day, Modality.INFRARED)
            fused = torch.cat([self.alignment(*side) for side in sides])
        bn_features = self.neck(tokens.cls)
        return StarOutput(fused, tokens.cls, bn_features, self.classifier(bn_features), tokens.patches)

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """``embedding``: ``(N, D)``; ``local``: ``(N, 1, D)``, pooled patches. Both of length one."""
        tokens = self.vit(self.maps(images, modality))
        if self.alignment is not None:
            vector = self.alignment(tokens, tokens, modality)
        else:
            vector = self.neck(tokens.cls)
        parts = pooled(tokens.patches, modality, self.architecture.pooling)[:, None]
        return {
            EMBEDDING: functional.normalize(vector.float()),
            LOCAL: functional.normalize(parts.float(), dim=-1),
        }

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """``blocks``: patches and blocks; ``body``: the transformer's rest; ``head``: all else.

        PMT moves the first at half the rate. Of a hybrid, ``backbone`` is what sees the image first.
        """
        groups: dict[str, list[nn.Parameter]] = {"blocks": [], "body": [], "head": []}
        if self.channels is not None:
            groups["backbone"] = []
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                early = name.startswith(("vit.patches.", "vit.blocks."))
                group = "blocks" if early else "body" if name.startswith("vit.") else "head"
                groups["backbone" if name.startswith(BODY) else group].append(parameter)
        return tuple(ParameterGroup(name, parameters) for name, parameters in groups.items())

    def freeze(self, blocks: int) -> None:
        """Keep patches, class token, positions and the first so many blocks as they are; 0 keeps nothing."""
        if not blocks:
            return
        still = [self.vit.patches, *self.vit.blocks[:blocks]]
        for parameter in (self.vit.cls, self.vit.positions):
            parameter.requires_grad_(False)
        for module in still:
            module.requires_grad_(False)

    def for_inference(self) -> Self:
        """A copy that embeds alike and tells no training identities apart."""
        bare = copy.deepcopy(self)
        bare.classifier = None
        bare.architecture = self.architecture.bare()
        return bare


def create_star(
    architecture: StarArchitecture, source: str | None, seed: int, pretrained: bool = False
) -> StarReid:
    """Build the network; the global random state is left as it was.

    Args:
        architecture: what to build.
        source: of the transformer's weights, see `load_vit`; ``None`` for random ones.
        pretrained: its body begins with ImageNet weights.
        seed: of all that begins at random.

    Raises:
        ModelError: the weights are not to be had, or of another transformer.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = StarReid(architecture, pretrained)
    if source is not None:
        load_vit(network.vit, source, architecture.grid)
    return network


def _halves(count: int) -> tuple[slice, slice]:
    return slice(0, count), slice(count, None)
