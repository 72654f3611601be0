"""The logic of ``nightreid watch``: standing queries are added, listed and changed."""

import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from console.identity import author_of, open_gallery
from console.local_use import LocalUse
from console.watch_lines import alert_line, watch_json, watch_line
from reid_core.errors import UsageError
from reid_core.gallery import Gallery
from reid_core.types import Floats, Modality
from reid_core.watching.alerts import Alert, alerts
from reid_core.watching.describing import described
from reid_core.watching.keeping import (
    add_watch,
    alert_counts,
    check_one,
    pause,
    remove,
    resume,
    the_watch,
    watches,
)
from reid_core.watching.watch import NewWatch, Watch
from stream.run.export import alert_json

_SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_LATEST_NS = 1 << 62


@dataclass(frozen=True, slots=True)
class Asked:
    """What ``watch add`` was told, as it was written."""

    text: str | None
    identity: str | None
    image: Path | None
    pictured: str
    on: str | None
    cameras: tuple[str, ...]
    hours: str | None
    zone: str
    until: str | None
    false_alarms: float | None
    score: float | None
    name: str
    by: str | None
    why: str
    reid: str | None


def add_command(database: str, asked: Asked, as_json: bool, use: LocalUse) -> int:
    """Add a watch and print it; a gallery that is not there yet is made.

    Returns:
        0.

    Raises:
        UsageError: it is asked for nobody or several things, or something that it names is not there.
        SourceError: the picture cannot be read.
        ModelMismatchError: the picture's embedder is not the gallery's.
    """
    # Before a model is loaded and a gallery made.
    check_one(asked.text, asked.identity, asked.image)
    now = time.time_ns()
    until = _until(asked.until, now) if asked.until is not None else None
    author = author_of(asked.by, asked.why, "A watch needs the name of who adds it.")
    told = described(asked.text)[1].told if asked.text is not None else ""
    vector, space = _picture(asked) if asked.image is not None else (None, None)
    with Gallery.open(database) as gallery:
        if space is not None:
            gallery.check_space(space)
        new = NewWatch(
            text=asked.text,
            identity=asked.identity,
            vector=vector,
            space=space,
            pictured=Modality(asked.pictured) if vector is not None else None,
            looks_at=Modality(asked.on) if asked.on is not None else None,
            cameras=asked.cameras,
            hours=asked.hours,
            zone=asked.zone,
            expires_ns=until,
            false_alarms=asked.false_alarms,
            score=asked.score,
            name=asked.name,
            author=author.name,
            purpose=asked.why,
        )
        with gallery.database.write() as session:
            number = add_watch(session, new, now)
            added = Watch.of(the_watch(session, number))
            why = use.or_else(asked.why)
            why.record(gallery.database, "watch.add", _subject(added), _details(added), session)
    if as_json:
        print(json.dumps({**watch_json(added, 0, now), "understood": told or None}, indent=2))
        return 0
    if told:
        print(f"Understood: {told}", file=sys.stderr)
    print(watch_line(added, 0, now))
    return 0


def list_command(database: str, as_json: bool) -> int:
    """Print all watches.

    Returns:
        0.
    """
    now = time.time_ns()
    with open_gallery(database) as gallery, gallery.database.read() as session:
        found, counts = watches(session), alert_counts(session)
    if as_json:
        said = [watch_json(one, counts.get(one.number, 0), now) for one in found]
        print(json.dumps({"watches": said}, indent=2))
        return 0
    for one in found:
        print(watch_line(one, counts.get(one.number, 0), now))
    return 0


def show_command(database: str, number: int, as_json: bool, use: LocalUse) -> int:
    """Print one watch and its alerts.

    Returns:
        0.

    Raises:
        UsageError: there is none of this number.
    """
    now = time.time_ns()
    with open_gallery(database) as gallery:
        with gallery.database.read() as session:
            one = Watch.of(the_watch(session, number))
            count = alert_counts(session).get(number, 0)
            raised = alerts(session, number)
        use.record(gallery.database, "view", {"watches": [number], **_seen(raised)})
    if as_json:
        print(json.dumps({**watch_json(one, count, now), "raised": [*map(alert_json, raised)]}, indent=2))
        return 0
    print(watch_line(one, count, now))
    print(f"  added by {one.author}{f': {one.purpose}' if one.purpose else ''}")
    for alert in raised:
        print(f"  {alert_line(alert)}")
    return 0


def change_command(database: str, number: int, what: str, as_json: bool, use: LocalUse) -> int:
    """Pause, resume or remove a watch, and print what it was or is.

    Returns:
        0.

    Raises:
        UsageError: there is none of this number, or one that has expired is to be resumed.
    """
    now = time.time_ns()
    with open_gallery(database) as gallery, gallery.database.write() as session:
        before = Watch.of(the_watch(session, number))
        count = alert_counts(session).get(number, 0)
        use.record(gallery.database, f"watch.{what}", _subject(before), session=session)
        if what == "remove":
            remove(session, number)
            after = before
        else:
            pause(session, number) if what == "pause" else resume(session, number, now)
            after = Watch.of(the_watch(session, number))
    if as_json:
        print(json.dumps({**watch_json(after, count, now), "removed": what == "remove"}, indent=2))
        return 0
    print(f"{'removed: ' if what == 'remove' else ''}{watch_line(after, count, now)}")
    return 0


def alerts_command(database: str, number: int | None, last: int, as_json: bool, use: LocalUse) -> int:
    """Print alerts, the latest last; those of a watch that was removed too.

    Returns:
        0.
    """
    with open_gallery(database) as gallery:
        with gallery.database.read() as session:
            found = alerts(session, number, last)
        watched = {"watches": [number]} if number is not None else {}
        use.record(gallery.database, "view", {**watched, **_seen(found)})
    if as_json:
        print(json.dumps({"alerts": [alert_json(one) for one in found]}, indent=2))
        return 0
    for one in found:
        print(alert_line(one))
    return 0


def _subject(watch: Watch) -> dict[str, object]:
    """What the audit log says of a watch: ids alone."""
    of_whom = {"identities": [watch.identity]} if watch.identity else {}
    where = {"cameras": sorted(watch.cameras)} if watch.cameras else {}
    return {"watches": [watch.number], **of_whom, **where}


def _details(watch: Watch) -> dict[str, object]:
    """What of it is personal."""
    given = {"text": watch.text, "name": watch.name, "author": watch.author}
    return {name: value for name, value in given.items() if value}


def _seen(raised: Sequence[Alert]) -> dict[str, object]:
    """Whom alerts show."""
    return {"tracklets": sorted({one.tracklet for one in raised})} if raised else {}


def _picture(asked: Asked) -> tuple[Floats, str]:
    """The picture's vector and its space."""
    from reid_core.images import read_image
    from reid_core.runtime import load_embedder

    assert asked.image is not None
    picture = read_image(asked.image)
    embedder = load_embedder(asked.reid)
    return embedder.embed([picture], Modality(asked.pictured))[0], embedder.model_id


def _until(text: str, now_ns: int) -> int:
    """A moment, UTC nanoseconds, from a time with its zone or a span from now on."""
    hint = "Write a time with its zone as 2026-12-01T06:00:00+01:00, or a span as 90m, 8h or 3d."
    span = _SPAN.fullmatch(text.strip())
    if span is not None:
        found = now_ns + round(float(span[1]) * _SECONDS[span[2]]) * 1_000_000_000
    else:
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise UsageError(f"--until {text}: this is no time.", hint) from None
        if moment.tzinfo is None:
            raise UsageError(f"--until {text}: the time has no zone.", hint)
        found = round(moment.timestamp() * 1_000_000) * 1000
    if found >= _LATEST_NS:
        raise UsageError(f"--until {text}: this is too far away.", hint)
    return found
