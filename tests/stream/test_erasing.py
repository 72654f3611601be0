"""Dead letters that wait for their topic and may show somebody go with whoever is erased."""

import shutil
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import select

from reid_core.erasure.choosing import plan
from reid_core.erasure.letters import Stretch
from reid_core.erasure.service import Erasing
from reid_core.gallery import Gallery
from reid_core.gallery.outbox import Outbox
from reid_core.gallery.records import Refused
from reid_core.gallery.refusals import RECORD_REFUSED, put_refused
from reid_core.gallery.schema import RefusedRow
from reid_core.gallery.staging import pack_entry
from reid_core.gallery.streams import TRACKLET, Staged, stage
from stream.kafka.blob_notes import Shown
from stream.kafka.blobs import BlobStore
from stream.kafka.dead_letters import pack_record
from stream.kafka.erasing import erase_outside
from tests.support.erasing import LONG, fill
from tests.support.gallery_world import MODEL, Scene, unit


@dataclass
class Record:
    headers: list[tuple[str, bytes]]
    key: bytes = b"gate"
    value: bytes = field(default=b"a frame that shows them" * 9)


def letter(number, headers):
    record = pack_record(Record([(name, value) for name, value in headers.items()]))
    return Refused("frames.visible", 0, number, "damaged", "It is damaged.", 1, record, 7, "")


def write_letters(gallery, moment):
    """Dead letters of which the first and the fourth may show whoever was at the gate at that moment."""
    told = str(moment).encode()
    letters = [
        letter(1, {"camera": b"gate", "capture_ns": told}),
        letter(2, {"camera": b"gate", "capture_ns": str(10**15).encode()}),
        letter(3, {"camera": b"yard", "capture_ns": told}),
        letter(4, {"camera": b"gate"}),
        letter(5, {}),
    ]
    with gallery.database.write() as session:
        for one in letters:
            put_refused(session, one)


def kept(gallery):
    with gallery.database.read() as session:
        return {row.offset for row in session.scalars(select(RefusedRow)) if row.record}


def erase(gallery, **named):
    with gallery.database.read() as session:
        wanted = plan(session, linked=False, **named)
    return Erasing(gallery).erase(wanted, "officer")


def test_frames_of_their_cameras_and_times_are_emptied(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        gone, _ = fill(gallery)
        write_letters(gallery, gallery.tracklet(gone.visible[0]).start_ns)
        assert erase(gallery, identities=[gone.identity]).counts["refused"] == 2
        assert kept(gallery) == {2, 3, 5}
        outbox = Outbox(gallery.database)
        told = [outbox.refused(event) for event in outbox.after(0, [RECORD_REFUSED], 9)]
        assert [one.offset for one in told if one is not None] == [2, 3, 5]


def test_frames_of_somebody_who_was_only_on_their_way_in_are_emptied(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        fill(gallery)
        tracklet = Scene(gallery, "gate").entry(9000, unit(np.random.default_rng(1), 1, LONG))
        name, times = tracklet.tracklet.id, tracklet.tracklet.times_ns
        with gallery.database.write() as session:
            content = pack_entry(tracklet, MODEL)
            stage(session, Staged(TRACKLET, name, "gate", "visible", int(times[-1]), content))
        write_letters(gallery, times[0])
        assert erase(gallery, tracklets=[name]).counts["refused"] == 2
        assert kept(gallery) == {2, 3, 5}


def test_a_backup_brings_back_no_frame_of_them(tmp_path):
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Gallery.open(url) as gallery:
        gone, _ = fill(gallery)
        write_letters(gallery, gallery.tracklet(gone.visible[0]).start_ns)
    shutil.copy(tmp_path / "gallery.db", tmp_path / "backup.db")
    with Gallery.open(url) as gallery:
        erase(gallery, identities=[gone.identity])
    shutil.move(tmp_path / "backup.db", tmp_path / "gallery.db")
    with Gallery.open(url) as gallery:
        assert kept(gallery) == {2, 3, 5}


def picture(seed):
    return np.random.default_rng(seed).bytes(40_000)


def test_frames_of_the_blob_store_that_show_them_are_removed_and_no_others(tmp_path):
    blobs = tmp_path / "blobs"
    store = BlobStore(str(blobs))
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        gone, stays = fill(gallery)
        theirs = [gallery.tracklet(name) for name in gone.visible]
        frames = {}
        for camera, moment in [
            *(("gate", moment) for one in theirs for moment in (one.start_ns, one.end_ns)),
            ("gate", max(one.end_ns for one in theirs) + 1),
            ("yard", theirs[0].start_ns),
            ("gate", gallery.tracklet(stays.visible[0]).start_ns),
        ]:
            frames[camera, moment] = picture(len(frames))
            store.put(frames[camera, moment], Shown(camera, moment))
        unnoted = picture(99)
        store.put(unnoted)
        shown = [frame for (camera, moment), frame in frames.items() if is_of(camera, moment, theirs)]
        others = [frame for frame in frames.values() if frame not in shown]
        assert (len(shown), len(others)) == (4, 3)
        done = erase(gallery, identities=[gone.identity])
        left = erase_outside(str(blobs), done.stretches)
    contents = [file.read_bytes() for file in blobs.rglob("*") if file.is_file()]
    assert not [one for one in contents for frame in shown if frame[1000:1032] in one]
    assert all(frame in contents for frame in [*others, unnoted])
    assert sum(not one for one in contents) == len(others), "notes of what is gone are gone"
    assert any(line.startswith("Blobs: 4 frames") for line in left)


def is_of(camera, moment, tracklets):
    return camera == "gate" and any(one.start_ns <= moment <= one.end_ns for one in tracklets)


def test_a_blob_store_that_is_away_or_not_named_is_told(tmp_path):
    stretch = Stretch("gate", 0, 9)
    assert "no blob store is named" in erase_outside(None, [stretch])[-1]
    assert "cannot be erased from" in erase_outside(str(tmp_path / "not mounted"), [stretch])[-1]


def test_a_cameras_name_makes_no_path_and_notes_go_with_their_blobs(tmp_path):
    blobs = tmp_path / "blobs"
    store = BlobStore(str(blobs))
    store.put(b"a frame", Shown("../../etc/passwd", 5))
    assert all(blobs in file.parents for file in tmp_path.rglob("*") if file.is_file())
    assert store.remove_shown("../../etc", 0, 9) == 0
    assert store.remove_shown("../../etc/passwd", 6, 9) == store.remove_shown("../../etc/passwd", 0, 4) == 0
    assert store.remove_shown("../../etc/passwd", 5, 5) == 1
    store.put(b"a frame", Shown("gate", 5))
    assert store.remove_older(-1) == 1, "a note is no blob"
    assert not [file for file in blobs.rglob("*") if file.is_file()]
