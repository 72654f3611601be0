"""The logic of ``nightreid erase``: who is meant is found and shown, then erased; what is left is said."""

import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from console.holding import auditing_of
from console.identity import author_of, open_gallery
from console.local_use import LocalUse, note_checkpoint
from reid_core.erasure.auditing import ERASE
from reid_core.erasure.choosing import Chosen, Plan, plan
from reid_core.erasure.example import Candidate, by_example
from reid_core.erasure.gone import all_of
from reid_core.erasure.proof import Traces
from reid_core.erasure.service import Erasing, Erasure
from reid_core.erasure.tidying import tidy
from reid_core.errors import UsageError
from reid_core.gallery import Gallery
from reid_core.gallery.erasure_rows import ErasedRow, ErasureRow
from reid_core.querying.asking import QueryModels
from reid_core.querying.probes import read_crops
from reid_core.types import Modality
from stream.kafka.erasing import erase_outside
from stream.run.export import iso_utc

_SHOWN = 5
# So sure a best candidate has to be, to be taken without asking.
_SURE = 0.9


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``erase`` was told; fields as its options."""

    identities: tuple[str, ...]
    tracklets: tuple[str, ...]
    images: tuple[Path, ...]
    modality: str
    linked: bool
    yes: bool
    dry: bool
    whole: bool
    search: tuple[Path, ...]
    blobs: str | None
    by: str | None
    reid: str | None


def erase_command(database: str, asked: Asked, as_json: bool, use: LocalUse) -> int:
    """Erase somebody and print what was done and what is left.

    Returns:
        0; 1 where nobody was erased because whoever was asked said no, or a search found something.

    Raises:
        UsageError: nobody is named, or nobody who is there, or it cannot be told who is meant.
        HeldError: they are under legal hold.
        SourceError: an image cannot be read.
        ModelMismatchError: the embedder is not the gallery's.
    """
    author = author_of(asked.by, "", "An erasure needs the name of who erases.")
    with open_gallery(database) as gallery:
        use.check(gallery.database, ERASE)
        identities, tracklets = list(asked.identities), list(asked.tracklets)
        if asked.images:
            more = _by_images(gallery, asked)
            if more is None:
                print("Nobody was erased.", file=sys.stderr)
                return 1
            identities += more[0]
            tracklets += more[1]
        with gallery.database.read() as session:
            wanted = plan(session, identities, tracklets, asked.linked)
            gone = all_of(session, {one.id for one in wanted.tracklets})
            traces = Traces.of(session, gone) if asked.search else Traces()
        if asked.dry:
            print(json.dumps(_plan_json(wanted), indent=2) if as_json else "\n".join(_plan_lines(wanted)))
            return 0
        print("\n".join(_plan_lines(wanted)), file=sys.stderr)
        if not asked.yes and not _agreed():
            print("Nobody was erased.", file=sys.stderr)
            return 1
        auditing = auditing_of(gallery, use)
        done = Erasing(gallery, auditing).erase(wanted, author.name, asked.whole)
        note_checkpoint(gallery.database)
        done = replace(done, left=(*done.left, *erase_outside(asked.blobs, done.stretches)))
        places = [*_own_files(gallery), *asked.search]
        found = traces.found_in(places) if asked.search else None
    _tell(done, found, as_json)
    return 1 if found else 0


def list_command(database: str, as_json: bool) -> int:
    """Print the erasures: when, by whom, how much; nothing says of whom.

    Returns:
        0.
    """
    counted = select(func.count()).where(ErasedRow.erasure_id == ErasureRow.id, ErasedRow.kind == "tracklet")
    chosen = select(ErasureRow, counted.scalar_subquery().label("tracklets")).order_by(ErasureRow.id)
    with open_gallery(database) as gallery, gallery.database.read() as session:
        found = [
            {
                "erasure": row.ErasureRow.name,
                "time": iso_utc(row.ErasureRow.created_ns),
                "by": row.ErasureRow.actor,
                "audit": row.ErasureRow.audit,
                "tracklets": row.tracklets,
            }
            for row in session.execute(chosen)
        ]
    if as_json:
        print(json.dumps({"erasures": found}, indent=2))
        return 0
    for one in found:
        audit = f", audit row {one['audit']}" if one["audit"] is not None else ""
        print(f"{one['time']}  {one['by']}  {one['tracklets']} tracklets  {one['erasure']}{audit}")
    if not found:
        print("Nobody was erased.")
    return 0


def tidy_command(database: str, as_json: bool) -> int:
    """Have the database's files hold nothing of rows that are gone, and print what is left.

    Returns:
        0.
    """
    with open_gallery(database) as gallery:
        left = tidy(gallery.database)
    print(json.dumps({"left": left}, indent=2) if as_json else "\n".join(left))
    return 0


def _by_images(gallery: Gallery, asked: Asked) -> tuple[list[str], list[str]] | None:
    """Identities and tracklets that are meant by crops; ``None`` where nobody is, as who was asked says."""
    crops, files = read_crops(asked.images), [image.read_bytes() for image in asked.images]
    found = by_example(gallery, files, crops, Modality(asked.modality), QueryModels(asked.reid), _SHOWN)
    if found.tracklets:
        print("The gallery holds this very picture.", file=sys.stderr)
        return list(found.identities), list(found.tracklets)
    if not found.candidates:
        raise UsageError("Nobody of the gallery is like this picture.")
    print("\n".join(map(_candidate_line, found.candidates)), file=sys.stderr)
    if asked.dry or asked.yes:
        best = found.candidates[0]
        if asked.dry or (best.probability is not None and best.probability >= _SURE):
            return [best.identity], []
        raise UsageError(
            f"The picture may be of several people: the best is not as sure as {_SURE:.0%}.",
            "Look at them, and name one with --identity.",
        )
    answer = _asked_for(f"Which of them is it? [1-{len(found.candidates)}, Enter for nobody] ")
    if not answer.isdecimal() or not 1 <= int(answer) <= len(found.candidates):
        return None
    return [found.candidates[int(answer) - 1].identity], []


def _agreed() -> bool:
    return _asked_for("Erase all of this, for good? Type yes: ").lower() == "yes"


def _asked_for(question: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError("Nobody is there to be asked.", "Say --yes to erase without being asked.")
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _own_files(gallery: Gallery) -> list[Path]:
    """The files of the gallery that this machine has."""
    file = gallery.database.file
    found = (
        [file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm", "-journal", ".index")]
        if file
        else []
    )
    return [*found, *([gallery.erasures] if gallery.erasures is not None else [])]


def _candidate_line(one: Candidate) -> str:
    chance = f"{one.probability:.0%}" if one.probability is not None else "not calibrated"
    return (
        f"{one.rank}  {one.identity}  {chance}  score {one.score:.3f}  "
        f"{one.tracklets} tracklets, {', '.join(one.cameras)}"
    )


def _plan_lines(wanted: Plan) -> list[str]:
    lines = [f"identity {one}" for one in wanted.identities]
    lines += [_chosen_line(one) for one in wanted.tracklets]
    if wanted.possible:
        count = len(wanted.possible)
        lines.append(
            f"{count} infrared tracklet{'s' * (count != 1)} may be of them, and stay: "
            f"{', '.join(wanted.possible[:_SHOWN])}{', …' if count > _SHOWN else ''}"
        )
    return lines


def _chosen_line(one: Chosen) -> str:
    sure = f" ({one.probability:.0%})" if one.probability is not None else ""
    staged = ", on its way in" if one.staged else ""
    held = ", UNDER LEGAL HOLD" if one.held else ""
    return (
        f"  tracklet {one.id}  {one.modality}  {one.camera}  {iso_utc(one.start_ns)}  "
        f"{one.sightings} crops  {one.why}{sure}{staged}{held}"
    )


def _plan_json(wanted: Plan) -> dict[str, Any]:
    return {
        "identities": wanted.identities,
        "tracklets": [asdict(one) for one in wanted.tracklets],
        "possible": wanted.possible,
    }


def _tell(done: Erasure, found: dict[Path, list[str]] | None, as_json: bool) -> None:
    if as_json:
        said = {
            "erasure": done.name,
            "tracklets": done.tracklets,
            "sightings": done.sightings,
            "rows": dict(done.counts),
            "audit": done.audit,
            "left": done.left,
            "found": None if found is None else {str(file): kinds for file, kinds in found.items()},
        }
        print(json.dumps(said, indent=2))
        return
    rows = ", ".join(f"{count} of {name}" for name, count in done.counts.items())
    print(f"Erased {done.tracklets} tracklets with {done.sightings} crops ({rows}).")
    print(f"Erasure {done.name}, audit row {done.audit}.")
    for line in done.left:
        print(f"Left: {line}")
    for file, kinds in (found or {}).items():
        print(f"FOUND in {file}: {', '.join(kinds)}")
    if found == {}:
        print("Searched: nothing of them was found.")
