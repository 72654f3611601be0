"""A BLIP small enough for tests, as transformers writes one: a folder with network and tokenizer."""

from pathlib import Path

import torch

_TEXT = (
    "a man woman person in with wearing and coat jacket trousers shirt bag tank kingdom red blue green black "
    "grey white dark light navy . , - ##red ##k ##een ##ish gr ##b ##lack bl tan ##dom"
)
WORDS = _TEXT.split()
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[DEC]")


def write_blip(folder: Path, seed: int = 0) -> Path:
    """A network with random weights that writes random words."""
    from transformers import BertTokenizerFast, BlipConfig, BlipForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = [*SPECIAL, *dict.fromkeys(WORDS)]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = BertTokenizerFast(vocab=numbers, bos_token="[DEC]")
    text = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "encoder_hidden_size": 32,
        "intermediate_size": 32,
        "projection_dim": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "bos_token_id": 4,
        "eos_token_id": 3,
        "pad_token_id": 0,
        "sep_token_id": 3,
    }
    vision = {
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 16,
        # By default it starts near zero.
        "initializer_range": 0.02,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = BlipConfig(text_config=text, vision_config=vision, projection_dim=16)
        network = BlipForConditionalGeneration(config)
        # Larger weights, so that different crops are told apart by different words.
        for parameter in network.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.3)
        # It likes to name colours, and ends at the most tokens only.
        network.text_decoder.cls.predictions.bias.data[: len(SPECIAL)] = -50.0
        for word in ("red", "blue", "gr", "##een"):
            network.text_decoder.cls.predictions.bias.data[vocabulary.index(word)] = 2.0
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
