"""Each system serves a run, a query and an export like any other: its folder is all that changes."""

import json

import pytest

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import Modality
from stream import run_footage
from tests.support.brightness import brightness_detector
from tests.support.night import specs
from tests.support.small_systems import SYSTEMS, small_checkpoint

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=SYSTEMS)
def checkpoint(request, module_tmp):
    """A small one with random weights."""
    return small_checkpoint(request.param, module_tmp("system") / "model")


def test_it_serves_a_run_and_a_query(checkpoint, night_videos, tmp_path, command):
    embedder = load_embedder(checkpoint)
    url = f"sqlite:///{tmp_path / 'g.db'}"
    with Gallery.open(url) as gallery:
        found = run_footage(specs(night_videos), gallery, brightness_detector(), embedder)
        assert [one.id for one in gallery.models()] == [embedder.model_id] == [found.model]
    assert found.links and all(link.candidates for link in found.links)
    link = found.links[0]
    asked = command("query", "--db", url, "--reid", checkpoint, "--track", link.tracklet, "--json")
    assert asked.status == 0, asked.err
    ranked = [one["identity"] for one in json.loads(asked.out)["identities"]]
    # The link is the answer to the same question.
    assert ranked[0] == link.candidates[0].identity


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_what_is_exported_gives_its_vectors(checkpoint, form, tmp_path):
    export_checkpoint(checkpoint, form, tmp_path / form)
    own, exported = load_embedder(checkpoint, "torch"), load_embedder(tmp_path / form, form)
    assert exported.model_id == own.model_id and exported.runtime == form
    for modality in Modality:
        crops = probe_crops()
        assert cosine_distance(own.embed(crops, modality), exported.embed(crops, modality)) <= PARITY
