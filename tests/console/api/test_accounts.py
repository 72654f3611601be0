"""Users, sessions and tokens over HTTP: what administration does, and nobody else."""

import pytest

from reid_core.access import Role, Scope
from tests.support.serving import audited

pytestmark = pytest.mark.usefixtures("quick_passwords")
PASSWORD = "a long enough one"


def test_a_user_is_added_changed_and_kept_out(bare):
    admin = bare.client(Role.ADMIN)
    new = {"name": "Ines", "role": "investigator", "password": PASSWORD, "scope": {"cameras": ["gate"]}}
    answer = admin.post("/api/v1/users", json=new)
    assert answer.status_code == 201
    assert answer.json()["scope"] == {"cameras": ["gate"], "since": None, "until": None}
    assert admin.post("/api/v1/users", json=new).status_code == 422, "the name is taken"

    ines = bare.client()
    ines.post("/api/v1/session", json={"name": "ines", "password": PASSWORD})
    assert ines.get("/api/v1/session").json()["role"] == "investigator"
    change = {"role": "viewer", "scope": {"since": "2026-11-20T18:00:00Z"}}
    assert admin.patch("/api/v1/users/ines", json=change).status_code == 200
    said = ines.get("/api/v1/session").json()
    assert (said["role"], said["scope"]["cameras"], said["scope"]["since"]) == (
        "viewer",
        None,
        "2026-11-20T18:00:00Z",
    )
    admin.patch("/api/v1/users/ines", json={"disabled": True})
    assert ines.get("/api/v1/session").status_code == 401
    listed = {one["name"]: one["disabled"] for one in admin.get("/api/v1/users").json()["users"]}
    assert listed["ines"] is True

    said = [(one.action, one.details.get("name")) for one in audited(bare)]
    assert said == [
        ("user.add", "ines"),
        ("sign-in", None),
        ("user.change", "ines"),
        ("user.change", "ines"),
        ("user.list", None),
    ]
    assert PASSWORD not in repr(audited(bare))


def test_nobody_takes_their_own_administration_away(bare):
    admin = bare.client(bare.user(Role.ADMIN, name="root"))
    for change in ({"disabled": True}, {"role": "viewer"}):
        assert admin.patch("/api/v1/users/root", json=change).status_code == 422
    assert admin.patch("/api/v1/users/nobody", json={"disabled": True}).status_code == 404
    assert admin.get("/api/v1/session").json()["role"] == "admin"


def test_the_own_password_is_changed_by_who_knows_it(bare):
    admin, client = bare.client(Role.ADMIN), bare.client()
    admin.post("/api/v1/users", json={"name": "ada", "role": "viewer", "password": PASSWORD})
    said = client.post("/api/v1/session", json={"name": "ada", "password": PASSWORD}).json()
    client.headers["Nightreid-Csrf"] = said["csrf"]
    change = {"password": "not that one!", "new": "another long one"}
    assert client.put("/api/v1/session/password", json=change).status_code == 401
    assert client.put("/api/v1/session/password", json=change | {"password": PASSWORD}).status_code == 204
    assert client.get("/api/v1/session").status_code == 401
    assert client.post("/api/v1/session", json={"name": "ada", "password": PASSWORD}).status_code == 401
    signed_in = client.post("/api/v1/session", json={"name": "ada", "password": "another long one"})
    assert signed_in.status_code == 200


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMIN, Role.AUDITOR])
def test_sessions_of_others_are_seen_and_ended_by_role(bare, role):
    ada = bare.user(Role.VIEWER, name="ada")
    first, second = bare.client(ada), bare.client(ada)
    (own,) = [one for one in first.get("/api/v1/sessions").json()["sessions"] if one["own"]]
    asking = bare.client(role)
    listed = asking.get("/api/v1/sessions", params={"everybody": True})
    assert listed.status_code == (404 if role is Role.VIEWER else 200)
    assert [one["user"] for one in asking.get("/api/v1/sessions").json()["sessions"]] == [f"{role}0"]
    ended = asking.delete(f"/api/v1/sessions/{own['id']}").status_code
    assert ended == (204 if role is Role.ADMIN else 404)
    assert (first.get("/api/v1/session").status_code == 401) is (role is Role.ADMIN)
    assert second.get("/api/v1/session").status_code == 200


def test_a_token_is_shown_once_and_does_what_it_may(bare):
    user = bare.user(Role.INVESTIGATOR, Scope(frozenset({"gate", "yard"})), name="ada")
    client = bare.client(user)
    new = {"name": "cron", "role": "viewer", "scope": {"cameras": ["gate", "hall"]}}
    answer = client.post("/api/v1/tokens", json=new)
    assert answer.status_code == 201
    secret, id_ = answer.json()["secret"], answer.json()["token"]["id"]
    assert secret not in client.get("/api/v1/tokens").text
    program = bare.client(Authorization=f"Bearer {secret}")
    said = program.get("/api/v1/session").json()
    assert (said["name"], said["kind"], said["scope"]["cameras"]) == ("ada/cron", "token", ["gate"])
    assert "search" not in said["permissions"]
    assert program.post("/api/v1/tokens", json={"name": "another"}).status_code == 403
    assert bare.client(Role.INVESTIGATOR).delete(f"/api/v1/tokens/{id_}").status_code == 404
    assert client.delete(f"/api/v1/tokens/{id_}").status_code == 204
    assert program.get("/api/v1/session").status_code == 401
    assert [one.action for one in audited(bare)] == ["token.add", "token.revoke"]
