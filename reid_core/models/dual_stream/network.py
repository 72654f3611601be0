"""The dual-stream network and its parts."""

import copy
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.errors import UsageError
from reid_core.models.backbones import create_backbone, default_stem_stages
from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.network import Network, ParameterGroup
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


class GeM(nn.Module):
    """Generalised mean pooling: ``(mean over h, w of max(x, eps)^p)^(1/p)``.

    Source: Radenović, Tolias, Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation" (2018),
    eq. 3, with the lower bound of the authors' code. ``p = 1`` is the mean, large ``p`` the maximum;
    AGW and CAJ use ``p = 3``, fixed.

    Args:
        p: the power.
        learned: whether it is a parameter.
        eps: lower bound of the activations.
    """

    def __init__(self, p: float = 3.0, learned: bool = False, eps: float = 1e-6) -> None:
        super().__init__()
        self.p: float | nn.Parameter = nn.Parameter(torch.tensor([float(p)])) if learned else float(p)
        self.eps = eps

    def forward(self, maps: Tensor) -> Tensor:
        """``(N, C, h, w)`` to ``(N, C)``, computed in float32 under autocast too."""
        with torch.autocast(maps.device.type, enabled=False):
            powered = maps.float().clamp(min=self.eps).pow(self.p)
            return powered.mean(dim=(2, 3)).pow(1.0 / self.p)


class BNNeck(nn.BatchNorm1d):
    """Batch norm between the metric loss and the classifier, its bias frozen at 0.

    Source: Luo et al., "Bag of Tricks and A Strong Baseline for Deep Person Re-identification" (2019),
    section 3.6.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.bias.requires_grad_(False)


class DualStream(Network):
    """Two stems and a shared rest (the common ancestor of AGW, CAJ and TVI-LFM).

    Args:
        architecture: what to build.
        embedding: numbers in a vector; ``None`` for the backbone's own width. Another number puts a
            linear map without bias between the pooling and the neck.
        pretrained: start from ImageNet weights; both stems start alike in any case.

    Raises:
        ModelError: there is no such backbone, or its weights cannot be had.
    """

    kind: ClassVar[str] = "dual-stream"
    architecture: DualStreamArchitecture

    def __init__(self, architecture: DualStreamArchitecture, embedding: int | None, pretrained: bool) -> None:
        super().__init__()
        backbone = create_backbone(
            architecture.backbone, architecture.stem_stages, architecture.last_stride, pretrained
        )
        width = embedding or backbone.width
        self.architecture = architecture
        self.embedding = width
        self.visible_stem = backbone.stem
        self.infrared_stem = copy.deepcopy(backbone.stem)
        self.trunk = backbone.trunk
        self.pool = GeM(architecture.gem_p, architecture.gem_learned)
        self.reduce = (
            nn.Identity() if width == backbone.width else nn.Linear(backbone.width, width, bias=False)
        )
        self.neck = BNNeck(width)
        self.classifier: nn.Linear | None = None
        if architecture.classes is not None:
            self.classifier = nn.Linear(width, architecture.classes, bias=False)
            nn.init.normal_(self.classifier.weight, std=0.001)

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
        features = self.reduce(self.pool(self.trunk(torch.cat(maps) if len(maps) > 1 else maps[0])))
        bn_features = self.neck(features)
        return DualStreamOutput(
            features, bn_features, None if self.classifier is None else self.classifier(bn_features)
        )

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """``embedding``: ``(N, D)`` of length one, L2(BN(feature))."""
        output = self(images, None) if modality is Modality.VISIBLE else self(None, images)
        return {EMBEDDING: functional.normalize(cast(DualStreamOutput, output).bn_features.float())}

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
    )
    seed = 0 if generator is None else int(torch.randint(2**62, (1,), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DualStream(architecture, embedding, pretrained)
