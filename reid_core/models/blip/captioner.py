"""A BLIP as a captioner of both modalities."""

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field

from reid_core.config import Settings
from reid_core.models.blip.loading import load_blip
from reid_core.models.colourless import NoColours
from reid_core.models.language_files import CaptionerManifest, LanguageFiles
from reid_core.types import Image, Modality

KIND = "blip"


class BlipSettings(Settings):
    """What ``settings`` of ``captioner.json`` holds.

    Attributes:
        longest: tokens of a caption, the first one counted; TVI-LFM's captions were written with 50.
        beams: of the search; 1 takes the likeliest token each time.
    """

    longest: int = Field(default=50, ge=2, le=500)
    beams: int = Field(default=1, ge=1, le=16)


class BlipCaptioner:
    """Captions by ``BlipForConditionalGeneration``, without a prompt; always the same for the same crop.

    Args:
        files: the folder of a network in transformers' form, with its tokenizer.
    """

    settings = BlipSettings

    def __init__(self, files: LanguageFiles[CaptionerManifest]) -> None:
        settings = files.manifest.settings
        assert isinstance(settings, BlipSettings)
        self.model_id = files.model_id
        self._settings = settings
        self._blip = load_blip(files.folder)
        self._colourless = NoColours(self._blip.tokenizer.get_vocab())

    def caption(self, crops: Sequence[Image], modality: Modality) -> tuple[str, ...]:
        """What the network writes of each crop; of infrared crops no word of it is a colour."""
        pixels = torch.from_numpy(self._blip.preprocess(crops))
        options: dict[str, Any] = {"max_length": self._settings.longest, "num_beams": self._settings.beams}
        if modality is Modality.INFRARED:
            options["logits_processor"] = [self._colourless]
        tokens = self._blip.network.generate(pixel_values=pixels, do_sample=False, **options)
        return tuple(self._blip.tokenizer.batch_decode(tokens, skip_special_tokens=True))
