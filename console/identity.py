"""The logic of ``nightreid identity``: what it prints of a gallery, and how it is put right."""

import getpass
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.failing import check_writable
from console.local_use import LocalUse
from reid_core.errors import StorageError, UsageError
from reid_core.gallery import Gallery, corrections, history
from reid_core.gallery.corrections import Author, CorrectionKind
from reid_core.gallery.history import Correction, Member
from reid_core.gallery.limits import EXACT_UP_TO
from reid_core.gallery.naming import the_identity, the_tracklet
from reid_core.gallery.relocating import members
from reid_core.gallery.schema import SightingRow
from reid_core.gallery.together import check_apart
from stream.run.export import iso_utc

_LONGEST_NAME = 255


def open_gallery(url: str, exact_up_to: int = EXACT_UP_TO) -> Gallery:
    """A gallery that exists.

    Args:
        url: of the database.
        exact_up_to: as for `Gallery.open`.

    Raises:
        UsageError: the file is not there.
        GalleryError, StorageError: it cannot be opened.
    """
    check_there(url)
    return Gallery.open(url, exact_up_to=exact_up_to)


def check_there(url: str) -> None:
    """See that the file of a gallery is there; of a server nothing is known yet.

    Raises:
        UsageError: it is not.
    """
    before, scheme, rest = url.partition("sqlite:///")
    file = rest.partition("?")[0]
    in_file = scheme and not before and file and not file.startswith(("file:", ":memory:"))
    if in_file and not Path(file).exists():
        raise UsageError(f"There is no gallery {file}.", "An address of one is sqlite:///FILE.")


def show_command(database: str, name: str | None, crops: Path | None, as_json: bool, use: LocalUse) -> int:
    """Print one identity, or the list of all.

    Returns:
        0.

    Raises:
        UsageError: there is no such identity, or crops are asked for without one.
        StorageError: the crops cannot be written.
    """
    if crops is not None and name is None:
        raise UsageError("--crops needs an identity.")
    with open_gallery(database) as gallery:
        return _list(gallery, as_json, use) if name is None else _show(gallery, name, crops, as_json, use)


def merge_command(
    database: str, name: str, other: str, by: str | None, why: str, anyway: bool, as_json: bool, use: LocalUse
) -> int:
    """Make two identities one and print the correction.

    Returns:
        0.

    Raises:
        UsageError: there is no such identity, or both were in one picture.
    """

    def do(session: Session, author: Author) -> int:
        if not anyway:
            ids = the_identity(session, name), the_identity(session, other)
            check_apart(session, members(session, ids[0]), members(session, ids[1]))
        return corrections.merge(session, name, other, author)

    return _correct(database, "identity.merge", do, by, why, as_json, use)


def split_command(
    database: str, name: str, tracklets: list[str], by: str | None, why: str, as_json: bool, use: LocalUse
) -> int:
    """Make some tracklets of an identity a new one and print the correction.

    Returns:
        0.

    Raises:
        UsageError: there is no such identity, or these are not some of its tracklets.
    """

    def do(session: Session, author: Author) -> int:
        return corrections.split(session, name, tracklets, author)

    return _correct(database, "identity.split", do, by, why, as_json, use)


def move_command(
    database: str,
    tracklet: str,
    name: str,
    by: str | None,
    why: str,
    anyway: bool,
    as_json: bool,
    use: LocalUse,
) -> int:
    """Give a tracklet to another identity and print the correction.

    Returns:
        0.

    Raises:
        UsageError: there is no such tracklet or identity, or both were in one picture.
    """

    def do(session: Session, author: Author) -> int:
        if not anyway:
            moved = the_tracklet(session, tracklet)
            there = [one for one in members(session, the_identity(session, name)) if one != moved]
            check_apart(session, [moved], there)
        return corrections.move(session, tracklet, name, author)

    return _correct(database, "tracklet.move", do, by, why, as_json, use)


def undo_command(database: str, number: int | None, by: str | None, as_json: bool, use: LocalUse) -> int:
    """Undo a correction and print it.

    Returns:
        0.

    Raises:
        UsageError: there is none, or it cannot be undone.
    """

    def do(session: Session, author: Author) -> int:
        return corrections.undo(session, number, author)

    return _correct(database, "correction.undo", do, by, "", as_json, use)


def told(one: Correction) -> str:
    """A correction in one sentence."""
    count = len(one.tracklets)
    some = f"{count} tracklet{'s' * (count != 1)}"
    said = {
        CorrectionKind.MERGE: f"{one.other} ({some}) merged into {one.identity}",
        CorrectionKind.SPLIT: f"{some} of {one.identity} are {one.other} now",
        CorrectionKind.MOVE: f"tracklet {one.tracklets[0] if count else '?'} moved "
        f"from {one.identity} to {one.other}",
        CorrectionKind.APART: f"{one.identity} and {one.other} are two people",
        CorrectionKind.LOOK_BACK: f"tracklet {one.tracklets[0] if count else '?'} fits {one.other} better "
        f"than {one.identity}",
    }[CorrectionKind(one.kind)]
    why = f": {one.reason}" if one.reason else ""
    undone = f" (undone {iso_utc(one.undone_ns)} by {one.undone_by})" if one.undone_by else ""
    return f"{one.number}  {iso_utc(one.time_ns)}  {one.actor}  {said}{why}{undone}"


def _correct(
    database: str,
    action: str,
    do: Callable[[Session, Author], int],
    by: str | None,
    why: str,
    as_json: bool,
    use: LocalUse,
) -> int:
    author = author_of(by, why)
    with open_gallery(database) as gallery, gallery.database.write() as session:
        done = history.the_correction(session, do(session, author))
        record_correction(gallery, use, action, done, author, session)
    print(json.dumps(asdict(done), indent=2) if as_json else f"correction {told(done)}")
    return 0


def record_correction(
    gallery: Gallery, use: LocalUse, action: str, done: Correction, author: Author, session: Session
) -> None:
    """Write a correction to the audit log, in the transaction in which it is made."""
    subject = {
        "identities": sorted({done.identity, done.other}),
        "tracklets": list(done.tracklets),
        "corrections": [done.number],
    }
    said = {"author": author.name, "reason": author.reason}
    use.or_else(author.reason).record(gallery.database, action, subject, said, session)


def author_of(
    by: str | None, why: str, needed: str = "A correction needs the name of who makes it."
) -> Author:
    """Who corrects or adds something now.

    Args:
        by: their name; that of this machine's user by default.
        why: the reason.
        needed: what is said where nobody is named.

    Raises:
        UsageError: nobody is named and the machine does not know its user.
    """
    name = by
    if name is None:
        with suppress(KeyError, OSError, ImportError):
            name = getpass.getuser()
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError(needed, "Give it with --by.")
    return Author(name, time.time_ns(), why)


def _list(gallery: Gallery, as_json: bool, use: LocalUse) -> int:
    with gallery.database.read() as session:
        found = history.overviews(session)
    use.record(gallery.database, "view", {"listed": len(found)})
    if as_json:
        print(json.dumps({"identities": [asdict(one) for one in found]}, indent=2))
        return 0
    for one in found:
        print(
            f"P{one.place}  {one.id}  {one.tracklets} tracklet{'s' * (one.tracklets != 1)}  "
            f"{iso_utc(one.start_ns)} to {iso_utc(one.end_ns)}  {', '.join(one.cameras)}"
        )
    return 0


def _show(gallery: Gallery, name: str, crops: Path | None, as_json: bool, use: LocalUse) -> int:
    with gallery.database.read() as session:
        identity = the_identity(session, name)
        place = next(one.place for one in history.overviews(session) if one.id == identity)
        tracklets = history.identity_members(session, identity)
        linked = history.linked_to(session, identity)
        corrected = history.corrections_of(session, identity, [one.id for one in tracklets])
    shown = {
        "identities": [identity],
        "tracklets": [*(one.id for one in tracklets), *(one.id for one in linked)],
    }
    use.record(gallery.database, "view" if crops is None else "export", shown)
    with gallery.database.read() as session:
        paths = _write_crops(session, tracklets, crops) if crops is not None else {}
    if as_json:
        said: dict[str, Any] = {
            "identity": identity,
            "place": place,
            "tracklets": [
                {
                    **asdict(one),
                    "exemplars": sorted(one.exemplars),
                    "crops": [paths.get(s) for s in one.sightings],
                }
                for one in tracklets
            ],
            "linked": [asdict(one) for one in linked],
            "corrections": [asdict(one) for one in corrected],
        }
        print(json.dumps(said, indent=2))
        return 0
    print(f"P{place}  {identity}")
    for member in tracklets:
        print(f"  {member.camera}  {iso_utc(member.start_ns)} to {iso_utc(member.end_ns)}  {member.id}")
        print(f"    {len(member.sightings)} crops, {len(member.exemplars)} exemplars; {_reason(member)}")
        for sighting in member.sightings:
            if sighting in paths:
                print(f"    {paths[sighting]}")
    for one in linked:
        chance = f", probability {one.probability:.2f}" if one.probability is not None else ""
        print(f"  linked: {one.camera}  {iso_utc(one.start_ns)} to {iso_utc(one.end_ns)}  {one.id}{chance}")
    for correction in corrected:
        print(f"  correction {told(correction)}")
    return 0


def _reason(member: Member) -> str:
    score, reason = member.evidence.get("score"), member.evidence.get("reason", "")
    return f"{reason}, {score:.3f}" if isinstance(score, float) else str(reason)


def _write_crops(session: Session, tracklets: tuple[Member, ...], folder: Path) -> dict[str, str]:
    """Write the crops as JPEG files: the path of each sighting's."""
    check_writable(folder, folder=True)
    written: dict[str, str] = {}
    for member in tracklets:
        for rank, sighting in enumerate(member.sightings, start=1):
            crop = session.scalar(select(SightingRow.crop).where(SightingRow.id == sighting))
            if crop:
                path = folder / f"{member.id}-{rank}.jpg"
                try:
                    path.write_bytes(crop)
                except OSError as error:
                    raise StorageError(f"The crop {path} cannot be written: {error.strerror}.") from None
                written[sighting] = str(path)
    return written
