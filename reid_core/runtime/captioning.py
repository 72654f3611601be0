"""Any captioner with what every one of them owes: as many captions as crops, each fit to be kept."""

from collections.abc import Sequence

from reid_core.errors import ModelError, UsageError
from reid_core.models.language import Captioner
from reid_core.preprocess import as_rgb
from reid_core.types import Image, Modality
from reid_core.words.finishing import finished_caption

BATCH = 16
"""Crops that a captioner is asked about at once."""


class FinishedCaptioner:
    """A captioner that is asked in batches, and whose captions have gone through `reid_core.words.finishing`.

    Args:
        captioner: that writes them.
    """

    def __init__(self, captioner: Captioner) -> None:
        self._captioner = captioner
        self.model_id = captioner.model_id

    def caption(self, crops: Sequence[Image], modality: Modality | str) -> tuple[str, ...]:
        """One caption for each crop, empty where nothing fit to be kept was said of it.

        Raises:
            UsageError: a crop is no image, or there is no such modality.
            ModelError: the captioner did not answer with one text for each crop.
        """
        try:
            modality = Modality(modality)
        except ValueError:
            raise UsageError(f"There is no modality {modality!r}.", "Use 'visible' or 'infrared'.") from None
        shown = [as_rgb(crop, at) for at, crop in enumerate(crops)]
        found: list[str] = []
        for start in range(0, len(shown), BATCH):
            found += self._answered(shown[start : start + BATCH], modality)
        return tuple(finished_caption(text, modality) for text in found)

    def _answered(self, crops: Sequence[Image], modality: Modality) -> Sequence[str]:
        texts = self._captioner.caption(crops, modality)
        if len(texts) != len(crops) or not all(isinstance(text, str) for text in texts):
            raise ModelError(
                f"The captioner {self.model_id[:12]} answered {len(crops)} crops with {len(texts)} texts."
            )
        return texts
