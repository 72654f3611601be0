"""The logic of ``nightreid crops``: crops are encrypted at rest, and what is stored already with them."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from console.identity import check_there, open_gallery
from console.local_use import LocalUse
from console.progress import ProgressBars
from reid_core.erasure.holds import is_held
from reid_core.erasure.tidying import due, tidy
from reid_core.errors import UsageError
from reid_core.gallery.database import Database
from reid_core.gallery.resealing import PLACES, counted, forget_sealed, reseal
from reid_core.gallery.schema import CameraRow
from reid_core.gallery.sealing_rows import Sealing, keep_sealing, sealing_of, with_class
from reid_core.retention.rules import OfCamera, kept_rules
from reid_core.sealing import Purpose, key_ring, make_key
from reid_core.sealing.ring import check_class

ENCRYPT, DECRYPT, CLASS, FORGET = "crops.encrypt", "crops.decrypt", "crops.class", "crops.forget"
"""Actions of the audit log."""


def status_command(url: str, as_json: bool) -> int:
    """Print whether crops are encrypted, with what, and what is there.

    Returns:
        0.
    """
    here = key_ring().secrets.keys()
    with open_gallery(url) as gallery:
        counts = counted(gallery.database)
        with gallery.database.read() as session:
            sealing, rules = sealing_of(session), kept_rules(session)
            cameras = session.scalars(select(CameraRow.id).order_by(CameraRow.id)).all()
    classes: dict[str, dict[str, float | None]] = {}
    for camera in cameras:
        days = rules.of_camera(camera, OfCamera.CROPS)
        classes.setdefault(sealing.class_of(camera), {})[camera] = days
    used = {key for table in counts.values() for key in table if key is not None}
    keys = {
        key: {"here": key in here, **{table: count.get(key, 0) for table, count in counts.items()}}
        for key in sorted({*used, *here})
    }
    plain = {table: count.get(None, 0) for table, count in counts.items()}
    if as_json:
        print(json.dumps({"on": sealing.on, "classes": classes, "keys": keys, "plain": plain}, indent=2))
        return 0
    print(f"crops are {'encrypted' if sealing.on else 'stored plain'} as they come")
    for name, rule in classes.items():
        print(f"class {name}: {', '.join(f'{camera} ({_kept(kept)})' for camera, kept in rule.items())}")
    for key, said in keys.items():
        print(f"key {key} ({'here' if said['here'] else 'NOT here'}): {_numbers(said)}")
    print(f"plain: {_numbers(plain)}")
    return 0


def lie_command(url: str, encrypted: bool, use: LocalUse) -> int:
    """Have what comes and what is stored be encrypted, or plain; goes on where it was stopped.

    Returns:
        0.

    Raises:
        SealingKeyError: a key is missing.
        MissingDependencyError: the library is not installed.
    """
    with open_gallery(url) as gallery:
        database = gallery.database
        with database.read() as session:
            before = sealing_of(session)
            cameras = session.scalars(select(CameraRow.id)).all()
        wanted = replace(before, on=encrypted)
        for camera in ("", *cameras):
            _try_key(wanted, camera)
        use.record(database, ENCRYPT if encrypted else DECRYPT, {"keys": sorted(key_ring().secrets)})
        with database.write() as session:
            keep_sealing(session, replace(sealing_of(session), on=encrypted))
            # Whoever is killed below leaves old bytes in free pages; the next one knows.
            due(session, time.time_ns())
        with ProgressBars(ends=True) as bars:
            counts = reseal(database, lambda done: bars.show("rows looked at", done, None, ""))
        _tidied(database)
    print(f"{'encrypted' if encrypted else 'decrypted'}: {_numbers(counts)}")
    return 0


def key_command(name: str) -> int:
    """Make a key and print its id.

    Returns:
        0.

    Raises:
        UsageError: no folder is named, or the class is none.
        StorageError: the folder cannot be written.
    """
    made = make_key(name)
    print(f"{made} is written with from now on; nightreid crops encrypt has what is stored follow")
    return 0


def class_command(url: str, camera: str, name: str, use: LocalUse) -> int:
    """Have a camera be of a class.

    Returns:
        0.

    Raises:
        UsageError: there is no such camera, or the class is none.
        SealingKeyError: crops are encrypted, and there is no key of the class.
    """
    with open_gallery(url) as gallery:
        with gallery.database.read() as session:
            if session.get(CameraRow, camera) is None:
                raise UsageError(f"The gallery has no camera {camera!r}.")
            wanted = with_class(sealing_of(session), camera, check_class(name))
        _try_key(wanted, camera)
        use.record(gallery.database, CLASS, {"camera": camera, "class": name})
        with gallery.database.write() as session:
            keep_sealing(session, with_class(sealing_of(session), camera, name))
    print(f"{camera} is of the class {name}; nightreid crops encrypt has what is stored follow")
    return 0


def forget_command(url: str, keys: Sequence[str], yes: bool, use: LocalUse) -> int:
    """Empty what is encrypted with keys that are gone; what is under legal hold stays as it is.

    The gallery is not opened as others do: nothing of it can be erased again with a key that is gone.

    Returns:
        0; 1 where it was not said to be done.

    Raises:
        UsageError: a key is there.
    """
    present = sorted(key_ring().secrets.keys() & set(keys))
    if present:
        raise UsageError(
            f"The key {present[0]} is there: what is encrypted with it can be read.",
            "Destroy it first, in every copy; then it is forgotten.",
        )
    check_there(url)
    with closing(Database(url)) as database:
        counts = {
            table: sum(count for key, count in found.items() if key in keys)
            for table, found in counted(database).items()
        }
        if not yes:
            print(f"to be emptied: {_numbers(counts)}; --yes does it", file=sys.stderr)
            return 1
        use.record(database, FORGET, {"keys": sorted(keys)})
        with database.write() as session:
            due(session, time.time_ns())
        done = forget_sealed(database, keys, is_held())
        _tidied(database)
    held = counts["sightings"] - done["sightings"]
    print(f"emptied: {_numbers(done)}" + (f"; {held} under legal hold stay" if held else ""))
    return 0


def _try_key(sealing: Sealing, camera: str) -> None:
    """See that what comes of a camera can be encrypted, where it is to be."""
    sealing.sealed(b"crop", camera, Purpose.CROP)


def _tidied(database: Database) -> None:
    """Have no file hold the bytes of before, and say what is left."""
    for one in tidy(database, {place.table for place in PLACES}):
        print(one, file=sys.stderr)
    with database.write() as session:
        due(session, None)


def _kept(days: float | None) -> str:
    return "crops for ever" if days is None else f"crops {days:g} days"


def _numbers(counts: Mapping[str, Any]) -> str:
    words = {"sightings": "crops", "staged": "staged tracklets", "refused": "dead letters"}
    return ", ".join(f"{counts[table]} {word}" for table, word in words.items())
