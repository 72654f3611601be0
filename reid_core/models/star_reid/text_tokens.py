"""Texts to numbers of tokens: BERT's tokenizer by name or folder, or the words of some texts."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from reid_core.errors import ModelError
from reid_core.models.hub import loading
from reid_core.models.text_tokens import TextTokenizer, tokenizer_of_words
from reid_core.types import Ints

PAD, UNKNOWN, FIRST, LAST = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
_SPECIAL = (PAD, UNKNOWN, FIRST, LAST)


class BertTokens(TextTokenizer):
    """As BERT uses one: ``[CLS]``, text, ``[SEP]``; cut at the context, these among its tokens."""

    special = _SPECIAL
    whose = "BERT"

    def __call__(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """``(N, T)`` int64 tokens, and ``(N, T)`` 1 where there is one; ``T`` is as the longest text needs.

        A text that is too long is cut, and ends with ``[SEP]`` all the same.

        Raises:
            UsageError: a text is empty, or no text.
        """
        tokens, lengths = self.padded(texts, PAD)
        return tokens, (np.arange(tokens.shape[1]) < lengths[:, None]).astype(np.int64)


def load_tokens(source: str, context: int) -> BertTokens:
    """BERT's tokenizer from a hub or a folder.

    Args:
        source: a name such as ``bert-base-uncased``, or a folder with ``tokenizer.json`` or ``vocab.txt``.
        context: tokens of a text at most.

    Raises:
        ModelError: it is not to be had, or not BERT's.
    """
    from transformers import BertTokenizer

    hint = "Give the name of a BERT on the Hugging Face hub, or a folder that holds its tokenizer."
    with loading(f"The tokenizer {source!r}", hint):
        loaded: Any = BertTokenizer.from_pretrained(source)
        tokens = BertTokens.from_json(loaded.backend_tokenizer.to_str(), context)
    # Without its vocabulary, transformers builds one of special tokens alone.
    if tokens.size <= len(_SPECIAL) + 1:
        raise ModelError(f"The tokenizer {source!r} has no words: its vocabulary is missing.")
    return tokens


def word_tokens(texts: Iterable[str], context: int) -> BertTokens:
    """A tokenizer whose tokens are the words of some texts; others are unknown.

    For branches that learn from nothing, where no published vocabulary is at hand.
    """
    return BertTokens(tokenizer_of_words(texts, _SPECIAL, UNKNOWN, (FIRST, LAST)), context)
