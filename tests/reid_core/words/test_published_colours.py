"""The colour filter of TVI-LFM's released code, faults included, and where ours differs."""

import time

import pytest

from reid_core.colours import contains_colour, strip_colours
from reid_core.words.published_colours import strip_colours_as_published


@pytest.mark.parametrize(
    ("text", "published", "ours"),
    [
        # What the released code makes of these was printed by it.
        ("a man in half-red and half-white shirt.", "a man in shirt.", "a man in shirt."),
        ("a red and jacket", "a and jacket", "a jacket"),
        ("Her black shoes are a matching sky blue red.", "Her shoes are a matching.", "Her shoes."),
        (
            "a man with short black hair, wearing a navy-blue coat and red and green, trousers",
            "a man with short hair, wearing a blue coat and trousers",
            "a man with short hair, wearing a coat and trousers",
        ),
        ("black shoes, red, and blue and white, shirt", "black shoes, and and shirt", "shoes, shirt"),
        (" half-red coat, redred and sea-blue, tan", "coatred and tan", "coat, redred"),
        ("Black jacket", "Black jacket", "jacket"),
        ("a leaf on a dark road", "a on a road", "a leaf on a road"),
        ("a crimson scarf", "a crimson scarf", "a scarf"),
    ],
)
def test_both_filters(text, published, ours):
    assert strip_colours_as_published(text) == published
    assert strip_colours(text) == ours


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a red and jacket", "a jacket"),
        ("a and red jacket", "a and jacket"),
        ("a jacket that is blue and has a hood", "a jacket and has a hood"),
        ("wearing red, green and yellow", ""),
        ("an emerald green and ruby striped tie", "a striped tie"),
        ("a bottle green cardigan, a bottle in the hand", "a cardigan, a bottle in the hand"),
        ("a navy blue navy jacket", "a jacket"),
    ],
)
def test_the_longest_colour_goes_and_nothing_dangles(text, left):
    assert strip_colours(text) == left
    assert not contains_colour(left)


@pytest.mark.slow
def test_a_long_text_takes_no_longer_than_it_must():
    """Ten thousand words of colours; quadratic time would be minutes."""
    started = time.process_time()
    assert strip_colours("a red and dark blue coat, " * 2000).count("coat") == 2000
    assert strip_colours_as_published("a red and dark blue coat, " * 2000).count("coat") == 2000
    assert time.process_time() - started < 60
