"""The small captioner: what captions answer, and how answers become captions."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from reid_core.colours import contains_colour
from reid_core.errors import ModelError, ModelMismatchError
from reid_core.models.attribute_captioner.captioner import GRID, WEIGHTS, AttributeSettings, Eyes
from reid_core.models.attribute_captioner.groups import COLOURED, answers_of
from reid_core.models.attribute_captioner.head import AttributeHead
from reid_core.models.attribute_captioner.saying import said
from reid_core.runtime import load_captioner
from reid_core.starter import EMBEDDER
from reid_core.types import Modality
from reid_core.words.understanding import understand

VALUES = {
    "gender": ("female", "male"),
    "top": ("hoodie", "t-shirt"),
    "shoes": ("boots", "sneakers"),
    "hat": ("cap",),
    "backpack": ("backpack",),
    "bag": ("handbag", "tote bag"),
    "colour of top": ("black", "red"),
    "sleeves of top": ("long", "short"),
}
CERTAIN = dict.fromkeys(VALUES, 0.5)


def answers(text):
    return answers_of(understand(text).terms, VALUES)


def test_what_a_caption_names_is_one_answer_and_what_it_leaves_out_may_be_one():
    found = answers("a man wearing a red t-shirt and boots, carrying a backpack.")
    assert found["gender"] == {"male"} and found["top"] == {"t-shirt"} and found["shoes"] == {"boots"}
    assert found["backpack"] == {"backpack"} and found["colour of top"] == {"red"}
    assert found["hat"] == frozenset() == found["bag"], "nobody leaves out a hat"
    assert found["sleeves of top"] is None, "sleeves are left out even where they are seen"


def test_a_generic_word_leaves_the_kind_open_and_an_unknown_value_everything():
    found = answers("somebody wearing shoes, with a bag.")
    assert found["shoes"] == {"boots", "sneakers"} and found["bag"] == {"handbag", "tote bag"}
    assert found["gender"] is None and found["colour of top"] is None
    assert answers("a man in a purple hoodie.")["colour of top"] is None


def chances(**told):
    """Probabilities of some values of groups, the rest on nothing."""
    found = {}
    for name, values in VALUES.items():
        given = told.get(name.replace(" ", "_"), {})
        rest = 1.0 - sum(given.values())
        found[name] = np.array([rest, *(given.get(value, 0.0) for value in values)], np.float32)
    return found


def test_only_what_is_certain_is_said_of_things_that_are_said():
    one = chances(
        gender={"male": 0.9},
        top={"hoodie": 0.8},
        colour_of_top={"red": 0.7},
        hat={"cap": 0.4},
        sleeves_of_top={"long": 0.45, "short": 0.4},
    )
    assert said(one, VALUES, CERTAIN) == "a man, wearing a red hoodie."
    assert said(one, VALUES, CERTAIN | {"colour of top": 0.75}) == "a man, wearing a hoodie."
    assert said(one, VALUES, CERTAIN | {"top": 0.9}) == "a man.", "no colour of what is not said"
    assert said(chances(), VALUES, CERTAIN) == ""


def test_a_thing_of_an_uncertain_kind_has_the_generic_word():
    one = chances(shoes={"boots": 0.4, "sneakers": 0.45}, bag={"handbag": 0.3, "tote bag": 0.25})
    assert said(one, VALUES, CERTAIN | {"shoes": 0.6, "bag": 0.55}) == (
        "a person, wearing shoes, carrying a bag."
    )


@pytest.mark.parametrize("name", ["gender", "top", "shoes", "hat", "backpack", "bag"])
def test_what_is_said_is_read_back(name):
    """The grammar and the reader know the same words."""
    for value in VALUES[name]:
        assert answers(said(chances(**{name: {value: 0.9}}), VALUES, CERTAIN))[name] == {value}


def test_jeans_or_trousers_are_trousers():
    values = {"lower": ("jeans", "shorts", "trousers")}

    def of(*rest):
        return said({"lower": np.array([0.02, *rest], np.float32)}, values, {"lower": 0.7})

    assert of(0.8, 0.1, 0.08) == "a person, wearing jeans."
    assert of(0.5, 0.0, 0.48) == "a person, wearing trousers."
    assert of(0.48, 0.5, 0.0) == "", "which of two is not certain"


def test_without_the_groups_of_colour_no_colour_is_said():
    assert {f"colour of {one}" for one in ("outer", "top", "lower", "shoes")} <= COLOURED
    one = chances(top={"hoodie": 0.8}, colour_of_top={"red": 0.9})
    infrared = {name: each for name, each in one.items() if name not in COLOURED}
    assert contains_colour(said(one, VALUES, CERTAIN))
    assert not contains_colour(said(infrared, VALUES, CERTAIN))


@pytest.fixture(scope="module")
def eyes():
    return Eyes(EMBEDDER)


def write_captioner(folder, eyes, **changes):
    """A head that is certain of whatever it is asked."""
    folder.mkdir()
    parts, whole = eyes.look(eyes.tensors(crops(1), Modality.VISIBLE), Modality.VISIBLE)
    head = AttributeHead(parts.shape[1], whole.shape[1], GRID, 8, VALUES)
    with torch.no_grad():
        for choose in head.choose:
            choose.bias[:] = torch.tensor([-50.0, 50.0, *[0.0] * (len(choose.bias) - 2)])
    save_file(head.state_dict(), folder / WEIGHTS)
    settings = {"eyes": str(EMBEDDER), "groups": VALUES, "certain": CERTAIN, "width": 8}
    said = {
        "format": 1,
        "name": "sure",
        "kind": "attributes",
        "space": eyes.model_id,
        "weights": {WEIGHTS: hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()},
        "settings": settings,
    }
    (folder / "captioner.json").write_text(json.dumps(said | changes))
    return folder


def crops(count):
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (40 + at, 20, 3), np.uint8) for at in range(count)]


@pytest.mark.slow
def test_it_looks_through_an_embedder_and_names_no_colour_of_infrared_crops(tmp_path, eyes):
    captioner = load_captioner(write_captioner(tmp_path / "c", eyes), eyes.model_id)
    (visible, *others) = captioner.caption(crops(20), Modality.VISIBLE)
    assert len(others) == 19 and visible.startswith("a woman, wearing a black long sleeve hoodie")
    (infrared, *_) = captioner.caption(crops(1), Modality.INFRARED)
    assert infrared.startswith("a woman, wearing a long sleeve hoodie") and "boots" in infrared


@pytest.mark.slow
def test_another_embedder_and_a_head_of_another_form_are_refused(tmp_path, eyes):
    folder = write_captioner(tmp_path / "c", eyes, space="7" * 64)
    with pytest.raises(ModelMismatchError, match="learned with another embedder than 'night-embedder'"):
        load_captioner(folder)
    said = json.loads((folder / "captioner.json").read_text()) | {"space": eyes.model_id}
    said["settings"]["groups"]["hat"] = ["cap", "hood"]
    (folder / "captioner.json").write_text(json.dumps(said))
    with pytest.raises(ModelError, match=r"not those of its captioner\.json"):
        load_captioner(folder)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"groups": {"shoe size": ["large"]}}, "there is no group 'shoe size'"),
        ({"groups": VALUES | {"hat": []}}, "the group 'hat' has no values"),
        ({"certain": {"gender": 0.5}}, "only one of 'groups' and 'certain' has 'backpack'"),
        ({"certain": CERTAIN | {"beard": 0.5}}, "only one of 'groups' and 'certain' has 'beard'"),
    ],
)
def test_settings_that_say_nothing_of_a_group_are_refused(changes, says):
    settings = {"eyes": "eyes", "groups": VALUES, "certain": CERTAIN, "width": 8}
    with pytest.raises(ValueError, match=says):
        AttributeSettings.model_validate(settings | changes)


@pytest.mark.slow
def test_a_manifest_with_sorted_keys_is_of_the_same_captioner(tmp_path, eyes):
    folder = write_captioner(tmp_path / "c", eyes)
    before = load_captioner(folder)
    said = json.loads((folder / "captioner.json").read_text())
    assert list(said["settings"]["groups"]) != sorted(said["settings"]["groups"])
    (folder / "captioner.json").write_text(json.dumps(said, sort_keys=True))
    after = load_captioner(folder)
    assert after.model_id == before.model_id
    assert after.caption(crops(2), Modality.VISIBLE) == before.caption(crops(2), Modality.VISIBLE)
