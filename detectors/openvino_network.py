"""YOLO in OpenVINO form, on a canvas that fits the frame.

A static export fixes the canvas (640 x 640, say), of which a 16:9 frame wastes 44 %. What is fixed
in such a graph are a few constants: the target shapes of the attention block and of the head, and the
anchor points and strides. They are recomputed here for the canvas that is needed; a graph of another
make keeps its own canvas.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from detectors.network import Canvas, Head, Network
from reid_core.errors import ModelError
from reid_core.openvino_package import import_openvino, openvino_core
from reid_core.types import Floats, Image

STRIDES = (8, 16, 32)


class OpenVINONetwork(Network):
    """A YOLO export folder (or its ``.xml``), run with one stream a core.

    Args:
        path: the folder, or the ``.xml`` inside it.
        streams: how many frames are worked on at once; one thread each.

    Raises:
        ModelError: the model is damaged, not a YOLO detector, or finds no people.
    """

    # While one batch is in the network, the next can be drawn and the one before decoded.
    calls_at_once = 2

    def __init__(self, path: Path, streams: int) -> None:
        ov = import_openvino()

        self._xml = path if path.suffix == ".xml" else min(path.glob("*.xml"))
        self._streams = streams
        self._core = openvino_core()
        self._exported: Canvas | None = None
        facts = _Facts.beside(self._xml)
        graph = self._read()
        shape = graph.inputs[0].get_partial_shape()
        if len(graph.inputs) != 1 or not shape.compatible(ov.PartialShape([-1, 3, -1, -1])):
            raise ModelError(f"The OpenVINO model {path} does not take one three-channel image.")
        self.stride = max(STRIDES[-1], facts.stride)
        if shape.is_dynamic:
            graph.reshape([1, 3, 2 * self.stride, 2 * self.stride])
        elif shape[0].get_length() != 1:
            raise ModelError(
                f"The OpenVINO model {path} takes {shape[0].get_length()} images at once.",
                "Export it with batch=1.",
            )
        else:
            self._exported = (shape[2].get_length(), shape[3].get_length())
        self._head = Head.of(list(graph.outputs[0].get_shape()), facts.names, facts.end_to_end, str(path))
        if self._exported is not None and not _can_refit(self._read(), self._exported):
            self.fixed = self._exported
        self._compiled: dict[Canvas, Any] = {}
        self._compiling = threading.Lock()
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(streams, thread_name_prefix="detect")

    def infer(self, canvases: Sequence[Image]) -> list[Floats]:
        """Run the network; see ``Network.infer``."""
        if len(canvases) == 1:
            return [self._one(canvases[0])]
        return list(self._pool.map(self._one, canvases))

    def close(self) -> None:
        """Give back threads and memory."""
        self._pool.shutdown()
        self._compiled.clear()

    def _one(self, canvas: Image) -> Floats:
        size = (canvas.shape[0], canvas.shape[1])
        requests = self._local.__dict__.setdefault("requests", {})
        if size not in requests:
            with self._compiling:
                if size not in self._compiled:
                    self._compiled[size] = self._compile(size)
            requests[size] = self._compiled[size].create_infer_request()
        output = requests[size].infer({0: canvas[None]}, share_inputs=True)[0][0]
        return self._head.rows(output) if self._head.end_to_end else np.ascontiguousarray(output.T)

    def _read(self) -> Any:
        try:
            return self._core.read_model(str(self._xml))
        except RuntimeError as error:
            if not self._xml.with_suffix(".bin").is_file():
                raise ModelError(
                    f"The OpenVINO model {self._xml} lacks its weights, {self._xml.stem}.bin."
                ) from None
            raise ModelError(f"The OpenVINO model {self._xml} or its .bin is damaged.") from error

    def _compile(self, size: Canvas) -> Any:
        ov = import_openvino()
        from openvino.preprocess import ColorFormat, PrePostProcessor

        graph = self._read()
        if self._exported is None:
            graph.reshape([1, 3, *size])
        elif size != self._exported:
            refit(graph, self._exported, size)
        if not self._head.end_to_end:
            _keep_person_only(graph, self._head.person)
        # The graph takes the frame as it is (uint8, height x width x RGB).
        steps = PrePostProcessor(graph)
        steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        steps.input().tensor().set_color_format(ColorFormat.RGB)
        steps.input().model().set_layout(ov.Layout("NCHW"))
        steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
        graph = steps.build()
        return self._core.compile_model(
            graph,
            "CPU",
            {
                "PERFORMANCE_HINT": "THROUGHPUT",
                "NUM_STREAMS": self._streams,
                "INFERENCE_NUM_THREADS": self._streams,
            },
        )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What ultralytics writes beside an export; a network without it has one class and an ordinary head."""

    names: Mapping[int, str]
    stride: int = STRIDES[-1]
    end_to_end: bool = False

    @classmethod
    def beside(cls, xml: Path) -> "_Facts":
        file = xml.with_name("metadata.yaml")
        if not file.exists():
            return cls({0: "person"})
        try:
            facts = yaml.safe_load(file.read_text(encoding="utf-8"))
            names = facts["names"]
            named = (
                dict(enumerate(names))
                if isinstance(names, list)
                else {int(k): str(v) for k, v in names.items()}
            )
            args = facts.get("args") or {}
            end_to_end = bool(facts.get("end2end") or args.get("nms"))
            return cls(named, int(facts.get("stride", STRIDES[-1])), end_to_end)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            raise ModelError(f"The file {file} does not say which classes the detector has.") from error


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

    Every constant is replaced only if it holds what the old canvas makes of it, and the shapes are
    inferred anew at the end, which fails where one of them was overlooked.

    Args:
        graph: an ``openvino.Model`` with a static ``(1, 3, H, W)`` input.
        old: its canvas, (height, width).
        new: the canvas wanted; both divisible by 32.

    Raises:
        RuntimeError: the graph does not have the form; it is then not usable any more.
    """
    ov = import_openvino()

    sizes = _Sizes.change(old, new)
    points = list(zip(_anchor_points(old), _anchor_points(new), strict=True))
    found = [False] * len(points)
    for node in graph.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Reshape" and node.input_value(1).get_node().get_type_name() == "Constant":
            target = [int(value) for value in node.input_value(1).get_node().data]
            if (wanted := sizes.retarget(target)) != target:
                _replace(node.input_value(1).get_node(), np.array(wanted, np.int64), [node.input(1)])
        elif kind == "Constant":
            shape = list(node.output(0).get_shape())
            for place, (before, after) in enumerate(points):
                # The centres are (2, A), the strides (1, A), either with a leading 1 or without.
                if [size for size in shape if size != 1] == [size for size in before.shape if size != 1]:
                    if not np.array_equal(node.data.reshape(before.shape), before):
                        raise RuntimeError("a constant of the size of the anchors holds something else")
                    _replace(
                        node,
                        after.reshape([*shape[:-1], after.shape[-1]]),
                        node.output(0).get_target_inputs(),
                    )
                    found[place] = True
    if not all(found):
        raise RuntimeError("no anchor points or no strides found")
    # Not graph.reshape: it checks the new constants against the old canvas first.
    graph.get_parameters()[0].set_partial_shape(ov.PartialShape([1, 3, *new]))
    graph.validate_nodes_and_infer_types()
    if graph.output(0).get_shape()[-1] != sizes.anchors[1]:
        raise RuntimeError("the output did not follow the canvas")


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Sizes that stem from the canvas, before and after."""

    deep: tuple[Canvas, Canvas]
    anchors: tuple[int, int]

    @classmethod
    def change(cls, old: Canvas, new: Canvas) -> "_Sizes":
        def deep(canvas: Canvas) -> Canvas:
            return (canvas[0] // STRIDES[-1], canvas[1] // STRIDES[-1])

        def anchors(canvas: Canvas) -> int:
            return sum((canvas[0] // stride) * (canvas[1] // stride) for stride in STRIDES)

        return cls((deep(old), deep(new)), (anchors(old), anchors(new)))

    def retarget(self, target: list[int]) -> list[int]:
        """A reshape's target with every size that stems from the canvas replaced."""
        before, after = self.deep
        if len(target) == 4 and target[2:] == list(before):
            return [*target[:2], *after]
        wanted = [self.anchors[1] if value == self.anchors[0] else value for value in target]
        if wanted[-1:] == [before[0] * before[1]]:
            wanted[-1] = after[0] * after[1]
        return wanted


def _replace(node: Any, values: NDArray[Any], readers: Iterable[Any]) -> None:
    from openvino import opset8

    fresh = opset8.constant(values.astype(node.output(0).get_element_type().to_dtype()))
    for reader in readers:
        reader.replace_source_output(fresh.output(0))


def _anchor_points(canvas: Canvas) -> tuple[Floats, Floats]:
    """Cell centres ``(2, A)`` in units of their stride (x then y), and the strides ``(1, A)``."""
    centres, strides = [], []
    for stride in STRIDES:
        rows, columns = canvas[0] // stride, canvas[1] // stride
        y, x = np.meshgrid(np.arange(rows) + 0.5, np.arange(columns) + 0.5, indexing="ij")
        centres.append(np.stack([x.ravel(), y.ravel()]))
        strides.append(np.full((1, rows * columns), stride))
    return np.concatenate(centres, 1).astype(np.float32), np.concatenate(strides, 1).astype(np.float32)


def _can_refit(graph: Any, canvas: Canvas) -> bool:
    """Whether the graph has the form that ``refit`` knows; the graph is used up."""
    deepest = STRIDES[-1]
    if canvas[0] % deepest or canvas[1] % deepest or min(canvas) <= deepest:
        return False
    try:
        # Another height than width, so that the two are not mistaken for each other.
        refit(graph, canvas, (canvas[0] - deepest, canvas[1] + deepest))
    except RuntimeError:
        return False
    return True
