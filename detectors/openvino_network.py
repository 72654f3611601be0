"""YOLO in OpenVINO form, on a canvas that fits the picture.

A static export fixes the canvas (640 x 640, say), of which a 16:9 picture wastes 44 %. What is fixed
in such a graph are a few constants: the target shapes of the attention block and of the head, and the
anchor points and strides. They are recomputed here for the canvas that is needed; a graph of another
make keeps its own canvas.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from detectors.network import Canvas, Network, person_class
from reid_core.errors import ModelError
from reid_core.types import Floats, Image

STRIDES = (8, 16, 32)


class OpenVINONetwork(Network):
    """A YOLO export folder (or its ``.xml``), run with one stream a core.

    Args:
        path: the folder, or the ``.xml`` inside it.
        streams: how many pictures are worked on at once; one thread each.
    """

    def __init__(self, path: Path, streams: int) -> None:
        import openvino as ov

        self._xml = path if path.suffix == ".xml" else next(iter(sorted(path.glob("*.xml"))))
        self._person = person_class(_class_names(self._xml), str(path))
        self._streams = streams
        self._core = ov.Core()
        try:
            graph = self._core.read_model(str(self._xml))
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[-1]
            raise ModelError(f"The OpenVINO model {path} cannot be read: {reason}.") from None
        shape = graph.input().get_partial_shape()
        self._fixed: Canvas | None = None
        if not shape.is_dynamic:
            self._fixed = (shape[2].get_length(), shape[3].get_length())
            self.resizable = _probe(self._core, self._xml, self._fixed)
        else:
            self.resizable = True
        self._compiled: dict[Canvas, Any] = {}
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix="detect")

    def canvas(self, height: int, width: int, size: int) -> Canvas:
        if not self.resizable and self._fixed is not None:
            return self._fixed
        return super().canvas(height, width, size)

    def infer(self, canvases: Sequence[Image]) -> list[Floats]:
        if len(canvases) == 1:
            return [self._one(canvases[0])]
        return list(self._pool.map(self._one, canvases))

    def close(self) -> None:
        self._pool.shutdown()

    def _one(self, canvas: Image) -> Floats:
        size = (canvas.shape[0], canvas.shape[1])
        compiled = self._compiled.get(size)
        if compiled is None:
            compiled = self._compiled.setdefault(size, self._compile(size))
        requests = self._local.__dict__.setdefault("requests", {})
        request = requests.get(size)
        if request is None:
            request = requests.setdefault(size, compiled.create_infer_request())
        output = request.infer({0: canvas[None]}, share_inputs=True)[0]
        return np.ascontiguousarray(output[0].T)

    def _compile(self, size: Canvas) -> Any:
        import openvino as ov
        from openvino.preprocess import ColorFormat, PrePostProcessor

        graph = self._core.read_model(str(self._xml))
        if self._fixed is None:
            graph.reshape([1, 3, *size])
        elif size != self._fixed:
            refit(graph, self._fixed, size)
        _keep_person_only(graph, self._person)
        # The graph takes the picture as it is (uint8, height x width x RGB) and gives the person row only.
        steps = PrePostProcessor(graph)
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        steps.input().tensor().set_color_format(ColorFormat.RGB)
        steps.input().model().set_layout(ov.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
        graph = steps.build()
        return self._core.compile_model(
            graph,
            "CPU",
            {"PERFORMANCE_HINT": "THROUGHPUT", "NUM_STREAMS": self._streams, "INFERENCE_NUM_THREADS": self._streams},
        )


def _class_names(xml: Path) -> dict[int, str]:
    """The class names ultralytics writes beside an export; a network without them has one class."""
    metadata = xml.with_name("metadata.yaml")
    if not metadata.exists():
        return {0: "person"}
    names = (yaml.safe_load(metadata.read_text(encoding="utf-8")) or {}).get("names", {0: "person"})
    return dict(enumerate(names)) if isinstance(names, list) else dict(names)


def _keep_person_only(graph: Any, person: int) -> None:
    """Cut the output ``(1, 4 + classes, A)`` down to ``(1, 5, A)``: the box and the person's score."""
    from openvino import opset8

    result = graph.get_results()[0]
    source = result.input_value(0)
    rows = opset8.constant(np.array([0, 1, 2, 3, 4 + person], np.int64))
    kept = opset8.gather(source, rows, opset8.constant(np.int64(1)))
    result.input(0).replace_source_output(kept.output(0))
    graph.validate_nodes_and_infer_types()


def refit(graph: Any, old: Canvas, new: Canvas) -> None:
    """Recompute the constants that a static YOLO graph derives from its canvas, in place.

    Args:
        graph: an ``openvino.Model`` with a static ``(1, 3, H, W)`` input.
        old: its canvas, (height, width).
        new: the canvas wanted; both divisible by 32.

    Raises:
        RuntimeError: the graph does not have the form; it is then not usable any more.
    """
    import openvino as ov
    from openvino import opset8

    anchors_old, anchors_new = _cells(old), _cells(new)
    deep_old = [old[0] // STRIDES[-1], old[1] // STRIDES[-1]]
    deep_new = [new[0] // STRIDES[-1], new[1] // STRIDES[-1]]
    centres, strides = _anchor_points(new)
    seen_centres = False
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Reshape" and node.input_value(1).get_node().get_type_name() == "Constant":
            target = [int(value) for value in node.input_value(1).get_node().data]
            wanted = _retarget(target, deep_old, deep_new, anchors_old, anchors_new)
            if wanted != target:
                node.input(1).replace_source_output(opset8.constant(np.array(wanted, np.int64)).output(0))
        elif kind == "Constant":
            shape = list(node.output(0).get_shape())
            if shape in ([1, 2, anchors_old], [2, anchors_old]):
                _replace(node, centres.reshape([*shape[:-1], anchors_new]))
                seen_centres = True
            elif shape in ([1, 1, anchors_old], [1, anchors_old]):
                _replace(node, strides.reshape([*shape[:-1], anchors_new]))
    if not seen_centres:
        raise RuntimeError("no anchor points found")
    # Not graph.reshape: it checks the new constants against the old canvas first.
    graph.get_parameters()[0].set_partial_shape(ov.PartialShape([1, 3, *new]))
    graph.validate_nodes_and_infer_types()
    if graph.output(0).get_shape()[-1] != anchors_new:
        raise RuntimeError("the output did not follow the canvas")


def _retarget(
    target: list[int], deep_old: list[int], deep_new: list[int], anchors_old: int, anchors_new: int
) -> list[int]:
    """A reshape's target with every size that stems from the canvas replaced."""
    wanted = list(target)
    if len(target) == 4 and target[2:] == deep_old:
        wanted[2:] = deep_new
        return wanted
    deep_area = deep_old[0] * deep_old[1]
    for place, value in enumerate(target):
        if value == anchors_old:
            wanted[place] = anchors_new
        elif value == deep_area and place == len(target) - 1:
            wanted[place] = deep_new[0] * deep_new[1]
    return wanted


def _replace(node: Any, values: Floats) -> None:
    from openvino import opset8

    fresh = opset8.constant(values.astype(node.output(0).get_element_type().to_dtype()))
    for reader in node.output(0).get_target_inputs():
        reader.replace_source_output(fresh.output(0))


def _cells(canvas: Canvas) -> int:
    return sum((canvas[0] // stride) * (canvas[1] // stride) for stride in STRIDES)


def _anchor_points(canvas: Canvas) -> tuple[Floats, Floats]:
    """Cell centres ``(2, A)`` in units of their stride (x then y), and the strides ``(A,)``."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = canvas[0] // stride, canvas[1] // stride
        y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
        centres.append(np.stack([x.ravel(), y.ravel()]))
        strides.append(np.full(rows * columns, stride))
    return np.concatenate(centres, 1).astype(np.float32), np.concatenate(strides).astype(np.float32)


def _probe(core: Any, xml: Path, canvas: Canvas) -> bool:
    """Whether the graph can be refitted: its own anchors are the ones computed here, and shapes follow."""
    graph = core.read_model(str(xml))
    if canvas[0] % STRIDES[-1] or canvas[1] % STRIDES[-1]:
        return False
    centres, _ = _anchor_points(canvas)
    known = [
        node.data
        for node in graph.get_ordered_ops()
        if node.get_type_name() == "Constant" and list(node.output(0).get_shape())[-2:] == [2, _cells(canvas)]
    ]
    if not known or not np.array_equal(known[0].reshape(2, -1), centres):
        return False
    smaller = (canvas[0] - STRIDES[-1], canvas[1])
    try:
        refit(graph, canvas, smaller)
    except RuntimeError:
        return False
    return True

