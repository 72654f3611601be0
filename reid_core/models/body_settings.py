"""What must be known to build the body of a network; importing it loads no framework."""

from typing import Literal

from pydantic import Field

from reid_core.config import Settings

CLIP = "clip-resnet"


class BodySettings(Settings):
    """Everything up to the last maps.

    The defaults are CLIP's RN50 with its last stage as fine as the one before, as in AGW.

    Attributes:
        backbone: ``clip-resnet``, or a name of `reid_core.models.backbones.BACKBONES`.
        layers: blocks of the four stages of ``clip-resnet``.
        width: channels behind its stem; the last maps have 32 times as many.
        stem_stages: stages each modality has for itself after the stem.
        last_stride: of the last stage that shrinks, 1 or 2.
        non_local: AGW's non-local blocks; ResNets of ImageNet only.
        stem_activation: whether the stems of a ResNet of ImageNet have their ReLU.
        instance_norm: half of the channels of early blocks normalised by their own image, as in IBN-Net;
            not of ``clip-resnet``.
    """

    backbone: str = CLIP
    layers: tuple[int, int, int, int] = (3, 4, 6, 3)
    width: int = Field(default=64, ge=8, multiple_of=8)
    stem_stages: int = Field(default=0, ge=0)
    last_stride: Literal[1, 2] = 1
    non_local: bool = False
    stem_activation: bool = True
    instance_norm: bool = False
