"""A ReID data set of the synthetic world in the SYSU-MM01 layout, with captions and labels."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reid_core.errors import UsageError
from reid_core.types import Modality
from training.synthetic.captions.attributes import attributes, identity_caption, labels
from training.synthetic.people.drawing import draw_person
from training.synthetic.scenes.plan import FORMAT, Plan, Progress, Split


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: the folder, images, and the digest over all of them."""

    folder: Path
    images: int
    digest: str


def write_dataset(out: Path, plan: Plan, *, processes: int = 1, progress: Progress | None = None) -> Summary:
    """Write a data set; the same plan gives the same bytes on any number of processes.

    A run that was stopped goes on where it was.

    Args:
        out: folder to be created (or to be finished).
        plan: what to write.
        processes: how many draw at the same time.
        progress: told how many of how many images are written.

    Raises:
        UsageError: the folder holds something else, or the body model is not installed.
    """
    out = Path(out)
    parts = out / ".parts"
    note = parts / "plan.json"
    wanted = json.dumps(plan.as_json(), sort_keys=True)
    if out.exists() and any(out.iterdir()) and not (note.is_file() and note.read_text() == wanted):
        raise UsageError(
            f"{out} is not empty and does not hold an unfinished data set of this plan.",
            "Name another folder, or remove it.",
        )
    parts.mkdir(parents=True, exist_ok=True)
    note.write_text(wanted)
    splits = plan.splits()
    sites = plan.sites()
    done = 0
    waiting = []
    for site in sites:
        part = parts / f"{site.split}-{site.number:04d}.jsonl"
        if part.is_file():
            done += len(site.identities) * len(plan.indices(site.visit)) * len(plan.spectra)
        else:
            waiting.append((plan, str(out), site, str(part)))
    if progress:
        progress(done, plan.total)
    for written in _each(waiting, processes):
        done += written
        if progress:
            progress(done, plan.total)
    records = [
        json.loads(line)
        for site in sites
        for line in (parts / f"{site.split}-{site.number:04d}.jsonl").read_text().splitlines()
    ]
    digest = _finish(out, plan, splits, records)
    shutil.rmtree(parts)
    return Summary(out, len(records), digest)


def _each(tasks: Sequence[Any], processes: int) -> Any:
    from training.synthetic.scenes.site import write_site

    if processes <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield from write_site(*task)
        return
    from training.synthetic.geometry.parallel import relayed

    yield from relayed(write_site, tasks, processes)


def _finish(out: Path, plan: Plan, splits: dict[Split, list[int]], records: list[dict[str, Any]]) -> str:
    records.sort(key=lambda record: record["path"])
    _write_ids(out, splits)
    for modality, name in ((Modality.VISIBLE, "RGB"), (Modality.INFRARED, "IR")):
        own = [record for record in records if plan.spectra[record["camera"]].modality is modality]
        _write_captions(out / "Text" / f"Synthetic_{name}", f"Synthetic_{name}", own)
    people = [draw_person(identity, plan.seed) for identity in range(1, plan.ids + 1)]
    _dump(out / "attributes.json", {str(one.identity): attributes(one) for one in people})
    _dump(out / "identity_captions.json", {str(one.identity): identity_caption(one) for one in people})
    _dump(out / "labels.json", {str(one.identity): labels(one) for one in people})
    kept = ("path", "identity", "camera", "visible", "yaw", "height", "distance", "mistakes")
    lines = [json.dumps({key: record[key] for key in kept}) for record in records]
    (out / "images.jsonl").write_text("\n".join(lines) + "\n")
    digest = hashlib.sha256()
    for record in records:
        digest.update(f"{record['path']} {record['sha256']}\n".encode())
    for path in sorted(out.glob("*.json*")) + sorted((out / "Text").rglob("*.json")):
        digest.update(f"{path.relative_to(out)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    _dump(
        out / "synthetic.json",
        {
            "format": FORMAT,
            **plan.as_json(),
            "total": len(records),
            "cameras": {str(camera): {"spectrum": str(one)} for camera, one in sorted(plan.spectra.items())},
            "identities": {split: len(identities) for split, identities in splits.items()},
            "digest": digest.hexdigest(),
        },
    )
    return digest.hexdigest()


def _write_ids(out: Path, splits: dict[Split, list[int]]) -> None:
    folder = out / "exp"
    folder.mkdir(exist_ok=True)
    for split, identities in splits.items():
        (folder / f"{split}_id.txt").write_text(",".join(map(str, identities)) + "\n")
    everybody = sorted(identity for identities in splits.values() for identity in identities)
    (folder / "available_id.txt").write_text(",".join(map(str, everybody)) + "\n")


def _write_captions(folder: Path, name: str, records: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _dump(
        folder / f"caption_dict_{name}.json",
        {record["path"]: {"description": record["caption"]} for record in records},
    )
    _dump(
        folder / f"caption_llm_dict_{name}.json",
        {
            record["path"]: {"description": record["caption"], "aug_description": record["rephrased"]}
            for record in records
        },
    )
    by_identity: dict[str, list[str]] = {}
    for record in records:
        captions = by_identity.setdefault(str(record["identity"]), [])
        if record["caption"] not in captions:
            captions.append(record["caption"])
    _dump(folder / f"id_caption_map_{name}.json", by_identity)


def _dump(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")
