"""Layouts by name: those of this repository, and one of somebody else's package."""

import json
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from console.dataset import check_command
from console.evaluate import evaluate_command
from reid_core.errors import ModelError, SourceError, UsageError
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from tests.support.packages import install
from tests.support.people import SPECTRA, person, write_people
from training.datasets import LAYOUTS, Split, open_dataset
from training.datasets.opening import layout_of
from training.evaluation.orchestrating import Evaluator
from training.evaluation.protocols import ProtocolSpec

THEIRS = '''
from pathlib import Path

from reid_core.types import Spectrum
from training.datasets import ImageRecord, Layout, ReidDataset, Split
from training.datasets.checks.findings import Seen, SeenImage
from training.datasets.layout import Checked


class Flat(Layout):
    """Everybody in one folder: ``<identity>_<camera>_<spectrum>_<number>.png``."""

    name = "flat"
    looks = "one flat folder (flat.txt)"

    def recognises(self, root):
        return (root / "flat.txt").is_file()

    def open(self, root, trial=1):
        records = []
        for file in sorted(root.glob("*.png")):
            identity, camera, spectrum, _ = file.stem.split("_")
            kind = Spectrum(spectrum)
            records.append(
                ImageRecord(file.name, int(identity), int(camera), kind.modality, kind, file.name)
            )
        records.sort(key=lambda one: (one.identity, one.camera, one.path))
        return ReidDataset("flat people", self.name, root, {Split.TEST: tuple(records)}, {3: 2})

    def check(self, root, deep, told):
        seen = Seen()
        for one in self.open(root).splits[Split.TEST]:
            seen.images.append(
                SeenImage(one.path, 1, one.identity, one.camera, one.modality, "test", one.path)
            )
        seen.count("images", None, len(seen.images))
        return Checked(seen, root)


LAYOUT = Flat()
'''


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A package of somebody else that is installed, with a data set of its layout."""
    site = tmp_path / "site"
    site.mkdir()
    install(site, "flat_people", THEIRS, {"nightreid.layouts/flat": "flat_people:LAYOUT"})
    monkeypatch.syspath_prepend(str(site))
    # Which packages there are is asked once in a process.
    monkeypatch.delitem(LAYOUTS.__dict__, "_others", raising=False)
    monkeypatch.setattr(LAYOUTS, "_loaded", {})
    root = tmp_path / "flat"
    root.mkdir()
    (root / "flat.txt").touch()
    for identity in range(1, 6):
        for camera, spectrum in SPECTRA.items():
            image = person(identity, spectrum, np.random.default_rng([identity, camera]))
            cv2.imwrite(str(root / f"{identity}_{camera}_{spectrum}_1.png"), image)
    yield root
    sys.modules.pop("flat_people", None)
    LAYOUTS.__dict__.pop("_others", None)


@pytest.mark.slow
def test_somebody_elses_layout_is_opened_checked_and_evaluated(theirs, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "cache"))
    assert "flat" in LAYOUTS and LAYOUTS.names[-1] == "flat"
    dataset = open_dataset(theirs)
    assert (dataset.layout, dataset.protocols, len(dataset.records(Split.TEST))) == ("flat", "own", 30)
    assert open_dataset(theirs, "flat") == dataset
    with pytest.raises(SourceError, match="no data set of a known layout") as told:
        open_dataset(tmp_path)
    assert told.value.hint.endswith("(dataset.json, images.csv) and one flat folder (flat.txt).")
    assert check_command("flat", theirs, as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["layout"] == "flat"
    model = tmp_path / "model"
    save_checkpoint(
        model, create_dual_stream("resnet18", 32), name="small", preprocess=Preprocess(height=64, width=32)
    )
    evaluate_command([str(model)], theirs, [], ["own-ir2vis"], as_json=True)
    said = json.loads(capsys.readouterr().out)
    ((_, result),) = said["results"].items()
    assert said["data"]["layout"] == "flat"
    # Camera 3 does not see camera 2, as the data set says itself.
    assert {(pair["query"], pair["gallery"]) for pair in result["cameras"]} == {
        (3, 1), (3, 4), (3, 5), (6, 1), (6, 2), (6, 4), (6, 5)
    }  # fmt: skip


def test_a_layout_with_protocols_of_its_own_needs_a_preset_or_a_whole_id(theirs, monkeypatch):
    opened = LAYOUTS.get("flat").open
    monkeypatch.setattr(
        LAYOUTS.get("flat"), "open", lambda *told: replace(opened(*told), protocols="flat-people")
    )
    with pytest.raises(UsageError, match="no preset of flat-people") as told:
        Evaluator(theirs).evaluate("no model")
    assert "flat-people/" in told.value.hint
    with pytest.raises(UsageError, match="is one of own") as told:
        Evaluator(theirs, ["own-ir2vis"]).evaluate("no model")
    assert told.value.hint == "Possible are: ids that begin with flat-people/."
    # Its id is taken: what is missing is the model.
    with pytest.raises(ModelError):
        Evaluator(theirs, [ProtocolSpec("flat-people").id]).evaluate("no model")


def test_a_special_layout_comes_before_the_one_that_it_builds_on(tmp_path):
    synthetic = write_people(tmp_path / "synthetic", 1, 1, 1, 1)
    plain = write_people(tmp_path / "plain", 1, 1, 1, 1, manifest=False)
    for name in (None, "sysu"):
        assert layout_of(synthetic, name).name == "synthetic"
        assert layout_of(plain, name).name == "sysu"
    # Both are one tree, but not under the same protocols.
    kinds = {root: (open_dataset(root).layout, open_dataset(root).protocols) for root in (synthetic, plain)}
    assert kinds == {synthetic: ("sysu", "synthetic"), plain: ("sysu", "sysu")}
    assert layout_of(tmp_path) is None


def test_every_layout_says_what_it_is():
    for name in LAYOUTS.names:
        layout = LAYOUTS.get(name)
        assert layout.name == name and layout.looks
        assert layout.builds_on is None or layout.builds_on in LAYOUTS
    assert {name for name in LAYOUTS.names if LAYOUTS.get(name).published} >= {"sysu", "regdb", "llcm"}
    assert LAYOUTS.get("regdb").trials and not LAYOUTS.get("own").trials
