"""Steps of several batches: the gradient of the large batch, and a run that goes on as it would have."""

import csv
import json
import threading
from types import SimpleNamespace

import pytest
import torch

from tests.support.people import write_people
from training.averaging import Window
from training.stopwatch import UNTIMED
from training.systems.reading import load_recipe
from training.trainer import _Run, train


class Linear:
    """A task without statistics of a batch: a linear map and the mean of squared errors."""

    def forward(self, network, batch):
        return network(batch.rows["x"])

    def losses(self, objective, output, batch):
        return {"squares": (output - batch.rows["y"]).square().mean()}

    def measured(self, output, batch):
        return {}


class Given(SimpleNamespace):
    def to(self, device):
        return self


def learned(parts, clip):
    """The weights after two steps, each of the batches that these parts are."""
    torch.manual_seed(1)
    network = torch.nn.Linear(3, 2)
    optimiser = torch.optim.SGD(network.parameters())
    for group in optimiser.param_groups:
        group["factor"] = 1.0
    run = SimpleNamespace(
        optimiser=optimiser,
        recipe=load_recipe(
            None, [f"schedule.accumulate={len(parts)}", "optimiser.lr=0.1", f"optimiser.clip={clip}"]
        ),
        state=SimpleNamespace(scaler=torch.amp.GradScaler("cpu", enabled=False), average=None),
        model=network,
        task=Linear(),
        objective=SimpleNamespace(total=lambda terms: sum(terms.values())),
        device="cpu",
        precision=None,
        stopwatch=UNTIMED,
    )
    for _ in range(2):
        _Run._learn(run, parts, 1.0, Window())
    return network.weight.detach()


@pytest.mark.slow
@pytest.mark.parametrize("clip", ["null", 0.01])
def test_the_gradient_is_that_of_the_large_batch(clip):
    x, y = torch.randn(8, 3), torch.randn(8, 2)
    parts = [Given(rows={"x": x[at : at + 2], "y": y[at : at + 2]}) for at in range(0, 8, 2)]
    whole = learned([Given(rows={"x": x, "y": y})], clip)
    assert torch.allclose(learned(parts, clip), whole, atol=1e-6)
    assert not torch.allclose(learned(parts[:1], clip), whole, atol=1e-3)


class Told:
    def __init__(self, stop_at=None):
        self.stop, self._at = threading.Event(), stop_at

    def images(self, done, total):
        pass

    def step(self, done, total, values):
        if done == self._at:
            self.stop.set()

    def note(self, text):
        pass


@pytest.mark.slow
def test_a_run_that_goes_on_takes_the_batches_that_it_would_have_taken(tmp_path):
    people = write_people(tmp_path / "set", train=8, val=2, test=1, images=2)
    settings = ["model.pretrained=false", "model.embedding=8", "input.height=32", "input.width=16"]
    settings += ["sampler.identities=2", "sampler.visible=2", "sampler.infrared=2", "threads=1"]
    settings += [
        "schedule.unit=epochs",
        "schedule.length=2",
        "schedule.warmup=1",
        "log_every=1",
        "eval_every=0",
    ]

    def run(out, accumulate, stop_at=None):
        told = Told(stop_at)
        recipe = load_recipe(None, [*settings, f"schedule.accumulate={accumulate}"])
        return train(recipe, tmp_path / out, people, told, stop=told.stop, cache=tmp_path / "cache")

    def rows(out):
        with (tmp_path / out / "log.csv").open() as file:
            return [
                {k: v for k, v in row.items() if k != "images_per_second"} for row in csv.DictReader(file)
            ]

    single, whole = run("single", 1), run("whole", 4)
    # As many images in either: a step of four batches is four steps.
    assert single.steps // 4 == whole.steps
    assert not run("stopped", 4, stop_at=1).finished
    assert run("stopped", 4).finished
    assert rows("stopped") == rows("whole")
    ends = [
        json.loads((tmp_path / out / "model/model.json").read_text())["digest"]
        for out in ("stopped", "whole")
    ]
    assert ends[0] == ends[1]
