"""A synthetic set: its lists, folders, texts and labels against its own manifest."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reid_core.errors import SourceError
from reid_core.file_names import path_of
from reid_core.types import Modality, Spectrum
from training.datasets.captions import read_identity_captions, read_image_captions
from training.datasets.checks.findings import Seen, Told
from training.datasets.checks.sysu import read_lists, walk_cameras
from training.datasets.listing import listed_numbers
from training.datasets.records import Split
from training.datasets.wording import few, plural

TEXTS = {Modality.VISIBLE: "Synthetic_RGB", Modality.INFRARED: "Synthetic_IR"}


def check_synthetic(
    root: Path, manifest_name: str, cameras: Mapping[int, Spectrum], deep: bool, told: Told
) -> Seen:
    """Everything that a synthetic set says of itself.

    Args:
        root: of the data set.
        manifest_name: the file in which it says that.
        cameras: of a set that names none.
        deep: compute its digest anew.
        told: called with what is done, how many of it, and of how many.
    """
    seen = Seen()
    manifest = _manifest(root, manifest_name, seen)
    lists = read_lists(root, seen)
    cameras = _cameras(manifest, manifest_name, cameras, seen)
    walk_cameras(root, lists, cameras, seen)
    people = sorted({identity for ids in lists.values() for identity in ids})
    _check_available(root, people, seen)
    _count(manifest, lists, cameras, people, seen)
    _check_captions(root, people, seen)
    for name in ("attributes.json", "labels.json"):
        _check_keys(root, name, {str(identity) for identity in people}, "identities", seen)
    _check_images_file(root, seen)
    digest = manifest.get("digest")
    if not digest:
        seen.error("no-digest", f"{manifest_name} names no digest.", [manifest_name])
    elif deep and _digest(root, manifest_name, seen, told) != digest:
        seen.error("digest", f"The files are not those that the digest of {manifest_name} was made of.")
    return seen


def _manifest(root: Path, name: str, seen: Seen) -> dict[str, Any]:
    values = _json(root / name)
    if not isinstance(values, dict):
        seen.error("bad-manifest", f"{name} is no manifest that can be read.", [name])
        return {}
    lacking = [key for key in ("images", "total", "cameras", "identities") if key not in values]
    if lacking:
        seen.error("bad-manifest", f"{name} does not name {', '.join(lacking)}.", [name])
    return values


def _cameras(
    manifest: Mapping[str, Any], name: str, unnamed: Mapping[int, Spectrum], seen: Seen
) -> Mapping[int, Spectrum]:
    if "cameras" not in manifest:
        return unnamed
    try:
        return {int(camera): Spectrum(said["spectrum"]) for camera, said in manifest["cameras"].items()}
    except (AttributeError, KeyError, TypeError, ValueError):
        seen.error("bad-manifest", f"The cameras of {name} do not name their spectrum.", [name])
        return unnamed


def _check_available(root: Path, people: list[int], seen: Seen) -> None:
    named = "exp/available_id.txt"
    try:
        available = listed_numbers(root / named)
    except SourceError as error:
        seen.error("bad-list", error.message, [named])
        return
    odd = sorted(set(available) ^ set(people))
    if odd:
        number = plural(len(odd), "identity", "identities")
        seen.error("lists-differ", f"{number} in {named} or in a split's list, but not in both: {few(odd)}.")


def _count(
    manifest: Mapping[str, Any],
    lists: Mapping[Split, list[int]],
    cameras: Mapping[int, Spectrum],
    people: list[int],
    seen: Seen,
) -> None:
    said = manifest.get("identities")
    for split in Split:
        expected = said.get(str(split)) if isinstance(said, dict) else None
        seen.compare(f"identities of {split}", expected, len(lists[split]) if split in lists else None)
    each = manifest.get("images")
    folders: dict[tuple[int, int], int] = {}
    for image in seen.images:
        folders[image.camera, image.identity] = folders.get((image.camera, image.identity), 0) + 1
    for camera in cameras:
        own = sum(number for (other, _), number in folders.items() if other == camera)
        seen.count(f"images of camera {camera}", len(people) * each if each else None, own)
        if each:
            odd = [f"cam{camera}/{who:04d}" for who in people if folders.get((camera, who), 0) != each]
            if odd:
                text = f"{plural(len(odd), 'folder')} without exactly {plural(each, 'image')}: {few(odd)}."
                seen.error("folder-count", text, odd)
    seen.count("images in all", manifest.get("total"), len(seen.images))


def _check_captions(root: Path, people: list[int], seen: Seen) -> None:
    for modality, name in TEXTS.items():
        records = [image.record() for image in seen.images if image.modality is modality]
        folder = root / "Text" / name
        try:
            for kind in ("caption_dict", "caption_llm_dict"):
                read_image_captions(folder / f"{kind}_{name}.json", records)
            _check_everybody(folder / f"id_caption_map_{name}.json", people)
        except SourceError as error:
            seen.error("captions", error.message, [f"Text/{name}"])
    try:
        _check_everybody(root / "identity_captions.json", people)
    except SourceError as error:
        seen.error("captions", error.message, ["identity_captions.json"])


def _check_everybody(file: Path, people: list[int]) -> None:
    known = read_identity_captions(file)
    odd = sorted(set(known) ^ set(people))
    if odd:
        who = plural(len(odd), "identity", "identities")
        raise SourceError(f"{who} in {file.name} or in the lists, but not in both: {few(odd)}.")


def _check_keys(root: Path, name: str, wanted: set[str], what: str, seen: Seen) -> None:
    values = _json(root / name)
    if not isinstance(values, dict):
        seen.error("labels", f"{name} is missing or cannot be read.", [name])
        return
    odd = sorted(wanted ^ set(values))
    if odd:
        text = f"{len(odd):,} {what} in {name} or in the lists, but not in both: {few(odd)}."
        seen.error("labels", text, odd)


def _check_images_file(root: Path, seen: Seen) -> None:
    name = "images.jsonl"
    try:
        lines = (root / name).read_text(encoding="utf-8").splitlines()
        named = {json.loads(line)["path"] for line in lines}
    except (OSError, ValueError, KeyError, TypeError):
        seen.error("images-file", f"{name} is missing or cannot be read.", [name])
        return
    there = {image.path for image in seen.images}
    for odd, what in ((sorted(named - there), "not there"), (sorted(there - named), "not listed")):
        if odd:
            seen.error("images-file", f"{plural(len(odd), 'image')} of {name} {what}: {few(odd)}.", odd)


def _digest(root: Path, manifest_name: str, seen: Seen, told: Told) -> str:
    """As `training.synthetic.scenes.dataset` computes it, before it writes the manifest."""
    digest = hashlib.sha256()
    images = sorted(seen.images, key=lambda image: image.path)
    for done, image in enumerate(images, 1):
        digest.update(f"{image.path} {_sha256(root / path_of(image.path))}\n".encode())
        told("images hashed", done, len(images))
    texts = [path for path in sorted(root.glob("*.json*")) if path.name != manifest_name]
    for path in texts + sorted((root / "Text").rglob("*.json")):
        digest.update(f"{path.relative_to(root)} {_sha256(path)}\n".encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        # That it cannot be read is a finding of its own; the digest is another one in any case.
        return ""


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
