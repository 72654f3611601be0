"""What is made of an image and a text, whom a tracklet finds besides itself, and what each word adds."""

from dataclasses import replace

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter
from reid_core.gallery.hours import DAY_NS
from reid_core.querying import Form, Query, QueryService, read_description, track_probe
from reid_core.querying.seen import Seen, seen_at
from reid_core.size_law import SizeLaw
from reid_core.types import Modality
from tests.support.gallery_world import DIM, MODEL, OTHER_MODEL, Scene

LAW = SizeLaw(20.0, -8.0, 1.0, 0.1, 0.9, 0.12, -0.2, rate=0.1, smallest=5, largest=80)
CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up", sizes=LAW)
PEOPLE = np.eye(DIM, dtype=np.float32)
WORDS = {"red": 0, "jacket": 1, "blue": 2, "jeans": 3, "backpack": 4}


class Bag:
    """The sum of the words that it knows, each a direction of its own."""

    model_id = "c" * 64
    space, dim = MODEL, DIM

    def encode(self, texts):
        rows = [sum(PEOPLE[at] for word, at in WORDS.items() if word in text) for text in texts]
        if any(isinstance(row, int) for row in rows):
            raise UsageError("No word is known.")
        return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


class Fusing(Bag):
    """Fuses before the neck, and says what it was given."""

    def fused(self, infrared, wanted, filtered):
        self.asked = infrared, list(wanted), list(filtered)
        return PEOPLE[5][None]

    def ensemble(self, infrared, wanted, filtered, form):
        self.asked = infrared, list(wanted), list(filtered)
        return PEOPLE[6 if form == "cosines" else 7][None]


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as opened:
        yield opened


def fill(gallery, vectors, camera="lobby", policy=None, start=0):
    scene = Scene(gallery, camera)
    entries = [scene.entry(start + 40 * i, np.atleast_2d(one)) for i, one in enumerate(vectors)]
    found = gallery.add_tracklets(entries, MODEL, policy or IdentityPolicy(None))
    return found, [one.tracklet.id for one in entries]


def scores(service, query):
    return {one.identity: one.score for one in service.ask(query, 50).identities}


def test_each_form_counts_what_it_says(gallery):
    ids, _ = fill(gallery, PEOPLE[:8])
    service = QueryService(gallery, MODEL, Bag())

    def found(form):
        return scores(service, Query(PEOPLE[2], "red", form=form))

    half, both = np.float32(np.sqrt(0.5)), 1 + np.sqrt(0.5)
    assert found(Form.IMAGE)[ids[2]] == 1 and found(Form.IMAGE)[ids[0]] == 0
    assert found(Form.TEXT)[ids[0]] == 1 and found(Form.TEXT)[ids[2]] == 0
    assert found(Form.FUSED)[ids[0]] == found(Form.FUSED)[ids[2]] == half
    # Three cosines of equal weight: image, text and their fusion.
    assert found(Form.ENSEMBLE)[ids[0]] == pytest.approx(both / np.sqrt(2 * both**2))
    tilted = QueryService(gallery, MODEL, Bag(), fusion=lambda vector, text: text)
    ensemble = scores(tilted, Query(PEOPLE[2], "red", form=Form.ENSEMBLE))
    assert ensemble[ids[0]] == pytest.approx(2 * ensemble[ids[2]])


def test_an_encoder_that_fuses_before_the_neck_is_given_raw_features_and_a_colourless_text(gallery):
    ids, _ = fill(gallery, PEOPLE[:8])
    encoder = Fusing()
    service, raw = QueryService(gallery, MODEL, encoder), 9 * PEOPLE[3]
    query = Query(PEOPLE[2], "a man, wearing a red jacket.", raw=raw)
    assert service.ask(query, 1).identities[0].identity == ids[5]
    infrared, wanted, filtered = encoder.asked
    assert np.array_equal(infrared, raw[None]) and wanted == ["a man, wearing a red jacket."]
    assert filtered == ["a man, wearing a jacket."]
    asked = Query(PEOPLE[2], query.text, raw=raw, form=Form.ENSEMBLE)
    assert service.ask(asked, 1).identities[0].identity == ids[6]


# Tracklets


def test_a_tracklet_finds_others_and_never_itself(gallery):
    near = PEOPLE[0] + 0.3 * PEOPLE[1]
    ids, tracklets = fill(
        gallery, [PEOPLE[0], near / np.linalg.norm(near), PEOPLE[0]], policy=IdentityPolicy(0.99)
    )
    assert ids[0] == ids[2] != ids[1]
    service = QueryService(gallery, MODEL)
    # Of two tracklets of one person, the other one is found.
    probe = track_probe(gallery, tracklets[0][:12], MODEL)
    assert (probe.tracklet, probe.modality, len(probe.views)) == (tracklets[0], Modality.VISIBLE, 1)
    answer = service.ask(Query(probe.vector, without=frozenset({probe.tracklet})))
    assert [one.evidence.tracklet for one in answer.identities] == [tracklets[2], tracklets[1]]
    assert answer.searched == 2
    # Who has no other tracklet is not compared with.
    probe = track_probe(gallery, tracklets[1], MODEL)
    answer = service.ask(Query(probe.vector, without=frozenset({probe.tracklet})), 1)
    assert [one.identity for one in answer.identities] == [ids[0]] and answer.searched == 1
    assert answer.cursor is None


def test_an_infrared_tracklet_is_asked_by_its_vectors(gallery):
    ids, _ = fill(gallery, PEOPLE[:3])
    entry = Scene(gallery, "yard", Modality.INFRARED).entry(0, PEOPLE[1:3])
    bare = Scene(gallery, "yard", Modality.INFRARED).entry(80, PEOPLE[:0])
    gallery.add_tracklets([entry, bare], MODEL, IdentityPolicy(None))
    probe = track_probe(gallery, entry.tracklet.id, MODEL, lambda crops, modality: np.ones((len(crops), 4)))
    assert probe.modality is Modality.INFRARED and len(probe.views) == 2 and probe.raw.tolist() == [1] * 4
    answer = QueryService(gallery, MODEL).ask(Query(probe.vector, without=frozenset({probe.tracklet})), 2)
    assert {one.identity for one in answer.identities} == {ids[1], ids[2]} and answer.searched == 3
    with pytest.raises(UsageError, match="no picture that somebody could be recognised by"):
        track_probe(gallery, bare.tracklet.id, MODEL)
    with pytest.raises(UsageError, match="no tracklet 'nobody'"):
        track_probe(gallery, "nobody", MODEL)
    with pytest.raises(ModelMismatchError, match="not of model bbbbbbbbbbbb"):
        track_probe(gallery, entry.tracklet.id, OTHER_MODEL)


def test_the_chance_of_several_visible_views_is_that_of_merging(gallery):
    """Of the mean of their best cosines, which is not the cosine of their mean."""
    turned = (PEOPLE[0] + PEOPLE[1]) / np.float32(np.sqrt(2))
    ids, _ = fill(gallery, [PEOPLE[:2], turned])
    views = PEOPLE[:2]
    query = Query(turned, calibration=CALIBRATION)
    service = QueryService(gallery, MODEL)
    plain, merged = service.ask(query), service.ask(replace(query, views=views))
    assert [one.score for one in plain.identities] == [one.score for one in merged.identities]
    half = float(np.sqrt(0.5))
    of = {one.identity: one.probability for one in merged.identities}
    expected = CALIBRATION.ranked_probabilities([1.0, half], 2)
    assert [of[ids[0]], of[ids[1]]] == pytest.approx(expected, abs=1e-6)
    assert merged.unknown == pytest.approx(1 - expected.sum())
    chances = {one.identity: one.probability for one in plain.identities}
    assert chances[ids[1]] > chances[ids[0]] and of[ids[0]] > of[ids[1]]


# Hours


def test_hours_are_those_of_any_day(gallery):
    hour = DAY_NS // 24
    times = [2 * hour, 23 * hour, DAY_NS + 22 * hour, 3 * DAY_NS + 6 * hour, 5 * DAY_NS]
    gallery.add(PEOPLE[:5], camera="lobby", modality=Modality.VISIBLE, time_ns=times, model=MODEL)
    service = QueryService(gallery, MODEL)
    for hours, expected in (
        ((22 * hour, 6 * hour), {0, 1, 2, 4}),
        ((6 * hour, 22 * hour), {3}),
        ((2 * hour, 2 * hour + 1), {0}),
        ((hour, hour), {0, 1, 2, 3, 4}),
    ):
        answer = service.ask(Query(PEOPLE[0], where=SearchFilter(hours=hours)))
        seen = seen_at(gallery, [one.evidence for one in answer.identities])
        assert {one.start_ns for one in seen.values()} == {times[place] for place in expected}
        assert answer.searched == len(expected)


# Words


def test_each_thing_said_has_its_share(gallery):
    fits = np.stack([PEOPLE[0] + PEOPLE[1] + PEOPLE[4], PEOPLE[2] + PEOPLE[3]]).astype(np.float32)
    fits /= np.linalg.norm(fits, axis=1, keepdims=True)
    ids, _ = fill(gallery, fits)
    words = read_description("crimson anorak, rucksack and blue denims")
    query = Query(text=words.sentence, form=Form.TEXT)
    service = QueryService(gallery, MODEL, Bag())
    answer = service.ask(query)
    shares = service.shares(query, words, answer.identities)
    of = {one: {part.name: part.share for part in shares[one]} for one in ids}
    names = {"jacket", "backpack", "jeans", "blue (jeans)"}
    assert names < set(of[ids[0]]) and len(of[ids[0]]) == 5
    # What fits adds, what does not takes away; a garment goes with its colour.
    assert of[ids[0]]["backpack"] > 0 > of[ids[1]]["backpack"]
    assert of[ids[1]]["jeans"] > of[ids[1]]["blue (jeans)"] > 0 > of[ids[0]]["jeans"]
    text = Bag().encode([words.sentence])[0]
    less = Bag().encode([words.sentence.replace("backpack", "")])[0]
    assert of[ids[0]]["backpack"] == pytest.approx(float(fits[0] @ text - fits[0] @ less), abs=1e-6)


def test_the_only_thing_said_carries_all_or_what_the_image_leaves(gallery):
    (one, other), _ = fill(gallery, PEOPLE[[4, 5]])
    words, service = read_description("a rucksack"), QueryService(gallery, MODEL, Bag())
    alone = Query(text=words.sentence, form=Form.TEXT)
    found = service.shares(alone, words, service.ask(alone).identities)
    assert [part.share for part in found[one]] == [1]
    both = Query(PEOPLE[5], words.sentence)
    found = service.shares(both, words, service.ask(both).identities)
    half = float(np.float32(np.sqrt(0.5)))
    assert [part.share for part in found[one]] == [half]
    assert [part.share for part in found[other]] == pytest.approx([half - 1])


def test_evidence_says_where_and_when(gallery):
    _, tracklets = fill(gallery, PEOPLE[:1], camera="gate", start=50)
    (found,) = QueryService(gallery, MODEL).ask(Query(PEOPLE[0])).identities
    assert seen_at(gallery, [found.evidence]) == {found.evidence: Seen("gate", 2000, 2360, 2000)}
    assert found.evidence.tracklet == tracklets[0]
