"""A worker's cameras that change: what it stages of them, what it tells, and what the next holder knows."""

import pytest

from reid_core.gallery.ledger import END, TRACKLET
from reid_core.gallery.schema import StagedRow
from stream.worker.partitions import Release
from tests.stream.test_changing_cameras import FRAMES, filtered
from tests.stream.test_shift import GATE, VISIBLE, Hand, embedder, gallery, rows
from tests.support.frames import record

__all__ = ["embedder", "gallery"]

SWITCHED = 70


@pytest.fixture(scope="module")
def records():
    """A visible camera's stream whose infrared filter goes away, its end included."""
    frames = [GATE.frame(index, picture) for index, picture in enumerate(filtered(SWITCHED))]
    return [record(one, offset=offset) for offset, one in enumerate([*frames, GATE.end(FRAMES)])]


def staged(gallery):
    found = sorted(rows(gallery, StagedRow), key=lambda row: row.id)
    return [(row.kind, row.modality) for row in found]


def told(hand, name):
    """What a worker's metrics say of the camera, by their last label."""
    return {
        sample.labels.get("spectrum", sample.labels.get("reason")): sample.value
        for family in hand.telemetry.registry.collect()
        for sample in family.samples
        if sample.name == f"nightreid_worker_{name}_total" and sample.labels.get("camera") == "gate"
    }


TRACKER = {"lost_seconds": 1.0}


def whole(gallery, embedder, records):
    hand = Hand(gallery, embedder, tracker=TRACKER)
    hand.claim()
    hand.give(*records)
    hand.end()
    return hand


@pytest.mark.slow
def test_infrared_tracklets_of_a_visible_camera_are_staged_and_its_end_links_them(gallery, embedder, records):
    hand = whole(gallery, embedder, records)
    visible, infrared = (TRACKLET, "visible"), (TRACKLET, "infrared")
    assert staged(gallery) == [visible, visible, *[infrared] * 3, (END, "infrared")]
    assert told(hand, "camera_switches") == {"near": 1}
    state = gallery.recording(GATE.id).state
    assert [one[0] for one in state["switches"]] == [SWITCHED]


@pytest.mark.slow
def test_who_takes_the_partition_over_goes_on_with_what_the_camera_is(gallery, embedder, records, tmp_path):
    first = Hand(gallery, embedder, tracker=TRACKER)
    share = first.claim()
    first.give(*records[:130])
    first.waiting.put(Release(share))
    first.turn()
    first.end()
    second = Hand(gallery, embedder, tracker=TRACKER)
    begun = second.claim().position
    assert SWITCHED < begun < 130
    second.give(*records[begun:])
    second.end()
    kinds = [(TRACKLET, "visible")] * 2 + [(TRACKLET, "infrared")] * 3 + [(END, "infrared")]
    assert staged(gallery) == kinds
    # It was told of once.
    assert told(second, "camera_switches") == {}


@pytest.mark.slow
def test_what_is_nobody_is_counted(gallery, embedder):
    """A poster for as long as the recording."""
    pictures = filtered(FRAMES)
    for picture in pictures:
        picture[2:36, 100:116] = (220, 220, 60)
    records = [record(GATE.frame(index, one), offset=index) for index, one in enumerate(pictures)]
    records.append(record(GATE.end(FRAMES), offset=FRAMES))
    hand = Hand(gallery, embedder, tracker={**TRACKER, "motionless_seconds": 15})
    hand.claim(VISIBLE)
    hand.give(*records)
    hand.end()
    assert told(hand, "set_aside") == {"motionless": 1}
    assert len([kind for kind, _ in staged(gallery) if kind == TRACKLET]) == 4
