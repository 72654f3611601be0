import json

import pytest

from reid_core.errors import ModelError
from reid_core.models.checkpoint_files import open_checkpoint, sha256_of
from reid_core.models.manifest import ModelManifest, manifest_json, read_manifest

EXTERNAL = {
    "format": 1,
    "name": "somebody's",
    "kind": "external",
    "weights": "net.onnx",
    "embedding": 8,
    "preprocess": {"height": 64, "width": 32},
}


def written(folder, content=b"weights", **changes):
    folder.mkdir(exist_ok=True)
    (folder / "net.onnx").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(EXTERNAL | changes))
    return folder


def test_a_manifest_survives_being_written_and_read(tmp_path):
    manifest = read_manifest(written(tmp_path / "m"))
    (tmp_path / "m" / "model.json").write_text(manifest_json(manifest))
    again = read_manifest(tmp_path / "m")
    assert again.modality_handling == "grey"
    assert again.model_copy(update={"modality_handling": None}) == manifest


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"preproces": {}}, r"'preproces'.*Did you mean 'preprocess'"),
        (
            {"preprocess": {"hight": 1, "height": 64, "width": 32}},
            r"'preprocess\.hight'.*'preprocess\.height'",
        ),
        ({"training": {"license": "MIT"}}, r"'training\.license'.*'training\.licence'"),
        ({"preprocess": {"height": 64}}, r"'preprocess\.width' is missing"),
        ({"embedding": "many"}, "embedding"),
        ({"format": 2}, "newer nightreid"),
        ({"kind": "dual-stream"}, "architecture"),
        ({"architecture": {"backbone": "resnet18", "stem_stages": 0}}, "no architecture"),
        ({"modality_handling": "stems"}, "'grey'"),
        ({"calibration": {"thermal-visible": {}}}, "calibration"),
        ({"calibration": {"visible-visible": {"slope": 1.0}}}, "calibration.*missing or surplus.*threshold"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, changes, says):
    with pytest.raises(ModelError, match=says):
        read_manifest(written(tmp_path / "m", **changes))


def test_what_is_no_manifest_is_said(tmp_path):
    with pytest.raises(ModelError, match="does not exist"):
        read_manifest(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"holds no model\.json"):
        read_manifest(tmp_path)
    (tmp_path / "model.json").write_text('{"format": 1,\n oops')
    with pytest.raises(ModelError, match="line 2"):
        read_manifest(tmp_path)
    (tmp_path / "model.json").write_text("[]")
    with pytest.raises(ModelError, match="keys and values"):
        read_manifest(tmp_path)


def test_a_bare_network_is_told_what_it_needs_and_found_by_the_manifest_beside_it(tmp_path):
    bare = tmp_path / "net.onnx"
    bare.write_bytes(b"weights")
    with pytest.raises(ModelError, match=r"bare weights file.*\"format\": 1.*docs/models\.md"):
        read_manifest(bare)
    written(tmp_path)
    assert read_manifest(bare).name == "somebody's"
    (tmp_path / "other.onnx").touch()
    with pytest.raises(ModelError, match=r"does not mention other\.onnx"):
        read_manifest(tmp_path / "other.onnx")


def test_weights_may_lie_elsewhere(tmp_path):
    folder = written(tmp_path / "m")
    (tmp_path / "far").mkdir()
    (folder / "net.onnx").rename(tmp_path / "far" / "net.onnx")
    (folder / "other.json").write_text(json.dumps(EXTERNAL | {"weights": "../far/net.onnx"}))
    assert open_checkpoint(folder / "other.json").weights["visible"].read_bytes() == b"weights"


def test_the_model_id_follows_the_vectors_and_nothing_else(tmp_path):
    def id_of(**changes):
        return open_checkpoint(written(tmp_path / "m", **changes)).model_id

    first = id_of()
    assert first == id_of(name="another", results=[{"protocol": "p", "metrics": {"mAP": 0.5}}])
    assert first == id_of(training={"recipe": "r"}, label_map=[])
    assert first == id_of(digest={"net.onnx": sha256_of(tmp_path / "m" / "net.onnx")})
    moved = [
        id_of(content=b"other weights"),
        id_of(preprocess={"height": 64, "width": 32, "channels": "bgr"}),
        id_of(preprocess={"height": 64, "width": 32, "mean": [1, 0, 0]}),
        id_of(preprocess={"height": 64, "width": 32, "interpolation": "area"}),
        id_of(output="features"),
        id_of(embedding=9),
    ]
    assert len({first, *moved}) == 7


def test_a_flipped_byte_is_named(tmp_path):
    folder = written(tmp_path / "m")
    digest = sha256_of(folder / "net.onnx")
    assert open_checkpoint(written(folder, digest={"net.onnx": digest})).model_id
    with pytest.raises(ModelError, match=r"net\.onnx is damaged"):
        open_checkpoint(written(folder, content=b"weightz", digest={"net.onnx": digest}))


def test_files_that_do_not_fit_the_manifest_are_named(tmp_path):
    folder = written(tmp_path / "m", digest={"nut.onnx": "0" * 64})
    with pytest.raises(ModelError, match=r"nut\.onnx.*none of its weights"):
        open_checkpoint(folder)
    with pytest.raises(ModelError, match=r"pt of a model of kind 'external' must be \.onnx or \.xml"):
        open_checkpoint(written(folder, weights="model.pt"))
    with pytest.raises(ModelError, match=r"gone\.onnx .*does not exist"):
        open_checkpoint(written(folder, weights="gone.onnx"))


def test_an_openvino_network_is_both_its_files(tmp_path):
    (tmp_path / "net.xml").write_text("<net/>")
    (tmp_path / "model.json").write_text(json.dumps(EXTERNAL | {"weights": "net.xml"}))
    with pytest.raises(ModelError, match=r"net\.bin .*does not exist"):
        open_checkpoint(tmp_path)
    (tmp_path / "net.bin").write_bytes(b"one")
    first = open_checkpoint(tmp_path).model_id
    (tmp_path / "net.bin").write_bytes(b"two")
    assert open_checkpoint(tmp_path).model_id != first


def test_a_file_a_modality(tmp_path):
    written(tmp_path)
    (tmp_path / "ir.onnx").write_bytes(b"infrared")
    pair = {"visible": "net.onnx", "infrared": "ir.onnx"}
    (tmp_path / "model.json").write_text(json.dumps(EXTERNAL | {"weights": pair}))
    files = open_checkpoint(tmp_path)
    assert files.manifest.handling == "graphs"
    assert {m.value: p.name for m, p in files.weights.items()} == pair


def test_a_manifest_cannot_be_changed():
    manifest = ModelManifest.model_validate(EXTERNAL)
    with pytest.raises(ValueError, match="frozen"):
        manifest.name = "other"
