"""LLaVA as a captioner: what it is asked, what it may say of which modality, what is wrong with a folder."""

import json
import shutil

import numpy as np
import pytest
import torch

from reid_core.colours import contains_colour
from reid_core.errors import ConfigError, ModelError
from reid_core.models.checkpoint_files import sha256_of
from reid_core.models.colourless import NoColours, sentencepiece
from reid_core.models.llava.loading import load_llava
from reid_core.runtime import load_captioner
from reid_core.types import Modality
from tests.support.llavas import write_llava


@pytest.fixture(scope="module")
def folder(module_tmp):
    return write_llava(module_tmp("llava"))


def crops(count):
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (40 + at, 20, 3), np.uint8) for at in range(count)]


@pytest.mark.slow
def test_visible_crops_may_have_colours_and_infrared_ones_are_never_given_any(folder, monkeypatch):
    captioner = load_captioner(folder)
    tokenizer = type(captioner._captioner._llava.tokenizer)
    told, decode = [], tokenizer.batch_decode
    monkeypatch.setattr(
        tokenizer,
        "batch_decode",
        lambda self, *given, **named: told.extend(found := decode(self, *given, **named)) or found,
    )
    visible = captioner.caption(crops(8), Modality.VISIBLE)
    assert len(visible) == 8 and any(contains_colour(text) for text in visible)
    # What one crop is said to be does not depend on the others.
    assert captioner.caption(crops(1), Modality.VISIBLE) == visible[:1]
    del told[:]
    captioner.caption(crops(8), Modality.INFRARED)
    # Not because they were taken out: what the network itself writes has none.
    assert len(told) == 8 and all(told) and not any(contains_colour(text) for text in told)


@pytest.mark.slow
def test_the_prompt_holds_the_image_in_as_many_parts_as_the_network_sees(folder):
    captioner = load_captioner(folder)._captioner
    llava = load_llava(folder)
    assert llava.parts == 4 and int((captioner._prompt == 4).sum()) == 4
    shown = llava.tokenizer.decode(captioner._prompt[0], skip_special_tokens=True)
    assert "Please describe the characteristics of the pedestrian image" in shown


def test_a_colour_is_spelt_in_no_way_by_pieces_that_begin_words():
    pieces = "<s> _a _bl ue _blue Blue _Red -red _coat _tan k - red _navy".replace("_", "\u2581").split()
    numbers = {piece: number for number, piece in enumerate(pieces)}

    def allowed(*so_far):
        tokens = torch.tensor([[0, *(numbers[each.replace("_", "\u2581")] for each in so_far)]])
        scores = NoColours(numbers, 1, sentencepiece)(tokens, torch.zeros(1, len(numbers)))
        found = {piece for piece, number in numbers.items() if torch.isfinite(scores[0, number])}
        return {piece.replace("\u2581", "_") for piece in found}

    never = {"_blue", "_Red", "-red", "_tan", "_navy"}
    assert never.isdisjoint(allowed()) and never.isdisjoint(allowed("_a", "_coat"))
    assert {"Blue", "red"}.isdisjoint(allowed()), "a caption may begin without a mark"
    assert "ue" not in allowed("_a", "_bl") and "k" in allowed("_a", "_bl")
    assert "red" not in allowed("_coat", "-") and "red" in allowed("_coat")


@pytest.mark.slow
def test_settings_and_what_is_wrong_are_told(folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    weights = {
        file.name: sha256_of(file) for file in own.iterdir() if file.suffix in (".json", ".safetensors")
    }
    said = {"format": 1, "name": "night", "kind": "llava", "weights": weights}

    def with_settings(**settings):
        (own / "captioner.json").write_text(json.dumps(said | {"settings": settings}))
        return load_captioner(own)

    short = with_settings(longest=3)
    assert short.model_id != load_captioner(folder).model_id
    assert all(len(text.split()) <= 3 for text in short.caption(crops(4), Modality.VISIBLE))
    with pytest.raises((ConfigError, ModelError), match="<image> once"):
        with_settings(prompt="describe it")
    (own / "captioner.json").unlink()
    config = json.loads((own / "config.json").read_text())
    (own / "config.json").write_text(json.dumps(config | {"image_token_index": 999, "image_token_id": 999}))
    with pytest.raises(ModelError, match="has no token 999"):
        load_captioner(own)
    (own / "config.json").write_text(json.dumps(config | {"model_type": "clip"}))
    with pytest.raises(ModelError, match=r"neither captioner\.json"):
        load_captioner(own)
