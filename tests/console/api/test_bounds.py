"""What one may ask is bounded: how often, how much, and in how much memory."""

import pytest

from console.api.permitted import PermittedRouter
from console.api.rates import Buckets, network_of
from console.api.settings import ServeSettings
from console.api.use import CurrentUse
from reid_core.access import Permission, Role
from reid_core.access.errors import TooManyRequestsError
from reid_core.access.passwords import hashed
from reid_core.access.users import add_user
from tests.support.serving import SERVED, serve

pytestmark = pytest.mark.usefixtures("quick_passwords")
PASSWORD = "a long enough one"


def limited(gallery, **limits):
    return serve(gallery, ServeSettings.model_validate(SERVED.model_dump() | {"limits": limits}))


def refused(call):
    try:
        call()
    except TooManyRequestsError as error:
        return error.seconds
    return None


def test_a_minutes_worth_at_once_then_as_many_as_flow_in():
    now = 0.0
    buckets = Buckets(6, clock=lambda: now)
    assert [refused(lambda: buckets.take("a")) for _ in range(7)] == [None] * 6 + [10]
    assert refused(lambda: buckets.take("b")) is None, "of another key"
    now = 10.0
    assert [refused(lambda: buckets.take("a")) for _ in range(2)] == [None, 10]
    now = 1000.0
    assert [refused(lambda: buckets.take("a")) for _ in range(7)] == [None] * 6 + [10], "no more is saved up"


def test_looking_takes_nothing():
    buckets = Buckets(1, clock=lambda: 0.0)
    assert [refused(lambda: buckets.take("a", 0)) for _ in range(3)] == [None] * 3
    buckets.take("a")
    assert refused(lambda: buckets.take("a", 0)) is not None


def test_no_more_keys_are_remembered_than_fit():
    buckets = Buckets(1, remembered=100, clock=lambda: 0.0)
    for number in range(1000):
        buckets.take(str(number))
    assert len(buckets) == 100
    assert refused(lambda: buckets.take("999")) is not None, "the latest are"


class Asking:
    """A request as far as its address goes."""

    def __init__(self, host):
        self.client = type("Client", (), {"host": host})


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("x", "x"),
    ],
)
def test_of_ipv6_a_network_counts_as_one(host, network):
    assert network_of(Asking(host)) == network


def test_an_account_that_asks_too_often_is_told_when_to_come_back(empty_gallery):
    served = limited(empty_gallery, requests_a_minute=3)
    client, other = served.client(Role.VIEWER), served.client(Role.VIEWER)
    answers = [client.get("/api/v1/session") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) in (20, 21)
    assert answers[-1].json()["code"] == "too-many-requests"
    assert other.get("/api/v1/session").status_code == 200


def test_an_address_that_asks_too_often_is_not_looked_up(empty_gallery):
    served = limited(empty_gallery, address_requests_a_minute=3)
    client = served.client()
    assert [client.get("/nowhere").status_code for _ in range(4)] == [404, 404, 404, 429]
    assert "Content-Security-Policy" in client.get("/healthz").headers


def test_signing_in_is_slower(empty_gallery):
    served = limited(empty_gallery, sign_ins_a_minute=2)
    with empty_gallery.database.write() as session:
        add_user(session, "ada", Role.VIEWER, hashed(PASSWORD), 1)
    wrong, right = ({"name": "ada", "password": one} for one in ("wrong", PASSWORD))
    client = served.client()
    answers = [client.post("/api/v1/session", json=body).status_code for body in (wrong, wrong, right)]
    assert answers == [401, 401, 429]


def test_a_password_is_not_guessed_in_a_session_either(empty_gallery):
    served = limited(empty_gallery, sign_ins_a_minute=1)
    client = served.client(served.user(Role.VIEWER, name="ada"))
    body = {"password": "wrong", "new": PASSWORD}
    answers = [client.put("/api/v1/session/password", json=body).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def test_a_body_has_a_size(empty_gallery):
    served = limited(empty_gallery, body_bytes=2048, upload_bytes=100_000)
    router = PermittedRouter("/things")

    @router.post("", permission=Permission.SEARCH)
    def things(use: CurrentUse, wanted: list[str]) -> int:
        return len(wanted)

    served.app.include_router(router)
    client = served.client(Role.INVESTIGATOR)
    assert client.post("/api/v1/things", json=["a" * 1000]).json() == 1
    answer = client.post("/api/v1/things", json=["a" * 3000])
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    def pieces():
        yield b'["'
        for _ in range(10):
            yield b"a" * 1000
        yield b'"]'

    headers = {"Content-Type": "application/json"}
    assert client.post("/api/v1/things", content=pieces(), headers=headers).status_code == 413, (
        "of no stated size"
    )
    big = {"picture": b"a" * 90_000}
    assert client.post("/api/v1/things", files=big).status_code == 422, "uploads may be larger"
    assert client.post("/api/v1/things", files={"picture": b"a" * 400_000}).status_code == 413


def test_numbers_are_such_as_databases_hold(served):
    """SQLite knows no integer of more than 63 bits, and its driver fails at one."""
    numbers = {
        (path, given["name"]): schema
        for path, methods in served.app.openapi()["paths"].items()
        for asked in methods.values()
        for given in asked.get("parameters", ())
        for schema in given["schema"].get("anyOf", [given["schema"]])
        if schema.get("type") == "integer"
    }
    assert numbers
    assert {where for where, schema in numbers.items() if "maximum" not in schema} == set()
