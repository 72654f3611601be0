"""A gallery's probabilities: of its present size, of its own cameras or not, and told with every link."""

from dataclasses import replace

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter
from reid_core.gallery.calibrations import own_calibration
from reid_core.gallery.outbox import Outbox
from reid_core.matcher import Matcher
from reid_core.own_cameras import calibrate_on_own_cameras
from reid_core.querying import Query, QueryService
from reid_core.size_law import SizeLaw
from reid_core.types import Decision, Modality
from tests.support.gallery_world import MODEL, Scene, near, unit

LAW = SizeLaw(20.0, -8.0, 1.0, 0.1, 0.9, 0.12, -0.2, rate=0.1, smallest=5, largest=80)
PLAIN = Calibration(10.0, -5.0, 0.5, 100, 100, "made up")
SIZED = replace(PLAIN, sizes=LAW)
FEW, MANY = 3, 40


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as opened:
        yield opened


@pytest.fixture
def generator():
    return np.random.default_rng(33)


def crowd(gallery, generator, count, camera="lobby"):
    scene = Scene(gallery, camera)
    vectors = unit(generator, count)
    entries = [scene.entry(100 * i, near(one, generator, 4, 0.04)) for i, one in enumerate(vectors)]
    gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
    return scene, vectors, entries


def at_score(score, aside):
    """A unit vector of that cosine with the first axis, towards another one."""
    found = np.zeros((1, 16), np.float32)
    found[0, [0, aside]] = score, np.sqrt(1 - score**2)
    return found


def test_a_newcomer_needs_more_in_a_larger_gallery(gallery):
    scene = Scene(gallery)
    axes = np.eye(16, dtype=np.float32)
    policy = IdentityPolicy(None, calibration=SIZED)
    gallery.add_tracklets([scene.entry(0, axes[:1])], MODEL, policy)
    score = (LAW.threshold(1) + LAW.threshold(MANY)) / 2
    alike = at_score(score, 1)
    (joined,) = gallery.add_tracklets([scene.entry(50, alike)], MODEL, policy)
    assert joined == gallery.identities()[0].id
    told = gallery.tracklet(scene.entry(50, alike).tracklet.id).evidence
    assert told["searched"] == 1 and told["threshold"] == pytest.approx(LAW.threshold(1))
    # Others of whom nobody is like it.
    others = [scene.entry(1000 + 100 * i, -axes[:1]) for i in range(MANY)]
    gallery.add_tracklets(others, MODEL, IdentityPolicy(None))
    later = at_score(score, 2)
    (founded,) = gallery.add_tracklets([scene.entry(9000, later)], MODEL, policy)
    assert founded != joined
    told = gallery.tracklet(scene.entry(9000, later).tracklet.id).evidence
    assert told["searched"] == MANY + 1 and told["reason"] == "nobody reached the threshold"
    # Asked for another rate, or for a fixed score, it is that.
    loose = IdentityPolicy(None, calibration=SIZED, false_positive_rate=0.999)
    fixed = IdentityPolicy(score - 0.1, calibration=SIZED)
    entries = [scene.entry(9100, alike), scene.entry(9200, alike)]
    assert gallery.add_tracklets(entries[:1], MODEL, loose)[0] in (joined, founded)
    assert gallery.add_tracklets(entries[1:], MODEL, fixed)[0] in (joined, founded)
    assert "searched" not in gallery.tracklet(entries[1].tracklet.id).evidence


def test_a_link_says_how_many_were_searched_and_sums_to_one(gallery, generator):
    _, vectors, _ = crowd(gallery, generator, MANY)
    yard = Scene(gallery, "yard", Modality.INFRARED)
    entry = yard.entry(0, near(vectors[7], generator, 3, 0.04))
    gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
    link = Matcher(gallery, MODEL, SIZED, top=3).match(entry.tracklet.id)
    assert (link.decision, link.searched, link.own_cameras) == (Decision.LINKED, MANY, False)
    assert link.unknown + sum(one.probability for one in link.candidates) == pytest.approx(1)
    # More candidates do not change those that were told of, nor does the filter but for its number.
    more = Matcher(gallery, MODEL, SIZED, top=20).match(entry.tracklet.id)
    assert more.candidates[:3] == link.candidates and more.unknown <= link.unknown
    some = SearchFilter(until_ns=1000 * 40)
    assert Matcher(gallery, MODEL, SIZED).match(entry.tracklet.id, some).searched == 10
    gallery.put_links([link])
    assert gallery.links(MODEL) == (link,)
    said = Outbox(gallery.database).link(entry.tracklet.id, MODEL)
    assert (said["searched"], said["calibrated_for_cameras"]) == (MANY, False)
    assert said["unknown"] == pytest.approx(link.unknown)
    # What a query says of the same vector is the same, on whatever page.
    service, query = QueryService(gallery, MODEL), Query(near(vectors[7], generator, 1)[0], calibration=SIZED)
    first = service.ask(query, size=2)
    second = service.ask(query, size=2, cursor=first.cursor)
    whole = service.ask(query, size=4)
    assert (*first.identities, *second.identities) == whole.identities


def test_a_calibration_of_before_answers_as_before(gallery, generator):
    _, vectors, _ = crowd(gallery, generator, FEW)
    yard = Scene(gallery, "yard", Modality.INFRARED)
    entry = yard.entry(0, vectors[1:2])
    gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
    link = Matcher(gallery, MODEL, PLAIN).match(entry.tracklet.id)
    assert (link.searched, link.unknown, link.own_cameras) == (None, None, False)
    assert link.candidates[0].probability == pytest.approx(float(PLAIN.probability(link.candidates[0].score)))
    bare = Matcher(gallery, MODEL, None).match(entry.tracklet.id)
    assert (bare.searched, bare.own_cameras) == (None, None)
    with pytest.raises(UsageError, match="does not say how errors grow"):
        Matcher(gallery, MODEL, PLAIN, false_positive_rate=0.1)


def test_own_cameras_are_all_of_the_gallery_s(gallery, generator):
    crowd(gallery, generator, FEW)
    yard = Scene(gallery, "yard", Modality.INFRARED)
    entry = yard.entry(0, unit(generator, 1))
    gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
    for cameras, own in (({"lobby"}, False), ({"lobby", "yard", "gone"}, True)):
        matcher = Matcher(gallery, MODEL, SIZED, cameras=frozenset(cameras))
        assert matcher.match(entry.tracklet.id).own_cameras is own


@pytest.mark.slow
def test_a_gallery_learns_from_its_own_cameras(gallery, generator):
    scene, _, _ = crowd(gallery, generator, MANY)
    crowd(gallery, generator, FEW, "gate")
    # Two at once in the lobby, as alike as strangers are.
    gallery.add_tracklets(
        [scene.entry(1, near(unit(generator, 1)[0], generator, 4))], MODEL, IdentityPolicy(None)
    )
    fit = calibrate_on_own_cameras(gallery, MODEL, rate=0.05)
    assert (fit.version, fit.cameras, fit.tracklets) == (1, frozenset({"lobby"}), MANY + 1)
    assert fit.halves_accepted > 0.9 and (fit.apart, fit.apart_accepted) == (1, 0)
    assert fit.notes == ["Camera gate has shown 3 people by day, too few to be looked at."]
    kept = own_calibration(gallery.database, MODEL, "visible-visible")
    assert kept.calibration == fit.calibration and kept.cameras == fit.cameras
    assert fit.threshold == fit.calibration.threshold_for(MANY + FEW + 1)
    # Strangers of the same kind reach it about as seldom as was asked for.
    law = fit.calibration.sizes
    best = (unit(generator, 2000) @ unit(generator, MANY).T).max(axis=1)
    assert law.rate == 0.05 and (best >= law.threshold(MANY)).mean() < 0.1
    # The earlier one is kept, the later one counts.
    again = calibrate_on_own_cameras(gallery, MODEL, rate=0.2)
    assert again.version == 2 and again.threshold < fit.threshold
    assert own_calibration(gallery.database, MODEL, "visible-visible").calibration == again.calibration


def test_a_gallery_that_saw_few_people_is_not_calibrated(gallery, generator):
    crowd(gallery, generator, FEW)
    with pytest.raises(UsageError, match="No camera has shown 8 visible tracklets"):
        calibrate_on_own_cameras(gallery, MODEL, rate=0.05)
    assert own_calibration(gallery.database, MODEL, "visible-visible") is None
