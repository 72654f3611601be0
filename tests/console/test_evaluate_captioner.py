"""``nightreid evaluate-captioner``: what captions say, held against the people of a world."""

import json

import pytest

from console.evaluate_captioner import OWN, evaluate_captioner_command
from reid_core.types import Modality
from tests.support.people import write_people
from training.datasets.opening import open_dataset
from training.datasets.records import Split

LABELS = {
    "items": [{"kind": "backpack", "side": "back"}],
    "gender": "male",
    "scarf": False,
    "glasses": "none",
    "has_backpack": True,
    "has_bag": False,
    "has_hat": False,
    "has_longsleeves": True,
    "has_longpants": True,
    "has_longhair": False,
    "has_coat_jacket": True,
    "dress": {"outer": "coat", "top": "shirt", "bottom": "trousers", "shoes": "boots"},
}
TAGS = {"top color": "red", "pants color": "blue", "shoe color": "black"}
TOLD = {
    1: "a man in a red coat and blue jeans, with a backpack.",
    2: "a woman in a red hoodie, wearing a hat.",
}


def write_texts(root, captioner, told):
    """Captions of every image by whose it is."""
    dataset = open_dataset(root)
    everybody = [record for split in Split for record in dataset.splits.get(split, ())]
    for modality, side in ((Modality.VISIBLE, "RGB"), (Modality.INFRARED, "IR")):
        folder = root / "Text" / f"{captioner}_{side}"
        folder.mkdir(parents=True)
        said = {
            one.path: {"description": told[one.identity]} for one in everybody if one.modality is modality
        }
        (folder / f"caption_dict_{captioner}_{side}.json").write_text(json.dumps(said))


@pytest.fixture
def world(tmp_path):
    """Two people who look the same, of whom one is described rightly."""
    root = write_people(tmp_path / "world", train=0, val=0, test=2, images=1)
    for name, said in (("labels", LABELS), ("attributes", TAGS)):
        (root / f"{name}.json").write_text(json.dumps({"1": said, "2": said}))
    write_texts(root, "Synthetic", TOLD)
    return root


def judged(world, capsys):
    assert evaluate_captioner_command(world, [], None, None, True) == 0
    said = json.loads(capsys.readouterr().out)["visible"]
    return {one["attribute"]: one for one in said[OWN]}, said["images"]


@pytest.mark.slow
def test_what_is_said_and_what_of_it_is_true(world, capsys):
    found, images = judged(world, capsys)

    def counts(line):
        return tuple(found[line][each] for each in ("said", "right", "told", "found"))

    half = images // 2
    assert counts("man or woman") == (images, half, half, half)
    assert counts("hat") == (half, 0, 0, 0)
    assert counts("kind of lower garment") == (half, half, half, half), "labels call jeans trousers"
    assert counts("colour of upper garment") == (images, images, images, images)
    assert found["man or woman"]["precision"][0] == 0.5 and found["scarf"]["precision"] is None


@pytest.mark.slow
def test_the_worlds_own_captions_count_whoever_captioned_it_besides(world, capsys):
    before = judged(world, capsys)
    write_texts(world, "Blip", {1: "a dog.", 2: "a dog."})
    write_texts(world, "Starter", {1: "a cat.", 2: "a cat."})
    assert judged(world, capsys) == before
