"""Captions said again by a language model: what is no rephrasing is refused and counted."""

import json
from collections import Counter

import pytest

from reid_core.errors import ModelError, UsageError
from reid_core.types import Modality
from tests.support.instructed import write_instructed
from training.captioning.rephrasing import Refused, open_rephraser, rephrase_captions, rephrased
from training.datasets.captions import read_descriptions

CAPTION = "a man wearing a red jacket and blue jeans, carrying a backpack"
GOOD = "A guy in a crimson jacket and blue denims has a rucksack with him."
VISIBLE, INFRARED = Modality.VISIBLE, Modality.INFRARED


class Says:
    """A language model that answers these, one after the other, and dies when it has no more."""

    source = "some"

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, prompt, attempt=0):
        self.asked.append((prompt, attempt))
        if not self.answers:
            raise KeyboardInterrupt
        return self.answers.pop(0)


def test_it_is_asked_for_the_caption_and_its_answer_is_kept():
    model = Says(f'"{GOOD}"')
    assert rephrased(CAPTION, VISIBLE, model) == (GOOD, [])
    ((prompt, attempt),) = model.asked
    assert CAPTION in prompt and attempt == 0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("", Refused.NOTHING),
        ("一个穿红衣服的人", Refused.NOTHING),
        ("zxqv flurb 0x00 �� \x00\x01", Refused.OTHER),
        ("<|im_end|><script>alert(1)</script>", Refused.OTHER),
        ("As an AI language model, I cannot describe people.", Refused.OTHER),
        ("A woman in a green coat and a black skirt holds an umbrella.", Refused.OTHER),
        ("The weather is fine today. " * 400, Refused.OTHER),
        (CAPTION.capitalize() + ".", Refused.SAME),
    ],
)
def test_nonsense_is_refused_and_asked_for_once_more(answer, why):
    assert rephrased(CAPTION, VISIBLE, Says(answer, answer)) == (None, [why, why])
    again = Says(answer, GOOD)
    assert rephrased(CAPTION, VISIBLE, again) == (GOOD, [why])
    assert [attempt for _, attempt in again.asked] == [0, 1]


def test_of_infrared_images_no_colour_is_said_and_of_nobody_what_captions_never_mention():
    caption = "a man wearing a jacket and jeans, carrying a backpack"
    said, refused = rephrased(
        caption, INFRARED, Says("An Asian man in a red jacket and jeans with a backpack.")
    )
    assert said == "A man in a jacket and jeans with a backpack." and not refused


def test_what_says_nothing_of_a_person_is_left_as_it_is():
    assert rephrased("a person.", VISIBLE, Says("a human being.", "someone.")) == (None, [Refused.OTHER] * 2)


def captions(count):
    return {f"cam1/0001/{at:04d}.jpg": CAPTION for at in range(count)}


def write(out, model, count=3, seed=1, restart=False):
    return rephrase_captions(captions(count), VISIBLE, model, out, seed, lambda *_: None, restart)


def test_refused_captions_stand_alone_and_are_counted(tmp_path):
    out = tmp_path / "caption_llm_dict_x.json"
    done = write(out, Says(GOOD, "nonsense", "", "no", GOOD))
    entries = json.loads(out.read_text())
    assert [one.get("aug_description") for one in entries.values()] == [GOOD, None, GOOD]
    assert {one["description"] for one in entries.values()} == {CAPTION}
    assert (done.captions, done.rephrased) == (3, 2)
    assert done.refused == Counter({Refused.OTHER: 2, Refused.NOTHING: 1})


def test_killed_and_taken_up_again_it_is_the_same(tmp_path):
    whole, parts = tmp_path / "whole.json", tmp_path / "parts.json"
    write(whole, Says(GOOD, "nonsense", "nonsense", GOOD))
    with pytest.raises(KeyboardInterrupt):
        write(parts, Says(GOOD, "nonsense"))
    assert not parts.exists()
    with (tmp_path / "parts.rephrased.jsonl").open("a") as file:
        file.write('{"cut off')
    model = Says("nonsense", "nonsense", GOOD)
    done = write(parts, model)
    assert len(model.asked) == 3, "what was said before is not asked again"
    assert parts.read_text() == whole.read_text() and done.refused == {Refused.OTHER: 2}
    assert write(parts, Says()).rephrased == 2, "a finished file is taken as it is"
    with pytest.raises(UsageError, match="another seed"):
        write(parts, Says(), seed=2)
    assert write(parts, Says(*[GOOD] * 3), seed=2, restart=True).rephrased == 3


@pytest.fixture
def instructed(tmp_path):
    write_instructed(tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.slow
def test_the_command_asks_a_model_of_a_folder(command, instructed, tmp_path):
    file = tmp_path / "caption_dict_Blip_IR.json"
    file.write_text(json.dumps({key: {"description": text} for key, text in captions(2).items()}))
    done = command("rephrase", file, "--model", instructed, "--modality", "infrared", "--json")
    assert done.status == 0, done.err
    said = json.loads(done.out)
    assert (said["captions"], said["rephrased"]) == (2, 0)
    # Random weights answer nonsense each time.
    assert sum(said["refused"].values()) == 4
    assert read_descriptions(tmp_path / "caption_llm_dict_Blip_IR.json") == captions(2)


def test_a_model_without_its_files_is_one_sentence(tmp_path):
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        open_rephraser(str(tmp_path), 1)
    assert "rules put captions in other words" in caught.value.hint
