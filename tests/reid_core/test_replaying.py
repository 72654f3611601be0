"""A restored gallery is erased again once, whoever opens it beside, and opens whatever fails behind that."""

import shutil

import pytest

from reid_core.erasure import replaying, service
from reid_core.erasure.choosing import plan
from reid_core.erasure.service import Erasing
from reid_core.erasure.tidying import TIDY_DUE
from reid_core.errors import DatabaseBusyError, DiskFullError
from reid_core.gallery import Gallery
from reid_core.gallery.erasures_file import read_erasures
from reid_core.gallery.indexes import Indexes
from reid_core.gallery.schema import MetaRow
from tests.support.erasing import fill


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/gallery.db"


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "gallery.db.erasures"


def erase(gallery, *tracklets):
    with gallery.database.read() as session:
        wanted = plan(session, tracklets=tracklets)
    return Erasing(gallery).erase(wanted, "officer")


@pytest.fixture
def restored(url, tmp_path):
    """Ids of two who were erased and are there again; in memory of no process."""
    with Gallery.open(url) as gallery:
        gone, _ = fill(gallery)
    shutil.copy(tmp_path / "gallery.db", tmp_path / "backup.db")
    with Gallery.open(url) as gallery:
        erase(gallery, gone.visible[0])
        erase(gallery, gone.visible[1])
    for end in ("", "-wal", "-shm"):
        (tmp_path / f"gallery.db{end}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "backup.db", tmp_path / "gallery.db")
    return set(gone.visible)


def there(url):
    with Gallery.open(url) as gallery:
        return {one.id for one in gallery.tracklets()}


def due(gallery):
    with gallery.database.read() as session:
        return session.get(MetaRow, TIDY_DUE)


def once(before):
    """Has something done before the first call of what it wraps."""
    left = [before]

    def wrapped(original):
        def call(*args, **kwargs):
            if left:
                left.pop()()
            return original(*args, **kwargs)

        return call

    return wrapped


def test_two_services_open_a_restored_gallery_together(url, restored, monkeypatch):
    beside = once(lambda: Gallery.open(url).close())
    monkeypatch.setattr(Indexes, "erasing", beside(Indexes.erasing))
    assert len(there(url)) == 4 and not there(url) & restored


def test_two_services_note_what_the_file_lost_once(url, restored, ledger, monkeypatch):
    assert not there(url) & restored
    before = ledger.read_bytes()
    ledger.unlink()
    original, busy = replaying.read_erasures, []

    def read(file):
        found = original(file)
        if not busy:
            busy.append(True)
            Gallery.open(url).close()
        return found

    monkeypatch.setattr(replaying, "read_erasures", read)
    Gallery.open(url).close()
    assert len(read_erasures(ledger)) == 2 and ledger.read_bytes() == before


def test_a_line_that_is_there_twice_is_done_once(url, restored, ledger):
    ledger.write_bytes(2 * ledger.read_bytes())
    assert not there(url) & restored
    assert not there(url) & restored


@pytest.mark.parametrize("error", [DatabaseBusyError("It is in use."), DiskFullError("It is full.")])
def test_files_that_cannot_be_tidied_after_a_restore_are_tidied_later(url, restored, monkeypatch, error):
    def fails(database):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(replaying, "tidy", fails)
        with Gallery.open(url) as gallery:
            assert not {one.id for one in gallery.tracklets()} & restored
            assert due(gallery) is not None
        patch.setattr(replaying, "_LATELY_NS", 0)
        Gallery.open(url).close()
    monkeypatch.setattr(replaying, "_LATELY_NS", 0)
    with Gallery.open(url) as gallery:
        assert due(gallery) is None


def test_a_full_disk_behind_an_erasure_is_said(url, monkeypatch):
    def fails(*args):
        raise DiskFullError("There is no space left.")

    monkeypatch.setattr(service, "tidy", fails)
    with Gallery.open(url) as gallery:
        gone, _ = fill(gallery)
        done = erase(gallery, gone.visible[0])
        assert "There is no space left." in done.left[0] and due(gallery) is not None
        assert gone.visible[0] not in {one.id for one in gallery.tracklets()}
