"""Texts and rows of numbers travel with a batch where a system asks for them."""

import json

import numpy as np
import pytest
import torch

from reid_core.errors import SourceError
from reid_core.preprocess import Preprocess
from reid_core.types import Modality
from tests.support.people import write_captions, write_people
from training.augmentation.pipeline import AugmentationSettings, Augmenter
from training.batches import TrainingBatches, batches_from
from training.material import open_material
from training.needs import CaptionSettings, Needs, Rows, read_texts
from training.recipe import DataSettings
from training.sampling import IdentitySampler


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_captions(write_people(module_tmp("people") / "set", val=6, test=1, images=2))


def batches(people, needs, views=1):
    material = open_material(DataSettings(), people, 1)
    sampler = IdentitySampler(material.train, 1, identities=4, visible=2, infrared=2)
    images = np.zeros((len(material.train), 8, 4, 3), np.uint8)
    augmenter = Augmenter(AugmentationSettings(views=views), Preprocess(height=8, width=4))
    made = TrainingBatches(images, material.train, sampler, augmenter, views, 1, needs(material, sampler))
    return made, material, sampler


def test_texts_and_rows_travel_with_their_images(people):
    def needs(material, sampler):
        own = read_texts(CaptionSettings(files=("captions.json",)), material.dataset, material.train)
        both = CaptionSettings(files=("captions.json",), rephrased=True)
        either = read_texts(both, material.dataset, material.train, Modality.INFRARED)
        who = CaptionSettings(level="identity", files=("people.json",))
        return Needs(
            {"own": own, "either": either, "who": read_texts(who, material.dataset, material.train)},
            {
                "place": Rows(np.arange(len(material.train)), "image"),
                "number": Rows(np.stack([sampler.identities, sampler.identities], 1)),
            },
        )

    made, material, sampler = batches(people, needs, views=2)
    wordings, people_said = set(), set()
    for step in range(12):
        batch = made[step]
        shown = [material.train[place] for place in batch.rows["place"].tolist()]
        assert len(shown) == len(batch.labels) == len(batch.visible) + len(batch.infrared) == 24
        assert batch.texts["own"] == [f"plain {record.path}" for record in shown]
        infrared = [record for record, dark in zip(shown, batch.is_infrared.tolist(), strict=True) if dark]
        assert all(record.modality is Modality.INFRARED for record in infrared)
        assert [text.split()[1] for text in batch.texts["either"]] == [record.path for record in infrared]
        wordings |= {text.split()[0] for text in batch.texts["either"]}
        for record, text, label, number in zip(
            shown, batch.texts["who"], batch.labels.tolist(), batch.rows["number"].tolist(), strict=True
        ):
            assert int(text.split()[0]) == record.identity == sampler.identities[label]
            assert number == [record.identity] * 2
            people_said.add(text)
        assert made[step].texts == batch.texts
    assert wordings == {"plain", "other"} and len(people_said) == 16


def test_texts_change_no_image_and_cost_nothing_where_nobody_asks(people):
    def needs(material, sampler):
        return Needs(
            {"own": read_texts(CaptionSettings(files=("captions.json",)), material.dataset, material.train)}
        )

    with_texts, without = batches(people, needs)[0], batches(people, lambda *_: Needs())[0]
    for step, batch in enumerate(batches_from(without, 0, 3, 0, 1)):
        assert not batch.texts and not batch.rows and batch.step == step
        assert torch.equal(batch.visible, with_texts[step].visible)
        assert torch.equal(batch.infrared, with_texts[step].infrared)


def test_an_image_without_a_caption_is_an_error_where_one_is_needed(people, tmp_path):
    material = open_material(DataSettings(), people, 1)
    said = json.loads((people / "captions.json").read_text())
    (tmp_path / "visible.json").write_text(
        json.dumps({key: value for key, value in said.items() if "/cam3/" not in key and "/cam6/" not in key})
    )
    settings = CaptionSettings(files=(tmp_path / "visible.json",))
    texts = read_texts(settings, material.dataset, material.train, Modality.VISIBLE)
    for record, candidates in zip(material.train, texts.candidates, strict=True):
        assert bool(candidates) is (record.modality is Modality.VISIBLE)
    with pytest.raises(SourceError, match=r"32 images have no caption in .*visible.json; the first is cam3"):
        read_texts(settings, material.dataset, material.train)
