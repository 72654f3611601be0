import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from reid_core.audit.errors import AuditKeyError
from reid_core.audit.event import AuditEvent
from reid_core.audit.keys import KEY_VARIABLE, audit_key
from reid_core.audit.sealing import Sealed, commitment, row_hash
from reid_core.audit.trail import Trail
from reid_core.errors import UsageError
from reid_core.gallery.database import Database

KEY = bytes(range(32))
SEARCH = AuditEvent(
    "search",
    "local:anna",
    purpose="missing child",
    case="K-17",
    subject={"cameras": ["gate"]},
    details={"text": "a boy in a red coat"},
)


@pytest.fixture
def database(books):
    database = Database(books)
    yield database
    database.close()


def rows(database, table="audit_log"):
    with database.read() as session:
        return [dict(row) for row in session.execute(text(f"SELECT * FROM {table}")).mappings()]


def sealed(row):
    return Sealed(**{name: row[name] for name in Sealed.__slots__})


def test_rows_are_counted_and_each_is_sealed_onto_the_one_before(database):
    trail = Trail(database, KEY, clock=lambda: 7)
    assert [trail.append(SEARCH), trail.append(AuditEvent("view", "user:ben"))] == [1, 2]
    first, second = rows(database)
    [head] = rows(database, "audit_head")
    assert first["previous"] == head["chain"] and second["previous"] == first["hash"]
    assert [row["hash"] for row in (first, second)] == [row_hash(KEY, sealed(row)) for row in (first, second)]
    assert (head["number"], head["hash"]) == (2, second["hash"])
    assert (first["time_ns"], first["action"], first["actor"]) == (7, "search", "local:anna")
    assert json.loads(first["subject"]) == {"cameras": ["gate"]}


def test_what_is_personal_stands_beside_the_chain_behind_salted_digests(database):
    Trail(database, KEY).append(SEARCH)
    [row] = rows(database)
    assert not any("red coat" in str(value) or "child" in str(value) for value in row.values())
    parts = {part["part"]: part for part in rows(database, "audit_parts")}
    assert json.loads(parts["details"]["content"]) == {"text": "a boy in a red coat"}
    assert json.loads(parts["purpose"]["content"]) == {"purpose": "missing child", "case": "K-17"}
    for name, part in parts.items():
        assert row[f"{name}_digest"] == commitment(bytes(part["salt"]), part["content"])
    assert parts["details"]["salt"] != parts["purpose"]["salt"]


def test_it_comes_and_goes_with_its_callers_transaction(database):
    trail = Trail(database, KEY)
    with pytest.raises(ZeroDivisionError), database.write() as session:
        assert trail.append(SEARCH, session) == 1
        _ = 1 / 0
    assert rows(database) == []
    with database.write() as session:
        assert [trail.append(SEARCH, session), trail.append(SEARCH, session)] == [1, 2]
    assert len(rows(database)) == 2


def test_a_log_is_not_gone_on_with_another_key(database):
    Trail(database, KEY).append(SEARCH)
    with pytest.raises(AuditKeyError, match="another key"):
        Trail(database, bytes(32)).append(SEARCH)
    assert len(rows(database)) == 1


def test_what_is_no_json_is_refused_and_nothing_is_written(database):
    with pytest.raises(UsageError, match="no JSON"):
        Trail(database, KEY).append(AuditEvent("view", "user:ben", details={"crop": b"x"}))
    assert rows(database) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody' WHERE number = 1",
        "DELETE FROM audit_log WHERE number = 2",
        "UPDATE audit_parts SET content = '{}'",
        "DELETE FROM audit_head",
        "INSERT INTO audit_log SELECT 9, time_ns, action, actor, subject, purpose_digest, details_digest,"
        " previous, hash FROM audit_log WHERE number = 2",
    ],
)
def test_the_database_refuses_what_is_no_appending(database, books, statement):
    trail = Trail(database, KEY)
    trail.append(SEARCH)
    trail.append(AuditEvent("view", "user:ben"))
    before = rows(database), rows(database, "audit_parts"), rows(database, "audit_head")
    engine = create_engine(books)
    with pytest.raises(DBAPIError, match="only appended to"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert (rows(database), rows(database, "audit_parts"), rows(database, "audit_head")) == before


WRITER = """
import sys
from reid_core.audit.event import AuditEvent
from reid_core.audit.trail import Trail
from reid_core.gallery.database import Database

database = Database(sys.argv[1])
trail = Trail(database, bytes(range(32)))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(20):
    event = AuditEvent("search", f"user:{sys.argv[2]}", details={"turn": turn})
    if turn % 2:
        trail.append(event)
    else:
        with database.write() as session:
            trail.append(event, session)
"""


@pytest.mark.slow
def test_processes_that_write_at_once_make_one_chain(database, books):
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, books, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for name in "abc"
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.close()
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.stdout.close()
    found = sorted(rows(database), key=lambda row: row["number"])
    assert [row["number"] for row in found] == list(range(1, 61))
    assert [row["previous"] for row in found[1:]] == [row["hash"] for row in found[:-1]]
    assert all(row["hash"] == row_hash(KEY, sealed(row)) for row in found)
    assert [sum(row["actor"] == f"user:{name}" for row in found) for name in "abc"] == [20, 20, 20]
    assert len({row["actor"] for row in found[:30]}) > 1, "they took turns"


def test_the_key_is_made_once_beside_the_gallery_and_closed_to_others(sqlite_gallery, caplog):
    database = Database(sqlite_gallery)
    key = audit_key(database, environment={})
    file = database.file.with_name("x.db.audit-key")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert audit_key(database, environment={}) == key == bytes.fromhex(file.read_text())
    assert len(key) == 32 and key.hex() not in caplog.text
    assert [one.name for one in file.parent.iterdir() if "audit-key" in one.name] == ["x.db.audit-key"]
    file.chmod(0o644)
    with pytest.raises(AuditKeyError, match="chmod 600"):
        audit_key(database, environment={})
    database.close()


@pytest.mark.parametrize(
    ("given", "wrong"), [("no key at all", "neither"), ("abcd", "shorter"), ("QUJD", "shorter")]
)
def test_what_is_no_key_is_refused_and_not_shown(sqlite_gallery, given, wrong):
    database = Database(sqlite_gallery)
    with pytest.raises(AuditKeyError, match=wrong) as raised:
        audit_key(database, environment={KEY_VARIABLE: given})
    assert given not in str(raised.value)
    database.close()


def test_the_environments_key_comes_first(sqlite_gallery, tmp_path):
    database = Database(sqlite_gallery)
    named = tmp_path / "elsewhere"
    named.write_text(f"{KEY[::-1].hex()}\n")
    named.chmod(0o600)
    assert audit_key(database, named, {KEY_VARIABLE: KEY.hex()}) == KEY
    assert audit_key(database, named, {}) == KEY[::-1]
    assert audit_key(database, None, {"NIGHTREID_AUDIT_KEY_FILE": str(named)}) == KEY[::-1]
    assert not database.file.with_name("x.db.audit-key").exists()
    database.close()


def test_a_server_needs_a_key_that_is_named(postgres_gallery):
    database = Database(postgres_gallery)
    with pytest.raises(AuditKeyError, match="no folder"):
        audit_key(database, environment={})
    database.close()
