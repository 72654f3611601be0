"""Captions in other words: the same meaning, more words, and nothing that captions never mention."""

import re

import numpy as np
import pytest

from reid_core.colours import contains_colour, strip_colours
from reid_core.errors import UsageError
from reid_core.types import Spectrum
from reid_core.words.paraphrasing import other_words, paraphrase
from reid_core.words.protected import fit_for_captions
from reid_core.words.resolving import wordnet_names
from reid_core.words.senses import said_as
from reid_core.words.shades import COLOURS
from reid_core.words.understanding import understand
from reid_core.words.wardrobe import WARDROBE
from training.seeding import generator
from training.synthetic.captions.captioning import View, describe
from training.synthetic.people.drawing import draw_person

pytestmark = pytest.mark.slow
PARTS = frozenset({"head", "trunk", "legs", "feet"})


@pytest.fixture(scope="module")
def captions():
    def of(spectrum, identity):
        person = draw_person(identity, seed=5)
        items = frozenset(item.kind for item in person.items)
        view = View(spectrum, 40.0 * identity % 360, 1.0, PARTS, items, 300)
        return describe(person, view, generator(5, "caption", identity)).text

    return {spectrum: [of(spectrum, identity) for identity in range(12)] for spectrum in Spectrum}


def words(texts):
    return {word for text in texts for word in re.findall(r"[a-z]+", text.lower())}


def test_the_meaning_stays_and_the_words_are_more(captions):
    before = captions[Spectrum.VISIBLE]
    after = [paraphrase(text, 1.0, np.random.default_rng(number)) for number, text in enumerate(before)]
    assert [understand(text).terms for text in after] == [understand(text).terms for text in before]
    assert all(left != right for left, right in zip(before, after, strict=True))
    assert len(words(after)) > 1.3 * len(words(before))
    assert [fit_for_captions(text) for text in after] == after


def test_an_infrared_caption_stays_without_colour(captions):
    for spectrum in (Spectrum.NEAR, Spectrum.THERMAL):
        for number, text in enumerate(captions[spectrum]):
            assert not contains_colour(paraphrase(text, 1.0, np.random.default_rng(number)))


def test_no_other_word_for_a_thing_names_a_colour():
    """WordNet has blue jeans as a kind of jeans."""
    assert "blue jean" in wordnet_names("lower", "jeans")
    assert not [word for word in other_words("lower", "jeans") if contains_colour(word)]
    assert "hawaiian shirt" not in other_words("top", "shirt")
    assert "indigo" in other_words("colour", "dark blue")


def test_no_other_word_for_a_person_is_a_pronoun():
    assert {"bloke", "gent"} <= set(other_words("gender", "male"))
    assert not {"he", "him", "his", "himself"} & set(other_words("gender", "male"))
    assert not {"she", "her", "hers", "herself"} & set(other_words("gender", "female"))


def test_colours_in_other_words_leave_an_infrared_caption(captions):
    """Nearly all: a few names stand where only their sense tells that they are colours."""
    said = [
        paraphrase(text, 0.5, np.random.default_rng(number))
        for number, text in enumerate(captions[Spectrum.VISIBLE] * 4)
    ]
    left = [strip_colours(text) for text in said]
    names = {one for colour in COLOURS for one in other_words("colour", colour)}
    kept = [text for text in left if names & words([text])]
    assert len(kept) <= 0.1 * len(said), kept


def test_a_colour_s_name_is_taken_out_before_whatever_is_worn():
    kinds = [(part, kind) for part, kinds in WARDROBE.items() for kind in kinds]
    things = {one for part, kind in kinds for one in said_as()[part, kind][0] if one[0] != "!"}
    no_colours = {"anything", "carton"}
    kept = {one for one in things - no_colours if strip_colours(f"his mint {one}") != f"his {one}"}
    assert kept == set()


def test_the_seed_and_the_probability_decide(captions):
    (text, *_) = captions[Spectrum.VISIBLE]
    assert paraphrase(text, 0.0, np.random.default_rng(1)) == text
    assert paraphrase(text, 0.7, np.random.default_rng(1)) == paraphrase(text, 0.7, np.random.default_rng(1))
    assert len({paraphrase(text, 0.7, np.random.default_rng(seed)) for seed in range(6)}) > 3


def test_articles_and_capitals_fit():
    said = {paraphrase("Umbrella. A red umbrella", 1.0, np.random.default_rng(seed)) for seed in range(40)}
    assert all(text[0].isupper() for text in said)
    assert not any(re.search(r"\ba [aeiou]|\ban [^aeiou]", text, re.IGNORECASE) for text in said)
    assert any("Brolly" in text for text in said)


def test_plural_stays_plural():
    said = {paraphrase("blue jeans and a jacket", 1.0, np.random.default_rng(seed)) for seed in range(40)}
    assert all(re.search(r"s and an? \w", text) for text in said), said


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_no_probability(p):
    with pytest.raises(UsageError, match="between 0 and 1"):
        paraphrase("a coat", p, np.random.default_rng(0))
