"""Captions of many images: in the Tri- schema, and the same file however often it was taken up again."""

import json
from functools import partial

import cv2
import numpy as np
import pytest

from reid_core.colours import contains_colour
from reid_core.errors import UsageError
from reid_core.types import Modality
from training.captioning.writing import BATCH, Wanted, write_captions
from training.datasets.captions import read_identity_captions, read_image_captions
from training.datasets.records import ImageRecord

COUNT = 3 * BATCH + 5


class Shades:
    """A captioner that tells shades, and dies at a crop when it is told to."""

    def __init__(self, model="a" * 64, dies_at=None):
        self.model_id, self.dies_at, self.seen = model, dies_at, 0

    def caption(self, crops, modality):
        for _ in crops:
            self.seen += 1
            if self.seen == self.dies_at:
                raise KeyboardInterrupt
        nobody = {0: ""}
        return tuple(nobody.get(int(crop[0, 0, 0]), f"a man in a coat, {crop[0, 0, 0]}.") for crop in crops)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    found = []
    for at in range(COUNT):
        file = folder / f"{at:03d}.png"
        cv2.imwrite(str(file), np.full((8, 4, 3), at, np.uint8))
        found.append(Wanted(f"cam1/{at // 4:04d}/{at:03d}.png", file, at // 4))
    return found


def write(images, folder, captioner, seed=1, restart=False):
    return write_captions(
        images, Modality.VISIBLE, captioner, folder, "some", seed, lambda done, total: None, restart
    )


def files(folder):
    return {file.name: file.read_text() for file in sorted(folder.iterdir())}


def test_it_is_read_back_as_the_published_captions_are(images, tmp_path):
    folder = tmp_path / "Text" / "Shades_RGB"
    written = write(images, folder, Shades())
    assert (written.captions, written.unreadable) == (COUNT, {})
    record = partial(ImageRecord, modality=Modality.VISIBLE, spectrum=None)
    records = [record(path=one.key, identity=one.identity, camera=1, caption_key=one.key) for one in images]
    for kind in ("caption_dict", "caption_llm_dict"):
        captions = read_image_captions(folder / f"{kind}_Shades_RGB.json", records)
        assert captions[images[7].key].description == "a man in a coat, 7."
    assert captions[images[7].key].aug_description
    assert captions[images[0].key].description == "a person.", "where nothing fit to be kept was said"
    assert read_identity_captions(folder / "id_caption_map_Shades_RGB.json")[0] == (
        "a person.",
        *(f"a man in a coat, {at}." for at in (1, 2, 3)),
    )
    made_by = json.loads((folder / "made_by.json").read_text())
    assert (made_by["model"], made_by["seed"], made_by["images"]) == ("a" * 64, 1, COUNT)


@pytest.mark.parametrize("dies_at", [1, BATCH, BATCH + 1, COUNT - 1])
def test_killed_and_taken_up_again_it_is_the_same(images, tmp_path, dies_at):
    write(images, tmp_path / "a" / "S_RGB", Shades())
    with pytest.raises(KeyboardInterrupt):
        write(images, tmp_path / "b" / "S_RGB", Shades(dies_at=dies_at))
    assert not (tmp_path / "b" / "S_RGB" / "caption_dict_S_RGB.json").exists()
    # A line that was cut off in the middle.
    with (tmp_path / "b" / "S_RGB" / "captions.jsonl").open("a") as file:
        file.write('{"cam1/0000/0')
    rest = Shades()
    write(images, tmp_path / "b" / "S_RGB", rest)
    assert rest.seen == COUNT - (dies_at - 1) // BATCH * BATCH, "what was done is not done again"
    assert files(tmp_path / "a" / "S_RGB") == files(tmp_path / "b" / "S_RGB")


def test_what_is_finished_is_left_and_what_another_made_is_not_gone_on_with(images, tmp_path):
    folder = tmp_path / "S_RGB"
    write(images, folder, Shades())
    before, again = files(folder), Shades()
    write(images, folder, again)
    assert again.seen == 0 and files(folder) == before
    for other in (
        partial(write, images, folder, Shades("b" * 64)),
        partial(write, images, folder, Shades(), seed=2),
        partial(write, images[1:], folder, Shades()),
    ):
        with pytest.raises(UsageError, match=r"begun with another (model|seed|images, keys)\."):
            other()
    assert files(folder) == before
    write(images, folder, Shades("b" * 64), restart=True)
    assert json.loads((folder / "made_by.json").read_text())["model"] == "b" * 64


def test_an_image_that_cannot_be_read_is_told_and_has_none(images, tmp_path):
    images[3].file.write_bytes(b"no image")
    written = write(images, tmp_path / "S_RGB", Shades())
    assert list(written.unreadable) == [images[3].key] and written.captions == COUNT - 1
    captions = json.loads((tmp_path / "S_RGB" / "caption_dict_S_RGB.json").read_text())
    assert images[3].key not in captions and len(captions) == COUNT - 1


def test_rewordings_of_infrared_captions_name_no_colour(images, tmp_path):
    write_captions(
        images, Modality.INFRARED, Shades(), tmp_path / "S_IR", "some", 1, lambda done, total: None
    )
    said = json.loads((tmp_path / "S_IR" / "caption_llm_dict_S_IR.json").read_text())
    assert len({one["aug_description"] for one in said.values()}) > 10
    assert not any(contains_colour(one["aug_description"]) for one in said.values())
