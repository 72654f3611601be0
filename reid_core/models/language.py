"""Words: texts to vectors of a space, and crops to texts.

What a text encoder's vectors may be compared with is said by the space it aims at (the id of a visual model):
another text encoder of the same space embeds no crop anew.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from reid_core.registry import Registry
from reid_core.types import Floats, Image, Modality

if TYPE_CHECKING:
    from pathlib import Path


class TextEncoder(Protocol):
    """Texts to vectors of a space.

    Attributes:
        model_id: what its vectors were made by.
        space: what they are compared in.
    """

    model_id: str
    space: str

    @property
    def dim(self) -> int:
        """Numbers in a vector."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """``(N, D)`` float32, L2-normalised; ``(0, D)`` for no texts.

        Raises:
            UsageError: a text is empty, or no text.
        """


class Captioner(Protocol):
    """Crops of a modality to texts.

    Attributes:
        model_id: what the captions were made by.
    """

    model_id: str

    def caption(self, crops: Sequence[Image], modality: Modality) -> tuple[str, ...]:
        """One sentence or a few for each crop.

        Args:
            crops: ``uint8`` ``h x w x 3`` RGB of any sizes.
            modality: of all of them; captions of infrared crops name no colour.

        Raises:
            UsageError: a crop is no image.
        """


class OpenTextEncoder(Protocol):
    """Opens a text encoder's folder."""

    def __call__(self, folder: "Path") -> TextEncoder:
        """Load it; `ModelError` where it is missing or damaged."""


class OpenCaptioner(Protocol):
    """Opens a captioner's folder."""

    def __call__(self, folder: "Path") -> Captioner:
        """Load it; `ModelError` where it is missing or damaged."""


TEXT_ENCODERS: Registry[OpenTextEncoder] = Registry("text encoder", "nightreid.text_encoders", {})
CAPTIONERS: Registry[OpenCaptioner] = Registry("captioner", "nightreid.captioners", {})
