import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.types import Modality
from tests.support.gallery_world import MODEL, Scene, near, unit

POLICY = IdentityPolicy(0.8)


@pytest.fixture
def generator():
    return np.random.default_rng(11)


@pytest.fixture
def gallery(url):
    with Gallery.open(url) as opened:
        yield opened


def evidence_of(gallery, entry):
    stored = gallery.tracklet(entry.tracklet.id)
    assert stored is not None
    return stored.evidence


def test_the_same_person_in_two_cameras_is_one_identity(gallery, generator):
    lobby, gate = Scene(gallery), Scene(gallery, "gate")
    anna, ben = np.eye(16, dtype=np.float32)[:2]
    first, second = lobby.entry(0, near(anna, generator, 3)), lobby.entry(50, near(ben, generator, 3))
    third = gate.entry(0, near(anna, generator, 2))
    one, two, three = gallery.add_tracklets([first, second, third], MODEL, POLICY)
    assert one == three != two
    assert [person.tracklets for person in gallery.identities()] == [
        (first.tracklet.id, third.tracklet.id),
        (second.tracklet.id,),
    ]
    told = evidence_of(gallery, third)
    assert (told["decision"], told["tracklet"]) == ("joined", first.tracklet.id)
    # The score by its definition: the mean of each view's best match.
    pairs = third.vectors.astype(np.float64) @ first.vectors.astype(np.float64).T
    assert told["score"] == pytest.approx(pairs.max(axis=1).mean(), abs=1e-6)
    view, matched = np.unravel_index(pairs.argmax(), pairs.shape)
    assert told["sighting"] == gallery.sightings(third.tracklet.id)[view].id
    assert told["matched_sighting"] == gallery.sightings(first.tracklet.id)[matched].id
    rival = (third.vectors.astype(np.float64) @ second.vectors.astype(np.float64).T).max(axis=1).mean()
    assert told["runner_up"] == {"identity": two, "score": pytest.approx(rival, abs=1e-6)}
    assert (told["threshold"], told["model"]) == (0.8, MODEL)
    assert evidence_of(gallery, first)["reason"] == "there was nothing to compare with"
    assert evidence_of(gallery, second)["reason"] == "nobody reached the threshold"


@pytest.mark.parametrize(
    ("start", "camera", "together"),
    [(5, "lobby", False), (9, "lobby", False), (10, "lobby", True), (5, "gate", True)],
)
def test_two_in_one_picture_are_two(gallery, generator, start, camera, together):
    person = unit(generator, 1)[0]
    first = Scene(gallery).entry(0, near(person, generator, 2))
    second = Scene(gallery, camera).entry(start, near(person, generator, 2), length=12)
    one, two = gallery.add_tracklets([first, second], MODEL, POLICY)
    assert (one == two) == together
    if not together:
        told = evidence_of(gallery, second)
        assert told["reason"] == "everybody known was in the same picture at the same time"
        assert told["score"] > 0.8 and told["runner_up"] is None


def test_who_is_elsewhere_leaves_room_for_the_next_best(gallery, generator):
    scene = Scene(gallery)
    person = unit(generator, 1)[0]
    earlier = scene.entry(0, near(person, generator, 2, 0.1))
    twin = scene.entry(100, near(person, generator, 2, 0.0))
    now = scene.entry(105, near(person, generator, 2, 0.0))
    first, *_ = gallery.add_tracklets([earlier], MODEL, IdentityPolicy(None))
    other, *_ = gallery.add_tracklets([twin], MODEL, IdentityPolicy(None))
    joined, *_ = gallery.add_tracklets([now], MODEL, POLICY)
    assert joined == first != other


def test_without_a_threshold_nobody_is_merged(gallery, generator):
    scene = Scene(gallery)
    person = unit(generator, 1)
    entries = [scene.entry(20 * i, person) for i in range(3)]
    assert len(set(gallery.add_tracklets(entries, MODEL, IdentityPolicy(None)))) == 3
    told = evidence_of(gallery, entries[2])
    assert told["reason"] == "the model has no calibrated threshold" and told["score"] == 1


def test_a_margin_keeps_the_undecided_apart(gallery, generator):
    scene = Scene(gallery)
    anna, ben = np.eye(16, dtype=np.float32)[:2]
    between = ((anna + ben) / np.sqrt(2, dtype=np.float32))[None]
    entries = [scene.entry(0, anna[None]), scene.entry(20, ben[None])]
    one, two = gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.9))
    last = scene.entry(40, between)
    (three,) = gallery.add_tracklets([last], MODEL, IdentityPolicy(0.5, margin=0.05))
    assert three not in (one, two)
    assert evidence_of(gallery, last)["reason"] == "two identities were too close to tell apart"


def test_one_bad_crop_does_not_merge(gallery):
    scene = Scene(gallery)
    anna, ben = np.eye(16, dtype=np.float32)[:2]
    entries = [scene.entry(0, anna[None].repeat(3, 0)), scene.entry(20, np.stack([ben, ben, anna]))]
    one, two = gallery.add_tracklets(entries, MODEL, POLICY)
    assert one != two and evidence_of(gallery, entries[1])["score"] == pytest.approx(1 / 3)


def test_infrared_tracklets_neither_found_nor_join(gallery, generator):
    night, day = Scene(gallery, "yard", Modality.INFRARED), Scene(gallery)
    person = unit(generator, 1)
    dark, bright = night.entry(0, person), day.entry(0, person)
    assert gallery.add_tracklets([dark, bright], MODEL, POLICY)[0] is None
    assert evidence_of(gallery, dark) == {}
    assert evidence_of(gallery, bright)["reason"] == "there was nothing to compare with"
    assert len(gallery.identities()) == 1


def test_a_tracklet_without_sightings_is_somebody_unseen(gallery, generator):
    scene = Scene(gallery)
    entry = scene.entry(0, np.zeros((0, 16), np.float32))
    (identity,) = gallery.add_tracklets([entry], MODEL, POLICY)
    assert gallery.identities()[0].id == identity and gallery.models() == ()
    gallery.add_tracklets([scene.entry(50, unit(generator, 2))], MODEL, POLICY)
    assert len(gallery.identities()) == 2


def test_after_a_failed_batch_identities_are_those_of_the_database(gallery, generator):
    scene = Scene(gallery)
    people = np.eye(16, dtype=np.float32)
    entries = [scene.entry(20 * i, people[i][None]) for i in range(4)]
    first, _ = gallery.add_tracklets(entries[:2], MODEL, POLICY)
    bad = scene.entry(500, np.full((1, 16), np.nan, np.float32))
    with pytest.raises(Exception, match="not finite"):
        gallery.add_tracklets([*entries[2:], bad], MODEL, POLICY)
    assert len(gallery.identities()) == 2
    again = scene.entry(200, people[0][None])
    assert gallery.add_tracklets([again], MODEL, POLICY) == (first,)
    told = evidence_of(gallery, again)
    assert told["runner_up"]["identity"] in {person.id for person in gallery.identities()}
