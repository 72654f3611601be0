"""The logic of ``nightreid hold``: holds are added, listed and lifted."""

import json
import time
from dataclasses import asdict

from console.identity import author_of, open_gallery
from console.local_use import LocalUse, local_actor, note_checkpoint
from console.when import time_range
from reid_core.audit.trail import Trail
from reid_core.erasure.auditing import HOLD, LIFT, Auditing
from reid_core.erasure.holds import Hold, NewHold, hold, holds, lift
from reid_core.errors import UsageError
from reid_core.gallery import Gallery
from stream.run.export import iso_utc


def hold_command(
    database: str,
    named: tuple[str | None, str | None, str | None],
    times: tuple[str | None, str | None],
    why: str,
    by: str | None,
    as_json: bool,
    use: LocalUse,
) -> int:
    """Hold an identity, a tracklet or what a camera saw, and print it.

    Args:
        database: address of the gallery.
        named: identity, tracklet and camera: one of them.
        times: ``--from`` and ``--to``, of a camera.
        why: the reason.
        by: who holds.
        as_json: print JSON.
        use: purpose and case.

    Returns:
        0.

    Raises:
        UsageError: it names not one thing, or one that is not there, or gives no reason.
    """
    since, until, hours = time_range(*times)
    if hours is not None:
        raise UsageError(
            "A hold is on a stretch of time, not on hours of every day.", "Give times with a date."
        )
    author = author_of(by, why, "A hold needs the name of who holds.")
    identity, tracklet, camera = named
    new = NewHold(why, author.name, identity, tracklet, camera, since, until)
    with open_gallery(database) as gallery:
        use.check(gallery.database, HOLD)
        auditing = auditing_of(gallery, use.or_else(why))
        with gallery.database.write() as session:
            made = hold(session, new, author.time_ns)
            auditing.held(session, made)
        note_checkpoint(gallery.database)
    return _print(made, as_json)


def lift_command(database: str, number: int, by: str | None, as_json: bool, use: LocalUse) -> int:
    """Lift a hold and print it.

    Returns:
        0.

    Raises:
        UsageError: there is none of this number that stands.
    """
    author = author_of(by, "", "Lifting a hold needs the name of who lifts it.")
    with open_gallery(database) as gallery:
        use.check(gallery.database, LIFT)
        auditing = auditing_of(gallery, use)
        with gallery.database.write() as session:
            done = lift(session, number, author.name, time.time_ns())
            auditing.lifted(session, done)
        note_checkpoint(gallery.database)
    return _print(done, as_json)


def list_command(database: str, lifted: bool, as_json: bool) -> int:
    """Print the holds.

    Returns:
        0.
    """
    with open_gallery(database) as gallery, gallery.database.read() as session:
        found = holds(session, lifted)
    if as_json:
        print(json.dumps({"holds": [asdict(one) for one in found]}, indent=2))
        return 0
    for one in found:
        print(hold_line(one))
    if not found:
        print("Nobody is held.")
    return 0


def auditing_of(gallery: Gallery, use: LocalUse) -> Auditing:
    """What writes to the audit log for a command.

    Raises:
        AuditKeyError: the log's key is missing, or another one.
    """
    return Auditing(Trail.of(gallery.database), local_actor(), use.purpose, use.case)


def hold_line(one: Hold) -> str:
    """A hold in one line."""
    since, until = (iso_utc(each) if each is not None else None for each in (one.since_ns, one.until_ns))
    stretch = f"{f' from {since}' if since else ''}{f' to {until}' if until else ''}"
    lifted = f" (lifted {iso_utc(one.lifted_ns)} by {one.lifted_by})" if one.lifted_by else ""
    what = f"{one.kind} {one.subject or one.camera}{stretch}"
    return f"hold {one.number}  {iso_utc(one.created_ns)}  {one.author}  {what}: {one.reason}{lifted}"


def _print(one: Hold, as_json: bool) -> int:
    print(json.dumps(asdict(one), indent=2) if as_json else hold_line(one))
    return 0
