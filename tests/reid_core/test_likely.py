"""One exemplar of each identity says which exemplars a search looks at beside what the graph finds."""

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter
from reid_core.gallery.graph import Graph
from reid_core.gallery.index import Rows, VectorIndex
from reid_core.gallery.likely import Likely
from reid_core.gallery.owners import Owners
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, near, unit

DIM, NOBODY = 16, 100
PEOPLE = unit(np.random.default_rng(3), 6, DIM)


def grown(owners, index, names, vectors):
    """So many more rows, each of an identity."""
    first = len(index)
    ids = np.arange(first + 1, first + 1 + len(names), dtype=np.int64)
    texts = [f"t{number}" for number in ids]
    index.add(Rows(ids, ids, [Modality.VISIBLE] * len(ids), ["a"] * len(ids), texts, texts, vectors))
    owners.extend(names, np.zeros(len(names), np.bool_))


def likeliest(likely, index, owners, query):
    return (likely.rows(index, owners, query[None], 1)[0] - NOBODY).tolist()


@pytest.fixture
def many(monkeypatch):
    """Rows of nobody in front, from which the ranges of the coarse copies are known."""
    monkeypatch.setattr("reid_core.gallery.likely._LEAST", 1)
    owners, index = Owners(), VectorIndex(DIM)
    grown(owners, index, [None] * NOBODY, unit(np.random.default_rng(2), NOBODY, DIM))
    return Likely(), owners, index


def test_the_likeliest_identity_is_looked_at_with_all_its_exemplars(many):
    likely, owners, index = many
    grown(owners, index, ["a", "b", None, "b"], PEOPLE[[0, 1, 2, 1]])
    assert likeliest(likely, index, owners, PEOPLE[1]) == [1, 3]
    assert likeliest(likely, index, owners, PEOPLE[0]) == [0]
    # Whose exemplar came first is of no consequence for those that come later.
    grown(owners, index, ["c", "a"], PEOPLE[[3, 4]])
    assert likeliest(likely, index, owners, PEOPLE[3]) == [4]
    assert likeliest(likely, index, owners, PEOPLE[0]) == [0, 5]


@pytest.mark.parametrize(("results", "people"), [(1, 1), (3, 1), (4, 2), (9, 4), (100, 6)])
def test_half_as_many_identities_as_results_are_looked_at(many, results, people):
    likely, owners, index = many
    grown(owners, index, list("abcdef"), PEOPLE)
    found = likely.rows(index, owners, PEOPLE[3][None], results)[0] - NOBODY
    nearest = np.argsort(-(PEOPLE @ PEOPLE[3]))[:people]
    assert found.tolist() == sorted(nearest.tolist())


def test_identities_that_a_failed_transaction_takes_back_are_forgotten(many):
    likely, owners, index = many
    grown(owners, index, ["a", "b"], PEOPLE[:2])
    mark = owners.mark()
    grown(owners, index, ["c", "d"], PEOPLE[2:4])
    assert likeliest(likely, index, owners, PEOPLE[2]) == [2]
    owners.restore(NOBODY + 2, mark)
    index.truncate(NOBODY + 2)
    grown(owners, index, ["e", "c"], PEOPLE[4:6])
    assert likeliest(likely, index, owners, PEOPLE[4]) == [2]
    assert likeliest(likely, index, owners, PEOPLE[5]) == [3]
    grown(owners, index, ["f"], PEOPLE[3:4])
    assert likeliest(likely, index, owners, PEOPLE[3]) == [4]
    assert likeliest(likely, index, owners, PEOPLE[5]) == [3]


def test_nobody_is_likely_where_nobody_is_known(many):
    likely, owners, index = many
    assert likeliest(likely, index, owners, PEOPLE[0]) == []


@pytest.mark.slow
def test_who_is_an_island_of_the_graph_is_found_nevertheless(sqlite_gallery, monkeypatch):
    draw = np.random.default_rng(4)
    with Gallery.open(sqlite_gallery, exact_up_to=200) as gallery:
        scene, people = Scene(gallery, "lobby"), unit(draw, 200)
        looks = [near(person, draw, 4, 0.02) for person in people]
        entries = [scene.entry(100 * number, each, 4) for number, each in enumerate(looks)]
        gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.99))
        gallery.search(people[:1], MODEL, 1)
        gallery.wait_for_graph()
        with gallery.writing(MODEL) as (_, store):
            assert store.index.in_graph == 800
        with Gallery.open(sqlite_gallery) as other:
            exact = other.search(people, MODEL, 4)
        # It never leaves where it begins.
        monkeypatch.setattr(
            Graph, "nearest", lambda self, queries, k, wanted=None: np.tile(np.arange(k), (len(queries), 1))
        )
        found = gallery.search(people, MODEL, 4)
        early = gallery.search(people[190:191], MODEL, 4, SearchFilter(until_ns=15_000 * 40))
    assert np.array_equal(found.ids, exact.ids) and np.array_equal(found.scores, exact.scores)
    assert early.ids.shape == (1, 4)
    assert not np.intersect1d(early.ids[0], exact.ids[190]).size


def test_a_name_that_comes_back_in_its_place_hides_no_other_before_it(many):
    likely, owners, index = many
    grown(owners, index, ["a", "b"], PEOPLE[:2])
    mark = owners.mark()
    grown(owners, index, ["c", "d"], PEOPLE[2:4])
    assert likeliest(likely, index, owners, PEOPLE[2]) == [2]
    owners.restore(NOBODY + 2, mark)
    index.truncate(NOBODY + 2)
    grown(owners, index, ["e", "d"], PEOPLE[[5, 3]])
    assert likeliest(likely, index, owners, PEOPLE[5]) == [2]


def test_whose_first_exemplar_went_to_somebody_else_is_known_by_the_next(many):
    likely, owners, index = many
    grown(owners, index, ["a", "b", "a"], PEOPLE[:3])
    assert likeliest(likely, index, owners, PEOPLE[0]) == [0, 2]
    # Two people were taken for one, and are told apart.
    owners.reassign([NOBODY], ["c"], [False])
    assert likeliest(likely, index, owners, PEOPLE[0]) == [0]
    assert likeliest(likely, index, owners, PEOPLE[2]) == [2]
    # The other one is merged into somebody, and set aside there.
    owners.reassign([NOBODY + 2], ["b"], [True])
    assert likeliest(likely, index, owners, PEOPLE[1]) == [1]
    owners.set_aside([NOBODY])
    assert likeliest(likely, index, owners, PEOPLE[1]) == [1]


def test_who_had_nobody_left_and_comes_back_is_likely_again(many):
    likely, owners, index = many
    grown(owners, index, ["a", "b"], PEOPLE[:2])
    owners.reassign([NOBODY + 1], ["a"], [False])
    # First asked while they are merged.
    assert likeliest(likely, index, owners, PEOPLE[0]) == [0, 1]
    owners.reassign([NOBODY + 1], ["b"], [False])
    assert likeliest(likely, index, owners, PEOPLE[1]) == [1]
    assert likeliest(likely, index, owners, PEOPLE[0]) == [0]


def test_a_failed_transaction_gives_the_first_exemplar_back(many):
    likely, owners, index = many
    grown(owners, index, ["a", "b", "a"], PEOPLE[:3])
    mark = owners.mark()
    owners.reassign([NOBODY], ["b"], [False])
    assert likeliest(likely, index, owners, PEOPLE[2]) == [2]
    owners.restore(NOBODY + 3, mark)
    assert likeliest(likely, index, owners, PEOPLE[0]) == [0, 2]
    assert likeliest(likely, index, owners, PEOPLE[1]) == [1]
