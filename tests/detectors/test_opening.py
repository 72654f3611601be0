"""Every way to open detector weights, and what is said of those that cannot be."""

import pickle
import shutil

import numpy as np
import pytest

from detectors.config import DetectorSettings
from detectors.detector import PersonDetector, digest_of
from detectors.network import Head
from reid_core.errors import MissingDependencyError, ModelError
from reid_core.types import Frame, Modality, Spectrum
from tests.detectors.helpers import agreement, single_precision, sure

FORMATS = ["torch", "onnx static", "onnx dynamic", "openvino static", "openvino dynamic"]


@pytest.mark.footage
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_finds_the_same_people(name, exports, int8, people):
    with PersonDetector.open(exports[name]) as detector:
        found = [sure(one) for one in detector.detect(people)]
    assert sum(map(len, found)) == len(people)
    overlap, difference = agreement([sure(one) for one in int8.detect(people)], found)
    assert overlap > 0.9
    assert difference < 0.06


@pytest.mark.footage
@pytest.mark.parametrize("name", FORMATS)
def test_a_batch_is_looked_at_as_each_picture_alone(name, exports, people):
    with PersonDetector.open(exports[name]) as detector:
        together = [sure(one) for one in detector.detect(people[:3])]
        alone = [sure(detector.detect([frame])[0]) for frame in people[:3]]
    overlap, difference = agreement(together, alone)
    assert overlap > 0.999
    assert difference < 1e-3


@pytest.mark.footage
def test_frames_of_several_sizes_and_modalities_go_in_one_call(int8, people):
    small = Frame("b", Modality.INFRARED, 0, 0, np.ascontiguousarray(people[0].image[::4, ::4]))
    tall = Frame("c", Modality.VISIBLE, 0, 0, np.ascontiguousarray(people[1].image[:, 200:500]))
    frames = [people[0], small, tall, people[2]]
    together = int8.detect(frames, [False, True, False, False])
    alone = [int8.detect([frame], frame is small)[0] for frame in frames]
    for one, other in zip(together, alone, strict=True):
        assert np.allclose(one.boxes, other.boxes, atol=1e-3)
        assert np.allclose(one.confidences, other.confidences, atol=1e-5)
    assert int8.detect([]) == []


@pytest.mark.footage
def test_an_xml_is_opened_as_its_folder(footage):
    with PersonDetector.open(footage["detector"]) as folder:
        digest, name = folder.digest, folder.name
    with PersonDetector.open(footage["detector"] / "yolo11n.xml") as xml:
        assert (xml.digest, xml.name) == (digest, "yolo11n")
    assert name == "yolo11n_int8_openvino_model"


def test_the_digest_covers_the_weights_of_an_xml(tmp_path):
    (tmp_path / "net.xml").write_text("<net/>")
    (tmp_path / "net.bin").write_bytes(b"1")
    before = digest_of(tmp_path / "net.xml")
    (tmp_path / "net.bin").write_bytes(b"2")
    assert digest_of(tmp_path / "net.xml") != before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "end_to_end", "format"),
    [
        ("yolo11n.yaml", False, "torch"),
        ("yolo26n.yaml", False, "torch"),
        ("yolo26n.yaml", True, "torch"),
        ("yolo26n.yaml", True, "onnx"),
        ("yolo26n.yaml", True, "openvino"),
    ],
)
def test_heads_of_both_forms_are_read_as_ultralytics_reads_them(config, end_to_end, format, toy, noise):
    if format == "onnx":
        pytest.importorskip("onnxruntime", reason="needs nightreid[onnx]")
    from ultralytics import YOLO

    weights = toy(config, "person", end_to_end=end_to_end)
    told = {"imgsz": 320, "conf": 1e-9, "iou": 1.0, "nms": not end_to_end, "verbose": False}
    theirs = YOLO(weights).predict(noise[..., ::-1], **told)[0].boxes
    if format != "torch":
        weights = YOLO(weights).export(format=format, imgsz=320, nms=False, verbose=False)
    # Not in half precision: random weights make much of small differences.
    with PersonDetector.open(weights) as detector, single_precision():
        assert detector.network.fixed == (None if format == "torch" else (320, 320))
        rows = detector.network.infer([noise, noise])[1]
    assert rows.shape == ((300 if end_to_end else 2100), 5)
    corners = np.concatenate([rows[:, :2] - rows[:, 2:4] / 2, rows[:, :2] + rows[:, 2:4] / 2], axis=1)
    boxes, scores = theirs.xyxy.cpu().numpy(), theirs.conf.cpu().numpy()
    assert len(boxes) > 100
    for box, score in zip(boxes[:30], scores[:30], strict=True):
        apart = np.abs(np.clip(corners, 0, 320) - box).max(axis=1)
        assert np.maximum(apart, 100 * np.abs(rows[:, 4] - score)).min() < 1


def test_an_end_to_end_head_is_read_for_people_only():
    output = np.array([[10, 20, 30, 60, 0.9, 0], [0, 0, 8, 8, 0.8, 1], [50, 60, 70, 100, 0.7, 1]], np.float32)
    head = Head.of((1, 3, 6), {0: "car", 1: "person"}, True, "made up")
    assert head.rows(output).tolist() == [
        [4, 4, 8, 8, pytest.approx(0.8)],
        [60, 80, 20, 40, pytest.approx(0.7)],
    ]


@pytest.mark.slow
def test_the_only_class_may_be_called_many_things_but_not_something_else(toy):
    for name in ("person", "Pedestrian", "0"):
        PersonDetector.open(toy("yolo11n.yaml", name)).close()
    with pytest.raises(ModelError, match="does not find people: its classes are car"):
        PersonDetector.open(toy("yolo11n.yaml", "car"))
    with pytest.raises(ModelError, match="its classes are car, dog"):
        PersonDetector.open(toy("yolo11n.yaml", "car", "dog"))


@pytest.mark.footage
def test_nets_of_other_makes_are_refused(shared):
    weights = shared / "weights"
    zoo = weights / "open_model_zoo"
    foreign = [*zoo.rglob("*.xml"), weights / "osnet_x0_25_msmt17/osnet_x0_25_msmt17.onnx"]
    assert len(foreign) == 5
    for file in foreign:
        with pytest.raises(ModelError) as caught:
            PersonDetector.open(file)
        assert file.stem in caught.value.message
        assert caught.value.message.endswith(".")
        assert "\n" not in str(caught.value)


def test_models_for_other_tasks_are_refused(tmp_path):
    from ultralytics import YOLO

    YOLO("yolo11n-pose.yaml").save(tmp_path / "pose.pt")
    with pytest.raises(ModelError, match="was made to pose, not to detect"):
        PersonDetector.open(tmp_path / "pose.pt")


class _Calling:
    """What unpickles into a call of ``os.system``."""

    def __init__(self, command):
        self._command = command

    def __reduce__(self):
        import os

        return (os.system, (self._command,))


@pytest.mark.parametrize("how", ["torch zip", "torch legacy", "pickle"])
def test_a_checkpoint_that_runs_code_is_refused_and_does_not_run(how, tmp_path):
    import torch

    file, trace = tmp_path / "evil.pt", tmp_path / "ran"
    content = {"model": _Calling(f"touch {trace}")}
    if how == "pickle":
        file.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, file, _use_new_zipfile_serialization=how == "torch zip")
    with pytest.raises(ModelError, match=r"nothing in it was run"):
        PersonDetector.open(file)
    assert not trace.exists()


def _cut(file, share=0.5):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])


DAMAGE = {
    "torch cut": ("torch", lambda file: _cut(file)),
    "torch empty": ("torch", lambda file: file.write_bytes(b"")),
    "torch is text": ("torch", lambda file: file.write_text("weights")),
    "onnx cut": ("onnx static", lambda file: _cut(file)),
    "onnx empty": ("onnx static", lambda file: file.write_bytes(b"")),
    "xml cut": ("openvino static", lambda folder: _cut(next(folder.glob("*.xml")))),
    "bin missing": ("openvino static", lambda folder: next(folder.glob("*.bin")).unlink()),
    "bin cut": ("openvino static", lambda folder: _cut(next(folder.glob("*.bin")))),
    "no xml": ("openvino static", lambda folder: next(folder.glob("*.xml")).unlink()),
    "names are not YAML": ("openvino static", lambda folder: (folder / "metadata.yaml").write_text("{")),
    "names are a word": ("openvino static", lambda folder: (folder / "metadata.yaml").write_text("names: x")),
    "names missing": ("openvino static", lambda folder: (folder / "metadata.yaml").unlink()),
}


@pytest.mark.footage
@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_weights_are_one_sentence(name, exports, tmp_path):
    source, damage = DAMAGE[name]
    copy = tmp_path / exports[source].name
    shutil.copytree(exports[source], copy) if exports[source].is_dir() else shutil.copy(exports[source], copy)
    damage(copy)
    with pytest.raises(ModelError) as caught:
        PersonDetector.open(copy)
    assert copy.stem in caught.value.message
    assert caught.value.message.endswith(".")
    assert "\n" not in str(caught.value)


def test_what_is_not_there_or_not_weights(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    for weights, sentence in {
        "nope.onnx": "does not exist",
        str(tmp_path / "yolo11n.pt"): "does not exist",
        str(tmp_path): "holds no OpenVINO model",
        str(text): "not a kind of detector weights",
        "yolo11q.pt": "neither a file here nor published",
    }.items():
        with pytest.raises(ModelError, match=sentence):
            PersonDetector.open(weights)


def test_an_engine_without_a_gpu(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    engine = tmp_path / "yolo.engine"
    engine.write_bytes(b"\0" * 100)
    with pytest.raises(ModelError, match="TensorRT engine, and torch finds no NVIDIA GPU"):
        PersonDetector.open(engine)


def test_onnx_without_its_runtime(tmp_path, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else find(name, *rest)
    )
    (tmp_path / "yolo.onnx").write_bytes(b"")
    with pytest.raises(MissingDependencyError, match="ONNX Runtime is not installed") as caught:
        PersonDetector.open(tmp_path / "yolo.onnx")
    assert "nightreid[onnx]" in caught.value.hint


def test_a_stated_polarity_needs_no_judging():
    def judge(modality, polarity="auto", spectrum=None):
        settings = DetectorSettings(polarity=polarity)
        return PersonDetector(None, "", "", settings).judge(modality, spectrum).invert

    assert judge(Modality.VISIBLE) is False
    assert judge(Modality.INFRARED) is None
    assert judge(Modality.INFRARED, spectrum=Spectrum.THERMAL) is None
    # What a lamp lights has no polarity, whatever is said of the thermal cameras beside it.
    assert judge(Modality.INFRARED, spectrum=Spectrum.NEAR) is False
    assert judge(Modality.INFRARED, "white-hot", Spectrum.NEAR) is False
    assert judge(Modality.INFRARED, "white-hot") is True
    assert judge(Modality.INFRARED, "black-hot") is False
