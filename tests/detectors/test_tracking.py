"""Made-up people followed: tracklets open, continue and close."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.config import LookSettings, TrackerSettings
from detectors.tracking import CameraTracker
from reid_core.types import CloseReason, Detections, Frame, Modality
from tests.detectors.helpers import detections

FPS = 10
PICTURE = np.random.default_rng(3).integers(0, 255, (200, 400, 3), np.uint8)


def tracker(kind="bytetrack", modality=Modality.VISIBLE, fps=FPS, **settings):
    return CameraTracker(
        "recording", "gate", modality, fps, TrackerSettings(kind=kind, **settings), LookSettings()
    )


def at(index):
    return int(index * 1e9 / FPS)


def frame(index):
    return Frame("gate", Modality.VISIBLE, index, at(index), PICTURE)


def person(x, y=60, confidence=0.8):
    return detections([x, y, x + 30, y + 80], confidence=confidence)


def both(*parts):
    return Detections(
        np.concatenate([part.boxes for part in parts]), np.concatenate([part.confidences for part in parts])
    )


NOBODY = Detections.empty()


def follow(one, scenes, first=0, cuts=(), pictures=True):
    """Feed a scene a frame; the tracklets that ended before each."""
    ended = []
    for index, found in enumerate(scenes, first):
        picture = frame(index) if pictures else None
        ended += one.update(index, at(index), found, picture, index in cuts)
    return ended


def walk(count, start=10, step=4, **kind):
    return [person(start + step * number, **kind) for number in range(count)]


KINDS = pytest.mark.parametrize("kind", ["bytetrack", "botsort"])


@KINDS
def test_a_tracklet_opens_with_the_first_sight_and_closes_once_lost_for_long(kind):
    one = tracker(kind, lost_seconds=2)
    assert follow(one, [NOBODY] * 3) == []
    assert one.quiet
    assert follow(one, walk(20), 3) == []
    assert not one.quiet
    assert follow(one, [NOBODY] * 20, 23) == []
    ended = follow(one, [NOBODY] * 2, 43)
    assert one.quiet
    (tracklet,) = ended
    assert tracklet.close_reason is CloseReason.TIMEOUT
    assert tracklet.frames.tolist() == list(range(3, 23))
    assert tracklet.times_ns.tolist() == [at(index) for index in range(3, 23)]
    assert np.allclose(tracklet.boxes, np.concatenate([found.boxes for found in walk(20)]))
    assert (tracklet.recording, tracklet.camera, tracklet.modality) == ("recording", "gate", Modality.VISIBLE)
    assert 1 <= len(tracklet.sightings) <= 5


@KINDS
def test_somebody_lost_and_found_again_is_one_tracklet(kind):
    one = tracker(kind)
    follow(one, walk(10) + [NOBODY] * 8 + walk(10, start=10 + 4 * 18))
    (tracklet,) = one.close(CloseReason.END)
    assert tracklet.frames.tolist() == [*range(10), *range(18, 28)]
    assert tracklet.close_reason is CloseReason.END
    assert one.quiet


@KINDS
def test_two_people_who_cross_stay_themselves(kind):
    one = tracker(kind)
    scenes = [
        both(person(10 + 6 * number, y=40), person(250 - 6 * number, y=70, confidence=0.7))
        for number in range(40)
    ]
    follow(one, scenes)
    first, second = one.close(CloseReason.END)
    assert len(first) == len(second) == 40
    assert (np.diff(first.boxes[:, 0]) > 0).all()
    assert (np.diff(second.boxes[:, 0]) < 0).all()


def test_a_cut_ends_everybody_before_the_picture_that_follows():
    one = tracker()
    ended = follow(one, walk(10) + walk(10, start=50), cuts=(10,))
    assert [tracklet.close_reason for tracklet in ended] == [CloseReason.CUT]
    assert ended[0].frames.tolist() == list(range(10))
    assert one.close(CloseReason.END)[0].frames.tolist() == list(range(10, 20))


def test_a_gap_in_the_recording_longer_than_people_are_waited_for_ends_them():
    one = tracker(lost_seconds=2)
    follow(one, walk(10))
    ended = one.update(10, at(10) + int(2.5e9), person(50), frame(10))
    assert [tracklet.close_reason for tracklet in ended] == [CloseReason.TIMEOUT]


def test_who_stays_for_very_long_is_handed_on_now_and_then():
    one = tracker(longest_seconds=1.5)
    follow(one, walk(14))
    assert one.close_overlong(at(14)) == []
    follow(one, walk(4, start=66), 14)
    (tracklet,) = one.close_overlong(at(18))
    assert tracklet.close_reason is CloseReason.LIMIT
    assert one.quiet


def test_noise_is_dropped():
    for scenes in (
        walk(4),  # too short
        [person(100, confidence=0.4)] * 30,  # unsure, and it never moved
        [person(100 + number % 2, confidence=0.45) for number in range(30)],
        # unsure, and it only shows now its upper half, now all of it
        [detections([100, 60, 130, 140 - 40 * (number % 2)], confidence=0.45) for number in range(30)],
    ):
        one = tracker()
        follow(one, [*scenes, NOBODY])
        assert one.close(CloseReason.END) == []
    for scenes in (walk(5), [person(100, confidence=0.6)] * 30, walk(30, confidence=0.4)):
        one = tracker()
        follow(one, scenes)
        assert len(one.close(CloseReason.END)) == 1


def test_unsure_sights_continue_a_tracklet_but_open_none():
    one = tracker()
    assert follow(one, walk(10, confidence=0.15)) == []
    assert one.quiet
    follow(one, walk(5), 10)
    follow(one, walk(10, start=30, confidence=0.15), 15)
    assert len(one.close(CloseReason.END)[0]) == 15


def test_pictures_that_did_not_change_count_for_the_tracklet_but_give_no_crops():
    one = tracker()
    for index in range(20):
        one.update(index, at(index), person(60 + index), frame(index) if index in (0, 10) else None)
    (tracklet,) = one.close(CloseReason.END)
    assert len(tracklet) == 20
    assert {sighting.frame for sighting in tracklet.sightings} == {0, 10}


def test_small_dim_people_at_night_are_followed_through_their_flicker():
    look = LookSettings(confidence=0.25, low_confidence=0.05)
    one = CameraTracker("recording", "roof", Modality.INFRARED, 30, TrackerSettings(), look)
    for number in range(60):
        x = 10 + 0.6 * number
        box = detections(
            [x, 50 + number % 3, x + 6, 66 - number % 2], confidence=0.4 if number % 5 == 0 else 0.08
        )
        one.update(number, int(number * 1e9 / 30), box, frame(number))
    (tracklet,) = one.close(CloseReason.END)
    assert len(tracklet) >= 58


def same(one, other):
    return (
        one.id == other.id
        and one.close_reason is other.close_reason
        and np.array_equal(one.frames, other.frames)
        and np.array_equal(one.boxes, other.boxes)
        and np.array_equal(one.confidences, other.confidences)
        and [(s.frame, s.quality) for s in one.sightings] == [(s.frame, s.quality) for s in other.sightings]
    )


@st.composite
def streets(draw):
    """Scenes of a street: walkers who come and go, flicker and noise, with pauses between."""
    length = draw(st.integers(20, 90))
    scenes = [[] for _ in range(length)]
    for _ in range(draw(st.integers(0, 5))):
        first, last = draw(st.integers(0, length - 1)), draw(st.integers(1, 25))
        x, step = draw(st.integers(0, 300)), draw(st.integers(-6, 6))
        missing = draw(st.sets(st.integers(0, 25), max_size=8))
        confidence = draw(st.sampled_from([0.12, 0.3, 0.6, 0.9]))
        for number in range(min(last, length - first)):
            if number not in missing:
                scenes[first + number].append(person(x + step * number, confidence=confidence))
    return [both(*people) if people else NOBODY for people in scenes]


@pytest.mark.slow
@KINDS
@settings(max_examples=30, deadline=None)
@given(scenes=streets(), cuts=st.sets(st.integers(1, 90), max_size=2))
def test_after_a_quiet_moment_a_tracker_is_as_good_as_new(kind, scenes, cuts):
    one = tracker(kind, lost_seconds=0.5)
    ended, quiet = [], [0]
    for index, found in enumerate(scenes):
        ended += one.update(index, at(index), found, frame(index), index in cuts)
        if one.quiet:
            quiet.append(index + 1)
    ended += one.close(CloseReason.END)
    names = [tracklet.id for tracklet in ended]
    assert len(set(names)) == len(names)
    for start in quiet:
        fresh = tracker(kind, lost_seconds=0.5)
        again = follow(fresh, scenes[start:], start, cuts) + fresh.close(CloseReason.END)
        later = [tracklet for tracklet in ended if tracklet.frames[0] >= start]
        assert len(again) == len(later)
        assert all(map(same, again, later))


def test_ids_do_not_depend_on_the_order_of_detections():
    scenes = [both(person(10 + 4 * number, y=20), person(200 - 4 * number, y=110)) for number in range(12)]
    one, other = tracker(), tracker()
    follow(one, scenes)
    follow(other, [found.select(np.array([1, 0])) for found in scenes])
    names = [
        {tracklet.id: tracklet.boxes[0, 0] for tracklet in each.close(CloseReason.END)}
        for each in (one, other)
    ]
    assert len(names[0]) == 2
    assert names[0] == names[1]


@pytest.mark.parametrize("pause", [1, 5])
def test_a_tracker_asleep_holds_nothing(pause):
    one = tracker(lost_seconds=0.3)
    follow(one, walk(10) + [NOBODY] * (5 + pause))
    assert one.quiet
    inner = one._tracker
    assert (inner.frame_id, inner.tracked_stracks, inner.lost_stracks, inner.removed_stracks) == (
        0,
        [],
        [],
        [],
    )


@pytest.mark.parametrize(
    ("width", "step", "kept"),
    [(18, 0, 0), (30, 0, 1), (18, 4, 1)],
    ids=["a post", "somebody waiting", "slim"],
)
def test_what_is_too_slim_for_a_person_and_never_moves_is_nobody(width, step, kept):
    one = tracker()
    for number in range(20):
        x = 60 + step * number
        box = detections([x, 60, x + width, 140], confidence=0.8)
        assert follow(one, [box], first=number) == []
    assert len(one.close(CloseReason.END)) == kept


# Time, not frames


def follow_at(one, times_s, scenes):
    """Feed a scene at each time; the tracklets that ended, and when."""
    ended = []
    for index, (time, found) in enumerate(zip(times_s, scenes, strict=True)):
        picture = Frame("gate", Modality.VISIBLE, index, round(time * 1e9), PICTURE)
        ended += [(time, tracklet) for tracklet in one.update(index, round(time * 1e9), found, picture)]
    return ended


@KINDS
@pytest.mark.parametrize("real", [2.5, 10, 25, 100])
def test_who_is_lost_is_waited_for_by_time_whatever_the_nominal_rate_says(kind, real):
    """A live camera that sends fewer frames than it says, or more."""
    one = tracker(kind, fps=10, lost_seconds=2)
    seen, behind = int(4 * real), int(4 * real)
    times = np.arange(seen + behind) / real
    scenes = [person(10 + 20 * time) for time in times[:seen]] + [NOBODY] * behind
    [(when, tracklet)] = follow_at(one, times, scenes)
    assert len(tracklet) == seen and tracklet.close_reason is CloseReason.TIMEOUT
    # Up to half a nominal frame more, and the tracker lets go in the frame behind.
    assert 2 < when - times[seen - 1] <= 2.05 + 2.01 / real


@KINDS
def test_a_pause_counts_for_those_who_were_lost_before_it(kind):
    """Neither the time before nor the pause is long enough alone."""
    one = tracker(kind, lost_seconds=2)
    times = [*np.arange(15) / 10, *(3.2 + np.arange(10) / 10)]
    scenes = [person(60)] * 8 + [NOBODY] * 7 + [person(60)] * 10
    [(when, first)] = follow_at(one, times, scenes)
    assert when == 3.2 and first.times_ns[-1] == 700_000_000
    [second] = one.close(CloseReason.END)
    assert second.times_ns[0] >= 3_200_000_000 and len(second) >= 9


@KINDS
def test_somebody_seen_at_a_changing_rate_is_one_tracklet(kind):
    """Idle, the camera sends one frame a second."""
    one = tracker(kind, lost_seconds=2)
    times = [*range(5), *(4.1 + np.arange(20) / 10), *range(7, 12)]
    assert follow_at(one, times, [person(60 + index) for index in range(len(times))]) == []
    [tracklet] = one.close(CloseReason.END)
    assert len(tracklet) == len(times)


@KINDS
@pytest.mark.parametrize("fps", [7, 10, 24000 / 1001, 25, 30000 / 1001, 30])
@pytest.mark.parametrize("lost_seconds", [0.3, 1, 2])
def test_at_an_even_rate_patience_is_a_number_of_frames(kind, fps, lost_seconds):
    """Rounded times give nobody a frame more or less."""
    frames = round(fps * lost_seconds)
    for absent, tracklets in ((frames, 1), (frames + 1, 1), (frames + 2, 2)):
        one = tracker(kind, fps=fps, lost_seconds=lost_seconds)
        count = 10 + absent + 10
        times = [round(1000 * index / fps) / 1000 for index in range(count)]
        scenes = [person(60)] * 10 + [NOBODY] * absent + [person(60)] * 10
        ended = follow_at(one, times, scenes)
        assert len(ended) + len(one.close(CloseReason.END)) == tracklets


def test_nobody_is_lost_while_the_picture_stands_still():
    one = tracker(lost_seconds=2)
    for index in range(60):
        one.update(index, at(index), person(60), frame(index) if index < 10 else None)
    assert follow(one, [NOBODY] * 19, 60) == []
    assert follow(one, [person(60)] * 5, 79) == []
    [tracklet] = one.close(CloseReason.END)
    assert len(tracklet) == 65


@KINDS
def test_whoever_is_there_when_the_light_changes_goes_on_from_the_first_frame_of_the_other(kind):
    """Two from before, and one who came with that frame: nobody is lost, and no two are called the same."""
    one = tracker(kind)
    two = [both(person(20 + 2 * i), person(140 + 2 * i)) for i in range(30)]
    three = [both(person(80 + 2 * i), person(200 + 2 * i), person(330)) for i in range(30)]
    assert follow(one, [*two, *three[:5]]) == []
    before = one.turn(Modality.INFRARED, 30)
    assert [(each.frames[-1], each.modality, each.close_reason) for each in before] == [
        (29, Modality.VISIBLE, CloseReason.SWITCH)
    ] * 2
    follow(one, three[5:], 35)
    behind = one.close(CloseReason.END)
    assert [each.modality for each in behind] == [Modality.INFRARED] * 3
    assert sorted(each.frames[0] for each in behind) == pytest.approx([30, 30, 30], abs=1)
    assert all(each.frames[-1] == 59 for each in behind)
    assert min(shot.frame for each in behind for shot in each.sightings) >= 35, "not of frames in doubt"
    assert len({each.id for each in (*before, *behind)}) == 5
