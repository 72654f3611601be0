import csv
import getpass
import json
import shutil

import pytest
from pydantic import ValidationError
from sqlalchemy import create_engine, text

from console.api.settings import ServeSettings
from console.serve import keep_policy_of
from reid_core.audit.checkpoints import CheckpointFile
from reid_core.audit.event import AuditEvent
from reid_core.audit.keys import audit_key
from reid_core.audit.policy import UsePolicy, keep_policy
from reid_core.audit.trail import Trail
from reid_core.gallery import Gallery
from reid_core.gallery.database import Database
from tests.reid_core.test_watching import Square
from tests.support.tampering import tamper

ME = f"local:{getpass.getuser()}"


@pytest.fixture
def square(tmp_path):
    """A gallery with two people in it; closed, so that commands have it to themselves."""
    url = f"sqlite:///{tmp_path / 'square.db'}"
    with Gallery.open(url) as gallery:
        square = Square(gallery)
        square.comes("lobby", 0)
        square.comes("lobby", 5)
        return url, [one.id for one in gallery.identities()]


def policy(url, **asked):
    database = Database(url)
    with database.write() as session:
        assert keep_policy(session, UsePolicy(**asked))
    database.close()


def log(url):
    engine = create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT actor, action, subject FROM audit_log ORDER BY number")).all()
    engine.dispose()
    assert all(actor == ME for actor, *_ in rows)
    return [(action, json.loads(subject)) for _, action, subject in rows]


def test_what_commands_do_is_logged(command, square):
    url, (one, other) = square
    db = ("--db", url)
    assert command("watch", "add", "--identity", one, "--score", "0.9", "--why", "theft", *db).status == 0
    assert command("watch", "pause", "1", *db).status == 0
    assert command("watch", "alerts", *db).status == 0
    assert command("watch", "remove", "1", *db, "--purpose", "over").status == 0
    assert command("identity", "show", one, *db).status == 0
    assert command("identity", "merge", one, other, "--anyway", "--why", "one man", *db).status == 0
    assert command("identity", "undo", *db).status == 0
    found = log(url)
    assert [action for action, _ in found] == [
        "watch.add",
        "watch.pause",
        "view",
        "watch.remove",
        "view",
        "identity.merge",
        "correction.undo",
    ]
    assert found[0][1] == {"identities": [one], "watches": [1]}
    assert found[4][1]["identities"] == [one] and len(found[4][1]["tracklets"]) == 1
    assert found[5][1]["identities"] == sorted([one, other]) and found[5][1]["corrections"] == [1]
    rows = [json.loads(line) for line in command("audit", "export", *db).out.splitlines()]
    assert [row["purpose"] for row in rows] == ["theft", None, None, "over", None, "one man", None, None]
    assert rows[5]["details"] == {"author": getpass.getuser(), "reason": "one man"}
    assert rows[7]["action"] == "audit.export", "that it was exported is in it"
    assert command("audit", "verify", *db).out.splitlines()[-1].startswith("audit log whole: 8 rows")


def test_a_command_that_fails_leaves_no_row(command, square):
    url, (one, _) = square
    assert command("watch", "remove", "9", "--db", url).status == 2
    assert command("identity", "merge", one, one, "--db", url).status == 2
    assert log(url) == []


def test_the_policy_asks_for_a_purpose_and_a_case(command, square, monkeypatch):
    url, (one, _) = square
    policy(url, purpose=("watch.add", "view"), case=("watch",))
    add = ("watch", "add", "--identity", one, "--score", "0.9", "--db", url)
    assert "purpose" in command(*add).error("purpose-needed")
    assert "case" in command(*add, "--purpose", "theft").error("purpose-needed")
    assert log(url) == [] and command("watch", "list", "--db", url).out == ""
    assert command(*add, "--purpose", "theft", "--case", "K-1").status == 0
    assert command("identity", "show", one, "--db", url).error("purpose-needed")
    monkeypatch.setenv("NIGHTREID_PURPOSE", "theft")
    assert command("identity", "show", one, "--db", url).status == 0
    assert [action for action, _ in log(url)] == ["watch.add", "view"]


def test_what_the_console_asks_for_the_command_line_asks_for_too(command, square):
    url, (one, _) = square
    asked = ServeSettings(policy=UsePolicy(purpose=("view",)))
    with Gallery.open(url) as gallery:
        keep_policy_of(asked, gallery)
        keep_policy_of(asked, gallery)
    assert command("identity", "show", one, "--db", url).error("purpose-needed")
    nothing = {"case": [], "two_persons": []}
    assert log(url) == [("policy.change", {"purpose": ["view"], **nothing})], "once, not at every start"


def test_a_command_does_nothing_that_two_people_have_to_agree_on(command, square):
    url, (one, other) = square
    db = ("--db", url)
    policy(url, two_persons=("erase", "watch", "identity.merge"))
    assert command("erase", "--identity", one, "--yes", *db).error("second-person")
    assert command("identity", "merge", one, other, "--anyway", "--why", "one man", *db).error(
        "second-person"
    )
    watch = ("watch", "add", "--identity", one, "--score", "0.9", "--why", "theft", *db)
    refused = command(*watch)
    assert refused.error("second-person") and "nightreid serve" in refused.err
    with Gallery.open(url) as gallery:
        assert [one.id for one in gallery.identities()] == [one, other]
    policy(url, two_persons=("erase",))
    assert command(*watch).status == 0 and command("watch", "pause", "1", *db).status == 0
    assert [action for action, _ in log(url)] == ["watch.add", "watch.pause"]


@pytest.mark.parametrize("wrong", ["erases", "search", "watch.ad", ""])
def test_a_policy_asks_for_two_people_where_somebody_can_propose(wrong):
    with pytest.raises(ValidationError, match=f"nobody can propose '{wrong}'"):
        ServeSettings.model_validate({"policy": {"two_persons": [wrong]}})
    known = ["erase", "link", "link.reject", "identity.split", "tracklet.move", "watch.add"]
    assert ServeSettings.model_validate({"policy": {"two_persons": known}})


def test_nothing_is_exported_without_the_purpose_that_is_asked_for(command, square, tmp_path):
    url, (one, _) = square
    policy(url, purpose=("export",))
    folder = tmp_path / "crops"
    asked = ("identity", "show", one, "--crops", folder, "--db", url)
    assert command(*asked).error("purpose-needed")
    assert not list(folder.glob("*"))
    assert command(*asked, "--purpose", "for court").status == 0
    assert [action for action, _ in log(url)] == ["export"]


def test_tampering_is_told_and_the_status_says_so(command, square, tmp_path):
    url, (one, other) = square
    for who in (one, other, one, other):
        assert command("identity", "show", who, "--db", url).status == 0
    tamper(url, "UPDATE audit_log SET actor = 'local:nobody' WHERE number = 2")
    done = command("audit", "verify", "--db", url)
    assert done.status == 1 and "edited: Row 2 was edited." in done.out.splitlines()
    said = json.loads(command("audit", "verify", "--db", url, "--json").out)
    assert (said["whole"], said["findings"][0]["wrong"]) == (False, "edited")


def test_each_command_that_writes_notes_where_the_log_ends(command, square, tmp_path, quick_passwords):
    url, (one, other) = square
    password = tmp_path / "password"
    password.write_text("correct horse battery")
    noted = CheckpointFile(tmp_path / "square.db.audit-checkpoints")
    before = 0
    for words in (
        ("watch", "add", "--identity", one, "--score", "0.9", "--why", "theft"),
        ("watch", "pause", "1"),
        ("watch", "remove", "1"),
        ("identity", "merge", one, other, "--anyway", "--why", "one man"),
        ("identity", "undo"),
        ("hold", "add", "--identity", one, "--why", "a court asked"),
        ("hold", "lift", "1"),
        ("user", "add", "vera", "--role", "viewer", "--password-file", password),
        ("user", "role", "vera", "reviewer"),
        ("retention", "enforce", "--set", "retention.days.crops=9"),
        ("erase", "--identity", other, "--yes", "--quick"),
    ):
        done = command(*words, "--db", url)
        assert done.status == 0, (words, done.err)
        count = len(log(url))
        assert count > before, words
        assert noted.read()[-1].number == count, words
        before = count
    # What was not done is not noted: the checkpoint would tell of a row that is not there.
    assert command("identity", "merge", one, one, "--why", "a slip", "--db", url).status == 2
    assert command("audit", "verify", "--db", url).status == 0


def test_a_cut_tail_shows_by_the_checkpoints_that_commands_write(command, square, tmp_path):
    url, (one, other) = square
    backup = tmp_path / "backup.db"
    assert command("identity", "show", one, "--db", url).status == 0
    shutil.copy(tmp_path / "square.db", backup)
    for who in (one, other):
        assert command("identity", "show", who, "--db", url).status == 0
    shutil.copy(backup, tmp_path / "square.db")
    done = command("audit", "verify", "--db", url)
    assert done.status == 1 and "cut off: Rows 2 to 3 were cut off" in done.out
    assert command("audit", "reseal", "--db", url).error("usage")
    done = command("audit", "reseal", "--db", url, "--purpose", "the disk broke")
    assert done.out == "row 2 says that rows 2 to 3 of before are lost\n"
    done = command("audit", "verify", "--db", url)
    assert done.status == 0 and "rows 2 to 3 of before are lost" in done.out
    assert command("audit", "reseal", "--db", url, "--purpose", "again").error("audit")


def test_an_export_is_of_a_stretch_of_time_in_either_form(command, square, tmp_path):
    url, _ = square
    database = Database(url)

    for hour in (1, 2, 3):
        trail = Trail(
            database, audit_key(database, environment={}), clock=lambda at=hour: at * 3_600_000_000_000
        )
        trail.append(AuditEvent("search", "user:x", "=1+1", None, {}, {"text": f"at {hour}"}))
    database.close()
    out = tmp_path / "log.csv"
    span = ("--from", "1970-01-01T02:00Z", "--to", "1970-01-01T03:00Z")
    assert command("audit", "export", "--db", url, *span, "--format", "csv", "--out", out).status == 0
    with out.open(newline="") as opened:
        [row] = csv.DictReader(opened)
    assert (row["number"], row["time"]) == ("2", "1970-01-01T02:00:00.000000000Z")
    assert row["purpose"] == "'=1+1", "no spreadsheet takes it for a formula"
    assert json.loads(row["details"]) == {"text": "at 2"}
    lines = command("audit", "export", "--db", url, *span).out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [2]


def test_a_server_without_a_key_is_told_how_to_give_one(command, postgres):
    Gallery.open(postgres).close()
    said = command("identity", "show", "--db", postgres)
    assert "needs a key" in said.error("audit-key") and "NIGHTREID_AUDIT_KEY" in said.err
