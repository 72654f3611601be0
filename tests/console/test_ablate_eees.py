"""`nightreid ablate eees`: a row for each part and number of views, measured by images alone."""

import json

import pytest

from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from tests.support.people import write_captions, write_people

pytestmark = pytest.mark.slow

TINY = {
    "model.text": "{width: 16, layers: 1, heads: 2, projection: 8}",
    "model.attention": "{width: 8, inner: 16, heads: 2}",
    "model.views_kept": 1,
    "captions.files": "[captions.json]",
    "sampler": "{identities: 2, visible: 4, infrared: 4}",
    "schedule": "{length: 2, warmup: 1}",
    "calibration.gallery": 4,
    "threads": 1,
}


def test_each_part_has_its_row_and_how_it_was_read_is_said(tmp_path, nightreid):
    world = write_captions(write_people(tmp_path / "world", val=6, test=6, images=2))
    start = tmp_path / "start"
    network = create_dual_stream("resnet18", last_stride=2)
    save_checkpoint(start, network, name="start", preprocess=default_preprocess("resnet18", 32, 16))
    told = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    command = (
        "ablate", "eees", "--dataset", world, "--start", start, "--out", tmp_path / "runs", "--seeds", 1,
        "--trials", 2, *told,
    )  # fmt: skip
    cache = {"NIGHTREID_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    options = {"cwd": tmp_path, "environment": cache, "timeout": 900}
    done = nightreid(*command, "--json", **options)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert list(dict.fromkeys(row["row"] for row in rows)) == [
        "the network that it starts from",
        "baseline",
        "ESE",
        "ESE + CVSC, M = 1",
        "ESE + CMSP",
        "ESE + CVSC + CMSP, M = 1",
        "ESE + CVSC + CMSP, M = 2",
        "ESE + CVSC + CMSP, M = 3",
    ]
    assert {(row["infrared"], row["words"]) for row in rows} == {("near", None), ("thermal", None)}
    assert all(0 < row["map"]["mean"] < 100 for row in rows) and len(rows) == 16

    def losses(folder):
        recipe = json.loads((tmp_path / "runs" / folder / "run.json").read_text())["recipe"]
        parts = ("image_text", "multi_view", "distillation", "purification")
        return recipe["model"]["cross_views"], tuple(recipe["losses"][part]["weight"] > 0 for part in parts)

    assert losses("baseline-1") == (1, (False, False, False, False))
    assert losses("ese-1") == (1, (True, False, False, False))
    assert losses("ese-cvsc-1") == (1, (True, True, True, False))
    assert losses("ese-cmsp-1") == (1, (True, False, False, True))
    assert losses("all-1-1") == (1, (True, True, True, True)) and losses("all-3-1")[0] == 3
    again = nightreid(*command, **options)
    assert again.stdout.count("| ESE + CMSP |") == 2 and "is finished" in again.stderr
    for said in (
        "near\n\n| | R1 | mAP | mINP |",
        "Protocols:\n\n- `synthetic/",
        "queries in each of 2 galleries of ",
        "The paper, SYSU-MM01",
        "- model.vector: both",
        "- losses.image_text: weight 0.2, similarity cosine, temperature 0.07, same_person positives",
        "- losses.distillation: weight 0.08, form norm",
    ):
        assert said in again.stdout


def test_an_ablation_that_is_not_there_is_said_with_those_that_are(tmp_path, nightreid):
    done = nightreid("ablate", "tvi", "--dataset", tmp_path, cwd=tmp_path)
    assert done.returncode != 0 and "no ablation 'tvi'" in done.stderr and "tvi_lfm" in done.stderr
