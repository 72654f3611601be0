"""Every route for every role and scope: who may ask, and that nobody is told of what they may not see.

The routes are the app's own: one that is not in the table, or that declares no permission, fails here.
"""

import re

import pytest

from console.api.permitted import declared_routes
from reid_core.access import Permission, Role, Scope
from reid_core.access.sessions import end_session, open_session
from reid_core.access.tokens import add_token, revoke_token
from reid_core.access.users import change_user
from tests.support.serving import COOKIE

API = "/api/v1"
OPEN = (
    "GET /",
    "GET /healthz",
    "GET /web/report.css",
    "GET /web/{name:path}",
    f"POST {API}/session",
    f"GET {API}/session/oidc",
    f"GET {API}/session/oidc/callback",
)
"""Routes that need nobody: the page without what it shows, whether the process lives, and signing in."""
EVERYBODY = "viewer investigator reviewer auditor admin"
LOOKS = "viewer investigator reviewer admin"
FOLLOWS = "viewer investigator reviewer"
SEARCHES = "investigator reviewer"

ROLES = {
    "GET /metrics": EVERYBODY,
    f"GET {API}/alerts": FOLLOWS,
    f"GET {API}/alerts/{{alert}}": FOLLOWS,
    f"POST {API}/alerts/{{alert}}/acknowledge": FOLLOWS,
    f"GET {API}/audit": "auditor",
    f"GET {API}/audit/export": "auditor",
    f"GET {API}/audit/verification": "auditor",
    f"GET {API}/cameras": EVERYBODY,
    f"GET {API}/crops/{{sighting}}": LOOKS,
    f"GET {API}/docs": EVERYBODY,
    f"GET {API}/erasures": "auditor admin",
    f"POST {API}/erasures": "admin",
    f"POST {API}/erasures/example": "admin",
    f"POST {API}/erasures/plan": "admin",
    f"GET {API}/holds": "auditor admin",
    f"POST {API}/holds": "admin",
    f"DELETE {API}/holds/{{number}}": "admin",
    f"GET {API}/identities/{{identity}}": LOOKS,
    f"POST {API}/identities/{{identity}}/merge": "reviewer",
    f"POST {API}/identities/{{identity}}/split": "reviewer",
    f"GET {API}/links": LOOKS,
    f"POST {API}/links/{{tracklet}}/confirm": SEARCHES,
    f"POST {API}/links/{{tracklet}}/reject": SEARCHES,
    f"GET {API}/live": FOLLOWS,
    f"GET {API}/openapi.json": EVERYBODY,
    f"POST {API}/pictures": SEARCHES,
    f"GET {API}/proposals": SEARCHES,
    f"POST {API}/proposals/{{proposal}}/approve": "reviewer",
    f"POST {API}/proposals/{{proposal}}/decline": SEARCHES,
    f"POST {API}/searches": SEARCHES,
    f"GET {API}/retention": "auditor admin",
    f"PUT {API}/retention": "admin",
    f"GET {API}/retention/report": "auditor admin",
    f"GET {API}/session": EVERYBODY,
    f"DELETE {API}/session": EVERYBODY,
    f"PUT {API}/session/password": EVERYBODY,
    f"PUT {API}/session/purpose": EVERYBODY,
    f"GET {API}/sessions": EVERYBODY,
    f"DELETE {API}/sessions/{{id}}": EVERYBODY,
    f"GET {API}/status": EVERYBODY,
    f"GET {API}/tokens": EVERYBODY,
    f"POST {API}/tokens": EVERYBODY,
    f"DELETE {API}/tokens/{{id}}": EVERYBODY,
    f"GET {API}/tracklets": LOOKS,
    f"GET {API}/tracklets/{{tracklet}}": LOOKS,
    f"GET {API}/tracklets/{{tracklet}}/clip": "investigator",
    f"POST {API}/tracklets/{{tracklet}}/move": "reviewer",
    f"GET {API}/users": "auditor admin",
    f"POST {API}/users": "admin",
    f"PATCH {API}/users/{{name}}": "admin",
    f"GET {API}/watches": FOLLOWS,
    f"POST {API}/watches": "investigator",
    f"GET {API}/watches/{{watch}}": FOLLOWS,
    f"PATCH {API}/watches/{{watch}}": "investigator",
    f"DELETE {API}/watches/{{watch}}": "investigator",
    f"GET {API}/webhooks/deliveries": "admin",
    f"POST {API}/webhooks/deliveries/{{delivery}}/retry": "admin",
}
"""Which roles each route is for: everybody else is answered 403."""

ENDLESS = {f"GET {API}/live"}
"""Answers that never end: whether they begin is seen elsewhere."""

BODIES = {
    "confirm": {"identity": "nobody"},
    "reject": {"identity": "nobody"},
    "merge": {"other": "nobody"},
    "split": {"tracklets": ["nobody"]},
    "move": {"identity": "nobody"},
    "watches/{watch}": {"paused": True},
    "users/{name}": {},
}
"""Bodies, by how a path ends, with which a route comes to look for what its path names."""

SCOPES = {"all": Scope(), "gate": Scope(frozenset({"gate"})), "none": Scope(frozenset())}


def routes(app):
    """Method and path of every route that is not open."""
    return [(one.method, one.path) for one in declared_routes(app) if f"{one.method} {one.path}" not in OPEN]


def asked(client, method, path, **parts):
    """The answer to a request for a path whose parts are these, and nothing that is there otherwise."""
    body = next((body for end, body in BODIES.items() if path.endswith(end)), None)
    filled = re.sub(r"{(\w+)}", lambda part: str(parts.get(part[1], "4711")), path)
    return client.request(method, filled, json=body if method != "GET" else None)


def test_every_route_is_in_the_table(served):
    declared = {f"{one.method} {one.path}": one.permission for one in declared_routes(served.app)}
    assert set(declared) == {*ROLES, *OPEN}
    assert {name for name, permission in declared.items() if permission is None} == set(OPEN)
    assert set(declared.values()) - {None} <= set(Permission)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["session", "token"])
@pytest.mark.parametrize("role", list(Role))
def test_every_route_is_for_its_roles_alone_whatever_they_may_see(served, role, kind):
    answered = 0
    for scope in SCOPES.values() if kind == "session" else [Scope()]:
        client = served.client(role, scope) if kind == "session" else served.program(role, scope)
        for method, path in routes(served.app):
            name = f"{method} {path}"
            if role not in ROLES[name].split():
                answer = asked(client, method, path)
                assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted"), name
            elif name not in ENDLESS:
                # What ends a session ends one of its own.
                used = served.client(role, scope) if path == f"{API}/session" else client
                answer = asked(used, method, path)
                made_by_program = kind == "token" and name == f"POST {API}/tokens"
                assert answer.status_code < 500, f"{name}: {answer.text}"
                assert answer.status_code not in (401, 403) or made_by_program, f"{name}: {answer.text}"
                answered += 1
    assert answered > 10


def over(served):
    """Whoever is nobody (any more), by what they are."""
    database, clock = served.gallery.database, served.context.clock
    users = [served.user(Role.ADMIN) for _ in range(2)]
    gone = {"nobody": served.client(), "made up": served.client(Authorization="Bearer nightreid_x")}
    with database.write() as session:
        secret, opened = open_session(session, users[0], clock(), served.context.session_limits)
        end_session(session, opened.id)
        long_ago = clock() - 2 * served.context.session_limits.idle_ns
        idle, _ = open_session(session, users[0], long_ago, served.context.session_limits)
        revoked, token = add_token(session, users[0], "revoked", clock())
        revoke_token(session, token.id)
        ended, _ = add_token(session, users[0], "ended", long_ago, expires_ns=long_ago + 1)
        of_disabled, _ = add_token(session, users[1], "cron", clock())
        change_user(session, users[1].name, disabled=True)
    for name, cookie in {"revoked session": secret, "idle session": idle}.items():
        gone[name] = served.client()
        gone[name].cookies.set(COOKIE, cookie)
    for name, token in {"revoked": revoked, "ended": ended, "of somebody disabled": of_disabled}.items():
        gone[name] = served.client(Authorization=f"Bearer {token}")
    return gone


def test_nobody_is_answered_who_is_not_known(served):
    for name, client in over(served).items():
        for method, path in routes(served.app):
            answer = asked(client, method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "sign-in-needed"), (name, path)


def test_nothing_is_changed_by_another_sites_page(served):
    client = served.client(Role.ADMIN)
    del client.headers["Nightreid-Csrf"]
    changing = [(method, path) for method, path in routes(served.app) if method != "GET"]
    assert len(changing) > 15
    for method, path in changing:
        answer = asked(client, method, path)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged-request"), path


@pytest.fixture
def things(served, hall):
    """What paths name, by the name of their part: of the lobby and of the yard, and of other users."""
    watcher = served.client(Role.INVESTIGATOR)
    body = {"identity": hall.who["green"], "cameras": ["lobby"], "name": "of the lobby"}
    watch = watcher.post(f"{API}/watches", json=body)
    assert watch.status_code == 200, watch.text
    token = watcher.post(f"{API}/tokens", json={"name": "cron"}).json()["token"]["id"]
    session = watcher.get(f"{API}/sessions").json()["sessions"][0]["id"]
    admin = served.client(Role.ADMIN)
    held = [
        admin.post(f"{API}/holds", json={**one, "reason": "a trial"}).json()["hold"]
        for one in (
            {"camera": "lobby"},
            {"tracklet": hall.tracklets["night"]},
            {"identity": hall.who["green"]},
        )
    ]
    return {
        "number": held,
        "tracklet": [hall.tracklets["red"], hall.tracklets["night"]],
        "sighting": [hall.sighting("red"), hall.sighting("night")],
        "identity": [hall.who["red"], hall.who["green"]],
        "watch": [watch.json()["watch"]["watch"]],
        "id": [token, session],
    }


def test_what_is_out_of_scope_is_answered_as_what_is_not_there(served, things):
    looked_for = set()
    for method, path in routes(served.app):
        for part, ids in things.items():
            if f"{{{part}}}" not in path:
                continue
            for role in ROLES[f"{method} {path}"].split():
                if part == "id" and role == "admin":
                    # Who manages users ends the sessions and tokens of others.
                    continue
                client = served.client(Role(role), SCOPES["gate"])
                nothing = asked(client, method, path)
                assert nothing.status_code == 404, f"{path}: {nothing.text}"
                for one in ids:
                    hidden = asked(client, method, path, **{part: one})
                    assert (hidden.status_code, hidden.text) == (404, nothing.text), path
                    looked_for.add((method, path))
    assert len(looked_for) >= 14


def marks(hall):
    """What tells of each camera: its name, and the ids of whom it saw."""
    places = {"red": "lobby", "green": "lobby", "blue": "gate", "red again": "gate", "night": "yard"}
    found = {camera: {camera} for camera in places.values()}
    for name, camera in places.items():
        found[camera] |= {hall.tracklets[name], hall.sighting(name), *filter(None, [hall.who.get(name)])}
    return found


@pytest.mark.parametrize("camera", ["lobby", "gate", "yard"])
def test_what_is_told_is_of_the_own_scope(served, hall, things, camera):
    hidden = {mark for other, found in marks(hall).items() if other != camera for mark in found}
    shown = marks(hall)[camera]
    told = ""
    for role in (Role.VIEWER, Role.INVESTIGATOR, Role.REVIEWER, Role.ADMIN):
        client = served.client(role, Scope(frozenset({camera})))
        for method, path in routes(served.app):
            name = f"{method} {path}"
            if method != "GET" or name in ENDLESS or role not in ROLES[name].split():
                continue
            for parts in [{}] if "{" not in path else _own(path, shown):
                answer = asked(client, method, path, **parts).text
                assert not [mark for mark in hidden if mark in answer], f"{name} for {role}"
                told += answer
        if role in ROLES[f"POST {API}/searches"].split():
            for body in ({"text": "a person in red"}, *_searches(hall, camera)):
                answer = client.post(f"{API}/searches", json=body).text
                assert not [mark for mark in hidden if mark in answer], f"{body} for {role}"
                told += answer
    assert [mark for mark in shown if mark in told], "what may be seen is told"


def _own(path, shown):
    (part,) = re.findall(r"{(\w+)}", path)
    return [{part: mark} for mark in shown]


def _searches(hall, camera):
    names = {"lobby": "red", "gate": "blue", "yard": "night"}
    return [{"tracklet": hall.tracklets[names[camera]]}]
