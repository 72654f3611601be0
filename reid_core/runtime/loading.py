"""From a path to an embedder, by whichever runtime fits."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from reid_core.errors import MissingDependencyError, ModelError, UsageError
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.presets import NetworkSource
from reid_core.runtime.embedder import Embedder, Precision, Runtime
from reid_core.runtime.parity import PARITY, has_bf16, measured_parity, probe_crops
from reid_core.runtime.source import find_source
from reid_core.types import Modality

RuntimeChoice = Runtime | Literal["auto"]
PrecisionChoice = Precision | Literal["auto"]


def load_embedder(
    path: Path | str | None = None,
    runtime: RuntimeChoice = "auto",
    precision: PrecisionChoice = "auto",
    threads: int | None = None,
) -> Embedder:
    """Load a model that turns crops of people into vectors.

    Args:
        path: a checkpoint folder, a ``model.json``, or a weights file beside its ``model.json``;
            ``None`` for the default model (that of the starter pack, or ``"imagenet"`` where there is
            none), ``"imagenet"`` for plain ImageNet features, which never learned people.
        runtime: ``torch`` (networks of this repository only), ``onnx``, ``openvino``, or ``auto``:
            OpenVINO where it is installed and agrees with torch, else torch (or ONNX Runtime for a
            foreign ``.onnx``). A network of this repository is exported at its first use and kept in
            the cache (``NIGHTREID_CACHE``).
        precision: ``fp32``; ``bf16`` or ``auto``: bf16 where the CPU has it and its vectors lie within
            1e-4 cosine distance of fp32's, else fp32; ``int8`` asks for a network quantised before.
            The embedder's ``precision`` says what it became.
        threads: how many the runtime may use, ``None`` for all.

    Raises:
        ModelError: the checkpoint is missing, damaged or not valid, or runtimes disagree.
        MissingDependencyError: the runtime asked for is not installed.
        UsageError: runtime, precision or threads make no sense for this model.
    """
    _check_choice("runtime", runtime, (*get_args(Runtime), "auto"))
    _check_choice("precision", precision, (*get_args(Precision), "auto"))
    if threads is not None and threads < 1:
        raise UsageError(f"The number of threads must be at least 1, not {threads}.")
    source = find_source(path)
    if isinstance(source, CheckpointFiles):
        embedder = _external(source, runtime, precision, threads)
    else:
        embedder = _own(source, runtime, precision, threads)
    for modality in Modality:
        # A network that does not give the vectors it should is found out now, not in mid-run.
        embedder.embed(probe_crops(1), modality)
    return embedder


def _own(
    source: NetworkSource, runtime: RuntimeChoice, precision: PrecisionChoice, threads: int | None
) -> Embedder:
    if precision == "int8":
        raise UsageError(
            f"The model {source.manifest.name!r} is not quantised.",
            "Write an int8 copy with reid_core.runtime.export.export_checkpoint and load that.",
        )
    if runtime == "auto":
        if importlib.util.find_spec("openvino") is None:
            return _torch(source, precision, threads)
        try:
            return _exported(source, "openvino", precision, threads)
        except (ModelError, MissingDependencyError):
            # What is wrong with the checkpoint itself, torch says again.
            return _torch(source, precision, threads)
    if runtime == "torch":
        return _torch(source, precision, threads)
    return _exported(source, runtime, precision, threads)


def _torch(source: NetworkSource, precision: PrecisionChoice, threads: int | None) -> Embedder:
    from reid_core.runtime.torch import TorchEmbedder

    model = source.build()

    def make(chosen: Literal["fp32", "bf16"]) -> Embedder:
        return TorchEmbedder(source.manifest, source.model_id, model, chosen, threads)

    return _within_parity(make, precision)


def _exported(
    source: NetworkSource,
    runtime: Literal["onnx", "openvino"],
    precision: PrecisionChoice,
    threads: int | None,
) -> Embedder:
    from reid_core.runtime.cache import cached_export

    _check_installed(runtime)
    graphs = cached_export(source, runtime)
    # The checkpoint's own manifest: its calibration may be newer than the cached export's.
    files = CheckpointFiles(source.manifest, graphs[Modality.VISIBLE].parent, graphs, source.model_id)
    return _graphs(files, runtime, precision, threads)


def _external(
    files: CheckpointFiles, runtime: RuntimeChoice, precision: PrecisionChoice, threads: int | None
) -> Embedder:
    kinds = {path.suffix.lower() for path in files.weights.values()}
    if runtime == "torch":
        raise UsageError(
            f"The model {files.manifest.name!r} is an external network; torch cannot run it.",
            "Use runtime 'openvino' or, for .onnx, 'onnx'.",
        )
    if runtime == "auto":
        runtime = "openvino" if kinds != {".onnx"} or importlib.util.find_spec("openvino") else "onnx"
    if runtime == "onnx" and kinds != {".onnx"}:
        raise UsageError(
            f"The model {files.manifest.name!r} is in OpenVINO's format; ONNX Runtime cannot run it."
        )
    return _graphs(files, runtime, precision, threads)


def _graphs(
    files: CheckpointFiles,
    runtime: Literal["onnx", "openvino"],
    precision: PrecisionChoice,
    threads: int | None,
) -> Embedder:
    embedder: Embedder
    if runtime == "onnx":
        if precision in ("bf16", "int8"):
            raise UsageError(f"ONNX Runtime does not compute in {precision} here.", "Use 'openvino'.")
        from reid_core.runtime.onnx import OnnxEmbedder

        embedder = OnnxEmbedder(files.manifest, files.model_id, files.weights, threads)
    else:
        from reid_core.runtime.openvino import OpenVinoEmbedder

        def make(chosen: Literal["fp32", "bf16"]) -> Embedder:
            return OpenVinoEmbedder(files.manifest, files.model_id, files.weights, chosen, threads)

        embedder = _within_parity(make, precision)
    if precision == "int8" and embedder.precision != "int8":
        raise UsageError(f"The model {files.manifest.name!r} is not quantised to int8.")
    return embedder


def _within_parity(
    make: Callable[[Literal["fp32", "bf16"]], Embedder], precision: PrecisionChoice
) -> Embedder:
    """bf16 where it is wanted, the CPU has it and the vectors stay the same model's; else fp32."""
    reference = make("fp32")
    if precision not in ("auto", "bf16") or reference.precision == "int8" or not has_bf16():
        return reference
    candidate = make("bf16")
    return candidate if measured_parity(reference, candidate) <= PARITY else reference


def _check_choice(what: str, chosen: str, valid: tuple[str, ...]) -> None:
    if chosen not in valid:
        raise UsageError(f"There is no {what} {chosen!r}.", f"Choose one of: {', '.join(valid)}.")


def _check_installed(runtime: Literal["onnx", "openvino"]) -> None:
    package, advice = {"onnx": ("onnxruntime", "'nightreid[onnx]'"), "openvino": ("openvino",) * 2}[runtime]
    if importlib.util.find_spec(package) is None:
        raise MissingDependencyError(f"{package} is not installed.", f"Install it with: pip install {advice}")
