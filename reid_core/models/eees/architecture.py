"""What must be known to build a network of EEES; importing it loads no framework."""

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


class AttentionSettings(Settings):
    """Attention pooling of the last maps.

    The defaults are those of CLIP's RN50.

    Attributes:
        width: numbers that come out; texts have as many.
        inner: numbers in query, key and value; ``null`` for the channels of the maps.
        heads: that share them.
    """

    width: int = Field(default=1024, ge=1)
    inner: int | None = Field(default=None, ge=1)
    heads: int = Field(default=32, ge=1)


class EeesArchitecture(Settings):
    """A stem per modality, a shared rest, two heads.

    Attributes:
        body: up to the last maps.
        attention: the head where texts meet images.
        grid: rows and columns of the last maps; the attention has a place for each.
        gem_p: power of the other head's pooling (its first value, where it is learned).
        gem_learned: whether the power is a parameter.
        vector: ``both`` is ``[L2(BN(GeM)), L2(attention)]`` brought to length one, as CSDN is tested, whose
            heads these are; ``global`` is ``L2(BN(GeM))``.
        classes: identities of the classifiers, or ``None`` for none.
    """

    body: BodySettings = BodySettings()
    attention: AttentionSettings = AttentionSettings()
    grid: tuple[int, int] = (18, 9)
    gem_p: float = Field(default=3.0, gt=0)
    gem_learned: bool = False
    vector: Literal["both", "global"] = "both"
    classes: int | None = Field(default=None, ge=1)
