"""Our checkpoints as ONNX or OpenVINO graphs, one a modality, accepted only with parity to torch."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reid_core.errors import MissingDependencyError, ModelError, UsageError
from reid_core.models.checkpoint_files import parts, sha256_of
from reid_core.models.manifest import (
    FORMAT,
    ExportedFrom,
    ModalityWeights,
    ModelManifest,
    Result,
    model_id,
)
from reid_core.models.presets import NetworkSource
from reid_core.openvino_package import import_openvino
from reid_core.runtime.embedder import Embedder
from reid_core.runtime.parity import PARITY, measured_parity, probe_crops
from reid_core.runtime.source import find_source
from reid_core.types import EMBEDDING, Image, Modality

if TYPE_CHECKING:
    from torch import Tensor, nn

    from reid_core.models.network import Network

Format = Literal["onnx", "openvino"]
INT8_DISTANCE = 0.1
"""Largest cosine distance to fp32 at which int8 is accepted unless the caller says otherwise."""


def export_checkpoint(
    source: Path | str | None,
    format: Format,
    out: Path,
    precision: Literal["fp32", "int8"] = "fp32",
    calibration_crops: Mapping[Modality, Sequence[Image]] | None = None,
    max_distance: float | None = None,
) -> ModelManifest:
    """Write a checkpoint as a folder of graphs with a free batch size, loadable by ``load_embedder``.

    An fp32 export makes the same model's vectors and keeps the model's id and calibration. An int8 one
    is a model of its own, without calibration.

    Args:
        source: a system's checkpoint, ``None`` for the default model, ``"imagenet"`` for plain
            features.
        format: ``onnx`` or ``openvino``.
        out: the folder to write; a checkpoint that is there is replaced.
        precision: ``fp32``, or ``int8`` (OpenVINO only, by nncf).
        calibration_crops: for int8, at least 10 crops of each modality like those to come: four of
            five set the ranges, the fifth measures what is lost.
        max_distance: largest cosine distance to torch that is accepted; 1e-4 for fp32 and 0.1 for int8
            unless said.

    Returns:
        The manifest that was written.

    Raises:
        ModelError: the checkpoint is not valid or external, or parity is not reached.
        MissingDependencyError: a package for the format or for int8 is not installed.
        StorageError: the disk is full or read-only.
    """
    network = find_source(source)
    if not isinstance(network, NetworkSource):
        raise ModelError(f"The checkpoint {source} is an external network; there is nothing to export.")
    if format not in ("onnx", "openvino"):
        raise UsageError(f"There is no format {format!r}.", "Use 'onnx' or 'openvino'.")
    if precision == "int8":
        if format != "openvino":
            raise UsageError("int8 graphs are written for OpenVINO only.")
        if calibration_crops is None or min(len(calibration_crops.get(m, ())) for m in Modality) < 10:
            raise UsageError("int8 needs at least 10 calibration crops of each modality.")
        return export_network(network, format, out, max_distance or INT8_DISTANCE, calibration_crops)
    return export_network(network, format, out, max_distance or PARITY)


def export_network(
    source: NetworkSource,
    format: Format,
    out: Path,
    max_distance: float = PARITY,
    calibration_crops: Mapping[Modality, Sequence[Image]] | None = None,
) -> ModelManifest:
    """The work of :func:`export_checkpoint`; with calibration crops the graphs become int8."""
    from reid_core.models.checkpoint import replaced_folder, write_manifest
    from reid_core.runtime.torch import TorchEmbedder

    model = source.build()
    reference = TorchEmbedder(source.manifest, source.model_id, model)
    # A network that does not give what its manifest says is found out before anything is written.
    reference.features(probe_crops(1), Modality.VISIBLE)
    suffix = {"onnx": ".onnx", "openvino": ".xml"}[format]
    names = {modality: modality.value + suffix for modality in Modality}
    with replaced_folder(out) as folder:
        for modality, name in names.items():
            if format == "onnx":
                _write_onnx(model, modality, source.manifest, folder / name)
            else:
                crops = None if calibration_crops is None else calibration_crops[modality]
                _write_openvino(model, modality, source.manifest, folder / name, crops)
        graphs = {modality: folder / name for modality, name in names.items()}
        candidate = _opened(source, format, graphs)
        held_out = None if calibration_crops is None else _held_out(calibration_crops)
        distance = measured_parity(reference, candidate, held_out)
        if distance > max_distance:
            raise ModelError(
                f"The {format} export of {source.manifest.name!r} reaches a cosine distance of "
                f"{distance:.2g} to torch; at most {max_distance:.2g} is accepted."
            )
        manifest = _manifest(source, names, folder, distance, exact=calibration_crops is None)
        write_manifest(folder, manifest)
    return manifest


def _manifest(
    source: NetworkSource, names: Mapping[Modality, str], folder: Path, distance: float, exact: bool
) -> ModelManifest:
    digest = {part: sha256_of(folder / part) for name in names.values() for part in parts(name)}
    manifest = ModelManifest(
        format=FORMAT,
        name=source.manifest.name if exact else f"{source.manifest.name}-int8",
        kind="external",
        weights=ModalityWeights(visible=names[Modality.VISIBLE], infrared=names[Modality.INFRARED]),
        preprocess=source.manifest.preprocess,
        embedding=source.manifest.embedding,
        output=EMBEDDING if source.manifest.local_shapes else None,
        local_features=dict(source.manifest.local_shapes),
        digest=digest,
        training=source.manifest.training,
        results=(
            *(source.manifest.results if exact else ()),
            Result(protocol="export/cosine-distance-to-torch", metrics={"max": distance}),
        ),
        calibration=source.manifest.calibration if exact else {},
    )
    if not exact:
        return manifest
    own_id = model_id(manifest, {m: tuple(digest[part] for part in parts(n)) for m, n in names.items()})
    return manifest.model_copy(
        update={"exported_from": ExportedFrom(model_id=source.model_id, own_id=own_id)}
    )


def _opened(source: NetworkSource, format: Format, graphs: Mapping[Modality, Path]) -> Embedder:
    if format == "onnx":
        from reid_core.runtime.onnx import OnnxEmbedder

        return OnnxEmbedder(source.manifest, source.model_id, graphs)
    from reid_core.runtime.openvino import OpenVinoEmbedder

    return OpenVinoEmbedder(source.manifest, source.model_id, graphs)


def _held_out(crops: Mapping[Modality, Sequence[Image]]) -> list[Image]:
    return [crop for modality in Modality for crop in crops[modality][::5]]


def _branch(model: "Network", modality: Modality, names: Sequence[str]) -> "nn.Module":
    """The network of one modality: images to its features, in the order of their names."""
    from torch import nn

    class Branch(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: "Tensor") -> "tuple[Tensor, ...]":
            features = self.model.features(images, modality)
            return tuple(features[name] for name in names)

    return Branch().eval()


def _names(manifest: ModelManifest) -> list[str]:
    return [EMBEDDING, *manifest.local_shapes]


def _input(model: "Network", manifest: ModelManifest) -> "tuple[str, Tensor]":
    """The graph's input: its name, and an example."""
    import torch

    inputs = model.graph_inputs(manifest.preprocess)
    if len(inputs) != 1:
        raise ModelError(f"The network of {manifest.name!r} takes {len(inputs)} inputs; a graph takes one.")
    # Two images: exporters take a batch of one for a constant.
    return inputs[0].name, torch.zeros(2, *inputs[0].shape)


def _write_onnx(model: "Network", modality: Modality, manifest: ModelManifest, file: Path) -> None:
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError(
            f"The package {error.name} is not installed.", "Install it with: pip install 'nightreid[onnx]'"
        ) from None
    import torch

    batch = torch.export.Dim("batch", min=1)
    name, example = _input(model, manifest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            _branch(model, modality, _names(manifest)),
            (example,),
            dynamo=True,
            dynamic_shapes=({0: batch},),
            input_names=[name],
            output_names=_names(manifest),
            verbose=False,
        )
    if program is None:
        raise ModelError(f"torch could not export the model {manifest.name!r} to ONNX.")
    program.save(str(file))


def _write_openvino(
    model: "Network",
    modality: Modality,
    manifest: ModelManifest,
    file: Path,
    calibration_crops: Sequence[Image] | None,
) -> None:
    openvino = import_openvino()
    import torch

    name, example = _input(model, manifest)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        # Tracing here rather than in convert_model leaves out its second, checking trace: 5x faster,
        # and parity is measured below anyway.
        trace: Any = torch.jit.trace
        traced = trace(_branch(model, modality, _names(manifest)), example, check_trace=False)
        graph: Any = openvino.convert_model(traced, example_input=example, input=[-1, *example.shape[1:]])
    graph.inputs[0].get_tensor().set_names({name})
    for output, feature in zip(graph.outputs, _names(manifest), strict=True):
        output.get_tensor().set_names({feature})
    if calibration_crops is not None:
        graph = _quantised(graph, manifest, calibration_crops)
    openvino.save_model(graph, str(file), compress_to_fp16=False)


def _quantised(graph: Any, manifest: ModelManifest, crops: Sequence[Image]) -> Any:
    try:
        import nncf
    except ImportError:
        raise MissingDependencyError(
            "nncf is not installed.", "Install it with: pip install 'nightreid[int8]'"
        ) from None
    ranges = [crop for index, crop in enumerate(crops) if index % 5]
    dataset = nncf.Dataset(ranges, lambda crop: manifest.preprocess([crop]))
    return nncf.quantize(graph, dataset, subset_size=len(ranges), preset=nncf.QuantizationPreset.MIXED)
