"""A gallery whose vectors are compared by how they stand out from what their cameras show."""

import numpy as np
import pytest

import reid_core.gallery.standardise as module
from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, VectorKind
from reid_core.gallery.schema import StagedRow
from reid_core.gallery.staging import Staging, pack_entry
from reid_core.gallery.standardise import LEAST_TRACKLETS, as_they_are, standardise
from reid_core.standardising import Statistics, parse_form
from reid_core.types import Modality
from tests.support.gallery_world import DIM, MODEL, OTHER_MODEL, Scene, all_rows, near, unit

pytestmark = pytest.mark.slow

NEVER = IdentityPolicy(None)
MEAN = "mean(10)"
COUNT = 60
VISIBLE = SearchFilter(modality=Modality.VISIBLE)


def world(count=COUNT):
    """What two cameras showed of the same people, each in its own light."""
    draw = np.random.default_rng(3)
    light = 3 * unit(draw, 2)
    people = unit(draw, count)
    return [[near(one + light[camera], draw, 2, 0.02) for one in people] for camera in range(2)]


def fill(gallery, count=COUNT):
    """Tracklets of both cameras, turn by turn, and a few of a night camera; their vectors by camera."""
    scenes = [Scene(gallery, "hall"), Scene(gallery, "yard")]
    seen = world(count)
    entries = [scenes[camera].entry(20 * i, seen[camera][i]) for i in range(count) for camera in (0, 1)]
    dark = Scene(gallery, "dark", Modality.INFRARED)
    entries += [dark.entry(20 * i, seen[0][i]) for i in range(3)]
    gallery.add_tracklets(entries, gallery.comparing(MODEL), NEVER)
    return entries


def recognised(gallery, entries):
    """How many of the yard's people have their own tracklet of the hall as the nearest."""
    space, right = gallery.comparing(MODEL), 0
    for hall, yard in zip(entries[0 : 2 * COUNT : 2], entries[1 : 2 * COUNT : 2], strict=True):
        query = gallery.vectors(yard.tracklet.id, space).vectors[:1]
        hits = gallery.search(query, space, 1, SearchFilter(cameras=frozenset({"hall"})))
        right += hits.tracklets[0, 0] == hall.tracklet.id
    return right


def statistics(entries, camera):
    vectors = np.concatenate([one.vectors for one in entries if one.tracklet.camera == camera])
    found = Statistics.of(vectors)
    return Statistics(COUNT, found.mean, found.deviation)


@pytest.fixture
def gallery():
    with Gallery.open("sqlite://") as opened:
        yield opened


def test_people_are_found_across_cameras_by_what_is_theirs(gallery):
    entries = fill(gallery)
    query = np.eye(DIM, dtype=np.float32)[:1]
    before = gallery.search(query, MODEL, 5)
    poor = recognised(gallery, entries)
    done = standardise(gallery.database, MODEL, MEAN)
    assert (done.version, done.vectors) == (1, sum(len(one.vectors) for one in entries))
    assert "3 infrared tracklets" in " ".join(done.notes)
    assert recognised(gallery, entries) > 1.3 * poor
    space = gallery.comparing(MODEL)
    assert space == done.standardisation.space != MODEL and gallery.model_of(space) == MODEL
    # By the formula, the counts being of tracklets; and the model's own vectors are as they were.
    own, known = statistics(entries, "hall"), [statistics(entries, name) for name in ("hall", "yard")]
    wanted = parse_form(MEAN).apply(entries[0].vectors, own, Statistics.over(known))
    first = entries[0].tracklet.id
    assert np.allclose(gallery.vectors(first, space).vectors, wanted, atol=1e-6)
    assert np.array_equal(gallery.vectors(first, MODEL).vectors, entries[0].vectors)
    # Of the three in the dark too little is known.
    dark = entries[-1].tracklet.id
    assert np.array_equal(gallery.vectors(dark, space).vectors, entries[-1].vectors)
    # What the model made just now comes into the space alike, and from no known camera nearly so.
    assert np.allclose(
        gallery.compared(entries[0].vectors, space, Modality.VISIBLE, "hall"), wanted, atol=1e-6
    )
    anywhere = gallery.compared(entries[0].vectors, space, Modality.VISIBLE)
    assert np.allclose(
        anywhere, parse_form("mean").apply(entries[0].vectors, Statistics.over(known), Statistics.over(known))
    )
    # Back again.
    assert as_they_are(gallery.database, MODEL) and not as_they_are(gallery.database, MODEL)
    after = gallery.search(query, MODEL, 5)
    assert np.array_equal(after.ids, before.ids) and np.array_equal(after.scores, before.scores)
    assert [one.space for one in gallery.models()] == [MODEL]


def test_scores_of_two_kinds_are_never_mixed(gallery):
    """Who began before goes on with a sentence, not with thresholds of other scores."""
    entries = fill(gallery)
    standardise(gallery.database, MODEL, MEAN)
    space = gallery.comparing(MODEL)
    late = Scene(gallery, "hall").entry(9000, entries[0].vectors)
    for stale in (MODEL, OTHER_MODEL):
        with pytest.raises(ModelMismatchError):
            gallery.add_tracklets([late], stale, NEVER)
        with pytest.raises(ModelMismatchError):
            gallery.search(entries[0].vectors, stale, 1)
    as_they_are(gallery.database, MODEL)
    with pytest.raises(ModelMismatchError, match="compared otherwise"):
        gallery.add_tracklets([late], space, NEVER)


def test_whoever_comes_later_is_standardised_by_the_same_version(gallery):
    entries = fill(gallery)
    space = standardise(gallery.database, MODEL, MEAN).standardisation.space
    vectors = entries[4].vectors
    new = Scene(gallery, "roof")
    late = [Scene(gallery, "hall").entry(9000, vectors), new.entry(9000, vectors)]
    joins = IdentityPolicy(0.99)
    added = gallery.add_tracklets(late, space, joins)
    assert added[0] == gallery.tracklet(entries[4].tracklet.id).identity
    for one in late:
        wanted = gallery.compared(vectors, space, Modality.VISIBLE, one.tracklet.camera)
        assert np.array_equal(gallery.vectors(one.tracklet.id, space).vectors, wanted)
        assert np.array_equal(gallery.vectors(one.tracklet.id, MODEL).vectors, vectors)
    # A version of what has been seen since; the vectors of the one before are gone.
    again = standardise(gallery.database, MODEL, MEAN)
    assert again.version == 2 and "roof" in again.standardisation.cameras
    assert {one.space for one in gallery.models()} == {MODEL, again.standardisation.space}
    same = standardise(gallery.database, MODEL, MEAN)
    assert (same.version, same.vectors) == (2, 0)


def test_what_waited_is_admitted_as_by_a_run(tmp_path):
    """A worker stages the model's own vectors; the clerk's rows are those of `add_tracklets`."""
    rows = []
    for staged in (False, True):
        url = f"sqlite:///{tmp_path / f'{staged}.db'}"
        with Gallery.open(url) as gallery:
            entries = fill(gallery)
            space = standardise(gallery.database, MODEL, MEAN).standardisation.space
            late = [
                Scene(gallery, name).entry(9000 + i, entries[4].vectors)
                for i, name in enumerate(("hall", "yard"))
            ]
            if staged:
                with gallery.database.write() as session:
                    for one in late:
                        session.add(
                            StagedRow(
                                kind="tracklet",
                                subject=one.tracklet.id,
                                camera_id=one.tracklet.camera,
                                modality=str(one.tracklet.modality),
                                due_ns=int(one.tracklet.times_ns[-1]),
                                admitted=False,
                                content=pack_entry(one, MODEL),
                            )
                        )
                staging = Staging(gallery, space, lambda session: None)
                staging.admit(staging.waiting(9), IdentityPolicy(0.9))
            else:
                gallery.add_tracklets(late, space, IdentityPolicy(0.9))
        found = all_rows(tmp_path / f"{staged}.db")
        found.pop("sqlite_sequence")
        rows.append(found)
    assert rows[0] == rows[1]


def test_a_stopped_standardisation_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PAGE", 50)

    def stopping(done, _total):
        if done > 60:
            raise KeyboardInterrupt

    rows = []
    for stopped in (False, True):
        with Gallery.open(f"sqlite:///{tmp_path / f'{stopped}.db'}") as gallery:
            fill(gallery)
            if stopped:
                with pytest.raises(KeyboardInterrupt):
                    standardise(gallery.database, MODEL, MEAN, stopping)
                assert gallery.comparing(MODEL) == MODEL
                gallery.search(np.eye(DIM, dtype=np.float32)[:1], MODEL, 1)
            standardise(gallery.database, MODEL, MEAN)
        rows.append(all_rows(tmp_path / f"{stopped}.db"))
    assert rows[0] == rows[1]


def test_where_too_little_was_seen_nothing_changes(gallery):
    fill(gallery, (LEAST_TRACKLETS - 1) // 2)
    for form in (MEAN, "median"):
        with pytest.raises(UsageError):
            standardise(gallery.database, MODEL, form)
    assert gallery.comparing(MODEL) == MODEL and [one.space for one in gallery.models()] == [MODEL]


def test_captions_stay_in_the_space_of_their_model(gallery):
    entries = fill(gallery)
    standardise(gallery.database, MODEL, MEAN)
    words = unit(np.random.default_rng(8), 2)
    first = entries[0].tracklet.id
    gallery.add_caption_vectors(first, words, model="c" * 64, space=MODEL)
    for space in (MODEL, gallery.comparing(MODEL)):
        assert gallery.search(words[:1], space, 3, kind=VectorKind.CAPTION).tracklets[0, 0] == first
    with pytest.raises(ModelMismatchError):
        gallery.add_caption_vectors(first, words, model="c" * 64, space=OTHER_MODEL)


def test_both_databases_answer_alike(gallery, postgres):
    with Gallery.open(postgres) as server:
        found = []
        for each in (gallery, server):
            entries = fill(each)
            space = standardise(each.database, MODEL, "mean-deviation(10,0.5)").standardisation.space
            late = Scene(each, "hall").entry(9000, entries[4].vectors)
            owner = each.add_tracklets([late], space, IdentityPolicy(0.9))
            hits = each.search(each.vectors(late.tracklet.id, space).vectors, space, 20, VISIBLE)
            found.append((space, owner, hits.ids.tolist(), hits.scores.tolist()))
            as_they_are(each.database, MODEL)
            found[-1] += (each.search(entries[0].vectors, MODEL, 5).scores.tolist(),)
    assert found[0] == found[1]
