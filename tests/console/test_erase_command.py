"""``nightreid erase`` and ``nightreid hold``: from the question to what the audit log says."""

import json
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select

from reid_core.audit.event import AuditEvent
from reid_core.audit.rows import AuditPartRow, AuditRow
from reid_core.audit.trail import Trail
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from stream.run.running import run_footage
from tests.support.brightness import brightness_detector
from tests.support.command_line import accepted, console_lines
from tests.support.erasing import fill
from tests.support.night import specs


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/gallery.db"


@pytest.fixture
def people(url):
    with Gallery.open(url) as gallery:
        return fill(gallery)


def audit_rows(url):
    with Gallery.open(url) as gallery, gallery.database.read() as session:
        parts = {(one.number, one.part) for one in session.scalars(select(AuditPartRow))}
        rows = session.scalars(select(AuditRow).order_by(AuditRow.number)).all()
        return [(one.number, one.action, json.loads(one.subject)) for one in rows], parts


@pytest.mark.slow
def test_a_person_is_erased_and_the_audit_log_says_so(command, url, people, tmp_path):
    gone, stays = people
    with Gallery.open(url) as gallery:
        trail = Trail.of(gallery.database)
        about = AuditEvent(
            "view", "local:x", subject={"identity": gone.identity}, details={"text": "of them"}
        )
        both = {"identities": [gone.identity, stays.identity]}
        trail.append(about)
        trail.append(AuditEvent("search", "local:x", subject=both, details={"text": "of others too"}))
    shown = command("erase", "--identity", gone.identity[:8], "--db", url, "--dry-run", "--json")
    assert shown.status == 0 and len(json.loads(shown.out)["tracklets"]) == 2
    refused = command("erase", "--identity", gone.identity, "--db", url)
    assert refused.status == 2 and "--yes" in refused.err
    report = tmp_path / "reports"
    report.mkdir()
    (report / "old.html").write_bytes(b"<img>" + gone.entries[0].crops[0])
    done = command(
        *("erase", "--identity", gone.identity, "--tracklet", gone.infrared[0], "--db", url, "--yes"),
        *("--purpose", "a request by letter", "--search", report, "--json"),
    )
    said = json.loads(done.out)
    assert done.status == 1, "a report still shows them"
    assert {name: said[name] for name in ("tracklets", "sightings")} == {"tracklets": 3, "sightings": 8}
    assert said["found"] == {str(report / "old.html"): ["crop"]}
    assert any("topics.frame_hours" in line for line in said["left"])
    rows, parts = audit_rows(url)
    assert [action for _, action, _ in rows] == ["view", "search", "audit.forget", "erase"]
    assert rows[-1][2]["erasure"] == said["erasure"] and rows[-1][0] == said["audit"]
    assert (1, "details") not in parts and (2, "details") in parts
    assert gone.identity not in json.dumps(rows[-1][2])
    listed = json.loads(command("erase", "--list", "--db", url, "--json").out)["erasures"]
    assert [(one["erasure"], one["tracklets"]) for one in listed] == [(said["erasure"], 3)]
    again = command("erase", "--identity", gone.identity, "--db", url, "--yes")
    assert again.status == 2 and "no identity" in again.err
    assert command("audit", "verify", "--db", url).status == 0


@pytest.mark.slow
def test_who_is_held_is_told_apart_and_not_erased(command, url, people):
    gone, _ = people
    held = command("hold", "add", "--identity", gone.identity[:8], "--why", "a court asked", "--db", url)
    assert held.status == 0 and "a court asked" in held.out
    shown = command("erase", "--identity", gone.identity, "--db", url, "--dry-run")
    assert "UNDER LEGAL HOLD" in shown.out
    refused = command("erase", "--identity", gone.identity, "--db", url, "--yes")
    assert refused.status == 2 and "error[held]" in refused.err
    assert command("hold", "add", "--camera", "yard", "--db", url).status == 2, "without a reason"
    assert command("hold", "lift", 1, "--db", url).status == 0
    assert "lifted" in command("hold", "list", "--lifted", "--db", url).out
    assert command("hold", "lift", 1, "--db", url).status == 2
    assert command("erase", "--identity", gone.identity, "--db", url, "--yes", "--quick").status == 0
    rows, parts = audit_rows(url)
    assert (1, "details") not in parts, "why somebody was held is personal"
    assert [action for _, action, _ in rows] == ["hold.add", "hold.lift", "audit.forget", "erase"]
    assert rows[0][2]["identity"] == gone.identity


def test_what_the_page_says_to_type_is_accepted():
    page = (Path(__file__).parents[2] / "docs/privacy.md").read_text("utf-8")
    lines = list(console_lines(page))
    assert len(lines) >= 8
    crops = {f"crops {name}" for name in ("key", "class", "encrypt", "status", "forget")}
    holds = {"hold add", "hold list", "hold lift"}
    assert {accepted(words[1:])[0] for words in lines} == {"erase"} | holds | crops


@pytest.mark.slow
def test_by_a_crop_and_the_same_footage_brings_nobody_back(
    command, night_videos, colour_checkpoint, tmp_path, monkeypatch
):
    first, second = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "second"))

    def run(url):
        with Gallery.open(url) as gallery:
            run_footage(specs(night_videos), gallery, brightness_detector(), load_embedder(colour_checkpoint))
            return {one.id: one.identity for one in gallery.tracklets()}

    before = run(first)
    someone = next(identity for identity in before.values() if identity is not None)
    theirs = {name for name, identity in before.items() if identity == someone}
    with Gallery.open(first) as gallery:
        crop = gallery.sightings(min(theirs))[0].crop
    (tmp_path / "stored.jpg").write_bytes(crop)
    Image.open(tmp_path / "stored.jpg").save(tmp_path / "like.png")
    found = command(
        *("erase", "--image", tmp_path / "like.png", "--db", first, "--dry-run", "--reid", colour_checkpoint)
    )
    assert someone in found.out, found.err
    done = command("erase", "--image", tmp_path / "stored.jpg", "--db", first, "--yes", "--keep-linked")
    assert done.status == 0 and "this very picture" in done.err
    monkeypatch.setenv("NIGHTREID_ERASURE_LEDGER", str(tmp_path / "first.db.erasures"))
    again = run(second)
    assert again.keys() == before.keys() - theirs
