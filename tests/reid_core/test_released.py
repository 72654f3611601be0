"""Released checkpoints of others, made here with their key names, come in strictly."""

import json

import pytest
import torch

from reid_core.errors import ModelError, UsageError
from reid_core.models.checkpoint import load_checkpoint
from reid_core.models.clip_text.settings import TowerSettings
from reid_core.models.clip_text.tower import build_tower, load_tower
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.importing import RELEASED, import_released
from reid_core.runtime.language import load_text_encoder
from reid_core.types import Modality

pytestmark = pytest.mark.slow

WORDS = ["r", "e", "d</w>", "re", "red</w>", "<|startoftext|>", "<|endoftext|>"]
IDS = torch.tensor([[5, 4, 3, 6]])


@pytest.fixture(scope="module")
def tokenizer(module_tmp):
    from transformers import CLIPTokenizer

    folder = module_tmp("tokens")
    merges = [("r", "e"), ("re", "d</w>")]
    CLIPTokenizer({word: number for number, word in enumerate(WORDS)}, merges).save_pretrained(folder)
    return str(folder)


def small_tower(projection):
    sizes = {"width": 128, "heads": 2, "layers": 2, "context": 6}
    return build_tower(TowerSettings(vocabulary=7, begin=5, end=6, projection=projection, **sizes), 1).eval()


def as_openai(tower):
    """The tower's tensors under the names of OpenAI's code."""
    own, said = tower.clip.state_dict(), {}
    model = "text_model."
    said["token_embedding.weight"] = own[f"{model}embeddings.token_embedding.weight"]
    said["positional_embedding"] = own[f"{model}embeddings.position_embedding.weight"]
    said["text_projection"] = own["text_projection.weight"].t()
    for kind in ("weight", "bias"):
        said[f"ln_final.{kind}"] = own[f"{model}final_layer_norm.{kind}"]
        for number in range(tower.settings.layers):
            theirs, ours = f"transformer.resblocks.{number}", f"{model}encoder.layers.{number}"
            joined = [own[f"{ours}.self_attn.{which}_proj.{kind}"] for which in ("q", "k", "v")]
            said[f"{theirs}.attn.in_proj_{kind}"] = torch.cat(joined)
            said[f"{theirs}.attn.out_proj.{kind}"] = own[f"{ours}.self_attn.out_proj.{kind}"]
            said[f"{theirs}.ln_1.{kind}"] = own[f"{ours}.layer_norm1.{kind}"]
            said[f"{theirs}.ln_2.{kind}"] = own[f"{ours}.layer_norm2.{kind}"]
            said[f"{theirs}.mlp.c_fc.{kind}"] = own[f"{ours}.mlp.fc1.{kind}"]
            said[f"{theirs}.mlp.c_proj.{kind}"] = own[f"{ours}.mlp.fc2.{kind}"]
    return {name: each.clone() for name, each in said.items()}


@pytest.fixture
def clip(tmp_path):
    """``clip(**changes) -> file``: OpenAI's file of a small CLIP; a tensor that is ``None`` is left out."""

    def write(name="clip.pth", **changes):
        state = {name: each.half() for name, each in as_openai(small_tower(8)).items()}
        state |= {"visual.conv1.weight": torch.zeros(2), "logit_scale": torch.tensor(4.6)}
        state |= {"context_length": torch.tensor(6), **changes}
        torch.save({name: each for name, each in state.items() if each is not None}, tmp_path / name)
        return tmp_path / name

    return write


def test_the_text_tower_of_clip_is_taken_and_the_rest_is_named(clip, tokenizer, tmp_path):
    done = import_released(clip(), "clip", tmp_path / "out", tokenizer)
    assert done.left_out == ("context_length", "logit_scale", "visual.conv1.weight")
    assert done.taken == 5 + 2 * 12
    loaded = load_tower(str(tmp_path / "out")).tower.eval()
    with torch.no_grad():
        torch.testing.assert_close(loaded(IDS), small_tower(8)(IDS), atol=1e-2, rtol=1e-2)
    assert loaded.settings == small_tower(8).settings


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ln_final.bias": None}, "lacks 1 tensor: ln_final.bias"),
        ({"transformer.resblocks.1.mlp.c_fc.weight": None}, "lacks 1 tensor"),
        ({"transformer.resblocks.1.extra.weight": torch.zeros(1)}, "surplus 1 tensor"),
        ({"classifier.weight": torch.zeros(1)}, "surplus 1 tensor: classifier.weight"),
        ({"ln_final.bias": torch.zeros(3)}, r"final_layer_norm.bias is \(3,\)"),
    ],
)
def test_what_is_no_clip_is_refused_and_nothing_is_written(clip, tokenizer, tmp_path, changes, said):
    with pytest.raises(ModelError, match=said):
        import_released(clip(**changes), "clip", tmp_path / "out", tokenizer)
    assert not (tmp_path / "out").exists()


def test_files_that_run_code_are_not_opened_unless_told(tmp_path, tokenizer):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"a": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="cannot be read"):
        import_released(tmp_path / "evil.pth", "clip", tmp_path / "out", tokenizer)
    assert not (tmp_path / "ran").exists()

    class Holder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, each in as_openai(small_tower(8)).items():
                module = self
                *path, last = name.split(".")
                for part in path:
                    if not hasattr(module, part):
                        module.add_module(part, torch.nn.Module())
                    module = getattr(module, part)
                module.register_parameter(last, torch.nn.Parameter(each))

        def forward(self, x):
            return x

    torch.jit.save(torch.jit.script(Holder()), tmp_path / "jit.pt")
    with pytest.raises(ModelError) as caught:
        import_released(tmp_path / "jit.pt", "clip", tmp_path / "out", tokenizer)
    assert "--torchscript" in caught.value.hint
    assert (
        import_released(tmp_path / "jit.pt", "clip", tmp_path / "out", tokenizer, torchscript=True).taken
        == 29
    )


def test_a_taken_folder_and_an_unknown_kind_are_said(clip, tokenizer, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/mine").touch()
    with pytest.raises(UsageError, match="is there already"):
        import_released(clip(), "clip", tmp_path / "out", tokenizer)
    with pytest.raises(UsageError, match="no kind of released checkpoint 'klip'"):
        import_released(clip(), "klip", tmp_path / "other", tokenizer)
    assert RELEASED.names == ("clip", "clip-visual", "tvi-lfm")


THEIRS = {
    "visible_stem.": "base_model.visual.rgb_model.resnet_conv.",
    "infrared_stem.": "base_model.visual.ir_model.resnet_conv.",
    "trunk.": "base_model.visual.shared_model.resnet_conv.",
    "pool.p": "base_model.visual.GEM.p",
    "neck.": "classifier.BN.",
    "classifier.weight": "classifier.classifier.weight",
}


@pytest.fixture(scope="module")
def released():
    """The parts of a released TVI-LFM and its tensors under its names."""
    options = {"gem_learned": True, "stem_activation": False, "neck_bias": True}
    network = create_dual_stream("resnet50", classes=3, generator=torch.Generator().manual_seed(2), **options)
    for tensor in (network.neck.weight.data, network.neck.bias.data, network.neck.running_mean):
        tensor.copy_(torch.randn(2048, generator=torch.Generator().manual_seed(3)))
    network.infrared_stem[0].weight.data.mul_(1.5)
    tower, state = small_tower(2048), {"logit_scale": torch.tensor(2.0)}
    for key, each in network.state_dict().items():
        ours = next(ours for ours in THEIRS if key.startswith(ours))
        state[THEIRS[ours] + key.removeprefix(ours)] = each
    state |= {f"base_model.{name}": each for name, each in as_openai(tower).items()}
    return network.eval(), tower, state


def test_a_released_tvi_lfm_becomes_a_checkpoint_and_its_text_encoder(released, tokenizer, tmp_path, command):
    network, tower, state = released
    torch.save(state, tmp_path / "model_Fusion_99.pth")
    done = command(
        "import-checkpoint", tmp_path / "model_Fusion_99.pth", tmp_path / "out", "--kind", "tvi-lfm",
        "--tokenizer", tokenizer, "--json",
    )  # fmt: skip
    said = json.loads(done.out)
    assert said["left_out"] == ["logit_scale"] and said["taken"] == len(state) - 1
    loaded, files = load_checkpoint(tmp_path / "out")
    assert (files.manifest.preprocess.height, files.manifest.preprocess.width) == (288, 144)
    images = torch.randn(2, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    encoder = load_text_encoder(tmp_path / "out", files.model_id)
    with torch.no_grad():
        for modality in Modality:
            torch.testing.assert_close(loaded.embed(images, modality), network.embed(images, modality))
        words = torch.nn.functional.normalize(network.neck(tower(torch.tensor([[5, 4, 6]]))))
    torch.testing.assert_close(torch.from_numpy(encoder.encode(["Red"])), words, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("base_model.visual.GEM.p", "lacks 1 tensor: pool.p"),
        ("classifier.classifier.weight", "lacks 1 tensor: classifier.weight"),
        ("base_model.text_projection", "lacks 1 tensor: text_projection"),
    ],
)
def test_a_part_of_a_tvi_lfm_is_none(released, tokenizer, tmp_path, name, said):
    state = {key: each for key, each in released[2].items() if key != name}
    torch.save(state, tmp_path / "part.pth")
    with pytest.raises(ModelError, match=said):
        import_released(tmp_path / "part.pth", "tvi-lfm", tmp_path / "out", tokenizer)
    torch.save(
        released[2] | {"base_model.visual.attnpool.k_proj.bias": torch.zeros(1)}, tmp_path / "more.pth"
    )
    with pytest.raises(ModelError, match="surplus 1 tensor"):
        import_released(tmp_path / "more.pth", "tvi-lfm", tmp_path / "out", tokenizer)
    assert not (tmp_path / "out").exists()
