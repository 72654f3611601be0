"""Who may do what and see which sightings: scopes, users, sessions and tokens, on both databases."""

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from reid_core.access import EVERYTHING, PERMISSIONS, Permission, Role, Scope
from reid_core.access.errors import SignInFailedError
from reid_core.access.passwords import hashed, is_outdated
from reid_core.access.sessions import (
    SessionLimits,
    end_session,
    forgery_token,
    open_session,
    session_of,
    sessions,
)
from reid_core.access.tokens import add_token, revoke_token, token_of, tokens
from reid_core.access.users import add_user, authenticate, change_user, users
from reid_core.errors import UsageError
from reid_core.gallery import SearchFilter
from reid_core.gallery.access_rows import ApiTokenRow, UserRow, UserSessionRow
from reid_core.gallery.database import Database

pytestmark = pytest.mark.usefixtures("quick_passwords")
PASSWORD = "correct horse battery"
MINUTE = 60 * 1_000_000_000
LIMITS = SessionLimits(idle_ns=30 * MINUTE, most_ns=120 * MINUTE)
CAMERAS = st.none() | st.frozensets(st.sampled_from("abc"))
TIMES = st.none() | st.integers(0, 4)
SCOPES = st.builds(Scope, CAMERAS, TIMES, TIMES)


@pytest.fixture
def database(books):
    opened = Database(books)
    yield opened
    opened.close()


def added(database, name="ada", role=Role.VIEWER, password=None, scope=EVERYTHING):
    with database.write() as session:
        return add_user(session, name, role, password, 1, scope)


def signed_in(database, user, now=0):
    with database.write() as session:
        return open_session(session, user, now, LIMITS)


def passes(where: SearchFilter, camera: str, time: int) -> bool:
    return (
        (where.cameras is None or camera in where.cameras)
        and camera not in where.exclude_cameras
        and (where.since_ns is None or time >= where.since_ns)
        and (where.until_ns is None or time < where.until_ns)
    )


@given(SCOPES, SCOPES, CAMERAS, TIMES, TIMES)
def test_a_narrowed_filter_lets_through_what_both_do(one, other, cameras, since, until):
    asked = SearchFilter(cameras=cameras, since_ns=since, until_ns=until)
    narrowed, both = one.narrowed(asked), one.within(other)
    for camera in "abc":
        for time in range(5):
            assert passes(narrowed, camera, time) == (passes(asked, camera, time) and one.sees(camera, time))
            assert both.sees(camera, time) == (one.sees(camera, time) and other.sees(camera, time))


@given(SCOPES)
def test_a_scope_is_kept_as_it_is(scope):
    assert Scope.unpacked(scope.packed()) == scope


def test_a_row_that_lacks_a_condition_is_no_scope():
    with pytest.raises(KeyError):
        Scope.unpacked({"since_ns": None, "until_ns": None})


def test_nobody_has_the_rights_of_all_and_those_who_answer_look_at_nobody():
    assert set(PERMISSIONS) == set(Role)
    assert frozenset().union(*PERMISSIONS.values()) == frozenset(Permission), "every permission is somebody's"
    assert all(Permission.SEARCH not in PERMISSIONS[role] for role in (Role.VIEWER, Role.AUDITOR, Role.ADMIN))
    assert [role for role in Role if Permission.AUDIT_READ in PERMISSIONS[role]] == [Role.AUDITOR]
    assert [role for role in Role if Permission.USERS_MANAGE in PERMISSIONS[role]] == [Role.ADMIN]
    assert Permission.VIEW not in PERMISSIONS[Role.AUDITOR]


def test_names_are_one_whatever_their_case(database):
    assert added(database, " Ada ").name == "ada"
    for name in ("ADA", "", "a b", "-a", "a" * 65, "a/b", "ä"):
        with pytest.raises(UsageError):
            added(database, name)
    assert [one.name for one in _read(database, users)] == ["ada"]


@pytest.mark.parametrize(("name", "password"), [("ada", "wrong horse battery"), ("eve", PASSWORD)])
def test_who_is_not_known_is_not_told_from_a_wrong_password(database, name, password):
    added(database, password=hashed(PASSWORD))
    assert authenticate(database, " ADA", PASSWORD).name == "ada"
    with pytest.raises(SignInFailedError) as caught:
        authenticate(database, name, password)
    assert str(caught.value) == "Name and password do not fit."


def test_who_is_disabled_or_has_no_password_is_kept_out(database):
    added(database, password=hashed(PASSWORD))
    added(database, "bob")
    with database.write() as session:
        change_user(session, "ada", disabled=True)
    for name in ("ada", "bob"):
        with pytest.raises(SignInFailedError):
            authenticate(database, name, PASSWORD)


def test_a_password_has_a_length(database):
    for password in ("short", "a" * 257):
        with pytest.raises(UsageError, match="12 to 256"):
            hashed(password)


def test_a_hash_of_other_parameters_is_made_anew(database):
    old = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1).hash(PASSWORD)
    added(database, password=old)
    authenticate(database, "ada", PASSWORD)
    with database.read() as session:
        kept = session.scalar(select(UserRow.password))
    assert kept != old
    assert not is_outdated(kept)
    authenticate(database, "ada", PASSWORD)


def test_a_session_ends_when_idle_and_in_any_case(database):
    user = added(database)
    secret, opened = signed_in(database, user)
    now = 0
    for _ in range(4):
        now += 29 * MINUTE
        assert session_of(database, secret, now, LIMITS).id == opened.id
    assert session_of(database, secret, 120 * MINUTE, LIMITS) is None, "after two hours in any case"
    secret, _ = signed_in(database, user, 200 * MINUTE)
    assert session_of(database, secret, 230 * MINUTE, LIMITS) is None, "unseen for half an hour"


def test_what_ended_is_removed_when_somebody_signs_in(database):
    user = added(database)
    signed_in(database, user)
    signed_in(database, user, 31 * MINUTE)
    assert len(_read(database, lambda session: session.scalars(select(UserSessionRow)).all())) == 1


@pytest.mark.parametrize(
    "change", [{"disabled": True}, {"password": "another hash"}], ids=["disabled", "password"]
)
def test_sessions_end_with_what_they_stood_on(database, change):
    user = added(database)
    secret, _ = signed_in(database, user)
    with database.write() as session:
        change_user(session, "ada", **change)
    assert session_of(database, secret, 1, LIMITS) is None
    assert _read(database, lambda session: sessions(session, 1, LIMITS)) == ()


def test_a_role_and_a_scope_hold_from_the_next_request_on(database):
    user = added(database, role=Role.INVESTIGATOR)
    secret, _ = signed_in(database, user)
    with database.write() as session:
        change_user(session, "ada", role=Role.VIEWER, scope=Scope(frozenset({"gate"})))
    principal = session_of(database, secret, 1, LIMITS).user.principal
    assert not principal.may(Permission.SEARCH)
    assert not principal.scope.sees("yard", 1)


def test_a_session_is_revoked_by_its_own_user_alone(database):
    ada, bob = added(database), added(database, "bob")
    secret, opened = signed_in(database, ada)
    with database.write() as session:
        assert not end_session(session, opened.id, bob.id)
    assert session_of(database, secret, 1, LIMITS) is not None
    with database.write() as session:
        assert end_session(session, opened.id, ada.id)
        assert not end_session(session, opened.id)
    assert session_of(database, secret, 1, LIMITS) is None


def test_no_secret_is_kept(database):
    user = added(database, password=hashed(PASSWORD))
    secret, _ = signed_in(database, user)
    with database.write() as session:
        token, _ = add_token(session, user, "cron", 1)
    kept = repr(
        _read(
            database,
            lambda session: [
                [repr(vars(row)) for row in session.scalars(select(table))]
                for table in (UserRow, UserSessionRow, ApiTokenRow)
            ],
        )
    )
    for told in (secret, token, token.removeprefix("nightreid_"), PASSWORD, forgery_token(secret)):
        assert told not in kept


def test_a_token_does_and_sees_no_more_than_its_user(database):
    user = added(database, role=Role.INVESTIGATOR, scope=Scope(frozenset({"gate", "yard"}), 5))
    with database.write() as session:
        secret, _ = add_token(
            session, user, "cron", 1, role=Role.AUDITOR, scope=Scope(frozenset({"yard", "hall"}), 1, 9)
        )
    principal = token_of(database, secret, 2).principal
    assert principal.scope == Scope(frozenset({"yard"}), 5, 9)
    assert principal.permissions == PERMISSIONS[Role.AUDITOR] & PERMISSIONS[Role.INVESTIGATOR]
    assert not principal.may(Permission.AUDIT_READ)
    assert (principal.actor, principal.id) == ("token:ada/cron", user.id)


def test_a_token_ends_by_time_by_hand_and_with_its_user(database):
    user = added(database)
    with database.write() as session:
        ending, _ = add_token(session, user, "ending", 1, expires_ns=10)
        revoked, made = add_token(session, user, "revoked", 1)
        third, _ = add_token(session, user, "third", 1)
        with pytest.raises(UsageError, match="already"):
            add_token(session, user, "Third", 1)
        with pytest.raises(UsageError, match="ended"):
            add_token(session, user, "fourth", 10, expires_ns=10)
    assert token_of(database, ending, 9) is not None
    assert token_of(database, ending, 10) is None
    assert token_of(database, f"{third}x", 2) is None
    with database.write() as session:
        assert revoke_token(session, made.id)
        assert not revoke_token(session, made.id)
    assert token_of(database, revoked, 2) is None
    assert token_of(database, third, 2) is not None
    assert {one.name: one.seen_ns for one in _read(database, tokens)}["third"] == 2
    with database.write() as session:
        change_user(session, "ada", disabled=True)
    assert token_of(database, third, 2) is None


def test_a_name_is_not_told_by_a_wrong_one(database):
    added(database)
    with database.write() as session, pytest.raises(UsageError) as caught:
        change_user(session, "adda", disabled=True)
    assert caught.value.hint == "Did you mean ada?"


def _read(database, what):
    with database.read() as session:
        return what(session)
