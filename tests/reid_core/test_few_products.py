"""Few vectors against few rows: made in the calling thread, with the answers of any other way."""

import numpy as np
import pytest

from reid_core.gallery import scoring
from reid_core.gallery.graph import Graph
from reid_core.gallery.scoring import cosines, slack

DIM = 64


def units(count, seed):
    vectors = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# 5 x 64 numbers leave room for 819 rows in a piece; 64 pieces are 52,416 rows.
@pytest.mark.parametrize("count", [0, 1, 818, 819, 820, 1638, 1639, 52_416, 52_417])
def test_cosines_are_those_of_the_whole_product(count):
    vectors, rows = units(5, 1), units(count, 2)
    found = cosines(vectors, rows)
    assert found.dtype == np.float32 and found.shape == (5, count)
    assert np.abs(found - vectors.astype(np.float64) @ rows.T).max(initial=0) <= slack(DIM)


def test_no_piece_is_large_enough_for_threads(monkeypatch):
    terms = []
    made = np.matmul

    def matmul(one, other, out):
        terms.append(one.size * other.shape[1])
        return made(one, other, out=out)

    monkeypatch.setattr(scoring.np, "matmul", matmul)
    cosines(units(5, 1), units(5_000, 2))
    assert len(terms) > 1 and max(terms) <= 4 * 65_536


@pytest.mark.parametrize("count", [0, 1, 15, 16, 17])
def test_a_graph_says_the_same_of_queries_asked_together_and_singly(count):
    rows, queries = units(2_000, 3), units(count, 4)
    graph = Graph(rows)
    graph.add(rows)
    together = graph.nearest(queries, 5)
    assert together.shape == (count, 5)
    for query, found in zip(queries, together, strict=True):
        assert np.array_equal(graph.nearest(query[None], 5)[0], found)
