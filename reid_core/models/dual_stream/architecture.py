"""What must be known to build a dual-stream network."""

from typing import Literal

from pydantic import Field

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
    """

    backbone: str
    stem_stages: int = Field(default=0, ge=0)
    last_stride: Literal[1, 2] = 1
    gem_p: float = Field(default=3.0, gt=0)
    gem_learned: bool = False
    classes: int | None = Field(default=None, ge=1)
