"""``nightreid caption`` with a captioner in transformers' form."""

import json

import cv2
import numpy as np
import pytest

from reid_core.colours import contains_colour
from tests.support.blips import write_blip


@pytest.fixture(scope="module")
def blip(module_tmp):
    return write_blip(module_tmp("blip"))


@pytest.mark.slow
def test_a_folder_of_images_is_captioned_by_a_blip(command, tmp_path, blip):
    random = np.random.default_rng(5)
    for name in ("b/2.png", "a/1.png", "3.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), random.integers(0, 256, (30, 12, 3), np.uint8))
    without = command("caption", tmp_path, "--captioner", blip)
    assert without.status != 0 and "--modality" in without.err
    done = command("caption", tmp_path, "--captioner", blip, "--modality", "infrared", "--name", "Small")
    assert done.status == 0, done.err
    folder = tmp_path / "Text" / "Small_IR"
    said = json.loads((folder / "caption_dict_Small_IR.json").read_text())
    assert list(said) == ["3.png", "a/1.png", "b/2.png"]
    assert not any(contains_colour(one["description"]) for one in said.values())
    assert not (folder / "id_caption_map_Small_IR.json").exists(), "nobody knows whose images they are"


def test_what_cannot_be_captioned_is_told(command, tmp_path):
    gone = command("caption", tmp_path / "nowhere")
    assert gone.status != 0 and "does not exist" in gone.err
    empty = command("caption", tmp_path, "--modality", "visible")
    assert empty.status != 0 and "holds no image" in empty.err
