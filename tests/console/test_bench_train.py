"""``nightreid bench train``: where the time of a step goes is told rightly, and the parts are the whole."""

import json
import time

import pytest

from console.bench.train import Case, bench_train
from training.augmentation.pipeline import Augmenter
from training.stopwatch import WAITING, RunningStopwatch

SMALL = Case(
    "train_base.yaml",
    (
        "model.pretrained=false",
        "model.embedding=16",
        "input.height=32",
        "input.width=16",
        "sampler.identities=2",
        "sampler.visible=1",
        "sampler.infrared=2",
        "threads=1",
    ),
)


@pytest.mark.slow
def test_shares_of_a_step_are_all_of_it_and_name_what_is_slow(monkeypatch):
    picture = Augmenter.picture

    def slowly(*arguments):
        time.sleep(0.2)
        return picture(*arguments)

    monkeypatch.setattr(Augmenter, "picture", slowly)
    result = bench_train(2, {"small": SMALL})
    case = result["cases"]["small"]
    assert case["images_a_step"] == 2 * (1 + 2)
    assert sum(case["shares"].values()) == pytest.approx(1, abs=0.001)
    assert list(case["shares"]) == ["loading", "augmentation", "forward", "backward", "step"]
    assert all(share > 0 for share in case["shares"].values())
    # Six images of .2 s each.
    assert 1.2 < case["step_s"] * case["shares"]["augmentation"] < case["step_s"]
    assert case["images_a_second"] == pytest.approx(6 / case["step_s"], rel=0.05)
    assert result["ratio"] == case["waiting_ahead"]
    assert 0 < case["waiting_ahead"] < 1
    json.dumps(result)


def test_a_stopwatch_adds_up_stages_and_counts_what_is_waited_for():
    watch = RunningStopwatch()

    def slow():
        for number in range(3):
            time.sleep(0.02)
            yield number

    found = []
    for number in watch.waited(slow()):
        with watch.timed("forward"):
            time.sleep(0.01)
        found.append(number)
    assert found == [0, 1, 2]
    assert watch.seconds[WAITING] >= 0.06
    assert watch.seconds["forward"] >= 0.03
    with pytest.raises(KeyError), watch.timed("step"):
        raise KeyError
    assert watch.seconds["step"] >= 0
