"""The network of EEES: its attention, its body, what of CLIP it takes, and its vectors."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from reid_core.errors import ModelError
from reid_core.models.body import body_preprocess, create_body, last_maps
from reid_core.models.body_settings import BodySettings
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.eees.architecture import AttentionSettings, EeesArchitecture
from reid_core.models.eees.attention import AttentionPool, resized_positions
from reid_core.models.eees.clip import described, load_clip_visual, placed
from reid_core.models.eees.network import Eees
from reid_core.models.importing import import_released
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import EMBEDDING, Modality

pytestmark = pytest.mark.slow

SMALL = EeesArchitecture(
    body=BodySettings(layers=(1, 2, 1, 1), width=8, last_stride=1),
    attention=AttentionSettings(width=12, heads=4),
    grid=(4, 2),
)
HEIGHT, WIDTH = 64, 32


def seeded(architecture, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Eees(architecture)


def changed(**changes):
    return SMALL.model_copy(update=changes)


@pytest.fixture(scope="module")
def network():
    """Small, with classifiers, its norms and second stem other than at first."""
    made = seeded(changed(classes=5))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return made.eval()


def images(count=3, height=HEIGHT, width=WIDTH):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(2))


def test_attention_pooling_is_its_formula():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        pool = AttentionPool(6, (2, 3), width=5, inner=8, heads=2).double()
        for bias in (pool.q.bias, pool.k.bias, pool.v.bias, pool.proj.bias):
            torch.nn.init.normal_(bias)
    maps = torch.randn(2, 6, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    found = pool(maps)
    for image, expected in zip(maps, found, strict=True):
        places = [image[:, y, x] for y in range(2) for x in range(3)]
        tokens = torch.stack([sum(places) / 6, *places]) + pool.pos_embed
        query, key, value = pool.q(tokens[0]), pool.k(tokens), pool.v(tokens)
        heads = []
        for head in (slice(0, 4), slice(4, 8)):
            weights = torch.softmax(key[:, head] @ query[head] / 4**0.5, dim=0)
            heads.append(weights @ value[:, head])
        torch.testing.assert_close(pool.proj(torch.cat(heads)), expected)


def test_attention_pooling_is_timms():
    from timm.layers import AttentionPool2d

    pool = AttentionPool(16, (3, 3), width=5, inner=16, heads=4)
    theirs = AttentionPool2d(16, 3, 5, num_heads=4, qkv_separate=True)
    theirs.load_state_dict(pool.state_dict(), strict=True)
    maps = torch.randn(2, 16, 3, 3, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(pool(maps), theirs(maps), rtol=1e-4, atol=1e-5)


def test_maps_of_another_size_are_refused():
    pool = AttentionPool(8, (4, 2), width=4, inner=8, heads=2)
    with pytest.raises(ModelError, match="maps of 4x2, not 5x2"):
        pool(torch.zeros(1, 8, 5, 2))
    with pytest.raises(ModelError, match="3 heads cannot share 8"):
        AttentionPool(8, (4, 2), width=4, inner=8, heads=3)


def test_positions_are_interpolated_between_places_and_the_means_own_stays():
    positions = torch.arange(5.0)[:, None].repeat(1, 2)
    resized = resized_positions(positions, (2, 2), (4, 2))
    assert resized.shape == (9, 2) and resized[0].tolist() == [0, 0]
    # Rows at 1, 3 and at 2, 4: twice as fine down, .25 and .75 between.
    assert resized[1:, 0].tolist() == [1, 2, 1.5, 2.5, 2.5, 3.5, 3, 4]
    assert resized_positions(positions, (2, 2), (2, 2)) is positions


def test_the_body_and_attention_are_clips():
    import timm

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        clip = timm.create_model("resnet50_clip", pretrained=False, num_classes=1024).eval()
    state = clip.state_dict()
    body, attention = described(state, last_stride=2)
    assert (body.layers, body.width, attention.heads, attention.width) == ((3, 4, 6, 3), 64, 32, 1024)
    whole = seeded(EeesArchitecture(body=body, attention=attention, grid=(7, 7))).eval()
    whole.take_clip(state, "timm's")
    seen = images(1, 224, 224)
    with torch.inference_mode():
        for modality in Modality:
            torch.testing.assert_close(
                whole.attention(whole.maps(seen, modality)), clip(seen), rtol=1e-3, atol=1e-4
            )


def test_a_finer_last_stage_takes_the_same_weights(network):
    coarse = seeded(changed(body=SMALL.body.model_copy(update={"last_stride": 2}), grid=(2, 1)))
    shapes = [
        {name: each.shape for name, each in made.state_dict().items() if name.startswith("trunk.")}
        for made in (network, coarse)
    ]
    assert shapes[0] == shapes[1]
    assert last_maps(SMALL.body, HEIGHT, WIDTH) == (4, 2)
    assert last_maps(coarse.architecture.body, HEIGHT, WIDTH) == (2, 1)
    assert last_maps(BodySettings(), 288, 144) == (18, 9)


def as_openai(network, side):
    """Body and attention under the names of OpenAI's code."""
    state = {}
    convolutions = {"conv1_1x1": "1", "conv2_kxk": "2", "conv3_1x1": "3"}
    for name, each in network.state_dict().items():
        parts = name.split(".")
        if parts[0] == "visible_stem":
            _, _, which, kind, *rest = parts
            state[f"visual.{kind}{which[-1]}.{'.'.join(rest)}"] = each
        elif parts[0] == "trunk":
            _, stage, block, which, kind, *rest = parts
            place = f"visual.layer{int(stage) + 1}.{block}"
            if which == "shortcut":
                module, *rest = rest
                state[f"{place}.downsample.{'0' if module == 'conv' else '1'}.{'.'.join(rest)}"] = each
            else:
                state[f"{place}.{kind}{convolutions[which]}.{'.'.join(rest)}"] = each
        elif parts[0] == "attention":
            theirs = {"q": "q_proj", "k": "k_proj", "v": "v_proj", "proj": "c_proj"}
            if parts[1] == "pos_embed":
                state["visual.attnpool.positional_embedding"] = each[: side * side + 1]
            else:
                state[f"visual.attnpool.{theirs[parts[1]]}.{parts[2]}"] = each
    return state


@pytest.fixture(scope="module")
def released(network):
    """OpenAI's file of a small CLIP with a ResNet, its attention 64 wide a head."""
    wide = seeded(
        changed(
            body=SMALL.body.model_copy(update={"last_stride": 2}),
            attention=AttentionSettings(width=12, heads=4),
            grid=(2, 2),
        ),
        7,
    )
    text = {"ln_final.bias": torch.zeros(4), "logit_scale": torch.tensor(4.6)}
    return wide, as_openai(wide, 2) | text


def test_the_visual_side_of_a_released_clip_is_taken_and_the_rest_is_named(released, tmp_path):
    wide, state = released
    torch.save(state, tmp_path / "RN.pt")
    done = import_released(tmp_path / "RN.pt", "clip-visual", tmp_path / "out", "unused")
    assert done.left_out == ("ln_final.bias", "logit_scale") and done.taken == len(state) - 2
    found = load_clip_visual(str(tmp_path / "out"))
    from timm.models.byobnet import _convert_openai_clip

    # timm knows the names too.
    model = type("Model", (), {"head": wide.attention})()
    theirs = _convert_openai_clip(state, model)
    assert {name for name in found if not name.startswith("head.")} == theirs.keys()
    assert all(torch.equal(found[name], each) for name, each in theirs.items())
    target = seeded(wide.architecture.model_copy(update={"grid": (4, 2)}), 8)
    target.take_clip(found, "RN")
    for name, each in wide.state_dict().items():
        if name.startswith(("trunk.", "visible_stem.", "attention.q")):
            assert torch.equal(target.state_dict()[name], each), name
    assert torch.equal(target.infrared_stem[0].conv1.conv.weight, wide.visible_stem[0].conv1.conv.weight)
    torch.testing.assert_close(
        target.attention.pos_embed, resized_positions(wide.attention.pos_embed, (2, 2), (4, 2))
    )


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("visual.attnpool.q_proj.weight", None, "lacks 1 tensor"),
        ("visual.layer2.0.conv1.weight", None, "lacks"),
        ("visual.layer2.0.extra.weight", torch.zeros(1), "surplus"),
        ("classifier.weight", torch.zeros(1), "surplus 1 tensor: classifier.weight"),
        ("visual.attnpool.v_proj.bias", torch.zeros(3), "lacks 1 tensor: attention.v.bias of shape"),
    ],
)
def test_what_is_no_such_clip_is_refused_and_nothing_is_written(released, tmp_path, name, change, said):
    state = {key: each for key, each in (released[1] | {name: change}).items() if each is not None}
    torch.save(state, tmp_path / "RN.pt")
    with pytest.raises(ModelError, match=said):
        import_released(tmp_path / "RN.pt", "clip-visual", tmp_path / "out", "unused")
    assert not (tmp_path / "out").exists()


def test_weights_of_another_network_are_refused(released, tmp_path, monkeypatch):
    torch.save(released[1], tmp_path / "RN.pt")
    import_released(tmp_path / "RN.pt", "clip-visual", tmp_path / "out", "unused")
    found = load_clip_visual(str(tmp_path / "out"))
    narrow = seeded(changed(attention=AttentionSettings(width=8, heads=4)))
    with pytest.raises(ModelError, match=r"2 differ, attention\.proj"):
        narrow.take_clip(found, "RN")
    fewer = seeded(changed(attention=AttentionSettings(width=12, heads=2)))
    with pytest.raises(ModelError, match="has 4 heads"):
        fewer.take_clip(found, "RN")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        load_clip_visual(str(tmp_path / "empty"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_clip_visual("nobody/no-such-clip")
    long = {"head.pos_embed": torch.zeros(7, 8)}
    with pytest.raises(ModelError, match="6 places"):
        placed(long, SMALL, "it")


def test_the_vector_is_both_heads_or_the_global_one(network):
    seen = images()
    with torch.inference_mode():
        for modality in Modality:
            maps = network.maps(seen, modality)
            pooled = functional.normalize(network.neck(network.pool(maps)))
            attended = functional.normalize(network.attention(maps))
            vectors = network.features(seen, modality)[EMBEDDING]
            torch.testing.assert_close(vectors, torch.cat([pooled, attended], 1) / 2**0.5)
            alone = seeded(changed(vector="global", classes=5))
            alone.load_state_dict(network.state_dict())
            torch.testing.assert_close(alone.eval().embed(seen, modality), pooled)
    assert network.embedding == 256 + 12 and alone.embedding == 256
    shown = network.embed(seen, Modality.VISIBLE), network.embed(seen, Modality.INFRARED)
    assert not torch.allclose(*shown), "each modality has a stem of its own"
    with pytest.raises(ModelError, match="268 numbers, not 100"):
        Eees(SMALL, 100)


@pytest.mark.parametrize("vector", ["both", "global"])
def test_what_inference_needs_is_kept_and_no_more(network, vector):
    full = seeded(changed(vector=vector, classes=5))
    full.load_state_dict(network.state_dict())
    bare = full.eval().for_inference()
    with torch.inference_mode():
        for modality in Modality:
            torch.testing.assert_close(bare.embed(images(), modality), full.embed(images(), modality))
    names = bare.state_dict().keys()
    assert names == seeded(bare.architecture).state_dict().keys()
    assert not any("classifier" in name or "attention_neck" in name for name in names)
    assert any(name.startswith("attention.") for name in names) is (vector == "both")
    with pytest.raises(ModelError, match="no classifiers"):
        bare.both_heads(bare.maps(images(), Modality.VISIBLE))


def test_every_weight_that_learns_is_in_one_group(network):
    groups = {group.name: list(group.parameters) for group in network.parameter_groups()}
    assert list(groups) == ["backbone", "attention", "head"]
    named = [id(each) for group in groups.values() for each in group]
    learning = {id(each) for each in network.parameters() if each.requires_grad}
    assert len(named) == len(set(named)) and set(named) == learning
    assert {id(each) for each in groups["attention"]} == {id(each) for each in network.attention.parameters()}


@pytest.fixture(scope="module")
def checkpoint(network, module_tmp):
    folder = module_tmp("small") / "model"
    save_checkpoint(
        folder,
        network,
        name="small",
        preprocess=body_preprocess(SMALL.body, HEIGHT, WIDTH),
        label_map=[str(number) for number in range(5)],
    )
    return folder


def test_a_checkpoint_comes_back(checkpoint, network):
    loaded, files = load_checkpoint(checkpoint)
    assert files.manifest.handling == "stems" and loaded.architecture == network.architecture
    with torch.inference_mode():
        torch.testing.assert_close(
            loaded.embed(images(), Modality.INFRARED), network.embed(images(), Modality.INFRARED)
        )


@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_its_graphs_give_its_vectors(checkpoint, tmp_path, format):
    pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[format])
    export_checkpoint(checkpoint, format, tmp_path / "graphs")
    ours, theirs = (
        load_embedder(checkpoint, "torch", "fp32"),
        load_embedder(tmp_path / "graphs", format, "fp32"),
    )
    assert theirs.model_id == ours.model_id
    for modality in Modality:
        # Another number of crops than the graph was made with.
        vectors = [each.embed(probe_crops(3), modality) for each in (ours, theirs)]
        assert vectors[0].shape == (3, 268) and cosine_distance(*vectors) <= PARITY
    assert not np.allclose(theirs.embed(probe_crops(3), Modality.VISIBLE), vectors[1])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"backbone": "resnet9"}, "no backbone 'resnet9'"),
        ({"non_local": True}, "no non-local blocks"),
        ({"width": 8, "stem_stages": 5}, "has 4 stages, not 5"),
    ],
)
def test_bodies_that_cannot_be_built_are_said(settings, said):
    with pytest.raises(ModelError, match=said):
        create_body(BodySettings(**settings))
