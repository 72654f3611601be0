import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid_core.errors import UsageError
from training.evaluation import ranks
from training.evaluation.ranks import SYSU_EXCLUSION
from training.evaluation.retrieval import (
    chance,
    chance_map,
    evaluate_retrieval,
    evaluate_similarities,
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


def slowly(scores, query, gallery, exclude):
    """The rules of SYSU-MM01, one query and one image at a time."""
    ranks, precisions, penalties = [], [], []
    for row, (identity, camera) in zip(scores, query, strict=True):
        ranked = sorted(range(len(gallery)), key=lambda image: -row[image])
        ranked = [gallery[i] for i in ranked if gallery[i][1] != exclude.get(camera)]
        places = [place for place, (other, _) in enumerate(ranked, 1) if other == identity]
        if not places:
            continue
        people = list(dict.fromkeys(other for other, _ in ranked))
        ranks.append(people.index(identity) + 1)
        precisions.append(sum(j / place for j, place in enumerate(places, 1)) / len(places))
        penalties.append(len(places) / places[-1])
    return ranks, precisions, penalties


sides = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 4)), min_size=1, max_size=14)


@settings(max_examples=150, deadline=None)
@given(
    query=sides,
    gallery=sides,
    exclude=st.dictionaries(st.integers(1, 4), st.integers(1, 4), max_size=2),
    data=st.data(),
)
def test_agrees_with_the_obvious_way(query, gallery, exclude, data):
    # Few different values: ties are the rule.
    row = st.lists(st.integers(-2, 2), min_size=len(gallery), max_size=len(gallery))
    scores = np.array(data.draw(st.lists(row, min_size=len(query), max_size=len(query))), float)
    ranks, precisions, penalties = slowly(scores, query, gallery, exclude)
    arguments = (*zip(*query, strict=True), *zip(*gallery, strict=True), exclude)
    if not ranks:
        with pytest.raises(UsageError, match="No query"):
            evaluate_similarities(scores, *arguments)
        return
    result = evaluate_similarities(scores, *arguments)
    assert result.valid == len(ranks)
    np.testing.assert_allclose(result.cmc, [np.mean(np.array(ranks) <= k) for k in range(1, 21)])
    assert result.map == pytest.approx(np.mean(precisions))
    assert result.minp == pytest.approx(np.mean(penalties))


def test_many_queries_are_ranked_in_blocks_to_the_same_end(monkeypatch):
    generator = np.random.default_rng(0)
    sides = [generator.integers(1, 5, (2, n)) for n in (30, 17)]
    scores = generator.normal(size=(30, 17))
    whole = evaluate_similarities(scores, *sides[0], *sides[1])
    monkeypatch.setattr(ranks, "_BLOCK_CELLS", 40)
    parts = evaluate_similarities(scores, *sides[0], *sides[1])
    assert (parts.r1, parts.map, parts.minp, parts.valid) == pytest.approx(
        (whole.r1, whole.map, whole.minp, whole.valid)
    )


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
