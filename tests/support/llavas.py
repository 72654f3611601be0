"""A LLaVA small enough for tests, as transformers writes one: a folder with network and tokenizer."""

from pathlib import Path

import torch

_TEXT = """USER: ASSISTANT: Please describe the characteristics of pedestrian image a man woman in wearing red
blue green black grey coat jacket trousers bag tall with and"""
SPECIAL = ("<unk>", "<s>", "</s>", "<pad>", "<image>")


def write_llava(folder: Path, seed: int = 0) -> Path:
    """A network with random weights that writes random words."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlavaConfig, LlavaForConditionalGeneration, PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    words = [*SPECIAL, *(f"\u2581{word}" for word in dict.fromkeys(_TEXT.split()))]
    own = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, "<unk>"))
    own.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    own.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=own, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": ["<image>"]})
    text = {
        "model_type": "llama",
        "vocab_size": len(words),
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 256,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
        "initializer_range": 0.5,
    }
    vision = {
        "model_type": "clip_vision_model",
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 16,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = LlavaForConditionalGeneration(
            LlavaConfig(vision_config=vision, text_config=text, image_token_id=4)
        )
        # It looks at the image, not only at what it said before.
        for each in network.model.multi_modal_projector.parameters():
            torch.nn.init.normal_(each, std=1.0)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
