import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid_core.errors import UsageError
from reid_core.ranking import (
    KReciprocal,
    LocalGlobalJoint,
    NoReranking,
    encoding,
    k_reciprocal,
    k_reciprocal_blocks,
    local_global_joint,
    local_global_joint_blocks,
    parse_reranking,
    reranked,
)


def unit(vectors, dtype=np.float32):
    rows = np.asarray(vectors, np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(dtype)


def people(seed, identities, queries, images, dim=16):
    """Queries and gallery of a few people, each side a little off to its own direction, as modalities are."""
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(identities, dim))
    sides = []
    for count in (queries, images):
        ids = np.arange(count) % identities
        vectors = centres[ids] + 0.3 * generator.normal(size=dim) + 0.8 * generator.normal(size=(count, dim))
        sides.append((unit(vectors), ids))
    return sides


def slowly(query, gallery, k1, k2):
    """Jaccard distances, and distances divided by the largest, by the formulas: one image at a time."""
    vectors = [[float(x) for x in vector] for vector in (*query, *gallery)]
    everybody = range(len(vectors))
    # Nine digits, so that equally far is equal.
    far = [[round(2 - 2 * math.fsum(map(float.__mul__, a, b)), 9) for b in vectors] for a in vectors]
    ranked = [[p, *sorted(set(everybody) - {p}, key=lambda q: (far[p][q], q))] for p in everybody]
    divided = [[distance / (max(far[p]) or 1) for distance in far[p]] for p in everybody]

    def reciprocal(p, k):
        return {q for q in ranked[p][: k + 1] if p in ranked[q][: k + 1]}

    # 1/2, 5/2 ... go down and 3/2, 7/2 ... up: to the even number.
    half = k1 // 2 + (k1 % 4 == 3)
    encoded = []
    for p in everybody:
        near = reciprocal(p, k1)
        wide = set(near)
        for q in near:
            close = reciprocal(q, half)
            if Fraction(len(close & near), len(close)) > Fraction(2, 3):
                wide |= close
        weights = [math.exp(-divided[p][x]) if x in wide else 0 for x in everybody]
        encoded.append([weight / sum(weights) for weight in weights])
    averaged = [
        [sum(encoded[q][x] for q in ranked[p][:k2]) / len(ranked[p][:k2]) for x in everybody]
        for p in everybody
    ]
    jaccard = [
        [
            1 - sum(map(min, averaged[q], averaged[g])) / sum(map(max, averaged[q], averaged[g]))
            for g in everybody[len(query) :]
        ]
        for q in everybody[: len(query)]
    ]
    return np.array(jaccard), np.array([row[len(query) :] for row in divided[: len(query)]])


def cosine_distances(query, gallery):
    return np.array([[1 - sum(map(float.__mul__, a, b)) for b in gallery.tolist()] for a in query.tolist()])


# Few different vectors: copies and equal distances are the rule.
few = st.lists(st.integers(-1, 2), min_size=3, max_size=3).filter(any)
sets = st.lists(few, min_size=1, max_size=12).map(lambda rows: unit(rows, np.float64))
shares = st.floats(0, 1)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(query=sets, gallery=sets, k1=st.integers(1, 9), k2=st.integers(1, 5), weight=shares)
def test_k_reciprocal_agrees_with_the_formulas_where_much_is_equal(query, gallery, k1, k2, weight):
    jaccard, divided = slowly(query, gallery, k1, k2)
    found = k_reciprocal(query, gallery, k1, k2, weight)
    np.testing.assert_allclose(found, (1 - weight) * jaccard + weight * divided, atol=1e-6)
    assert found.min() >= 0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.tuples(st.integers(1, 15), st.integers(1, 25)),
    k1=st.integers(1, 45),
    k2=st.integers(1, 8),
)
def test_k_reciprocal_agrees_with_the_formulas_on_people(seed, sizes, k1, k2):
    (query, _), (gallery, _) = people(seed, 4, *sizes)
    jaccard, divided = slowly(query, gallery, k1, k2)
    found = k_reciprocal(query, gallery, k1, k2, 0.3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 0.7 * jaccard + 0.3 * divided, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), k=st.integers(1, 9), weight=shares, jaccard=shares)
@pytest.mark.slow
def test_local_global_joint_agrees_with_the_formula(data, k, weight, jaccard):
    local = [data.draw(sets) for _ in range(2)]
    wide = [unit(data.draw(st.lists(few, min_size=len(side), max_size=len(side)))) for side in local]
    inner = jaccard * slowly(*local, k, 3)[0] + (1 - jaccard) * cosine_distances(*local)
    np.testing.assert_allclose(
        local_global_joint(*wide, *local, k, weight, jaccard),
        cosine_distances(*wide) + weight * inner,
        atol=1e-6,
    )


def test_equally_far_images_are_put_in_order_by_index_whatever_the_machine_adds_up():
    # The cosine with each of them is 1/2, from the same numbers in another order.
    generator = np.random.default_rng(0)
    components = [5] + [1] * 9 + [-1] * 2 + [0] * 4
    gallery = unit([generator.permutation(components) for _ in range(30)], np.float64)
    query = unit(np.ones((2, 16)), np.float64)
    assert len({sum(vector) for vector in gallery.tolist()}) > 1, "nothing to round here"
    jaccard, divided = slowly(query, gallery, 7, 3)
    np.testing.assert_allclose(
        k_reciprocal(query, gallery, 7, 3, 0.3), 0.7 * jaccard + 0.3 * divided, atol=1e-6
    )


def test_vectors_that_lost_a_little_of_their_length_are_as_good():
    (query, _), (gallery, _) = people(0, 6, 12, 20)
    np.testing.assert_allclose(
        k_reciprocal(query * 1.0005, gallery * 0.9995), k_reciprocal(query, gallery), atol=1e-6
    )


def test_the_published_parameters_are_the_defaults():
    (query, _), (gallery, _) = people(0, 10, 30, 60)
    (local, _), (gallery_local, _) = people(1, 10, 30, 60, dim=8)
    np.testing.assert_array_equal(k_reciprocal(query, gallery), k_reciprocal(query, gallery, 20, 6, 0.3))
    four = (query, gallery, local, gallery_local)
    np.testing.assert_array_equal(local_global_joint(*four), local_global_joint(*four, 10, 0.2, 0.3))
    assert (KReciprocal().id, LocalGlobalJoint().id) == ("k-reciprocal(20,6,0.3)", "ljm(10,0.2,0.3)")


def test_small_blocks_come_to_the_same_end(monkeypatch):
    (query, _), (gallery, _) = people(0, 6, 30, 47)
    (local, _), (gallery_local, _) = people(1, 6, 30, 47, dim=8)
    four = (query, gallery, local, gallery_local)
    whole = k_reciprocal(query, gallery, 9, 3), local_global_joint(*four)
    # Three queries of the gallery at a time.
    monkeypatch.setattr(encoding, "_BLOCK_CELLS", 150)
    for expected, parts in zip(
        whole, (k_reciprocal_blocks(query, gallery, 9, 3), local_global_joint_blocks(*four)), strict=True
    ):
        rows, found = zip(*parts, strict=True)
        assert [(some.start, some.stop) for some in rows] == [(start, start + 3) for start in range(0, 30, 3)]
        np.testing.assert_allclose(np.concatenate(found), expected, atol=2e-7)
    monkeypatch.setattr(encoding, "_BLOCK_CELLS", 1)
    np.testing.assert_allclose(k_reciprocal(query, gallery, 9, 3), whole[0], atol=2e-7)


def peak(work):
    """Bytes that were held at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.slow
def test_many_images_need_no_array_of_all_pairs():
    generator = np.random.default_rng(0)
    query, gallery = (unit(generator.normal(size=(6000, 32))) for _ in range(2))
    rows = []

    def work():
        for some, block in k_reciprocal_blocks(query, gallery):
            assert np.isfinite(block).all()
            rows.append(some.stop - some.start)

    all_pairs = 12_000**2 * 4
    assert peak(work) < all_pairs / 3
    assert sum(rows) == 6000


def test_images_near_everybody_do_not_fill_the_memory(monkeypatch):
    # Copies of one image all have the first of them as neighbours: a column of V is full.
    query, gallery = np.tile(unit([[1, 2, 2]]), (300, 1)), np.tile(unit([[1, 2, 2]]), (400, 1))
    monkeypatch.setattr(encoding, "_BLOCK_CELLS", 20_000)
    assert peak(lambda: k_reciprocal(query, gallery)) < 4e6


def test_copies_of_one_image_are_at_finite_distances():
    same = unit([[3, 4]] * 40)
    # Nobody is far, and lists of 21 are full of copies with lower indices.
    found = k_reciprocal(same[:10], same[10:], 20, 1, 0.3)
    assert np.isfinite(found).all()
    # By index the first 21 are each other's neighbours; the rest have only themselves.
    np.testing.assert_allclose(found[:, :11], 0, atol=1e-6)
    np.testing.assert_allclose(found[:, 11:], 0.7, atol=1e-6)


def rank1_and_map(distances, query_ids, gallery_ids):
    right = gallery_ids[np.argsort(distances, axis=1, kind="stable")] == query_ids[:, None]
    precision = right.cumsum(axis=1) / np.arange(1, right.shape[1] + 1)
    return np.array([right[:, 0].mean(), ((precision * right).sum(axis=1) / right.sum(axis=1)).mean()])


def test_reranking_finds_more_of_the_same_person():
    (query, asked), (gallery, known) = people(0, 30, 150, 450)
    (query_local, _), (gallery_local, _) = people(1, 30, 150, 450)
    plain = rank1_and_map(-query @ gallery.T, asked, known)
    encoded = rank1_and_map(k_reciprocal(query, gallery), asked, known)
    joint = rank1_and_map(local_global_joint(query, gallery, query_local, gallery_local), asked, known)
    assert (encoded > plain + 0.02).all()
    assert (joint > plain + 0.02).all()


@pytest.mark.parametrize(
    ("text", "method", "id"),
    [
        ("none", NoReranking(), "none"),
        ("k-reciprocal(20,6,0.3)", KReciprocal(20, 6, 0.3), "k-reciprocal(20,6,0.3)"),
        ("k-reciprocal( 07, 1,1.0)", KReciprocal(7, 1, 1.0), "k-reciprocal(7,1,1)"),
        ("ljm(10,0.2,0.3)", LocalGlobalJoint(10, 0.2, 0.3), "ljm(10,0.2,0.3)"),
        ("ljm(5,.20,0)", LocalGlobalJoint(5, 0.2, 0.0), "ljm(5,0.2,0)"),
    ],
)
def test_reads_methods_as_protocol_ids_name_them(text, method, id):
    assert parse_reranking(text) == method
    assert parse_reranking(text).id == id


@given(k=st.integers(1), k2=st.integers(1), weight=shares, jaccard=shares)
def test_reads_back_what_it_writes(k, k2, weight, jaccard):
    for method in (KReciprocal(k, k2, weight), LocalGlobalJoint(k, weight, jaccard)):
        assert parse_reranking(method.id) == method


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "none()",
        "k-reciprocal",
        "k-reciprocal()",
        "k-reciprocal(20,6)",
        "k-reciprocal(20,6,0.3,1)",
        "k-reciprocal(20,6,0.3",
        "k-reciprocal(20,6,0.3) ",
        "k-reciprocal(20.0,6,0.3)",
        "k-reciprocal(-20,6,0.3)",
        "k-reciprocal(20,6,-0.3)",
        "k-reciprocal(20,6,nan)",
        "k-reciprocal(2_0,6,0.3)",
        "k-reciprocal(٢,6,0.3)",
        "ljm(10,0.2,zero)",
        "ljm(0.2,0.2,0.3)",
        "magic(1,2,3)",
    ],
)
def test_refuses_what_names_no_method(text):
    with pytest.raises(UsageError, match="is no method of re-ranking") as raised:
        parse_reranking(text)
    assert "k-reciprocal(20,6,0.3)" in raised.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("k-reciprocal(0,6,0.3)", "k1 to be at least 1, not 0"),
        ("k-reciprocal(20,0,0.3)", "k2 to be at least 1"),
        ("k-reciprocal(20,6,1.1)", "weight to lie within 0 and 1, not at 1.1"),
        ("ljm(0,0.2,0.3)", "k to be at least 1"),
        ("ljm(10,2,0.3)", "weight to lie within"),
        ("ljm(10,0.2,3)", "jaccard to lie within"),
    ],
)
def test_refuses_parameters_out_of_range(text, words):
    with pytest.raises(UsageError, match=words):
        parse_reranking(text)


def test_a_method_is_applied_with_its_parameters():
    (query, _), (gallery, _) = people(0, 5, 6, 11)
    encoded = reranked(query, gallery, parse_reranking("k-reciprocal(4,2,0.6)"))
    np.testing.assert_array_equal(encoded, -k_reciprocal(query, gallery, 4, 2, 0.6))
    plain = reranked(query, gallery, parse_reranking("none"))
    np.testing.assert_allclose(plain, query @ gallery.T, atol=1e-6)
    with pytest.raises(UsageError, match="needs local vectors"):
        reranked(query, gallery, parse_reranking("ljm(10,0.2,0.3)"))


E3, E2 = np.eye(3), np.eye(2)


@pytest.mark.parametrize(
    ("query", "gallery", "words"),
    [
        (np.zeros((0, 3)), E3, "query vectors have shape"),
        (E3, np.zeros((0, 3)), "gallery vectors have shape"),
        (E3[0], E3, "query vectors have shape"),
        (E3, E2, "3 numbers and the gallery vectors 2"),
        (np.full((1, 3), np.nan), E3, "query vector holds NaN"),
        (E3, np.array([[1, np.inf, 0]]), "gallery vector holds NaN"),
        (E3, np.diag([1, 1, 1.01]), "gallery vector 2 has length 1.01"),
        (np.zeros((1, 3)), E3, "query vector 0 has length 0"),
    ],
)
def test_refuses_vectors_that_make_no_sense(query, gallery, words):
    # At the call, before anything is asked of the blocks.
    with pytest.raises(UsageError, match=words):
        k_reciprocal_blocks(query, gallery)
    with pytest.raises(UsageError, match=words):
        k_reciprocal(query, gallery)
    with pytest.raises(UsageError, match="local"):
        local_global_joint_blocks(E3, E3, query, gallery)
    with pytest.raises(UsageError, match="global"):
        local_global_joint(query, gallery, E3, E3)


def test_refuses_parameters_and_sides_that_make_no_sense():
    with pytest.raises(UsageError, match="k1"):
        k_reciprocal_blocks(E3, E3, k1=0)
    with pytest.raises(UsageError, match="weight"):
        k_reciprocal(E3, E3, weight=math.nan)
    with pytest.raises(UsageError, match="jaccard"):
        local_global_joint_blocks(E3, E3, E3, E3, jaccard=-0.1)
    with pytest.raises(UsageError, match="The query has 3 global vectors and 2 local ones"):
        local_global_joint_blocks(E3, E3, E2, E2)
    with pytest.raises(UsageError, match="The gallery has 3 global vectors and 2 local ones"):
        local_global_joint_blocks(E2, E3[:, :2][[0, 1, 0]], E2, E2)
