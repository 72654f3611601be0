"""Dead letters on a real broker: their form, the list, and sending records again."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from reid_core.types import Modality
from stream.kafka.clients import KafkaSettings, TopicPartition, consumer, producer, using
from stream.kafka.dead_letter_box import list_letters, replay, show
from stream.kafka.dead_letters import HEADERS, DeadLetter, nightreid_version, topic_of
from stream.kafka.errors import BrokerAwayError, BrokerError, DeadLetterError
from stream.kafka.polling import poll
from stream.kafka.topics import TopicSettings, create
from stream.kafka.wire import REPLAY_HEADER

PICTURE = bytes(range(256)) * 40


def record(topic="frames.visible", partition=2, offset=7, key=b"gate", value=PICTURE, headers=()):
    return SimpleNamespace(
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=0,
        key=key,
        value=value,
        headers=list(headers),
    )


def arrived(letter, extra=(), topic="dlq.frames.visible"):
    """The record of a dead-letter topic that a letter becomes."""
    key, value, headers = letter.to_record()
    return record(topic, 0, 0, key, value, [*headers, *extra])


@pytest.fixture
def reached(kafka):
    return KafkaSettings(bootstrap=kafka.bootstrap, request_seconds=10)


@pytest.fixture
def settings(reached, topic_prefix):
    """Topics that are there, of two partitions each."""
    made = TopicSettings(prefix=topic_prefix, frame_partitions=2, result_partitions=2)
    create(reached, made)
    return made


@pytest.fixture
def frames(settings):
    return settings.frames(Modality.VISIBLE)


def send(reached, topic, *records):
    with using(producer(reached)) as client:
        for key, value, headers in records:
            client.send(topic, value, key=key, headers=headers).get(10)


def read(reached, topic, count):
    """All records of a topic, once there are that many."""
    places = [TopicPartition(topic, number) for number in range(2)]
    found = []
    with using(consumer(reached)) as client:
        client.assign(places)
        deadline = time.monotonic() + 10
        while len(found) < count and time.monotonic() < deadline:
            for records in poll(client, 0.3).values():
                found += records
    assert len(found) == count
    return found


def test_a_letter_keeps_its_record_and_says_why():
    headers = [("schema", b"nightreid.frame/9.0"), ("same", b"1"), ("same", b"\xff\x00")]
    letter = DeadLetter.of(record(headers=headers), "schema", "Ünknown.", attempts=3)
    outgoing = letter.to_record()
    assert (outgoing.key, outgoing.value) == (b"gate", PICTURE)
    assert outgoing.headers[:3] == headers
    told = dict(outgoing.headers[3:])
    assert list(told) == list(HEADERS)
    assert told["dlq.topic"] == b"frames.visible"
    assert told["dlq.partition"] == b"2"
    assert told["dlq.offset"] == b"7"
    assert told["dlq.reason"] == b"schema"
    assert told["dlq.message"].decode() == "Ünknown."
    assert told["dlq.attempts"] == b"3"
    assert told["dlq.version"].decode() == nightreid_version()
    assert abs(int(told["dlq.time_ns"]) - time.time_ns()) < 10e9
    assert DeadLetter.from_record(arrived(letter)) == letter
    assert letter.place == "frames.visible/2/7"


def test_a_letter_names_its_topics_id_where_it_is_known():
    letter = replace(DeadLetter.of(record(headers=[("a", b"1")]), "schema", "No."), topic_id="4gQ")
    assert letter.to_record().headers[-1] == ("dlq.topic_id", b"4gQ")
    assert DeadLetter.from_record(arrived(letter, [("outbox", b"12")])) == letter


def test_what_was_added_on_the_way_is_no_part_of_it():
    letter = DeadLetter.of(record(headers=[("a", b"1")]), "schema", "No.")
    assert DeadLetter.from_record(arrived(letter, [("outbox", b"12")])) == letter


def test_a_record_that_looks_like_a_letter_itself_stays_whole():
    """Somebody may publish such headers: they are the record's then, and the last ones are ours."""
    first = DeadLetter.of(record(), "schema", "No.")
    again = DeadLetter.of(record(headers=first.to_record().headers, offset=9), "crash", "Three times.")
    found = DeadLetter.from_record(arrived(again))
    assert (found.offset, found.reason) == (9, "crash")
    assert list(found.headers) == first.to_record().headers


def test_records_that_the_library_reads_but_does_not_send():
    letter = DeadLetter.of(record(key=None, value=None, headers=[("empty", None)]), "empty", "Empty.")
    key, value, headers = letter.to_record()
    assert (key, value, headers[0]) == (None, b"", ("empty", b""))


def test_a_long_message_is_cut():
    letter = DeadLetter.of(record(), "envelope", "ö" * 100_000 + "\ud800")
    assert sum(len(value) for _, value in letter.to_record().headers) < 10_000


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("dlq.topic", b"frames.visible")],
        [(name, b"x") for name in HEADERS],
        [(name, None) for name in HEADERS],
        [(name, b"1" * 5000) for name in HEADERS],
        [(name, b"99999999999999999999999") for name in HEADERS],
        [(name, b"1") for name in reversed(HEADERS)],
    ],
)
def test_a_record_that_is_no_letter(headers):
    with pytest.raises(DeadLetterError, match=r"The record dlq\.x/0/3 is no dead letter"):
        DeadLetter.from_record(record("dlq.x", 0, 3, headers=headers))


@pytest.mark.parametrize(
    "place", ["", "frames", "frames/1", "frames/1/x", "frames/1/2/3", "/1/2", "frames/-1/2"]
)
def test_a_place_has_a_form(place):
    with pytest.raises(DeadLetterError, match="topic/partition/offset"):
        topic_of(place)


def letters_of(frames, count, reason="schema"):
    return [
        DeadLetter.of(record(frames, number % 2, number, b"%d" % number, b"value %d" % number), reason, "No.")
        for number in range(count)
    ]


def test_each_letter_is_listed_once(reached, settings, frames):
    letters = letters_of(frames, 40)
    topic = settings.dead_letters(frames)
    assert list(list_letters(reached, settings, [frames])) == []
    send(reached, topic, *(letter.to_record() for letter in [*letters, *letters[:7]]))
    found = list(list_letters(reached, settings, [frames]))
    assert sorted(letter.offset for letter in found) == list(range(40))
    assert {letter.offset: letter for letter in found} == {letter.offset: letter for letter in letters}


def test_letters_of_a_transaction_that_was_broken_off_do_not_count(reached, settings, frames):
    kept, dropped = letters_of(frames, 2)
    with using(producer(reached, transactional_id=f"{frames}.writer", delivery_timeout_ms=20_000)) as client:
        client.init_transactions()
        for letter, end in ((dropped, client.abort_transaction), (kept, client.commit_transaction)):
            client.begin_transaction()
            key, value, headers = letter.to_record()
            client.send(settings.dead_letters(frames), value, key=key, headers=headers)
            end()
    assert list(list_letters(reached, settings, [frames])) == [kept]


def test_what_is_no_letter_is_passed_over_and_told(reached, settings, frames):
    (letter,) = letters_of(frames, 1)
    topic = settings.dead_letters(frames)
    elsewhere = DeadLetter.of(record(settings.control), "schema", "Sent again, it would be a command.")
    send(reached, topic, (b"k", b"stray", []), letter.to_record(), elsewhere.to_record())
    strange = []
    assert list(list_letters(reached, settings, [frames], strange.append)) == [letter]
    assert len(strange) == 2
    assert "names the topic" in f"{strange[0]} {strange[1]}"
    with pytest.raises(DeadLetterError, match="is no dead letter"):
        list(list_letters(reached, settings, [frames]))


def test_one_is_shown(reached, settings, frames):
    letters = letters_of(frames, 3)
    send(reached, settings.dead_letters(frames), *(letter.to_record() for letter in letters))
    assert show(reached, settings, letters[1].place) == letters[1]
    with pytest.raises(DeadLetterError, match=f"There is no dead letter {frames}/0/99"):
        show(reached, settings, f"{frames}/0/99")
    with pytest.raises(BrokerError, match="no such topic or partition"):
        show(reached, settings, f"{settings.prefix}unheard/0/0")


def test_a_record_is_sent_again_as_it_was(reached, settings, frames):
    headers = [("camera", b"gate"), ("same", b"1"), ("same", b"2")]
    letters = [
        DeadLetter.of(record(frames, 1, 5, headers=headers), "blob", "Away."),
        DeadLetter.of(record(frames, 1, 6, None, b"no key"), "schema", "No."),
    ]
    assert replay(reached, settings, iter(letters)) == 2
    found = {sent.value: sent for sent in read(reached, frames, 2)}
    again = found[PICTURE]
    assert again.key == b"gate"
    assert again.headers == [*headers, (REPLAY_HEADER, f"{frames}/1/5".encode())]
    assert found[b"no key"].partition == 1, "without a key, nothing but its partition says where it belongs"
    # It fails once more, and is sent once more: it tells of the last time alone.
    twice = DeadLetter.of(again, "blob", "Still away.")
    assert replay(reached, settings, [DeadLetter.from_record(arrived(twice, topic=""))]) == 1
    last = max(read(reached, frames, 3), key=lambda sent: (sent.value == PICTURE, sent.offset))
    assert last.headers == [*headers, (REPLAY_HEADER, f"{frames}/{again.partition}/{again.offset}".encode())]


def test_the_largest_record_becomes_a_letter_and_a_record_again(reached, settings, frames):
    value = b"x" * (settings.max_message_bytes - 2000)
    big = DeadLetter.of(record(frames, value=value), "damaged", "m" * 5000)
    key, letter, headers = big.to_record()
    with using(producer(reached, max_request_size=2 * len(value))) as client:
        client.send(settings.dead_letters(frames), letter, key=key, headers=headers).get(10)
    assert replay(reached, settings, list_letters(reached, settings, [frames])) == 1
    assert read(reached, frames, 1)[0].value == value


def test_a_broker_that_goes_silent_while_letters_are_read(own_broker):
    reached = KafkaSettings(bootstrap=own_broker.bootstrap, request_seconds=2)
    settings = TopicSettings(frame_partitions=1, result_partitions=1)
    create(reached, settings)
    frames = settings.frames(Modality.VISIBLE)
    # More than is fetched at once.
    letters = [DeadLetter.of(record(frames, 0, n, value=b"x" * 400_000), "x", "No.") for n in range(8)]
    send(reached, settings.dead_letters(frames), *(letter.to_record() for letter in letters))
    reading = list_letters(reached, settings, [frames])
    assert next(reading).offset == 0
    own_broker.freeze()
    began = time.monotonic()
    with pytest.raises(BrokerAwayError):
        list(reading)
    assert time.monotonic() - began < 10


def test_the_commands(reached, kafka, settings, frames, nightreid, tmp_path):
    letters = letters_of(frames, 3)
    hostile = DeadLetter.of(
        record(frames, 0, 50, headers=[("\x1b[31mname", b"\x1b]0;title\x07\xff")]),
        "envelope",
        "bad \x1b[2J bytes\nand a line",
    )
    topic = settings.dead_letters(frames)
    send(reached, topic, (b"k", b"stray", []), *(letter.to_record() for letter in [*letters, hostile]))
    here = ("--bootstrap", kafka.bootstrap, "--prefix", settings.prefix)

    def run(*arguments, status=0):
        done = nightreid("dlq", *arguments, *here, cwd=tmp_path)
        assert done.returncode == status, done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        return done

    listed = run("list")
    assert len(listed.stdout.splitlines()) == 4
    assert f"{letters[0].place}  2" in listed.stdout
    assert "Records that are no dead letters: 1." in listed.stderr
    found = json.loads(run("list", "--reason", "schema", "--topic", "frames.visible", "--json").stdout)
    assert sorted(each["offset"] for each in found["letters"]) == [0, 1, 2]
    assert json.loads(run("list", "--topic", "frames.infrared", "--json").stdout) == {"letters": []}

    shown = run("show", hostile.place, "--out", tmp_path / "value.bin")
    assert (tmp_path / "value.bin").read_bytes() == PICTURE
    assert "reason: envelope\n" in shown.stdout
    assert f"bytes: {len(PICTURE)}\n" in shown.stdout

    assert run("replay", letters[2].place, letters[0].place).stdout == "sent again: 2\n"
    assert {sent.value for sent in read(reached, frames, 2)} == {b"value 0", b"value 2"}
    assert json.loads(run("replay", "--all", "--reason", "schema", "--json").stdout) == {"replayed": 3}
    assert len(read(reached, frames, 5)) == 5

    missing = run("replay", letters[0].place, f"{frames}/0/77", status=1)
    assert f"error[dead-letter]: There is no dead letter {frames}/0/77." in missing.stderr
    assert len(read(reached, frames, 5)) == 5, "all or none of those that are named"
    assert "Name the letters" in run("replay", status=2).stderr
    assert "need --all" in run("replay", letters[0].place, "--reason", "x", status=2).stderr
    assert "not of the form" in run("show", "nonsense", status=1).stderr
