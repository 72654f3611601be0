"""Crops encrypted at rest: nothing of them is found raw, and everything that reads them goes on."""

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from reid_core.erasure.choosing import plan
from reid_core.erasure.example import by_example
from reid_core.erasure.gone import all_of
from reid_core.erasure.holds import NewHold, hold, is_held
from reid_core.erasure.proof import Traces
from reid_core.erasure.service import Erasing
from reid_core.erasure.tidying import tidy
from reid_core.gallery import Gallery
from reid_core.gallery.erased import Erased, fingerprint, known
from reid_core.gallery.outbox import Outbox
from reid_core.gallery.records import Refused
from reid_core.gallery.refusals import RECORD_REFUSED, packed_record, put_refused
from reid_core.gallery.resealing import counted, forget_sealed, reseal
from reid_core.gallery.schema import SightingRow
from reid_core.gallery.sealing_rows import Sealing, keep_sealing
from reid_core.gallery.staging import Staging, pack_entry
from reid_core.gallery.streams import TRACKLET, Staged, stage
from reid_core.sealing import KEYS_VARIABLE, SealingKeyError
from tests.support.erasing import JOINS, LONG, fill, with_noise
from tests.support.gallery_world import MODEL, OTHER_MODEL, Scene, unit

ONE, TWO, YARD = "11" * 32, "22" * 32, "33" * 32
KEYS = f"default.1={ONE} yard.1={YARD}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def place(request, tmp_path):
    """Address of a gallery, and the folders in which its bytes lie."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gallery.db", [tmp_path]
    server = request.getfixturevalue("own_postgres")
    url = server.fresh_database()
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET wal_recycle = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    return url, [tmp_path, server.folder / "data"]


@pytest.fixture
def keys(monkeypatch):
    """Gives this process keys: ``keys(text)``."""

    def give(text):
        monkeypatch.setenv(KEYS_VARIABLE, text)

    give(KEYS)
    return give


def turn(gallery, on=True, **classes):
    with gallery.database.write() as session:
        keep_sealing(session, Sealing(on, classes))


def wait_staged(gallery, seed=21, start=900_000):
    """A tracklet on its way in, and a dead letter of the same camera."""
    generator = np.random.default_rng(seed)
    entry = with_noise(Scene(gallery, "gate").entry(start, unit(generator, 1, LONG)), generator)
    frame = generator.bytes(4000)
    record = packed_record(b"gate", [("camera", b"gate")], frame)
    with gallery.database.write() as session:
        due = int(entry.tracklet.times_ns[-1])
        stage(session, Staged(TRACKLET, entry.tracklet.id, "gate", "visible", due, pack_entry(entry, MODEL)))
        put_refused(session, Refused("frames.visible", 0, start, "damaged", "Damaged.", 1, record, 7, "t"))
    return entry, frame


def pieces(*contents):
    """What is searched for: parts of some bytes, as `Traces` has them."""
    return Traces({part: "crop" for one in contents for part in _parts(one)})


def _parts(content):
    return [content[round(len(content) * at) :][:32] for at in (0.2, 0.4, 0.6, 0.8)]


def crops_of(gallery):
    with gallery.database.read() as session:
        return sorted(session.query(SightingRow.crop).filter(SightingRow.crop != b"").all())


def test_nothing_is_found_raw_of_crops_that_were_written_encrypted(place, keys):
    url, folders = place
    with Gallery.open(url) as gallery:
        turn(gallery, yard="yard")
        people = fill(gallery)
        entry, frame = wait_staged(gallery)
    given = [crop for one in people for each in one.entries for crop in each.crops]
    assert not pieces(*given, *entry.crops, frame).found_in(folders)
    with Gallery.open(url) as gallery:
        assert [one for (one,) in crops_of(gallery)] == sorted(given)
        assert set(counted(gallery.database)["sightings"]) == {"default.1", "yard.1"}
        assert counted(gallery.database)["staged"] == counted(gallery.database)["refused"] == {"default.1": 1}
        outbox = Outbox(gallery.database)
        [told] = [outbox.refused(event) for event in outbox.after(0, [RECORD_REFUSED], 9)]
        assert frame in told.record
        # What was staged is admitted as it was given.
        staging = Staging(gallery, MODEL, lambda _: None)
        staging.admit(staging.waiting(9), JOINS)
        assert tuple(one.crop for one in gallery.sightings(entry.tracklet.id)) == entry.crops


def test_without_encryption_bytes_lie_as_they_did(place, keys):
    url, folders = place
    with Gallery.open(url) as gallery:
        somebody, _ = fill(gallery)
        assert set(counted(gallery.database)["sightings"]) == {None}
        tidy(gallery.database)
    assert pieces(somebody.entries[0].crops[0]).found_in(folders), (
        "a search that finds nothing proves nothing"
    )


def test_what_is_stored_is_encrypted_rotated_and_decrypted_and_nothing_old_is_left(place, keys):
    url, folders = place
    with Gallery.open(url) as gallery:
        people = fill(gallery)
        entry, frame = wait_staged(gallery)
        given = [crop for one in people for each in one.entries for crop in each.crops]
        plain = pieces(*given, *entry.crops, frame)
        turn(gallery, yard="yard")
        assert reseal(gallery.database) == {"sightings": len(given), "staged": 1, "refused": 1}
        assert reseal(gallery.database) == {"sightings": 0, "staged": 0, "refused": 0}
        tidy(gallery.database)
        assert not plain.found_in(folders)
        first = counted(gallery.database)["sightings"]
        keys(f"{KEYS} default.2={TWO}")
        done = reseal(gallery.database)
        assert done == {"sightings": first["default.1"], "staged": 1, "refused": 1}
        keys(f"default.2={TWO} yard.1={YARD}")
        assert [one for (one,) in crops_of(gallery)] == sorted(given)
        assert counted(gallery.database)["sightings"] == {
            "default.2": first["default.1"],
            "yard.1": first["yard.1"],
        }
        turn(gallery, False)
        assert reseal(gallery.database)["sightings"] == len(given)
        keys("")
        assert [one for (one,) in crops_of(gallery)] == sorted(given)
        tidy(gallery.database)
        assert plain.found_in(folders)


def test_whoever_is_stopped_in_between_goes_on(place, keys, monkeypatch):
    url, _ = place
    monkeypatch.setattr("reid_core.gallery.resealing._TOGETHER", 3)

    class Killed(BaseException):
        pass

    def kill(looked_at):
        if looked_at >= 6:
            raise Killed

    with Gallery.open(url) as gallery:
        fill(gallery)
        before = crops_of(gallery)
        turn(gallery)
        with pytest.raises(Killed):
            reseal(gallery.database, kill)
        assert counted(gallery.database)["sightings"] == {"default.1": 6, None: len(before) - 6}
        assert crops_of(gallery) == before, "half of them is read like all of them"
        assert reseal(gallery.database)["sightings"] == len(before) - 6
        assert crops_of(gallery) == before


def test_another_key_and_none_are_told_and_nothing_is_written_plain(place, keys):
    url, _ = place
    with Gallery.open(url) as gallery:
        turn(gallery)
        somebody, _ = fill(gallery)
        keys(f"default.1={TWO}")
        with pytest.raises(SealingKeyError, match=r"default\.1 is another"):
            gallery.sightings(somebody.visible[0])
        keys("")
        with pytest.raises(SealingKeyError, match=r"default\.1, which is not there"):
            gallery.sightings(somebody.visible[0])
        before = counted(gallery.database)
        with pytest.raises(SealingKeyError, match="no key of the class default"):
            wait_staged(gallery)
        scene = Scene(gallery, "gate")
        entry = with_noise(
            scene.entry(700_000, unit(np.random.default_rng(2), 1, LONG)), np.random.default_rng(2)
        )
        with pytest.raises(SealingKeyError, match="no key of the class default"):
            gallery.add_tracklets([entry], MODEL, JOINS)
        assert counted(gallery.database) == before


def test_crops_are_embedded_anew(place, keys):
    url, _ = place
    with Gallery.open(url) as gallery:
        turn(gallery)
        fill(gallery)
        generator = np.random.default_rng(0)
        total = len(crops_of(gallery))
        done = gallery.reembed(lambda crops, _: unit(generator, len(crops), 8), OTHER_MODEL)
        assert done == total > 0


def test_somebody_is_found_by_the_very_picture(place, keys):
    url, _ = place
    with Gallery.open(url) as gallery:
        turn(gallery, yard="yard")
        somebody, _ = fill(gallery)
        reseal(gallery.database)
        files = [somebody.entries[0].crops[0], somebody.entries[-1].crops[0]]
        found = by_example(gallery, files, [], None, None)
        assert found.tracklets == tuple(sorted([somebody.visible[0], somebody.infrared[0]]))
        assert found.identities == (somebody.identity,)


def test_erasing_needs_the_key_and_then_nothing_is_left_and_the_same_crops_stay_away(place, keys, tmp_path):
    url, folders = place
    erasures = tmp_path.parent / f"{tmp_path.name} outside" / "erasures"
    with Gallery.open(url, erasures=erasures) as gallery:
        turn(gallery, yard="yard")
        somebody, other = fill(gallery)
        with gallery.database.read() as session:
            names = {*somebody.visible, *somebody.infrared}
            traces = Traces.of(session, all_of(session, names))
            wanted = plan(session, identities=[somebody.identity], tracklets=somebody.infrared)
        tidy(gallery.database)
        assert "crop" in {kind for kinds in traces.found_in(folders).values() for kind in kinds}
        keys(f"default.1={ONE}")
        with pytest.raises(SealingKeyError, match=r"key yard\.1, which is not there: nothing was erased"):
            Erasing(gallery).erase(wanted, "the officer")
        assert len(gallery.sightings(somebody.visible[0])) == 3
        keys(KEYS)
        Erasing(gallery).erase(wanted, "the officer")
        assert gallery.add_tracklets(somebody.entries, MODEL, JOINS) == (None,) * 3
        with gallery.database.read() as session:
            key = bytes.fromhex((erasures.parent / "erasures.key").read_text().strip())
            prints = {fingerprint(key, Erased.CROP, crop) for crop in somebody.entries[0].crops}
            assert known(session, Erased.CROP, prints) == prints
        assert gallery.tracklet(other.visible[0])
    assert not traces.found_in(folders)


def test_with_a_destroyed_key_nobody_reads_its_crops_and_the_rest_goes_on(place, keys):
    url, _ = place
    with Gallery.open(url) as gallery:
        turn(gallery, yard="yard")
        somebody, other = fill(gallery)
        keys(f"default.1={ONE}")
        with pytest.raises(SealingKeyError):
            gallery.sightings(somebody.infrared[0])
        assert all(one.crop for one in gallery.sightings(somebody.visible[0]))
        with gallery.database.write() as session:
            hold(session, NewHold("proceedings", "officer", tracklet=other.infrared[0]), 1)
        assert forget_sealed(gallery.database, ["yard.1"], is_held()) == {
            "sightings": 2,
            "staged": 0,
            "refused": 0,
        }
        assert [one.crop for one in gallery.sightings(somebody.infrared[0])] == [b"", b""]
        assert counted(gallery.database)["sightings"]["yard.1"] == 2, "what is held stays"
        keys(KEYS)
        assert all(one.crop for one in gallery.sightings(other.infrared[0]))
