"""The claim check's store: whole blobs or none, nothing outside of it, and away is not missing."""

import os
import shutil
import threading
import time
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from reid_core.errors import ConfigError, MissingDependencyError
from reid_core.sealing import KEYS_VARIABLE, SealingKeyError
from reid_core.sealing.sealed import MOST_OVERHEAD
from stream.kafka.blobs import BlobStore, BlobStoreAwayError
from stream.kafka.envelope import EnvelopeError, Refusal, blob_digest, inline_digest

PAYLOAD = bytes(range(256)) * 40
LARGE = 1 << 20


class Moody(MemoryFileSystem):
    """An object store whose driver has errors of its own, as botocore's are."""

    protocol = "moody"
    away: type[Exception] | None = None

    def _cat_file(self, *args, **kwargs):
        raise AssertionError

    def _told(self):
        if Moody.away is not None:
            raise Moody.away("Could not connect to the endpoint")

    def size(self, path):
        self._told()
        return super().size(path)

    def pipe_file(self, path, value, **kwargs):
        self._told()
        return super().pipe_file(path, value, **kwargs)

    def find(self, path, **kwargs):
        self._told()
        return super().find(path, **kwargs)


@pytest.fixture
def moody():
    fsspec.register_implementation("moody", Moody, clobber=True)
    Moody.away = None
    yield Moody
    Moody.away = None
    Moody.store.clear()


class Listing(MemoryFileSystem):
    """An object store whose driver keeps what it has listed, as s3fs does."""

    protocol = "listing"

    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(path.removeprefix("listing://"))

    def find(self, path, **kwargs):
        found = super().find(path, **{**kwargs, "detail": True})
        for name, details in found.items():
            parent = self._parent(name)
            self.dircache[parent] = [*self.dircache.get(parent, ()), details]
        return found

    def info(self, path, **kwargs):
        path = self._strip_protocol(path)
        kept = self._ls_from_cache(path)
        return kept[0] if kept else super().info(path, **kwargs)

    def invalidate_cache(self, path=None):
        self.dircache.clear()


@pytest.fixture
def listing():
    fsspec.register_implementation("listing", Listing, clobber=True)
    Listing.clear_instance_cache()
    yield "listing://bucket/blobs"
    Listing.clear_instance_cache()
    Listing.store.clear()


@pytest.fixture(params=["folder", "memory"])
def location(request, tmp_path):
    if request.param == "folder":
        yield str(tmp_path / "blobs")
    else:
        yield f"memory://{tmp_path.name}/blobs"
        MemoryFileSystem.store.clear()


@pytest.fixture
def store(location):
    return BlobStore(location)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "blobs"


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def refusal(store, name, digest, most=LARGE):
    with pytest.raises(EnvelopeError) as caught:
        store.get(name, digest, most)
    return caught.value.reason


def test_what_is_put_is_got(store, location):
    name, digest = store.put(PAYLOAD)
    assert digest == blob_digest(PAYLOAD) and name == digest.partition(":")[2]
    assert store.get(name, digest, LARGE) == PAYLOAD
    assert BlobStore(location).get(name, digest, len(PAYLOAD)) == PAYLOAD


def test_an_encrypted_blob_is_got_with_its_key_and_waited_for_without(location, folder, monkeypatch):
    monkeypatch.setenv(KEYS_VARIABLE, f"default.1={'11' * 32}")
    plain, store = BlobStore(location), BlobStore(location, "default")
    name, digest = store.put(PAYLOAD)
    assert plain.get(name, digest, len(PAYLOAD)) == PAYLOAD
    assert refusal(plain, name, digest, len(PAYLOAD) - 1) is Refusal.SIZE
    assert not [file for file in folder.rglob("*") if file.is_file() and PAYLOAD[:64] in file.read_bytes()]
    monkeypatch.setenv(KEYS_VARIABLE, f"default.1={'22' * 32}")
    with pytest.raises(BlobStoreAwayError, match="another one"):
        plain.get(name, digest, LARGE)
    monkeypatch.delenv(KEYS_VARIABLE)
    with pytest.raises(BlobStoreAwayError, match=r"default\.1, which is not there"):
        plain.get(name, digest, LARGE)
    with pytest.raises(SealingKeyError, match="no key of the class"):
        BlobStore(location, "default")


def test_an_empty_blob(store):
    assert store.get(*store.put(b""), LARGE) == b""


def test_putting_again_changes_nothing(store):
    assert store.put(PAYLOAD) == store.put(PAYLOAD)
    assert store.get(*store.put(PAYLOAD), LARGE) == PAYLOAD


def test_one_file_a_blob(folder):
    store = BlobStore(str(folder))
    for payload in (PAYLOAD, PAYLOAD, b"other"):
        store.put(payload)
    assert len(files(folder)) == 2 and not any("tmp" in name for name in files(folder))
    for name in files(folder):
        assert Path(name).name.startswith(Path(name).parent.name)


def test_many_at_once_leave_whole_blobs(folder):
    store, payload = BlobStore(str(folder)), os.urandom(1 << 20)
    found, done = [], threading.Event()

    def look():
        while not done.is_set():
            for name in (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".tmp"):
                found.append(len(name.read_bytes()))

    looking = threading.Thread(target=look)
    writers = [threading.Thread(target=store.put, args=(payload,)) for _ in range(8)]
    looking.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    time.sleep(0.02)
    done.set()
    looking.join()
    assert found and set(found) == {1 << 20} and len(files(folder)) == 1


# Refused for good


def test_a_blob_that_is_another(store):
    name, _ = store.put(PAYLOAD)
    assert refusal(store, name, blob_digest(b"other")) is Refusal.DIGEST
    assert refusal(store, name, "md5:00") is Refusal.DIGEST
    assert store.get(name, inline_digest(PAYLOAD), LARGE) == PAYLOAD


def test_a_blob_that_was_spoilt(folder):
    store = BlobStore(str(folder))
    name, digest = store.put(PAYLOAD)
    [path] = [folder / name for name in files(folder)]
    path.write_bytes(PAYLOAD[:-1])
    assert refusal(store, name, digest) is Refusal.DIGEST
    path.write_bytes(b"")
    assert refusal(store, name, digest) is Refusal.DIGEST


def test_a_missing_blob(store):
    name, digest = store.put(PAYLOAD)
    other = blob_digest(b"other")
    assert refusal(store, other.partition(":")[2], other) is Refusal.BLOB
    assert store.remove_older(-60) == 1
    assert refusal(store, name, digest) is Refusal.BLOB


def test_a_blob_that_is_too_large_is_not_read(store, monkeypatch):
    name, digest = store.put(PAYLOAD)
    assert store.get(name, digest, len(PAYLOAD)) == PAYLOAD
    assert refusal(store, name, digest, len(PAYLOAD) - 1) is Refusal.SIZE
    # By its size alone it could be an encrypted one until here.
    monkeypatch.setattr(store._files, "cat_file", lambda *_: pytest.fail("it was read"))
    assert refusal(store, name, digest, len(PAYLOAD) - 1 - MOST_OVERHEAD) is Refusal.SIZE


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/etc/passwd", "../secret", "../" * 21 + "x", "..%2fsecret", "secret", "~/secret"),
        *("0" * 63, "0" * 65, "G" * 64, "A" * 64, "é" * 64, "0" * 63 + "\n", "0" * 63 + "\0", "/" * 64),
        *("s3://bucket/key", "http://127.0.0.1/", "file:///etc/passwd", "::zip://", "*" * 64, "?" * 64),
    ],
)
def test_only_a_digest_becomes_part_of_a_path(tmp_path, folder, name):
    store = BlobStore(str(folder))
    store.put(PAYLOAD)
    (tmp_path / "secret").write_bytes(b"secret")
    assert refusal(store, name, blob_digest(b"secret")) is Refusal.BLOB


# Away for a while


@pytest.mark.parametrize("error", [OSError, RuntimeError, KeyError, TimeoutError, PermissionError])
def test_a_store_that_is_away_is_not_a_missing_blob(moody, error):
    store = BlobStore("moody://bucket/blobs")
    name, digest = store.put(PAYLOAD)
    moody.away = error
    for call in (
        lambda: store.get(name, digest, LARGE),
        lambda: store.put(b"other"),
        lambda: store.remove_older(1),
    ):
        with pytest.raises(BlobStoreAwayError, match="Could not connect") as caught:
            call()
        assert caught.value.transient and caught.value.code == "storage"
    moody.away = None
    assert store.get(name, digest, LARGE) == PAYLOAD


def test_a_disk_that_is_not_mounted_is_not_a_missing_blob(tmp_path, folder):
    store = BlobStore(str(folder))
    name, digest = store.put(PAYLOAD)
    shutil.move(folder, tmp_path / "elsewhere")
    with pytest.raises(BlobStoreAwayError, match="cannot be read: No such file"):
        store.get(name, digest, LARGE)
    shutil.move(tmp_path / "elsewhere", folder)
    assert store.get(name, digest, LARGE) == PAYLOAD


def test_a_store_that_cannot_be_written(tmp_path, folder):
    folder.write_text("a file where the folder should be")
    with pytest.raises(BlobStoreAwayError, match="cannot be written"):
        BlobStore(str(folder)).put(PAYLOAD)


def test_a_full_disk_leaves_nothing_half_written(folder, monkeypatch):
    store = BlobStore(str(folder))
    monkeypatch.setattr(os, "fsync", lambda _: _no_space())
    with pytest.raises(BlobStoreAwayError, match="No space left"):
        store.put(PAYLOAD)
    assert files(folder) == []
    monkeypatch.undo()
    assert store.get(*store.put(PAYLOAD), LARGE) == PAYLOAD


def _no_space():
    raise OSError(28, "No space left on device")


# Retention


def test_what_is_older_is_removed_and_nothing_else(folder):
    store = BlobStore(str(folder))
    old, young = store.put(b"old"), store.put(b"young")
    _age(folder, old[0], 100)
    assert store.remove_older(200) == 0
    assert store.remove_older(60) == 1
    assert store.get(*young, LARGE) == b"young"
    assert refusal(store, *old) is Refusal.BLOB
    assert store.remove_older(60) == 0


def test_what_is_left_again_is_young_again(folder):
    """A camera that shows the same frame for hours names the same blob for hours."""
    store = BlobStore(str(folder))
    blob = store.put(b"the same picture")
    _age(folder, blob[0], 100)
    assert store.put(b"the same picture") == blob
    assert store.remove_older(60) == 0
    assert store.get(*blob, LARGE) == b"the same picture"


def test_what_is_left_again_in_memory_is_young_again(moody):
    store = BlobStore("moody://bucket/blobs")
    blob = store.put(b"the same picture")
    time.sleep(0.2)
    store.put(b"the same picture")
    assert store.remove_older(0.1) == 0
    assert store.get(*blob, LARGE) == b"the same picture"


def test_an_object_store_is_tidied_too(moody):
    store = BlobStore("moody://bucket/blobs")
    store.put(b"one")
    assert store.remove_older(60) == 0
    time.sleep(0.15)
    store.put(b"two")
    assert store.remove_older(0.1) == 1


def test_what_a_killed_writer_left_is_removed_too(folder):
    store = BlobStore(str(folder))
    store.put(PAYLOAD)
    [name] = files(folder)
    left = folder / f"{name}.1234.tmp"
    left.write_bytes(b"half")
    _age(folder, left.name, 100)
    assert store.remove_older(60) == 1 and files(folder) == [name]


def test_nothing_to_tidy_up(location):
    assert BlobStore(location).remove_older(0) == 0


def test_another_one_tidies_up_at_the_same_time(folder, monkeypatch):
    store = BlobStore(str(folder))
    for number in range(3):
        _age(folder, store.put(bytes([number]))[0], 100)
    real = store._files.rm_file

    def rm_file(path):
        real(path)
        real(path)

    monkeypatch.setattr(store._files, "rm_file", rm_file)
    assert store.remove_older(60) == 0 and files(folder) == []


def test_what_another_process_leaves_behind_a_tidying_up_is_got(listing):
    """The clerk's worker tidies up and reads by one driver, which may keep what it has listed."""
    store, payloads = BlobStore(listing), [b"%d" % number for number in range(600)]
    names = [blob_digest(one).partition(":")[2] for one in payloads]
    first, second = next(
        (one, other)
        for one in range(600)
        for other in range(one)
        if names[one][:2] == names[other][:2]  # in one folder
    )
    store.put(payloads[first])
    assert store.remove_older(60) == 0
    name, digest = BlobStore(listing).put(payloads[second])
    assert store.get(name, digest, LARGE) == payloads[second]


def _age(folder, name, seconds):
    [path] = folder.rglob(name)
    os.utime(path, (time.time() - seconds,) * 2)


# Addresses


def test_a_file_address_is_a_folder(folder):
    BlobStore(f"file://{folder}").put(PAYLOAD)
    assert len(files(folder)) == 1


@pytest.mark.parametrize("address", ["", " ", "nosuch://bucket"])
def test_an_address_of_no_kind(address):
    with pytest.raises(ConfigError):
        BlobStore(address)


def test_a_driver_that_is_not_installed(monkeypatch):
    import fsspec.registry

    def missing(*_, **__):
        raise ImportError("Install s3fs to access S3", name="s3fs")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(MissingDependencyError, match="s3fs") as caught:
        BlobStore("s3://bucket/prefix")
    assert "nightreid[s3]" in caught.value.hint


def test_looking_for_a_store_writes_nothing(folder):
    BlobStore(str(folder))
    assert not folder.exists()
