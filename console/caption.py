"""The logic of ``nightreid caption``, ``train-captioner`` and ``train-blip``."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from console.failing import check_writable
from console.progress import ProgressBars
from console.statuses import INTERRUPTED
from console.stopping import stopped_by_ctrl_c
from reid_core.config import load_config
from reid_core.errors import SourceError, UsageError
from reid_core.file_names import readable_path
from reid_core.listing import list_images
from reid_core.models.language import Captioner
from reid_core.runtime import load_captioner
from reid_core.types import Modality
from training.captioning.writing import Wanted, Written, write_captions
from training.datasets.captions import SIDES
from training.datasets.opening import layout_of, open_dataset
from training.datasets.records import Split

_TEXT = "Text"


def caption_command(
    source: Path,
    captioner: str,
    infrared_captioner: str | None,
    name: str | None,
    out: Path | None,
    modality: Modality | None,
    seed: int,
    restart: bool,
    as_json: bool,
) -> int:
    """Caption a data set, or a folder of images.

    Returns:
        0.

    Raises:
        UsageError: a plain folder without its modality, or captions by another captioner are there.
        SourceError: there is nothing to caption; or, after the others were captioned, some images could not
            be read.
    """
    wanted = _wanted(source, modality)
    chosen = dict.fromkeys(wanted, captioner)
    if infrared_captioner is not None and Modality.INFRARED in chosen:
        chosen[Modality.INFRARED] = infrared_captioner
    folder = source / _TEXT if out is None else out
    check_writable(folder, folder=True)
    called = _called(captioner) if name is None else name
    if re.fullmatch(r"[\w.-]+", called) is None:
        raise UsageError(f"{called!r} can be no part of a file's name.", "Letters, digits, '-' and '.'.")
    loaded: dict[str, Captioner] = {}
    written: dict[Modality, Written] = {}
    with ProgressBars(ends=True) as bars:
        for one, images in wanted.items():
            who = chosen[one]
            if who not in loaded:
                loaded[who] = load_captioner(who)
            written[one] = write_captions(
                images,
                one,
                loaded[who],
                folder / f"{called}_{SIDES[one]}",
                who,
                seed,
                _Shown(bars, one),
                restart,
            )
    if as_json:
        print(json.dumps(_told(written), indent=2, ensure_ascii=False))
    else:
        for one, found in written.items():
            print(f"{found.captions} captions of {one} images are in {found.folder}")
    _check_read(written)
    return 0


@dataclass(frozen=True, slots=True)
class _Shown:
    bars: ProgressBars
    modality: Modality

    def __call__(self, done: int, total: int) -> None:
        self.bars.show(f"caption {self.modality}", done, total, "")


def _wanted(source: Path, modality: Modality | None) -> dict[Modality, list[Wanted]]:
    """The images of each modality, in order."""
    if not source.is_dir():
        raise SourceError(f"The folder {source} does not exist.")
    if layout_of(source) is None:
        return _of_folder(source, modality)
    if modality is not None:
        raise UsageError(f"{source} is a data set, which says itself of which modality its images are.")
    dataset = open_dataset(source)
    found: dict[Modality, dict[str, Wanted]] = {}
    for split in Split:
        for record in dataset.splits.get(split, ()):
            image = Wanted(record.caption_key, dataset.file(record), record.identity)
            found.setdefault(record.modality, {})[record.caption_key] = image
    return {one: [found[one][key] for key in sorted(found[one])] for one in Modality if one in found}


def _of_folder(source: Path, modality: Modality | None) -> dict[Modality, list[Wanted]]:
    if modality is None:
        raise UsageError(
            f"{source} is no data set of a known layout.", "For a folder of images say --modality."
        )
    images = [
        Wanted(readable_path(file.relative_to(source).as_posix()), file, None)
        for file in sorted(list_images(source))
    ]
    if not images:
        raise SourceError(f"The folder {source} holds no image.")
    return {modality: images}


def _called(captioner: str) -> str:
    """``starter`` is Starter, a BLIP of the hub Blip, as the published captions are called."""
    last = Path(captioner).name
    return "Blip" if last.startswith("blip") else re.sub(r"[^\w.-]+", "-", last).capitalize()


def _told(written: dict[Modality, Written]) -> dict[str, object]:
    return {
        str(one): {
            "folder": str(found.folder),
            "captions": found.captions,
            "unreadable": dict(found.unreadable),
        }
        for one, found in written.items()
    }


def _check_read(written: dict[Modality, Written]) -> None:
    unreadable = [reason for found in written.values() for reason in found.unreadable.values()]
    if unreadable:
        raise SourceError(f"{len(unreadable)} images have no caption. {unreadable[0]}")


def train_captioner_command(recipe: Path, data: Path, out: Path, overrides: Sequence[str]) -> int:
    """Train the captioner that looks through an embedder's network.

    Returns:
        0.
    """
    from training.captioning.recipe import CaptionerRecipe

    told = load_config(CaptionerRecipe, recipe, overrides, os.environ)
    check_writable(out, folder=True)
    from training.captioning.training import train_captioner

    with ProgressBars(ends=True) as bars, stopped_by_ctrl_c("stopping; nothing is written") as stop:
        written = train_captioner(data, out, told, bars.show, stop.is_set)
    print(f"The captioner is {written}")
    return 0


def train_blip_command(recipe: Path, data: Path, out: Path, overrides: Sequence[str], restart: bool) -> int:
    """Fine-tune a BLIP for one modality.

    Returns:
        0; 130 where it was interrupted.
    """
    from training.captioning.blip_recipe import BlipRecipe

    told = load_config(BlipRecipe, recipe, overrides, os.environ)
    check_writable(out, folder=True)
    from training.captioning.blip_training import train_blip

    with ProgressBars(ends=True) as bars, stopped_by_ctrl_c("finishing the step") as stop:
        done = train_blip(data, out, told, bars.show, stop.is_set, restart)
    if not done.finished:
        print(f"Interrupted after step {done.steps}; the same command goes on.")
        return INTERRUPTED
    print(f"The captioner is {done.folder}")
    if done.before is not None and done.after is not None:
        print(f"Loss on validation images: {done.before:.3f} before, {done.after:.3f} after")
    return 0
