"""`nightreid watch`: what it prints, what it refuses, and that runs raise what was asked for."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from reid_core.gallery import Gallery
from reid_core.gallery.naming import SHORTEST
from reid_core.gallery.outbox import ALERT_RAISED, Outbox
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from reid_core.watching.deliveries import DeliveryState, claim, queue, settle
from reid_core.watching.keeping import add_watch
from reid_core.watching.service import Watching
from reid_core.watching.watch import NewWatch
from stream.run.export import to_json
from stream.run.running import run_footage
from tests.support.brightness import RED, brightness_detector, colour_model, write_night
from tests.support.night import SETTINGS, specs
from tests.support.watched import Square


@pytest.fixture
def square(tmp_path):
    """A gallery with somebody in it; closed, so that commands have it to themselves."""
    url = f"sqlite:///{tmp_path / 'square.db'}"
    with Gallery.open(url) as gallery:
        Square(gallery).comes("lobby", 0)
        return url, gallery.identities()[0].id


def said(command, *words):
    done = command("watch", *words, "--json")
    assert done.status == 0, done.err
    return json.loads(done.out)


def test_a_watch_from_its_beginning_to_its_end(square, command):
    url, identity = square
    text = "bloke in a crimson coat"
    added = said(
        command, "add", text, "--db", url, "--camera", "lobby", "--hours", "22:00-6:00", "--zone",
        "Europe/Berlin", "--until", "3d", "--by", "kim", "--why", "theft on Monday", "--false-alarms", "2",
    )  # fmt: skip
    assert added["text"] == text and "red" in added["understood"]
    assert (added["state"], added["hours"], added["zone"]) == ("active", "22:00-06:00", "Europe/Berlin")
    assert (added["cameras"], added["false_alarms"], added["standing"]) == (["lobby"], 2.0, None)
    by_id = said(command, "add", "--identity", identity[:SHORTEST], "--db", url, "--name", "Monday's")
    assert (by_id["identity"], by_id["name"], by_id["kind"]) == (identity, "Monday's", "identity")
    listed = command("watch", "list", "--db", url).out.splitlines()
    assert "22:00-06:00 Europe/Berlin" in listed[0] and "nobody has watched yet" in listed[1]
    assert said(command, "pause", "1", "--db", url)["state"] == "paused"
    assert said(command, "resume", "1", "--db", url)["state"] == "active"
    shown = said(command, "show", "1", "--db", url)
    assert (shown["by"], shown["why"], shown["raised"]) == ("kim", "theft on Monday", [])
    assert said(command, "remove", "1", "--db", url)["removed"]
    assert [one["watch"] for one in said(command, "list", "--db", url)["watches"]] == [2]
    assert said(command, "alerts", "--db", url) == {"alerts": []}
    gone = command("watch", "pause", "1", "--db", url)
    assert gone.status == 2 and "There is no watch 1." in gone.err


PAST = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
REFUSED = {
    "nothing": ([], "looks for one thing"),
    "two things": (["red coat", "--identity", "abcd"], "looks for one thing"),
    "empty": (["   "], "is empty"),
    "10,000 words": (["red coat " * 5000], "10,000 words"),
    "Cyrillic": (["мужчина в красной куртке"], "not in English"),
    "German": (["Mann mit roter Jacke und schwarzem Rucksack"], "not to be in English"),
    "markup alone": (["<b></b><script>alert(1)</script>"], "has no words"),
    "nothing of it understood": (["suspicious demeanour"], "is understood"),
    "in the past": (["red coat", "--until", PAST], "expired already"),
    "no time": (["red coat", "--until", "soon"], "is no time"),
    "without a zone": (["red coat", "--until", "2030-01-01T00:00:00"], "has no zone"),
    "too far": (["red coat", "--until", "9999-01-01T00:00:00Z"], "too far away"),
    "no camera": (["red coat", "--camera", "loby"], "no camera 'loby'"),
    "no identity": (["--identity", "ffffffff"], "no identity 'ffffffff'"),
    "no hours": (["red coat", "--hours", "night"], "no hours of the day"),
    "no zone": (["red coat", "--hours", "1-2", "--zone", "Atlantis"], "no time zone 'Atlantis'"),
    "no alarms at all": (["red coat", "--false-alarms", "0"], "above 0"),
    "not a number": (["red coat", "--false-alarms", "nan"], "above 0"),
    "a long name": (["red coat", "--name", "x" * 300], "at most 255"),
}


@pytest.mark.parametrize("words", REFUSED, ids=REFUSED)
def test_what_is_refused_is_told_in_a_sentence_and_changes_nothing(square, command, words):
    arguments, sentence = REFUSED[words]
    done = command("watch", "add", *arguments, "--db", square[0])
    assert done.status == 2 and sentence in done.err, done.err
    assert said(command, "list", "--db", square[0]) == {"watches": []}


def test_a_camera_that_is_nearly_there_is_named(square, command):
    assert "'lobby'" in command("watch", "add", "red coat", "--camera", "loby", "--db", square[0]).err


def test_markup_and_what_nobody_is_searched_by_are_not_kept(square, command):
    text = "<i>black man</i> in a <script>x()</script>red coat"
    kept = said(command, "add", text, "--db", square[0])["text"]
    assert kept == "man in a red coat"


def test_a_picture_that_is_none(square, command, tmp_path):
    for name, data in (("empty.jpg", b""), ("text.png", b"no picture")):
        (tmp_path / name).write_bytes(data)
        done = command("watch", "add", "--image", tmp_path / name, "--db", square[0])
        assert done.status == 1 and name in done.err and "Traceback" not in done.err
    assert command("watch", "add", "--image", tmp_path / "gone.jpg", "--db", square[0]).status == 1


def test_a_watch_can_be_there_before_anybody_is(command, tmp_path):
    url = f"sqlite:///{tmp_path / 'new.db'}"
    assert command("watch", "add", "a red coat", "--db", url).status == 0
    assert len(said(command, "list", "--db", url)["watches"]) == 1
    missing = command("watch", "list", "--db", f"sqlite:///{tmp_path / 'typo.db'}")
    assert missing.status == 2 and "There is no gallery" in missing.err


def test_deliveries_are_listed_and_begun_anew(square, command):
    url, _ = square
    with Gallery.open(url) as gallery:
        watched = Square(gallery)
        watched.watch("a red coat")
        watched.comes("gate", 0, 0)
        watched.looks().catch_up()
        first, second = (one.number for one in watched.alerts())
    with Gallery.open(url) as gallery, gallery.database.write() as session:
        for number, webhook in ((first, "desk"), (first, "guard"), (second, "desk")):
            queue(session, webhook, number, "a" * 16, 1_000_000_000)
        for state in (DeliveryState.GIVEN_UP, DeliveryState.DELIVERED):
            taken = claim(session, "desk", 2_000_000_000, 0)
            error = "It answered 500." if state is DeliveryState.GIVEN_UP else ""
            settle(session, taken, state, 500 if error else 204, error, 0)
    lines = command("watch", "deliveries", "--db", url).out.splitlines()
    first_line = f"delivery 1  given up  alert {first} to desk  1 attempt, last 1970-01-01T00:00:02"
    assert lines[0].startswith(first_line)
    assert lines[0].endswith("It answered 500.") and f"delivered  alert {second} to desk" in lines[2]
    waits = said(command, "deliveries", "--db", url, "--state", "waiting")["deliveries"]
    assert [(one["delivery"], one["webhook"], one["tried"]) for one in waits] == [(2, "guard", None)]
    for words, sentence in (
        ((), "are named, or all"),
        (("1", "--all"), "are named, or all"),
        (("9",), "There is no delivery 9."),
        (("1", "3"), "Delivery 3 is delivered."),
    ):
        done = command("watch", "retry", *words, "--db", url)
        assert done.status == 2 and sentence in done.err
    [begun] = said(command, "retry", "--all", "--db", url)["deliveries"]
    assert (begun["delivery"], begun["state"], begun["attempts"]) == (1, "waiting", 0)
    assert said(command, "retry", "--all", "--db", url) == {"deliveries": []}


@pytest.mark.slow
def test_a_run_raises_the_alerts_of_watches_once(tmp_path, monkeypatch):
    """Whoever is red is found in a run, where it fails before it is written in the next one, and once."""
    videos = write_night(tmp_path)
    embedder = load_embedder(colour_model(tmp_path / "model"), threads=1)
    red = embedder.embed([np.full((60, 30, 3), RED, np.uint8)], Modality.VISIBLE)[0]

    def fails(*_):
        raise KeyError("killed")

    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:

        def run():
            return run_footage(specs(videos), gallery, brightness_detector(), embedder, SETTINGS)

        for like, name in ((red, "red"), (-red, "nobody")):
            asked = {"vector": like, "space": embedder.model_id, "pictured": Modality.VISIBLE}
            new = NewWatch(**asked, looks_at=Modality.VISIBLE, score=0.98, author="kim", name=name)
            with gallery.database.write() as session:
                add_watch(session, new, 1)
        with monkeypatch.context() as patch, pytest.raises(KeyError):
            patch.setattr(Watching, "write", fails)
            run()
        found = [run(), run()]
        told = Outbox(gallery.database).after(0, {ALERT_RAISED}, 99)
    assert [len(each.alerts) for each in found] == [2, 0]
    assert {(one.name, one.camera) for one in found[0].alerts} == {("red", "gate"), ("red", "yard")}
    assert [one.payload["alert"] for one in told] == [one.number for one in found[0].alerts]
    assert [one["name"] for one in to_json(found[0])["alerts"]] == ["red", "red"]
