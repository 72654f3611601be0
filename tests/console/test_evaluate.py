"""``nightreid evaluate`` and ``compare`` on a small set: figures, report, wrong input."""

import json
import re

import cv2
import numpy as np
import pytest
import torch

from console.compare import compare_command
from console.evaluate import evaluate_command
from reid_core.errors import SourceError, UsageError
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from reid_core.runtime import load_embedder
from tests.support.people import person, write_people
from training.datasets.opening import open_dataset
from training.datasets.records import Split
from training.evaluation.describing import evaluate_described
from training.evaluation.protocols import PRESETS

NEAR, ALL = (PRESETS[f"synthetic-all-single-A{end}"].id for end in ("-near", ""))


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_people(module_tmp("people") / "set", train=2, val=2, test=6, images=3)


@pytest.fixture(scope="module")
def model(module_tmp):
    network = create_dual_stream("resnet18", 32)
    path = module_tmp("m") / "model"
    save_checkpoint(path, network, name="small", preprocess=Preprocess(height=64, width=32))
    return str(path)


@pytest.fixture(scope="module")
def kept(module_tmp):
    return module_tmp("cache")


@pytest.fixture(autouse=True)
def cache(kept, monkeypatch):
    """One cache for the module: vectors are computed once."""
    monkeypatch.setenv("NIGHTREID_CACHE", str(kept))


def evaluate(model, people, *protocols, **more):
    return evaluate_command([model], people, [], protocols, **more)


@pytest.mark.slow
def test_all_presets_that_apply_are_measured_and_shown(model, people, tmp_path, capsys):
    assert evaluate(model, people, out=tmp_path / "r.json", report=tmp_path / "r.html") == 0
    said = json.loads((tmp_path / "r.json").read_text())
    assert set(said["results"]) == {
        spec.id for name, spec in PRESETS.items() if name.startswith("synthetic-")
    }
    assert said["model"]["name"] == "small" and said["data"]["digest"] == "d1"
    shown = capsys.readouterr().out
    assert "synthetic-all-single-A-thermal" in shown and NEAR in shown
    page = (tmp_path / "r.html").read_text()
    # Nothing is fetched, and who is right is framed as right.
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert page.count('class="ranked"') > 20 and 'class="right"' in page and 'class="wrong"' in page
    assert page.count("<polyline") == len(said["results"]) and "<polygon" in page and "<circle" in page
    assert "Equal error rate" in page and "TPIR" in page
    assert f"{said['results'][ALL]['r1']:.3f}" in page and str(people) not in page
    # Every rank-1: of the protocol, of each trial, of each pair of cameras, and of the curve.
    for found in said["results"].values():
        low, high = found["interval_95"]["r1"]
        assert f"{low:.3f} to {high:.3f}" in page
        counted = f"({found['valid']} queries, 95 % {low:.3f} to {high:.3f})"
        assert f"rank-1 {found['cmc'][0]:.3f} {counted}" in page
        for trial in found["trials"]:
            low, high = trial["interval_95"]["r1"]
            assert f'{low:.4f} to {high:.4f}</td><td class="num">{trial["valid"]}<' in page
        for pair in found["cameras"]:
            low, high = pair["interval_95"]
            assert f"<small>{pair['queries']}: {low:.3f} to {high:.3f}</small>" in page


@pytest.mark.slow
def test_figures_are_those_of_the_protocol_and_of_no_mirror(model, people, capsys):
    evaluate(model, people, "synthetic-all-single-A-near", as_json=True)
    said = json.loads(capsys.readouterr().out)["results"][NEAR]
    embedder = load_embedder(model)

    def embed(paths, modality):
        from reid_core.images import read_image

        return embedder.embed([read_image(path) for path in paths], modality)

    (near,) = [
        each
        for spectrum, each in evaluate_described(open_dataset(people), embed, split=Split.TEST).items()
        if spectrum == "near"
    ]
    assert (said["r1"], said["map"]) == pytest.approx((near.r1, near.map), abs=1e-6)
    evaluate(model, people, "synthetic-all-single-A-near+flip", as_json=True)
    (key, flipped), *_ = json.loads(capsys.readouterr().out)["results"].items()
    assert "/flip/" in key and flipped["map"] != said["map"]


@pytest.mark.slow
def test_vectors_are_computed_once(model, people, capsys, monkeypatch):
    evaluate(model, people, "synthetic-all-single-A", as_json=True)
    first = json.loads(capsys.readouterr().out)
    from reid_core.runtime.embedder import Embedder

    # Loading probes the model with some crops; the data set's 108 images are not embedded again.
    counted, original = [], Embedder.embed

    def counting(self, crops, *rest, **more):
        counted.append(len(crops))
        return original(self, crops, *rest, **more)

    monkeypatch.setattr(Embedder, "embed", counting)
    evaluate(model, people, "synthetic-all-single-A", as_json=True)
    second = json.loads(capsys.readouterr().out)
    assert sum(counted) < 108 and first["results"] == second["results"]


@pytest.mark.slow
def test_a_changed_image_is_embedded_anew(model, people, capsys):
    evaluate(model, people, "synthetic-all-single-A", as_json=True)
    before = json.loads(capsys.readouterr().out)["results"]
    image = people / "cam3/0005/0001.jpg"
    kept = image.read_bytes()
    image.write_bytes((people / "cam3/0006/0001.jpg").read_bytes())
    try:
        evaluate(model, people, "synthetic-all-single-A", as_json=True)
        assert json.loads(capsys.readouterr().out)["results"] != before
    finally:
        image.write_bytes(kept)


@pytest.mark.slow
def test_reranking_is_part_of_the_protocol(model, people, capsys):
    evaluate(
        model, people, "synthetic-all-single-A", "synthetic-all-single-A+rerank=k-reciprocal(6,2,0.3)",
        as_json=True,
    )  # fmt: skip
    plain, reranked = json.loads(capsys.readouterr().out)["results"].values()
    assert "rerank-k-reciprocal(6,2,0.3)" in reranked["protocol"] and reranked["map"] != plain["map"]
    with pytest.raises(UsageError, match="needs local vectors"):
        evaluate(model, people, "synthetic-all-single-A+rerank=ljm(10,0.2,0.3)")


def saved(path, seed):
    rng = np.random.default_rng(seed)
    ids = np.arange(1, 9)
    np.savez(
        path,
        q_feat=rng.normal(size=(8, 4)).astype(np.float32),
        q_pid=ids,
        q_cam=np.full(8, 6),
        g_feat=rng.normal(size=(8, 4)).astype(np.float32),
        g_pid=ids,
        g_cam=np.full(8, 1),
    )
    return path


@pytest.mark.slow
def test_several_files_are_several_trials(tmp_path, capsys):
    files = [saved(tmp_path / f"{trial}.npz", trial) for trial in range(3)]
    evaluate_command([], None, files, ["sysu-all-single-A"], as_json=True, report=tmp_path / "r.html")
    (result,) = json.loads(capsys.readouterr().out)["results"].values()
    singles = []
    for file in files:
        evaluate_command([], None, [file], ["sysu-all-single-A"], as_json=True)
        singles += json.loads(capsys.readouterr().out)["results"].values()
    assert [trial["map"] for trial in result["trials"]] == [single["map"] for single in singles]
    assert result["map"] == pytest.approx(np.mean([single["map"] for single in singles]))
    assert "0.npz, 1.npz, 2.npz" in (tmp_path / "r.html").read_text()


@pytest.mark.slow
def test_several_models_have_a_mean_and_a_spread(people, model, tmp_path, capsys):
    other = create_dual_stream("resnet18", 32, generator=torch.Generator().manual_seed(9))
    save_checkpoint(tmp_path / "other", other, name="small", preprocess=Preprocess(height=64, width=32))
    out = tmp_path / "r.json"
    evaluate_command([model, str(tmp_path / "other")], people, [], ["synthetic-all-single-A"], out=out)
    said = json.loads(out.read_text())
    values = [run["results"][ALL]["map"] for run in said["runs"]]
    assert said["over_runs"][ALL]["map"] == {
        "mean": pytest.approx(np.mean(values)),
        "std": pytest.approx(np.std(values, ddof=1)),
    }
    assert "2 models" in capsys.readouterr().out
    compare_command([out], as_json=True)
    (row,) = json.loads(capsys.readouterr().out)[ALL]
    assert row["std"]["map"] == pytest.approx(np.std(values, ddof=1)) and row["note"] == "2 models"


@pytest.mark.slow
def test_compare_puts_published_rows_beside_and_mixes_nothing(model, people, tmp_path, capsys):
    mine, near = tmp_path / "mine.json", tmp_path / "near.json"
    ten = [saved(tmp_path / f"{trial}.npz", trial) for trial in range(10)]
    evaluate_command([], None, ten, ["sysu-all-single-A"], out=mine)
    evaluate(model, people, "synthetic-all-single-A-near", out=near)
    capsys.readouterr()
    compare_command([mine], as_json=True)
    (rows,) = json.loads(capsys.readouterr().out).values()
    by_name = {row["name"]: row for row in rows}
    assert not by_name["mine"]["published"] and by_name["AGW"]["published"]
    mean = json.loads(mine.read_text())["results"][PRESETS["sysu-all-single-A"].id]
    assert by_name["mine"]["queries"] == mean["valid"] and by_name["AGW"]["queries"] is None
    low, high = by_name["mine"]["interval_95"]
    assert [low, high] == mean["interval_95"]["r1"] and by_name["AGW"]["interval_95"] is None
    compare_command([mine])
    assert f"R1 of {mean['valid']} queries, 95 % {low:.2f} to {high:.2f}" in capsys.readouterr().out
    assert by_name["AGW"]["figures"]["r1"] == pytest.approx(0.475) and "TPAMI" in by_name["AGW"]["source"]
    # CAJ flips, and TVI-LFM asks with text: other protocols.
    assert "CAJ" not in by_name and "TVI-LFM" not in by_name
    with pytest.raises(UsageError, match="no protocol in common"):
        compare_command([mine, near])
    # One trial is not the mean of ten.
    evaluate_command([], None, ten[:1], ["sysu-all-single-A"], out=tmp_path / "one.json")
    with pytest.raises(UsageError, match=r"sysu-all-single-A\+trials=1"):
        compare_command([mine, tmp_path / "one.json"])
    capsys.readouterr()
    compare_command([mine, near], mixed=True)
    shown = capsys.readouterr().out
    assert "sysu-all-single-A" in shown and "synthetic-all-single-A-near" in shown
    with pytest.raises(UsageError, match="None of the files"):
        compare_command([mine], ["regdb-t2v"])
    other = json.loads(near.read_text())
    other["data"]["digest"] = "another"
    (tmp_path / "other.json").write_text(json.dumps(other))
    with pytest.raises(UsageError, match="of different data"):
        compare_command([near, tmp_path / "other.json"])
    for content in ("{", "[]", "{}"):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(SourceError):
            compare_command([tmp_path / "bad.json"])


@pytest.mark.parametrize(
    ("protocols", "words"),
    [
        (["sysu-all-single-A"], "is one of sysu; .* is synthetic"),
        (["synthetic-all-single-A+text=image"], "and the model reads none"),
        (["synthetic-all-single-A+feature=pool"], "not 'pool'"),
        (["mine"], "There is no protocol 'mine'"),
        (["synthetic-all-single-A+rerank=magic"], "no method of re-ranking"),
    ],
)
def test_protocols_that_cannot_be_measured(model, people, protocols, words):
    with pytest.raises(UsageError, match=words):
        evaluate(model, people, *protocols)


def test_combinations_that_make_no_sense(model, people, tmp_path):
    file = saved(tmp_path / "f.npz", 1)
    with pytest.raises(UsageError, match="nothing to evaluate"):
        evaluate_command([], None, [], [])
    with pytest.raises(UsageError, match="not from both"):
        evaluate_command([model], people, [file], ["sysu-all-single-A"])
    with pytest.raises(UsageError, match="needs one --protocol"):
        evaluate_command([], None, [file], [])
    wide = tmp_path / "wide.npz"
    arrays = dict(np.load(file))
    arrays["q_feat"] = arrays["g_feat"] = np.eye(8, dtype=np.float32)
    np.savez(wide, **arrays)
    with pytest.raises(UsageError, match="vectors of 4 and 8 numbers"):
        evaluate_command([], None, [file, wide], ["sysu-all-single-A"])


def test_the_command_line_reaches_all_of_it(tmp_path, monkeypatch, capsys):
    from console import cli

    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["nightreid", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            cli.main()
        said = capsys.readouterr()
        return left.value.code or 0, said.out, said.err

    arrays = dict(np.load(saved(tmp_path / "f.npz", 1)))
    arrays["q_pid"][0] = 99
    np.savez(tmp_path / "f.npz", **arrays)
    out = tmp_path / "r.json"
    ten = [part for _ in range(10) for part in ("--features", tmp_path / "f.npz")]
    status, shown, _ = call("evaluate", *ten, "--protocol", "sysu-all-single-A", "--out", out)
    assert status == 0 and "7 of 8 queries valid" in shown
    assert "not counted, as the gallery shows them no image of who they are: 1" in shown
    status, shown, _ = call("compare", out, "--protocol", "sysu-all-single-A")
    assert status == 0 and "AGW" in shown and "TPAMI 2021" in shown
    status, _, errors = call("evaluate", "--features", tmp_path / "none.npz", "--protocol", "regdb-t2v")
    assert status == 1 and re.search(r"error\[source\]: The feature file .* does not exist\.", errors)


@pytest.mark.slow
def test_the_halvings_of_regdb_have_a_model_each(tmp_path, capsys):
    for identity in range(1, 9):
        for side, spectrum in (("Visible", "visible"), ("Thermal", "thermal")):
            (tmp_path / "set" / side / str(identity)).mkdir(parents=True)
            for n in range(2):
                image = person(identity, spectrum, np.random.default_rng([identity, n]))
                cv2.imwrite(str(tmp_path / "set" / side / str(identity) / f"{n}.bmp"), image)
    (tmp_path / "set/idx").mkdir()
    for trial, test in ((1, (1, 2, 3, 4)), (2, (5, 6, 7, 8))):
        for part in ("train", "test"):
            people = test if part == "test" else [each for each in range(1, 9) if each not in test]
            for side in ("Visible", "Thermal"):
                lines = [f"{side}/{each}/{n}.bmp {k}" for k, each in enumerate(people) for n in range(2)]
                (tmp_path / f"set/idx/{part}_{side.lower()}_{trial}.txt").write_text("\n".join(lines))
        network = create_dual_stream("resnet18", 32, generator=torch.Generator().manual_seed(trial))
        save_checkpoint(tmp_path / str(trial), network, name="r", preprocess=Preprocess(height=64, width=32))
    page = tmp_path / "r.html"
    evaluate_command(
        [str(tmp_path / "{trial}")],
        tmp_path / "set",
        [],
        ["regdb-t2v"],
        trials=(1, 2),
        as_json=True,
        report=page,
    )
    said = json.loads(capsys.readouterr().out)
    ((key, both),) = said["results"].items()
    assert "/2-trials/" in key and "cmc-images" in key and len(said["model"]["ids"]) == 2
    assert len(both["trials"]) == 2 and (both["queries"], both["gallery"]) == (8, 8)
    singles = []
    for trial in (1, 2):
        evaluate_command(
            [str(tmp_path / str(trial))], tmp_path / "set", [], ["regdb-t2v"], trials=(trial,), as_json=True
        )
        singles += json.loads(capsys.readouterr().out)["results"].values()
    assert both["map"] == pytest.approx(np.mean([single["map"] for single in singles]))
    # The examples are the first halving's people, with their own pictures.
    shown = page.read_text()
    assert "identity 1, camera 2" in shown and "identity 5," not in shown
