import json
import os
from dataclasses import replace

import pytest

from reid_core.audit.checkpoints import CheckpointFile
from reid_core.audit.errors import AuditError, AuditKeyError
from reid_core.audit.event import DETAILS, PURPOSE, AuditEvent
from reid_core.audit.reading import AuditFilter, entries_before, entries_in_order, numbers_about
from reid_core.audit.trail import Trail
from reid_core.audit.verifying import verify
from reid_core.errors import StorageError
from reid_core.gallery.database import Database
from tests.support.tampering import tamper

KEY = bytes(range(32))
COLUMNS = "time_ns, action, actor, subject, purpose_digest, details_digest"
FORGED = f"SELECT {{0}}, {COLUMNS}, previous, '{'f' * 64}' FROM audit_log WHERE number = 3"
# All numbers behind one moved by one, past the primary key.
BACK = "; UPDATE audit_log SET number = -number WHERE number < 0"
UP = "UPDATE audit_log SET number = -number - 1 WHERE number >= {0}" + BACK
DOWN = "UPDATE audit_log SET number = 1 - number WHERE number > {0}" + BACK
COPY = f"INSERT INTO audit_log SELECT {{0}}, {COLUMNS}, previous, hash FROM audit_log WHERE number = 3"
SOME = "UPDATE audit_log SET subject = '{}' WHERE number IN (4, 5, 9)"


def event(turn, action="search"):
    return AuditEvent(
        action,
        f"user:{turn % 3}",
        "why",
        f"K-{turn}",
        {"identities": [f"id-{turn}"]},
        {"text": f"words {turn}"},
    )


class Log:
    def __init__(self, url):
        self.url = url
        self.database = Database(url)
        self.trail = Trail(self.database, KEY, clock=lambda: 1_000)

    def fill(self, first, last):
        for turn in range(first, last + 1):
            self.trail.append(event(turn))

    def tamper(self, *statements):
        tamper(self.url, *(one for several in statements for one in several.split("; ")))

    def verify(self, *checkpoints):
        return verify(self.database, KEY, checkpoints)

    def found(self, *checkpoints):
        return [(str(one.wrong), one.first, one.last) for one in self.verify(*checkpoints).findings]


@pytest.fixture
def log(books):
    log = Log(books)
    log.fill(1, 10)
    yield log
    log.database.close()


def test_a_whole_log_is_whole(log):
    result = log.verify(log.trail.checkpoint())
    assert (result.whole, result.rows, result.last, result.checkpoints) == (True, 10, 10, 1)
    assert result.hash == log.trail.checkpoint().hash


def test_an_empty_one_too(sqlite_gallery):
    database = Database(sqlite_gallery)
    assert Trail(database, KEY).checkpoint() is None
    assert verify(database, KEY).whole
    database.close()


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit_log SET actor = 'nobody' WHERE number = 4"], [("edited", 4, 4)]),
        (["UPDATE audit_log SET time_ns = 5, hash = 'made up' WHERE number = 4"], [("edited", 4, 4)]),
        ([SOME], [("edited", 4, 5), ("edited", 9, 9)]),
        (["UPDATE audit_log SET actor = 'nobody' WHERE number = 10"], [("edited", 10, 10)]),
        (["UPDATE audit_log SET actor = 'nobody' WHERE number = 1"], [("edited", 1, 1)]),
        (["DELETE FROM audit_log WHERE number = 4"], [("removed", 4, 4)]),
        (["DELETE FROM audit_log WHERE number <= 2"], [("removed", 1, 2)]),
        (["DELETE FROM audit_log WHERE number = 4", DOWN.format(4)], [("removed", 4, 4)]),
        (
            ["DELETE FROM audit_log WHERE number = 4", DOWN.format(4), "UPDATE audit_head SET number = 9"],
            [("removed", 4, 4)],
        ),
        ([f"INSERT INTO audit_log {FORGED.format(11)}"], [("inserted", 11, 11)]),
        ([UP.format(4), f"INSERT INTO audit_log {FORGED.format(4)}"], [("inserted", 4, 4)]),
        (
            [UP.format(4), f"INSERT INTO audit_log {FORGED.format(4)}", "UPDATE audit_head SET number = 11"],
            [("inserted", 4, 4)],
        ),
        # Copies of rows that are whole in themselves.
        ([UP.format(7), COPY.format(7)], [("inserted", 7, 7)]),
        (
            [
                f"INSERT INTO audit_log {FORGED.format(11)}",
                f"UPDATE audit_head SET number = 11, hash = '{'f' * 64}'",
            ],
            [("edited", 11, 11)],
        ),
        (["DELETE FROM audit_log WHERE number > 7"], [("cut off", 8, 10)]),
        (["UPDATE audit_head SET hash = 'made up'"], [("head", 10, 10)]),
        (["DELETE FROM audit_log WHERE number = 4", "UPDATE audit_log SET actor = 'x' WHERE number = 8"],
         [("removed", 4, 4), ("edited", 8, 8)]),
    ],
)  # fmt: skip
def test_what_was_done_to_rows_is_found_and_named(log, statements, found):
    # What is beside the rows is looked at elsewhere.
    log.tamper("DELETE FROM audit_parts")
    log.tamper(*statements)
    assert [one for one in log.found() if one[0] != "detail"] == found


def test_a_tail_that_was_cut_off_with_the_head_shows_by_a_checkpoint(log):
    noted = log.trail.checkpoint()
    cut = (
        "DELETE FROM audit_parts WHERE number > 7; DELETE FROM audit_log WHERE number > 7; "
        "UPDATE audit_head SET number = 7, hash = (SELECT hash FROM audit_log WHERE number = 7)"
    )
    log.tamper(cut)
    assert log.found() == [], "nothing in the database tells"
    assert log.found(noted) == [("cut off", 8, 10)]
    log.fill(11, 14)
    assert log.found(noted) == [("replaced", 10, 10)], "nor do rows written since hide it"


def test_a_log_that_was_begun_anew_shows_by_a_checkpoint(log):
    noted = log.trail.checkpoint()
    log.tamper("DELETE FROM audit_parts; DELETE FROM audit_log; DELETE FROM audit_head")
    assert log.found(noted) == [("checkpoint", None, None)]
    log.fill(1, 12)
    assert log.found() == []
    assert log.found(noted) == [("checkpoint", None, None)]


def test_a_checkpoint_that_was_made_up_is_found(log):
    noted = log.trail.checkpoint()
    assert log.found(noted, replace(noted, number=9)) == [("checkpoint", None, None)]
    other = Trail(log.database, KEY, clock=lambda: 5).checkpoint()
    assert log.found(other) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        # Two rows' details exchanged; edited; taken away; put where there were none.
        (
            "UPDATE audit_parts SET number = -5 WHERE number = 5 AND part = 'details'; "
            "UPDATE audit_parts SET number = 5 WHERE number = 6 AND part = 'details'; "
            "UPDATE audit_parts SET number = 6 WHERE number = -5",
            [("detail", 5, 5), ("detail", 6, 6)],
        ),
        ("UPDATE audit_parts SET content = '{}' WHERE number = 5 AND part = 'purpose'", [("detail", 5, 5)]),
        ("DELETE FROM audit_parts WHERE number IN (5, 6) AND part = 'details'", [("detail", 5, 6)]),
        (
            "INSERT INTO audit_parts SELECT number, 'surplus', salt, content FROM audit_parts"
            " WHERE number = 5 AND part = 'details'",
            [("detail", 5, 5)],
        ),
        (
            "INSERT INTO audit_parts SELECT 99, part, salt, content FROM audit_parts"
            " WHERE number = 5 AND part = 'details'",
            [("detail", 99, 99)],
        ),
    ],
)
def test_what_was_done_to_details_is_found(log, statement, found):
    log.tamper(statement)
    assert log.found() == found


def test_forgetting_somebody_leaves_the_chain_whole(log):
    assert log.trail.forget([2, 3, 4, 77], AuditEvent("erase", "user:dpo", "article 17")) == 11
    entries = {one.number: one for one in entries_in_order(log.database, AuditFilter())}
    assert entries[3].details == {} and entries[3].forgotten == (DETAILS,)
    assert entries[3].purpose == "why" and entries[3].subject == {"identities": ["id-3"]}
    assert entries[5].details == {"text": "words 5"} and entries[5].forgotten == ()
    assert entries[11].action == "audit.forget"
    assert entries[11].subject == {"forgotten": [["details", [[2, 4]]]]}
    result = log.verify(log.trail.checkpoint())
    assert result.whole and result.forgotten == 3
    assert log.trail.forget([2, 3], AuditEvent("erase", "user:dpo")) is None, "there is nothing left"
    log.trail.forget([2], AuditEvent("erase", "user:dpo"), parts=(DETAILS, PURPOSE))
    assert log.verify().whole and log.verify().forgotten == 4


def test_what_was_forgotten_is_in_no_row(log):
    log.trail.forget([7], AuditEvent("erase", "user:dpo"))
    with log.database.read() as session:
        connection = session.connection()
        for table in ("audit_log", "audit_parts"):
            assert "words 7" not in str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())


def test_another_key_checks_nothing(log):
    with pytest.raises(AuditKeyError, match="another key"):
        verify(log.database, bytes(32))
    with pytest.raises(AuditKeyError, match="another key"):
        Trail(log.database, bytes(32)).checkpoint()


def restore(log):
    """As a backup from after row 7 has it."""
    log.tamper(
        "DELETE FROM audit_parts WHERE number > 7; DELETE FROM audit_log WHERE number > 7; "
        "UPDATE audit_head SET number = 7, hash = (SELECT hash FROM audit_log WHERE number = 7), era = 0"
    )


def test_a_restored_log_goes_on_once_it_is_said_what_is_lost(log):
    noted = log.trail.checkpoint()
    restore(log)
    assert log.trail.reseal(noted, AuditEvent("x", "local:op", "the disk broke")) == 8
    log.fill(11, 14)
    result = log.verify(noted, log.trail.checkpoint())
    assert result.whole and len(result.notices) == 1 and "8 to 10" in result.notices[0]
    # What was written after the restoring is guarded again.
    later = log.trail.checkpoint()
    restore(log)
    assert log.found(noted, later) == [("cut off", 8, 12)]
    log.trail.reseal(later, AuditEvent("x", "local:op", "again"))
    assert log.found(noted, later) == []
    assert log.trail.checkpoint().era == 2


def test_there_must_be_something_to_reseal(log):
    noted = log.trail.checkpoint()
    with pytest.raises(AuditError, match="No row is missing"):
        log.trail.reseal(noted, AuditEvent("x", "local:op"))
    with pytest.raises(AuditError, match="not of this log"):
        log.trail.reseal(replace(noted, number=99), AuditEvent("x", "local:op"))


def test_checkpoints_are_kept_in_a_file(log, tmp_path):
    file = CheckpointFile(tmp_path / "elsewhere")
    assert file.read() == ()
    first = log.trail.checkpoint()
    file.append(first)
    log.fill(11, 11)
    second = log.trail.checkpoint()
    file.append(second)
    assert file.read() == (first, second) and second.number == 11
    with file.path.open("ab") as opened:
        opened.write(b'{"cut sho')
    assert file.read() == (first, second)
    # Whoever writes next goes on behind it, and the log is checked against all of them.
    log.fill(12, 12)
    third = log.trail.checkpoint()
    file.append(third)
    assert file.read() == (first, second, third)
    assert log.found(*file.read()) == []
    with file.path.open("ab") as opened:
        opened.write(b'{"cut": "short"}\n')
    with pytest.raises(AuditError, match="Line 5"):
        file.read()


def test_a_checkpoint_that_the_disk_does_not_take_whole_is_told(log, tmp_path, monkeypatch):
    file, write = CheckpointFile(tmp_path / "elsewhere"), os.write
    monkeypatch.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:20]))
    with pytest.raises(StorageError):
        file.append(log.trail.checkpoint())
    monkeypatch.undo()
    file.append(log.trail.checkpoint())
    assert len(file.read()) == 1


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        (AuditFilter(actor="user:1"), [1, 4, 7, 10]),
        (AuditFilter(subject="id-1"), [1]),
        (AuditFilter(case="K-1"), [1]),
        (AuditFilter(action="view"), [11, 12]),
        (AuditFilter(since_ns=50, until_ns=60), [11]),
        (AuditFilter(subject="7"), [12]),
        (AuditFilter(subject="17"), []),
    ],
)
def test_rows_are_found_by_what_is_asked(log, where, numbers):
    Trail(log.database, KEY, clock=lambda: 50).append(AuditEvent("view", "user:z"))
    log.trail.append(AuditEvent("view.crop", "user:z", subject={"watches": [7, 8]}))
    assert [one.number for one in entries_in_order(log.database, where)] == numbers
    with log.database.read() as session:
        assert [one.number for one in entries_before(session, where, None, 2)] == numbers[::-1][:2]


def test_rows_come_in_pages_newest_first(log):
    with log.database.read() as session:
        first = entries_before(session, AuditFilter(), None, 4)
        assert [one.number for one in first] == [10, 9, 8, 7]
        assert [one.number for one in entries_before(session, AuditFilter(), 7, 100)] == [6, 5, 4, 3, 2, 1]
    assert json.loads(json.dumps(first[0].details)) == {"text": "words 10"}


def test_rows_about_somebody_are_found_until_they_are_forgotten(log):
    with log.database.read() as session:
        assert numbers_about(session, ["id-3", "id-4", "id-99"]) == [3, 4]
    log.trail.forget([3], AuditEvent("erase", "user:dpo"), parts=(DETAILS, PURPOSE))
    with log.database.read() as session:
        assert numbers_about(session, ["id-3", "id-4"]) == [4]
