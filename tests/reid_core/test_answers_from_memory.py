"""What an index says of identities from memory is what the database's rows say, whatever happened to them."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter
from reid_core.gallery.corrections import Author, merge, move, split
from reid_core.gallery.counting import IdentityCounts
from reid_core.gallery.identity_vectors import identity_vectors
from reid_core.gallery.index import Rows, VectorIndex
from reid_core.gallery.owners import Owners
from reid_core.gallery.ownership import identities_of
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import TrackletRow
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, near, unit

DIM = 4
CAMERAS = ("a", "b", "c")
FILTERS = (
    SearchFilter(),
    SearchFilter(modality=Modality.VISIBLE),
    SearchFilter(cameras=frozenset({"a"})),
    SearchFilter(exclude_cameras=frozenset({"a"}), since_ns=30),
    SearchFilter(until_ns=60),
)


class Books:
    """Owners and counts of an index beside plain lists of the same."""

    def __init__(self, seed):
        self.draw = np.random.default_rng(seed)
        self.index, self.owners, self.counts = VectorIndex(DIM), Owners(), IdentityCounts()
        self.names, self.surplus, self.marks = [], [], []

    def grow(self):
        first, count = len(self.index), int(self.draw.integers(1, 8))
        ids = np.arange(first + 1, first + 1 + count, dtype=np.int64)
        names = [None if number == 9 else f"p{number}" for number in self.draw.integers(0, 10, count)]
        surplus = self.draw.random(count) < 0.3
        cameras = self.draw.choice(CAMERAS, count).tolist()
        texts = [f"t{number}" for number in ids]
        modalities = [Modality.INFRARED if name is None else Modality.VISIBLE for name in names]
        self.index.add(Rows(ids, ids * 2, modalities, cameras, texts, texts, unit(self.draw, count, DIM)))
        self.owners.extend(names, surplus)
        self.names += names
        self.surplus += [
            bool(beyond) and name is not None for name, beyond in zip(names, surplus, strict=True)
        ]

    def set_aside(self):
        rows = self._some()
        self.owners.set_aside(rows)
        for row in rows:
            self.surplus[row] = self.surplus[row] or self.names[row] is not None

    def reassign(self):
        rows = self._some()
        names = [None if number == 9 else f"p{number}" for number in self.draw.integers(0, 12, len(rows))]
        surplus = (self.draw.random(len(rows)) < 0.3).tolist()
        self.owners.reassign(rows, names, surplus)
        for row, name, beyond in zip(rows, names, surplus, strict=True):
            self.names[row], self.surplus[row] = name, beyond and name is not None

    def mark(self):
        self.marks.append((len(self.index), self.owners.mark(), [*self.names], [*self.surplus]))

    def restore(self):
        if self.marks:
            count, mark, self.names, self.surplus = self.marks.pop()
            self.index.truncate(count)
            self.owners.restore(count, mark)

    def _some(self):
        return np.flatnonzero(self.draw.random(len(self.names)) < 0.1).tolist()

    def check(self):
        for name in {*self.names} - {None}:
            mine = [row for row, owner in enumerate(self.names) if owner == name]
            assert self.owners.rows_of([name]).tolist() == mine
            exemplars = [row for row in mine if not self.surplus[row]]
            assert self.owners.exemplars(name).tolist() == exemplars
        assert self.owners.rows_of(["p0", "p1", "nobody"]).tolist() == [
            row for row, owner in enumerate(self.names) if owner in ("p0", "p1")
        ]
        newest = int(self.draw.integers(0, len(self.index) + 3))
        for where in FILTERS:
            for bounded in (where, replace(where, newest=newest)):
                passing = self.index.passing(bounded)
                there = {name for name, passes in zip(self.names, passing, strict=True) if passes}
                assert self.counts.count(self.index, self.owners, bounded) == len(there - {None})


@pytest.mark.parametrize("seed", range(6))
def test_rows_and_counts_of_identities_are_those_of_plain_lists(seed):
    books = Books(seed)
    books.grow()
    for step in books.draw.choice(["grow", "grow", "set_aside", "reassign", "mark", "restore"], 60):
        getattr(books, step)()
        books.check()


def test_more_filters_than_are_remembered_are_counted_as_well():
    books = Books(7)
    for _ in range(20):
        books.grow()
        filters = [SearchFilter(since_ns=since) for since in range(0, 60, 3)]
        found = [books.counts.count(books.index, books.owners, where) for where in filters]
        passing = [books.index.passing(where) for where in filters]
        assert found == [
            len({name for name, one in zip(books.names, some, strict=True) if one} - {None})
            for some in passing
        ]


def plainly(session, where, identities, kind=VectorKind.CROP, without=()):
    return identity_vectors(session, identities, MODEL, where, kind, without)


def test_vectors_and_owners_are_those_of_the_database(books):
    draw = np.random.default_rng(5)
    with Gallery.open(books) as gallery:
        lobby, yard = Scene(gallery, "lobby"), Scene(gallery, "yard")
        people = unit(draw, 5)
        policy, said = IdentityPolicy(0.8, exemplars=4), Author("kim", 9)
        for round_ in range(3):
            entries = [
                scene.entry(1000 * round_ + 100 * number, near(person, draw, 3))
                for scene in (lobby, yard)
                for number, person in enumerate(people)
            ]
            identities = [*dict.fromkeys(gallery.add_tracklets(entries, MODEL, policy))]
            gallery.add_caption_vectors(
                entries[round_].tracklet.id, near(people[0], draw, 2), model="c" * 64, space=MODEL
            )
            _compare(gallery, entries)
            with gallery.database.write() as session:
                if round_ == 0:
                    merge(session, identities[0], identities[1], said)
                elif round_ == 1:
                    split(session, identities[0], [entries[0].tracklet.id], said)
                else:
                    move(session, entries[2].tracklet.id, identities[0], said)
            _compare(gallery, entries)


def _compare(gallery, entries):
    filters = SearchFilter(), SearchFilter(cameras=frozenset({"yard"})), SearchFilter(since_ns=4000)
    for kind in VectorKind:
        with gallery.reading(MODEL, kind) as (session, store):
            names = [*session.scalars(select(TrackletRow.identity_id).distinct())]
            hits = store.search(session, unit(np.random.default_rng(1), 2), 30, None)
            tracklets = hits.tracklets.tolist()
            of = identities_of(session, {name for row in tracklets for name in row})
            assert store.whose(session, hits) == [[of[name] for name in row] for row in tracklets]
            assert tracklets[0]
            for where in filters:
                assert store.identities(session, where) == len(plainly(session, where, names, kind))
                for without in ((), frozenset({entries[0].tracklet.id})):
                    found = store.of_identities(session, [*names, "nobody"], where, without)
                    expected = plainly(session, where, names, kind, without)
                    assert found.keys() == expected.keys()
                    for name, theirs in expected.items():
                        assert found[name].tracklets == theirs.tracklets
                        assert np.array_equal(found[name].vectors, theirs.vectors)
