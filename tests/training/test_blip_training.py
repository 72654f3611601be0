"""BLIP fine-tuned for one modality: it learns its captions, and killed it ends in the same weights."""

import json

import pytest
import torch
from safetensors.torch import load_file

from reid_core.colours import contains_colour
from reid_core.config import load_config
from reid_core.errors import SourceError, UsageError
from reid_core.images import read_image
from reid_core.runtime import load_captioner
from reid_core.types import Modality
from tests.conftest import ROOT
from tests.support.blips import write_blip
from tests.support.people import write_people
from training.captioning.blip_recipe import BlipRecipe
from training.captioning.blip_training import train_blip
from training.captioning.pairs import pairs_of
from training.datasets.opening import open_dataset
from training.datasets.records import Split

FILE = "captions.json"


@pytest.fixture(scope="module")
def blip(tmp_path_factory):
    from transformers import BlipForConditionalGeneration

    folder = write_blip(tmp_path_factory.mktemp("blip") / "first")
    network = BlipForConditionalGeneration.from_pretrained(folder)
    # That it never ends, and names colours, is for other tests.
    torch.nn.init.zeros_(network.text_decoder.cls.predictions.bias)
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Two training people and one for validation; visible images are captioned."""
    folder = write_people(tmp_path_factory.mktemp("people") / "set", train=2, val=1, test=1, images=1)
    said = {}
    for file in sorted(folder.glob("cam[1245]/*/*.jpg")):
        text = "a woman in a blue shirt" if file.parent.name == "0002" else "a man in a red coat"
        both = {"description": text, "aug_description": f"{text} and a bag"}
        said[file.relative_to(folder).as_posix()] = both
    (folder / FILE).write_text(json.dumps(said))
    return folder


def recipe(blip, **changes):
    steps = changes.pop("steps", 4)
    usual = {
        "source": str(blip),
        "captions": [FILE],
        "batch": 4,
        "lr": 0.003,
        "threads": 1,
        "state_every": 2,
        "schedule": {"length": steps, "warmup": 1},
    }
    return BlipRecipe.model_validate(usual | changes)


def train(people, out, told, stop_at=None, restart=False):
    seen = []

    def progress(what, done, total, said):
        seen.append(done)

    def stopped():
        return stop_at is not None and seen[-1] == stop_at - 1

    return train_blip(people, out, told, progress, stopped, restart)


def test_infrared_images_go_with_what_is_said_of_the_same_person_by_day(people):
    dataset = open_dataset(people)
    records = dataset.records(Split.TRAIN)
    dark = pairs_of(dataset, records, Modality.INFRARED, [people / FILE], rephrased=True)
    assert {pair.record.modality for pair in dark} == {Modality.INFRARED} and len(dark) == 4
    assert {pair.texts for pair in dark if pair.record.identity == 1} == {
        ("a man in a coat", "a man in a coat and a bag")
    }
    assert not any(contains_colour(text) for pair in dark for text in pair.texts)
    day = pairs_of(dataset, records, Modality.VISIBLE, [people / FILE], rephrased=False)
    assert {pair.texts for pair in day if pair.record.identity == 2} == {("a woman in a blue shirt",)}
    with pytest.raises(SourceError, match=r"gone\.json"):
        pairs_of(dataset, records, Modality.VISIBLE, [people / "gone.json"], rephrased=False)


@pytest.mark.slow
def test_it_learns_to_say_what_its_people_wear(people, blip, tmp_path):
    told = recipe(blip, steps=60, rephrased=False)
    done = train(people, tmp_path / "day", told)
    assert done.finished and done.after < done.before
    crops = [read_image(file) for file in sorted(people.glob("cam1/000[12]/*.jpg"))]
    captioner = load_captioner(tmp_path / "day")
    assert captioner.caption(crops, Modality.VISIBLE) == ("a man in a red coat", "a woman in a blue shirt")
    said = json.loads((tmp_path / "day/captioner.json").read_text())
    assert said["training"]["settings"]["loss_after"] == done.after
    assert said["training"]["origin"] == str(blip)


@pytest.mark.slow
def test_stopped_and_taken_up_again_it_is_the_same(people, blip, tmp_path):
    told = recipe(blip, modality="infrared", frozen="vision")
    whole = train(people, tmp_path / "whole", told)
    first = train(people, tmp_path / "parts", told, stop_at=3)
    assert (first.finished, first.steps) == (False, 3)
    assert not (tmp_path / "parts/captioner.json").exists()
    second = train(people, tmp_path / "parts", told)
    assert second.finished and (second.before, second.after) == (whole.before, whole.after)
    one, other = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)
    before = load_file(blip / "model.safetensors")
    changed = {key for key in one if not torch.equal(one[key], before[key])}
    assert changed and not any(key.startswith("vision_model") for key in changed), "frozen means frozen"
    with pytest.raises(UsageError, match="another recipe"):
        train(people, tmp_path / "parts", recipe(blip, seed=2))
    assert train(people, tmp_path / "parts", recipe(blip, seed=2, steps=1), restart=True).steps == 1


@pytest.mark.slow
def test_the_command_writes_a_captioner_that_captions(command, people, blip, tmp_path):
    for kind in Modality:
        settings = [f"source={blip}", f"captions=[{FILE}]", "schedule.length=1", "batch=2", "threads=1"]
        options = [each for setting in settings for each in ("--set", setting)]
        shipped = ROOT / f"configs/blip_{kind}.yaml"
        assert load_config(BlipRecipe, shipped).modality is kind
        done = command("train-blip", shipped, "--data", people, "--out", tmp_path / kind, *options)
        assert done.status == 0, done.err
        assert "Loss on validation images" in done.out
    done = command(
        "caption",
        people / "cam3",
        "--modality",
        "infrared",
        "--captioner",
        tmp_path / "infrared",
        "--out",
        tmp_path / "said",
        "--name",
        "own",
    )
    assert done.status == 0, done.err
