"""The books of a group of workers: one holder at a time, each record once, all of a batch or nothing."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from racing import TURNS
from sqlalchemy import select

from reid_core.gallery import Checkpoint, Gallery, IdentityPolicy
from reid_core.gallery.ledger import (
    END,
    RECORD_REFUSED,
    TRACKLET,
    Advance,
    Batch,
    FencedError,
    Ledger,
    Refused,
    Staged,
    StreamProgress,
)
from reid_core.gallery.schema import AttemptRow, OutboxRow, PartitionRow, RefusedRow, StagedRow, StreamRow
from tests.support.gallery_world import MODEL, Scene, unit

TOPIC, OTHER = "frames.visible", "frames.infrared"
ALL = (0, 1 << 40)
SPAN = 100
NEVER = IdentityPolicy(None)


@pytest.fixture
def gallery(books):
    with Gallery.open(books) as gallery:
        yield gallery


@pytest.fixture
def scene(gallery):
    return Scene(gallery, "gate")


@pytest.fixture
def ledger(gallery, scene):
    return Ledger(gallery.database, "night")


def claim(ledger, number=0, holder="one", kept=ALL, topic=TOPIC):
    return ledger.claim(topic, number, holder, kept, SPAN)


def advance(hold, then, expected=None, reached=None, seen=True, caught_up=False):
    expected = hold.next if expected is None else expected
    reached = then if reached is None else reached
    return Advance(hold.topic, hold.number, hold.epoch, expected, then, reached, seen, caught_up)


def staged(subject, due_ns=0, kind=TRACKLET):
    return Staged(kind, subject, "gate", "visible", due_ns, subject.encode())


def refused(offset, number=0, topic=TOPIC):
    return Refused(topic, number, offset, "damaged", "It is damaged.", 1, b"record", 5)


def rows(gallery, table):
    with gallery.database.read() as session:
        return [
            {name: value for name, value in vars(row).items() if name[0] != "_"}
            for row in session.scalars(select(table))
        ]


# Claims


def test_a_new_partition_begins_with_what_the_log_still_has(ledger):
    hold = claim(ledger, kept=(40, 90))
    assert (hold.topic, hold.number, hold.epoch, hold.next) == (TOPIC, 0, 1, 40)
    assert hold.careful_below <= hold.next and hold.refused == frozenset()


def test_each_holder_has_an_epoch_of_its_own(ledger):
    assert [claim(ledger, holder=name).epoch for name in ("one", "two", "one")] == [1, 2, 3]
    assert claim(ledger, number=1).epoch == 1
    assert claim(ledger, topic=OTHER).epoch == 1


def test_groups_keep_books_of_their_own(gallery, ledger):
    ledger.save(Batch([advance(claim(ledger), 70)]))
    other = Ledger(gallery.database, "other")
    assert claim(other).next == 0 and claim(other).epoch == 2
    assert claim(ledger).next == 70


def test_the_next_holder_goes_on_where_the_last_one_wrote(ledger):
    ledger.save(Batch([advance(claim(ledger), 70, reached=85)]))
    assert claim(ledger, holder="two").next == 70


@pytest.mark.parametrize(
    ("kept", "then"), [((0, 70), 70), ((70, 70), 70), ((80, 500), 80), ((0, 30), 0), ((10, 20), 10)]
)
def test_what_the_log_has_no_more_cannot_be_gone_on_at(ledger, kept, then):
    """Records expired, or the log was made anew."""
    ledger.save(Batch([advance(claim(ledger), 70, reached=85)]))
    hold = claim(ledger, kept=kept)
    assert hold.next == then
    ledger.save(Batch([advance(hold, then + 1)]))


def test_nobody_need_be_careful_behind_a_holder_that_let_go(ledger):
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 50, reached=60)]))
    ledger.release([advance(hold, 50)])
    assert claim(ledger, holder="two").careful_below <= 50


def test_behind_one_that_died_what_it_may_have_had_in_hand_is_gone_over_with_care(ledger):
    ledger.save(Batch([advance(claim(ledger), 50, reached=60)]))
    assert claim(ledger, holder="two").careful_below == 60 + SPAN
    # Who is killed before it wrote anything has been as far as that as well.
    assert claim(ledger, holder="three").careful_below == 60 + SPAN


def test_what_the_dead_holder_had_gone_through_did_no_harm(ledger):
    """It is gone over again from the checkpoint, together; what is suspected, one by one."""
    ledger.save(Batch([replace(advance(claim(ledger), 10, reached=60), settled=55)]))
    hold = claim(ledger, holder="two")
    assert (hold.next, hold.careful_from, hold.careful_below) == (10, 55, 60 + SPAN)
    # Who dies before it wrote anything may have died of any of them.
    assert claim(ledger, holder="three").careful_from == 10
    ledger.save(Batch([replace(advance(claim(ledger), 20, reached=70), settled=30)]))
    assert claim(ledger).careful_from == 30


def test_one_that_has_the_same_name_as_before_died_too(ledger):
    claim(ledger, holder="one")
    assert claim(ledger, holder="one").careful_below == SPAN


# Writing


def test_a_batch_is_written_whole(gallery, scene, ledger):
    hold, other = claim(ledger), claim(ledger, number=1)
    ledger.save(
        Batch(
            [advance(hold, 5), advance(other, 7)],
            [staged("a"), staged("b", kind=END)],
            [Checkpoint(scene.recording, 30, 25, {"settings": "s"})],
            [StreamProgress("gate", TOPIC, 0, 99, False, {"stream": "s"})],
        )
    )
    assert [row["next"] for row in rows(gallery, PartitionRow)] == [5, 7]
    assert [(row["kind"], row["content"]) for row in rows(gallery, StagedRow)] == [
        (TRACKLET, b"a"),
        (END, b"b"),
    ]
    assert gallery.recording(scene.recording).checkpoint == 25
    assert ledger.stream("gate") == StreamProgress("gate", TOPIC, 0, 99, False, {"stream": "s"})
    assert ledger.stream("nobody") is None


@pytest.mark.parametrize("fenced_first", [True, False])
def test_where_one_partition_is_anothers_nothing_is_written(gallery, scene, ledger, fenced_first):
    mine, lost = claim(ledger), claim(ledger, number=1)
    claim(ledger, number=1, holder="two")
    both = [advance(mine, 5), advance(lost, 7)]
    batch = Batch(
        both[::-1] if fenced_first else both,
        [staged("a")],
        [Checkpoint(scene.recording, 30, 25, {})],
        [StreamProgress("gate", TOPIC, 0, 99, False, {})],
    )
    with pytest.raises(FencedError, match=r"Partition 1 of frames\.visible") as caught:
        ledger.save(batch)
    assert (caught.value.topic, caught.value.number, caught.value.code) == (TOPIC, 1, "fenced")
    assert not caught.value.transient
    assert [row["next"] for row in rows(gallery, PartitionRow)] == [0, 0]
    assert rows(gallery, StagedRow) == [] and rows(gallery, StreamRow) == []
    assert gallery.recording(scene.recording).checkpoint == 0
    # What is not fenced can be written without the rest.
    ledger.save(replace(batch, advances=[advance(mine, 5)]))
    assert len(rows(gallery, StagedRow)) == 1


def test_one_goes_on_only_from_where_one_was(gallery, ledger):
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 5)]))
    for expected in (0, 4, 6):
        with pytest.raises(FencedError):
            ledger.save(Batch([advance(hold, 9, expected)], [staged("a")]))
    assert rows(gallery, StagedRow) == []
    ledger.save(Batch([advance(hold, 9, 5)]))
    assert claim(ledger).next == 9


def test_a_partition_nobody_claimed_is_nobodys(ledger):
    hold = claim(ledger)
    with pytest.raises(FencedError):
        ledger.save(Batch([replace(advance(hold, 5), number=9)]))
    with pytest.raises(FencedError):
        ledger.save(Batch([replace(advance(hold, 5), epoch=0)]))


def test_a_zombie_can_write_nothing(gallery, ledger):
    zombie = claim(ledger, holder="zombie")
    hold = claim(ledger, holder="two")
    for write in (
        lambda: ledger.save(Batch([advance(zombie, 5)], [staged("a")])),
        lambda: ledger.refuse(refused(0), zombie.epoch),
        lambda: ledger.attempt(zombie, 0, None),
    ):
        with pytest.raises(FencedError):
            write()
    ledger.release([advance(zombie, 5)])
    assert claim(ledger, holder="three").careful_below == SPAN, "the second one has not let go"
    assert rows(gallery, RefusedRow) == rows(gallery, AttemptRow) == rows(gallery, StagedRow) == []
    assert hold.epoch == 2


def test_what_is_staged_already_is_left_as_it_is(gallery, ledger):
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 1)], [staged("a", 5), staged("a", 6), staged("a", 7, END)]))
    ledger.save(Batch([advance(hold, 2, 1)], [staged("a", 8), staged("b", 9)]))
    found = [(row["kind"], row["subject"], row["due_ns"]) for row in rows(gallery, StagedRow)]
    assert found == [(TRACKLET, "a", 5), (END, "a", 7), (TRACKLET, "b", 9)]


def test_what_is_in_the_gallery_already_is_not_staged_again(gallery, scene, ledger):
    entry = scene.entry(10, unit(np.random.default_rng(1), 2))
    gallery.add_tracklets([entry], MODEL, NEVER)
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 1)], [staged(entry.tracklet.id), staged("new")]))
    assert [row["subject"] for row in rows(gallery, StagedRow)] == ["new"]


# Streams


def progress(seen_ns, stream="s", ended=False, number=0):
    return StreamProgress("gate", TOPIC, number, seen_ns, ended, {"stream": stream})


def test_going_over_a_stream_again_does_not_undo_what_was_seen_of_it(gallery, ledger):
    hold = claim(ledger)
    for place, one in enumerate([progress(50), progress(80), progress(60, number=3)]):
        ledger.save(Batch([advance(hold, place + 1, place)], streams=[one]))
    assert ledger.stream("gate") == progress(80, number=3)
    assert [row["beat"] for row in rows(gallery, StreamRow)] == [3]


def test_another_stream_begins_anew(gallery, ledger):
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 1)], streams=[progress(80, ended=True), progress(30, "next")]))
    assert ledger.stream("gate") == progress(30, "next")


# Silent cameras


def test_a_camera_rests_until_more_of_it_comes(gallery, ledger):
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 1)], streams=[progress(80)]))
    ledger.save(Batch([advance(hold, 2, 1)], streams=[replace(progress(0), resting=True)]))
    assert ledger.stream("gate") == replace(progress(80), resting=True)
    assert not ledger.stream("gate").moves
    ledger.save(Batch([advance(hold, 3, 2)], streams=[progress(90)]))
    assert ledger.stream("gate") == progress(90) and ledger.stream("gate").moves


def test_a_silent_camera_that_has_ended_or_goes_on_elsewhere_stays_as_it_is(gallery, ledger):
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 1)], streams=[progress(80, ended=True)]))
    ledger.save(Batch([advance(hold, 2, 1)], streams=[replace(progress(80), resting=True)]))
    assert ledger.stream("gate").ended
    elsewhere = replace(progress(90), number=1)
    ledger.save(Batch([advance(hold, 3, 2)], streams=[elsewhere]))
    ledger.save(Batch([advance(hold, 4, 3)], streams=[replace(progress(80), resting=True)]))
    assert ledger.stream("gate") == elsewhere


def test_who_claims_a_partition_hears_of_the_cameras_that_are_expected_there(gallery, ledger):
    hold = claim(ledger)
    assert hold.moving == {}
    ledger.save(Batch([advance(hold, 1)], streams=[progress(80)]))
    assert claim(ledger).moving == {"gate": progress(80)} and claim(ledger, 1).moving == {}
    ledger.save(Batch([advance(claim(ledger), 2, 1)], streams=[replace(progress(80), resting=True)]))
    assert claim(ledger).moving == {}
    ledger.save(Batch([advance(claim(ledger), 3, 2)], streams=[progress(90, ended=True)]))
    assert claim(ledger).moving == {}


# How far partitions have been read


def test_how_far_every_partition_has_been_read_is_told(gallery, ledger):
    assert ledger.reached() == {}
    ledger.expect([(TOPIC, 0), (TOPIC, 1)])
    assert ledger.reached() == {(TOPIC, 0): 0, (TOPIC, 1): 0}
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 2, 0, reached=7)]))
    assert ledger.reached() == {(TOPIC, 0): 7, (TOPIC, 1): 0}
    ledger.expect([(TOPIC, 0), (TOPIC, 1)])
    assert ledger.reached() == {(TOPIC, 0): 7, (TOPIC, 1): 0}, "what is known stays as it is"
    assert Ledger(gallery.database, "another group").reached() == {}


def test_a_partition_that_was_looked_into_stays_so(gallery, ledger):
    hold = claim(ledger)
    for place, seen in enumerate((False, True, False)):
        ledger.save(Batch([advance(hold, place + 1, place, seen=seen)]))
        assert [row["seen"] for row in rows(gallery, PartitionRow)] == [place > 0]


def test_a_partition_that_was_expected_begins_with_what_the_log_has(ledger):
    ledger.expect([(TOPIC, 0)])
    hold = claim(ledger, kept=(40, 90))
    assert (hold.next, hold.epoch) == (40, 1) and hold.careful_below <= 40


# Records that end their worker


def test_tries_are_counted_over_the_lives_of_workers(ledger):
    for life in (1, 2, 3):
        hold = claim(ledger)
        assert ledger.attempt(hold, 7, None) == life
    assert ledger.attempt(hold, 8, None) == 1


def test_what_did_no_harm_is_forgotten(gallery, ledger):
    hold, other = claim(ledger), claim(ledger, topic=OTHER)
    assert ledger.attempt(hold, 7, None) == 1
    assert ledger.attempt(hold, 8, (hold, 7)) == 1
    assert ledger.attempt(other, 8, (hold, 8)) == 1
    assert ledger.attempt(hold, 7, (other, 8)) == 1
    ledger.harmless(hold, 7)
    assert rows(gallery, AttemptRow) == []


def test_what_another_holder_tries_is_not_forgotten(gallery, ledger):
    zombie, other = claim(ledger, holder="zombie"), claim(ledger, topic=OTHER)
    ledger.attempt(zombie, 7, None)
    hold = claim(ledger, holder="two")
    assert ledger.attempt(hold, 7, None) == 2
    ledger.attempt(other, 0, (zombie, 7))
    ledger.harmless(zombie, 7)
    assert ledger.attempt(hold, 7, None) == 3


def test_tries_are_counted_apart(gallery, ledger):
    ledger.attempt(claim(ledger), 7, None)
    others = Ledger(gallery.database, "other")
    assert others.attempt(claim(others), 7, None) == 1
    assert ledger.attempt(claim(ledger, topic=OTHER), 7, None) == 1
    assert ledger.attempt(claim(ledger, number=1), 7, None) == 1


# Dead letters


def test_a_dead_letter_is_written_once_and_told_of_once(gallery, ledger):
    hold = claim(ledger)
    for _ in range(2):
        ledger.refuse(refused(7), hold.epoch)
    again = claim(ledger)
    ledger.refuse(refused(7), again.epoch)
    [row] = rows(gallery, RefusedRow)
    assert (row["topic"], row["number"], row["offset"], row["reason"]) == (TOPIC, 0, 7, "damaged")
    assert (row["message"], row["attempts"], row["record"]) == ("It is damaged.", 1, b"record")
    [event] = [one for one in rows(gallery, OutboxRow) if one["kind"] == RECORD_REFUSED]
    assert event["payload"] == {"id": row["id"], "topic": TOPIC, "reason": "damaged"}
    assert (event["subject"], event["created_ns"]) == (f"{TOPIC}/0/7", 5)


def test_the_next_holder_knows_which_records_are_dead_letters(ledger):
    hold = claim(ledger)
    for offset in (3, 7, 9):
        ledger.refuse(refused(offset), hold.epoch)
    other = claim(ledger, number=1)
    ledger.refuse(refused(7, number=1), other.epoch)
    assert claim(ledger).refused == {3, 7, 9}
    ledger.save(Batch([advance(claim(ledger), 7)]))
    assert claim(ledger).refused == {7, 9}
    assert claim(ledger, number=1).refused == {7}


def test_a_topic_of_the_longest_name(gallery, ledger):
    long = "t" * 249
    hold = claim(ledger, topic=long)
    ledger.refuse(refused(7, topic=long), hold.epoch)
    [event] = [one for one in rows(gallery, OutboxRow) if one["kind"] == RECORD_REFUSED]
    assert len(event["subject"]) == 64 and event["subject"].endswith("/0/7")


# A topic that was made anew


def anew(ledger, topic_id, kept=ALL, number=0):
    return ledger.claim(TOPIC, number, "one", kept, SPAN, topic_id)


def test_a_topic_made_anew_begins_anew(gallery, ledger):
    hold = anew(ledger, "first")
    ledger.save(Batch([advance(hold, 50, reached=60)]))
    ledger.refuse(replace(refused(55), topic_id=hold.topic_id), hold.epoch)
    assert ledger.attempt(hold, 56, None) == 1
    again = anew(ledger, "second", kept=(0, 90))
    assert (again.next, again.topic_id, again.refused, again.epoch) == (0, "second", frozenset(), 2)
    assert again.careful_below <= 0, "nobody died of its records"
    assert ledger.attempt(again, 56, None) == 1
    # A record at the same place is another one.
    ledger.refuse(replace(refused(55), topic_id="second"), again.epoch)
    assert [row["topic_id"] for row in rows(gallery, RefusedRow)] == ["first", "second"]
    assert len([one for one in rows(gallery, OutboxRow) if one["kind"] == RECORD_REFUSED]) == 2
    assert anew(ledger, "second").refused == {55}


def test_nothing_of_a_topic_that_was_made_anew_has_been_read_until_it_is_claimed(ledger):
    for number in (0, 1):
        ledger.save(Batch([advance(anew(ledger, "first", number=number), 50, reached=60)]))
    before = {(TOPIC, 0): 60, (TOPIC, 1): 60}
    assert ledger.reached({TOPIC: "first"}) == ledger.reached({TOPIC: ""}) == ledger.reached({}) == before
    assert ledger.reached({OTHER: "second"}) == before
    assert ledger.reached({TOPIC: "second"}) == {}
    anew(ledger, "second", kept=(0, 90), number=1)
    assert ledger.reached({TOPIC: "second"}) == {(TOPIC, 1): 0}
    # Of a partition that was expected before ids were known, nothing is given up.
    ledger.expect([(TOPIC, 2)])
    assert ledger.reached({TOPIC: "second"}) == {(TOPIC, 1): 0, (TOPIC, 2): 0}


@pytest.mark.parametrize("later", ["first", ""])
def test_the_same_topic_is_gone_on_with(ledger, later):
    """Also where the broker tells no id this time."""
    ledger.save(Batch([advance(anew(ledger, "first"), 50)]))
    hold = anew(ledger, later)
    assert (hold.next, hold.topic_id) == (50, "first")


def test_what_was_written_before_ids_were_known_is_of_the_topic_that_is_there(ledger):
    hold = claim(ledger)
    ledger.save(Batch([advance(hold, 50)]))
    ledger.refuse(refused(55), hold.epoch)
    again = anew(ledger, "first")
    assert (again.next, again.refused, again.topic_id) == (50, {55}, "first")


# Several processes


def race(url, names=("one", "two")):
    """What each of them tells of taking a partition from the others, and of holding a lease."""
    command = [sys.executable, str(Path(__file__).with_name("racing.py")), url]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    racers = [subprocess.Popen([*command, name], env=environment, **pipes) for name in names]
    told = []
    for _ in range(2):
        assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * len(names)
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        told.append([json.loads(racer.stdout.readline()) for racer in racers])
    for racer in racers:
        racer.communicate(timeout=30)
        assert racer.returncode == 0
    return told


@pytest.mark.slow
def test_processes_that_take_from_each_other_what_one_at_a_time_may_have(books, gallery, scene):
    partitions, leases = race(books)
    # Each place was written by one of them, and what it staged with it is there.
    written = sorted(tuple(one) for racer in partitions for one in racer["written"])
    assert [place for place, _ in written] == list(range(len(written)))
    assert sorted((row["due_ns"], row["subject"]) for row in rows(gallery, StagedRow)) == written
    epochs = [epoch for racer in partitions for epoch in racer["epochs"]]
    assert sorted(epochs) == list(range(1, 2 * TURNS + 1))
    [row] = rows(gallery, PartitionRow)
    assert (row["next"], row["epoch"]) == (len(written), 2 * TURNS)
    assert sum(racer["fenced"] for racer in partitions) > 0, "they never met"

    raised = sorted(rows(gallery, OutboxRow), key=lambda one: one["id"])
    events = [(int(one["subject"]), one["payload"]["name"]) for one in raised]
    assert len(events) == sum(racer["written"] for racer in leases)
    epochs = [epoch for epoch, _ in events]
    assert epochs == sorted(epochs), "one wrote behind another's back"
    assert len(dict(events)) == len(set(events)) > 1, "two had one epoch, or they never met"
