"""A witness's description as it is searched for."""

import pytest

from reid_core.errors import UsageError
from reid_core.querying import read_description
from reid_core.querying.description import said
from reid_core.words.understanding import understand
from tests.support.reworded import reworded_queries


def test_only_what_is_understood_is_searched_for():
    found = read_description("a black bloke in a crimson hoodie, wellies and a flurbish, no rucksack")
    assert found.sentence == "a man, wearing a dark red hoodie and boots, no backpack."
    assert found.left_out == ("black",)
    assert "crimson read as dark red" in found.told and "flurbish not understood" in found.told
    assert "black left out (ethnicity or origin)" in found.told


def test_markup_and_control_characters_are_not_searched_for():
    found = read_description("<b>red</b> coat\x1b[31m <script>alert('jeans')</script>\u202e")
    assert found.sentence == "a person, wearing a red coat."


def test_each_part_is_left_out_with_what_hangs_on_it():
    parts = {one.name: one.without for one in read_description("man in a red coat and jeans, no bag").parts}
    assert parts == {
        "male": "a person, wearing a red coat and jeans, no bag.",
        "coat": "a man, wearing jeans, no bag.",
        "red (coat)": "a man, wearing a coat and jeans, no bag.",
        "jeans": "a man, wearing a red coat, no bag.",
        "no bag": "a man, wearing a red coat and jeans.",
    }
    (alone,) = read_description("a backpack").parts
    assert alone.without == ""


def test_what_is_denied_alone_can_be_said():
    assert read_description("no bag").sentence == "a person, no bag."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("red " * 10_000, "10,000 words"),
        ("ein Mann mit einer roten Jacke und einem Rucksack", "English"),
        ("человек в красной куртке", "not in English"),
        ("<p></p>", "no words"),
        (
            "flurbish wibble",
            "Nothing of the description is something to search for: .*flurbish not understood",
        ),
        ("a Muslim", "a Muslim left out|Muslim left out"),
    ],
)
def test_what_cannot_be_searched_for_is_one_sentence(text, reason):
    with pytest.raises(UsageError, match=reason) as caught:
        read_description(text)
    assert "\n" not in caught.value.message


@pytest.mark.slow
def test_a_text_encoder_that_reads_the_sentence_reads_what_the_witness_said():
    """It reads by the same dictionary: nothing is lost or added by saying it again."""
    unlike = []
    for one in reworded_queries():
        terms = understand(one.query).terms
        if said(terms):
            again = understand(said(terms)).terms
            wanted = {each for each in terms if not (each.denied and each.of)}
            if set(again) != wanted:
                unlike.append((one.query, said(terms), wanted ^ set(again)))
    assert len(unlike) <= 10, unlike
