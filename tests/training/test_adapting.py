"""``adapt``: what a gallery's own footage teaches, what it does not, and that a killed run loses nothing."""

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select

from reid_core.calibration import Calibration
from reid_core.gallery import Gallery, IdentityPolicy, SearchFilter
from reid_core.gallery.calibrations import own_calibration
from reid_core.gallery.corrections import Author, keep_apart, merge
from reid_core.gallery.label_rows import LabelRow
from reid_core.gallery.schema import TrackletRow
from reid_core.gallery.standardisation_rows import HeadRow
from reid_core.gallery.standardise import standardise
from reid_core.gallery.whereabouts import Stay
from reid_core.types import Modality
from tests.support.gallery_world import DIM, MODEL, Scene, near, unit
from training.adapting.adapting import adapt, take_back
from training.adapting.evidence import Evidence
from training.adapting.links import MIN_NIGHTS
from training.adapting.measuring import Measured, held_out, why_not
from training.adapting.settings import AdaptSettings
from training.adapting.words import Words, contradiction, words_of

pytestmark = pytest.mark.slow

NEVER = IdentityPolicy(None)
MEAN = "mean(10)"
CAMERAS = ("hall", "yard", "roof")
PEOPLE = 45
SETTINGS = AdaptSettings(rounds=2, steps=30, state_every=7, nearest=6, batch=64, directions=DIM)
LOUD = 4
"""So many numbers of a vector say how somebody stands, not who it is."""


def seen(people, poses, draw, loud=0.6):
    """Of each person some vectors, in which pose is as loud as the person."""
    stance = np.zeros((len(people), poses, DIM))
    stance[..., :LOUD] = loud * draw.standard_normal((len(people), poses, LOUD))
    found = people[:, None] + stance + 0.05 * draw.standard_normal(stance.shape)
    return (found / np.linalg.norm(found, axis=2, keepdims=True)).astype(np.float32)


def strangers(count, draw):
    people = unit(draw, count)
    people[:, :LOUD] = 0
    return people / np.linalg.norm(people, axis=1, keepdims=True)


def fill(gallery, people=None, poses=4, loud=0.6, cameras=CAMERAS, count=PEOPLE):
    """Everybody walks past every camera, two at a time."""
    draw = np.random.default_rng(5)
    people = strangers(count, draw) if people is None else people
    entries = []
    for camera in cameras:
        scene = Scene(gallery, camera)
        for i, vectors in enumerate(seen(people, poses, draw, loud)):
            entries.append(scene.entry(20 * (i // 2) + i % 2, vectors))
    gallery.add_tracklets(entries, gallery.comparing(MODEL), NEVER)
    return entries


def adapted(gallery, folder, settings=SETTINGS, told=None, seed=1):
    return adapt(gallery, MODEL, MEAN, settings, folder, seed, told)


def recognised(gallery, entries, count=PEOPLE):
    """How many of the yard's people have their own tracklet of the hall as the nearest."""
    space = gallery.comparing(MODEL)
    hall, yard = (
        np.stack(
            [gallery.vectors(one.tracklet.id, space).vectors[0] for one in entries[place * count :][:count]]
        )
        for place in (0, 1)
    )
    return int(((yard @ hall.T).argmax(1) == np.arange(count)).sum())


@pytest.fixture
def gallery():
    with Gallery.open("sqlite://") as opened:
        yield opened


def test_a_gallery_learns_from_its_own_footage(gallery, tmp_path):
    entries = fill(gallery)
    standardise(gallery.database, MODEL, MEAN)
    before, parent = recognised(gallery, entries), gallery.comparing(MODEL)
    scores = gallery.search(entries[0].vectors, parent, 5).scores
    done = adapted(gallery, tmp_path)
    assert not done.why_not and done.version == 2
    assert done.groups >= 10 and 0 < done.held_out < done.tracklets == len(entries)
    assert done.after.halves > done.before.halves and done.after.strangers <= done.before.strangers
    space = gallery.comparing(MODEL)
    assert space not in (MODEL, parent) and gallery.model_of(space) == MODEL
    assert recognised(gallery, entries) > before
    # Calibrated for the scores that are made now, and for no others.
    assert own_calibration(gallery.database, space, "visible-visible") is not None
    # Every vector is the model's own behind the statistics and the head, whatever it came with.
    made = gallery.standardisation(space)
    for one in (entries[0], entries[-1]):
        name = one.tracklet.id
        wanted = made.apply(one.vectors, Modality.VISIBLE, one.tracklet.camera)
        assert np.array_equal(gallery.vectors(name, space).vectors, wanted)
        assert np.array_equal(gallery.vectors(name, MODEL).vectors, one.vectors)
    plain = replace(made, learned=None).apply(entries[0].vectors, Modality.VISIBLE, "hall")
    assert not np.allclose(plain, made.apply(entries[0].vectors, Modality.VISIBLE, "hall"), atol=1e-3)
    # Whoever comes now comes into the same space; alone, or with others.
    late = Scene(gallery, "hall").entry(9000, entries[3].vectors)
    gallery.add_tracklets([late], space, NEVER)
    alone = gallery.vectors(late.tracklet.id, space).vectors
    assert np.array_equal(alone, gallery.vectors(entries[3].tracklet.id, space).vectors)
    assert np.array_equal(
        gallery.compared(entries[3].vectors[:1], space, Modality.VISIBLE, "hall"), alone[:1]
    )
    # And back: the vectors of before, by the statistics of before.
    assert take_back(gallery.database, MODEL) and not take_back(gallery.database, MODEL)
    assert gallery.comparing(MODEL) == parent
    again = gallery.search(entries[0].vectors, parent, 5).scores
    assert np.allclose(again[:, :1], scores[:, :1])


def test_what_was_not_standardised_goes_back_to_the_models_own(gallery, tmp_path):
    entries = fill(gallery)
    assert not adapted(gallery, tmp_path).why_not
    assert take_back(gallery.database, MODEL)
    assert gallery.comparing(MODEL) == MODEL
    assert np.array_equal(gallery.vectors(entries[0].tracklet.id, MODEL).vectors, entries[0].vectors)


def head_of(gallery):
    with gallery.database.read() as session:
        return session.scalars(select(HeadRow.matrix)).one()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The space and the head of a run that nobody killed."""
    with Gallery.open("sqlite://") as gallery:
        fill(gallery)
        adapted(gallery, tmp_path_factory.mktemp("whole"))
        return gallery.comparing(MODEL), head_of(gallery)


@pytest.mark.parametrize("steps", [1, 7, 12, 30, 31, 59])
def test_a_killed_run_ends_in_the_same_weights(gallery, undisturbed, tmp_path, steps):
    def stopping(what, done, _total):
        if what == "steps" and done == steps:
            raise KeyboardInterrupt

    fill(gallery)
    with pytest.raises(KeyboardInterrupt):
        adapted(gallery, tmp_path, told=stopping)
    assert gallery.comparing(MODEL) == MODEL
    again = []
    adapted(gallery, tmp_path, told=lambda what, done, _: again.append((what, done)))
    # Gone on from the last state: every seventh step of a round.
    rounds, step = divmod(steps - 1, SETTINGS.steps)
    assert again[0] == ("steps", SETTINGS.steps * rounds + 7 * (step // 7) + 1)
    assert (gallery.comparing(MODEL), head_of(gallery)) == undisturbed


def test_a_run_killed_while_vectors_are_made_goes_on(gallery, undisturbed, tmp_path):
    def stopping(what, _done, _total):
        if what == "vectors":
            raise KeyboardInterrupt

    fill(gallery)
    with pytest.raises(KeyboardInterrupt):
        adapted(gallery, tmp_path, told=stopping)
    assert gallery.comparing(MODEL) == MODEL
    told = []
    assert not adapted(gallery, tmp_path, told=lambda *one: told.append(one)).why_not
    assert all(what == "vectors" for what, *_ in told)
    assert (gallery.comparing(MODEL), head_of(gallery)) == undisturbed


def test_a_run_killed_before_its_calibration_is_calibrated_by_the_next(gallery, tmp_path, monkeypatch):
    fill(gallery)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("training.adapting.adapting.calibrate_on_own_cameras", killed)
        adapted(gallery, tmp_path)
    space = gallery.comparing(MODEL)
    assert space != MODEL and own_calibration(gallery.database, space, "visible-visible") is None
    done = adapted(gallery, tmp_path)
    assert (done.version, done.why_not) == (1, "") and gallery.comparing(MODEL) == space
    assert (
        own_calibration(gallery.database, space, "visible-visible").calibration
        == done.calibration.calibration
    )


def test_a_head_that_nothing_can_be_calibrated_behind_is_taken_back(gallery, tmp_path):
    """Eight people of each camera make a gallery to calibrate on; here nobody has so many."""
    fill(gallery, cameras=[f"camera {i}" for i in range(20)], count=7)
    done = adapted(gallery, tmp_path, SETTINGS.model_copy(update={"groups": 3, "held_out": 0.5}))
    assert done.version is None and "taken back: No camera has shown 8" in done.why_not
    assert gallery.comparing(MODEL) == MODEL


def first_steps(gallery, folder, seed):
    """The step at which a run begins that is killed at its twentieth."""
    told = []

    def stopping(_what, done, _total):
        told.append(done)
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapted(gallery, folder, told=stopping, seed=seed)
    return told[0]


def test_a_state_of_something_else_is_not_gone_on_from(gallery, tmp_path):
    fill(gallery)
    assert [first_steps(gallery, tmp_path, seed) for seed in (1, 1, 2, 2)] == [1, 15, 1, 15]
    late = Scene(gallery, "hall").entry(9000, unit(np.random.default_rng(1), 4))
    gallery.add_tracklets([late], gallery.comparing(MODEL), NEVER)
    assert first_steps(gallery, tmp_path, 2) == 1
    [state] = tmp_path.iterdir()
    state.write_bytes(state.read_bytes()[:100])
    assert first_steps(gallery, tmp_path, 2) == 1


def refused(gallery, folder, words, **more):
    before = gallery.comparing(MODEL)
    done = adapted(gallery, folder, **more)
    assert done.version is None and words in done.why_not and done.why_not.endswith(".")
    assert gallery.comparing(MODEL) == before
    with gallery.database.read() as session:
        assert session.scalar(select(HeadRow.space)) is None
    assert not list(folder.iterdir()) if folder.exists() else True
    return done


def test_one_person_alone_teaches_nothing(gallery, tmp_path):
    """Many walks of one person, never two at once, each in clothes of its own light."""
    draw = np.random.default_rng(4)
    [someone] = strangers(1, draw)
    for camera in CAMERAS:
        scene = Scene(gallery, camera)
        walks = [
            scene.entry(20 * i, vectors)
            for i, vectors in enumerate(seen(np.tile(someone, (PEOPLE, 1)), 4, draw))
        ]
        gallery.add_tracklets(walks, gallery.comparing(MODEL), NEVER)
    done = adapted(gallery, tmp_path)
    assert done.version is None and gallery.comparing(MODEL) == MODEL
    assert "groups" in done.why_not or "at once" in done.why_not


def test_a_camera_full_of_posters_teaches_nothing(gallery, tmp_path):
    """Pictures on a wall, seen again and again: everybody in one camera, and hardly a change."""
    draw = np.random.default_rng(4)
    wall = Scene(gallery, "wall")
    posters = strangers(6, draw)
    walks = [
        wall.entry(20 * i + p, near(posters[p], draw, 4, 0.03))
        for i in range(25)
        for p in range(len(posters))
    ]
    gallery.add_tracklets(walks, gallery.comparing(MODEL), NEVER)
    refused(gallery, tmp_path, "0 groups of tracklets over cameras")


def test_pictures_that_never_change_are_left_out(gallery, tmp_path):
    fill(gallery)
    draw = np.random.default_rng(4)
    wall = Scene(gallery, "wall")
    poster = strangers(1, draw)[0]
    still = [wall.entry(20 * i, near(poster, draw, 4, 0.001)) for i in range(30)]
    gallery.add_tracklets(still, gallery.comparing(MODEL), NEVER)
    done = adapted(gallery, tmp_path)
    assert done.tracklets == PEOPLE * len(CAMERAS) and "30 tracklets" in " ".join(done.notes)


@pytest.mark.parametrize("nights", [MIN_NIGHTS - 1, MIN_NIGHTS])
def test_what_links_scores_mean_is_carried_over(gallery, tmp_path, nights):
    """Of the best scores of the night's tracklets as many reach the threshold as before."""
    entries = fill(gallery)
    draw = np.random.default_rng(8)
    dark = Scene(gallery, "dark", Modality.INFRARED)
    people = np.stack([one.vectors[0] for one in entries[:nights]])
    walks = [dark.entry(20 * i, each) for i, each in enumerate(seen(people, 4, draw))]
    gallery.add_tracklets(walks, gallery.comparing(MODEL), NEVER)

    def best():
        space = gallery.comparing(MODEL)
        means = np.stack([gallery.vectors(one.tracklet.id, space).vectors.mean(0) for one in walks])
        means /= np.linalg.norm(means, axis=1, keepdims=True)
        return gallery.search(means, space, 1, SearchFilter(modality=Modality.VISIBLE)).scores[:, 0]

    before = best()
    known = Calibration(10.0, -5.0, float(np.median(before)), 100, 100, "made up")
    done = adapt(gallery, MODEL, MEAN, SETTINGS, tmp_path, links=(known, frozenset({"dark"})))
    assert not done.why_not
    own = own_calibration(gallery.database, gallery.comparing(MODEL), "infrared-visible")
    if nights < MIN_NIGHTS:
        assert own is None and any("infrared tracklets do not say" in note for note in done.notes)
        return
    assert own.cameras == {"dark"}
    after = best()
    wanted = known.moved(
        after.std() / before.std(), after.mean() - after.std() / before.std() * before.mean()
    )
    assert own.calibration.threshold == pytest.approx(wanted.threshold, abs=1e-4)
    assert own.calibration.slope == pytest.approx(wanted.slope, rel=1e-3)
    assert "carried over" in own.calibration.data


def confirm(gallery, night, day):
    """Somebody says who an infrared tracklet is."""
    with gallery.database.write() as session:
        owner = session.get(TrackletRow, day.tracklet.id).identity_id
        said = {"verdict": "confirmed", "model_id": MODEL, "reason": "", "created_ns": 1}
        people = dict.fromkeys(("author", "author_name", "second", "second_name"), "ann")
        session.add(
            LabelRow(tracklet_id=night.tracklet.id, anchor=day.tracklet.id, identity=owner, **said, **people)
        )


@pytest.mark.parametrize("apart", [0, 10])
def test_labels_that_contradict_are_named(gallery, tmp_path, apart):
    """Two people of one picture at night cannot both be who walked by day; one after the other, they can."""
    entries = fill(gallery)
    dark = Scene(gallery, "dark", Modality.INFRARED)
    vectors = unit(np.random.default_rng(2), 8)
    nights = [dark.entry(0, vectors[:4]), dark.entry(1 + apart, vectors[4:])]
    gallery.add_tracklets(nights, gallery.comparing(MODEL), NEVER)
    for night in nights:
        confirm(gallery, night, entries[0])
    if apart:
        assert not adapted(gallery, tmp_path).why_not
        return
    done = refused(gallery, tmp_path, "in one picture at the same time")
    assert all(one.tracklet.id in done.why_not for one in nights)


def test_words_on_a_pair_are_weighed_with_those_on_others():
    chain = frozenset({("a", "b"), ("b", "c")})
    assert contradiction(Words(chain, frozenset({("a", "d")})), {}) is None
    assert "a and c are two people" in contradiction(Words(chain, frozenset({("a", "c")})), {})
    together = {"a": Stay("hall", 0, 9), "c": Stay("hall", 9, 20)}
    assert "in one picture" in contradiction(Words(chain), together)
    assert contradiction(Words(chain), {**together, "c": Stay("hall", 10, 20)}) is None
    # Of these very two somebody said so: a tracker followed one person twice.
    assert contradiction(Words(chain | {("a", "c")}), together) is None


def test_what_people_corrected_is_read(gallery):
    entries = fill(gallery, count=4)
    names = [one.tracklet.id for one in entries]
    who = {name: one.id for one in gallery.identities() for name in one.tracklets}
    with gallery.database.write() as session:
        keep_apart(session, who[names[0]], who[names[4]], Author("ann", 1))
        keep_apart(session, who[names[1]], who[names[4]], Author("ann", 2))
        merge(session, who[names[0]], who[names[4]], Author("ann", 3))
        found = words_of(session)
    # The later word on a pair counts.
    assert found.same == {tuple(sorted((names[0], names[4])))}
    assert found.apart == {tuple(sorted((names[1], names[4])))}


BEFORE = Measured(0.8, 100, 0.10, 50, 0.5, 20, 0.7, 40)


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (replace(BEFORE, halves=0.9), None),
        (replace(BEFORE, links=0.6), None),
        (BEFORE, "no better"),
        (replace(BEFORE, halves=0.79, links=0.6), "no better"),
        (replace(BEFORE, halves=0.9, strangers=0.12), "12.0 %"),
        (replace(BEFORE, halves=0.9, links=0.49), "confirmed"),
        (replace(BEFORE, halves=0.9, links=0.49, linked=9), None),
        (replace(BEFORE, halves=0.9, night=0.69), "Infrared"),
        (replace(BEFORE, halves=0.9, night=0.69, nights=19), None),
        (replace(BEFORE, halves=0.9, halved=19), "Only 19"),
        (replace(BEFORE, halves=0.9, apart=9), "Only 9 pairs"),
    ],
)
def test_nothing_is_put_in_force_that_does_not_prove_better(after, words):
    why = why_not(BEFORE, after)
    assert why is None if words is None else words in why


def test_people_are_held_out_whole_whoever_confirmed_whom():
    # Forty people of three day tracklets; one of each night was confirmed with the second of them.
    names, stays, same = [], [], set()
    for person in range(40):
        for visit in range(3):
            names.append(f"{person:02d} day {visit}")
            stays.append(Stay(f"day-{visit}", visit, visit, f"identity {person}"))
        names.append(f"{person:02d} night")
        stays.append(Stay("night", 9, 9))
        same.add((f"{person:02d} day 1", f"{person:02d} night"))
    rows = np.arange(len(names))
    vectors = np.ones((len(names), 2), np.float32)
    modalities = [Modality.VISIBLE] * len(names)
    known = Evidence(names, modalities, stays, rows, vectors, vectors, Words(frozenset(same)), {}, 0)
    chosen = held_out(known, 0.5, np.random.default_rng(1)).reshape(40, 4)
    assert (chosen == chosen[:, :1]).all()
    assert chosen[:, 0].sum() == 20
