"""The network of EEES and its two heads."""

import copy
from collections.abc import Mapping
from typing import ClassVar, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from reid_core.errors import ModelError
from reid_core.models.body import BODY, BodiedNetwork, check_same, create_body
from reid_core.models.body_settings import CLIP
from reid_core.models.eees.architecture import EeesArchitecture
from reid_core.models.eees.attention import AttentionPool
from reid_core.models.eees.clip import OPENAI, described, load_clip_visual, placed
from reid_core.models.neck import BNNeck, identity_classifier
from reid_core.models.network import Network, ParameterGroup
from reid_core.models.pooling import GeM
from reid_core.types import EMBEDDING, Modality


class EeesOutput(NamedTuple):
    """What a forward pass in training gives; rows are the visible images, then the infrared ones.

    Attributes:
        features: ``(N, G)`` GeM-pooled, before the neck.
        bn_features: ``(N, G)`` after it.
        logits: ``(N, classes)`` of it.
        attended: ``(N, A)`` attention-pooled: where texts meet images.
        attended_logits: ``(N, classes)`` of its own neck and classifier.
    """

    features: Tensor
    bn_features: Tensor
    logits: Tensor
    attended: Tensor
    attended_logits: Tensor


class Eees(BodiedNetwork):
    """A stem per modality, a shared rest, a GeM head and an attention-pooled one.

    Args:
        architecture: what to build.
        embedding: numbers in a vector, which follow from the architecture; ``None`` for those.
        pretrained: start from published weights: OpenAI's of CLIP RN50, or ImageNet's. Both stems start alike
            in any case.

    Raises:
        ModelError: there is no such body, its weights cannot be had, or the embedding is another one.
    """

    kind: ClassVar[str] = "eees"
    architecture: EeesArchitecture

    def __init__(
        self, architecture: EeesArchitecture, embedding: int | None = None, pretrained: bool = False
    ) -> None:
        super().__init__()
        attention, classes = architecture.attention, architecture.classes
        clip = architecture.body.backbone == CLIP
        body = create_body(architecture.body, pretrained and not clip)
        self.architecture = architecture
        self.width = body.width
        self.embedding = body.width + (attention.width if architecture.vector == "both" else 0)
        if embedding not in (None, self.embedding):
            raise ModelError(f"This architecture gives vectors of {self.embedding} numbers, not {embedding}.")
        self.put_body(body)
        self.pool = GeM(architecture.gem_p, architecture.gem_learned)
        self.neck = BNNeck(body.width)
        self.classifier: nn.Linear | None = None
        self.attention: AttentionPool | None = None
        self.attention_neck: BNNeck | None = None
        self.attention_classifier: nn.Linear | None = None
        if architecture.vector == "both" or classes is not None:
            self.attention = AttentionPool(
                body.width,
                architecture.grid,
                attention.width,
                attention.inner or body.width,
                attention.heads,
            )
        if classes is not None:
            self.classifier = identity_classifier(body.width, classes)
            self.attention_neck = BNNeck(attention.width)
            self.attention_classifier = identity_classifier(attention.width, classes)
        if pretrained and clip:
            self.take_clip(load_clip_visual(OPENAI), OPENAI)

    def forward(self, visible: Tensor, infrared: Tensor) -> EeesOutput:
        """One training pass: ``(V, 3, H, W)`` and ``(I, 3, H, W)`` to both heads' results."""
        return self.both_heads(self.maps_of_both(visible, infrared))

    def both_heads(self, maps: Tensor) -> EeesOutput:
        """``(N, C, *grid)`` maps to what the losses read.

        Raises:
            ModelError: the network has no classifiers to learn with.
        """
        if self.classifier is None or self.attention_classifier is None:
            raise ModelError("The network has no classifiers to learn identities with.")
        assert self.attention is not None and self.attention_neck is not None
        features = self.pool(maps)
        bn_features = self.neck(features)
        attended = self.attention(maps)
        return EeesOutput(
            features,
            bn_features,
            self.classifier(bn_features),
            attended,
            self.attention_classifier(self.attention_neck(attended)),
        )

    def features(self, images: Tensor, modality: Modality) -> Mapping[str, Tensor]:
        """``embedding``: ``(N, D)`` of length one; see `EeesArchitecture.vector`."""
        maps = self.maps(images, modality)
        vectors = functional.normalize(self.neck(self.pool(maps)).float())
        if self.architecture.vector == "global":
            return {EMBEDDING: vectors}
        assert self.attention is not None
        attended = functional.normalize(self.attention(maps).float())
        return {EMBEDDING: torch.cat([vectors, attended], dim=1) * 0.5**0.5}

    @property
    def feature_width(self) -> int:
        """Numbers in the GeM head's features."""
        return self.width

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """``backbone``, ``attention``, and ``head``: necks and classifiers."""
        groups: dict[str, list[nn.Parameter]] = {"backbone": [], "attention": [], "head": []}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                inside = "backbone" if name.startswith((*BODY, "pool.")) else "head"
                groups["attention" if name.startswith("attention.") else inside].append(parameter)
        return tuple(ParameterGroup(name, parameters) for name, parameters in groups.items())

    def for_inference(self) -> Self:
        """A copy that embeds alike and tells no training identities apart."""
        bare = copy.deepcopy(self)
        bare.classifier = bare.attention_neck = bare.attention_classifier = None
        if self.architecture.vector == "global":
            bare.attention = None
        bare.architecture = self.architecture.model_copy(update={"classes": None})
        return bare

    def take_clip(self, state: Mapping[str, Tensor], what: str) -> None:
        """Give body and attention the weights of a CLIP's visual side; both stems get the same.

        Args:
            state: from `load_clip_visual`.
            what: where they come from, for messages.

        Raises:
            ModelError: they are of another network.
        """
        attention = described(state, self.architecture.body.last_stride)[1]
        if attention.heads != self.architecture.attention.heads:
            # No tensor's shape says so, and other heads would be another network.
            raise ModelError(
                f"The attention of {what} has {attention.heads} heads, not "
                f"{self.architecture.attention.heads}."
            )
        taken = placed(state, self.architecture, what)
        own = self.state_dict()
        wanted = {name for name in own if name.startswith((*BODY, "attention."))}
        check_same({name: own[name] for name in wanted}, taken, f"The visual side of {what}")
        self.load_state_dict(taken, strict=False)

    def take_body(self, source: Network, what: str) -> None:
        """As of any, and the neck's weights too, where that stands behind the same pooled maps."""
        super().take_body(source, what)
        theirs, own = source.state_dict(), self.state_dict()
        neck = {name: each for name, each in theirs.items() if name.startswith("neck.")}
        unlike = [name for name, each in neck.items() if name not in own or own[name].shape != each.shape]
        if not unlike and not any(name.startswith("reduce.") for name in theirs):
            self.load_state_dict(neck, strict=False)
