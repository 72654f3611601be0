"""Texts to numbers of tokens by the `tokenizers` library: what text encoders have in common."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from reid_core.errors import ModelError, UsageError
from reid_core.types import Ints

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["TextTokenizer", "tokenizer_of_words"]

_WORD = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")


class TextTokenizer:
    """A tokenizer that cuts a text at the context and pads nothing by itself.

    Args:
        tokenizer: of the library.
        context: tokens of a text at most, the special ones among them.

    Raises:
        ModelError: it lacks a special token.
    """

    special: ClassVar[tuple[str, ...]]
    """Tokens that it must have."""
    whose: ClassVar[str]
    """Which network's it is."""

    def __init__(self, tokenizer: "Tokenizer", context: int) -> None:
        self._tokenizer, self.context = tokenizer, context
        missing = [each for each in self.special if tokenizer.token_to_id(each) is None]
        if missing:
            raise ModelError(f"The tokenizer has no token {missing[0]!r}: it is not {self.whose}'s.")
        tokenizer.no_padding()
        tokenizer.enable_truncation(context)

    @property
    def size(self) -> int:
        """Tokens there are."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def padded(self, texts: Sequence[str], token: str) -> tuple[Ints, Ints]:
        """Texts as rows of one length, as long as the longest needs.

        Args:
            texts: ``N`` of them.
            token: with which shorter rows go on.

        Returns:
            ``(N, T)`` int64 tokens, and ``(N,)`` how many of each row are the text's own.

        Raises:
            UsageError: a text is empty, or no text.
        """
        for text in texts:
            if not isinstance(text, str) or not text.strip():
                raise UsageError(f"A description needs at least one word, not {text!r}.")
        rows = [each.ids for each in self._tokenizer.encode_batch(list(texts))]
        lengths = np.array([len(row) for row in rows], np.int64)
        tokens = np.full((len(rows), lengths.max(initial=2)), self.number(token), np.int64)
        for place, row in zip(tokens, rows, strict=True):
            place[: len(row)] = row
        return tokens, lengths

    def number(self, token: str) -> int:
        """Of a token that is there."""
        found = self._tokenizer.token_to_id(token)
        assert found is not None, token
        return int(found)

    def as_json(self) -> str:
        """The tokenizer as a file of the library, ``tokenizer.json``."""
        text: str = self._tokenizer.to_str(pretty=False)
        return text

    @classmethod
    def from_json(cls, text: str, context: int) -> Self:
        """What `as_json` gave.

        Raises:
            ModelError: it is none, or not of this network.
        """
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_str(text)
        except Exception as error:
            raise ModelError(f"The tokenizer is damaged: {error}.") from None
        return cls(tokenizer, context)


def tokenizer_of_words(
    texts: Iterable[str], special: Sequence[str], unknown: str, ends: tuple[str, str], least: int = 1
) -> "Tokenizer":
    """A tokenizer whose tokens are the words of some texts, in lower case; others are unknown.

    Args:
        texts: whose words.
        special: tokens in front of all words, from number 0 on.
        unknown: which of them stands for words that are not known.
        ends: with which of them a text begins and ends.
        least: times that a word must occur.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

    counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
    words = sorted(word for word, count in counts.items() if count >= least)
    numbers = {word: number for number, word in enumerate((*special, *words))}
    tokenizer: Any = Tokenizer(models.WordLevel(numbers, unknown))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(_WORD.pattern), "removed", invert=True)
    begin, end = ends
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(each, numbers[each]) for each in ends]
    )
    made: Tokenizer = tokenizer
    return made
