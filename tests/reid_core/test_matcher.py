from dataclasses import replace

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter, TrackletVectors
from reid_core.matcher import Matcher, query_vector
from reid_core.types import Decision, Modality
from tests.support.gallery_world import MODEL, OTHER_MODEL, Scene, near, unit

# Probability 1/2 at score 1/2.
CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up")


@pytest.fixture
def gallery(url):
    with Gallery.open(url) as opened:
        yield opened


@pytest.fixture
def generator():
    return np.random.default_rng(21)


def fill(gallery, generator, people, tracklets=1, sightings=3):
    """One identity a person; returns their ids."""
    scene = Scene(gallery)
    found = []
    for number, person in enumerate(people):
        for part in range(tracklets):
            entry = scene.entry(20 * (number * tracklets + part), near(person, generator, sightings, 0.02))
            found.extend(gallery.add_tracklets([entry], MODEL, IdentityPolicy(0.8)))
    return list(dict.fromkeys(found))


def dark_tracklet(gallery, vectors, start=0):
    scene = Scene(gallery, "yard", Modality.INFRARED)
    entry = scene.entry(start, vectors)
    gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
    return entry.tracklet.id


def test_links_to_the_right_identity(gallery, generator):
    people = np.eye(16, dtype=np.float32)[:7]
    identities = fill(gallery, generator, people)
    tracklet = dark_tracklet(gallery, near(people[4], generator, 2, 0.02))
    link = Matcher(gallery, MODEL, CALIBRATION).match(tracklet)
    assert (link.tracklet, link.model, link.decision) == (tracklet, MODEL, Decision.LINKED)
    assert link.identity == identities[4]
    assert [candidate.rank for candidate in link.candidates] == [1, 2, 3, 4, 5]
    assert len({candidate.identity for candidate in link.candidates}) == 5
    scores = [candidate.score for candidate in link.candidates]
    assert scores == sorted(scores, reverse=True)
    best = link.candidates[0]
    assert best.probability == pytest.approx(1 / (1 + np.exp(5 - 10 * best.score)))
    assert best.sighting in {sighting.id for sighting in gallery.sightings(best.tracklet)}
    # The score is the query's cosine with that sighting.
    query = query_vector(gallery.vectors(tracklet, MODEL))
    stored = gallery.vectors(best.tracklet, MODEL)
    assert best.score == pytest.approx(
        query @ stored.vectors[stored.sightings.index(best.sighting)], abs=1e-6
    )


@pytest.mark.slow
def test_the_five_best_identities_are_found_behind_hundreds_of_one(gallery, generator):
    people = np.eye(16, dtype=np.float32)[:6]
    scene = Scene(gallery)
    crowd = [scene.entry(20 * i, near(people[0], generator, 5, 0.02)) for i in range(60)]
    gallery.add_tracklets(crowd, MODEL, IdentityPolicy(0.8))
    others = [scene.entry(5000 + 20 * i, people[i][None]) for i in range(1, 6)]
    gallery.add_tracklets(others, MODEL, IdentityPolicy(0.8))
    assert len(gallery.identities()) == 6
    link = Matcher(gallery, MODEL).match(dark_tracklet(gallery, people[:1]))
    assert len({candidate.identity for candidate in link.candidates}) == 5


def test_below_the_threshold_it_is_unknown(gallery, generator):
    fill(gallery, generator, np.eye(16, dtype=np.float32)[:3])
    stranger = np.eye(16, dtype=np.float32)[9][None]
    link = Matcher(gallery, MODEL, CALIBRATION).match(dark_tracklet(gallery, stranger))
    assert link.decision is Decision.UNKNOWN and link.identity is None
    assert len(link.candidates) == 3 and link.candidates[0].probability < 0.5


def test_without_a_calibration_that_is_said(gallery, generator):
    people = np.eye(16, dtype=np.float32)[:2]
    fill(gallery, generator, people)
    link = Matcher(gallery, MODEL).match(dark_tracklet(gallery, people[:1]))
    assert link.decision is Decision.NOT_CALIBRATED and link.identity is None
    assert [candidate.probability for candidate in link.candidates] == [None, None]


def test_an_empty_gallery_and_no_vectors_are_unknown(gallery, generator):
    tracklet = dark_tracklet(gallery, unit(generator, 1))
    unseen = dark_tracklet(gallery, np.zeros((0, 16), np.float32), start=50)
    for name in (tracklet, unseen):
        for calibration in (CALIBRATION, None):
            link = Matcher(gallery, MODEL, calibration).match(name)
            assert (link.decision, link.candidates) == (Decision.UNKNOWN, ())
    with pytest.raises(UsageError, match="no tracklet 'nobody'"):
        Matcher(gallery, MODEL).match("nobody")


def test_a_least_probability_takes_the_thresholds_place(gallery, generator):
    people = np.eye(16, dtype=np.float32)[:1]
    fill(gallery, generator, people)
    tracklet = dark_tracklet(
        gallery, (np.eye(16, dtype=np.float32)[:1] * 0.6 + 0.8 * np.eye(16)[8]).astype("f4")
    )
    for least, decision in ((0.7, Decision.LINKED), (0.8, Decision.UNKNOWN)):
        link = Matcher(gallery, MODEL, CALIBRATION, min_probability=least).match(tracklet)
        assert link.decision is decision
    with pytest.raises(UsageError, match="calibration"):
        Matcher(gallery, MODEL, min_probability=0.7)
    strict = replace(CALIBRATION, threshold=0.9)
    assert Matcher(gallery, MODEL, strict).match(tracklet).decision is Decision.UNKNOWN


def test_only_what_passes_the_filter_is_a_candidate(gallery, generator):
    people = np.eye(16, dtype=np.float32)[:3]
    identities = fill(gallery, generator, people)
    tracklet = dark_tracklet(gallery, people[:1])
    link = Matcher(gallery, MODEL).match(tracklet, SearchFilter(since_ns=20 * 40))
    assert {candidate.identity for candidate in link.candidates} == set(identities[1:])
    with pytest.raises(UsageError, match="visible"):
        Matcher(gallery, MODEL).match(tracklet, SearchFilter(modality=Modality.INFRARED))


def test_models_are_never_compared(gallery, generator):
    fill(gallery, generator, unit(generator, 1))
    tracklet = dark_tracklet(gallery, unit(generator, 1))
    with pytest.raises(ModelMismatchError):
        Matcher(gallery, OTHER_MODEL).match(tracklet)


def test_the_query_is_the_mean_weighted_by_quality():
    vectors = np.eye(3, dtype=np.float32)[:2]
    weighted = query_vector(TrackletVectors(("a", "b"), np.array([0.75, 0.25], np.float32), vectors))
    assert np.allclose(weighted, np.array([3, 1, 0]) / np.sqrt(10))
    equal = query_vector(TrackletVectors(("a", "b"), np.zeros(2, np.float32), vectors))
    assert np.allclose(equal, np.array([1, 1, 0]) / np.sqrt(2))
    opposed = TrackletVectors(("a", "b"), np.ones(2, np.float32), np.stack([vectors[0], -vectors[0]]))
    assert np.array_equal(query_vector(opposed), vectors[0])


def test_ranking_nobody_is_refused(gallery):
    with pytest.raises(UsageError, match="at least 1"):
        Matcher(gallery, MODEL, top=0)
