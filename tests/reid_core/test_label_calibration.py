"""A calibration that is fitted on what people said of links."""

import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.calibrations import own_calibration
from reid_core.matcher import Matcher
from reid_core.reviewing.calibrating import PAIR, calibrate_on_labels
from reid_core.reviewing.hands import Hands, Person
from reid_core.reviewing.labels import Verdict, judge_link
from reid_core.types import Modality
from tests.support.gallery_world import DIM, MODEL, Scene, near, unit

KIM = Hands(Person("u1", "Kim"), 9)
PEOPLE = 40


@pytest.fixture
def night(sqlite_gallery):
    """Forty people by day, each once again at night with more noise, and linked: gallery, ids, tracklets."""
    draw = np.random.default_rng(8)
    with Gallery.open(sqlite_gallery) as gallery:
        people = unit(draw, PEOPLE, DIM)
        day, dark = Scene(gallery), Scene(gallery, "yard", Modality.INFRARED)
        seen = [day.entry(40 * place, near(one, draw, 3)) for place, one in enumerate(people)]
        ids = gallery.add_tracklets(seen, MODEL, IdentityPolicy(None))
        nights = [dark.entry(40 * place, near(one, draw, 3, 0.25)) for place, one in enumerate(people)]
        gallery.add_tracklets(nights, MODEL, IdentityPolicy(None))
        tracklets = [one.tracklet.id for one in nights]
        matcher = Matcher(gallery, MODEL)
        gallery.put_links([matcher.match(one) for one in tracklets])
        yield gallery, ids, tracklets


def judge(gallery, tracklet, identity, verdict):
    with gallery.database.write() as session:
        judge_link(session, tracklet, identity, MODEL, verdict, KIM)


def test_yes_and_no_to_links_make_a_calibration_that_links_and_searches_go_by(night):
    gallery, ids, tracklets = night
    said = {Verdict.CONFIRMED: 0, Verdict.REJECTED: 0}
    for link in gallery.links():
        right = ids[tracklets.index(link.tracklet)]
        for one in link.candidates[:2]:
            verdict = Verdict.CONFIRMED if one.identity == right else Verdict.REJECTED
            judge(gallery, link.tracklet, one.identity, verdict)
            said[verdict] += 1
    assert said[Verdict.CONFIRMED] > 30 and said[Verdict.REJECTED] > 20
    fit = calibrate_on_labels(gallery, MODEL, 0.1)
    assert (fit.confirmed, fit.rejected) == (said[Verdict.CONFIRMED], said[Verdict.REJECTED])
    assert fit.cameras == {"lobby", "yard"} and fit.calibration.sizes.largest == 32
    own = own_calibration(gallery.database, MODEL, PAIR)
    assert own.calibration == fit.calibration and own.version == fit.version
    # By it, people are told from others at night: nobody was before.
    matcher = Matcher(gallery, MODEL, own.calibration, cameras=own.cameras)
    again = [matcher.match(one) for one in tracklets]
    linked = [link for link in again if link.identity is not None]
    right = sum(link.identity == ids[tracklets.index(link.tracklet)] for link in linked)
    assert len(linked) > 25 and right >= 0.95 * len(linked) and again[0].own_cameras


def test_few_labels_are_refused_with_their_number(night):
    gallery, _, tracklets = night
    for place in range(5):
        judge(gallery, tracklets[place], gallery.links()[place].candidates[0].identity, Verdict.CONFIRMED)
    with pytest.raises(UsageError, match="5 links are confirmed, and 20 are needed"):
        calibrate_on_labels(gallery, MODEL, 0.1)
    assert own_calibration(gallery.database, MODEL, PAIR) is None
