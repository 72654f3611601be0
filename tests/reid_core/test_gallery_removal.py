"""Tracklets that were closed by an interruption are taken out before the recording is taken up again."""

from dataclasses import replace

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.types import CloseReason, Decision, Link, Modality
from tests.support.gallery_world import DIM, MODEL, Scene, near, unit

JOIN = IdentityPolicy(0.8)


def _interrupted(entry):
    return replace(entry, tracklet=replace(entry.tracklet, close_reason=CloseReason.INTERRUPTED))


@pytest.fixture
def world(url):
    generator = np.random.default_rng(3)
    with Gallery.open(url) as gallery:
        day, night = Scene(gallery, "lobby"), Scene(gallery, "yard", Modality.INFRARED)
        first, second, third = unit(generator, 3)
        kept = day.entry(0, near(first, generator, 2))
        joined = _interrupted(day.entry(100, near(first, generator, 2)))
        founder = _interrupted(day.entry(200, near(second, generator, 2)))
        seen = _interrupted(night.entry(300, near(third, generator, 2)))
        gallery.add_tracklets([kept, joined, founder, seen], MODEL, JOIN)
        gallery.put_links([Link(seen.tracklet.id, MODEL, Decision.UNKNOWN)])
        yield gallery, day, night, kept, founder


def test_all_that_hangs_on_them_goes_with_them(world):
    gallery, day, night, kept, _ = world
    assert len(gallery.identities()) == 2
    assert gallery.remove_tracklets(day.recording, CloseReason.INTERRUPTED) == 2
    assert [one.id for one in gallery.tracklets(recording=day.recording)] == [kept.tracklet.id]
    [identity] = gallery.identities()
    assert identity.tracklets == (kept.tracklet.id,)
    assert len(gallery.links()) == 1
    assert gallery.remove_tracklets(night.recording, CloseReason.INTERRUPTED) == 1
    assert gallery.links() == ()
    assert sum(model.vectors for model in gallery.models()) == 2
    assert gallery.remove_tracklets(day.recording, CloseReason.INTERRUPTED) == 0


def test_the_index_forgets_them_at_once_and_after_reopening(world, url):
    gallery, day, _, kept, founder = world
    query = founder.vectors[:1]
    assert gallery.search(query, MODEL, 1).tracklets[0, 0] == founder.tracklet.id
    gallery._indexes.save()
    gallery.remove_tracklets(day.recording, CloseReason.INTERRUPTED)
    assert founder.tracklet.id not in gallery.search(query, MODEL, 10).tracklets
    with Gallery.open(url) as again:
        hits = again.search(query, MODEL, 10)
        assert founder.tracklet.id not in hits.tracklets
        assert kept.tracklet.id in hits.tracklets
        again.add_tracklets([founder], MODEL, JOIN)
        assert again.search(query, MODEL, 1).tracklets[0, 0] == founder.tracklet.id
    assert query.shape[1] == DIM


def test_the_same_person_may_be_added_again(world):
    gallery, day, _, _, founder = world
    gallery.remove_tracklets(day.recording, CloseReason.INTERRUPTED)
    ended = replace(founder, tracklet=replace(founder.tracklet, close_reason=CloseReason.TIMEOUT))
    [identity] = gallery.add_tracklets([ended], MODEL, JOIN)
    assert [one.id for one in gallery.identities()][-1] == identity
    stored = gallery.tracklet(founder.tracklet.id)
    assert stored is not None and stored.close_reason is CloseReason.TIMEOUT
