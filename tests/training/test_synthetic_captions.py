"""Synthetic captions: as varied as real ones, true but for stated mistakes, colourless in infrared."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from reid_core.colours import contains_colour, strip_colours
from reid_core.types import Spectrum
from training.seeding import generator
from training.synthetic.captions.attributes import attributes, identity_caption, labels
from training.synthetic.captions.captioning import View, describe, statistics
from training.synthetic.captions.seen import see
from training.synthetic.captions.words import COLOUR_WORDS, HAIR_WORDS
from training.synthetic.people.drawing import draw_person
from training.synthetic.people.person import Hat, Item

ALL = frozenset({"head", "trunk", "legs", "feet"})
# The keys of STAR-ReID's tags.
TAGS = (
    "gender",
    "top color",
    "top type",
    "top length",
    "pants color",
    "pants type",
    "bag type",
    "hat type",
    "glasses type",
    "shoe color",
    "notes",
)
MISTAKES = (
    "shoe colour",
    "colour confusion",
    "garment type",
    "gender",
    "hair length",
    "missed bag",
    "invented bag",
)
PEOPLE = [draw_person(identity, 11) for identity in range(1, 136)]
VIEWS = 270

# Written down apart from the captions' own vocabulary.
FORBIDDEN = re.compile(
    r"\b(?:skin|skinned|race|racial|ethnic\w*|complexion|caucasian|african|asian|indian|latin[oa]|hispanic|arab\w*"
    r"|european|(?:black|white|brown|yellow|dark|fair)"
    r" (?:man|woman|male|female|person|boy|girl|lady|guy|people))\b"
)
WORDS = {
    "feet": r"\b(?:shoes?|footwear|sneakers|trainers|boots|sandals|heels?|heeled|feet|soles?)\b",
    "legs": r"\b(?:trousers|pants|slacks|jeans|denims?|leggings|tights|shorts|skirt)\b",
    "head": r"\b(?:hair\w*|ponytail|bun|bald|shaved|cap|hat|beanie|hood|headscarf|head|old|elderly|senior"
    r"|\w*glasses|spectacles|goggles|beard)\b",
    "trunk": r"\b(?:t-? ?shirt|shirt|tee|top|blouse|jumper|sweater|hoodie|jacket|coat|overcoat|blazer|scarf"
    r"|sleeves?)\b",
    "front": r"\b(?:beard|\w*glasses|spectacles|goggles|logo|print|printed|graphic|chest|straps?)\b",
}
THINGS = {
    "backpack": r"\b(?:backpack|rucksack)\b",
    "shoulder bag": r"\b(?:bag|shoulder)\b(?!-length| - length)",
    "handbag": r"\b(?:handbag|purse|bag)\b",
    "tote bag": r"\bbag\b",
    "suitcase": r"\b(?:suitcase|trolley)\b",
    "umbrella": r"\bumbrella\b",
    "telephone": r"\b(?:phone|mobile|cell)\b",
    "pushchair": r"\b(?:pushchair|stroller|pram|carriage)\b",
    "box": r"\b(?:box|carton)\b",
}


def whole_view(person, spectrum=Spectrum.VISIBLE, yaw=0.0, **changed):
    kinds = frozenset(item.kind for item in person.items)
    view = View(spectrum, yaw, 1.0, ALL, kinds, 240, frozenset({"walk"}))
    return replace(view, **changed)


def random_view(person, spectrum, rng):
    """As a data set has them: mostly whole, from all sides, of all sizes."""
    parts = set(ALL)
    draw = rng.random()
    if draw < 0.1:
        parts -= {"feet"}
    elif draw < 0.14:
        parts -= {"legs", "feet"}
    doing = {"walk" if rng.random() < 0.7 else "stand"} | ({"phone"} if rng.random() < 0.5 else set())
    return View(
        spectrum,
        float(rng.uniform(0, 360)),
        float(rng.uniform(0.6, 1)),
        frozenset(parts),
        frozenset(item.kind for item in person.items if rng.random() < 0.85),
        int(rng.integers(60, 360)),
        frozenset(doing),
    )


@pytest.fixture(scope="module")
def captions():
    """``VIEWS`` captions a spectrum, with the person and the view of each."""
    made = {}
    for spectrum in Spectrum:
        rng = np.random.default_rng(4)
        made[spectrum] = []
        for number in range(VIEWS):
            person = PEOPLE[number % len(PEOPLE)]
            view = random_view(person, spectrum, rng)
            made[spectrum].append((person, view, describe(person, view, generator(11, "text", number))))
    return made


def both(caption):
    return f"{caption.text} {caption.aug_text.lower()}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spectrum", "mean", "aug_mean"),
    [
        (Spectrum.VISIBLE, (30, 35), (28, 33)),
        (Spectrum.NEAR, (26, 30), (25, 30)),
        (Spectrum.THERMAL, (26, 30), (25, 30)),
    ],
)
def test_lengths_and_variety_are_those_of_real_captions(captions, spectrum, mean, aug_mean):
    """Tri-RegDB: 33.5 words of 23-47 visible, 28.9 of 18-46 infrared; rephrased 30.1 and 27.5."""
    text = statistics([caption.text for _, _, caption in captions[spectrum]])
    aug = statistics([caption.aug_text for _, _, caption in captions[spectrum]])
    assert mean[0] <= text["mean"] <= mean[1]
    assert aug_mean[0] <= aug["mean"] <= aug_mean[1]
    for found in (text, aug):
        assert 3 < found["spread"] < 7
        assert found["shortest"] >= 10
        assert found["longest"] <= 50
        assert found["distinct_share"] > 0.97
        assert found["openings"] > 50


def test_one_view_is_worded_in_many_ways():
    person = PEOPLE[0]
    made = [describe(person, whole_view(person), generator(2, number), 0.0) for number in range(60)]
    assert len({caption.text for caption in made} | {caption.aug_text for caption in made}) > 110


@pytest.mark.slow
def test_infrared_captions_name_no_colour_and_visible_ones_do(captions):
    for spectrum in (Spectrum.NEAR, Spectrum.THERMAL):
        assert not [one for _, _, one in captions[spectrum] if contains_colour(both(one))]
    named = [
        contains_colour(one.text) and contains_colour(one.aug_text) for *_, one in captions[Spectrum.VISIBLE]
    ]
    assert all(named)


def test_the_colour_filter_knows_every_colour_the_captions_name(captions):
    hues = {word for table in (COLOUR_WORDS, HAIR_WORDS) for names in table.values() for word in names}
    assert all(contains_colour(hue) and not strip_colours(hue) for hue in hues)
    for *_, caption in captions[Spectrum.VISIBLE]:
        left = strip_colours(caption.text)
        assert not contains_colour(left)
        assert len(left.split()) >= 0.55 * len(caption.text.split()), left


def test_no_word_of_skin_or_descent(captions):
    texts = [both(caption) for made in captions.values() for _, _, caption in made]
    texts += [identity_caption(person).lower() for person in PEOPLE]
    assert not [text for text in texts if FORBIDDEN.search(text)]
    pale, dark = (replace(PEOPLE[0], body=replace(PEOPLE[0].body, skin=skin)) for skin in (0.0, 1.0))
    assert describe(pale, whole_view(pale), generator(0)) == describe(dark, whole_view(dark), generator(0))
    assert attributes(pale) == attributes(dark)


@pytest.mark.parametrize("spectrum", list(Spectrum))
@pytest.mark.parametrize("hidden", ["feet", "legs", "head", "trunk"])
def test_what_is_out_of_the_picture_is_not_mentioned(spectrum, hidden):
    for number, person in enumerate(PEOPLE[:60]):
        person = replace(person, items=())
        view = whole_view(person, spectrum, 60.0 * number, parts=ALL - {hidden})
        text = both(describe(person, view, generator(3, hidden, number), 0.0))
        assert not re.search(WORDS[hidden], text.replace("on foot", "")), text


@pytest.mark.parametrize("spectrum", list(Spectrum))
def test_the_back_shows_no_face_and_no_breast(spectrum):
    for number, person in enumerate(PEOPLE[:80]):
        view = whole_view(person, spectrum, 180.0 + number % 50)
        text = both(describe(person, view, generator(5, number), 0.0))
        assert not re.search(WORDS["front"], text), text


@pytest.mark.parametrize("kind", list(THINGS))
def test_things_are_mentioned_if_and_only_if_seen(kind):
    for number, person in enumerate(PEOPLE[:25]):
        cloth = person.top.cloth
        holder = replace(person, items=(Item(kind, "left", 1.0, cloth),), hat=None)
        rng = generator(6, kind, number)
        seen = describe(holder, whole_view(holder, Spectrum.NEAR), rng, 0.0)
        assert re.search(THINGS[kind], seen.text)
        assert re.search(THINGS[kind], seen.aug_text.lower())
        unseen = describe(holder, whole_view(holder, Spectrum.NEAR, items=frozenset()), rng, 0.0)
        assert not re.search(THINGS[kind], both(unseen)), unseen


def test_the_side_named_is_the_carriers_own():
    for number, person in enumerate(PEOPLE[:40]):
        holder = replace(person, items=(Item("handbag", "right", 1.0, person.top.cloth),))
        text = both(describe(holder, whole_view(holder, yaw=180.0), generator(7, number), 0.0))
        assert "left hand" not in text


def test_heat_shows_no_pattern(captions):
    for _, _, caption in captions[Spectrum.THERMAL]:
        assert not re.search(
            r"strip|check|plaid|dot|print|logo|graphic|two-tone|panel|sunglasses", both(caption)
        )


def test_a_hood_or_headscarf_hides_the_hair():
    for kind in ("hood", "headscarf"):
        for person in PEOPLE[:20]:
            covered = replace(person, hat=Hat(kind, person.top.cloth))
            assert see(covered, whole_view(covered)).hair is None


def test_an_open_jacket_shows_the_top_from_the_front_only():
    person = next(one for one in PEOPLE if one.outer and one.outer.open and one.bottom.kind != "dress")
    assert see(person, whole_view(person)).top is not None
    assert see(person, whole_view(person, yaw=180.0)).top is None


@pytest.mark.slow
def test_mistakes_come_at_the_stated_rate_and_are_named():
    rate, count = 0.3, 600
    view_rng = np.random.default_rng(9)
    made = []
    for number in range(count):
        person = PEOPLE[number % len(PEOPLE)]
        view = random_view(person, list(Spectrum)[number % 3], view_rng)
        made.append(describe(person, view, generator(8, number), rate).mistakes)
    share = sum(map(bool, made)) / count
    assert abs(share - rate) < 4 * np.sqrt(rate * (1 - rate) / count)
    assert {name for names in made for name in names} == set(MISTAKES)
    person = PEOPLE[3]
    assert not describe(person, whole_view(person), generator(1), 0.0).mistakes
    assert describe(person, whole_view(person), generator(1), 1.0).mistakes


@pytest.mark.slow
def test_mistakes_are_said_in_both_texts():
    """Where gender or bags are mistaken, both texts say what is not so."""
    for number in range(250):
        person = PEOPLE[number % len(PEOPLE)]
        caption = describe(person, whole_view(person), generator(10, number), 1.0)
        for text in (caption.text, caption.aug_text.lower()):
            if "gender" in caption.mistakes:
                false = r"man|male|boy|guy|gentleman|he|his"
                if person.body.gender == "male":
                    false = r"woman|female|girl|lady|she|her"
                assert re.search(rf"\b(?:{false})\b", text), caption
            if "invented bag" in caption.mistakes:
                assert re.search(r"\b(?:\w*bag|backpack|rucksack|purse)\b", text), caption
                assert not labels(person)["has_bag"]
                assert not labels(person)["has_backpack"]
            if "missed bag" in caption.mistakes:
                assert not re.search(r"\b(?:\w*bag|backpack|rucksack|purse|suitcase)\b", text), caption


def test_the_same_stream_gives_the_same_caption():
    person = PEOPLE[5]
    made = [describe(person, whole_view(person), generator(3, "x"), 0.5) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0] != describe(person, whole_view(person), generator(3, "y"), 0.5)


def test_letter_case_and_punctuation(captions):
    texts = [caption.text for _, _, caption in captions[Spectrum.VISIBLE]]
    augs = [caption.aug_text for made in captions.values() for _, _, caption in made]
    assert all(text == text.lower() for text in texts)
    assert all(text[0].isupper() and text.endswith(".") for text in augs)
    assert 0.3 < np.mean([" - " in text for text in texts]) < 0.9
    for text in texts + augs:
        assert not re.search(r"\s\s|,,|\.\.|,\.|\s[,.]|\ba [aeio]|\ban [^aeiou]|\b(\w+) \1\b", text), text


def test_attributes_are_the_eleven_tags():
    for person in PEOPLE:
        tags = attributes(person)
        assert tuple(tags) == TAGS
        assert tags["top type"] in ("short sleeve", "long sleeve")
        assert tags["top length"] in ("normal", "long")
        assert (tags["hat type"] == "none") == (person.hat is None)
        assert all(isinstance(value, str) and value for value in tags.values())


def test_identity_captions():
    made = [identity_caption(person) for person in PEOPLE]
    found = statistics(made)
    assert found["shortest"] >= 18
    assert found["longest"] <= 58
    assert found["distinct_share"] > 0.97
    assert made == [identity_caption(person) for person in PEOPLE]
    for person, text in zip(PEOPLE, made, strict=True):
        assert text.startswith(f"a {person.body.gender} ")
        assert ("backpack" in text) == labels(person)["has_backpack"]


def test_labels():
    person = replace(
        PEOPLE[0], items=(Item("backpack", "left", 1.0, PEOPLE[0].top.cloth),), hat=None, outer=None
    )
    found = labels(person)
    assert found["items"] == [{"kind": "backpack", "side": "left"}]
    assert found["has_backpack"] is True
    assert found["has_bag"] is False
    assert found["has_hat"] is False
    assert found["has_coat_jacket"] is False
    assert json.loads(json.dumps(found)) == found


def test_statistics():
    found = statistics(["a man in red.", "a man in red.", "a woman with a hat"])
    assert (found["captions"], found["distinct"], found["shortest"], found["longest"]) == (3, 2, 4, 5)
    assert found["mean"] == pytest.approx(13 / 3)
    assert found["vocabulary"] == 7
    assert statistics([])["mean"] == 0


@pytest.mark.footage
def test_against_the_real_captions(shared, missing, captions):
    """At least as many distinct texts an image as real captions have, and lengths like theirs."""
    for spectrum, name in ((Spectrum.VISIBLE, "RGB"), (Spectrum.THERMAL, "IR")):
        file = shared / f"data/captions/tri_regdb/Blip_{name}/caption_llm_dict_Blip_{name}.json"
        if not file.is_file():
            missing(f"needs the captions of {file}")
        entries = json.loads(file.read_text()).values()
        for key, field in (("description", "text"), ("aug_description", "aug_text")):
            real = statistics([entry[key] for entry in entries])
            own = statistics([getattr(caption, field) for _, _, caption in captions[spectrum]])
            assert own["distinct_share"] >= real["distinct_share"]
            assert abs(own["mean"] - real["mean"]) < 2.5
            assert own["openings"] >= real["openings"]
