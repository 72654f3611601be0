"""False alarms of watches stay at the rate that is asked for, on cameras that no calibration knows too."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from reid_core.calibration import Calibration
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.outbox import Outbox
from reid_core.linker import Linker
from reid_core.matcher import Matcher
from reid_core.size_fitting import fit_size_law
from reid_core.size_law import searched
from reid_core.types import Modality, Spectrum
from reid_core.watching.alerts import alerts
from reid_core.watching.background import MEMORY, as_calibrated
from reid_core.watching.keeping import add_watch, mark
from reid_core.watching.looking import before
from reid_core.watching.looking import seen as seen_by_id
from reid_core.watching.service import KINDS, Watching
from reid_core.watching.strictness import least_score, likelihood_ratio
from reid_core.watching.watch import NewWatch
from tests.support.gallery_world import MODEL, Scene, unit

DIM = 48
NIGHT, PAST = 100, 200
# What all that a camera sees has in common: on those that the model knows, nothing.
COMMON = unit(np.random.default_rng(0), 1, DIM)[0]


def seen(people, draw, common=0.0, noise=0.9):
    """``(N, D)``: how people look once, before cameras that show so much of the same in all of them."""
    looks = people + noise * unit(draw, len(people), DIM) + common * COMMON
    return (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def calibration():
    """As `nightreid calibrate` fits it, on cameras that show nothing of the same."""
    draw = np.random.default_rng(1)
    found, same = [], []
    for size in (10, 40, 160):
        people, strangers = unit(draw, size, DIM), unit(draw, 400, DIM)
        probes = np.concatenate([np.resize(people, (400, DIM)), strangers])
        scores = seen(probes, draw) @ seen(people, draw).T
        right = np.concatenate([np.arange(400) % size, np.full(400, -1)])
        matches = right[:, None] == np.arange(size)
        found.append(searched(scores.astype(np.float64), matches, np.arange(800)))
        same.append(scores[matches])
    law = fit_size_law(found, 0.5, 0.1)
    return Calibration(30.0, -15.0, 0.5, 100, 100, "made up", sizes=law)


class Numbered:
    """A text encoder that knows people by their number."""

    model_id, space, dim = "e" * 64, MODEL, DIM

    def __init__(self, people):
        self.people = people

    def encode(self, texts):
        return np.stack([self.people[int(re.findall(r"\d+", text)[0])] for text in texts])


class Street:
    """A street by day and by night: who was there before watches begin, and who comes then.

    Args:
        gallery: empty.
        calibration: of its watches and links.
        common: what its cameras show of the same in everybody; see `seen`.
        seed: of everything.
    """

    def __init__(self, gallery, calibration, common=0.0, seed=2):
        self.gallery, self.calibration, self.common = gallery, calibration, common
        self.draw = np.random.default_rng(seed)
        modalities = {"day": Modality.VISIBLE, "before": Modality.INFRARED, "night": Modality.INFRARED}
        self.cameras = {name: Scene(gallery, name, one) for name, one in modalities.items()}
        self.frame, self.looks = 0, {}

    def comes(self, camera, people):
        """People come by, one after another; ids of their tracklets. ``looks`` are the camera's last ones."""
        entries, looks = [], seen(people, self.draw, self.common)
        self.looks[camera] = looks
        for look in looks:
            self.frame += 1000
            entries.append(self.cameras[camera].entry(self.frame, look[None]))
        self.gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
        names = [entry.tracklet.id for entry in entries]
        if camera != "day":
            self.link(names)
        return names

    def link(self, tracklets):
        Linker(self.gallery, Matcher(self.gallery, MODEL, self.calibration)).link(tracklets)

    def left(self):
        """Events that nobody has looked at."""
        with self.gallery.database.read() as session:
            return Outbox(self.gallery.database).after(mark(session), KINDS, 1 << 20)

    def watch(self, *asked, **every):
        with self.gallery.database.write() as session:
            for one in asked:
                new = NewWatch(**one, **every, cameras=("night",), author="kim")
                add_watch(session, new, 5)

    def watching(self, encoder=None):
        known = dict.fromkeys(("text", "infrared-visible", "visible-visible"), self.calibration)
        return Watching(self.gallery, MODEL, known, encoder, people=NIGHT, quiet_ns=0)

    def alerts(self):
        with self.gallery.database.read() as session:
            return alerts(session)


@pytest.fixture
def street(tmp_path, calibration):
    made = []

    def make(**how):
        made.append(Gallery.open(f"sqlite:///{tmp_path / f'{len(made)}.db'}"))
        return Street(made[-1], calibration, **how)

    yield make
    for gallery in made:
        gallery.close()


def pictures(people, draw, common=0.0):
    return [
        {"vector": one, "space": MODEL, "pictured": Modality.VISIBLE} for one in seen(people, draw, common)
    ]


WATCHES = 150


@pytest.mark.slow
@pytest.mark.parametrize("common", [0.0, 0.6], ids=["cameras that it knows", "others"])
def test_false_alarms_of_nights_of_strangers_stay_at_the_rate(street, calibration, common):
    """Each watch has a night of a hundred strangers; at its end comes whom it looks for."""
    place = street(common=common)
    wanted = unit(place.draw, WATCHES, DIM)
    place.comes("before", unit(place.draw, PAST, DIM))
    asked = pictures(wanted, place.draw, common)
    place.watch(*asked)
    strangers = set(place.comes("night", unit(place.draw, NIGHT, DIM)))
    cosines = np.array([one["vector"] for one in asked]) @ place.looks["night"].T
    theirs = place.comes("night", wanted)
    assert place.watching().catch_up() == len(place.alerts())
    false = sum(one.tracklet in strangers for one in place.alerts())
    assert false <= most(WATCHES) and false > 0.1 * WATCHES
    right = sum(one.tracklet == theirs[one.watch - 1] for one in place.alerts())
    assert right > 0.6 * WATCHES
    by_calibration = (cosines >= least_score(calibration, NIGHT, 0.5)).sum()
    assert by_calibration <= most(WATCHES) if common == 0 else by_calibration > 3 * most(WATCHES)


def most(watches):
    """False alarms of so many nights of which each may have a half: three deviations more than that."""
    return 0.5 * watches + 3 * math.sqrt(0.5 * watches)


@pytest.mark.slow
@pytest.mark.parametrize("common", [0.0, 0.6], ids=["cameras that it knows", "others"])
def test_so_do_those_of_descriptions_by_night(street, common):
    """Words fit somebody else, or somebody else looks like whom they fit: both are within the rate."""
    place = street(common=common)
    known, absent, strangers = (unit(place.draw, count, DIM) for count in (40, 40, 60))
    place.comes("day", known)
    place.comes("before", unit(place.draw, PAST, DIM))
    described = np.concatenate([known, absent])
    place.watch(*({"text": f"a red coat, number {one}"} for one in range(len(described))))
    came = place.comes("night", np.concatenate([known, strangers]))
    place.watching(Numbered(seen(described, place.draw, common, 0.3))).catch_up()
    right = [one for one in place.alerts() if came.index(one.tracklet) == one.watch - 1]
    assert len(place.alerts()) - len(right) <= most(len(described))
    assert len(right) > 0.4 * len(known)
    assert all(0 < one.false_alarms <= 0.5 for one in place.alerts())


def test_words_do_not_make_whom_they_describe_likelier_to_have_come(street, calibration):
    """Whoever comes is hardly like the only one whom the words fit, and they fit that one to the letter."""
    place = street()
    by_day = place.comes("day", unit(place.draw, 3, DIM))
    looks = place.looks["day"]
    place.watch({"text": "a red coat, number 0"})
    # A third of the way: seen without noise, so that it is what is written here.
    away = unit(place.draw, 1, DIM)[0]
    away -= (away @ looks[0]) * looks[0]
    half = looks[0] / 3 + math.sqrt(8) / 3 * away / np.linalg.norm(away)
    entry = place.cameras["night"].entry(90_000, half.astype(np.float32)[None])
    place.gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
    place.link([entry.tracklet.id])
    (link,) = place.gallery.links()
    theirs = next(one for one in link.candidates if one.tracklet == by_day[0])
    assert 0.3 < theirs.score < 0.35 and 0.01 < theirs.probability < 0.5
    # Were the words about whoever came, there would be no doubt.
    assert theirs.probability * likelihood_ratio(calibration, 1.0) > 1000
    place.watching(Numbered(looks)).catch_up()
    assert place.alerts() == ()


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_who_judges_when_and_with_whom_changes_nothing(street, batch):
    """One looks as they come, and one that is killed all the while looks when all have come and more."""
    told = []
    for at_once in (True, False):
        place = street(common=0.6)
        known = unit(place.draw, 10, DIM)
        place.comes("day", known)
        place.watch(*pictures(known, place.draw, 0.6), false_alarms=20.0)
        watching = place.watching()
        for _ in range(4):
            place.comes("night", np.concatenate([known, unit(place.draw, 6, DIM)]))
            if at_once:
                watching.catch_up()
        while not at_once and (left := place.left()):
            for some in (left[:batch], left[: batch // 2 + 1]):
                # Judged twice by who dies before it is written, and by who takes over.
                judged = place.watching().judge(some)
            with place.gallery.database.write() as session:
                watching.write(session, judged)
        told.append([(one.watch, one.tracklet, one.score, one.false_alarms) for one in place.alerts()])
    assert len(told[0]) > 20 and told[0] == told[1]


def test_what_is_laid_over_what(calibration):
    law = calibration.sizes
    draw = np.random.default_rng(3)
    expected = np.array([law.threshold(1, one) for one in draw.uniform(size=4000)])
    at = law.threshold(100, 0.4)
    assert as_calibrated(calibration, at, expected) == pytest.approx(at, abs=0.02)
    # Strangers look more alike here, or are further spread: the same score is worth less.
    moved = as_calibrated(calibration, at + 0.2, expected + 0.2)
    wide = as_calibrated(calibration, at, expected.mean() + 2 * (expected - expected.mean()))
    assert moved == pytest.approx(at, abs=0.02) and wide < at - 0.1
    # Never more than it is.
    assert as_calibrated(calibration, at, expected - 0.3) == at
    # Of few not much is believed, and of nobody nothing.
    few = as_calibrated(calibration, at, np.full(1, 0.9))
    assert at - 0.3 < few < at and as_calibrated(calibration, at, expected[:0]) == at
    # That whoever is looked for was there before does not hide them.
    theirs = np.concatenate([expected[:190], np.full(10, 0.95)])
    assert as_calibrated(calibration, 0.95, theirs) > 0.85
    # All the same in everybody: no division by nothing.
    assert as_calibrated(calibration, 0.5, np.full(50, 0.5)) < 0.5 + 1e-9


def test_a_calibration_of_before_stands_as_it_is():
    old = Calibration(30.0, -21.0, 0.8, 100, 100, "made up")
    assert as_calibrated(old, 0.9, np.full(100, 0.9)) == 0.9


def test_the_latest_of_the_same_spectrum_are_remembered(street, monkeypatch):
    place = street()
    first = place.comes("before", unit(place.draw, 5, DIM))
    place.comes("day", unit(place.draw, 3, DIM))
    last = place.comes("night", unit(place.draw, MEMORY, DIM))
    place.gallery.put_camera("near", Modality.INFRARED, Spectrum.NEAR, 0)
    with place.gallery.database.read() as session:
        there = seen_by_id(session, {*first, *last})
        assert before(session, there[last[-1]], Modality.INFRARED, MEMORY) == (*last[-2::-1], first[-1])
        assert before(session, there[first[0]], Modality.INFRARED, MEMORY) == ()
        assert len(before(session, there[last[0]], Modality.VISIBLE, MEMORY)) == 3
        # The camera of another spectrum has seen nobody like that.
        other = replace(there[last[-1]], camera="near")
        assert before(session, other, Modality.INFRARED, MEMORY) == ()
        # However few there are, no further back than so many arrivals.
        monkeypatch.setattr("reid_core.watching.looking.REACH", MEMORY + 1)
        assert len(before(session, there[last[0]], Modality.INFRARED, MEMORY)) == 5
        assert len(before(session, there[last[-1]], Modality.VISIBLE, MEMORY)) == 2
