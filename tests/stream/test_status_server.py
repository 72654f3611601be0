"""Metrics and health over HTTP."""

import json
import socket
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from prometheus_client import CollectorRegistry, Counter

from reid_core.errors import UsageError
from stream.publisher.config import PublishSettings
from stream.service.status_server import StatusServer
from stream.worker.config import WorkerSettings


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


def listens_at(host, port):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as asked:
        asked.settimeout(5)
        return asked.connect_ex((host, port)) == 0


def test_only_this_machine_hears_it_unless_told_otherwise():
    told = CollectorRegistry(), lambda: True, lambda: (True, [])
    with StatusServer(0, *told) as server:
        assert listens_at("127.0.0.1", server.port) and not listens_at("127.0.0.2", server.port)
    with StatusServer(0, *told, "0.0.0.0") as server:
        assert listens_at("127.0.0.1", server.port) and listens_at("127.0.0.2", server.port)
    for settings in (WorkerSettings(), PublishSettings()):
        assert settings.metrics_host == "127.0.0.1"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_an_address_may_be_of_ipv6():
    try:
        server = StatusServer(0, CollectorRegistry(), lambda: True, lambda: (True, []), "::1")
    except UsageError:
        pytest.skip("this machine has no ::1")
    with server:
        assert listens_at("::1", server.port) and not listens_at("127.0.0.1", server.port)


def test_an_address_that_is_not_this_machines_is_told():
    with pytest.raises(UsageError, match=r"port 0 for metrics") as caught:
        StatusServer(0, CollectorRegistry(), lambda: True, lambda: (True, []), "203.0.113.7")
    assert "metrics_host" in caught.value.hint
