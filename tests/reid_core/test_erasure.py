"""Somebody is erased while others are written, and nothing of them is found raw afterwards."""

import shutil

import pytest
from sqlalchemy import create_engine, text

from reid_core.erasure.choosing import plan
from reid_core.erasure.gone import all_of
from reid_core.erasure.holds import HeldError, NewHold, hold, holds, lift
from reid_core.erasure.proof import Traces
from reid_core.erasure.service import Erasing
from reid_core.gallery import Gallery
from reid_core.gallery.erasures_file import read_erasures
from reid_core.gallery.schema import TrackletRow
from reid_core.matcher import Matcher
from tests.support.erasing import JOINS, Ingest, fill
from tests.support.gallery_world import MODEL, all_rows

pytestmark = pytest.mark.slow


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Address of a gallery, the file of its erasures, and the folders in which its bytes lie."""
    erasures = tmp_path / "outside" / "erasures"
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/gallery.db", erasures, [tmp_path]
    server = request.getfixturevalue("own_postgres")
    url = server.fresh_database()
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        # As docs/privacy.md asks the operator to.
        connection.execute(text("ALTER SYSTEM SET wal_recycle = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()
    return url, erasures, [tmp_path, server.folder / "data"]


def backed_up(url, tmp_path):
    """A copy of a gallery that nobody uses, and its address."""
    if url.startswith("sqlite"):
        shutil.copy(tmp_path / "gallery.db", tmp_path / "backup.db")
        return f"sqlite:///{tmp_path}/backup.db"
    there, _, name = url.rpartition("/")
    engine = create_engine(f"{there}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE backup TEMPLATE {name}"))
    engine.dispose()
    return f"{there}/backup"


def traces_of(gallery, somebody):
    with gallery.database.read() as session:
        return Traces.of(session, all_of(session, {*somebody.visible, *somebody.infrared}))


def chosen(gallery, **named):
    with gallery.database.read() as session:
        return plan(session, **named)


def test_nothing_of_somebody_is_found_after_they_were_erased_while_others_came(place, tmp_path):
    url, erasures, folders = place
    with Gallery.open(url, erasures=erasures) as gallery:
        gone, stays = fill(gallery)
        gallery.search(gone.entries[0].vectors[:1], MODEL)
    # Closed, the index is on disk too.
    backup = backed_up(url, tmp_path)
    ingest = Ingest(url, erasures)
    with Gallery.open(url, erasures=erasures) as gallery:
        traces, others = traces_of(gallery, gone), traces_of(gallery, stays)
        assert set(traces.needles.values()) == {"crop", "vector", "caption"}
        before = traces.found_in(folders)
        assert {kind for kinds in before.values() for kind in kinds} == {"crop", "vector", "caption"}
        if url.startswith("sqlite"):
            assert any("index" in str(file) for file in before)
        wanted = chosen(gallery, identities=[gone.identity], tracklets=gone.infrared)
        assert {one.id for one in wanted.tracklets} == {*gone.visible, *gone.infrared}
        done = Erasing(gallery).erase(wanted, "the officer")
        assert (done.tracklets, done.sightings) == (3, 8)
        for entry in gone.entries:
            hits = gallery.search(entry.vectors[:1], MODEL, k=50)
            assert not {*hits.tracklets.ravel()} & {*gone.visible, *gone.infrared}
        # A worker that comes with the same recording brings them back no more.
        assert gallery.add_tracklets(gone.entries, MODEL, JOINS) == (None,) * 3
    assert ingest.stop() > 4
    assert traces.found_in(folders), "the backup has them"
    with Gallery.open(backup, erasures=erasures) as gallery:
        assert [one.id for one in gallery.identities()] == [stays.identity]
    left = traces.found_in(folders)
    assert left == {}
    assert others.found_in(folders), "whoever stays is still found"
    assert not any(gone.identity in repr(rows) for rows in all_rows(url).values())
    for name in (*gone.visible, *gone.infrared):
        assert not any(name in repr(rows) for rows in all_rows(url).values())


def test_a_backup_from_before_is_erased_again_when_it_is_opened(tmp_path):
    url, backup = f"sqlite:///{tmp_path}/gallery.db", tmp_path / "backup"
    with Gallery.open(url) as gallery:
        gone, stays = fill(gallery)
        traces = traces_of(gallery, gone)
    backup.mkdir()
    shutil.copy(tmp_path / "gallery.db", backup)
    shutil.copytree(tmp_path / "gallery.db.index", backup / "gallery.db.index")
    with Gallery.open(url) as gallery:
        Erasing(gallery).erase(
            chosen(gallery, identities=[gone.identity], tracklets=gone.infrared), "officer"
        )
    assert traces.found_in([tmp_path]).keys() and not traces.found_in([tmp_path / "gallery.db"])
    for old in backup.iterdir():
        there = tmp_path / old.name
        there.unlink(missing_ok=True)
        old.rename(there)
    assert traces.found_in([tmp_path]), "the backup has them"
    with Gallery.open(url) as gallery:
        assert [one.id for one in gallery.identities()] == [stays.identity]
        assert {one.id for one in gallery.tracklets()} == {*stays.visible, *stays.infrared}
        assert gallery.add_tracklets(gone.entries, MODEL, JOINS) == (None,) * 3
    assert traces.found_in([tmp_path]) == {}


def test_a_lost_file_of_erasures_is_written_anew_from_the_gallery(tmp_path):
    url, file = f"sqlite:///{tmp_path}/gallery.db", tmp_path / "gallery.db.erasures"
    with Gallery.open(url) as gallery:
        gone, _ = fill(gallery)
        Erasing(gallery).erase(chosen(gallery, tracklets=[gone.visible[0]]), "officer")
    before = file.read_bytes()
    file.unlink()
    Gallery.open(url).close()
    assert file.read_bytes() == before
    # What was being written when the machine stopped counts as never written.
    file.write_bytes(before + b'{"format": 1, "era')
    Gallery.open(url).close()
    with Gallery.open(url) as gallery:
        Erasing(gallery).erase(chosen(gallery, tracklets=[gone.visible[1]]), "officer")
    assert len(read_erasures(file)) == 2
    assert gone.visible[0] not in file.read_text() and gone.identity not in file.read_text()


def test_deleted_rows_are_overwritten_even_where_files_are_not_written_anew(tmp_path):
    url = f"sqlite:///{tmp_path}/gallery.db"
    with Gallery.open(url) as gallery:
        gone, _ = fill(gallery)
        traces = traces_of(gallery, gone)
        Erasing(gallery).erase(chosen(gallery, identities=[gone.identity]), "officer", whole=False)
        linked = chosen(gallery, tracklets=gone.infrared)
        Erasing(gallery).erase(linked, "officer", whole=False)
        assert traces.found_in([tmp_path]) == {}


def test_links_and_evidence_of_others_keep_what_is_not_of_them(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        gone, stays = fill(gallery)
        (before,) = [one for one in gallery.links() if one.tracklet in stays.infrared]
        assert {one.identity for one in before.candidates} == {gone.identity, stays.identity}
        with gallery.database.write() as session:
            evidence = {
                "runner_up": {"identity": gone.identity, "score": 0.1},
                "score": 0.9,
                "tracklet": None,
            }
            row = session.get(TrackletRow, stays.visible[0])
            row.evidence = evidence
        Erasing(gallery).erase(
            chosen(gallery, identities=[gone.identity], tracklets=gone.infrared), "officer"
        )
        (after,) = gallery.links()
        assert [(one.rank, one.identity) for one in after.candidates] == [(1, stays.identity)]
        assert gallery.tracklet(stays.visible[0]).evidence == {**evidence, "runner_up": None}


def test_who_is_held_is_not_erased(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        gone, _ = fill(gallery)
        with gallery.database.write() as session:
            one = hold(session, NewHold("court order", "counsel", identity=gone.identity[:8]), 5)
        wanted = chosen(gallery, identities=[gone.identity])
        assert all(each.held for each in wanted.tracklets)
        with pytest.raises(HeldError, match="under legal hold"):
            Erasing(gallery).erase(wanted, "officer")
        assert gallery.tracklet(gone.visible[0]) is not None
        assert not (tmp_path / "gallery.db.erasures").exists()
        with gallery.database.write() as session:
            assert lift(session, one.number, "counsel", 6).lifted_by == "counsel"
            hold(session, NewHold("accident", "counsel", camera="yard", since_ns=0, until_ns=10**15), 7)
        Erasing(gallery).erase(chosen(gallery, identities=[gone.identity], linked=False), "officer")
        with pytest.raises(HeldError):
            Erasing(gallery).erase(chosen(gallery, tracklets=gone.infrared), "officer")
        with gallery.database.read() as session:
            assert [each.number for each in holds(session)] == [2]


def test_what_a_worker_ranked_before_an_erasure_names_nobody_afterwards(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path}/gallery.db") as gallery:
        gone, stays = fill(gallery)
        matcher = Matcher(gallery, MODEL, None, top=3)
        ranked = [matcher.match(name) for name in (*gone.infrared, *stays.infrared)]
        Erasing(gallery).erase(
            chosen(gallery, identities=[gone.identity], tracklets=gone.infrared), "officer"
        )
        gallery.put_links(ranked)
        (link,) = gallery.links()
        assert {one.identity for one in link.candidates} == {stays.identity}
