"""A static OpenVINO export on canvases that it was not exported for."""

import numpy as np
import openvino
import pytest

from detectors.detector import PersonDetector
from detectors.letterbox import decode, place
from detectors.openvino_network import OpenVINONetwork, refit
from tests.detectors.helpers import agreement, single_precision, sure


def _outputs(network, canvases):
    with single_precision():
        return network.infer(canvases)


@pytest.mark.footage
@pytest.mark.parametrize("canvas", [(384, 640), (640, 384), (320, 320), (960, 544)])
def test_a_refitted_graph_gives_what_a_dynamic_one_gives(canvas, exports, people):
    pictures = [place(frame.image, (0, 0, 768, 432), canvas, False)[0] for frame in people[:2]]
    static, dynamic = (OpenVINONetwork(exports[f"openvino {form}"], 2) for form in ("static", "dynamic"))
    assert static.fixed is dynamic.fixed is None
    for one, other in zip(_outputs(static, pictures), _outputs(dynamic, pictures), strict=True):
        assert one.shape == other.shape == (sum(canvas[0] * canvas[1] // side**2 for side in (8, 16, 32)), 5)
        assert np.allclose(one[:, :4], other[:, :4], atol=0.1)
        assert np.allclose(one[:, 4], other[:, 4], atol=1e-3)


@pytest.mark.footage
def test_the_int8_network_finds_the_same_people_on_a_fitting_canvas(int8, people):
    network = int8.network
    assert network.fixed is None
    assert network.canvas(432, 768, 640) == (384, 640)
    found = []
    for canvas in ((640, 640), (384, 640)):
        drawn = [place(frame.image, (0, 0, 768, 432), canvas, False) for frame in people]
        rows = network.infer([picture for picture, _ in drawn])
        decoded = [decode(one, where, 0.4, 0.6) for one, (_, where) in zip(rows, drawn, strict=True)]
        assert sum(map(len, decoded)) == len(people)
        found.append(decoded)
    overlap, difference = agreement(*found)
    assert overlap > 0.85
    assert difference < 0.1


def _edit(folder, target, edit):
    """A copy of an export with one constant of its graph changed."""
    core = openvino.Core()
    graph = core.read_model(str(next(folder.glob("*.xml"))))
    for node in graph.get_ordered_ops():
        if node.get_type_name() == "Constant" and list(node.output(0).get_shape())[-2:] == target:
            changed = openvino.opset8.constant(edit(node.data.copy()))
            for reader in node.output(0).get_target_inputs():
                reader.replace_source_output(changed.output(0))
            break
    else:
        raise AssertionError("no such constant")
    return graph


@pytest.mark.footage
@pytest.mark.parametrize("target", [[2, 8400], [1, 8400]])
def test_a_graph_that_is_not_understood_keeps_its_canvas(target, exports, people, tmp_path):
    source = exports["openvino static"]
    graph = _edit(source, target, lambda values: values * np.float32(1.25))
    openvino.save_model(graph, tmp_path / "odd.xml", compress_to_fp16=False)
    (tmp_path / "metadata.yaml").write_bytes((source / "metadata.yaml").read_bytes())
    with PersonDetector.open(tmp_path) as detector:
        assert detector.network.fixed == (640, 640)
        assert detector.network.canvas(432, 768, 320) == (640, 640)
        detector.detect(people[:1])
    with pytest.raises(RuntimeError):
        refit(graph, (640, 640), (384, 640))


@pytest.mark.footage
def test_an_export_whose_canvas_is_kept_finds_the_same_people(exports, people):
    with PersonDetector.open(exports["openvino static"]) as detector:
        free = [sure(one) for one in detector.detect(people)]
        detector.network.fixed = (640, 640)
        kept = [sure(one) for one in detector.detect(people)]
    overlap, difference = agreement(free, kept)
    assert overlap > 0.85
    assert difference < 0.1


@pytest.mark.footage
def test_batches_of_several_exports_are_refused(exports, tmp_path):
    core = openvino.Core()
    graph = core.read_model(str(next(exports["openvino dynamic"].glob("*.xml"))))
    graph.reshape([4, 3, 640, 640])
    openvino.save_model(graph, tmp_path / "four.xml")
    from reid_core.errors import ModelError

    with pytest.raises(ModelError, match="takes 4 images at once"):
        PersonDetector.open(tmp_path)
