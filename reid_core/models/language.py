"""Words: texts to vectors of a space, and crops to texts.

What a text encoder's vectors may be compared with is said by the space it aims at (the id of a visual model):
another text encoder of the same space embeds no crop anew.
"""

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from reid_core.calibration import Calibration
from reid_core.fusion import Ensemble
from reid_core.types import Floats, Image, Modality

QueryKind = Literal["text", "fused"]
"""What asks: a text alone, or an infrared tracklet with a text."""


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


@runtime_checkable
class FusingEncoder(TextEncoder, Protocol):
    """A text encoder that makes one query of an infrared image and words; see `reid_core.fusion`."""

    def fused(self, infrared: Floats, wanted: Sequence[str], filtered: Sequence[str]) -> Floats:
        """Semantic filtered fusion.

        Args:
            infrared: ``(N, D)`` raw features of the images, of any length.
            wanted: ``N`` texts about the visible person.
            filtered: ``N`` filter texts: what the images themselves show.

        Returns:
            ``(N, D)`` float32, L2-normalised.

        Raises:
            UsageError: a text is empty, or no text.
        """

    def ensemble(
        self, infrared: Floats, wanted: Sequence[str], filtered: Sequence[str], form: Ensemble
    ) -> Floats:
        """Image, text and their fusion as one query, likewise."""


@runtime_checkable
class PairingEncoder(TextEncoder, Protocol):
    """A text encoder that knows how its vectors go together with those of images."""

    def fuse(self, vector: Floats, text: Floats) -> Floats:
        """``(D,)`` float32 of length one: one query of an image's vector and a text's."""


@runtime_checkable
class CalibratedEncoder(TextEncoder, Protocol):
    """A text encoder that knows what its scores are worth."""

    def calibration(self, kind: QueryKind) -> Calibration | None:
        """Of queries of a kind against identities' best crops; ``None`` where it was not fitted."""


def calibration_of(encoder: TextEncoder, kind: QueryKind) -> Calibration | None:
    """An encoder's calibration for a kind of queries; ``None`` where it has none."""
    return encoder.calibration(kind) if isinstance(encoder, CalibratedEncoder) else None


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
