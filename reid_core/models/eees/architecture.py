"""What must be known to build a network of EEES; importing it loads no framework."""

from typing import Literal

from pydantic import Field

from reid_core.config import Settings
from reid_core.models.body_settings import BodySettings


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
