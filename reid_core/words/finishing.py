"""What a captioner or a language model wrote, made fit to be kept: plain and short."""

import re

from reid_core.colours import strip_colours
from reid_core.types import Modality
from reid_core.words.markup import without_markup
from reid_core.words.protected import fit_for_captions

__all__ = ["LONGEST_CAPTION", "finished_caption"]

LONGEST_CAPTION = 60
"""Words of a caption: a text tower reads 77 tokens."""
# Nobody reads more of an answer without end.
_MOST_CHARACTERS = 4_000
_PLAIN = str.maketrans("\u2018\u2019\u201c\u201d\u2013\u2014", "''\"\"--")
_QUOTES = "\"' "


def finished_caption(text: str, modality: Modality) -> str:
    """A caption as it is kept, on one line.

    Markup is taken out and the text cut to `LONGEST_CAPTION` words, at the end of a sentence or clause where
    one is near. What captions never mention (`reid_core.words.protected`) goes, and of infrared crops every
    colour. An answer that is no English text at all leaves nothing.

    Args:
        text: whatever came; of any length.
        modality: of the crop that it is of.

    Returns:
        the caption; empty where nothing is left of it.
    """
    plain = without_markup(text[:_MOST_CHARACTERS].translate(_PLAIN))
    caption = fit_for_captions(_cut(" ".join(plain.split()).strip(_QUOTES)))
    if modality is Modality.INFRARED:
        caption = strip_colours(caption)
    return caption.strip() if _says_something(caption) else ""


def _cut(text: str) -> str:
    """The first words, up to the last full stop or comma of their second half."""
    words = text.split()
    if len(words) <= LONGEST_CAPTION:
        return text
    kept = words[:LONGEST_CAPTION]
    for ends in (".!?", ",;:"):
        last = next((at for at in range(len(kept) - 1, len(kept) // 2, -1) if kept[at][-1] in ends), None)
        if last is not None:
            kept = kept[: last + 1]
            break
    return " ".join(kept).rstrip(",;:")


def _says_something(caption: str) -> bool:
    """Whether there is a word of Latin letters, and more of these than of others."""
    letters = [one for one in caption if one.isalpha()]
    latin = sum(one.isascii() for one in letters)
    return latin > len(letters) / 2 and re.search(r"[A-Za-z]{2}", caption) is not None
