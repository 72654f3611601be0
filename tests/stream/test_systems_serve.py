"""Each system serves a run, a query and an export like any other: its folder is all that changes."""

import json

import pytest
import torch

from reid_core.gallery import Gallery
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.eees.architecture import AttentionSettings, BodySettings, EeesArchitecture
from reid_core.models.eees.body import body_preprocess
from reid_core.models.eees.network import Eees
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.star_reid.network import create_star
from reid_core.preprocess import Preprocess
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import Modality
from stream import run_footage
from tests.support.brightness import brightness_detector
from tests.support.night import specs

pytestmark = pytest.mark.slow


def _tvi_lfm():
    return create_dual_stream("resnet18", 32), Preprocess(height=64, width=32)


def _eees():
    body = BodySettings(layers=(1, 1, 1, 1), width=8)
    attention = AttentionSettings(width=8, heads=4)
    network = Eees(EeesArchitecture(body=body, attention=attention, grid=(4, 2)))
    return network, body_preprocess(body, 64, 32)


def _star_reid():
    architecture = StarArchitecture(image=(32, 16), patch=8, stride=8, width=16, depth=1, heads=2)
    return create_star(architecture, None, 1), Preprocess(height=32, width=16)


@pytest.fixture(scope="module", params=[_tvi_lfm, _eees, _star_reid], ids=["tvi_lfm", "eees", "star_reid"])
def checkpoint(request, module_tmp):
    """A small one with random weights."""
    folder = module_tmp("system") / "model"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, preprocess = request.param()
    save_checkpoint(folder, network.eval(), name="small", preprocess=preprocess)
    return folder


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
