"""The small captioner from captions: what is learned of whom, and when it is certain."""

import json
from functools import partial

import numpy as np
import pytest
import torch

from reid_core.errors import SourceError
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.runtime import load_captioner
from reid_core.starter import EMBEDDER
from reid_core.types import Modality
from reid_core.words.understanding import understand
from tests.support.people import write_people
from training.captioning.examples import Learned, answer_rows, values_of
from training.captioning.learning import NEVER, certainties, chances_of, learn
from training.captioning.recipe import CaptionerRecipe
from training.captioning.training import train_captioner

TEXTS = (
    "a man wearing a red hoodie and boots, carrying a backpack.",
    "a woman wearing a black t-shirt and sneakers.",
    "a man wearing a red t-shirt and boots.",
    "a woman wearing a black hoodie and sneakers, carrying a backpack.",
)
RECIPE = CaptionerRecipe(views=0, width=16, epochs=30, batch=16, dropout=0.0, least=1)


def examples(terms, values, blind=()):
    """Images whose maps show each answer in a channel of its own; of groups that are blind, noise."""
    rows = answer_rows(terms, values)
    random = torch.Generator().manual_seed(1)
    planes = []
    for name, known in rows.items():
        shown = (
            torch.from_numpy(known).float()
            if name not in blind
            else torch.rand(len(terms), known.shape[1], generator=random)
        )
        planes.append(shown)
    flat = torch.cat(planes, 1)[:, None, :, None, None].expand(-1, -1, -1, 8, 4)
    return Learned(
        flat.half(),
        torch.zeros(len(terms), 1, 4).half(),
        {name: torch.from_numpy(one) for name, one in rows.items()},
    )


@pytest.fixture(scope="module")
def material():
    terms = [understand(text).terms for text in TEXTS] * 16
    values = values_of(terms, 1)
    return terms, values, examples(terms, values)


def train(values, learned, modality=Modality.VISIBLE):
    return learn({modality: learned}, values, RECIPE, lambda done, total, loss: None, lambda: False)


def test_values_are_those_that_occur_often_enough(material):
    terms, values, _ = material
    assert values["colour of top"] == ("black", "red") and values["backpack"] == ("backpack",)
    assert values_of(terms, 33) == {}, "each occurs 32 times"


@pytest.mark.slow
def test_it_learns_what_the_images_show_and_is_certain_of_it(material):
    terms, values, learned = material
    head = train(values, learned)
    rows = answer_rows(terms, values)
    chances = chances_of(head, learned, Modality.VISIBLE)
    for name in ("gender", "top", "colour of top", "backpack"):
        told = ~rows[name].all(1)
        assert np.mean(rows[name][told, chances[name].argmax(1)[told]]) > 0.95, name
    certain = certainties(head, {Modality.VISIBLE: learned}, values, 0.75)
    assert certain["colour of top"] < 0.5
    again = train(values, learned)
    assert all(torch.equal(one, again.state_dict()[key]) for key, one in head.state_dict().items())


@pytest.mark.slow
def test_what_cannot_be_seen_is_not_said(material):
    terms, values, _ = material
    random = np.random.default_rng(0)
    shuffled = [terms[at] for at in random.permutation(len(terms))]
    blind = frozenset(values)
    head = train(values, examples(terms, values, blind))
    certain = certainties(head, {Modality.VISIBLE: examples(shuffled, values, blind)}, values, 0.95)
    assert certain["colour of top"] == NEVER and certain["gender"] == NEVER


@pytest.mark.slow
def test_of_infrared_images_no_colour_is_learned(material):
    _, values, learned = material
    head = train(values, learned, Modality.INFRARED)
    assert "colour of top" not in chances_of(head, learned, Modality.INFRARED)
    before = train(
        values,
        Learned(
            learned.maps,
            learned.vectors,
            {
                name: rows.flip(0) if name == "colour of top" else rows
                for name, rows in learned.answers.items()
            },
        ),
        Modality.INFRARED,
    )
    assert all(torch.equal(one, before.state_dict()[key]) for key, one in head.state_dict().items())


def world_of(folder, val):
    """People of whom all are told the same."""
    root = write_people(folder, train=4, val=val, test=0, images=1)
    for side, cameras in (("RGB", (1, 2, 4, 5)), ("IR", (3, 6))):
        place = root / "Text" / f"Synthetic_{side}"
        place.mkdir(parents=True)
        told = {
            f"cam{camera}/{one:04d}/0001.jpg": {"description": "a man wearing a coat."}
            for camera in cameras
            for one in range(1, 5 + val)
        }
        (place / f"caption_dict_Synthetic_{side}.json").write_text(json.dumps(told))
    return root


@pytest.mark.slow
def test_a_captioner_comes_of_a_data_set_and_a_silent_one_does_not(tmp_path):
    recipe = RECIPE.model_copy(update={"epochs": 4, "width": 8})
    train = partial(train_captioner, recipe=recipe, progress=lambda *told: None, stopped=lambda: False)
    train(world_of(tmp_path / "enough", 3), tmp_path / "made")
    captioner = load_captioner(tmp_path / "made", open_checkpoint(EMBEDDER).model_id)
    crop = np.zeros((80, 40, 3), np.uint8)
    for modality in Modality:
        assert captioner.caption([crop], modality) == ("a man, wearing a coat.",)
    # Six validation images say nothing ten times.
    with pytest.raises(SourceError, match=r"Of the 6 validation images .* at least 10 times"):
        train(world_of(tmp_path / "few", 1), tmp_path / "silent")
    assert not (tmp_path / "silent").exists()
