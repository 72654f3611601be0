"""Networks that somebody already has: small ones made here, and the three of docs/models.md."""

import json
import re
from pathlib import Path

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops

from reid_core.errors import ModelError, UsageError
from reid_core.runtime import load_embedder
from reid_core.runtime.parity import cosine_distance, probe_crops

REPOSITORY = Path(__file__).parents[2]
DOC = (REPOSITORY / "docs" / "models.md").read_text(encoding="utf-8")
WORKED = [json.loads(block) for block in re.findall(r"```json\n(\{\n.*?)```", DOC, re.DOTALL)]


# Frame -> box of whoever stands at the table in three visits of the day, two frames each.
STANDING = {
    300: (383, 3, 542, 384),
    408: (384, 4, 544, 384),
    804: (362, 32, 495, 380),
    828: (362, 33, 495, 380),
    984: (384, 7, 523, 379),
    1140: (384, 9, 524, 379),
}


def mean_colour(folder, name="net", batch=-1, fixed=False, scale=1.0):
    """A network whose vector is the crop's mean colour, and a second output that is not."""
    images = ops.parameter([batch, 3, 8, 4], np.float32, name="images")
    pooled = ops.reduce_mean(images, np.array([2, 3]), keep_dims=True)
    if fixed:
        pooled = ops.reshape(pooled, np.array([batch, 3, 1, 1]), special_zero=False)
    pooled = ops.multiply(pooled, np.float32(scale))
    other = ops.negative(pooled)
    outputs = [ops.result(pooled, name="vector"), ops.result(other, name="other")]
    model = openvino.Model(outputs, [images])
    for output, label in zip(model.outputs, ("vector", "other"), strict=True):
        output.get_tensor().set_names({label})
    folder.mkdir(exist_ok=True)
    openvino.save_model(model, str(folder / f"{name}.xml"), compress_to_fp16=False)


def manifest(folder, **changes):
    values = {
        "format": 1,
        "name": "mean colour",
        "kind": "external",
        "weights": "net.xml",
        "embedding": 3,
        "output": "vector",
        "preprocess": {"height": 8, "width": 4},
    } | changes
    (folder / "model.json").write_text(json.dumps(values))
    return folder


def expected(crops):
    colours = np.array([crop.reshape(-1, 3).mean(0) for crop in crops])
    return (colours / np.linalg.norm(colours, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("network", [{}, {"batch": 1}, {"batch": 2, "fixed": True}])
def test_free_static_and_unchangeable_batch_sizes_all_take_any_number(tmp_path, network):
    mean_colour(tmp_path, **network)
    embedder = load_embedder(manifest(tmp_path))
    crops = [np.ascontiguousarray(crop[:8, :4]) for crop in probe_crops(5)]
    np.testing.assert_allclose(embedder.embed(crops, "visible", batch_size=3), expected(crops), atol=1e-5)


def test_channels_go_in_as_the_manifest_says(tmp_path):
    mean_colour(tmp_path)
    crops = [np.ascontiguousarray(crop[:8, :4]) for crop in probe_crops(2)]
    preprocess = {"height": 8, "width": 4, "channels": "bgr"}
    vectors = load_embedder(manifest(tmp_path, preprocess=preprocess)).embed(crops, "visible")
    np.testing.assert_allclose(vectors, expected(crops)[:, ::-1], atol=1e-5)


def test_the_output_is_found_by_name_or_asked_for(tmp_path):
    mean_colour(tmp_path)
    crops = probe_crops(2)
    vector = load_embedder(manifest(tmp_path)).embed(crops, "visible")
    other = load_embedder(manifest(tmp_path, output="other"))
    np.testing.assert_allclose(other.embed(crops, "visible"), -vector, atol=1e-6)
    with pytest.raises(ModelError, match="no output 'features', but 'vector', 'other'"):
        load_embedder(manifest(tmp_path, output="features"))
    with pytest.raises(ModelError, match=r"2 outputs: 'vector', 'other'.*Name one"):
        load_embedder(manifest(tmp_path, output=None))


def test_a_file_a_modality(tmp_path):
    mean_colour(tmp_path)
    mean_colour(tmp_path, "night", scale=-1.0)
    folder = manifest(tmp_path, weights={"visible": "net.xml", "infrared": "night.xml"})
    embedder = load_embedder(folder)
    grey = [crop[..., 0] for crop in probe_crops(2)]
    np.testing.assert_allclose(embedder.embed(grey, "visible"), -embedder.embed(grey, "infrared"), atol=1e-5)


def test_a_manifest_that_does_not_fit_the_network_is_said(tmp_path):
    mean_colour(tmp_path, batch=1)
    with pytest.raises(ModelError, match=r"takes 3 x 8 x 4, but its model\.json prepares 3 x 16 x 4"):
        load_embedder(manifest(tmp_path, preprocess={"height": 16, "width": 4}))
    with pytest.raises(ModelError, match=r"shape \(1, 3\).*not \(1, 5\).*'embedding'"):
        load_embedder(manifest(tmp_path, embedding=5))
    for runtime in ("torch", "onnx"):
        with pytest.raises(UsageError):
            load_embedder(manifest(tmp_path), runtime)
    with pytest.raises(UsageError, match="not quantised"):
        load_embedder(manifest(tmp_path), precision="int8")


def test_numbers_that_are_none_are_said(tmp_path):
    mean_colour(tmp_path, scale=float("inf"))
    with pytest.raises(ModelError, match="not finite"):
        load_embedder(manifest(tmp_path))


@pytest.mark.parametrize(
    ("name", "runtime"), [("net.onnx", "openvino"), ("net.onnx", "onnx"), ("net.xml", "auto")]
)
def test_a_file_that_is_no_network_is_said(tmp_path, name, runtime):
    (tmp_path / name).write_text("not a network")
    (tmp_path / "net.bin").touch()
    with pytest.raises(ModelError, match=re.escape(name)):
        load_embedder(manifest(tmp_path, weights=name), runtime)


def test_the_guide_has_a_worked_example_for_each_network_we_tried():
    assert [each["weights"].partition(".")[0] for each in WORKED] == [
        "person-reidentification-retail-0287",
        "person-reidentification-retail-0277",
        "osnet_x0_25_msmt17",
    ]


@pytest.mark.footage
@pytest.mark.parametrize("example", WORKED, ids=lambda example: example["name"])
def test_the_guides_examples_load_and_embed(example, shared, tmp_path):
    (weights,) = (shared / "weights").rglob(example["weights"])
    (tmp_path / "model.json").write_text(json.dumps(example | {"weights": str(weights)}))
    embedder = load_embedder(tmp_path)
    crops = probe_crops(3)
    vectors = embedder.embed(crops, "visible", batch_size=2)
    assert vectors.shape == (3, example["embedding"]) == (3, embedder.dim)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert embedder.embed(crops, "infrared").shape == vectors.shape
    if weights.suffix == ".onnx":
        other = load_embedder(tmp_path, "onnx")
        assert other.model_id == embedder.model_id
        assert cosine_distance(other.embed(crops, "visible"), vectors) <= 1e-4


@pytest.mark.footage
@pytest.mark.parametrize("example", WORKED, ids=lambda example: example["name"])
def test_the_same_person_is_closer_than_another(example, shared, tmp_path):
    import cv2

    video = cv2.VideoCapture(str(shared / "data" / "day_visible" / "one_by_one.mp4"))
    crops = []
    for index, (left, top, right, bottom) in STANDING.items():
        video.set(cv2.CAP_PROP_POS_FRAMES, index)
        crops.append(video.read()[1][top:bottom, left:right, ::-1])
    (weights,) = (shared / "weights").rglob(example["weights"])
    (tmp_path / "model.json").write_text(json.dumps(example | {"weights": str(weights)}))
    vectors = load_embedder(tmp_path).embed(crops, "visible")
    likeness = vectors @ vectors.T
    visits = np.arange(6) // 2
    same = visits[:, None] == visits[None]
    assert likeness[same].min() > likeness[~same].max() + 0.05
