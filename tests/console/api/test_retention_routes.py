"""Rules and report of retention over HTTP."""

import numpy as np
import pytest

from reid_core.access import Role
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.retention.enforcing import Retention
from tests.support.gallery_world import MODEL, Scene, unit
from tests.support.serving import serve

MANY = {"days": {"tracklets": 7}, "cameras": {"gate": {"tracklets": None}}, "outbox": 3}


@pytest.fixture
def served():
    with Gallery.open("sqlite://") as gallery:
        for camera in ("lobby", "gate"):
            # Captured in 1970.
            entry = Scene(gallery, camera).entry(0, unit(np.random.default_rng(1), 1))
            gallery.add_tracklets([entry], MODEL, IdentityPolicy(None))
        yield serve(gallery)


def test_an_administrator_sets_rules_and_everybody_who_answers_for_them_reads_them(served):
    admin, auditor = served.client(Role.ADMIN), served.client(Role.AUDITOR)
    assert auditor.get("/api/v1/retention").json()["rules"]["days"]["tracklets"] is None
    assert auditor.put("/api/v1/retention", json={"rules": MANY}).status_code == 403
    assert admin.put("/api/v1/retention", json={"rules": MANY}).status_code == 200
    rules = auditor.get("/api/v1/retention").json()["rules"]
    assert rules["days"]["tracklets"] == 7 and rules["outbox"] == 3
    assert rules["cameras"] == {"gate": {"tracklets": None}}, "as it may be put back"
    assert served.client(Role.INVESTIGATOR).get("/api/v1/retention").status_code == 403
    wrong = admin.put("/api/v1/retention", json={"rules": {"days": {"tracklet": 7}}})
    assert wrong.status_code == 422
    found = auditor.get("/api/v1/audit", params={"action": "retention.change"}).json()["entries"]
    assert [one["subject"]["rules"]["days"]["tracklets"] for one in found] == [7]


def test_the_report_tells_what_went(served):
    served.client(Role.ADMIN).put("/api/v1/retention", json={"rules": MANY})
    Retention(served.gallery, served.context.trail, "system:w", "w").enforce()
    said = served.client(Role.AUDITOR).get("/api/v1/retention/report").json()
    lines = {(one["camera"], one["what"]): one for one in said["lines"]}
    assert (lines["lobby", "tracklets"]["removed"], lines["lobby", "tracklets"]["oldest"]) == (1, None)
    gate = lines["gate", "tracklets"]
    assert (gate["days"], gate["removed"]) == (None, 0) and gate["oldest"].startswith("1970-01-01")
    assert said["enforced"] == lines["lobby", "tracklets"]["last"]
    assert served.client(Role.VIEWER).get("/api/v1/retention/report").status_code == 403


def test_a_camera_of_its_own_rules_goes_back_to_those_of_every_camera(served):
    admin = served.client(Role.ADMIN)
    admin.put("/api/v1/retention", json={"rules": MANY})
    asked = MANY | {"cameras": {"gate": {}}}
    assert admin.put("/api/v1/retention", json={"rules": asked}).status_code == 200
    assert admin.get("/api/v1/retention").json()["rules"]["cameras"] == {"gate": {}}
    changes = served.client(Role.AUDITOR).get("/api/v1/audit", params={"action": "retention.change"}).json()
    assert len(changes["entries"]) == 2


def test_a_rule_of_too_many_days_is_refused(served):
    admin = served.client(Role.ADMIN)
    answer = admin.put("/api/v1/retention", json={"rules": {"days": {"tracklets": 200_000}}})
    assert answer.status_code == 422
    assert admin.get("/api/v1/retention/report").status_code == 200
