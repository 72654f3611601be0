"""``nightreid embed``: features of crops of any origin, in one ``.npz`` file."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from console.progress import ProgressBars
from reid_core.errors import NightreidError, SourceError, StorageError, UsageError
from reid_core.file_names import readable_path
from reid_core.images import IMAGE_SUFFIXES, read_image
from reid_core.listing import list_images
from reid_core.runtime import load_embedder
from reid_core.runtime.embedder import BATCH_SIZE
from reid_core.runtime.loading import PrecisionChoice, RuntimeChoice
from reid_core.types import Floats, Image, Modality

# A crop of fewer pixels across is a mistake; people far away are still some pixels wide.
_SMALLEST_SIDE = 3


@dataclass(frozen=True)
class _Entry:
    """A crop's file and the name it gets in the result."""

    file: Path
    name: str


def embed_command(
    source: Path,
    checkpoint: str | None,
    modality: Modality,
    out: Path,
    batch_size: int = BATCH_SIZE,
    runtime: RuntimeChoice = "auto",
    precision: PrecisionChoice = "auto",
    threads: int | None = None,
    console: Console | None = None,
) -> int:
    """Embed the crops of a folder or list and write ``feat``, ``path`` and ``model``.

    The file is written whole or not at all. Images that cannot be read are named as they are met and
    left out; so are those not reached when Ctrl-C ends the work early.

    Args:
        source: a folder (searched recursively; paths come out relative to it, sorted), a text file with
            one image path a line (relative to the list's folder; paths come out as written), or one
            image. Bytes of names that are no UTF-8 come out as ``readable_path`` shows them.
        checkpoint: as for :func:`~reid_core.runtime.load_embedder`.
        modality: of all the crops.
        out: the ``.npz`` to write: ``feat`` ``(N, D)`` float32, ``path`` ``(N,)`` str, ``model`` str.
        batch_size: crops at once.
        runtime: as for ``load_embedder``.
        precision: as for ``load_embedder``.
        threads: as for ``load_embedder``.
        console: where progress and complaints go; standard error unless said.

    Returns:
        How many crops were embedded.

    Raises:
        SourceError: there is nothing to read, or, after the others were written, some images could not
            be read.
        StorageError: the file cannot be written.
        ModelError, UsageError, MissingDependencyError: from loading the model.
    """
    bars = ProgressBars(console, ends=True)
    if batch_size < 1:
        raise UsageError(f"The batch size must be at least 1, not {batch_size}.")
    entries = find_crops(source)
    scratch = _claimed(out)
    try:
        embedder = load_embedder(checkpoint, runtime, precision, threads)
        names: list[str] = []
        vectors: list[Floats] = [np.zeros((0, embedder.dim), np.float32)]
        done = unreadable = 0
        interrupted: KeyboardInterrupt | None = None
        try:
            with bars:
                for batch in _decoded(entries, batch_size):
                    for entry, result in batch:
                        if isinstance(result, NightreidError):
                            unreadable += 1
                            bars.note(f"{entry.name}: {result.message}")
                    good = [(entry, image) for entry, image in batch if isinstance(image, np.ndarray)]
                    vectors.append(embedder.embed([image for _, image in good], modality, batch_size))
                    names.extend(entry.name for entry, _ in good)
                    done += len(batch)
                    bars.show("embed", done, len(entries), "")
        except KeyboardInterrupt as error:
            interrupted = error
        # A batch cut short between its vectors and its names is left out.
        features = np.concatenate(vectors)[: len(names)]
        _write(out, scratch, features, names, embedder.model_id)
    finally:
        scratch.unlink(missing_ok=True)
    if interrupted is not None:
        bars.note(f"Stopped: {len(names)} of {len(entries)} images are in {out}.")
        raise interrupted
    if unreadable:
        others = f"; the other {len(names)} are in {out}" if names else f"; {out} holds none"
        raise SourceError(f"{unreadable} of {len(entries)} images could not be used{others}.")
    return len(names)


def find_crops(source: Path) -> list[_Entry]:
    """The images that a folder, a list or a single file means.

    Raises:
        SourceError: it does not exist, is no list, or names no image.
    """
    if source.is_dir():
        entries = [
            _Entry(path, readable_path(path.relative_to(source).as_posix()))
            for path in sorted(list_images(source))
        ]
        if not entries:
            raise SourceError(f"The folder {source} holds no image.")
        return entries
    if source.suffix.lower() in IMAGE_SUFFIXES:
        if not source.exists():
            raise SourceError(f"The image {source} does not exist.")
        return [_Entry(source, readable_path(source.name))]
    try:
        data = source.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"The folder or list {source} does not exist.") from None
    except OSError as error:
        raise SourceError(f"The list {source} cannot be read: {error.strerror}.") from None
    if b"\0" in data:
        raise SourceError(f"{source} is neither a folder, an image nor a text file of paths.")
    # A list of names is made of the bytes that names are made of.
    lines = data.decode("utf-8-sig", "surrogateescape").splitlines()
    entries = [_Entry(source.parent / line, readable_path(line)) for line in map(str.strip, lines) if line]
    if not entries:
        raise SourceError(f"The list {source} names no image.")
    return entries


_Decoded = tuple[_Entry, Image | NightreidError]


def _decoded(entries: Sequence[_Entry], batch_size: int) -> Iterator[list[_Decoded]]:
    """Batches in order; the next ones are decoded by other threads while one is embedded."""
    waiting: deque[tuple[_Entry, Future[Image | NightreidError]]] = deque()
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        try:
            upcoming = iter(entries)
            ahead = 2 * batch_size
            while True:
                while len(waiting) < ahead and (entry := next(upcoming, None)) is not None:
                    waiting.append((entry, pool.submit(_read, entry.file)))
                if not waiting:
                    return
                taken = [waiting.popleft() for _ in range(min(batch_size, len(waiting)))]
                yield [(entry, future.result()) for entry, future in taken]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read(file: Path) -> Image | NightreidError:
    try:
        image = read_image(file)
    except NightreidError as error:
        return error
    height, width = image.shape[:2]
    if min(height, width) < _SMALLEST_SIDE:
        return SourceError(f"The image {file} is {width} x {height} pixels: too small to show a person.")
    return image


def _claimed(out: Path) -> Path:
    """The file beside ``out`` to write first; made now, so that a bad place is told before the work."""
    if out.is_dir():
        raise UsageError(f"{out} is a folder; --out takes a file name.")
    scratch = out.with_name(f"{out.name}.tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch.touch()
    except OSError as error:
        raise StorageError(f"The file {out} cannot be written: {error.strerror}.") from None
    return scratch


def _write(out: Path, scratch: Path, features: Floats, names: Sequence[str], model_id: str) -> None:
    try:
        with scratch.open("wb") as file:
            np.savez(file, feat=features, path=np.array(names, dtype=np.str_), model=np.array(model_id))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(out)
    except OSError as error:
        raise StorageError(f"The file {out} cannot be written: {error.strerror or error}.") from None
