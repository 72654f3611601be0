"""Whom a tracklet is compared with, at the edges: nobody, one, equals, people who are no longer there."""

import numpy as np
import pytest

from reid_core.gallery.choosing import finalists, nominees
from reid_core.gallery.graph import Graph
from reid_core.gallery.index import Rows, VectorIndex
from reid_core.gallery.likely import Likely
from reid_core.gallery.owners import Owners
from reid_core.types import Modality
from tests.support.gallery_world import unit

DIM = 8
PEOPLE = unit(np.random.default_rng(5), 12, DIM)


class World:
    """An index, with a graph or without, and whose its rows are."""

    def __init__(self, by_graph):
        self.index, self.owners, self.likely = (
            VectorIndex(DIM, exact_up_to=1 if by_graph else 1000),
            Owners(),
            Likely(),
        )
        self._by_graph = by_graph

    def add(self, names, vectors, surplus=None):
        first = len(self.index)
        ids = np.arange(first + 1, first + 1 + len(names), dtype=np.int64)
        texts = [f"t{number}" for number in ids]
        modalities = [Modality.VISIBLE if name else Modality.INFRARED for name in names]
        self.index.add(Rows(ids, ids, modalities, ["a"] * len(ids), texts, texts, np.asarray(vectors)))
        self.owners.extend(names, np.zeros(len(names), np.bool_) if surplus is None else np.array(surplus))
        if self._by_graph:
            graph = Graph(self.index.vectors.copy())
            graph.add(self.index.vectors)
            self.index.graph = graph

    def nominees(self, vectors):
        return nominees(self.index, self.owners, self.likely, vectors)

    def finalists(self, vectors, forbidden=(), nominated=None):
        return finalists(self.index, self.owners, self.likely, vectors, forbidden, nominated)


@pytest.fixture(params=[False, True], ids=["everybody", "graph"])
def world(request):
    return World(request.param)


def test_where_only_infrared_ones_are_there_is_nobody_to_compare_with(world):
    world.add([None] * 4, PEOPLE[:4])
    assert world.nominees(PEOPLE[:1]) is None and world.finalists(PEOPLE[:1]) is None


def test_one_identity_is_the_only_finalist_also_where_it_is_forbidden(world):
    world.add([None, "a", None], PEOPLE[[1, 0, 2]])
    nominated = world.nominees(PEOPLE[:1])
    assert nominated.identities == ("a",)
    for told in (None, nominated):
        free, not_free = world.finalists(PEOPLE[:1], (), told), world.finalists(PEOPLE[:1], ["a"], told)
        assert (list(free.identities), free.allowed) == (["a"], True)
        assert (list(not_free.identities), not_free.allowed) == (["a"], False)


def test_equals_are_all_finalists_whatever_the_nominations_were_cut_at(world):
    names = [f"p{number}" for number in range(12)]
    world.add(names, np.repeat(PEOPLE[:1], 12, axis=0))
    nominated = world.nominees(PEOPLE[:1])
    found = world.finalists(PEOPLE[:1], (), nominated)
    assert found.allowed and len({*found.identities}) >= 2
    if nominated.bound is not None:
        # Eight of twelve were nominated: that they are equal to the others shows.
        assert sorted({*found.identities}) == sorted(names)


def test_exemplars_that_were_set_aside_decide_nothing(world):
    world.add(["a", "a", "b"], PEOPLE[:3])
    world.owners.set_aside([0])
    found = world.finalists(PEOPLE[:1])
    assert "t1" not in found.tracklets and {*found.identities} == {"a", "b"}


def test_whom_a_merge_left_empty_is_no_finalist_and_comes_back_with_its_rows(world):
    world.add(["a", "b", "c"], PEOPLE[:3])
    before = world.nominees(PEOPLE[1:2])
    assert before.identities[0] == "b"
    world.owners.reassign([1], ["a"], [False])
    for told in (None, before):
        found = world.finalists(PEOPLE[1:2], (), told)
        assert found.identities[[*found.tracklets].index("t2")] == "a" and "b" not in found.identities
    assert "b" not in world.nominees(PEOPLE[1:2]).identities
    world.owners.reassign([1], ["b"], [False])
    found = world.finalists(PEOPLE[1:2])
    assert found.identities[[*found.tracklets].index("t2")] == "b"


def test_where_nobody_has_an_exemplar_left_there_is_nobody_to_compare_with(world):
    world.add(["a", None], PEOPLE[:2])
    before = world.nominees(PEOPLE[:1])
    world.owners.reassign([0], [None], [False])
    for told in (None, before, world.nominees(PEOPLE[:1])):
        assert world.finalists(PEOPLE[:1], (), told) is None
