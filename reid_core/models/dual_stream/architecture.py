"""What must be known to build a dual-stream network."""

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from reid_core.config import Settings


class DualStreamArchitecture(Settings):
    """A stem per modality, a shared rest, GeM, BNNeck.

    Attributes:
        backbone: ``resnet18``, ``resnet34``, ``resnet50`` (torchvision) or ``tf_efficientnet_lite0``
            to ``tf_efficientnet_lite4`` (timm).
        stem_stages: how many stages after the first convolution each modality has for itself.
        last_stride: of the last stage that shrinks, 1 or 2.
        gem_p: the power of the pooling (its first value, where it is learned).
        gem_learned: whether the power is a parameter.
        classes: identities of the classifier, or ``None`` for no classifier.
        non_local: AGW's non-local blocks in the second and third stage of a ResNet.
        stem_activation: whether a ResNet's stems have their ReLU; TVI-LFM's released weights have none.
        neck_bias: whether the neck's bias is learned, as in TVI-LFM's released weights.
        instance_norm: half of the channels of early blocks normalised by their own image, as in IBN-Net.
        imagenet_share: of the features of a frozen ImageNet network beside the learned one in a similarity,
            which is ``(1 - share) cos_learned + share cos_imagenet``; ``None`` for the learned one alone.
    """

    backbone: str
    stem_stages: int = Field(default=0, ge=0)
    last_stride: Literal[1, 2] = 1
    gem_p: float = Field(default=3.0, gt=0)
    gem_learned: bool = False
    classes: int | None = Field(default=None, ge=1)
    non_local: bool = False
    stem_activation: bool = True
    neck_bias: bool = False
    instance_norm: bool = False
    imagenet_share: float | None = Field(default=None, gt=0, lt=1)

    @model_serializer(mode="wrap")
    def _as_before(self, dumped: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the later settings where they are at their defaults: a model's id is a digest over this."""
        values: dict[str, Any] = dumped(self)
        return {
            name: value
            for name, value in values.items()
            if name not in _LATER or value != type(self).model_fields[name].default
        }


_LATER = ("non_local", "stem_activation", "neck_bias", "instance_norm", "imagenet_share")
"""Settings that came after the first checkpoints."""
