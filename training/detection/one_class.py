"""Any YOLO detector as one of people only, ready to learn: the same outputs, healthy batch norms, a file."""

import copy
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from detectors.network import person_class
from detectors.ultralytics_package import published_weights, quiet_ultralytics
from reid_core.errors import ModelError, StorageError

_NAME = "person"
# Of both heads of an end-to-end network; a plain one has the first.
_CLASS_HEADS = ("cv3", "one2one_cv3")


def locate_weights(weights: str | Path) -> Path:
    """The file of a checkpoint: by path, or by the name ultralytics publishes it under.

    Raises:
        ModelError: it is missing, or no torch checkpoint.
    """
    path = Path(weights)
    if path.suffix != ".pt":
        raise ModelError(
            f"Training cannot start from {path}, which is not a torch checkpoint.", "Give a YOLO .pt file."
        )
    if not path.exists() and path.parent == Path():
        return published_weights(path.name)
    if not path.is_file():
        raise ModelError(f"The detector {path} does not exist.")
    return path


def open_network(path: Path) -> nn.Module:
    """A checkpoint's network, in single precision and evaluation mode; nothing in the file is run.

    Raises:
        ModelError: the file is damaged, or not a YOLO detector.
    """
    quiet_ultralytics()
    from ultralytics.nn.modules import Detect
    from ultralytics.nn.tasks import load_checkpoint

    try:
        network: Any = load_checkpoint(str(path))[0]
        head = network.model[-1]
    except Exception as error:  # a damaged or foreign file raises anything at all in there
        raise ModelError(
            f"The detector {path} is damaged, or is no YOLO checkpoint; nothing in it was run."
        ) from error
    if type(head) is not Detect:
        raise ModelError(f"The detector {path} was made to {getattr(network, 'task', 'do something else')}.")
    opened: nn.Module = network
    return opened


def one_class(network: nn.Module) -> nn.Module:
    """The same network with one class: its boxes and scores are the person's of the original.

    They differ by rounding at most. The class head's last layer keeps the one row that scored people;
    everything before it stays, so the layers in between are as wide as the original's. (Ultralytics would
    build a one-class network with narrower ones, into which these weights do not fit: a checkpoint of this
    kind is trained further here, or as a module, but not by ``YOLO.train``, which builds its own.)

    Args:
        network: an ultralytics detection network with a class called person, or one class without a name.

    Returns:
        A copy.

    Raises:
        ModelError: none of its classes is people.
    """
    person = person_class(network.names, "given")  # type: ignore[arg-type]
    narrowed = copy.deepcopy(network)
    head: Any = narrowed.model[-1]  # type: ignore[index]
    for name in _CLASS_HEADS:
        for branch in getattr(head, name, None) or ():
            branch[-1] = _row(branch[-1], person)
    head.nc = 1
    head.no = 1 + 4 * head.reg_max
    # Kept beside the anchors of one canvas size, which it is recomputed with.
    head.shape = None
    settings: Any = narrowed
    settings.nc, settings.names, settings.criterion = 1, {0: _NAME}, None
    settings.yaml = {**settings.yaml, "nc": 1}
    return narrowed


def _row(layer: nn.Conv2d, row: int) -> nn.Conv2d:
    narrow = nn.Conv2d(layer.in_channels, 1, layer.kernel_size, bias=layer.bias is not None)  # type: ignore[arg-type]
    narrow = narrow.to(layer.weight)
    with torch.no_grad():
        narrow.weight.copy_(layer.weight[row : row + 1])
        if narrow.bias is not None and layer.bias is not None:
            narrow.bias.copy_(layer.bias[row : row + 1])
    return narrow


def batch_norms(network: nn.Module) -> Iterator[nn.BatchNorm2d]:
    """The batch norms of a network."""
    return (layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))


def are_folded(network: nn.Module) -> bool:
    """Whether the batch norms are identities with a bias: folded into the convolutions, as in an export."""
    return all(
        bool(((layer.running_var + layer.eps - 1).abs() < 1e-3).all() and not layer.running_mean.any())
        for layer in batch_norms(network)
        if layer.running_var is not None and layer.running_mean is not None
    )


@torch.no_grad()
def unfold(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Give batch norms the statistics of real frames without changing what the network computes.

    A folded norm passes its input on (mean 0, variance 1). In training mode it would divide by the
    statistics of the batch instead, and the network would be ruined at its first step. With ``m`` and ``v``
    measured at its input, its mean becomes ``m``, its variance ``v``, its weight
    ``g sqrt((v + e) / (v0 + e))`` and its bias ``b + (m - m0) g / sqrt(v0 + e)``: the same function in
    evaluation mode, nearly the same in training mode, and weights on the scale of what they multiply.

    Args:
        network: in place.
        batches: ``(N, 3, H, W)`` float in 0..1, as shown in training.
    """
    sums: dict[nn.BatchNorm2d, tuple[Tensor, Tensor, int]] = {}

    def gather(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.BatchNorm2d)
        # In double precision: a variance is a difference of large numbers.
        values = inputs[0].detach().double()
        total, squares, count = sums.get(layer, (torch.zeros(()), torch.zeros(()), 0))
        sums[layer] = (
            total.to(values) + values.sum((0, 2, 3)),
            squares.to(values) + values.square().sum((0, 2, 3)),
            count + values.numel() // values.shape[1],
        )

    hooks = [layer.register_forward_pre_hook(gather) for layer in batch_norms(network)]
    try:
        with evaluating(network):
            for batch in batches:
                network(batch)
    finally:
        for hook in hooks:
            hook.remove()
    for layer, (total, squares, count) in sums.items():
        _restate(layer, total / count, squares / count - (total / count).square())


def _restate(layer: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    old_mean, old_variance = layer.running_mean, layer.running_var
    assert old_mean is not None and old_variance is not None
    variance = variance.clamp_min(0)
    gain = layer.weight.double() / (old_variance.double() + layer.eps).sqrt()
    layer.bias.copy_(layer.bias.double() + (mean - old_mean.double()) * gain)
    layer.weight.copy_(gain * (variance + layer.eps).sqrt())
    old_mean.copy_(mean)
    old_variance.copy_(variance)


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while."""
    training = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(training)


def save_network(network: nn.Module, path: Path) -> None:
    """Write a checkpoint that ultralytics and `PersonDetector.open` read: half precision, nothing else.

    The same weights give the same bytes.

    Raises:
        StorageError: it cannot be written.
    """
    plain: Any = copy.deepcopy(network).cpu().half().eval()
    plain.criterion = None
    # What training hung on it: arguments with this machine's paths in them.
    plain.args = {"task": "detect"}
    plain.__dict__.pop("pt_path", None)
    for parameter in plain.parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    head = plain.model[-1]
    head.shape, head.anchors, head.strides = None, torch.empty(0), torch.empty(0)
    checkpoint = {"model": plain, "ema": None, "train_args": {"task": "detect"}, "date": None}
    buffer = io.BytesIO()
    torch.save(checkpoint, buffer)
    write_whole(path, buffer.getvalue())


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all.

    Raises:
        StorageError: the disk is full or read-only.
    """
    scratch = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with scratch.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror or error}.") from error
