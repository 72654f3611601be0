"""Texts to numbers of tokens: CLIP's tokenizer by name or folder, or the words of some texts."""

from collections.abc import Iterable, Sequence
from typing import Any

from reid_core.errors import ModelError
from reid_core.models.clip_text.settings import CONTEXT, TowerSettings
from reid_core.models.hub import loading
from reid_core.models.text_tokens import TextTokenizer, tokenizer_of_words
from reid_core.types import Ints

BEGIN, END, UNKNOWN, PAD = "<|startoftext|>", "<|endoftext|>", "<|unknown|>", "<|pad|>"

# The end token is not number 2, which transformers takes for a mistake.
_SPECIAL = (PAD, UNKNOWN, BEGIN, END)


class Tokens(TextTokenizer):
    """As CLIP uses one: begin, text, end; cut at the context, begin and end among its tokens."""

    special = (BEGIN, END)
    whose = "CLIP"

    @property
    def begin(self) -> int:
        """Number of the token that a text begins with."""
        return self.number(BEGIN)

    @property
    def end(self) -> int:
        """Number of the token that it ends with."""
        return self.number(END)

    def __call__(self, texts: Sequence[str]) -> Ints:
        """``(N, T)`` int64, ``T`` as long as the longest needs; shorter rows go on with the end token.

        A text that is too long is cut, and ends with the end token all the same.

        Raises:
            UsageError: a text is empty, or no text.
        """
        return self.padded(texts, END)[0]

    def check(self, settings: TowerSettings, name: str) -> None:
        """That a tower reads what it writes.

        Raises:
            ModelError: numbers of tokens differ.
        """
        ours = self.size, self.begin, self.end
        theirs = settings.vocabulary, settings.begin, settings.end
        if ours[0] > theirs[0] or ours[1:] != theirs[1:]:
            raise ModelError(
                f"The tokenizer {name!r} has {ours[0]} tokens, begin {ours[1]}, end {ours[2]}; the tower "
                f"reads {theirs[0]}, begin {theirs[1]}, end {theirs[2]}.",
                "Give the tokenizer that the tower learned with.",
            )


def load_tokens(source: str, context: int = CONTEXT) -> Tokens:
    """CLIP's tokenizer from a hub or a folder.

    Args:
        source: a name such as ``openai/clip-vit-base-patch32``, or a folder with ``tokenizer.json``, or with
            ``vocab.json`` and ``merges.txt``.
        context: tokens of a text at most.

    Raises:
        ModelError: it is not to be had, or not CLIP's.
    """
    from transformers import CLIPTokenizer

    hint = "Give the name of a CLIP on the Hugging Face hub, or a folder that holds its tokenizer."
    with loading(f"The tokenizer {source!r}", hint):
        loaded: Any = CLIPTokenizer.from_pretrained(source)
        tokens = Tokens.from_json(loaded.backend_tokenizer.to_str(), context)
    if tokens.size <= len(_SPECIAL):
        raise ModelError(f"The tokenizer {source!r} has no words: its vocabulary is missing.")
    return tokens


def word_tokens(texts: Iterable[str], least: int = 1, context: int = CONTEXT) -> Tokens:
    """A tokenizer whose tokens are the words of some texts; others are unknown.

    For towers that learn from nothing, where no published vocabulary is at hand.

    Args:
        texts: whose words.
        least: times that a word must occur.
        context: tokens of a text at most.
    """
    return Tokens(tokenizer_of_words(texts, _SPECIAL, UNKNOWN, (BEGIN, END), least), context)
