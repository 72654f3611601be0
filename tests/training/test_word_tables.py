"""The tables of words that ship are what their sources make."""

import json

import pytest

from reid_core.words.resolving import wordnet
from reid_core.words.shades import COLOURS
from training.word_tables import FOLDER, colour_table, named_values, wordnet_table


def test_the_colour_names_are_those_of_their_values():
    table = json.loads((FOLDER / "colour_names.json").read_text(encoding="utf-8"))["names"]
    assert table == colour_table(named_values())
    assert set(table.values()) <= set(COLOURS)
    assert table["fire engine red"] == "red" and table["wine red"] == "dark red"


@pytest.mark.parametrize(
    ("value", "colour"),
    [("#800020", "dark red"), ("#102a5c", "dark blue"), ("#a8c8f0", "light blue"), ("#ffff00", "yellow")],
)
def test_a_new_name_is_read_by_its_value(value, colour):
    assert colour_table(named_values() | {"nameless": value})["nameless"] == colour


def test_a_value_near_no_colour_has_no_reading():
    values = {"red": "#ff0000", "blue": "#0000ff"}
    assert colour_table(values | {"nameless": "#00ff00"}) == {}


def test_wordnet_is_taken_where_it_is_sure(tmp_path):
    """The same synset or the one below, in a word's first sense that is no proper name."""
    (tmp_path / "data.noun").write_text(
        "  1 license\n"
        "00000001 06 n 02 zhat 0 zlid 0 001 @ 00000009 n 0000 | a hat\n"
        "00000002 06 n 01 zboater 0 001 @ 00000001 n 0000 | of straw\n"
        "00000003 06 n 01 zdeep 0 001 @ 00000002 n 0000 | two below\n"
        "00000004 18 n 01 zname 0 001 @i 00000009 n 0000 | a book\n"
        "00000005 06 n 01 zname 0 001 @ 00000001 n 0000 | a hat too\n"
        "00000006 06 n 01 zother 0 001 @ 00000009 n 0000 | something else\n"
        "00000007 06 n 01 zother 0 001 @ 00000001 n 0000 | seldom a hat\n"
    )
    (tmp_path / "index.noun").write_text(
        "  1 license\n"
        "zhat n 1 1 @ 1 0 00000001\n"
        "zlid n 1 1 @ 1 0 00000001\n"
        "zboater n 1 1 @ 1 0 00000002\n"
        "zdeep n 1 1 @ 1 0 00000003\n"
        "zname n 2 2 @i @ 2 0 00000004 00000005\n"
        "zother n 2 1 @ 2 0 00000006 00000007\n"
    )
    table = wordnet_table(tmp_path, {"hat:hat": "zhat.1"})
    assert table == dict.fromkeys(("zhat", "zlid", "zboater", "zname"), "hat:hat")


def test_nobody_is_searched_by_what_wordnet_says_of_people():
    assert {sense.attribute for sense in wordnet().values()}.isdisjoint({"gender", "age"})
