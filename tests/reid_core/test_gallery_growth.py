"""Galleries that grow: exemplars, whom a tracklet may belong to before its transaction, and the graph."""

import threading

import numpy as np
import pytest
from sqlalchemy import create_engine, select

from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, choosing, writing
from reid_core.gallery import database as database_module
from reid_core.gallery.columns import TimeBlocks
from reid_core.gallery.exemplars import redundant
from reid_core.gallery.growing import Grower
from reid_core.gallery.live import LiveIndex
from reid_core.gallery.outbox import put_event
from reid_core.gallery.pgvector_index import PgvectorIndex
from reid_core.gallery.schema import SurplusRow, VectorRow
from reid_core.types import CloseReason, Modality
from tests.support.gallery_world import MODEL, Scene, near, unit

JOIN = IdentityPolicy(0.5)
FEW = IdentityPolicy(0.5, exemplars=4)


def surplus(url):
    """The sightings' vectors that are no exemplars."""
    engine = create_engine(url)
    with engine.connect() as connection:
        chosen = select(VectorRow.id).join(SurplusRow, SurplusRow.vector_id == VectorRow.id)
        found = sorted(connection.scalars(chosen))
    engine.dispose()
    return found


@pytest.fixture
def url(books):
    return books


# Which sightings are exemplars


def test_of_the_two_most_alike_the_later_goes():
    angles = np.radians([0, 90, 92, 180, 181, 270])
    views = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert redundant(views, 6) == []
    assert redundant(views, 5) == [4]
    assert redundant(views, 4) == [2, 4]
    # Of equal ones the first stays, however many there are.
    assert redundant(np.repeat(views[:1], 5, axis=0), 1) == [1, 2, 3, 4]
    assert redundant(views[[0, 1, 0, 1]], 2) == [2, 3]


def test_what_is_left_lies_apart():
    generator = np.random.default_rng(1)
    views = np.concatenate([near(view, generator, 20, 0.01) for view in unit(generator, 6)])
    left = np.setdiff1d(np.arange(len(views)), redundant(views, 6))
    # One of each view.
    assert (left // 20).tolist() == list(range(6))


def test_exemplars_decide_and_all_are_searched(url):
    generator = np.random.default_rng(2)
    front, back = unit(generator, 2)
    # Somebody who is seen from the front again and again, and from the back twice.
    with Gallery.open(url) as gallery:
        scene = Scene(gallery)
        first = scene.entry(0, np.stack([front, back]))
        rest = [scene.entry(20 * i, near(front, generator, 2, 0.02)) for i in range(1, 6)]
        identities = {*gallery.add_tracklets([first, *rest], MODEL, FEW)}
        assert len(identities) == 1
        gone = surplus(url)
        assert len(gone) == 12 - 4
        assert not {1, 2} & {*gone}
        ids = np.arange(1, 13)
        assert gallery.search(front[None], MODEL, 12).ids[0].tolist() != []
        assert sorted(gallery.search(front[None], MODEL, 12).ids[0].tolist()) == ids.tolist()
        # The nearest of all is no exemplar: it says nothing to whoever comes.
        stored = np.concatenate([entry.vectors for entry in [first, *rest]])
        asked = scene.entry(900, stored[gone[0] - 1][None])
        gallery.add_tracklets([asked], MODEL, FEW)
        evidence = gallery.tracklet(asked.tracklet.id).evidence
        left = np.setdiff1d(ids, gone) - 1
        best = left[np.argmax(stored[left].astype(np.float64) @ asked.vectors[0].astype(np.float64))]
        assert (
            evidence["matched_sighting"]
            == gallery.sightings([first, *rest][best // 2].tracklet.id)[best % 2].id
        )
        assert evidence["score"] < 0.999999


def test_an_ordinary_identity_has_all_its_sightings_as_exemplars(url):
    generator = np.random.default_rng(3)
    (person,) = unit(generator, 1)
    with Gallery.open(url) as gallery:
        scene = Scene(gallery)
        entries = [scene.entry(20 * i, near(person, generator, 5, 0.02)) for i in range(51)]
        gallery.add_tracklets(entries, MODEL, JOIN)
        assert surplus(url) == []
        gallery.add_tracklets([scene.entry(5000, near(person, generator, 5, 0.02))], MODEL, JOIN)
        assert len(surplus(url)) == 260 - 256


def test_all_that_are_left_decide_again_once_some_are_taken_out(url):
    generator = np.random.default_rng(4)
    (person,) = unit(generator, 1)
    with Gallery.open(url) as gallery:
        lobby, gate = Scene(gallery), Scene(gallery, "gate")
        kept = [gate.entry(20 * i, near(person, generator, 2, 0.02)) for i in range(3)]
        gone = [lobby.entry(900 + 20 * i, near(person, generator, 2, 0.02)) for i in range(3)]
        gallery.add_tracklets([*kept, *gone], MODEL, FEW)
        assert surplus(url)
        assert gallery.remove_tracklets(lobby.recording, CloseReason.TIMEOUT) == 3
        assert surplus(url) == []
        asked = lobby.entry(2000, kept[2].vectors[:1])
        gallery.add_tracklets([asked], MODEL, FEW)
        assert gallery.tracklet(asked.tracklet.id).evidence["score"] == 1.0


def test_exemplars_are_as_before_where_a_transaction_fails(url):
    generator = np.random.default_rng(5)
    views = unit(generator, 5)
    alike = near(views[0], generator, 1, 0.01)
    policy = IdentityPolicy(-1.0, exemplars=4)
    with Gallery.open(url) as gallery:
        scene = Scene(gallery)
        gallery.add_tracklets([scene.entry(0, np.concatenate([views[:3], alike]))], MODEL, policy)
        # Two views that it has not seen: the later of those that are alike would go.
        extra, asked = scene.entry(200, views[3:]), scene.entry(400, alike)
        with pytest.raises(ValueError, match="stopped"), gallery.writing(MODEL) as (session, store):
            writing.add_tracklet(session, store, extra, policy)
            assert 4 in session.scalars(select(SurplusRow.vector_id)).all()
            raise ValueError("stopped")
        assert surplus(url) == []
        with gallery.writing(MODEL) as (session, store):
            here = store.finalists(session, asked.vectors, ())
            with Gallery.open(url) as again, again._indexes.reading(MODEL, "crop") as (other, fresh):
                anew = fresh.finalists(other, asked.vectors, ())
        assert 4 in here.ids
        assert here.ids.tolist() == anew.ids.tolist()
        assert here.identities == anew.identities


# Whom a tracklet may belong to, before its transaction


class Between:
    """Does something once, after nominees were found and before the transaction that decides."""

    def __init__(self, monkeypatch, deed):
        self._deed = deed
        for store in (LiveIndex, PgvectorIndex):
            monkeypatch.setattr(store, "nominate", self._wrapped(store.nominate))

    def _wrapped(self, nominate):
        def found(store, session, vectors):
            nominees = nominate(store, session, vectors)
            if self._deed is not None:
                deed, self._deed = self._deed, None
                deed()
            return nominees

        return found


@pytest.fixture
def impatient(monkeypatch):
    """A writer that has to wait for another gives up at once."""
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.3)


def test_somebody_better_who_came_in_between_is_joined(url, monkeypatch, impatient):
    generator = np.random.default_rng(6)
    (person,) = unit(generator, 1)
    with Gallery.open(url) as gallery, Gallery.open(url) as beside:
        lobby, gate, yard = (Scene(gallery, name) for name in ("lobby", "gate", "yard"))
        # Twelve who are all rather like the person.
        crowd = [lobby.entry(20 * i, near(person, generator, 2, 0.3)) for i in range(12)]
        gallery.add_tracklets(crowd, MODEL, IdentityPolicy(None))
        better = gate.entry(0, near(person, generator, 2, 0.01))

        # A writer, while nominees are looked for: none is kept waiting.
        def come():
            beside.add_tracklets([better], MODEL, IdentityPolicy(None))

        Between(monkeypatch, come)
        asked = yard.entry(500, near(person, generator, 2, 0.01))
        (identity,) = gallery.add_tracklets([asked], MODEL, JOIN)
        assert identity == gallery.tracklet(better.tracklet.id).identity
        assert gallery.tracklet(asked.tracklet.id).evidence["runner_up"] is not None


def test_somebody_who_went_in_between_is_not_joined(url, monkeypatch, impatient):
    generator = np.random.default_rng(7)
    (person,) = unit(generator, 1)
    with Gallery.open(url) as gallery, Gallery.open(url) as beside:
        lobby, gate = Scene(gallery), Scene(gallery, "gate")
        gone = lobby.entry(0, near(person, generator, 2, 0.01))
        left = gate.entry(0, near(person, generator, 2, 0.3))
        gallery.add_tracklets([gone, left], MODEL, IdentityPolicy(None))
        Between(monkeypatch, lambda: beside.remove_tracklets(lobby.recording, CloseReason.TIMEOUT))
        asked = gate.entry(500, near(person, generator, 2, 0.01))
        (identity,) = gallery.add_tracklets([asked], MODEL, JOIN)
        assert identity == gallery.tracklet(left.tracklet.id).identity


def test_all_nominees_in_the_same_picture_leave_the_next_best(url, monkeypatch):
    """They came into the tracklet's own picture in between: it is somebody else, and was not nominated."""
    generator = np.random.default_rng(8)
    (person,) = unit(generator, 1)
    with Gallery.open(url) as gallery, Gallery.open(url) as beside:
        lobby, gate = Scene(gallery), Scene(gallery, "gate")
        crowd = [gate.entry(20 * i, near(person, generator, 2, 0.02)) for i in range(12)]
        last = gate.entry(700, near(person, generator, 2, 0.5))
        gallery.add_tracklets([*crowd, last], MODEL, IdentityPolicy(None))
        again = [lobby.entry(1000 + i, entry.vectors, 30) for i, entry in enumerate(crowd)]
        Between(monkeypatch, lambda: beside.add_tracklets(again, MODEL, IdentityPolicy(0.99)))
        asked = lobby.entry(1020, near(person, generator, 2, 0.02), 31)
        (identity,) = gallery.add_tracklets([asked], MODEL, IdentityPolicy(-1.0))
        assert identity == gallery.tracklet(last.tracklet.id).identity


@pytest.mark.parametrize("seed", range(4))
def test_the_decision_is_that_without_nominees(url, seed):
    """Whoever came, and however nearly equal they are."""
    draw = np.random.default_rng(seed)
    people = near(unit(draw, 1)[0], draw, 14, float(draw.choice([0.3, 1e-8])))
    with Gallery.open(url) as gallery:
        scenes = [Scene(gallery, name) for name in ("lobby", "gate")]

        def entry(start):
            person = people[draw.integers(len(people))]
            return scenes[draw.integers(2)].entry(start, near(person, draw, 3, 0.05))

        gallery.add_tracklets([entry(20 * i) for i in range(16)], MODEL, IdentityPolicy(0.97, exemplars=5))
        for step in range(6):
            asked = entry(1000 + 100 * step)
            nominees = gallery.nominate([asked], MODEL)[asked.tracklet.id]
            more = [entry(1000 + 100 * step + 20 * i) for i in range(1, draw.integers(1, 4))]
            gallery.add_tracklets(more, MODEL, IdentityPolicy(0.97, exemplars=5))
            known = [one.id for one in gallery.identities()]
            forbidden = draw.permutation(known)[: draw.integers(0, len(known) + 1)].tolist()
            with gallery.writing(MODEL) as (session, store):
                one = store.finalists(session, asked.vectors, forbidden, nominees)
                other = store.finalists(session, asked.vectors, forbidden)
            assert one.allowed == other.allowed
            assert two_best(one, asked.vectors) == two_best(other, asked.vectors)


def two_best(finalists, vectors):
    """The two best identities with their scores, as `decide` ranks them."""
    pairs = (vectors.astype(np.float64) @ finalists.vectors.astype(np.float64).T).astype(np.float32)
    scores = {}
    for identity in {*finalists.identities}:
        mine = np.array([one == identity for one in finalists.identities])
        scores[identity] = float(pairs[:, mine].max(axis=1).astype(np.float64).mean())
    return sorted((-score, identity) for identity, score in scores.items())[:2]


@pytest.mark.slow
def test_two_admit_at_once_and_nothing_is_doubled(url):
    """Two galleries as of two workers: what they wrote is what one alone would have, in the order it got."""
    generator = np.random.default_rng(9)
    people = np.eye(16, dtype=np.float32)[:6]
    with Gallery.open(url) as one, Gallery.open(url) as two:
        scenes = [Scene(one, f"camera-{i}") for i in range(2)]
        entries = [
            [scene.entry(20 * i, near(people[i % 6], generator, 2, 0.05)) for i in range(24)]
            for scene in scenes
        ]
        failures = []

        def admit(gallery, mine):
            try:
                for entry in mine:
                    gallery.add_tracklets([entry], MODEL, JOIN)
            except Exception as error:  # told by the test, not by the thread
                failures.append(error)

        # Both also hand in what the other does.
        parts = zip((one, two), (entries[0] + entries[1], entries[1] + entries[0]), strict=True)
        threads = [threading.Thread(target=admit, args=part) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        stored = one.tracklets()
        assert [each.position for each in stored] == list(range(1, 49))
        assert sum(model.vectors for model in one.models()) == 96
        assert len(one.identities()) == 6
        by_id = {entry.tracklet.id: entry for part in entries for entry in part}
        in_order = [(by_id[each.id], each.identity, each.evidence) for each in stored]
    with Gallery.open("sqlite://") as alone:
        for scene in scenes:
            Scene(alone, scene.camera)
        for entry, identity, evidence in in_order:
            assert alone.add_tracklets([entry], MODEL, JOIN) == (identity,)
            assert alone.tracklet(entry.tracklet.id).evidence == evidence


# The index in memory


@pytest.fixture
def slow_builds(sqlite_gallery, monkeypatch, impatient):
    """An index is built anew each time, and somebody writes meanwhile: how often."""
    build, wrote = LiveIndex._rebuild, []

    def slow(index, session, latest):
        with Gallery.open(sqlite_gallery) as beside:
            beside.put_camera(f"camera-{len(wrote)}", Modality.VISIBLE, "visible", 0)
        wrote.append(latest)
        build(index, session, latest)

    monkeypatch.setattr(LiveIndex, "_rebuild", slow)
    return wrote


def test_an_index_is_built_while_others_write(sqlite_gallery, monkeypatch, slow_builds):
    generator = np.random.default_rng(10)
    with Gallery.open(sqlite_gallery) as gallery:
        scene = Scene(gallery)
        gallery.add_tracklets([scene.entry(0, unit(generator, 3))], MODEL, JOIN)
    slow_builds.clear()
    monkeypatch.setattr("reid_core.gallery.live.load_index", lambda *_: None)
    with Gallery.open(sqlite_gallery) as gallery:
        gallery.add_tracklets([scene.entry(100, unit(generator, 3))], MODEL, JOIN)
    assert len(slow_builds) == 1


def test_no_writer_waits_where_an_infrared_tracklet_is_the_first(sqlite_gallery, slow_builds):
    generator = np.random.default_rng(20)
    with Gallery.open(sqlite_gallery) as gallery:
        scene = Scene(gallery, "night", Modality.INFRARED)
        gallery.add_tracklets([scene.entry(0, unit(generator, 3))], MODEL, JOIN)
        assert len(gallery.tracklets()) == 1
    assert len(slow_builds) == 1


def test_no_writer_waits_where_rows_went_between_nomination_and_writing(
    sqlite_gallery, monkeypatch, slow_builds
):
    generator = np.random.default_rng(21)
    with Gallery.open(sqlite_gallery) as gallery, Gallery.open(sqlite_gallery) as beside:
        lobby, gate = Scene(gallery), Scene(gallery, "gate")
        first = [lobby.entry(0, unit(generator, 2)), gate.entry(0, unit(generator, 2))]
        gallery.add_tracklets(first, MODEL, IdentityPolicy(None))
        slow_builds.clear()
        Between(monkeypatch, lambda: beside.remove_tracklets(lobby.recording, CloseReason.TIMEOUT))
        gallery.add_tracklets([gate.entry(500, unit(generator, 2))], MODEL, JOIN)
        assert len(slow_builds) == 1
        assert gallery.search(unit(generator, 1), MODEL, 10).ids.shape == (1, 4)


def test_what_else_is_written_in_the_transaction_is_seen(url):
    generator = np.random.default_rng(22)
    (person,) = unit(generator, 1)
    with Gallery.open(url) as gallery:
        lobby, gate = Scene(gallery), Scene(gallery, "gate")
        gone = lobby.entry(0, near(person, generator, 2, 0.02))
        gallery.add_tracklets([gone], MODEL, JOIN)
        entries = [gate.entry(50 * i, near(person, generator, 2, 0.02)) for i in range(4)]
        with gallery.writing(MODEL) as (session, store):
            for number, entry in enumerate(entries):
                writing.add_tracklet(session, store, entry, FEW)
                put_event(session, "test.other", f"{number}", {}, 0)
            writing.remove_tracklets(session, lobby.recording, CloseReason.TIMEOUT)
            writing.add_tracklet(session, store, gate.entry(900, near(person, generator, 2, 0.02)), FEW)
        assert surplus(url)
        found = gallery.search(person[None], MODEL, 20).ids.tolist()
        assert len(found[0]) == 10
        with gallery.writing(MODEL) as (session, store):
            here = store.finalists(session, person[None], ())
    with Gallery.open(url) as again, again.writing(MODEL) as (session, store):
        assert store.search(session, person[None], 20, None).ids.tolist() == found
        assert store.finalists(session, person[None], ()).ids.tolist() == here.ids.tolist()


def test_what_an_index_learnt_in_a_transaction_is_what_it_reads(url):
    """Exemplars that were set aside included: compared with an index that was built of the rows."""
    generator = np.random.default_rng(23)
    people = unit(generator, 3)
    with Gallery.open(url) as gallery:
        scenes = [Scene(gallery, name) for name in ("lobby", "gate")]
        for start in range(12):
            views = near(people[start % 3], generator, 3, 0.1)
            gallery.add_tracklets([scenes[start % 2].entry(50 * start, views)], MODEL, FEW)
        assert len(surplus(url)) == 36 - 12
        asked = near(people[0], generator, 2, 0.1)
        with gallery.writing(MODEL) as (session, store):
            here = store.finalists(session, asked, ())
        found = gallery.search(asked, MODEL, 36)
    with Gallery.open(url) as again, again.writing(MODEL) as (session, store):
        anew = store.finalists(session, asked, ())
        assert anew.ids.tolist() == here.ids.tolist()
        assert anew.identities == here.identities
        assert {*anew.ids.tolist()}.isdisjoint(surplus(url))
        assert told(store.search(session, asked, 36, None)) == told(found)


def told(hits):
    """All that hits say."""
    return hits.scores.tolist(), hits.ids.tolist(), hits.tracklets.tolist(), hits.sightings.tolist()


def test_a_time_filter_looks_at_its_blocks_alone(monkeypatch):
    monkeypatch.setattr("reid_core.gallery.columns._BLOCK", 4)
    times = np.array([5, 6, 7, 8, 20, 21, 9, 22, 30, 31], np.int64)
    blocks = TimeBlocks()
    blocks.extend(times[:3])
    blocks.extend(times)
    assert blocks.within(None, 9, 10) == [slice(0, 4)]
    assert blocks.within(9, 10, 10) == [slice(4, 8)]
    assert blocks.within(22, None, 10) == [slice(4, 8), slice(8, 10)]
    assert blocks.within(10, 20, 10) == [slice(4, 8)]
    assert blocks.within(32, None, 10) == []
    blocks.truncate(times[:6])
    assert blocks.within(22, None, 6) == []
    assert blocks.within(9, 20, 6) == []


# Beyond the size up to which a search is exact


class Crowd:
    """Thousands of sightings of hundreds of people, and who is nearest by definition."""

    def __init__(self, gallery, generator):
        self.people = unit(generator, 300, 32)
        self.vectors = np.concatenate([near(person, generator, 10, 0.1) for person in self.people])
        self.vectors = self.vectors[generator.permutation(len(self.vectors))]
        for camera in range(6):
            scene = Scene(gallery, f"camera-{camera}", Modality.INFRARED if camera == 5 else Modality.VISIBLE)
            entries = [
                scene.entry(20 * place, self.vectors[10 * place : 10 * (place + 1)])
                for place in range(50 * camera, 50 * (camera + 1))
            ]
            gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))

    def truth(self, query, rows, k):
        scores = (self.vectors[rows].astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
        order = np.lexsort((rows, -scores))[:k]
        return rows[order] + 1, scores[order]


@pytest.fixture
def crowd(sqlite_gallery):
    generator = np.random.default_rng(11)
    with Gallery.open(sqlite_gallery, exact_up_to=1000) as gallery:
        world = Crowd(gallery, generator)
        gallery.search(world.vectors[:1], MODEL, 1)
        gallery.wait_for_graph()
        with gallery.writing(MODEL) as (_, store):
            assert len(store.index) - 512 < len(store.index.graph) <= len(store.index)
        world.queries = near(world.people[7], generator, 40, 0.1)
        yield gallery, world


@pytest.mark.slow
@pytest.mark.parametrize(
    ("where", "first", "last"),
    [
        (None, 0, 3000),
        (SearchFilter(modality=Modality.VISIBLE), 0, 2500),
        (SearchFilter(since_ns=80_000), 1000, 3000),
        (SearchFilter(since_ns=24_000, until_ns=72_000), 300, 900),
        (SearchFilter(cameras=frozenset({"camera-2"})), 1000, 1500),
        (SearchFilter(since_ns=10**9), 0, 0),
    ],
)
def test_nearly_all_of_the_best_are_found_with_their_exact_scores(crowd, where, first, last):
    gallery, world = crowd
    rows = np.arange(first, last)
    shared = asked = 0
    for k in (1, 10, 300):
        hits = gallery.search(world.queries, MODEL, k, where)
        assert hits.ids.shape == (40, min(k, len(rows)))
        for query, ids, scores in zip(world.queries, hits.ids, hits.scores, strict=True):
            best, exact = world.truth(query, rows, k)
            shared += len(np.intersect1d(ids, best))
            asked += len(best)
            told = dict(zip(*world.truth(query, rows, len(rows)), strict=True))
            assert scores.tolist() == [told[number] for number in ids]
            assert (np.diff(scores) <= 0).all()
            if len(rows) <= 1000:
                assert (ids.tolist(), scores.tolist()) == (best.tolist(), exact.tolist())
    assert shared >= 0.99 * asked


@pytest.mark.slow
def test_whoever_comes_is_given_the_identity_that_all_comparisons_give(crowd, sqlite_gallery):
    gallery, world = crowd
    generator = np.random.default_rng(12)
    scene = Scene(gallery, "late")
    people = world.people[generator.integers(0, 300, 30)]
    entries = [
        scene.entry(10_000_000 + 20 * i, near(person, generator, 3, 0.1)) for i, person in enumerate(people)
    ]
    given = [gallery.add_tracklets([entry], MODEL, IdentityPolicy(0.3))[0] for entry in entries]
    evidence = [gallery.tracklet(entry.tracklet.id).evidence for entry in entries]
    with Gallery.open("sqlite://") as exact:
        Crowd(exact, np.random.default_rng(11))
        Scene(exact, "late")
        for entry, identity, told in zip(entries, given, evidence, strict=True):
            assert exact.add_tracklets([entry], MODEL, IdentityPolicy(0.3)) == (identity,)
            assert exact.tracklet(entry.tracklet.id).evidence == told


@pytest.mark.slow
def test_somebody_seen_often_hides_nobody_else(crowd, monkeypatch):
    """The vectors nearest to a tracklet are all of one identity: the runner-up is found nevertheless."""
    gallery, world = crowd
    generator = np.random.default_rng(15)
    person, other = world.people[7], world.people[8]
    scene, gate = Scene(gallery, "entrance"), Scene(gallery, "gate")
    often = scene.entry(10**6, near(person, generator, 600, 0.02), 600)
    (whose,) = gallery.add_tracklets([often], MODEL, IdentityPolicy(None))
    alike = near(person + 0.4 * other, generator, 3, 0.02)
    (second,) = gallery.add_tracklets([gate.entry(0, alike, 3)], MODEL, IdentityPolicy(None))
    gallery.search(alike[:1], MODEL, 1)
    gallery.wait_for_graph()
    monkeypatch.setattr(choosing, "_of_all", None)
    asked = gate.entry(10**6, near(person, generator, 3, 0.02), 3)
    assert gallery.add_tracklets([asked], MODEL, IdentityPolicy(0.3)) == (whose,)
    assert gallery.tracklet(asked.tracklet.id).evidence["runner_up"]["identity"] == second


@pytest.mark.slow
def test_the_graph_is_kept_between_runs_and_grows_on(crowd, sqlite_gallery, monkeypatch):
    gallery, world = crowd
    told = gallery.search(world.queries, MODEL, 10).ids.tolist()
    gallery.close()

    def forbidden(*_):
        raise AssertionError("built anew")

    monkeypatch.setattr(Grower, "_build", forbidden)
    with Gallery.open(sqlite_gallery, exact_up_to=1000) as again:
        assert again.search(world.queries, MODEL, 10).ids.tolist() == told
        more = near(world.people[7], np.random.default_rng(13), 600, 0.1)
        scene = Scene(again, "camera-9")
        again.add_tracklets([scene.entry(10**6, more, 600)], MODEL, IdentityPolicy(None))
        again.search(more[:1], MODEL, 1)
        again.wait_for_graph()
        with again.writing(MODEL) as (_, store):
            assert len(store.index.graph) == 3600
        assert again.search(more[:1], MODEL, 1).scores[0, 0] == pytest.approx(1)


@pytest.mark.slow
def test_a_graph_of_which_rows_are_gone_is_not_used(crowd):
    gallery, world = crowd
    gallery.remove_tracklets(gallery.recordings()[0].id, CloseReason.TIMEOUT)
    assert gallery.search(world.queries, MODEL, 10).ids.min() > 500
    gallery.wait_for_graph()
    assert gallery.search(world.queries, MODEL, 10).ids.min() > 500


@pytest.mark.slow
def test_a_gallery_is_closed_while_its_graph_grows(sqlite_gallery, monkeypatch):
    monkeypatch.setattr("reid_core.gallery.growing._PAGE", 1)
    with Gallery.open(sqlite_gallery, exact_up_to=1000) as gallery:
        world = Crowd(gallery, np.random.default_rng(14))
        gallery.search(world.vectors[:1], MODEL, 1)
    with Gallery.open(sqlite_gallery) as gallery:
        assert gallery.search(world.vectors[:1], MODEL, 1).scores[0, 0] == pytest.approx(1)
