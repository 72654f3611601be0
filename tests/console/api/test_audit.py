"""The audit log over HTTP: auditors alone read it, and that they did is in it."""

import csv
import io
import json

import pytest

from reid_core.access import Role
from reid_core.audit.event import AuditEvent
from reid_core.gallery import Gallery
from tests.support.serving import serve


@pytest.fixture
def served():
    with Gallery.open("sqlite://") as gallery:
        served = serve(gallery)
        for turn in range(1, 8):
            event = AuditEvent(
                "search" if turn % 2 else "link.confirm",
                f"user:u{turn}",
                "theft",
                f"K-{turn}",
                {"identities": [f"id-{turn}"]},
                {"text": f"words {turn}"},
            )
            served.context.trail.append(event)
        yield served


@pytest.mark.parametrize("path", ["", "/export", "/verification"])
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.AUDITOR])
def test_nobody_else_reads_it(served, path, role):
    assert served.client(role).get(f"/api/v1/audit{path}").status_code == 403
    assert served.client().get(f"/api/v1/audit{path}").status_code == 401


def test_an_auditor_reads_it_page_by_page(served):
    client = served.client(Role.AUDITOR)
    first = client.get("/api/v1/audit", params={"limit": 4}).json()
    assert [one["number"] for one in first["entries"]] == [7, 6, 5, 4]
    newest = first["entries"][0]
    assert (newest["purpose"], newest["case"]) == ("theft", "K-7")
    assert newest["details"] == {"text": "words 7"} and newest["subject"] == {"identities": ["id-7"]}
    rest = client.get("/api/v1/audit", params={"limit": 4, "cursor": first["next"]}).json()
    assert [one["number"] for one in rest["entries"]] == [3, 2, 1] and rest["next"] is None
    [read, again] = client.get("/api/v1/audit", params={"action": "audit.read"}).json()["entries"]
    assert read["actor"] == again["actor"] == "user:auditor0"
    assert client.get("/api/v1/audit", params={"cursor": "nonsense"}).status_code == 422


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"action": "link"}, [6, 4, 2]),
        ({"subject": "id-3"}, [3]),
        ({"case": "K-5"}, [5]),
        ({"actor": "user:u1"}, [1]),
    ],
)
def test_it_is_read_by_what_is_asked(served, asked, numbers):
    found = served.client(Role.AUDITOR).get("/api/v1/audit", params=asked).json()
    assert [one["number"] for one in found["entries"]] == numbers


def test_it_is_exported(served):
    client = served.client(Role.AUDITOR)
    lines = client.get("/api/v1/audit/export").text.splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["number"] for row in rows] == [*range(1, 9)] and rows[-1]["action"] == "audit.export"
    answer = client.get("/api/v1/audit/export", params={"format": "csv", "until": "1999-01-01T00:00:00Z"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [*csv.DictReader(io.StringIO(answer.text))] == []


def test_it_is_checked(served):
    found = served.client(Role.AUDITOR).get("/api/v1/audit/verification").json()
    assert (found["whole"], found["rows"], found["findings"]) == (True, 8, [])
