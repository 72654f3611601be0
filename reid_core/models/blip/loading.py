"""A BLIP out of a folder or from the hub, loaded strictly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from reid_core.errors import ModelError
from reid_core.models.hub import AS_TENSORS, STRICTLY, loading
from reid_core.models.published import check_told, image_side
from reid_core.preprocess import Preprocess

# Tokens that begin texts, which BLIP adds to BERT's and not every tokenizer file has.
_MARKS = 2


@dataclass(frozen=True, slots=True)
class Blip:
    """A captioning network ready to be asked.

    Attributes:
        network: transformers' ``BlipForConditionalGeneration``, float32, in evaluation mode.
        tokenizer: its tokenizer.
        preprocess: its image side.
    """

    network: Any
    tokenizer: Any
    preprocess: Preprocess


def load_blip(folder: Path) -> Blip:
    """Load a network strictly.

    Raises:
        ModelError: a file is missing or damaged, or a tensor is missing, surplus or of another shape.
    """
    from transformers import AutoTokenizer, BlipForConditionalGeneration

    # Typed as the model alone, which it is without the loading information.
    load: Any = BlipForConditionalGeneration.from_pretrained
    read_tokenizer: Any = AutoTokenizer.from_pretrained
    hint = f"It must hold a BlipForConditionalGeneration of transformers {AS_TENSORS}, and its tokenizer."
    with loading(f"The captioner {folder}", hint):
        network, told = load(folder, dtype=torch.float32, **STRICTLY)
        tokenizer = read_tokenizer(folder)
    check_told(folder, told)
    if tokenizer.sep_token_id != network.config.text_config.sep_token_id:
        raise ModelError(
            f"The captioner {folder} ends captions with token {network.config.text_config.sep_token_id}; its "
            f"tokenizer calls {tokenizer.sep_token_id} the end."
        )
    known, needed = len(tokenizer.get_vocab()), network.config.text_config.vocab_size
    if known < needed - _MARKS:
        raise ModelError(
            f"The captioner {folder} writes {needed} tokens, of which its tokenizer knows {known}.",
            "The tokenizer's files are missing, or another network's.",
        )
    return Blip(network.eval(), tokenizer, image_side(folder, network.config.vision_config.image_size))
