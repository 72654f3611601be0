"""A fourth system, from a package of somebody else, is to every room what one of this repository is.

It lives in `tests/fourth`: a tiny vision transformer with local features and a text encoder, two losses of
its own, a training task and a recipe, found by entry points. The commands run in processes that have it on
their path and know nothing else of it.
"""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.models.language_files import TEXT_ENCODERS
from reid_core.models.systems import SYSTEMS
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.language import load_text_encoder
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import Modality
from tests.conftest import ROOT, command_environment
from tests.support.people import write_captions, write_people

FOURTH = ROOT / "tests/fourth"
RECIPE = FOURTH / "patchwise.yaml"
PROTOCOLS = ("synthetic-all-single-A-near", "synthetic-all-single-A-thermal")
ROOMS = ("configs", "console", "detectors", "models", "reid_core", "stream", "training")
TEXTS = (".py", ".yaml", ".md", ".json")


# First: what is found stays found in a process.
def test_where_it_is_not_installed_that_is_said():
    with pytest.raises(UsageError, match="There is no system 'patchwise'"):
        SYSTEMS.get("patchwise")


@pytest.fixture(scope="module")
def environment(module_tmp):
    """Of a process that has the fourth system installed."""
    own = command_environment()
    cache = module_tmp("cache")
    return own | {"PYTHONPATH": f"{FOURTH}{os.pathsep}{own['PYTHONPATH']}", "NIGHTREID_CACHE": str(cache)}


@pytest.fixture(scope="module")
def people(module_tmp):
    folder = module_tmp("people") / "set"
    return write_captions(write_people(folder, val=6, test=8, images=2))


@pytest.fixture(scope="module")
def train(environment, people, module_tmp):
    """``train(name, *settings) -> (process, folder)``: `nightreid train` of the recipe, begun or resumed."""
    place = module_tmp("runs")

    def start(name, *settings):
        told = [part for each in settings for part in ("--set", each)]
        command = ["train", RECIPE, "--data", people, "--out", place / name, *told]
        process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", *map(str, command)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        return process, place / name

    return start


@pytest.fixture(scope="module")
def run(train):
    """The folder of an undisturbed run."""
    process, folder = train("whole")
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    return folder


@pytest.fixture(scope="module")
def installed():
    """The fourth system found in this process too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOURTH))
        for registry in (SYSTEMS, TEXT_ENCODERS):
            patch.setattr(registry, "_loaded", dict(registry._loaded))
        yield


def weights(folder):
    return {
        name: (folder / "model" / name).read_bytes()
        for name in ("weights.safetensors", "text/words.safetensors")
    }


def rows(folder):
    with (folder / "log.csv").open() as file:
        return [
            {key: value for key, value in row.items() if key != "images_per_second"}
            for row in csv.DictReader(file)
        ]


@pytest.mark.slow
def test_it_trains_by_a_recipe_with_losses_of_its_own(run):
    told = rows(run)
    assert [row["step"] for row in told] == ["2", "4", "6", "8"]
    assert {"identity", "stripes", "words", "accuracy"} < set(told[0])
    # All three are learned: none stays where it began.
    assert all(float(told[0][name]) != float(told[-1][name]) for name in ("identity", "stripes", "words"))
    manifest = json.loads((run / "model/model.json").read_text())
    assert manifest["kind"] == "patchwise"
    assert manifest["training"]["settings"]["system"] == "patchwise"


@pytest.mark.slow
def test_killed_and_resumed_it_ends_in_the_same_weights(run, train):
    process, folder = train("broken")
    deadline = time.monotonic() + 120
    while not (folder / "state.safetensors").exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[1]
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not (folder / "model").exists()
    again, _ = train("broken")
    _, errors = again.communicate(timeout=180)
    assert again.returncode == 0, errors
    assert weights(folder) == weights(run)
    assert rows(folder) == rows(run)


@pytest.mark.slow
def test_it_is_evaluated_under_two_protocols(run, people, nightreid, environment, tmp_path):
    wanted = [part for each in PROTOCOLS for part in ("--protocol", each)]
    done = nightreid(
        *("evaluate", "--checkpoint", run / "model", "--dataset", people, *wanted, "--json"),
        cwd=tmp_path,
        environment=environment,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["model"]["ids"] == [open_id(run, environment)]
    near, thermal = said["results"].values()
    assert near["queries"] == thermal["queries"] == 8 * 2
    assert 0 < near["map"] <= 1 and near != thermal


def open_id(run, environment):
    """The checkpoint's id as a process with the system sees it."""
    code = """
import sys
from pathlib import Path
from reid_core.models.checkpoint_files import open_checkpoint
print(open_checkpoint(Path(sys.argv[1])).model_id)
"""
    command = [sys.executable, "-c", code, str(run / "model")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.slow
def test_its_words_ask_under_a_protocol_with_text(run, people, installed, tmp_path):
    from training.evaluation.orchestrating import Evaluator

    class Words:
        def __init__(self, embedder):
            self._encoder = load_text_encoder(run / "model", embedder.space)
            self.model_id, self.space = self._encoder.model_id, self._encoder.space
            self.texts = []

        def __call__(self, queries):
            self.texts += queries.texts
            return self._encoder.encode(queries.texts)

    made = []

    def maker(embedder):
        made.append(Words(embedder))
        return made[-1]

    preset = f"{PROTOCOLS[0]}+text=image"
    captions = people / "Text/Blip_IR/caption_dict_Blip_IR.json"
    captions.parent.mkdir(parents=True)
    captions.write_bytes((people / "captions.json").read_bytes())
    plain = Evaluator(people, PROTOCOLS[:1], cache=tmp_path).evaluate(str(run / "model"))
    worded = Evaluator(people, [preset], query_maker=maker, cache=tmp_path)
    with_words = worded.evaluate(str(run / "model"))
    (asked,), (shown,) = with_words.results.items(), plain.results.items()
    assert "/text-image/" in asked[0] and set(made[0].texts) <= set(said_of(captions))
    assert asked[1].as_json()["map"] != shown[1].as_json()["map"]


def said_of(captions):
    return [each["description"] for each in json.loads(captions.read_text()).values()]


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_its_graphs_give_its_features(run, installed, tmp_path, format):
    pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[format])
    export_checkpoint(run / "model", format, tmp_path / "graphs")
    torch, graph = (
        load_embedder(run / "model", "torch", "fp32"),
        load_embedder(tmp_path / "graphs", format, "fp32"),
    )
    assert graph.model_id == torch.model_id and graph.space == torch.space
    assert graph.local_features == torch.local_features == {"stripes": (4, 32)}
    for modality in Modality:
        ours, theirs = (each.features(probe_crops(3), modality) for each in (torch, graph))
        assert ours["stripes"].shape == (3, 4, 32)
        for name in ("embedding", "stripes"):
            flat = (each[name].reshape(-1, each[name].shape[-1]) for each in (ours, theirs))
            assert cosine_distance(*flat) <= PARITY
    shown = torch.embed(probe_crops(3), Modality.VISIBLE), torch.embed(probe_crops(3), Modality.INFRARED)
    assert not np.allclose(*shown), "the modality token counts"


@pytest.mark.slow
def test_it_serves_a_run(run, installed, night_videos, tmp_path):
    from reid_core.gallery import Gallery
    from stream import run_footage
    from tests.support.brightness import brightness_detector
    from tests.support.night import specs

    embedder = load_embedder(run / "model")
    with Gallery.open(f"sqlite:///{tmp_path / 'g.db'}") as gallery:
        found = run_footage(specs(night_videos), gallery, brightness_detector(), embedder)
        crops = gallery.models()
    assert found.model == embedder.model_id and [one.id for one in crops] == [embedder.model_id]
    assert found.links and all(link.candidates for link in found.links)


def test_nobody_else_knows_its_name():
    """The proof: were a file of the product to need its name, it would stand there."""
    names = re.compile("patchwise|fourth_system|tests.fourth", re.IGNORECASE)
    files = [
        file
        for room in ROOMS
        for file in (ROOT / room).rglob("*")
        if file.suffix in (".py", ".yaml", ".md", ".json")
    ]
    assert len(files) > 300
    assert [file for file in files if names.search(file.read_text(encoding="utf-8"))] == []
