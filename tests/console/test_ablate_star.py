"""`nightreid ablate star_reid`: the paper's rows, each by the weights and the protocol that it names."""

import json

import pytest

from tests.support.people import write_captions, write_people

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


def test_each_row_has_its_figures_and_its_protocol(tmp_path, nightreid):
    world = write_captions(write_people(tmp_path / "set", val=4, test=6, images=2))
    said = json.loads((world / "people.json").read_text())
    (world / "identity_captions.json").write_text(json.dumps({name: each[0] for name, each in said.items()}))
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
