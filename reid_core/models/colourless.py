"""Colour words made impossible while a caption is written, not only taken out of it afterwards."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

import torch
from torch import Tensor

from reid_core.colours import COLOUR_WORDS

__all__ = ["NoColours", "Spelling", "sentencepiece", "wordpiece"]

Spelling: TypeAlias = Callable[[str], tuple[bool, str]]
"""Whether a token begins a word, and what it spells."""

_CONTINUED = "##"
_BEGUN = ("\u2581", "\u0120")
_EDGES = re.compile(r"^[\W\d_]*")
_END = re.compile(r"[\W\d_]*$")
_LAST = re.compile(r"[^\W\d_]*$")


def wordpiece(token: str) -> tuple[bool, str]:
    """BERT's tokens, of which those that go on with a word have a mark."""
    return not token.startswith(_CONTINUED), token.removeprefix(_CONTINUED)


def sentencepiece(token: str) -> tuple[bool, str]:
    """Tokens of which those that begin a word have a mark: SentencePiece's, and byte-level ones."""
    begins = token.startswith(_BEGUN)
    return begins, token[1:] if begins else token


class NoColours:
    """A logits processor of transformers: a token that would complete a colour word has no chance.

    The word in progress is read letter by letter from its tokens, so that it does not matter into which
    pieces a colour word is divided. A word that only begins like one ("tank") can still be written where a
    token has more of it than the colour.

    Args:
        vocabulary: token to number.
        prompt: tokens in front of the caption, which are no part of it.
        spelling: of the tokens.
    """

    def __init__(
        self, vocabulary: Mapping[str, int], prompt: int = 1, spelling: Spelling = wordpiece
    ) -> None:
        self._prompt = prompt
        self._spelt: dict[int, tuple[bool, str]] = {}
        self._beginning: dict[str, list[int]] = {}
        self._going_on: dict[str, list[int]] = {}
        for token, number in vocabulary.items():
            begins, letters = spelling(token)
            # Behind a hyphen or a comma a word begins, too.
            bare = _EDGES.sub("", letters)
            self._spelt[number] = begins, letters.lower()
            rows = self._beginning if begins or bare != letters else self._going_on
            rows.setdefault(_END.sub("", bare).lower(), []).append(number)
        self._first = self._known(COLOUR_WORDS, self._beginning)
        self._after = cache(self._completing)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Forbid them.

        Args:
            input_ids: ``(N, T)`` tokens so far.
            scores: ``(N, V)`` of the next one.

        Returns:
            ``(N, V)``: minus infinity where a colour would be completed.
        """
        forbidden = torch.zeros_like(scores, dtype=torch.bool)
        forbidden[:, self._first] = True
        for row, tokens in zip(forbidden, input_ids[:, self._prompt :].tolist(), strict=True):
            row[self._after(self._in_progress(tokens))] = True
        return scores.masked_fill(forbidden, -torch.inf)

    def _in_progress(self, tokens: list[int]) -> str:
        """The letters of the last word; none where a word must begin."""
        word = ""
        for number in reversed(tokens):
            begins, letters = self._spelt.get(number, (True, ""))
            word = letters + word
            if begins:
                break
        found = _LAST.search(word)
        return found.group() if found is not None else ""

    def _completing(self, word: str) -> list[int]:
        """Tokens that go on with a word and make it a colour."""
        rests = {colour[len(word) :] for colour in COLOUR_WORDS if colour.startswith(word)}
        return self._known({rest for rest in rests if rest}, self._going_on)

    def _known(self, spelt: frozenset[str] | set[str], rows: Mapping[str, list[int]]) -> list[int]:
        return sorted(number for letters in spelt for number in rows.get(letters, ()))
