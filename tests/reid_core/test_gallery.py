import threading
from dataclasses import replace

import numpy as np
import pytest

from reid_core.errors import GalleryError, ModelMismatchError, UsageError
from reid_core.gallery import (
    Checkpoint,
    Gallery,
    IdentityPolicy,
    RecordingRecord,
    RecordingStatus,
    SearchFilter,
)
from reid_core.gallery.tracks import pack_track, unpack_track
from reid_core.types import Candidate, Decision, Link, Modality, Spectrum
from tests.support.gallery_world import DIM, MODEL, OTHER_MODEL, Scene, all_rows, jpeg, near, unit

NEVER = IdentityPolicy(None)


@pytest.fixture
def generator():
    return np.random.default_rng(7)


@pytest.fixture
def gallery(url):
    with Gallery.open(url) as opened:
        yield opened


def test_a_track_comes_back_as_it_was(generator):
    track = (
        np.array([3, 4, 9], np.int64),
        np.array([5, 2**62, 2**62 + 1], np.int64),
        generator.random((3, 4), np.float32),
        generator.random(3, np.float32),
    )
    for column, back in zip(track, unpack_track(pack_track(*track)), strict=True):
        assert np.array_equal(column, back) and column.dtype == back.dtype


@pytest.mark.parametrize("damage", [b"", b"NRT1\1\0\0\0", b"NRT1\1\0\0\0abcdef"])
def test_a_damaged_track_is_named(damage):
    with pytest.raises(GalleryError, match="damaged"):
        unpack_track(damage)


@pytest.mark.slow
def test_what_was_added_can_be_read(gallery, generator):
    scene = Scene(gallery)
    vectors = unit(generator, 3)
    entry = scene.entry(100, vectors)
    checkpoint = Checkpoint(
        scene.recording, 130, 120, {"polarity": "white-hot"}, RecordingStatus.PARTIAL, "The file ended early."
    )
    identity = gallery.add_tracklets([entry], MODEL, NEVER, [checkpoint])[0]

    (stored,) = gallery.tracklets()
    one = gallery.tracklet(entry.tracklet.id)
    assert one is not None and one.id == stored.id == entry.tracklet.id
    assert gallery.tracklet("nobody") is None
    assert (stored.position, stored.camera, stored.start_ns, stored.end_ns) == (1, "lobby", 4000, 4360)
    for name in ("frames", "times_ns", "boxes", "confidences"):
        assert np.array_equal(getattr(stored, name), getattr(entry.tracklet, name))
    assert stored.identity == identity
    sightings = gallery.sightings(entry.tracklet.id)
    assert [sighting.rank for sighting in sightings] == [1, 2, 3]
    assert [sighting.crop for sighting in sightings] == list(entry.crops)
    back = gallery.vectors(entry.tracklet.id, MODEL)
    assert np.array_equal(back.vectors, vectors)
    assert back.sightings == tuple(sighting.id for sighting in sightings)
    (person,) = gallery.identities()
    assert person.id == identity and person.tracklets == (entry.tracklet.id,)
    recording = gallery.recording(scene.recording)
    assert recording is not None
    assert (recording.frames_done, recording.checkpoint) == (130, 120)
    assert recording.state == {"polarity": "white-hot"}
    assert (recording.status, recording.message) == (RecordingStatus.PARTIAL, "The file ended early.")
    (model,) = gallery.models()
    assert (model.id, model.dim, model.vectors, model.visible, model.active) == (MODEL, DIM, 3, 3, True)


def test_adding_again_changes_no_row(gallery, url, generator):
    scene, night = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
    entries = [scene.entry(start, unit(generator, 2)) for start in (0, 50)] + [
        night.entry(5, unit(generator, 1))
    ]
    first = gallery.add_tracklets(entries, MODEL, NEVER)
    before = all_rows(url)
    # Even with other vectors: what is there stays.
    again = [replace(entry, vectors=unit(generator, len(entry.vectors))) for entry in entries]
    assert gallery.add_tracklets(again, MODEL, NEVER) == first
    Scene(gallery)
    assert all_rows(url) == before
    assert first[2] is None and None not in first[:2]


def test_interrupted_and_resumed_ends_in_the_same_rows(tmp_path, generator):
    people = unit(generator, 3)
    parts = [near(people[i % 3], generator, 3) for i in range(9)]
    policy = IdentityPolicy(0.8)

    def run(path, sessions):
        for starts in sessions:
            with Gallery.open(f"sqlite:///{path}") as gallery:
                scene = Scene(gallery)
                for i in starts:
                    entry = scene.entry(20 * i, parts[i])
                    checkpoint = Checkpoint(scene.recording, 20 * i, 20 * i)
                    gallery.add_tracklets([entry], MODEL, policy, [checkpoint])

    run(tmp_path / "whole.db", [range(9)])
    run(tmp_path / "parts.db", [range(4), range(2, 6), range(9)])
    rows = all_rows(tmp_path / "whole.db")
    assert rows == all_rows(tmp_path / "parts.db")
    assert len(rows["identities"]) == 3 and len(rows["vectors"]) == 27


def test_a_failed_batch_leaves_nothing(gallery, url, generator):
    scene = Scene(gallery)
    gallery.add_tracklets([scene.entry(0, unit(generator, 2))], MODEL, NEVER)
    before = all_rows(url)
    good, bad = scene.entry(50, unit(generator, 2)), scene.entry(90, unit(generator, 2))
    with pytest.raises(UsageError, match="2 sightings, but 2 vectors and 1 crops"):
        gallery.add_tracklets([good, replace(bad, crops=(jpeg(1),))], MODEL, NEVER)
    with pytest.raises(GalleryError, match="no recording 'nowhere'"):
        gallery.add_tracklets([good], MODEL, NEVER, [Checkpoint("nowhere", 1, 1)])
    assert all_rows(url) == before
    # Neither does the index know of it.
    assert gallery.search(good.vectors, MODEL, 10).ids.shape == (2, 2)
    gallery.add_tracklets([good], MODEL, NEVER)
    assert gallery.search(good.vectors[:1], MODEL, 1).scores[0, 0] == pytest.approx(1)


def test_what_failed_here_does_not_hide_what_another_wrote(gallery, url, generator):
    scene = Scene(gallery)
    failed = scene.entry(0, unit(generator, 1))
    with pytest.raises(GalleryError, match="no recording"):
        gallery.add_tracklets([failed], MODEL, NEVER, [Checkpoint("nowhere", 1, 1)])
    with Gallery.open(url) as other:
        # As many rows as the failed call would have written.
        written = scene.entry(50, unit(generator, 1))
        other.add_tracklets([written], MODEL, NEVER)
    hits = gallery.search(written.vectors, MODEL, 5)
    assert hits.tracklets.tolist() == [[written.tracklet.id]]
    assert hits.scores[0, 0] == pytest.approx(1)


def test_another_model_is_refused(gallery, generator):
    scene = Scene(gallery)
    gallery.add_tracklets([scene.entry(0, unit(generator, 1))], MODEL, NEVER)
    for call in (
        lambda: gallery.search(unit(generator, 1), OTHER_MODEL),
        lambda: gallery.add_tracklets([scene.entry(50, unit(generator, 1))], OTHER_MODEL, NEVER),
        lambda: gallery.check_space(OTHER_MODEL),
    ):
        with pytest.raises(ModelMismatchError) as caught:
            call()
        assert "a" * 12 in str(caught.value) and "b" * 12 in str(caught.value)
        assert "nightreid reembed" in caught.value.hint
    gallery.check_space(MODEL)


def test_vectors_that_cannot_be_compared_are_refused(gallery, generator):
    gallery.add(unit(generator, 3), camera="a", modality=Modality.VISIBLE, time_ns=[1, 2, 3], model=MODEL)
    bad = unit(generator, 1)
    bad[0, 3] = np.nan
    for queries, said in (
        (unit(generator, 1, DIM + 1), "dimensions"),
        (bad, "not finite"),
        (2 * unit(generator, 1), "length 1"),
        (unit(generator, 1)[0], "shape"),
    ):
        with pytest.raises(UsageError, match=said):
            gallery.search(queries, MODEL)
    with pytest.raises(UsageError, match="at least 1"):
        gallery.search(unit(generator, 1), MODEL, 0)


def test_an_empty_gallery_has_no_hits(gallery, generator):
    hits = gallery.search(unit(generator, 2), MODEL)
    assert hits.ids.shape == (2, 0) and hits.tracklets.shape == (2, 0)


def test_plain_vectors_are_added_once(gallery, generator):
    vectors = unit(generator, 4)
    arguments = {"camera": "gate", "modality": Modality.VISIBLE, "time_ns": [10, 20, 30, 40], "model": MODEL}
    names = gallery.add(vectors, **arguments)
    assert gallery.add(vectors, **arguments) == names
    hits = gallery.search(vectors, MODEL, 1)
    assert hits.tracklets[:, 0].tolist() == list(names)
    later = gallery.search(vectors, MODEL, 4, SearchFilter(since_ns=20, until_ns=40))
    assert sorted(later.tracklets[0].tolist()) == sorted(names[1:3])
    with pytest.raises(UsageError, match="4 vectors were given with 1 times"):
        gallery.add(vectors, **(arguments | {"time_ns": [1]}))


def test_a_camera_keeps_its_modality(gallery):
    gallery.put_camera("lobby", Modality.VISIBLE, Spectrum.VISIBLE, 5)
    gallery.put_camera("lobby", Modality.VISIBLE, Spectrum.VISIBLE, 9)
    with pytest.raises(GalleryError, match="'lobby' as visible, not as infrared"):
        gallery.put_camera("lobby", Modality.INFRARED, Spectrum.NEAR, 5)
    assert [camera.created_ns for camera in gallery.cameras()] == [5]


def test_a_recording_is_returned_as_it_stands(gallery):
    scene = Scene(gallery)
    done = Checkpoint(scene.recording, 50, 40, status=RecordingStatus.COMPLETE)
    gallery.add_tracklets([], MODEL, NEVER, [done])
    new = RecordingRecord(scene.recording, "lobby", "b.mp4", 1.0, 1, 1, 0, "yolo", MODEL)
    stored = gallery.begin_recording(new)
    assert (stored.source, stored.checkpoint, stored.status) == ("a.mp4", 40, RecordingStatus.COMPLETE)
    with pytest.raises(GalleryError, match="no camera 'roof'"):
        gallery.begin_recording(replace(new, id="other", camera="roof"))


@pytest.mark.slow
def test_links_are_written_once_and_replaced_when_they_change(gallery, url, generator):
    scene, night = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
    day, dark = scene.entry(0, unit(generator, 1)), night.entry(0, unit(generator, 1))
    identity, _ = gallery.add_tracklets([day, dark], MODEL, NEVER)
    sighting = gallery.sightings(day.tracklet.id)[0].id
    candidate = Candidate(1, identity, 0.1 + 0.2, None, day.tracklet.id, sighting)
    link = Link(dark.tracklet.id, MODEL, Decision.NOT_CALIBRATED, (candidate,))
    gallery.put_links([link])
    before = all_rows(url)
    gallery.put_links([link])
    assert all_rows(url) == before and gallery.links() == (link,)
    linked = replace(link, decision=Decision.LINKED, candidates=(replace(candidate, probability=0.9),))
    gallery.put_links([linked])
    assert gallery.links(MODEL) == (linked,) and gallery.links(OTHER_MODEL) == ()
    assert linked.identity == identity
    assert [row[1] for row in all_rows(url)["outbox"]].count("link.made") == 2
    before = all_rows(url)
    gallery.put_links([replace(link, tracklet="erased meanwhile")])
    assert all_rows(url) == before


def shades(crops, _modality):
    """An embedder that tells crops apart by their brightness."""
    angles = np.array([crop.mean() / 255 for crop in crops])
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_reembedding_goes_on_where_it_stopped(gallery, url, generator):
    scene, night = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
    entries = [scene.entry(0, unit(generator, 4)), night.entry(0, unit(generator, 3))]
    gallery.add_tracklets(entries, MODEL, NEVER)
    seen = []

    def failing(crops, modality):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(len(crops))
        return shades(crops, modality)

    with pytest.raises(KeyboardInterrupt):
        gallery.reembed(failing, OTHER_MODEL, batch=2)
    # Until all is done, the old model is the one that is searched.
    assert gallery.search(unit(generator, 1), MODEL, 10).ids.shape == (1, 7)
    told = []
    assert gallery.reembed(shades, OTHER_MODEL, batch=2, progress=lambda *now: told.append(now)) == 3
    assert told == [(6, 7), (7, 7)]
    hits = gallery.search(shades([np.full((8, 4, 3), 20, np.uint8)], Modality.VISIBLE), OTHER_MODEL, 10)
    assert hits.ids.shape == (1, 7) and hits.scores[0, 0] == pytest.approx(1, abs=1e-4)
    with pytest.raises(ModelMismatchError):
        gallery.search(unit(generator, 1), MODEL)
    assert [(model.id, model.active) for model in gallery.models()] == [(MODEL, False), (OTHER_MODEL, True)]
    assert gallery.reembed(shades, OTHER_MODEL) == 0
    # And back again without embedding anything.
    assert gallery.reembed(shades, MODEL) == 0
    assert gallery.search(unit(generator, 1), MODEL, 10).ids.shape == (1, 7)


def test_reembedding_needs_crops(gallery, generator):
    gallery.add(unit(generator, 2), camera="a", modality=Modality.VISIBLE, time_ns=[1, 2], model=MODEL)
    with pytest.raises(GalleryError, match="without a crop"):
        gallery.reembed(shades, OTHER_MODEL)


@pytest.mark.slow
def test_a_reader_sees_whole_tracklets_while_a_writer_writes(url, tmp_path, generator):
    failures, done = [], threading.Event()
    queries = unit(generator, 1)
    with Gallery.open(url) as writer, Gallery.open(url, tmp_path / "another") as reader:
        scene = Scene(writer)
        entries = [scene.entry(20 * i, unit(generator, 3)) for i in range(40)]

        def read():
            seen = 0
            try:
                while not done.is_set():
                    count = reader.search(queries, MODEL, 1000).ids.shape[1]
                    if count % 3 or count < seen or len(reader.tracklets()) * 3 < count:
                        failures.append((count, seen))
                    seen = count
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        for entry in entries:
            writer.add_tracklets([entry], MODEL, NEVER)
        done.set()
        thread.join()
        assert not failures
        assert reader.search(queries, MODEL, 1000).ids.shape == (1, 120)


@pytest.mark.slow
def test_one_gallery_serves_several_threads(gallery, generator):
    scene = Scene(gallery)
    entries = [scene.entry(20 * i, unit(generator, 2)) for i in range(30)]
    failures = []

    def guarded(work):
        try:
            work()
        except Exception as error:
            failures.append(error)

    def write():
        for entry in entries:
            gallery.add_tracklets([entry], MODEL, NEVER)

    def search():
        for _ in range(40):
            assert gallery.search(entries[0].vectors, MODEL, 5).ids.shape[1] <= 5

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (write, search, search)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and len(gallery.tracklets()) == 30


def test_in_memory(generator):
    with Gallery.open("sqlite://") as gallery:
        gallery.add(unit(generator, 3), camera="a", modality=Modality.VISIBLE, time_ns=[1, 2, 3], model=MODEL)
        assert gallery.search(unit(generator, 1), MODEL, 5).ids.shape == (1, 3)
