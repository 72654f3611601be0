"""``nightreid words``: how a description is understood, for people and for programs."""

import json

import pytest


def test_each_word_with_its_reading(command):
    outcome = command("words", "bloke in a crimsen hoodie, no rucksack, widdershins")
    assert outcome.status == 0
    rows = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert "bloke male listed" in rows
    assert "crimsen dark red spelling (crimson)" in rows
    assert "rucksack no backpack the captions' own word" in rows
    assert "widdershins not understood" in rows
    assert rows[-1] == "Searched for: a man, wearing a dark red hoodie."


def test_what_nobody_is_searched_by(command):
    outcome = command("words", "a blind man in a coat")
    assert "left out (health)" in outcome.out
    assert outcome.out.splitlines()[-1] == "Searched for: a man, wearing a coat."


def test_json(command):
    said = json.loads(command("words", "crimson hoodie", "--json").out)
    assert said["told"] == "crimson read as dark red"
    assert said["terms"][0] == {"attribute": "top", "value": "hoodie", "of": "", "denied": False}


def test_nothing_understood(command):
    outcome = command("words", "xyzzy plugh")
    assert outcome.status == 0
    assert "None of these words is understood" in outcome.out


@pytest.mark.parametrize("text", ["", "  ", "coat " * 10_000, "мужчина в куртке"])
def test_what_cannot_be_read(command, text):
    assert command("words", text).error("usage").startswith("The description ")
