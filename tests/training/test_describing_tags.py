"""Descriptions of people made of eleven tags."""

import json
import re

import pytest

from console.describe import describe_command
from reid_core.errors import ModelError, SourceError
from tests.support.instructed import write_instructed
from training.datasets.captions import read_identity_captions
from training.datasets.describing import (
    OPENING,
    TAGS,
    ByInstruction,
    by_template,
    described,
    prompt_of,
    read_tags,
    told_alike,
)

PERSON = {
    "gender": "male",
    "top color": "orange",
    "top type": "long sleeve",
    "top length": "normal",
    "pants color": "blue",
    "pants type": "trousers",
    "bag type": "backpack",
    "hat type": "none",
    "glasses type": "glasses",
    "shoe color": "white",
    "notes": "none",
}


def test_a_template_says_every_tag_and_nothing_of_none():
    assert by_template(PERSON) == (
        "a male wearing an orange long sleeve top, blue trousers, white shoes and glasses, "
        "carrying a backpack."
    )
    other = {**PERSON, "top length": "long", "bag type": "none", "glasses type": "none", "notes": "red scarf"}
    assert by_template({**other, "hat type": "cap"}) == (
        "a male wearing an orange long sleeve top of long length, blue trousers, white shoes and a cap. "
        "Besides: red scarf."
    )


def test_what_is_half_said_or_not_at_all_makes_a_sentence_too():
    nothing = dict.fromkeys(TAGS, "none")
    assert by_template(nothing) == "a person."
    assert by_template({**nothing, "pants color": "black", "shoe color": "red", "notes": "A scarf."}) == (
        "a person wearing black trousers and red shoes. Besides: A scarf."
    )
    assert by_template({**nothing, "top length": "long", "bag type": "bag"}) == (
        "a person wearing a top of long length, carrying a bag."
    )


def test_a_prompt_holds_the_tags_and_how_to_read_them():
    asked = prompt_of(PERSON)
    assert json.loads(re.search(r"\{.*\}", asked)[0]) == PERSON
    assert OPENING in asked and "'none' means" in asked and "surveillance camera" in asked


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hat type": None}, "'hat type' of 1 is no word"),
        ({"shoes": "red"}, "have surplus 'shoes'"),
    ],
)
def test_wrong_tags_are_named(tmp_path, change, said):
    file = tmp_path / "tags.json"
    file.write_text(json.dumps({"1": {**PERSON, **change}}))
    with pytest.raises(SourceError, match=said):
        read_tags(file)
    file.write_text(json.dumps({"1": {tag: PERSON[tag] for tag in TAGS[1:]}}))
    with pytest.raises(SourceError, match="lack 'gender'"):
        read_tags(file)
    file.write_text(json.dumps({"one": PERSON}))
    with pytest.raises(SourceError, match="'one' is no identity"):
        read_tags(file)
    file.write_text(json.dumps({"1": PERSON, "01": {**PERSON, "gender": "female"}}))
    with pytest.raises(SourceError, match="name identity 1 twice"):
        read_tags(file)
    file.write_text(json.dumps({"1": PERSON, "2": {**PERSON, "gender": "female"}}).replace('"2"', '"1"'))
    with pytest.raises(SourceError, match="says two things of '1'"):
        read_tags(file)


def test_the_command_writes_captions_and_names_who_is_told_alike(tmp_path, capsys):
    tags = tmp_path / "attributes.json"
    tags.write_text(json.dumps({"2": PERSON, "10": PERSON, "3": {**PERSON, "gender": "female"}}))
    assert describe_command(tags, tmp_path / "captions.json", None, 1) == 0
    found = read_identity_captions(tmp_path / "captions.json")
    assert list(found) == [2, 3, 10] and found[2] == found[10] != found[3]
    assert "told alike: 2, 10." in capsys.readouterr().out
    assert told_alike({"1": "a", "2": "b"}) == []


def test_what_captions_never_mention_is_in_no_description():
    noted = described({1: {**PERSON, "notes": "an Asian man on crutches, red scarf"}}, by_template)
    assert noted["1"].endswith("carrying a backpack. Besides: a man, red scarf.")
    told = described({7: PERSON}, lambda tags: "a **male** Muslim\n wearing red.")
    assert told == {"7": "a male wearing red."}
    with pytest.raises(ModelError, match="Of identity 7 nothing"):
        described({7: PERSON}, lambda tags: "\u4e00\u4e2a\u7a7f\u7ea2\u8863\u670d\u7684\u4eba")


@pytest.fixture(scope="module")
def instructed(module_tmp):
    folder = module_tmp("model")
    return folder, write_instructed(folder)


@pytest.mark.slow
def test_a_language_model_is_asked_through_its_chat_template(instructed, tmp_path):
    folder, tokenizer = instructed
    describer = ByInstruction(str(folder))
    seen = []
    spoken = describer.model._model.generate

    def generate(**asked):
        seen.append((tokenizer.decode(asked["input_ids"][0]), asked["temperature"], asked["do_sample"]))
        return spoken(**asked)

    describer.model._model.generate = generate
    first, again = (described({1: PERSON}, describer) for _ in range(2))
    assert first == again and first["1"].strip()
    # The template's own end, and the paper's temperature.
    assert seen[0][0].endswith("The person") and seen[0][1:] == (0.6, True)
    tokenizer.chat_template = None
    tokenizer.save_pretrained(tmp_path / "plain")
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    for file in folder.iterdir():
        if not (tmp_path / "plain" / file.name).exists():
            (tmp_path / "plain" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match="no chat template"):
        ByInstruction(str(tmp_path / "plain"))


def test_the_opening_is_taken_off():
    class Answering:
        source = "m"

        def __init__(self, text):
            self.text = text

        def __call__(self, prompt):
            return self.text

    made = ByInstruction.__new__(ByInstruction)
    for text, told in (
        ("The person in the photo is a male\nwearing red.", "a male wearing red."),
        ("  the person in the photo is: a female.", "a female."),
        ("A male in red.", "A male in red."),
    ):
        made.model = Answering(text)
        assert made(PERSON) == told
    made.model = Answering("The person in the photo is")
    with pytest.raises(ModelError, match="says nothing"):
        made(PERSON)


def test_a_model_that_is_not_to_be_had_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        ByInstruction(str(tmp_path))
    assert "\n" not in caught.value.message
