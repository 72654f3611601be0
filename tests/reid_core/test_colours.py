"""Colour words leave a text, and nothing else does."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid_core.colours import contains_colour, strip_colours

# Written down apart from the filter's own vocabulary.
COLOURS = """
    black white grey gray red green blue yellow orange pink purple brown maroon teal magenta tan olive khaki
    beige cream navy burgundy gold silver peach violet lavender turquoise crimson blonde brunette greyish
    reddish navy-blue dark-red multicoloured
"""
PLAIN_COLOURS = COLOURS.split()
REST = """
    a an the man woman person with and , . in of is wearing carrying short long hair jacket shirt t-shirt
    trousers shoes bag his her on over striped sleeves - standing tank light coat orangutan titan greenhouse
"""
OTHERS = REST.split()
WORDS = st.lists(st.sampled_from([*PLAIN_COLOURS, *OTHERS, "Dark", "RED", "light"]), max_size=16).map(
    " ".join
)
ANY_PLAIN = re.compile(rf"\b(?:{'|'.join(PLAIN_COLOURS)})\b", re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "a man with short black hair, wearing a red coat and blue jeans.",
            "a man with short hair, wearing a coat and jeans.",
        ),
        ("Black and white striped t-shirt.", "Striped t-shirt."),
        ("a woman in black, holding an orange umbrella", "a woman, holding an umbrella"),
        ("with black, straight, shoulder-length hair", "with straight, shoulder-length hair"),
        ("short, dark hair and a coat, black shoes", "short hair and a coat, shoes"),
        ("a blonde in a red coat", "a person in a coat"),
        ("an off-white open jacket of wine-coloured leather", "an open jacket of leather"),
        ("a purple, blue, and white top in a shade of red, and jeans", "a top, and jeans"),
        ("a multi - color t - shirt and half-red and half-white shorts", "a t - shirt and shorts"),
        ("an olive cap, a grey umbrella", "a cap, an umbrella"),
        ("A black-haired man", "A man"),
        ("a black-and-white photo of a man in red-or-pink shoes", "a photo of a man in shoes"),
        ("brown", ""),
        ("a woman in pinks and purples, a man in yellows", "a woman, a man"),
        ("a two-hued jacket and bi-coloured shoes", "a jacket and shoes"),
        ("a multicoloured scarf, a multi-colored top", "a scarf, a top"),
        ("a colourful dress, a colourless cap, a colourfully striped top", "a dress, a cap, a striped top"),
        ("a tealish coat, a blue-ish cap, a beigeish or tannish bag", "a coat, a cap, a bag"),
        ("a green ish coat, orange-y shoes and a bluey-green tie", "a coat, shoes and a tie"),
        ("a brightly coloured jacket and a colour-blocked top", "a jacket and a top"),
        ("an all-black outfit and a coat of many colours", "an outfit and a coat"),
        ("a black-on-white print, darker trousers", "a print, trousers"),
        # Names that are colours only at a garment, or at a colour.
        ("a wine jacket, a mint coat, a camel coat and rust boots", "a jacket, a coat, a coat and boots"),
        ("a darkgreen coat, a skyblue hat, a vermillion bag", "a coat, a hat, a bag"),
        ("an ocean blue coat and tomato red shoes", "a coat and shoes"),
        ("a snow-white dress, a milk chocolate bag", "a dress, a bag"),
        ("a wine and camel striped jumper, a pair of inky jeans", "a striped jumper, a pair of jeans"),
        ("jeans in wine, and boots", "jeans, and boots"),
        ("a coat in a shade of wine", "a coat"),
        ("Mint jacket.", "Jacket."),
    ],
)
def test_the_sentence_is_mended(text, expected):
    assert strip_colours(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a standing man in a tank top, bored",
        "a light jacket in bright light, after dark",
        "a woman walking in the dark near a car, eating ice cream",
        "a bluetooth headset, a goldsmith's greenhouse and an orangutan",
        "a ringtone, a milestone, one tone higher, a fish on a dish, all mid-length",
        "a two-tone jacket with a contrast panel",
        "a straw hat, a bottle of wine and a  double  space ,",
        "a bottle of wine and a jacket, a coffee cup, an apple in the hand",
        "a camel by the sea, standing in the snow near a pine",
        "snow boots, desert boots, steel toe boots",
        "",
    ],
)
def test_words_that_only_look_like_colours_stay(text):
    assert not contains_colour(text)
    assert strip_colours(text) == text


@given(WORDS)
def test_no_colour_remains_and_a_second_pass_changes_nothing(text):
    left = strip_colours(text)
    assert not ANY_PLAIN.search(left), left
    assert not contains_colour(left)
    assert strip_colours(left) == left


@given(st.lists(st.sampled_from(OTHERS), max_size=16).map(" ".join))
def test_a_text_without_colour_is_unchanged(text):
    assert strip_colours(text) == text


@given(st.text(max_size=60))
@pytest.mark.slow
def test_any_text_at_all_is_taken(text):
    left = strip_colours(text)
    assert not contains_colour(left)
    assert contains_colour(text) or left == text


@given(WORDS)
def test_nouns_survive(text):
    nouns = {"jacket", "shirt", "trousers", "shoes", "bag", "coat", "hair", "striped"}
    kept = [word for word in re.findall(r"\w+", strip_colours(text)) if word.lower() in nouns]
    assert [word.lower() for word in kept] == [word for word in re.findall(r"\w+", text) if word in nouns]


@pytest.mark.footage
@pytest.mark.parametrize("spectrum", ["IR", "RGB"])
def test_real_captions(shared, missing, spectrum):
    """Real infrared captions come through, but for the one shade that their own filter missed."""
    file = shared / f"data/captions/tri_regdb/Blip_{spectrum}/caption_dict_Blip_{spectrum}.json"
    if not file.is_file():
        missing(f"needs the captions of {file}")
    texts = {entry["description"] for entry in json.loads(file.read_text()).values()}
    left = {text: strip_colours(text) for text in texts}
    assert not any(ANY_PLAIN.search(text) or contains_colour(text) for text in left.values())
    if spectrum == "IR":
        assert len(texts) > 1000
        assert all("crimson" in text for text, stripped in left.items() if stripped != text)
    else:
        kept = [len(stripped.split()) / len(text.split()) for text, stripped in left.items()]
        assert min(kept) >= 0.5
        assert sum(kept) / len(kept) > 0.8
