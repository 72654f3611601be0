"""CLIP's text towers: tokens, the tower, its projection, and a text encoder made of them."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reid_core.errors import ModelError, UsageError
from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.clip_text.encoder import save_text_encoder
from reid_core.models.clip_text.projection import resized_projection
from reid_core.models.clip_text.settings import PUBLISHED, TowerSettings
from reid_core.models.clip_text.tokens import Tokens, load_tokens, word_tokens
from reid_core.models.clip_text.tower import build_tower, load_tower
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.runtime.language import load_text_encoder

TEXTS = ["a man in a red coat", "a woman with a bag"]
SMALL = {"width": 16, "layers": 2, "heads": 2, "projection": 8, "context": 12}


@pytest.fixture(scope="module")
def tokens():
    return word_tokens(TEXTS, context=SMALL["context"])


@pytest.fixture(scope="module")
def tower(tokens):
    settings = TowerSettings(vocabulary=tokens.size, begin=tokens.begin, end=tokens.end, **SMALL)
    return build_tower(settings, 1).eval()


def test_twice_as_wide_a_projection_is_the_published_formula():
    old = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    new = resized_projection(old, 12)
    before = torch.cat([old[:1], old[:-1]])
    after = torch.cat([old[1:], old[-1:]])
    torch.testing.assert_close(new[0::2], 0.25 * before + 0.75 * old)
    torch.testing.assert_close(new[1::2], 0.75 * old + 0.25 * after)
    assert resized_projection(old, 6) is old


@pytest.mark.parametrize("width", [4, 9, 16])
def test_any_width_lies_between_the_neighbours(width):
    old = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    at = np.clip((np.arange(width) + 0.5) * 6 / width - 0.5, 0, 5)
    expected = np.stack([np.interp(at, np.arange(6), column) for column in old.t().numpy()], 1)
    np.testing.assert_allclose(resized_projection(old, width).numpy(), expected, atol=1e-6)


def test_words_become_numbers_between_begin_and_end(tokens):
    rows = tokens(["A man, in RED", "bag"])
    man = tokens(["man"])[0, 1]
    assert rows.shape == (2, 7) and rows[0, 0] == tokens.begin and rows[0, 2] == man
    assert rows[0, -1] == tokens.end and rows[1, 2:].tolist() == [tokens.end] * 5
    assert rows[0, 3] == tokens(["zebra"])[0, 1], "what was never read is one token"


def test_a_text_that_is_too_long_is_cut_and_still_ends(tokens):
    row = tokens(["red " * 10_000])[0]
    assert len(row) == 12 and row[0] == tokens.begin and row[-1] == tokens.end


@pytest.mark.parametrize("text", ["", "  \n", None])
def test_no_word_is_no_description(tokens, text):
    with pytest.raises(UsageError, match="at least one word"):
        tokens([text])


def test_a_tokenizer_is_read_back(tokens):
    again = Tokens.from_json(tokens.as_json(), tokens.context)
    assert np.array_equal(again(TEXTS), tokens(TEXTS))
    with pytest.raises(ModelError, match="damaged"):
        Tokens.from_json(tokens.as_json()[:-9], tokens.context)


@pytest.mark.slow
def test_clips_own_tokenizer_comes_from_a_folder(tmp_path):
    from transformers import CLIPTokenizer

    words = ["r", "e", "d</w>", "re", "red</w>", "<|startoftext|>", "<|endoftext|>"]
    made = CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[("r", "e"), ("re", "d</w>")]
    )
    made.save_pretrained(tmp_path / "tokens")
    loaded = load_tokens(str(tmp_path / "tokens"))
    assert (loaded.begin, loaded.end, loaded.size) == (5, 6, 7)
    assert loaded(["red", "Red red"]).tolist() == [[5, 4, 6, 6], [5, 4, 4, 6]]
    with pytest.raises(ModelError, match="7 tokens, begin 5, end 6"):
        loaded.check(PUBLISHED["RN50"], "tokens")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="empty"):
        load_tokens(str(tmp_path / "empty"))


@pytest.mark.slow
def test_a_text_is_read_at_its_end_whatever_stands_behind(tower, tokens):
    long, short = tokens(TEXTS[:1]), tokens(["a bag"])
    both = tokens([TEXTS[0], "a bag"])
    with torch.no_grad():
        together = tower(torch.from_numpy(both))
        apart = torch.cat([tower(torch.from_numpy(each)) for each in (long, short)])
        torch.testing.assert_close(together, apart, rtol=1e-4, atol=1e-6)
        other = tower(torch.from_numpy(tokens(["a man in a bag coat"])))
    assert together.shape == (2, 8) and (other - apart[:1]).abs().max() > 1e-3


@pytest.mark.slow
def test_a_tower_is_a_function_of_its_seed_and_leaves_the_global_state(tower):
    before = torch.get_rng_state()
    same, other = build_tower(tower.settings, 1), build_tower(tower.settings, 2)
    assert torch.equal(torch.get_rng_state(), before)
    key = "clip.text_projection.weight"
    assert torch.equal(same.state_dict()[key], tower.state_dict()[key])
    assert not torch.equal(other.state_dict()[key], tower.state_dict()[key])


@pytest.mark.slow
def test_every_weight_of_a_tower_is_in_one_group(tower):
    groups = {group.name: list(group.parameters) for group in tower.parameter_groups()}
    names = {id(parameter): name for name, parameter in tower.named_parameters()}
    found = {group: [names[id(each)] for each in some] for group, some in groups.items()}
    assert list(found) == ["text", "text-bias", "text-ends"]
    assert sorted(name for some in found.values() for name in some) == sorted(names.values())
    assert all(".encoder." in name and name.endswith(".weight") for name in found["text"])
    assert all(".encoder." in name and name.endswith(".bias") for name in found["text-bias"])
    ends = ("token_embedding", "position_embedding", "final_layer_norm", "text_projection")
    assert all(any(end in name for end in ends) for name in found["text-ends"])


@pytest.mark.parametrize("wrong", [{"end": 2, "begin": 1}, {"begin": 40}, {"width": 15}])
def test_settings_that_read_the_wrong_token_are_refused(wrong):
    with pytest.raises(ValueError, match=r"end token|vocabulary|multiple"):
        TowerSettings(**{**SMALL, "vocabulary": 40, "begin": 38, "end": 39, **wrong})


@pytest.fixture
def published(tower, tmp_path):
    """``published(whole) -> folder``: the tower as a hub would have it, alone or in a whole CLIP."""
    from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig

    def write(whole=False):
        model = tower.clip
        if whole:
            vision = CLIPVisionConfig(
                hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=8
            )
            config = CLIPConfig(
                text_config=tower.clip.config.to_dict(),
                vision_config=vision.to_dict(),
                projection_dim=SMALL["projection"],
            )
            model = CLIPModel(config)
            model.load_state_dict(tower.clip.state_dict(), strict=False)
        model.save_pretrained(tmp_path / "clip")
        return tmp_path / "clip"

    return write


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True])
def test_a_tower_is_loaded_from_a_folder(published, tower, tokens, whole):
    loaded = load_tower(str(published(whole)))
    ids = torch.from_numpy(tokens(TEXTS))
    with torch.no_grad():
        torch.testing.assert_close(loaded.tower.eval()(ids), tower(ids))
    assert loaded.tower.settings == tower.settings
    assert all(name.startswith(("vision_model", "visual_projection", "logit")) for name in loaded.left_out)


@pytest.mark.slow
def test_half_precision_is_loaded_as_float32(published):
    folder = published()
    state = load_file(folder / "model.safetensors")
    save_file(
        {name: each.half() for name, each in state.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float16"}))
    assert {each.dtype for each in load_tower(str(folder)).tower.parameters()} == {torch.float32}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("text_projection.weight"), "lacks 1 tensor: text_projection.weight"),
        (lambda state: state.update(extra=torch.zeros(1)), "surplus 1 tensor: extra"),
        (
            lambda state: state.update({"text_projection.weight": torch.zeros(3, 16)}),
            "has other shapes of 1 tensor",
        ),
    ],
)
def test_what_does_not_fit_is_told(published, change, said):
    folder = published()
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=said):
        load_tower(str(folder))


@pytest.mark.slow
def test_what_is_not_there_is_one_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load_tower(str(tmp_path / "empty"))
    assert "\n" not in caught.value.message


@pytest.fixture
def checkpoint(tower, tokens, tmp_path):
    network = create_dual_stream("resnet18", embedding=8, neck_bias=True)
    generator = torch.Generator().manual_seed(3)
    for tensor in (network.neck.weight.data, network.neck.bias.data, network.neck.running_mean):
        tensor.copy_(torch.randn(8, generator=generator))
    network.neck.running_var.copy_(torch.rand(8, generator=generator) + 0.5)
    save_checkpoint(tmp_path / "ck", network, name="small", preprocess=default_preprocess("resnet18", 64, 32))
    files = open_checkpoint(tmp_path / "ck")
    save_text_encoder(files, tower, network.neck, tokens, "small words")
    return network.eval(), files


@pytest.mark.slow
def test_an_encoder_gives_the_necks_result_of_length_one(checkpoint, tower, tokens):
    network, files = checkpoint
    encoder = load_text_encoder(files.folder, files.model_id)
    with torch.no_grad():
        expected = torch.nn.functional.normalize(network.neck(tower(torch.from_numpy(tokens(TEXTS)))))
    np.testing.assert_allclose(encoder.encode(TEXTS), expected.numpy(), atol=1e-5)
    assert encoder.encode([]).shape == (0, 8) and encoder.dim == 8
    with pytest.raises(UsageError):
        encoder.encode(["red", " "])


@pytest.mark.slow
def test_fusion_and_ensembles_are_of_raw_features_behind_the_neck(checkpoint):
    network, files = checkpoint
    encoder = load_text_encoder(files.folder)
    infrared = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    wanted, filtered = encoder.raw(TEXTS), encoder.raw(TEXTS[::-1])

    def necked(rows):
        with torch.no_grad():
            found = network.neck(torch.from_numpy(rows)).numpy()
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    fused = infrared + wanted - filtered
    np.testing.assert_allclose(encoder.fused(infrared, TEXTS, TEXTS[::-1]), necked(fused), atol=1e-5)
    mean = encoder.ensemble(infrared, TEXTS, TEXTS[::-1], "mean")
    np.testing.assert_allclose(mean, necked((infrared + wanted + fused) / 3), atol=1e-5)
    total = necked(infrared) + necked(wanted) + necked(fused)
    cosines = encoder.ensemble(infrared, TEXTS, TEXTS[::-1], "cosines")
    np.testing.assert_allclose(cosines, total / np.linalg.norm(total, axis=1, keepdims=True), atol=1e-5)


@pytest.mark.slow
def test_an_encoder_of_other_weights_than_it_says_is_refused(checkpoint):
    from reid_core.models.checkpoint_files import sha256_of

    _, files = checkpoint
    folder = files.folder / "text"
    state = load_file(folder / "tower.safetensors")
    del state["neck.bias"]
    save_file(state, folder / "tower.safetensors")
    said = json.loads((folder / "text.json").read_text())
    with pytest.raises(ModelError, match=r"damaged|digest"):
        load_text_encoder(files.folder)
    said["weights"]["tower.safetensors"] = sha256_of(folder / "tower.safetensors")
    (folder / "text.json").write_text(json.dumps(said))
    with pytest.raises(ModelError, match="another text tower"):
        load_text_encoder(files.folder)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "wide", "count"), [("RN50", 2048, 63_690_240), ("ViT-B", 768, 63_428_096)])
def test_the_published_sizes_take_a_step(name, wide, count):
    tower = build_tower(PUBLISHED[name], 1)
    assert sum(each.numel() for each in tower.parameters()) == count
    tower = tower.widened(wide)
    ids = torch.tensor([[49406, 320, 786, 49407]])
    optimiser = torch.optim.SGD(tower.parameters(), lr=0.1)
    before = tower(ids)
    before.square().sum().backward()
    optimiser.step()
    assert before.shape == (1, wide) and not torch.equal(tower(ids), before)
