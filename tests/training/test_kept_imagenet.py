"""ImageNet's features beside the learned ones: the vector, what they look at, what a run starts from."""

import json
import threading

import numpy as np
import pytest
import torch

from reid_core.errors import ModelError, UsageError
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.dual_stream import kept as kept_module
from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.dual_stream.network import DualStream, create_dual_stream
from reid_core.preprocess import Preprocess
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from tests.support.people import write_people
from training.systems.reading import load_recipe
from training.trainer import train

PREPROCESS = Preprocess(height=32, width=16, mean=(127.5,) * 3, std=(127.5,) * 3)
WIDTH = 512 + 16
TINY = [
    "model.backbone=resnet18",
    "model.pretrained=false",
    "model.embedding=16",
    "model.imagenet_share=0.3",
    "input.height=32",
    "input.width=16",
    "sampler.identities=4",
    "sampler.visible=2",
    "sampler.infrared=2",
    "schedule.length=4",
    "schedule.warmup=1",
    "threads=1",
    "eval_every=0",
    "state_every=2",
    "calibration.gallery=4",
    "keep_classifier=false",
]
STILL = ("optimiser.lr=1e-12", "optimiser.weight_decay=0")


def images(count, seed=0):
    return torch.randn(count, 3, 32, 16, generator=torch.Generator().manual_seed(seed))


def built(share=0.3, embedding=WIDTH):
    torch.manual_seed(0)
    return DualStream(
        DualStreamArchitecture(backbone="resnet18", classes=5, imagenet_share=share), embedding, False
    )


def test_a_similarity_is_the_share_of_one_and_the_rest_of_the_other():
    model = built(0.3).eval()
    assert (model.embedding, model.feature_width) == (WIDTH, 16)
    alone = create_dual_stream("resnet18", 16)
    alone.load_state_dict(model.state_dict(), strict=False)
    alone.eval()
    with torch.no_grad():
        for modality in Modality:
            whole = model.embed(images(4), modality)
            own, kept = alone.embed(images(4), modality), model.kept(images(4), modality)
            torch.testing.assert_close(whole @ whole.T, 0.7 * own @ own.T + 0.3 * kept @ kept.T)
            torch.testing.assert_close(whole.norm(dim=1), torch.ones(4))


@pytest.mark.slow
def test_what_is_kept_is_centred_and_scaled_by_what_each_modality_shows(monkeypatch):
    monkeypatch.setattr(kept_module, "BATCHES", 3)
    model = built().train()
    body = {name: value.clone() for name, value in model.kept.body.state_dict().items()}
    shown = [images(6, seed) * 2 for seed in range(5)]
    for batch in shown:
        model(batch, batch * 0.2)
    assert all(torch.equal(value, body[name]) for name, value in model.kept.body.state_dict().items())
    for name, factor in (("visible", 1.0), ("infrared", 0.2)):
        with torch.no_grad():
            seen = [model.kept.pool(model.kept.body(batch * factor)) for batch in shown[:3]]
        norm = model.kept.norms[name]
        # Later batches than the first few are not looked at.
        torch.testing.assert_close(norm.running_mean, torch.stack([one.mean(0) for one in seen]).mean(0))
        torch.testing.assert_close(norm.running_var, torch.stack([one.var(0) for one in seen]).mean(0))
    assert not model.kept.training and not model.kept.norms["visible"].training
    fresh = built().eval()
    fresh(shown[0], None)
    assert int(fresh.kept.norms["visible"].num_batches_tracked) == 0


def test_what_is_kept_does_not_learn_and_stays_in_what_is_used():
    model = built()
    grouped = {id(parameter) for group in model.parameter_groups() for parameter in group.parameters}
    kept = {id(parameter) for parameter in model.kept.parameters()}
    assert kept and not grouped & kept
    assert grouped == {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    bare = model.eval().for_inference()
    assert bare.classifier is None and bare.architecture.imagenet_share == 0.3
    with torch.no_grad():
        assert torch.equal(
            bare.embed(images(2), Modality.INFRARED), model.embed(images(2), Modality.INFRARED)
        )


def test_an_embedding_without_room_for_both_is_refused():
    with pytest.raises(ModelError, match="no room for ImageNet's 512"):
        built(embedding=512)


def test_a_network_without_it_is_as_it_was():
    plain = DualStreamArchitecture(backbone="resnet18")
    assert set(plain.model_dump()) == {
        "backbone", "stem_stages", "last_stride", "gem_p", "gem_learned", "classes",
    }  # fmt: skip
    assert not any(name.startswith("kept.") for name in create_dual_stream("resnet18").state_dict())


@pytest.fixture(scope="module")
def people(module_tmp):
    folder = write_people(module_tmp("people") / "set", train=8, val=6, test=1, images=2)
    labels = {str(one): {"hat": one % 2 == 0, "scarf": one % 3 == 0} for one in range(1, 16)}
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


class Quiet:
    def __init__(self, stop_at=None):
        self.stop, self._at = threading.Event(), stop_at

    def images(self, done, total):
        pass

    def step(self, done, total, values):
        if done == self._at:
            self.stop.set()

    def note(self, text):
        pass


def run(people, out, *changes, start=None, stop_at=None):
    told = Quiet(stop_at)
    recipe = load_recipe(None, [*TINY, *changes])
    return train(recipe, out, people, told, stop=told.stop, cache=out.parent / "cache", start=start)


def digest(out):
    return json.loads((out / "model/model.json").read_text())["digest"]["weights.safetensors"]


@pytest.mark.slow
def test_it_is_trained_resumed_and_used_like_any_other(people, tmp_path):
    changes = ("losses.attributes.weight=1", "model.instance_norm=true")
    assert run(people, tmp_path / "whole", *changes).finished
    assert not run(people, tmp_path / "stopped", *changes, stop_at=2).finished
    assert run(people, tmp_path / "stopped", *changes).finished
    assert digest(tmp_path / "stopped") == digest(tmp_path / "whole")
    model, files = load_checkpoint(tmp_path / "whole/model")
    assert files.manifest.embedding == WIDTH and files.manifest.architecture.imagenet_share == 0.3
    assert int(model.kept.norms["infrared"].num_batches_tracked) == 4
    crops = [np.random.default_rng(seed).integers(0, 256, (40, 20, 3), dtype=np.uint8) for seed in range(3)]
    by_torch, exported = (
        load_embedder(tmp_path / "whole/model", runtime=runtime, precision="fp32", threads=1).embed(
            crops, Modality.INFRARED
        )
        for runtime in ("torch", "openvino")
    )
    np.testing.assert_allclose(by_torch, exported, atol=1e-3)


@pytest.mark.slow
def test_a_run_starts_from_a_network_that_lacks_what_the_recipe_asks_for(people, tmp_path):
    alone = create_dual_stream("resnet18", embedding=16, last_stride=2).eval()
    save_checkpoint(tmp_path / "alone", alone, name="alone", preprocess=PREPROCESS)
    both = (*STILL, "model.instance_norm=true")
    run(people, tmp_path / "first", *both, start=tmp_path / "alone")
    first, files = load_checkpoint(tmp_path / "first/model")
    assert files.manifest.architecture.instance_norm and files.manifest.embedding == WIDTH
    for name, value in alone.named_parameters():
        torch.testing.assert_close(first.get_parameter(name), value, atol=1e-6, rtol=0)
    # The next run starts from all of it, with another share where it is asked for.
    run(people, tmp_path / "second", *both, "model.blend=0.5", start=tmp_path / "first/model")
    run(people, tmp_path / "third", *both, "model.imagenet_share=0.2", start=tmp_path / "first/model")
    for out, share in (("second", 0.3), ("third", 0.2)):
        next_one, files = load_checkpoint(tmp_path / out / "model")
        assert files.manifest.architecture.imagenet_share == share
        for name, value in first.named_parameters():
            torch.testing.assert_close(next_one.get_parameter(name), value, atol=1e-6, rtol=0)
    with pytest.raises(UsageError, match="built alike"):
        run(people, tmp_path / "fourth", *both, "model.blend=0.5", start=tmp_path / "alone")
