"""`nightreid user` and `nightreid token`: the first administrator, and what is done about the others."""

import json

import pytest

from reid_core.access.errors import SignInFailedError
from reid_core.access.sessions import SessionLimits, open_session, session_of
from reid_core.access.tokens import token_of
from reid_core.access.users import authenticate, find_user, the_user
from reid_core.access.vouched import user_vouched_for
from reid_core.audit.reading import AuditFilter, entries_in_order
from reid_core.gallery.database import Database

pytestmark = pytest.mark.usefixtures("quick_passwords")
PASSWORD = "correct horse battery"


@pytest.fixture
def at(tmp_path, command):
    """``at("user", "list") -> Outcome`` over one gallery."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    return lambda *words: command(*words, "--db", f"sqlite:///{tmp_path / 'x.db'}")


@pytest.fixture
def added(at, tmp_path):
    """``added("ada", "viewer")``: a user."""

    def add(name, role, *options):
        return at("user", "add", name, "--role", role, "--password-file", tmp_path / "password", *options)

    return add


@pytest.fixture
def database(tmp_path):
    opened = Database(f"sqlite:///{tmp_path / 'x.db'}")
    yield opened
    opened.close()


def test_the_first_administrator_is_added_here(at, added, database):
    done = added("Root", "admin")
    assert (done.status, done.out) == (0, "root  admin  sees everything\n")
    assert authenticate(database, "root", PASSWORD).role == "admin"
    added("ines", "investigator", "--camera", "gate", "--camera", "yard", "--from", "2026-11-20T18:00Z")
    listed = json.loads(at("user", "list", "--json").out)["users"]
    assert [(one["name"], one["cameras"], one["since"]) for one in listed] == [
        ("ines", ["gate", "yard"], "2026-11-20T18:00:00+00:00"),
        ("root", None, None),
    ]


def test_a_user_is_changed_and_every_change_is_logged(at, added, database, tmp_path):
    added("ada", "viewer")
    with database.write() as session:
        secret, _ = open_session(session, the_user(session, "ada"), 0, SessionLimits())
    assert at("user", "role", "ada", "reviewer").out == "ada  reviewer  sees everything\n"
    assert session_of(database, secret, 1, SessionLimits()).user.role == "reviewer"
    assert "cameras gate" in at("user", "scope", "ada", "--camera", "gate").out
    (tmp_path / "password").write_text("another long one\n")
    assert at("user", "password", "ada", "--password-file", tmp_path / "password").status == 0
    assert authenticate(database, "ada", "another long one").name == "ada"
    assert session_of(database, secret, 1, SessionLimits()) is None
    assert at("user", "disable", "ada").out.rstrip().endswith("disabled")
    assert at("user", "enable", "ada").status == 0
    rows = list(entries_in_order(database, AuditFilter()))
    assert [one.action for one in rows] == ["user.add", *["user.change"] * 5]
    assert all(one.actor.startswith("local:") for one in rows)
    assert "another long one" not in repr(rows)


def test_a_token_is_printed_once_and_revoked(at, added, database):
    added("ada", "investigator")
    done = at("token", "add", "cron", "--user", "ada", "--role", "viewer", "--camera", "gate")
    secret = done.out.strip()
    assert secret.startswith("nightreid_"), "standard output holds nothing else"
    found = token_of(database, secret, 1)
    assert (found.role, found.scope.cameras) == ("viewer", {"gate"})
    listed = at("token", "list", "--json").out
    assert secret not in listed
    (one,) = json.loads(listed)["tokens"]
    assert at("token", "revoke", one["id"][:8]).out.startswith("revoked: ")
    assert token_of(database, secret, 1) is None
    assert at("token", "revoke", one["id"]).error("usage").startswith("There is no token")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("user", "role", "adda", "viewer"), "There is no user 'adda'."),
        (("user", "scope", "ada", "--from", "18:00Z", "--to", "19:00Z"), "times with a date"),
        (("user", "password", "ada"), "Nobody is here to type a password."),
        (("user", "password", "ada", "--password-file", "nowhere"), "cannot be read"),
        (("token", "add", "a b", "--user", "ada"), "cannot be a name"),
        (("token", "add", "old", "--user", "ada", "--expires", "2020-01-01T00:00Z"), "ended already"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(at, added, words, said):
    added("ada", "viewer")
    assert said in at(*words).error("usage")


def test_a_user_is_linked_to_whoever_signs_in_elsewhere(at, added, database, monkeypatch):
    added("ines", "viewer")
    unset = at("user", "link", "ines", "4711")
    assert unset.status == 2
    assert "oidc.issuer" in unset.err
    oidc = {"ISSUER": "https://id.example", "ADDRESS": "https://console.example", "CLIENT_ID": "x"}
    for name, value in oidc.items():
        monkeypatch.setenv(f"NIGHTREID_OIDC__{name}", value)
    assert at("user", "link", "ines", "4711").out == "ines  viewer  sees everything\n"
    assert at("user", "link", "bob", "4711", "--add-as", "reviewer").status == 2, "the subject is taken"
    assert at("user", "link", "bob", "4712", "--add-as", "reviewer").status == 0
    with database.read() as session:
        assert user_vouched_for(session, "https://id.example", "4711").name == "ines"
        assert user_vouched_for(session, "https://id.example", "4712").role == "reviewer"
        assert find_user(session, "bob").issuer == "https://id.example"
    with pytest.raises(SignInFailedError):
        authenticate(database, "ines", PASSWORD)
    last = list(entries_in_order(database, AuditFilter()))[-2:]
    assert [(one.action, one.details["subject"]) for one in last] == [
        ("user.change", "4711"),
        ("user.add", "4712"),
    ]
