"""The starter pack: what lies there is what its manifests say, and works without a network."""

import hashlib
import json
import re
import socket

import numpy as np
import pytest

from detectors.detector import PersonDetector
from reid_core import load_embedder
from reid_core.colours import contains_colour
from reid_core.config import load_config
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.language_files import TextManifest, open_language_files
from reid_core.runtime import load_captioner, load_text_encoder
from reid_core.starter import (
    DETECTOR,
    EMBEDDER,
    PACK,
    TEXT_ENCODER,
    starter_detector,
    starter_embedder,
    starter_text_encoder,
)
from reid_core.types import Frame, Modality
from training.evaluation.measurements import parse_result
from training.text.recipe import TextRecipe

CONFIGS = PACK.parent / "configs"


@pytest.fixture
def offline(monkeypatch):
    def refused(*_):
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refused)


def test_the_pack_is_small_and_complete():
    files = [path for path in PACK.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 40 * 2**20
    assert starter_embedder() == EMBEDDER and starter_detector() is not None


def test_the_embedder_says_what_it_is_and_where_it_comes_from():
    # Opening checks the digest.
    manifest = open_checkpoint(EMBEDDER).manifest
    assert manifest.training.learned_people and "ImageNet" in manifest.training.origin
    assert manifest.training.licence == "AGPL-3.0-or-later"
    assert sum(manifest.training.settings["shares"].values()) == pytest.approx(1)
    assert manifest.architecture.classes is None and manifest.label_map == ()
    assert {parse_result(result.protocol).queries for result in manifest.results} == {"near", "thermal"}
    assert set(manifest.calibration) == {"infrared-visible", "visible-visible"}


def test_the_text_encoder_is_of_the_embedders_space_and_says_where_it_comes_from():
    assert starter_text_encoder() == TEXT_ENCODER
    files = open_language_files(TextManifest, TEXT_ENCODER, open_checkpoint(EMBEDDER).model_id)
    training = files.manifest.training
    assert training.licence == "AGPL-3.0-or-later" and "captions of 320 people" in training.origin
    assert training.settings == load_config(TextRecipe, CONFIGS / "night_words.yaml").model_dump(mode="json")
    assert {kind: each.sizes is not None for kind, each in files.manifest.calibrations.items()} == {
        "text": True,
        "fused": True,
    }
    assert sum(path.stat().st_size for path in TEXT_ENCODER.iterdir()) <= 5 * 2**20


def test_descriptions_have_vectors_by_what_is_said_in_them(offline):
    encoder = load_text_encoder(TEXT_ENCODER)
    one, reworded, other = encoder.encode(
        [
            "a man in a red jacket with a backpack",
            "bloke, scarlet windcheater, rucksack",
            "a woman in a black dress",
        ]
    )
    assert np.array_equal(one, reworded) and one @ other < 0.5
    # Learned, not noise: a jacket in scarlet is nearer to one in red than to one in green.
    red, dark, green = encoder.encode(["a red jacket", "a dark red jacket", "a green jacket"])
    assert red @ dark > red @ green + 0.1


def test_the_detector_says_what_it_is_and_where_it_comes_from():
    said = json.loads((DETECTOR / "night-detector.json").read_text(encoding="utf-8"))
    weights = (DETECTOR / "night-detector.pt").read_bytes()
    assert said["weights"]["licence"] == said["start"]["licence"] == "AGPL-3.0"
    assert said["weights"]["digest"] == hashlib.sha256(weights).hexdigest()
    assert said["status"] == "finished" and said["results"]["alpha"] in map(float, said["results"]["blends"])


@pytest.mark.slow
def test_the_defaults_are_the_starter_models_and_need_no_network(offline):
    embedder = load_embedder()
    assert embedder.model_id == open_checkpoint(EMBEDDER).model_id
    crops = [np.random.default_rng(seed).integers(0, 255, (120, 50, 3)).astype(np.uint8) for seed in (1, 2)]
    vectors = embedder.embed(crops, Modality.INFRARED)
    assert vectors.shape == (2, embedder.manifest.embedding)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    with PersonDetector.open() as detector:
        assert detector.name.startswith("night-detector")
        [found] = detector.detect([Frame("a", Modality.VISIBLE, 0, 0, np.zeros((240, 320, 3), np.uint8))])
    assert len(found.boxes) == 0


@pytest.mark.slow
def test_the_export_finds_what_the_checkpoint_finds(scene):
    found = []
    for weights in (DETECTOR / "night-detector.pt", DETECTOR / "night-detector_openvino_model"):
        with PersonDetector.open(weights) as detector:
            found.append(detector.detect([Frame("a", Modality.VISIBLE, 0, 0, scene)])[0])
    assert len(found[0].boxes) == len(found[1].boxes) > 0
    assert np.abs(found[0].boxes - found[1].boxes).max() < 2
    assert np.abs(found[0].confidences - found[1].confidences).max() < 0.02


@pytest.fixture
def scene():
    """A picture with people in it: ultralytics' own sample."""
    import cv2
    from ultralytics.utils import ASSETS

    image = cv2.imread(str(ASSETS / "bus.jpg"))
    return np.ascontiguousarray(image[..., ::-1])


@pytest.mark.slow
def test_the_captioner_looks_through_the_embedder_and_needs_no_network(offline):
    captioner = load_captioner("starter", open_checkpoint(EMBEDDER).model_id)
    crops = [np.random.default_rng(seed).integers(0, 255, (120, 50, 3)).astype(np.uint8) for seed in (1, 2)]
    assert all(captioner.caption(crops, Modality.VISIBLE))
    assert not any(contains_colour(text) for text in captioner.caption(crops, Modality.INFRARED))


def test_the_worlds_that_the_words_were_fitted_on_are_those_that_the_page_makes():
    named = set(re.findall(r"identities of (\w+)", (TEXT_ENCODER / "text.json").read_text()))
    made = set(re.findall(r"synthetic dataset (\w+)", (PACK / "README.md").read_text()))
    assert named and named <= made
