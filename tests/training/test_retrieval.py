import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid_core.errors import UsageError
from training.evaluation import ranks
from training.evaluation.ranks import (
    SYSU_EXCLUSION,
    Exclusion,
    Sides,
    rank_similarities,
    rank_vectors,
    ranked_lists,
)
from training.evaluation.reference import reference_metrics, reference_ranks
from training.evaluation.retrieval import (
    chance,
    chance_map,
    evaluate_retrieval,
    evaluate_similarities,
    summarise,
)


@pytest.fixture(scope="module")
def golden(shared):
    return json.loads((shared / "reference/metric_golden.json").read_text())


def test_gives_what_the_official_function_gives(golden):
    scores = np.array(golden["sim"])
    # With unit vectors as gallery, a query's dot products are its own coordinates.
    result = evaluate_retrieval(
        scores,
        golden["q_pid"],
        golden["q_cam"],
        np.eye(scores.shape[1]),
        golden["g_pid"],
        golden["g_cam"],
        exclude=SYSU_EXCLUSION,
    )
    expected = golden["expected"]["sysu"]
    identities = len(expected["cmc"])
    np.testing.assert_allclose(result.cmc[:identities], expected["cmc"], atol=1e-6)
    assert (result.cmc[identities:] == 1).all()
    assert result.map == pytest.approx(expected["mAP"], abs=1e-6)
    assert result.minp == pytest.approx(expected["mINP"], abs=1e-6)
    assert result.valid == golden["num_valid_sysu"]
    assert (result.r1, result.r5) == pytest.approx((0.704545, 0.977273), abs=1e-6)


sides = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=14)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(
    query=sides,
    gallery=sides,
    exclude=st.dictionaries(st.integers(1, 4), st.integers(1, 4), max_size=2),
    own=st.booleans(),
    of_gallery=st.booleans(),
    over_images=st.booleans(),
    data=st.data(),
)
def test_agrees_with_the_obvious_way(query, gallery, exclude, own, of_gallery, over_images, data):
    # Few different values: ties are the rule.
    row = st.lists(st.integers(-2, 2), min_size=len(gallery), max_size=len(gallery))
    scores = np.array(data.draw(st.lists(row, min_size=len(query), max_size=len(query))), float)
    exclusion = Exclusion(exclude, own, of_gallery)
    expected = reference_ranks(scores, query, gallery, exclusion)
    both = Sides.of(*zip(*query, strict=True), *zip(*gallery, strict=True), exclusion)
    found = rank_similarities(scores, both)
    assert list(zip(found.rows, found.identities, found.images, strict=True)) == [e[:3] for e in expected]
    np.testing.assert_allclose(found.precision, [e[3] for e in expected])
    np.testing.assert_allclose(found.penalty, [e[4] for e in expected])
    if not expected:
        with pytest.raises(UsageError, match="No query"):
            summarise(found)
        return
    result = summarise(found, over_images)
    for figure, value in reference_metrics(scores, query, gallery, exclusion, over_images).items():
        assert getattr(result, figure) == pytest.approx(value), figure
    assert result.valid == len(expected)
    lists = ranked_lists(scores, both, 3)
    for row, seen in enumerate(lists.tolist()):
        hidden = both.hidden()[row]
        order = [c for c in np.argsort(-scores[row], kind="stable").tolist() if not hidden[c]][:3]
        assert seen == order + [-1] * (3 - len(order))


@pytest.mark.parametrize("kind", ["regdb", "llcm"])
def test_gives_what_the_other_official_functions_give(golden, kind):
    scores = np.array(golden["sim"])
    expected = golden["expected"]["llcm_qcam3to1_6to5" if kind == "llcm" else kind]
    cameras = golden["q_cam"]
    if kind == "llcm":
        cameras = [{3: 1, 6: 5}[camera] for camera in cameras]
    exclusion = Exclusion(own_camera=kind == "llcm")
    both = Sides.of(golden["q_pid"], cameras, golden["g_pid"], golden["g_cam"], exclusion)
    result = summarise(rank_similarities(scores, both), over_images=kind == "regdb")
    assert result.map == pytest.approx(expected["mAP"], abs=1e-6)
    assert result.minp == pytest.approx(expected["mINP"], abs=1e-6)
    count = min(len(expected["cmc"]), len(result.cmc))
    np.testing.assert_allclose(result.cmc[:count], expected["cmc"][:count], atol=1e-6)


def test_vectors_that_do_not_fit_are_refused():
    both = Sides.of([1], [3], [1, 2], [1, 1])
    with pytest.raises(UsageError, match="Query vectors have 3 numbers and gallery vectors 2"):
        rank_vectors(np.zeros((1, 3)), np.zeros((2, 2)), both)
    with pytest.raises(UsageError, match="gallery vectors have shape"):
        rank_vectors(np.zeros((1, 3)), np.zeros((3, 3)), both)


def test_scores_that_only_double_precision_tells_apart_are_told_apart():
    # Image 2 beats image 1 by less than single precision holds.
    scores = np.array([[0.1, 0.5, 0.5 + 1e-12, 0.2]])
    both = Sides.of([1], [3], [9, 1, 2, 1], [1, 1, 1, 1])
    found = rank_similarities(scores, both)
    assert (found.identities[0], found.images[0]) == (2, 2)
    assert found.precision[0] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert rank_similarities(-scores, both).images[0] == 2


def test_many_queries_are_ranked_in_blocks_to_the_same_end(monkeypatch):
    generator = np.random.default_rng(0)
    sides = [generator.integers(1, 5, (2, n)) for n in (30, 17)]
    scores = generator.normal(size=(30, 17))
    whole = evaluate_similarities(scores, *sides[0], *sides[1])
    for name, value in (("_BLOCK_CELLS", 40), ("_PART_CELLS", 20), ("_GATHERED", 0), ("_COUNTED", 0)):
        monkeypatch.setattr(ranks, name, value)
        parts = evaluate_similarities(scores, *sides[0], *sides[1])
        assert (parts.r1, parts.map, parts.minp, parts.valid) == pytest.approx(
            (whole.r1, whole.map, whole.minp, whole.valid)
        )
        assert (parts.cmc == whole.cmc).all()


@pytest.mark.slow
def test_chance_is_what_shuffling_gives():
    query = [(1, 3), (2, 3), (2, 6), (9, 6)]
    gallery = [(1, 1), (1, 1), (1, 2), (2, 2), (2, 4), (3, 1), (3, 2)]
    arguments = (*zip(*query, strict=True), *zip(*gallery, strict=True), SYSU_EXCLUSION)
    # Camera 3 sees four images without camera 2: two are of 1, one of 2; identity 9 is nowhere.
    assert chance(*arguments) == pytest.approx((2 / 4 + 1 / 4 + 2 / 7) / 3)
    shuffled = random.Random(1)
    results = [
        evaluate_similarities(np.array([shuffled.sample(range(7), 7) for _ in query], float), *arguments)
        for _ in range(3000)
    ]
    assert np.mean([result.r1 for result in results]) == pytest.approx(chance(*arguments), abs=0.02)
    assert np.mean([result.map for result in results]) == pytest.approx(chance_map(*arguments), abs=0.01)


@pytest.mark.parametrize(
    ("scores", "query", "gallery", "words"),
    [
        (np.zeros((2, 3)), ([1, 2], [3, 3]), ([1, 2], [1, 1]), "shape"),
        (np.zeros((2, 2)), ([1, 2], [3]), ([1, 2], [1, 1]), "pair up"),
        (np.full((1, 1), np.nan), ([1], [3]), ([1], [1]), "finite"),
        (np.zeros((0, 0)), ([], []), ([], []), "No query"),
    ],
)
def test_refuses_what_makes_no_sense(scores, query, gallery, words):
    with pytest.raises(UsageError, match=words):
        evaluate_similarities(scores, *query, *gallery)


@pytest.mark.parametrize("count", [11, 15, 21, 30, 47, 60])
@pytest.mark.parametrize("hidden", [0, 7])
def test_precision_and_penalty_of_many_right_images(count, hidden):
    """AP = (1/P) sum_j j / r_j and INP = P / r_P, written out; more than ten and than twenty right images."""
    rng = np.random.default_rng(count)
    size = 4 * count + 9
    for _ in range(5):
        order = rng.permutation(size)
        scores = np.empty((1, size))
        scores[0, order] = np.linspace(1, -1, size)
        right = rng.choice(size, count, replace=False)
        ids, cameras = np.full(size, 2), np.ones(size, int)
        ids[right] = 1
        # Some are of the camera that the query does not see, right and wrong ones.
        cameras[rng.choice(size, hidden, replace=False)] = 2
        rank, places = 0, []
        for column in order.tolist():
            if cameras[column] == 2:
                continue
            rank += 1
            if ids[column] == 1:
                places.append(rank)
        precision = 0.0
        for found, place in enumerate(places, 1):
            precision += found / place
        ranks = rank_similarities(scores, Sides.of([1], [3], ids, cameras, {3: 2}))
        assert len(places) == count or hidden
        assert ranks.precision[0] == pytest.approx(precision / len(places), abs=1e-12)
        assert ranks.penalty[0] == pytest.approx(len(places) / places[-1], abs=1e-12)


def test_averages_are_over_queries_whatever_their_numbers_of_right_images():
    """One query with 25 right images that come last, one with a single one that comes first."""
    ids = np.array([1] * 25 + [2] * 5)
    scores = np.array([[0.1] * 25 + [0.9] * 5, [0.1] * 25 + [0.9] * 5]) - np.arange(30) * 1e-3
    found = evaluate_similarities(scores, [1, 2], [3, 3], ids, np.ones(30, int))
    last = sum(j / (5 + j) for j in range(1, 26)) / 25
    assert found.map == pytest.approx((last + 1.0) / 2)
    assert found.minp == pytest.approx((25 / 30 + 1.0) / 2)
