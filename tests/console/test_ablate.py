"""`nightreid ablate tvi_lfm`: every row is measured as it says, from runs that are kept."""

import json

import numpy as np
import pytest

from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from tests.support.people import write_captions, write_people
from training.ablation.asking import Examination
from training.datasets.opening import open_dataset

pytestmark = pytest.mark.slow

KINDS = {"near": "synthetic-all-single-A-near", "thermal": "synthetic-all-single-A-thermal"}
TINY = {
    "model.text": "{width: 16, layers: 1, heads: 2, projection: 8}",
    "model.views_kept": 1,
    "captions.files": "[captions.json]",
    "sampler": "{identities: 4, visible: 2, infrared: 2}",
    "schedule": "{length: 4, warmup: 1}",
    "calibration.gallery": 4,
    "threads": 1,
}


@pytest.fixture(scope="module")
def world(module_tmp):
    folder = write_captions(write_people(module_tmp("world") / "set", val=6, test=8, images=2))
    said = json.loads((folder / "captions.json").read_text())
    for side, cameras in (("RGB", "1245"), ("IR", "36")):
        file = folder / f"Text/Blip_{side}/caption_dict_Blip_{side}.json"
        file.parent.mkdir(parents=True)
        own = {key: each for key, each in said.items() if key.split("cam")[1][0] in cameras}
        file.write_text(json.dumps(own))
    return folder


@pytest.fixture(scope="module")
def start(module_tmp):
    folder = module_tmp("start") / "model"
    network = create_dual_stream("resnet18", embedding=16)
    save_checkpoint(folder, network, name="start", preprocess=default_preprocess("resnet18", 32, 16))
    return folder


def test_each_row_has_its_figures_and_finished_runs_are_taken_as_they_are(world, start, tmp_path, nightreid):
    told = [part for key, value in TINY.items() for part in ("--set", f"{key}={value}")]
    command = ("ablate", "tvi_lfm", "--dataset", world, "--start", start, "--out", tmp_path / "runs")
    cache = {"NIGHTREID_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    options = {"cwd": tmp_path, "environment": cache, "timeout": 500}
    done = nightreid(*command, "--seeds", 2, "--trials", 2, "--json", *told, **options)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    names = dict.fromkeys(row["row"] for row in rows)
    assert list(names) == [
        "infrared only",
        "ridge on TF-IDF, text alone",
        "ridge on TF-IDF, sum of cosines",
        "baseline text",
        "+ SFF",
        "+ MJL",
        "+ paraphraser",
        "text alone",
        "+ MER, mean of raw features",
        "+ MER, sum of cosines",
    ]
    found = {(row["row"], row["infrared"], row["words"]): row for row in rows}
    assert len(found) == len(rows) == 2 * (1 + 9 * 4)
    assert found["+ MJL", "near", "image"]["seeds"] == 2
    # The filter is the query's own caption: with that as its words a fusion is the image alone, whose neck is
    # not the start's any more, and the text is not.
    own, other = found["+ SFF", "near", "own"], found["baseline text", "near", "own"]
    assert 0 < own["map"]["mean"] < 100 and own["map"] != other["map"]
    runs = sorted(folder.name for folder in (tmp_path / "runs").iterdir())
    assert runs == [
        f"{name}-{seed}" for name in ("baseline-text", "mjl", "paraphraser", "sff") for seed in (1, 2)
    ]
    recipe = json.loads((tmp_path / "runs/sff-2/run.json").read_text())["recipe"]
    assert recipe["seed"] == 2 and recipe["model"]["joint"] == ["fusion"]
    assert recipe["model"]["fusion"] == "filtered" and not recipe["captions"]["rephrased"]
    again = nightreid(*command, "--seeds", 2, "--trials", 2, *told, **options)
    assert again.stdout.count("| + MJL |") == 2 * 4 and "is finished" in again.stderr


def test_words_come_from_where_the_level_says(world):
    examination = Examination(open_dataset(world), KINDS, trials=3)
    seen = {}
    vectors = np.full((len(examination.records), 4), 0.5, np.float32)
    for level in ("identity", "image", "own", "other person"):
        seen[level] = []

        def ask(asked, level=level):
            seen[level].append(asked)
            return vectors[asked.rows]

        examination.measure(ask, vectors, level, "near")
    trials = examination.kinds["near"]
    people = {f"{record.identity:04d}" for record in examination.records}
    for number, trial in enumerate(trials):
        shown = {examination.captions[row] for row in trial.gallery.tolist()}
        whose = [f"{examination.records[row].identity:04d}" for row in trial.query.tolist()]
        texts = {level: asked[number].texts for level, asked in seen.items()}
        for level in ("identity", "image"):
            assert all(
                f"/{one}/" in text and "cam3" not in text
                for one, text in zip(whose, texts[level], strict=True)
            )
        assert not shown & set(texts["image"]) and shown & set(texts["identity"])
        assert not shown & set(texts["other person"])
        others = [next(one for one in people if f"/{one}/" in text) for text in texts["other person"]]
        assert all(one != other for one, other in zip(whose, others, strict=True))
        assert texts["own"] == list(seen["own"][number].filters)
        assert all("cam3" in text for text in texts["own"])
