"""Every id that a number stands under is one that can be read back."""

import json

import pytest

from reid_core.errors import UsageError
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from reid_core.runtime.export import export_checkpoint
from training.evaluation.measurements import Measurement, parse_result
from training.evaluation.pairs import PROTOCOL as PAIRS
from training.evaluation.protocols import (
    PRESETS,
    ProtocolSpec,
    Sampler,
    parse_protocol,
    validation_protocol,
)
from training.evaluation.published import published_rows


def test_protocols_and_their_changes_are_read_back():
    ids = [spec.id for spec in PRESETS.values()] + [row.protocol for row in published_rows()]
    ids += [parse_protocol(f"{name}+flip+trials=3+text=identity-fixed").id for name in PRESETS]
    for text in ids:
        spec = parse_result(text)
        assert isinstance(spec, ProtocolSpec) and spec.id == text
        # As they were before any said whose identities.
        assert spec.split is None and text.count("/") == 12


@pytest.mark.parametrize("data", ["own", "toy-night", "toy_night2"])
@pytest.mark.parametrize("kind", ["near", "thermal", "unknown"])
@pytest.mark.parametrize("same_place", [True, False])
@pytest.mark.parametrize("flip", [True, False])
def test_what_a_training_writes_is_read_back(data, kind, same_place, flip):
    spec = validation_protocol(data, kind, same_place=same_place, flip=flip)
    assert parse_result(spec.id) == spec and spec.sampler is Sampler.VALIDATION
    assert spec.id.endswith("/feature-bn/split-validation")


@pytest.mark.slow
def test_what_an_export_writes_is_read_back(tmp_path):
    network = create_dual_stream("resnet18", 32)
    save_checkpoint(tmp_path / "model", network, name="s", preprocess=Preprocess(height=64, width=32))
    export_checkpoint(tmp_path / "model", "onnx", tmp_path / "graph")
    said = json.loads((tmp_path / "graph/model.json").read_text())
    (result,) = said["results"]
    found = parse_result(result["protocol"])
    assert found == Measurement("export", "cosine-distance-to-torch") and found.id == result["protocol"]


def test_real_pairs_are_a_measurement():
    assert parse_result(PAIRS) == Measurement("kaist-pairs", "thermal-to-visible-of-the-same-moment")


def test_what_is_neither_is_refused():
    plain = PRESETS["synthetic-all-single-A"].id
    old = (
        "synthetic night shift / validation identities / single-shot / one draw / near-to-visible / "
        "same place excluded / no text / flip / no re-ranking / bn feature"
    )
    for text in (
        old,
        "synthetic-all-single-A",
        f"{plain}/split-validation",
        f"{plain}/split-test",
        plain.replace("sampler-A", "sampler-validation"),
        "export",
        "",
    ):
        with pytest.raises(UsageError):
            parse_result(text)
