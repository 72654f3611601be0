"""Merging looks back: a better home that comes later; kept as evidence, told, undone, not against people."""

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy, corrections
from reid_core.gallery.corrections import MERGING, Author
from reid_core.gallery.history import the_correction
from reid_core.gallery.outbox import IDENTITY_CHANGED, Outbox
from reid_core.gallery.whereabouts import Whereabouts
from tests.support.galleries import gallery_rows
from tests.support.gallery_world import MODEL, Scene

STAYS, MOVES = IdentityPolicy(0.8), IdentityPolicy(0.8, look_back=0.02)
AXES = np.eye(16, dtype=np.float32)


def between(cosine, one, other):
    return (cosine * one + np.sqrt(1 - cosine**2) * other).astype(np.float32)


class Arrivals:
    """Anna; then Ben from the front, who looks like her; then Ben from the front and the back."""

    def __init__(self, gallery):
        self.gallery, self.scene = gallery, Scene(gallery)
        front, back = between(0.82, AXES[0], AXES[1]), AXES[2]
        seen = between(0.95, front, AXES[3])
        entries = [AXES[0][None], front[None], np.stack([seen, back])]
        self.entries = [self.scene.entry(50 * place, views) for place, views in enumerate(entries)]
        self.early, self.late = self.entries[:2], self.entries[2:]
        self.anna, self.front, self.ben = (one.tracklet.id for one in self.entries)

    def owners(self):
        return self.gallery.identities_of([self.anna, self.front, self.ben])


@pytest.fixture
def arrivals(books):
    with Gallery.open(books) as gallery:
        yield Arrivals(gallery)


def test_a_tracklet_moves_to_the_identity_that_came_later(arrivals, books):
    gallery = arrivals.gallery
    anna, front, ben = gallery.add_tracklets(arrivals.entries, MODEL, MOVES)
    assert front == anna != ben
    owners = arrivals.owners()
    assert owners == {arrivals.anna: anna, arrivals.front: ben, arrivals.ben: ben}
    told = gallery.tracklet(arrivals.front).evidence
    assert (told["decision"], told["score"], told["threshold"]) == ("moved", pytest.approx(0.95), 0.8)
    assert told["before"] == {"identity": anna, "score": pytest.approx(0.82)}
    [event] = Outbox(gallery.database).after(0, {IDENTITY_CHANGED}, 9)
    assert (event.subject, event.payload) == (
        arrivals.front,
        {"identity": ben, "before": anna, "correction": 1},
    )
    with gallery.database.read() as session:
        one = the_correction(session, 1)
    assert (one.actor, one.tracklets, one.reason) == (
        MERGING,
        (arrivals.front,),
        "0.950 with those there, 0.820 with the others of before",
    )
    # A newcomer is compared with them as they are now.
    again = arrivals.scene.entry(300, gallery.vectors(arrivals.front, MODEL).vectors)
    assert gallery.add_tracklets([again], MODEL, MOVES) == (ben,)


def test_who_undoes_it_is_obeyed(arrivals, books):
    gallery = arrivals.gallery
    gallery.add_tracklets(arrivals.entries, MODEL, STAYS)
    rows = {name: gallery_rows(books)[name] for name in ("tracklets", "identities", "surplus")}
    gallery.remove_tracklets(arrivals.scene.recording, arrivals.entries[0].tracklet.close_reason)
    anna, *_ = gallery.add_tracklets(arrivals.entries, MODEL, MOVES)
    with gallery.database.write() as session:
        corrections.undo(session, 1, Author("kim", 7))
    assert {name: gallery_rows(books)[name] for name in rows} == rows
    gallery.add_tracklets([arrivals.scene.entry(300, arrivals.late[0].vectors)], MODEL, MOVES)
    assert arrivals.owners()[arrivals.front] == anna


@pytest.mark.parametrize("by", ["nothing", "lead", "people", "picture", "alone"])
def test_what_keeps_a_tracklet_where_it_is(arrivals, by):
    gallery, policy, late = arrivals.gallery, MOVES, arrivals.late
    early = arrivals.early if by != "alone" else arrivals.early[1:]
    gallery.add_tracklets(early, MODEL, STAYS)
    home = gallery.identities_of([arrivals.front])
    if by == "lead":
        policy = IdentityPolicy(0.8, look_back=0.14)
    if by == "people":
        with gallery.database.write() as session:
            owner = home[arrivals.front]
            number = corrections.split(session, owner, [arrivals.front], Author("kim", 7))
            corrections.undo(session, number, Author("kim", 8))
            number = corrections.split(session, owner, [arrivals.front], Author("kim", 9))
            corrections.merge(session, owner, the_correction(session, number).other, Author("kim", 10))
    if by == "picture":
        policy = IdentityPolicy(0.8, whereabouts=Whereabouts(0), look_back=0.02)
        late = [Scene(gallery, "gate").entry(55, arrivals.late[0].vectors)]
    (ben,) = gallery.add_tracklets(late, MODEL, policy)
    moved = gallery.identities_of([arrivals.front]) != home
    assert moved == (by == "nothing") and ben != home[arrivals.front]


@pytest.mark.slow
def test_ten_orders_of_arrival_mix_fewer_people():
    """Sixteen people of six tracklets, seen from changing sides, at a threshold that is low for them."""
    draw = np.random.default_rng(0)
    people = draw.standard_normal((16, 24))
    people /= np.linalg.norm(people, axis=1, keepdims=True)
    views, who = [], []
    for person in range(16):
        for _ in range(6):
            side = people[person] + 0.8 * draw.standard_normal(24) / np.sqrt(24)
            near = side + 0.5 * draw.standard_normal((3, 24)) / np.sqrt(24)
            views.append((near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32))
            who.append(person)

    def mixed(order, policy):
        with Gallery.open("sqlite://") as gallery:
            scene = Scene(gallery)
            entries = [scene.entry(20 * place, views[number]) for place, number in enumerate(order)]
            person = {one.tracklet.id: who[number] for one, number in zip(entries, order, strict=True)}
            gallery.add_tracklets(entries, MODEL, policy)
            return sum(len({person[each] for each in one.tracklets}) > 1 for one in gallery.identities())

    orders = [np.random.default_rng(number).permutation(len(views)).tolist() for number in range(10)]
    before = [mixed(order, IdentityPolicy(0.52)) for order in orders]
    after = [mixed(order, IdentityPolicy(0.52, look_back=0.02)) for order in orders]
    assert (sum(before), sum(after)) == (22, 19), (before, after)
