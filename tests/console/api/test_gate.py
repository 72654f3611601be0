"""A route without a declared permission cannot be; whoever may not is not answered."""

import pytest

from console.api.permitted import OPEN, PermittedRouter, declared_routes
from console.api.use import CurrentUse
from reid_core.access import LOCAL, Permission, Role, Scope
from reid_core.access.passwords import hashed
from reid_core.access.users import add_user
from tests.support.serving import COOKIE, audited, serve

pytestmark = pytest.mark.usefixtures("quick_passwords")
PASSWORD = "a long enough one"


def test_a_route_without_a_permission_cannot_be_defined():
    router = PermittedRouter("/things")
    with pytest.raises(TypeError, match="permission"):

        @router.get("")
        def things() -> str:
            return "all"

    with pytest.raises(TypeError, match="permission"):

        @router.api_route("/else")
        def others() -> str:
            return "all"


def test_an_app_with_a_route_of_another_kind_is_not_served(bare):
    assert len(list(declared_routes(bare.app))) > 4
    bare.app.add_api_route("/secret", lambda: "all")
    with pytest.raises(TypeError, match="/secret"):
        list(declared_routes(bare.app))


def test_the_gate_stands_in_front_of_the_body(bare):
    router = PermittedRouter("/things")

    @router.post("", permission=Permission.SEARCH)
    def things(use: CurrentUse, wanted: dict[str, int]) -> str:
        return use.principal.name

    bare.app.include_router(router)
    broken = {"content": b"{", "headers": {"Content-Type": "application/json"}}
    assert bare.client().post("/api/v1/things", **broken).status_code == 401
    assert bare.client(Role.VIEWER).post("/api/v1/things", **broken).status_code == 403
    client = bare.client(Role.INVESTIGATOR)
    assert client.post("/api/v1/things", **broken).status_code == 422
    answer = client.post("/api/v1/things", json={"a": 1})
    assert answer.status_code == 200
    assert answer.json().startswith("investigator")


def test_signing_in_and_out(bare):
    with bare.gallery.database.write() as session:
        add_user(session, "Ada", Role.INVESTIGATOR, hashed(PASSWORD), 1, Scope(frozenset({"gate"})))
    client = bare.client()
    assert client.get("/api/v1/session").status_code == 401
    answer = client.post("/api/v1/session", json={"name": "ADA", "password": PASSWORD, "purpose": "a theft"})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["name"], said["role"], said["purpose"]) == ("ada", "investigator", "a theft")
    assert said["scope"]["cameras"] == ["gate"]
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("secure", "httponly", "samesite=strict", "path=/"))
    assert client.get("/api/v1/session").json() == said

    taken = client.cookies[COOKIE]
    assert client.delete("/api/v1/session").status_code == 403, "without the token against forgery"
    headers = {"Nightreid-Csrf": said["csrf"]}
    changed = client.put("/api/v1/session/purpose", json={"case": "17/2"}, headers=headers)
    assert changed.json() == {"purpose": "a theft", "case": "17/2"}
    assert client.delete("/api/v1/session", headers=headers).status_code == 204
    client.cookies.set(COOKIE, taken)
    assert client.get("/api/v1/session").status_code == 401


@pytest.mark.parametrize("password", ["a wrong enough one", ""])
def test_a_wrong_password_is_not_told_from_a_wrong_name(bare, password):
    with bare.gallery.database.write() as session:
        add_user(session, "ada", Role.VIEWER, hashed(PASSWORD), 1)
    answers = [
        bare.client().post("/api/v1/session", json={"name": name, "password": password})
        for name in ("ada", "eve")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()
    assert answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].json()["code"] == "sign-in-failed"


def test_what_is_sent_is_not_repeated(bare):
    answer = bare.client().post(
        "/api/v1/session", json={"name": "ada", "password": ["s3cret"], "x": "s3cret"}
    )
    assert answer.status_code == 422
    assert "s3cret" not in answer.text


def test_whether_it_lives_is_told_to_anybody(bare):
    assert bare.client().get("/healthz").json() == {"status": "ok"}
    assert OPEN not in set(Permission)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 204),
        ({"Origin": "https://console.test"}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Nightreid-Csrf": "0" * 64}, 403),
    ],
)
def test_another_sites_page_changes_nothing(bare, headers, status):
    client = bare.client(Role.VIEWER)
    answer = client.delete("/api/v1/session", headers=headers)
    assert answer.status_code == status
    assert (client.get("/api/v1/session").status_code == 200) is (status == 403)


def test_another_sites_page_signs_nobody_in(bare):
    body = {"name": "ada", "password": PASSWORD}
    answer = bare.client().post("/api/v1/session", json=body, headers={"Origin": "https://evil.test"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forged-request")


def test_a_token_needs_no_header_against_forgery_and_has_no_session(bare):
    client = bare.program(Role.VIEWER)
    assert client.get("/api/v1/session").json()["kind"] == "token"
    for call in (
        client.delete("/api/v1/session"),
        client.put("/api/v1/session/purpose", json={"purpose": "x"}),
        client.put("/api/v1/session/password", json={"password": "x", "new": PASSWORD}),
    ):
        assert (call.status_code, call.json()["code"]) == (422, "usage")


@pytest.mark.parametrize("header", ["Bearer nightreid_nothing", "Bearer", "Basic YWRhOmFkYQ==", "nonsense x"])
def test_what_is_no_token_opens_nothing_beside_a_session(bare, header):
    client = bare.client(Role.VIEWER, Authorization=header)
    assert client.get("/api/v1/session").status_code == (200 if header == "Bearer" else 401)


def test_errors_are_problems(bare):
    for answer, status in (
        (bare.client().get("/nowhere"), 404),
        (bare.client().put("/healthz"), 405),
        (bare.client().get("/api/v1/session"), 401),
    ):
        said = answer.json()
        assert answer.status_code == status == said["status"]
        assert answer.headers["content-type"] == "application/problem+json"
        assert said["code"] and said["title"]
        assert said["detail"].endswith(".")


def test_a_failure_tells_nothing(bare, caplog):
    router = PermittedRouter("/broken")

    @router.get("", permission=OPEN)
    def broken() -> None:
        raise ZeroDivisionError("a secret")

    bare.app.include_router(router)
    answer = bare.client().get("/api/v1/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "a secret" in caplog.text, "the log says how"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_what_changes_is_written_down_with_who_and_why(bare):
    with bare.gallery.database.write() as session:
        add_user(session, "ada", Role.INVESTIGATOR, hashed(PASSWORD), 1)
    client = bare.client()
    body = {"name": "ada", "password": PASSWORD, "purpose": "a theft", "case": "17/2"}
    client.headers["Nightreid-Csrf"] = client.post("/api/v1/session", json=body).json()["csrf"]
    client.post("/api/v1/session", json={"name": "eve", "password": PASSWORD})
    client.delete("/api/v1/session")
    rows = audited(bare)
    assert [(one.action, one.actor) for one in rows] == [
        ("sign-in", "user:ada"),
        ("sign-in.failed", "user:?"),
        ("sign-out", "user:ada"),
    ]
    assert [one.purpose for one in rows] == ["a theft", None, "a theft"]
    assert [one.case for one in rows] == ["17/2", None, "17/2"]
    assert "name" not in rows[1].details, "what is nobody's name may be a password"
    client.post("/api/v1/session", json={"name": "ADA", "password": "wrong"})
    assert audited(bare)[-1].details["name"] == "ada"


def test_what_needs_a_purpose_is_not_answered_without(bare):
    router = PermittedRouter("/things")

    @router.post("", permission=Permission.SEARCH)
    def things(use: CurrentUse) -> str:
        use.record("search", details={"text": "a man in red"})
        return "found"

    bare.app.include_router(router)
    client = bare.client(Role.INVESTIGATOR)
    answer = client.post("/api/v1/things")
    assert (answer.status_code, answer.json()["code"]) == (422, "purpose-needed")
    assert audited(bare) == []
    assert client.post("/api/v1/things", headers={"Nightreid-Purpose": "a theft"}).json() == "found"
    client.put("/api/v1/session/purpose", json={"purpose": "a fire"})
    assert client.post("/api/v1/things").json() == "found"
    assert [one.purpose for one in audited(bare)] == ["a theft", "a fire", "a fire"]


def test_a_stream_learns_that_it_must_end(bare):
    lives = {}
    router = PermittedRouter("/things")

    @router.get("", permission=Permission.LIVE)
    def things(use: CurrentUse) -> None:
        lives["session"] = use.lives

    bare.app.include_router(router)
    client = bare.client(Role.VIEWER)
    client.get("/api/v1/things")
    assert lives["session"]()
    client.delete("/api/v1/session")
    assert not lives["session"]()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8642", 200),
        ("127.0.0.1", 200),
        ("[::1]:80", 200),
        ("evil.test", 403),
        ("localhost.evil", 403),
    ],
)
def test_where_nobody_signs_in_only_this_machine_is_answered(empty_gallery, host, status):
    client = serve(empty_gallery, local=LOCAL).client(Host=host)
    answer = client.get("/api/v1/session")
    assert answer.status_code == status
    assert (answer.json().get("kind") == "local") is (status == 200)
    changed = client.post("/api/v1/users", json={}, headers={"Origin": "https://evil.test"})
    assert changed.status_code == 403


def test_where_nobody_signs_in_everybody_is_told(empty_gallery):
    client = serve(empty_gallery, local=LOCAL).client(Host="localhost")
    assert "Nobody signs in" in client.get("/api/v1/status").json()["banner"]


def test_signed_in_nobody_is_told_of_trying_out(bare):
    said = bare.client(Role.VIEWER).get("/api/v1/status").json()
    assert said["banner"] is None
    assert said["counts"]["tracklets"] == 0
    assert bare.client(Role.VIEWER, Scope(frozenset())).get("/api/v1/status").json()["counts"] is None


def test_the_api_describes_itself_to_who_is_signed_in(bare):
    document = bare.client(Role.AUDITOR).get("/api/v1/openapi.json").json()
    assert document["paths"]["/api/v1/audit"]["get"]["x-permission"] == "audit.read"
    assert set(document["components"]["securitySchemes"]) == {"session", "token"}


def test_metrics_count_by_pattern_and_name_nobody(bare):
    bare.client(Role.ADMIN).patch("/api/v1/users/somebody", json={})
    text = bare.program(Role.VIEWER, Scope(frozenset())).get("/metrics").text
    counted = 'nightreid_console_requests_total{method="PATCH",route="/api/v1/users/{name}",status="404"} 1.0'
    assert counted in text
    assert "somebody" not in text
