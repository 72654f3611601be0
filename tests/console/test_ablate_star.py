"""`nightreid ablate star_reid`: the paper's rows, each by the weights and the protocol that it names."""

import json

import pytest
import torch
from safetensors.torch import load_file

from reid_core.starter import starter_embedder
from tests.conftest import ROOT
from tests.support.people import write_captions, write_people
from tests.support.silent import Silent
from training.ablation import star_reid
from training.ablation.plan import START, Plan

pytestmark = pytest.mark.slow

TINY = {
    "model": "{pretrained: false, width: 8, depth: 1, heads: 2, patch: 8, text: {source: null, width: 8}}",
    "input": "{height: 32, width: 16}",
    "sampler": "{identities: 4, visible: 2, infrared: 2}",
    "schedule": "{length: 2, warmup: 1}",
    "calibration.gallery": 4,
    "threads": 1,
}

TRAINED = ("Base", "Base+FMA", "Base+VIAP", "Base+BERT", "Base+VTR", "Base+VTR+VIAP")


@pytest.fixture
def world(tmp_path):
    """People with a caption each."""
    folder = write_captions(write_people(tmp_path / "set", val=4, test=6, images=2))
    said = json.loads((folder / "people.json").read_text())
    (folder / "identity_captions.json").write_text(json.dumps({name: each[0] for name, each in said.items()}))
    return folder


def test_each_row_has_its_figures_and_its_protocol(world, tmp_path, nightreid):
    told = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    command = ("ablate", "star_reid", "--dataset", world, "--out", tmp_path / "runs", "--seeds", 1)
    cache = {"NIGHTREID_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    options = {"cwd": tmp_path, "environment": cache, "timeout": 900}
    done = nightreid(*command, "--trials", 2, *told, **options)
    assert done.returncode == 0, done.stderr
    cells = {
        line.split(" | ")[0].removeprefix("| "): line
        for line in done.stdout.splitlines()
        if line.startswith("| ") and " ± " in line
    }
    measured = ("Base+VIAP+LJM", "STAR-ReID (LJM)", "STAR-ReID (mix-retrieve)", "text alone", "LJM, K 5")
    assert {*TRAINED, *measured, "LJM, beta 1.0"} <= cells.keys()
    figures = {name: line.split(" | ", 1)[1] for name, line in cells.items()}
    # The same weights under the same protocol are the same figures, other protocols other ones.
    assert figures["LJM, K 10"] == figures["STAR-ReID (LJM)"]
    assert len({figures["Base+VTR+VIAP"], figures["STAR-ReID (mix-retrieve)"], figures["text alone"]}) > 1
    for each in ("rerank-ljm(10,0.2,0.3)", "feature-mix-retrieve(0.5)", "attention channel", "2-trials"):
        assert each in done.stdout
    recipes = {
        folder.name: json.loads((folder / "run.json").read_text())["recipe"]
        for folder in (tmp_path / "runs").iterdir()
    }
    assert set(recipes) == {f"{name.lower().replace('+', '-')}-1" for name in TRAINED}
    assert not recipes["base-1"]["model"]["aligned"]
    assert recipes["base-1"]["losses"]["visual_textual"]["weight"] == 0
    assert recipes["base-fma-1"]["model"]["fusion"] == "sum"
    assert recipes["base-bert-1"]["losses"]["visual_textual"]["alpha"] == 0
    assert recipes["base-vtr-viap-1"]["model"]["aligned"]
    refused = nightreid(*command, "--start", tmp_path / "runs/base-1/model", *told, **options)
    assert refused.returncode != 0 and "starts from no checkpoint" in refused.stderr


def test_hybrids_start_from_a_network_whose_figures_stand_in_the_first_row(world, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(star_reid, "TRAININGS", star_reid.TRAININGS[2:3])
    plan = Plan(
        recipe=ROOT / "configs/recipes/star_reid/synthetic.yaml",
        root=world,
        start=starter_embedder(),
        out=tmp_path / "runs",
        seeds=(1,),
        progress=Silent(),
        overrides=(
            *("model.views_kept=1", "model.width=8", "model.depth=1", "model.heads=2"),
            *("sampler={identities: 4, visible: 2, infrared: 2}", "schedule={length: 2, warmup: 1}"),
            *("calibration.gallery=4", "threads=1"),
        ),
        trials=2,
    )
    rows = star_reid.ablate(plan).rows
    assert [row.name for row in rows if row.kind == rows[0].kind] == [START, "Base+VIAP", "Base+VIAP+LJM"]
    first, learned = (
        load_file(one / "weights.safetensors") for one in (plan.start, plan.out / "base-viap-1/model")
    )
    assert all(torch.equal(each, learned[name]) for name, each in first.items() if name.startswith("trunk."))
