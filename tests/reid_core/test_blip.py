"""BLIP as a captioner: what it may say of which modality, and what is wrong with a folder."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import torch

from reid_core.colours import COLOUR_WORDS, contains_colour
from reid_core.errors import ModelError
from reid_core.models.colourless import NoColours
from reid_core.runtime import load_captioner
from reid_core.types import Modality
from tests.support.blips import SPECIAL, WORDS, write_blip


@pytest.fixture(scope="module")
def folder(module_tmp):
    return write_blip(module_tmp("blip"))


def crops(count):
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (40 + at, 20, 3), np.uint8) for at in range(count)]


@pytest.mark.slow
def test_infrared_captions_name_no_colour_and_visible_ones_may(folder, monkeypatch):
    captioner = load_captioner(folder)
    visible = captioner.caption(crops(24), Modality.VISIBLE)
    infrared = captioner.caption(crops(24), Modality.INFRARED)
    assert len(visible) == len(infrared) == 24
    assert any(contains_colour(text) for text in visible)
    assert not any(contains_colour(text) for text in infrared)
    # Not because they were taken out: what the network itself writes has none.
    told = []
    decode = type(captioner._captioner._blip.tokenizer).batch_decode
    monkeypatch.setattr(
        type(captioner._captioner._blip.tokenizer),
        "batch_decode",
        lambda self, *given, **named: told.extend(found := decode(self, *given, **named)) or found,
    )
    captioner.caption(crops(24), Modality.INFRARED)
    assert len(told) == 24 and not any(contains_colour(text) for text in told)


def vocabulary():
    return {token: number for number, token in enumerate((*SPECIAL, *dict.fromkeys(WORDS)))}


def allowed(*tokens):
    """Tokens that may follow some others, behind the one that a caption begins with."""
    numbers = vocabulary()
    so_far = torch.tensor([[4, *(numbers[token] for token in tokens)]])
    scores = NoColours(numbers)(so_far, torch.zeros(1, len(numbers)))
    return {token for token, number in numbers.items() if torch.isfinite(scores[0, number])}


def test_a_colour_can_be_spelt_in_no_way():
    names = set(WORDS) & COLOUR_WORDS
    assert names and names.isdisjoint(allowed()) and names.isdisjoint(allowed("a", "man"))
    assert {"##een", "coat"} & allowed("a", "gr") == {"coat"}
    assert "##een" in allowed("a", "coat"), "it completes a colour only where one was begun"
    # Of "bl", "##lack" makes no colour; "##b" neither.
    assert {"##lack", "##b"} <= allowed("bl")
    assert "##ish" not in allowed("a", "blue"), "what stands before is read, even if it is a colour itself"
    assert all(contains_colour(word) for word in COLOUR_WORDS)


@pytest.mark.slow
def test_its_id_follows_what_is_in_the_folder_not_where_it_lies(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    first, copied = load_captioner(folder), load_captioner(tmp_path / "copy")
    assert first.model_id == copied.model_id
    assert first.caption(crops(3), Modality.VISIBLE) == copied.caption(crops(3), Modality.VISIBLE)
    other = load_captioner(write_blip(tmp_path / "other", seed=1))
    assert other.model_id != first.model_id
    weights = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.suffix in (".json", ".safetensors", ".txt")
    }
    said = {"format": 1, "name": "night", "kind": "blip", "weights": weights, "settings": {"longest": 6}}
    (tmp_path / "copy" / "captioner.json").write_text(json.dumps(said))
    short = load_captioner(tmp_path / "copy")
    assert short.model_id != first.model_id
    assert all(len(text.split()) <= 6 for text in short.caption(crops(3), Modality.VISIBLE))


@pytest.mark.slow
def test_what_is_missing_is_told(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(folder, tmp_path / "broken")
    state = load_file(broken / "model.safetensors")
    gone = next(name for name in state if "crossattention" in name)
    save_file({name: each for name, each in state.items() if name != gone}, broken / "model.safetensors")
    with pytest.raises(ModelError, match=f"1 missing tensors, such as .*{gone.rsplit('.', 2)[-1]}"):
        load_captioner(broken)
    (broken / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_captioner(broken)


@pytest.mark.slow
def test_a_pickle_is_neither_fetched_nor_opened(folder, tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot(name, allow_patterns):
        asked.extend(allow_patterns)
        return folder

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    monkeypatch.chdir(tmp_path)
    assert load_captioner("Salesforce/blip").model_id == load_captioner(folder).model_id
    assert "*.safetensors" in asked and not any(".bin" in pattern for pattern in asked)
    pickled = shutil.copytree(folder, tmp_path / "pickled")
    torch.save({}, pickled / "pytorch_model.bin")
    # Beside tensors it is of no consequence, not for the captioner's id either.
    assert load_captioner(pickled).model_id == load_captioner(folder).model_id
    (pickled / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load_captioner(pickled)
    assert "a pickle is not opened" in caught.value.hint


def test_what_is_no_blip_is_told(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(ModelError, match=r"neither captioner\.json"):
        load_captioner(tmp_path)
    with pytest.raises(ModelError, match="does not exist"):
        load_captioner(tmp_path / "nowhere")
    import huggingface_hub

    def away(*given, **named):
        raise ConnectionError("We couldn't connect to the hub.")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", away)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"'Salesforce/blip' cannot be fetched: We couldn't connect"):
        load_captioner("Salesforce/blip")


@pytest.mark.slow
def test_blip_large_does_one_step_on_the_cpu():
    from transformers import BlipConfig, BlipForConditionalGeneration

    vision = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 384,
        "initializer_range": 0.02,
    }
    text = {"encoder_hidden_size": 1024}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = BlipForConditionalGeneration(BlipConfig(text_config=text, vision_config=vision))
    # The 470 million that are told of it count the table of its 30,524 words twice.
    assert sum(each.numel() for each in network.parameters()) == pytest.approx(470e6 - 30524 * 768, rel=0.002)
    network.train()
    tokens = torch.tensor([[30522, 1037, 2158, 102]])
    loss = network(pixel_values=torch.zeros(1, 3, 384, 384), input_ids=tokens, labels=tokens).loss
    loss.backward()
    before = network.text_decoder.cls.predictions.bias.detach().clone()
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    assert torch.isfinite(loss) and not torch.equal(before, network.text_decoder.cls.predictions.bias)
