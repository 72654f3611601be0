"""Words: texts to vectors of a space, and crops to texts.

What a text encoder's vectors may be compared with is said by the space it aims at (the id of a visual model):
another text encoder of the same space embeds no crop anew.
"""

from collections.abc import Sequence
from typing import Protocol

from reid_core.types import Floats, Image, Modality


class TextEncoder(Protocol):
    """Texts to vectors of a space."""

    @property
    def model_id(self) -> str:
        """What its vectors were made by."""

    @property
    def space(self) -> str:
        """What they are compared in."""

    @property
    def dim(self) -> int:
        """Numbers in a vector."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """``(N, D)`` float32, L2-normalised; ``(0, D)`` for no texts.

        Raises:
            UsageError: a text is empty, or no text.
        """


class Captioner(Protocol):
    """Crops of a modality to texts."""

    @property
    def model_id(self) -> str:
        """What the captions were made by."""

    def caption(self, crops: Sequence[Image], modality: Modality) -> tuple[str, ...]:
        """One sentence or a few for each crop.

        Args:
            crops: ``uint8`` ``h x w x 3`` RGB of any sizes.
            modality: of all of them; captions of infrared crops name no colour.

        Raises:
            UsageError: a crop is no image.
        """
