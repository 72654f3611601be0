import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.bench.search import bench_search
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, VectorIndex
from reid_core.gallery.index import Rows
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, unit

CAMERAS = [f"camera-{i}" for i in range(12)]


def index_of(vectors, cameras, infrared, times, ids):
    index = VectorIndex(vectors.shape[1])
    names = [f"t{number}" for number in ids]
    index.add(
        Rows(
            np.array(ids, np.int64),
            np.array(times, np.int64),
            [Modality.INFRARED if dark else Modality.VISIBLE for dark in infrared],
            [CAMERAS[camera] for camera in cameras],
            names,
            [f"s{number}" for number in ids],
            vectors,
        )
    )
    return index


def brute_force(vectors, ids, queries, passing, k):
    """Ids and scores by the definition: float64 scores as float32, best first, then ascending ids."""
    chosen = [row for row in range(len(ids)) if passing(row)]
    scores = (queries.astype(np.float64) @ vectors[chosen].astype(np.float64).T).astype(np.float32)
    found = []
    for row in scores:
        order = sorted(range(len(chosen)), key=lambda place: (-row[place], ids[chosen[place]]))[:k]
        found.append([(ids[chosen[place]], row[place]) for place in order])
    return found


@st.composite
def worlds(draw):
    count = draw(st.integers(1, 300))
    seed = draw(st.integers(0, 2**32 - 1))
    return {
        "generator": np.random.default_rng(seed),
        "count": count,
        "dim": draw(st.sampled_from([1, 3, 32])),
        # Few different vectors: many exactly equal scores.
        "different": draw(st.integers(1, count)),
        "queries": draw(st.sampled_from([1, 3, 25])),
        "k": draw(st.integers(1, 40)),
        "cameras": draw(st.none() | st.frozensets(st.sampled_from([*CAMERAS, "nowhere"]))),
        "exclude": draw(st.frozensets(st.sampled_from(CAMERAS), max_size=3)),
        "modality": draw(st.none() | st.sampled_from(Modality)),
        "since": draw(st.none() | st.integers(0, 100)),
        "until": draw(st.none() | st.integers(0, 100)),
        "sorted": draw(st.booleans()),
    }


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(worlds())
def test_filtered_search_is_brute_force(world):
    generator, count = world["generator"], world["count"]
    vectors = unit(generator, world["different"], world["dim"])[
        generator.integers(0, world["different"], count)
    ]
    cameras = generator.integers(0, len(CAMERAS), count)
    infrared = generator.random(count) < 0.3
    times = generator.integers(0, 100, count)
    times = np.sort(times) if world["sorted"] else times
    ids = np.cumsum(generator.integers(1, 4, count)).tolist()
    index = index_of(vectors, cameras, infrared, times, ids)
    where = SearchFilter(
        world["cameras"], world["exclude"], world["modality"], world["since"], world["until"]
    )

    def passing(row):
        camera = CAMERAS[cameras[row]]
        modality = Modality.INFRARED if infrared[row] else Modality.VISIBLE
        return (
            (where.cameras is None or camera in where.cameras)
            and camera not in where.exclude_cameras
            and where.modality in (None, modality)
            and (where.since_ns is None or times[row] >= where.since_ns)
            and (where.until_ns is None or times[row] < where.until_ns)
        )

    queries = unit(generator, world["queries"], world["dim"])
    hits = index.search(queries, world["k"], where)
    truth = brute_force(vectors, ids, queries, passing, world["k"])
    assert [list(zip(*row, strict=True)) for row in zip(hits.ids.tolist(), hits.scores, strict=True)] == truth
    assert hits.tracklets.tolist() == [[f"t{number}" for number in row] for row in hits.ids.tolist()]
    assert hits.sightings.tolist() == [[f"s{number}" for number in row] for row in hits.ids.tolist()]


@pytest.mark.parametrize("queries", [1, 30])
def test_exact_among_thousands_and_many_equals(queries):
    generator = np.random.default_rng(3)
    vectors = unit(generator, 6000, 64)
    vectors[500:1500] = vectors[0]
    # Nearly equal: further apart than float64 tells, nearer than a float32 sum does.
    vectors[2000:2100] = vectors[0] + np.float32(1e-8) * generator.standard_normal((100, 64), np.float32)
    ids = list(range(1, 6001))
    index = index_of(vectors, np.arange(6000) % 12, np.zeros(6000, bool), np.arange(6000), ids)
    asked = np.concatenate([vectors[:1], unit(generator, queries - 1, 64)])
    for where, passing in (
        (SearchFilter(), lambda row: True),
        (SearchFilter(cameras=frozenset({"camera-5"})), lambda row: row % 12 == 5),
        (SearchFilter(exclude_cameras=frozenset({"camera-5"})), lambda row: row % 12 != 5),
    ):
        hits = index.search(asked, 10, where)
        found = [list(zip(*row, strict=True)) for row in zip(hits.ids.tolist(), hits.scores, strict=True)]
        assert found == brute_force(vectors, ids, asked, passing, 10)


def test_agrees_with_faiss():
    generator = np.random.default_rng(5)
    vectors, queries = unit(generator, 2000, 64), unit(generator, 30, 64)
    index = index_of(vectors, [0] * 2000, [False] * 2000, [0] * 2000, list(range(2000)))
    bare = faiss.IndexFlatIP(64)
    bare.add(vectors)
    scores, rows = bare.search(queries, 5)
    hits = index.search(queries, 5)
    assert np.array_equal(hits.ids, rows)
    assert np.allclose(hits.scores, scores, atol=1e-6)


def test_truncating_forgets_the_last_rows():
    generator = np.random.default_rng(6)
    vectors = unit(generator, 10)
    index = index_of(vectors, [0] * 10, [False] * 10, range(10), list(range(1, 11)))
    index.truncate(4)
    assert index.search(vectors[5:6], 10).ids[0].tolist() != [] and len(index) == 4
    assert sorted(index.search(vectors[5:6], 10).ids[0].tolist()) == [1, 2, 3, 4]
    assert np.array_equal(index.vectors, vectors[:4])


def test_the_filter_reaches_through_the_gallery(url):
    generator = np.random.default_rng(8)
    with Gallery.open(url) as gallery:
        lobby, yard = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
        vectors = unit(generator, 6)
        for i in range(3):
            entries = [
                lobby.entry(20 * i, vectors[2 * i : 2 * i + 2]),
                yard.entry(20 * i, vectors[i : i + 1]),
            ]
            gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
        visible = gallery.search(vectors[:1], MODEL, 100, SearchFilter(modality=Modality.VISIBLE))
        in_yard = gallery.search(vectors[:1], MODEL, 100, SearchFilter(cameras=frozenset({"yard"})))
        late = gallery.search(vectors[:1], MODEL, 100, SearchFilter(since_ns=40 * 40))
        assert (visible.ids.shape[1], in_yard.ids.shape[1], late.ids.shape[1]) == (6, 3, 3)
        assert visible.scores[0, 0] == in_yard.scores[0, 0] == 1


def test_the_bench_tells_what_it_measured():
    told = bench_search(vectors=2000, dim=32, repeats=2, seconds=0)
    assert {"name", "ours_s", "baseline_s", "ratio", "target", "machine"} <= set(told)
    assert told["exact"] and all(case["exact"] for case in told["cases"])
    assert {(case["filter"] == "none", case["queries"]) for case in told["cases"]} == {
        (True, 1),
        (True, 64),
        (False, 1),
        (False, 64),
    }
    assert told["ratio"] == max(case["ratio"] for case in told["cases"])
