"""The colour filter of TVI-LFM's released code, step by step: for texts that must be those of the paper.

It replaces strings one after the other, in the order of its list, and knows neither word boundaries nor
capitals: it misses a colour at the start of a sentence or behind a colour that it has just taken out, takes
the space with a colour that stands at a comma, and leaves "and" standing. For everything else use
`reid_core.colours.strip_colours`.
"""

from collections.abc import Iterator

__all__ = ["strip_colours_as_published"]

# In the order in which the released code takes them out (TVI-LFM at 6827421, generators).
_LIST = """
sky blue, sky-blue, sky-colored, sea blue, sea-blue, sky, sea, maroon, multicolored, gray, black, redish,
blueish, brown, lime, golden, nude, purplish, teal, magenta, tan, grassy, red, brownish, yellow, olive,
metallic, orange, aqua, kaki, bluish, purple, grayish, beige, pinkish, cream, auburn, bleached, straw,
orangish, brunette, white, yellowish, blue, reddish, green, coral, greenish, blond, taupe, pink, grey,
colorful, neutral, transparent, gold, greyish, whitish, orangey, salmon, dark, blonde, burgundy, khaki,
silver, navy, neon, pastel, pastel-colored, peach, leaf, leafy, leaf-colored
"""
_TERMS = tuple(term.strip() for term in _LIST.split(","))


def strip_colours_as_published(text: str) -> str:
    """What the released filter leaves of a text, byte for byte, faults included."""
    for term in _TERMS:
        # No step changes a text in which its term does not stand.
        if term not in text:
            continue
        for other in _TERMS:
            for found, put in _pair(term, other):
                text = text.replace(found, put)
        for found, put in _single(term):
            text = text.replace(found, put)
    return text


def _pair(term: str, other: str) -> Iterator[tuple[str, str]]:
    yield f" half-{term} and half-{other} ", " "
    yield f" half-{term} and half-{other}.", "."
    yield f" {term} and {other},", ""


def _single(term: str) -> Iterator[tuple[str, str]]:
    yield f" half-{term} ", ""
    yield f" half-{term}", ""
    yield f" half-{term}.", "."
    yield f" {term}-colored", ""
    yield f"{term}-", ""
    yield f", {term}", ""
    yield f" {term},", ""
    yield f" {term}.", "."
    yield f" {term} ", " "
