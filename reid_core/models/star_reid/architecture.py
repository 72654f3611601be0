"""What must be known to build the network; importing it loads no framework."""

from typing import Literal

from pydantic import Field, model_validator

from reid_core.config import Settings
from reid_core.models.body_settings import BodySettings

Attention = Literal["channel", "token", "identity"]
Pooling = Literal["max-average", "average"]
Fusion = Literal["learned", "softmax", "sum"]


class StarArchitecture(Settings):
    """A vision transformer, visible-infrared alignment (VIAP) and a batch-norm neck.

    The defaults are ViT-B/16 at 256 x 128 with overlapping patches, as PMT and STAR-ReID have it. With a
    ``body`` patches are the places of its last maps: a hybrid (Dosovitskiy et al., ICLR 2021, section 3.1)
    whose modalities have a stem each.

    Attributes:
        image: height and width of the input, pixels.
        body: a convolutional network that sees the image first, or ``None``.
        maps: rows and columns of its last maps.
        patch: side of a patch, pixels; of a transformer without a body, as ``stride``.
        stride: between patches; below ``patch`` they overlap.
        width: numbers in a token, and in a vector.
        depth: blocks.
        heads: of each block.
        dropout: of tokens, in training.
        drop_path: of the last block's residuals, in training; it rises from 0 at the first.
        aligned: whether there is alignment. The vector is then the fused feature of eq. 9, of length one; it
            is ``L2(BN(CLS))``, as in PMT, without.
        attention: what eqs. 1 to 4 are taken for; see `reid_core.models.star_reid.alignment`.
        pooling: of patches: maximum of visible and average of infrared ones (Algorithm 1), or the average of
            both (section III-C).
        low_frequency: whether eqs. 5 to 8 add the patches' Haar low band.
        fusion: how eq. 9 weighs its three terms of each modality: by learned numbers, by learned numbers that
            sum to one, or alike.
        classes: identities of the classifier, or ``None`` for no classifier.
    """

    image: tuple[int, int] = (256, 128)
    body: BodySettings | None = None
    maps: tuple[int, int] | None = None
    patch: int = Field(default=16, ge=1)
    stride: int = Field(default=12, ge=1)
    width: int = Field(default=768, ge=2)
    depth: int = Field(default=12, ge=1)
    heads: int = Field(default=12, ge=1)
    dropout: float = Field(default=0.03, ge=0, lt=1)
    drop_path: float = Field(default=0.1, ge=0, lt=1)
    aligned: bool = True
    attention: Attention = "channel"
    pooling: Pooling = "max-average"
    low_frequency: bool = True
    fusion: Fusion = "learned"
    classes: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _agree(self) -> "StarArchitecture":
        if self.width % self.heads:
            raise ValueError("width must be a multiple of heads")
        if (self.body is None) != (self.maps is None):
            raise ValueError("body and maps belong together")
        if self.body is None and min(self.image) < self.patch:
            raise ValueError("the image must hold a patch")
        return self

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        if self.maps is not None:
            return self.maps
        height, width = ((side - self.patch) // self.stride + 1 for side in self.image)
        return height, width

    def bare(self) -> "StarArchitecture":
        """The same without what only training needs."""
        return self.model_copy(update={"classes": None, "dropout": 0.0, "drop_path": 0.0})
