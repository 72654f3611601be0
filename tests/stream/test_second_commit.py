"""Rows, offsets and what tells of them are kept together: nothing of it is left to a second commit.

In every call that writes such a whole, the second commit of a transaction fails, and nothing is lost by it:
there is none.
"""

import threading
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.ledger import TRACKLET, Advance, Batch, Ledger, Staged
from reid_core.gallery.outbox import LINK_MADE, TRACKLET_CLOSED, Outbox
from reid_core.gallery.schema import PartitionRow, RefusedRow, StagedRow
from reid_core.gallery.staging import Staging, pack_entry
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from stream.worker.commits import Commits
from stream.worker.intake import Intake
from tests.stream.test_shift import GATE, Hand, at, rows
from tests.stream.test_shift_embedding import CLOSED, FRAMES, hand_with, offset, staged, walked
from tests.support.brightness import RED
from tests.support.gallery_world import MODEL, Scene, unit


class SecondCommitError(Exception):
    """What the second commit of a whole ends with."""


@pytest.fixture
def whole(monkeypatch):
    """``whole(kind, name) -> Counter``: of each call of that method only the first commit goes well.

    The counter is of how many commits the calls took.
    """
    inside, made = threading.local(), Counter()

    def at_commit(_session):
        count = getattr(inside, "commits", None)
        if count is not None:
            inside.commits = count + 1
            if count:
                raise SecondCommitError

    event.listen(Session, "before_commit", at_commit)

    def watch(kind, name):
        real = getattr(kind, name)

        def call(*args, **kwargs):
            inside.commits = 0
            try:
                return real(*args, **kwargs)
            finally:
                made[inside.commits] += 1
                inside.commits = None

        monkeypatch.setattr(kind, name, call)
        return made

    yield watch
    event.remove(Session, "before_commit", at_commit)


@pytest.fixture(scope="module")
def embedder(colour_checkpoint):
    return load_embedder(colour_checkpoint, threads=1)


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


def events(gallery, kind):
    return [one.subject for one in Outbox(gallery.database).after(0, {kind}, 99)]


@pytest.mark.slow
def test_what_a_worker_found_and_how_far_it_came(gallery, embedder, whole):
    commits = whole(Commits, "_write")
    hand = hand_with(gallery, embedder)
    hand.claim()
    hand.give(*walked(GATE, RED))
    hand.shift._commits.commit()
    assert len(staged(gallery)) == len(CLOSED) and offset(gallery) == FRAMES + 1
    assert commits[1] > 1 and set(commits) <= {0, 1}, "a write without anything to write makes none"
    hand.end()


def test_a_dead_letter_and_the_event_that_tells_of_it(gallery, embedder, whole):
    commits = whole(Intake, "_refuse")
    hand = Hand(gallery, embedder)
    hand.claim()
    [good] = at(GATE, 0)
    hand.give(replace(good, value=b"no map"))
    assert len(rows(gallery, RefusedRow)) == len(events(gallery, "record.refused")) == 1
    assert commits == {1: 1}
    hand.end()


def test_what_is_admitted_and_the_event_that_tells_of_it(gallery, whole):
    day, night = Scene(gallery, "gate"), Scene(gallery, "night", Modality.INFRARED)
    entries = [scene.entry(0, unit(np.random.default_rng(3), 2)) for scene in (day, night)]
    ledger = Ledger(gallery.database, "g")
    hold = ledger.claim("t", 0, "w", (0, 9), 9)
    found = [
        Staged(TRACKLET, one.id, one.camera, str(one.modality), 5, pack_entry(entry, MODEL))
        for entry, one in ((entry, entry.tracklet) for entry in entries)
    ]
    saved = whole(Ledger, "save")
    ledger.save(Batch([Advance("t", 0, hold.epoch, 0, 4, 4, True, True)], found))
    assert [row.next for row in rows(gallery, PartitionRow)] == [4] and len(rows(gallery, StagedRow)) == 2
    staging = Staging(gallery, MODEL, lambda _session: None)
    whole(Staging, "admit")
    staging.admit(staging.waiting(9), IdentityPolicy(None))
    assert events(gallery, TRACKLET_CLOSED) == [one.tracklet.id for one in entries]
    [waits] = staging.waiting(9)
    whole(Linker, "link")
    linker = Linker(gallery, Matcher(gallery, MODEL, None))
    linker.link([waits.subject], lambda session: staging.settle(session, waits))
    assert events(gallery, LINK_MADE) == [waits.subject] and not rows(gallery, StagedRow)
    assert saved == {1: 3}
