"""Captions of images and of identities from the files in which they are published.

Of images: the Tri- files of TVI-LFM (Hu et al., "Empowering Visible-Infrared Person Re-Identification with
Large Foundation Models", NeurIPS 2024), ``caption_dict_*.json`` with ``{path: {"description"}}`` and
``caption_llm_dict_*.json`` with ``"aug_description"``, a rephrasing, beside it. Paths begin with whatever
folder their authors kept the data in; what follows the data set's root is what counts. Of identities:
``id_caption_map_*.json`` with ``{identity: [captions]}``, and flat files with ``{identity: caption}``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from reid_core.errors import SourceError
from reid_core.types import Modality
from training.datasets.json_objects import by_identity, read_object
from training.datasets.records import ImageRecord

SIDES = {Modality.VISIBLE: "RGB", Modality.INFRARED: "IR"}
"""What folders and files of captions of a modality's images end with: ``Text/Blip_RGB``."""

_CALLED = "caption file"


@dataclass(frozen=True, slots=True)
class ImageCaption:
    """What is said of one image.

    Attributes:
        description: the caption.
        aug_description: the same in other words; ``None`` where the file has none.
    """

    description: str
    aug_description: str | None


@dataclass(frozen=True, slots=True, eq=False)
class ImageCaptions(Mapping[str, ImageCaption]):
    """Captions by `ImageRecord.caption_key`.

    Attributes:
        by_key: of every image that has one.
        missing: paths of images without one, of the modalities that the file speaks of.
        elsewhere: number of captions of people who have no image among the records: SYSU-MM01's files
            speak of images that belong to no split.
    """

    by_key: Mapping[str, ImageCaption]
    missing: tuple[str, ...]
    elsewhere: int

    def __getitem__(self, key: str) -> ImageCaption:
        return self.by_key[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_key)

    def __len__(self) -> int:
        return len(self.by_key)


def read_image_captions(
    path: Path, records: Sequence[ImageRecord], *, allow_missing: bool = False
) -> ImageCaptions:
    """Read a file of captions of images.

    Args:
        path: of the file.
        records: the images that it may speak of: a data set's of every split. Of a modality of which no
            image has a caption, none is missed: visible and infrared captions are files of their own.
        allow_missing: images without a caption are no error, but named in the result.

    Raises:
        SourceError: the file is missing, no JSON or of another schema; a key matches no image of a person
            that has images; two keys contradict each other; or an image has no caption.
    """
    keys = {record.caption_key for record in records}
    folders = {_folder(key) for key in keys}
    found: dict[str, ImageCaption] = {}
    surplus: list[str] = []
    elsewhere: list[str] = []
    entries = read_object(path, _CALLED, "captions")
    for named, said in entries.items():
        caption = _caption(path, named, said)
        key = _match(named, keys)
        if key is None:
            (surplus if _folder(named) in folders else elsewhere).append(named)
        elif found.setdefault(key, caption) != caption:
            raise SourceError(f"Two captions of {path} contradict each other on the image {key}.")
    if not found:
        # Whatever is wrong, it is not a single image.
        surplus = [*surplus, *elsewhere]
    if surplus:
        raise SourceError(
            f"{len(surplus):,} of the {len(entries):,} captions of {path} match no image of the data set; "
            f"the first is {surplus[0]!r}.",
            "Captions are matched by the part of the path after the data set's root.",
        )
    spoken_of = {record.modality for record in records if record.caption_key in found}
    missing = tuple(
        record.path for record in records if record.modality in spoken_of and record.caption_key not in found
    )
    if missing and not allow_missing:
        raise SourceError(f"{len(missing):,} images have no caption in {path}; the first is {missing[0]}.")
    return ImageCaptions(found, missing, len(elsewhere))


def read_descriptions(path: Path) -> dict[str, str]:
    """The captions of a file of images alone, by the keys that stand there.

    Raises:
        SourceError: the file is missing, no JSON or of another schema.
    """
    entries = read_object(path, _CALLED, "captions")
    return {named: _caption(path, named, said).description for named, said in entries.items()}


def read_identity_captions(path: Path) -> Mapping[int, tuple[str, ...]]:
    """Read a file of captions of identities.

    Returns:
        Identity -> its captions, one or more.

    Raises:
        SourceError: the file is missing, no JSON or of another schema.
    """
    found: dict[int, tuple[str, ...]] = {}
    for identity, said in by_identity(path, _CALLED, read_object(path, _CALLED, "captions")):
        captions = (said,) if isinstance(said, str) else tuple(said) if isinstance(said, list) else ()
        if not captions or not all(isinstance(each, str) and each.strip() for each in captions):
            raise SourceError(f"The captions {path} hold no text for identity {identity}.")
        found[identity] = captions
    return found


def _caption(path: Path, named: str, said: Any) -> ImageCaption:
    description = said.get("description") if isinstance(said, dict) else None
    other = said.get("aug_description") if isinstance(said, dict) else None
    if not isinstance(description, str) or not description.strip():
        raise SourceError(
            f"In the caption file {path} the entry {named!r} has no description.",
            'Captions of images are of the form {path: {"description": text}}.',
        )
    if other is not None and (not isinstance(other, str) or not other.strip()):
        raise SourceError(f"In the caption file {path} the entry {named!r} has no text in aug_description.")
    return ImageCaption(description, other)


def _match(named: str, keys: set[str]) -> str | None:
    """The longest end of a path that is an image's key."""
    parts = PurePosixPath(named.replace("\\", "/")).parts
    for start in range(len(parts)):
        key = "/".join(parts[start:])
        if key in keys:
            return key
    if len(parts) >= 4 and parts[-4] in ("test_vis", "test_nir"):
        # LLCM keeps test images a second time by camera; captions go by the first place.
        key = "/".join((parts[-4].removeprefix("test_"), *parts[-2:]))
        return key if key in keys else None
    return None


def _folder(key: str) -> str:
    """The name of the folder that an image is in: the identity's, in every published layout."""
    parts = PurePosixPath(key.replace("\\", "/")).parts
    return parts[-2] if len(parts) > 1 else ""
