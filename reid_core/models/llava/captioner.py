"""A LLaVA as a captioner of both modalities."""

from collections.abc import Sequence
from typing import Any

import torch
from pydantic import Field, field_validator

from reid_core.config import Settings
from reid_core.models.colourless import NoColours, sentencepiece
from reid_core.models.language_files import CaptionerManifest, LanguageFiles
from reid_core.models.llava.loading import load_llava
from reid_core.types import Image, Modality

KIND = "llava"
_IMAGE = "<image>"


class LlavaSettings(Settings):
    """What ``settings`` of ``captioner.json`` holds.

    Attributes:
        prompt: what it is asked, as LLaVA 1.5 is spoken to; ``<image>`` stands where the crop does. The
            request is that of EEES.
        longest: tokens of a description at most.
        beams: of the search; 1 takes the likeliest token each time.
    """

    prompt: str = "USER: <image>\nPlease describe the characteristics of the pedestrian image ASSISTANT:"
    longest: int = Field(default=60, ge=2, le=500)
    beams: int = Field(default=1, ge=1, le=16)

    @field_validator("prompt")
    @classmethod
    def _shows(cls, prompt: str) -> str:
        if prompt.count(_IMAGE) != 1:
            raise ValueError(f"the prompt must hold {_IMAGE} once")
        return prompt


class LlavaCaptioner:
    """Descriptions by ``LlavaForConditionalGeneration``; always the same for the same crop.

    Args:
        files: the folder of a network in transformers' form, with its tokenizer.
    """

    settings = LlavaSettings

    def __init__(self, files: LanguageFiles[CaptionerManifest]) -> None:
        settings = files.manifest.settings
        assert isinstance(settings, LlavaSettings)
        self.model_id = files.model_id
        self._settings = settings
        self._llava = llava = load_llava(files.folder)
        shown = settings.prompt.replace(_IMAGE, llava.image * llava.parts)
        self._prompt: torch.Tensor = llava.tokenizer(shown, return_tensors="pt").input_ids
        # What is generated is told apart from the prompt by its length.
        self._colourless = NoColours(llava.tokenizer.get_vocab(), self._prompt.shape[1], sentencepiece)

    def caption(self, crops: Sequence[Image], modality: Modality) -> tuple[str, ...]:
        """What the network says of each crop; of infrared crops no word of it is a colour."""
        network = self._llava.network
        pixels = torch.from_numpy(self._llava.preprocess(crops)).to(network.device, network.dtype)
        prompts = self._prompt.to(network.device).expand(len(crops), -1)
        options: dict[str, Any] = {
            "max_new_tokens": self._settings.longest,
            "num_beams": self._settings.beams,
        }
        if modality is Modality.INFRARED:
            options["logits_processor"] = [self._colourless]
        tokens = network.generate(
            input_ids=prompts,
            attention_mask=torch.ones_like(prompts),
            pixel_values=pixels,
            do_sample=False,
            pad_token_id=self._llava.tokenizer.pad_token_id or self._llava.tokenizer.eos_token_id,
            **options,
        )
        said = self._llava.tokenizer.batch_decode(tokens[:, prompts.shape[1] :], skip_special_tokens=True)
        return tuple(one.strip() for one in said)
