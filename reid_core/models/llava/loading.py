"""A LLaVA out of a folder, loaded strictly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reid_core.errors import ModelError
from reid_core.models.hub import AS_TENSORS, STRICTLY, loading
from reid_core.models.published import check_told, image_side
from reid_core.preprocess import Preprocess


@dataclass(frozen=True, slots=True)
class Llava:
    """A describing network ready to be asked.

    Attributes:
        network: transformers' ``LlavaForConditionalGeneration`` in evaluation mode.
        tokenizer: its tokenizer.
        preprocess: its image side.
        image: token that stands for a part of the image.
        parts: of an image.
    """

    network: Any
    tokenizer: Any
    preprocess: Preprocess
    image: str
    parts: int


def load_llava(folder: Path) -> Llava:
    """Load a network strictly; onto the GPU and as precise as it is kept there, else in float32.

    Raises:
        ModelError: a file is missing or damaged, a tensor is missing, surplus or of another shape, or the
            tokenizer is another network's.
    """
    from transformers import AutoTokenizer, LlavaForConditionalGeneration

    # Typed as the model alone, which it is without the loading information.
    load: Any = LlavaForConditionalGeneration.from_pretrained
    read_tokenizer: Any = AutoTokenizer.from_pretrained
    there = torch.cuda.is_available()
    hint = f"It must hold a LlavaForConditionalGeneration of transformers {AS_TENSORS}, and its tokenizer."
    with loading(f"The captioner {folder}", hint):
        network, told = load(folder, dtype="auto" if there else torch.float32, **STRICTLY)
        tokenizer = read_tokenizer(folder)
    check_told(folder, told)
    config = network.config
    image = tokenizer.convert_ids_to_tokens(config.image_token_id)
    if image is None or tokenizer.convert_tokens_to_ids(image) != config.image_token_id:
        raise ModelError(
            f"The tokenizer of the captioner {folder} has no token {config.image_token_id}, which stands for "
            "the image.",
            "The tokenizer's files are missing, or another network's.",
        )
    # Decoders answer behind the prompt, so shorter rows are filled in front.
    tokenizer.padding_side = "left"
    eyes = config.vision_config
    # The first one looks at the whole image.
    parts = (eyes.image_size // eyes.patch_size) ** 2 + (config.vision_feature_select_strategy == "full")
    network = network.eval().to("cuda" if there else "cpu")
    return Llava(network, tokenizer, image_side(folder, eyes.image_size), image, parts)
