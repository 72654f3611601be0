"""Metrics and health over HTTP."""

import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client import CollectorRegistry, Counter

from reid_core.errors import UsageError
from stream.service.status_server import StatusServer


@pytest.fixture
def told():
    return {"live": True, "ready": (True, [])}


@pytest.fixture
def server(told):
    registry = CollectorRegistry()
    Counter("nightreid_things", "Things.", ["camera"], registry=registry).labels("door").inc(3)
    with StatusServer(0, registry, lambda: told["live"], lambda: told["ready"], "127.0.0.1") as server:
        yield server


def ask(server, path, **headers):
    try:
        with urlopen(Request(f"http://127.0.0.1:{server.port}{path}", headers=headers), timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


def test_metrics_are_served(server):
    status, kind, text = ask(server, "/metrics")
    assert status == 200 and kind.startswith("text/plain")
    assert 'nightreid_things_total{camera="door"} 3.0' in text.splitlines()
    openmetrics = ask(server, "/metrics?x=1", Accept="application/openmetrics-text; version=1.0.0")
    assert openmetrics[1].startswith("application/openmetrics-text") and openmetrics[2].endswith("# EOF\n")


def test_live_and_ready_follow_the_work(server, told):
    assert ask(server, "/live") == (200, "application/json", '{"live": true}')
    assert ask(server, "/ready")[0] == 200
    told.update(live=False, ready=(False, ["The broker does not answer."]))
    assert ask(server, "/live")[0] == 503
    status, _, text = ask(server, "/ready")
    assert status == 503
    assert json.loads(text) == {"ready": False, "reasons": ["The broker does not answer."]}


def test_nothing_else_is_there(server):
    assert ask(server, "/")[0] == 404
    assert ask(server, "/../../etc/passwd")[0] == 404


def test_a_port_that_is_taken_is_one_sentence(server):
    with pytest.raises(UsageError, match=f"port {server.port} for metrics cannot be used"):
        StatusServer(server.port, CollectorRegistry(), lambda: True, lambda: (True, []), "127.0.0.1")
    with pytest.raises(UsageError, match="port 70000 "):
        StatusServer(70000, CollectorRegistry(), lambda: True, lambda: (True, []))


def test_closed_it_answers_nobody_and_gives_the_port_back(server):
    first = StatusServer(0, CollectorRegistry(), lambda: True, lambda: (True, []), "127.0.0.1")
    first.close()
    with StatusServer(
        first.port, CollectorRegistry(), lambda: True, lambda: (True, []), "127.0.0.1"
    ) as again:
        assert again.port == first.port
