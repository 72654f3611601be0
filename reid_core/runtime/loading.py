"""From a path to an embedder, by whichever runtime fits."""

import copy
import importlib.util
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Literal, get_args

from reid_core.errors import MissingDependencyError, ModelError, UsageError
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.presets import NetworkSource
from reid_core.runtime.device import find_device
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
    device: str = "auto",
) -> Embedder:
    """Load a model that turns crops of people into vectors.

    Args:
        path: a checkpoint folder, a ``model.json``, or a weights file beside its ``model.json``;
            ``None`` for the default model (that of the starter pack, or ``"imagenet"`` where there is
            none), ``"imagenet"`` for plain ImageNet features, which never learned people.
        runtime: ``torch`` (networks of a system only, not external ones), ``onnx``, ``openvino``, or
            ``auto``: torch on a GPU; on the CPU OpenVINO where it is installed and agrees with torch, else
            torch (or ONNX Runtime for a foreign ``.onnx``). A system's network is exported at its first
            use and kept in the cache (``NIGHTREID_CACHE``).
        precision: ``fp32``; ``auto``: half precision (bf16 where the CPU has it, fp16 on a GPU) where its
            features lie within 1e-4 cosine distance of fp32's on the CPU, else fp32; ``bf16`` and ``fp16``
            (on a GPU only) likewise, of that kind; ``int8`` asks for a network quantised before. The
            embedder's ``precision`` says what it became.
        threads: how many the runtime may use, ``None`` for all.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto``: a GPU where torch can use one and runtime and
            model leave it to torch, else the CPU. ONNX Runtime and OpenVINO compute on the CPU.

    Raises:
        ModelError: the checkpoint is missing, damaged or not valid, or runtimes disagree.
        MissingDependencyError: the runtime asked for is not installed.
        UsageError: there is no such device, or runtime, precision, threads or device make no sense for
            this model.
    """
    _check_choice("runtime", runtime, (*get_args(Runtime), "auto"))
    _check_choice("precision", precision, (*get_args(Precision), "auto"))
    if threads is not None and threads < 1:
        raise UsageError(f"The number of threads must be at least 1, not {threads}.")
    source = find_source(path)
    place = _device(source, runtime, device)
    if precision == "fp16" and place == "cpu":
        raise UsageError("fp16 is computed on a GPU only.", "Use precision 'auto'.")
    if isinstance(source, CheckpointFiles):
        embedder = _external(source, runtime, precision, threads)
    else:
        embedder = _own(source, runtime, precision, threads, place)
    for modality in Modality:
        # A network that does not give the vectors it should is found out now, not in mid-run.
        embedder.features(probe_crops(1), modality)
    return embedder


def _device(source: NetworkSource | CheckpointFiles, runtime: RuntimeChoice, device: str) -> str:
    """Where it is computed, by torch's name: on a GPU only by torch, and so no external network."""
    external = isinstance(source, CheckpointFiles)
    if runtime in ("auto", "torch") and not external:
        return find_device(device)
    if device not in ("auto", "cpu"):
        what = f"The external model {source.manifest.name!r}" if external else f"Runtime {runtime!r}"
        raise UsageError(f"{what} computes on the CPU, not on {device!r}.", "Only torch uses a GPU.")
    return "cpu"


def _own(
    source: NetworkSource,
    runtime: RuntimeChoice,
    precision: PrecisionChoice,
    threads: int | None,
    device: str,
) -> Embedder:
    if precision == "int8":
        raise UsageError(
            f"The model {source.manifest.name!r} is not quantised.",
            "Write an int8 copy with reid_core.runtime.export.export_checkpoint and load that.",
        )
    if device != "cpu":
        return _on_gpu(source, precision, threads, device)
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


def _on_gpu(source: NetworkSource, precision: PrecisionChoice, threads: int | None, device: str) -> Embedder:
    """Torch on a GPU: in half precision where the features stay those of the CPU, else in fp32."""
    from reid_core.runtime.torch import TorchEmbedder, TorchPrecision

    model = source.build()
    reference = TorchEmbedder(source.manifest, source.model_id, model, "fp32", threads)
    moved = copy.deepcopy(model)
    half: TorchPrecision = "bf16" if precision == "bf16" else "fp16"
    tried: tuple[TorchPrecision, ...] = ("fp32",) if precision == "fp32" else (half, "fp32")
    distance = inf
    for chosen in tried:
        candidate = TorchEmbedder(source.manifest, source.model_id, moved, chosen, threads, device)
        try:
            distance = measured_parity(reference, candidate)
        except ModelError:
            # Half precision ran over: its numbers are not finite.
            continue
        if distance <= PARITY:
            return candidate
    raise ModelError(
        f"The vectors of {source.manifest.name!r} on {device} lie {distance:.2g} from the CPU's; "
        f"at most {PARITY:.2g} is accepted.",
        "Load it with device 'cpu'.",
    )


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
