"""Captions of many images, written in the Tri- schema of `training.datasets.captions`, and taken up again.

Images are captioned in batches of a fixed make-up, and each finished batch is a few lines at the end of a
file, so that what was killed and taken up again is the file of an undisturbed one.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reid_core.errors import NightreidError, StorageError, UsageError
from reid_core.images import read_image
from reid_core.models.language import Captioner
from reid_core.types import Image, Modality
from reid_core.words.paraphrasing import NAME as PARAPHRASER
from reid_core.words.paraphrasing import paraphrase
from training.seeding import generator

BATCH = 16
NOBODY_TOLD = "a person."
"""The caption of a crop of which a captioner says nothing that is fit to be kept."""
REWORDED = 0.5
"""Share of the words that the paraphraser may put in another way."""
MADE_BY = "made_by.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image that is to be captioned.

    Attributes:
        key: by which the caption is found.
        file: where the image lies.
        identity: whose it is; ``None`` where nobody knows.
    """

    key: str
    file: Path
    identity: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """What became of it.

    Attributes:
        folder: that holds the files.
        captions: how many.
        unreadable: keys of images that could not be read, and why.
    """

    folder: Path
    captions: int
    unreadable: Mapping[str, str]


def write_captions(
    images: Sequence[Wanted],
    modality: Modality,
    captioner: Captioner,
    folder: Path,
    name: str,
    seed: int,
    told: Callable[[int, int], None],
    restart: bool = False,
) -> Written:
    """Caption images of one modality.

    Three files come out, as TVI-LFM's: ``caption_dict_*``, ``caption_llm_dict_*`` with a rewording by the
    rules of `reid_core.words.paraphrasing` beside, and ``id_caption_map_*`` where identities are known. What
    made them is in ``made_by.json``.

    Args:
        images: in the order in which they are captioned.
        modality: of all of them.
        captioner: that writes.
        folder: for the files, whose names end like its own: ``Starter_RGB``.
        name: of the captioner, in the folder's name.
        seed: of the rewordings.
        told: how many of how many are captioned.
        restart: begin anew, whatever is there.

    Raises:
        UsageError: the folder holds captions by another model, or of other images.
        StorageError: it cannot be written.
    """
    made_by = {
        "captioner": name,
        "model": captioner.model_id,
        "modality": str(modality),
        "seed": seed,
        "rewording": f"{PARAPHRASER}, {REWORDED:g} of the words",
        "images": len(images),
        "keys": hashlib.sha256("\n".join(image.key for image in images).encode()).hexdigest(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        journal = _Journal(folder, made_by, restart)
        if not journal.finished:
            for texts in _batches(images, modality, captioner, journal, told):
                journal.add(texts)
            _finish(folder, images, modality, journal, seed)
        told(len(images), len(images))
    except OSError as error:
        raise StorageError(
            f"The captions in {folder} cannot be written: {error.strerror or error}."
        ) from None
    unreadable = {key: said["unreadable"] for key, said in journal.read().items() if "unreadable" in said}
    return Written(folder, len(images) - len(unreadable), unreadable)


def _batches(
    images: Sequence[Wanted],
    modality: Modality,
    captioner: Captioner,
    journal: "_Journal",
    told: Callable[[int, int], None],
) -> Iterator[dict[str, dict[str, str]]]:
    for start in range(journal.batches * BATCH, len(images), BATCH):
        told(start, len(images))
        batch = images[start : start + BATCH]
        crops: dict[str, Image] = {}
        found: dict[str, dict[str, str]] = {}
        for image in batch:
            try:
                crops[image.key] = read_image(image.file)
            except NightreidError as error:
                found[image.key] = {"unreadable": str(error)}
        texts = captioner.caption(list(crops.values()), modality)
        found |= {key: {"description": text or NOBODY_TOLD} for key, text in zip(crops, texts, strict=True)}
        yield {image.key: found[image.key] for image in batch}


class _Journal:
    """What is captioned so far: a line for what made it, then a line for each batch."""

    def __init__(self, folder: Path, made_by: Mapping[str, Any], restart: bool) -> None:
        self._file = folder / "captions.jsonl"
        self.made_by = made_by
        done = folder / MADE_BY
        if restart:
            for file in (self._file, done):
                file.unlink(missing_ok=True)
        self.finished = done.is_file()
        if self.finished:
            self._check(json.loads(done.read_text(encoding="utf-8")), folder)
        self._lines: list[str] = []
        if self._file.is_file():
            self._take_up(folder)
        elif self.finished:
            raise UsageError(f"The captions in {folder} are finished, and their journal is gone.", _RESTART)
        else:
            self._write([])

    @property
    def batches(self) -> int:
        """How many are done."""
        return len(self._lines)

    def add(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        """Note a batch; it stays whatever happens next."""
        line = json.dumps(texts, ensure_ascii=False)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._lines.append(line)

    def read(self) -> dict[str, dict[str, str]]:
        """Everything so far, by key, in order."""
        found: dict[str, dict[str, str]] = {}
        for line in self._lines:
            found |= json.loads(line)
        return found

    def _take_up(self, folder: Path) -> None:
        whole = self._file.read_text(encoding="utf-8", errors="replace").split("\n")
        # Behind the last end of a line is nothing, or what was cut off.
        kept = whole[:-1]
        self._check(json.loads(kept[0]) if kept else self.made_by, folder)
        self._lines = kept[1:]
        self._write(self._lines)

    def _write(self, lines: Sequence[str]) -> None:
        _put(self._file, "\n".join([json.dumps(self.made_by, ensure_ascii=False), *lines]) + "\n")

    def _check(self, before: Mapping[str, Any], folder: Path) -> None:
        # A captioner that lies elsewhere is the same one, by its model id.
        unlike = sorted(
            key for key, value in self.made_by.items() if key != "captioner" and before.get(key) != value
        )
        if unlike:
            raise UsageError(
                f"The captions in {folder} were begun with another {', '.join(unlike)}.",
                _RESTART,
            )


_RESTART = "Give --restart to drop them, or another --name."


def _finish(folder: Path, images: Sequence[Wanted], modality: Modality, journal: _Journal, seed: int) -> None:
    texts = {key: said["description"] for key, said in journal.read().items() if "description" in said}
    reworded = {
        key: paraphrase(text, REWORDED, generator(seed, "reworded", key)) for key, text in texts.items()
    }
    by_identity: dict[str, dict[str, None]] = {}
    for image in images:
        if image.identity is not None and image.key in texts:
            by_identity.setdefault(str(image.identity), {})[texts[image.key]] = None
    plain = {key: {"description": text} for key, text in texts.items()}
    both = {key: {"description": text, "aug_description": reworded[key]} for key, text in texts.items()}
    _put_json(folder / f"caption_dict_{folder.name}.json", plain)
    _put_json(folder / f"caption_llm_dict_{folder.name}.json", both)
    if by_identity:
        each = {identity: list(said) for identity, said in by_identity.items()}
        _put_json(folder / f"id_caption_map_{folder.name}.json", each)
    # Last: where it is there, all others are.
    _put_json(folder / MADE_BY, journal.made_by)


def _put_json(file: Path, values: Any) -> None:
    _put(file, json.dumps(values, indent=1, ensure_ascii=False) + "\n")


def _put(file: Path, text: str) -> None:
    scratch = file.with_name(f"{file.name}.tmp")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)
