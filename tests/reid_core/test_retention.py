"""What is over goes, with what makes no sense without it; what is held stays; the log says what went."""

from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError
from sqlalchemy import func, select

from reid_core.audit.errors import AuditKeyError
from reid_core.audit.event import AuditEvent
from reid_core.audit.trail import Trail
from reid_core.erasure import removing
from reid_core.erasure.holds import NewHold, hold
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.hours import DAY_NS
from reid_core.gallery.lease import Lease
from reid_core.gallery.ledger import RECORD_REFUSED
from reid_core.gallery.outbox import put_event
from reid_core.gallery.schema import (
    CaptionRow,
    LeaseRow,
    LinkRow,
    MetaRow,
    OutboxRow,
    RefusedRow,
    SightingRow,
    TrackletRow,
    VectorRow,
)
from reid_core.gallery.watch_rows import AlertRow, WatchRow
from reid_core.gallery.writing import sighting_id
from reid_core.retention.enforcing import ENFORCED, Retention
from reid_core.retention.errors import RetentionBusyError
from reid_core.retention.reporting import report
from reid_core.retention.rules import CameraRules, OfCamera, RetentionRules, before, kept_rules
from reid_core.types import Candidate, Decision, Link, Modality
from reid_core.watching.keeping import add_watch
from reid_core.watching.watch import NewWatch
from tests.support.gallery_world import MODEL, Scene, near, unit

KEY = bytes(range(32))
JOIN = IdentityPolicy(0.8)
NOW = 100 * DAY_NS
DAYS = (90, 20, 1)


def at(days_ago):
    """The frame that a tracklet of so many days ago begins with."""
    return (NOW - days_ago * DAY_NS) // 40


class World:
    """Two cameras by day and one by night: three people come to lobby and gate 90, 20 and 1 days ago."""

    def __init__(self, url):
        self.url = url
        self.gallery = Gallery.open(url)
        self.trail = Trail(self.gallery.database, KEY, clock=lambda: NOW)
        generator = np.random.default_rng(3)
        lobby, gate = Scene(self.gallery, "lobby"), Scene(self.gallery, "gate")
        yard = Scene(self.gallery, "yard", Modality.INFRARED)
        people = unit(generator, 3)
        entries = [
            scene.entry(at(days), near(people[turn], generator, 2))
            for scene in (lobby, gate)
            for turn, days in enumerate(DAYS)
        ]
        night = [yard.entry(at(days), near(people[turn], generator, 2)) for turn, days in enumerate(DAYS)]
        self.gallery.add_tracklets([*entries, *night], MODEL, JOIN)
        self.people = people
        self.seen = {
            (one.tracklet.camera, DAYS[turn % 3]): one.tracklet.id
            for turn, one in enumerate([*entries, *night])
        }
        # Each is linked to the person of their day; the first is a candidate of all.
        self.gallery.put_links([self.link(days) for days in DAYS])

    def link(self, days):
        who = (days, *(() if days == 90 else (90,)))
        candidates = tuple(
            Candidate(
                rank=rank,
                identity=self.identity(self.seen["lobby", one]),
                score=0.9 if rank == 1 else 0.3,
                probability=None,
                tracklet=self.seen["lobby", one],
                sighting=sighting_id(self.seen["lobby", one], 1),
            )
            for rank, one in enumerate(who, start=1)
        )
        return Link(self.seen["yard", days], MODEL, Decision.LINKED, candidates)

    def identity(self, tracklet):
        with self.gallery.database.read() as session:
            return session.get(TrackletRow, tracklet).identity_id

    def retention(self, holder="me", now=NOW, **other):
        actor = f"system:{holder}"
        return Retention(self.gallery, self.trail, actor, holder, clock=lambda: now, **other)

    def enforce(self, now=NOW, **rules):
        retention = self.retention(now=now)
        retention.change(RetentionRules(**rules))
        return [(one.camera, one.what, one.count) for one in retention.enforce()]

    def count(self, row, *where):
        with self.gallery.database.read() as session:
            return session.scalar(select(func.count()).select_from(row).where(*where))

    def there(self):
        with self.gallery.database.read() as session:
            names = set(session.scalars(select(TrackletRow.id)))
        return {seen for seen, name in self.seen.items() if name in names}

    def put(self, *rows):
        with self.gallery.database.write() as session:
            session.add_all(rows)


@pytest.fixture
def world(books):
    world = World(books)
    yield world
    world.gallery.close()


def everything(days):
    return CameraRules(tracklets=days)


def test_without_a_rule_nothing_goes(world):
    assert world.retention().enforce() == ()
    assert len(world.there()) == 9


@pytest.mark.parametrize("many", [256, 0])
def test_tracklets_that_are_over_go_with_all_that_hangs_on_them(world, many, monkeypatch):
    # For many ids, rows are read and their ids looked up.
    monkeypatch.setattr(removing, "_MANY", many)
    first, second = (world.identity(world.seen["lobby", days]) for days in (90, 20))
    assert world.identity(world.seen["gate", 90]) == first
    found = world.enforce(days=everything(30), cameras={"gate": CameraRules(tracklets=10)})
    assert found == [("gate", "tracklets", 2), ("lobby", "tracklets", 1), ("yard", "tracklets", 1)]
    assert world.there() == {("lobby", 20), ("lobby", 1), ("gate", 1), ("yard", 20), ("yard", 1)}
    there = {one.id for one in world.gallery.identities()}
    assert first not in there, "nobody is left of it"
    assert second in there, "who was seen elsewhere stays"
    for row in (SightingRow, VectorRow):
        assert world.count(row) == 2 * len(world.there())
    with world.gallery.database.read() as session:
        told = " ".join(str(row) for row in session.execute(select(OutboxRow.subject, OutboxRow.payload)))
    assert not any(name in told for name in (first, *(world.seen[one, 90] for one in ("lobby", "gate"))))
    # The one that went was the second candidate of the others.
    for link in world.gallery.links():
        assert [one.identity for one in link.candidates] == [link.identity] and link.identity != first
    hits = world.gallery.search(world.people[:1].astype(np.float32), MODEL, 10)
    assert world.seen["lobby", 90] not in hits.tracklets and world.seen["lobby", 20] in hits.tracklets


def test_the_rest_of_the_classes_go_alone(world):
    with world.gallery.database.write() as session:
        for days in DAYS:
            name = world.seen["lobby", days]
            sighting = session.scalar(select(SightingRow.id).where(SightingRow.tracklet_id == name).limit(1))
            session.add(CaptionRow(sighting_id=sighting, model_id="c", tracklet_id=name, text=f"{days}"))
    for days in DAYS:
        name = world.seen["lobby", days]
        world.gallery.add_caption_vectors(name, world.people[:1], model="c", space=MODEL)
    found = world.enforce(days=CameraRules(crops=10, vectors=30, captions=5, links=50))
    assert sorted(found) == [
        ("gate", "crops", 4),
        ("gate", "vectors", 2),
        ("lobby", "captions", 4),
        ("lobby", "crops", 4),
        ("lobby", "vectors", 2),
        ("yard", "crops", 4),
        ("yard", "links", 1),
        ("yard", "vectors", 2),
    ]
    assert len(world.there()) == 9 and world.count(SightingRow) == 18
    assert world.count(SightingRow, func.length(SightingRow.crop) > 0) == 6
    assert world.count(VectorRow, VectorRow.kind == "crop") == 12
    assert world.count(VectorRow, VectorRow.kind == "caption") == world.count(CaptionRow) == 1
    assert world.count(LinkRow) == 2
    hits = world.gallery.search(world.people[:1].astype(np.float32), MODEL, 18)
    assert world.seen["lobby", 90] not in hits.tracklets and len(set(hits.tracklets[0])) > 3
    assert world.enforce(days=CameraRules(crops=10, vectors=30, captions=5, links=50)) == []


def test_what_is_held_stays_and_is_told(world):
    with world.gallery.database.write() as session:
        hold(session, NewHold("court", "dpo", tracklet=world.seen["lobby", 90]), NOW)
        hold(session, NewHold("court", "dpo", camera="gate", until_ns=NOW - 50 * DAY_NS), NOW)
    assert sorted(world.enforce(days=everything(5))) == [
        ("gate", "tracklets", 1),
        ("lobby", "tracklets", 1),
        ("yard", "tracklets", 2),
    ]
    assert world.there() == {("lobby", 90), ("gate", 90), *((name, 1) for name in ("lobby", "gate", "yard"))}
    lines = {(one.camera, one.what): one for one in report(world.gallery.database, world.trail, NOW).lines}
    assert (lines["lobby", "tracklets"].held, lines["yard", "tracklets"].held) == (1, 0)
    assert lines["lobby", "tracklets"].over and not lines["yard", "tracklets"].over


def test_alerts_go_by_their_camera_and_watches_after_their_expiry(world):
    watch = {"text": "a red coat", "author": "kim", "purpose": "x"}
    with world.gallery.database.write() as session:
        for expires in (NOW - 5 * DAY_NS, None):
            number = add_watch(session, NewWatch(**watch, expires_ns=None), NOW)
            session.get(WatchRow, number).expires_ns = expires
    common = {
        "watch_id": 2,
        "name": "x",
        "kind": "description",
        "modality": "visible",
        "evidence": {},
        "identity_id": None,
        "score": 0.5,
        "probability": None,
        "false_alarms": None,
        "repeats": None,
    }
    for turn, days in enumerate(DAYS):
        end = NOW - days * DAY_NS
        for camera in ("lobby", "gate"):
            name = world.seen[camera, days]
            told = {"tracklet_id": name, "camera_id": camera, "start_ns": end, "end_ns": end}
            world.put(AlertRow(**common, **told, calibrated=bool(turn)))
    found = world.enforce(cameras={"gate": CameraRules(alerts=10)}, watches=3)
    assert found == [("gate", "alerts", 2), (None, "watches", 1)]
    assert world.count(AlertRow, AlertRow.camera_id == "gate") == 1
    assert world.count(AlertRow) == 4 and world.count(WatchRow) == 1


def test_events_go_behind_every_follower_alone(world):
    before = world.count(OutboxRow)
    lease = {"holder": "", "epoch": 1, "beat": 1}
    world.put(
        LeaseRow(name="clerk/g", state={"position": 9}, **lease),
        LeaseRow(name="follower/watcher/g", state={"position": 4}, **lease),
        LeaseRow(name="retention/other", state={}, **lease),
    )
    assert world.enforce(outbox=95) == [], "none is that old"
    [(_, _, count)] = world.enforce(outbox=1)
    with world.gallery.database.read() as session:
        left = session.scalars(select(OutboxRow.id).order_by(OutboxRow.id)).all()
    assert min(left) == 5 and count == before - len(left) == 4
    world.put(LeaseRow(name="follower/new/g", state={}, **lease))
    assert world.enforce(outbox=1) == [], "one that has just begun has all before it"


def test_an_index_that_fell_behind_what_went_is_made_anew(world):
    query = world.people[:1].astype(np.float32)
    with Gallery.open(world.url) as other:
        assert len(set(other.search(query, MODEL, 40).tracklets[0])) == 9
        world.enforce(days=everything(30))
        scene = Scene(world.gallery, "lobby")
        late = scene.entry(at(1) + 500, near(world.people[0], np.random.default_rng(1), 1))
        world.gallery.add_tracklets([late], MODEL, JOIN)
        world.enforce(NOW + 2 * DAY_NS, outbox=1)
        assert world.count(OutboxRow) in (1, 2), "the last one stays, and the last of vectors"
        found = other.search(query, MODEL, 40).tracklets[0]
        assert late.tracklet.id in found and world.seen["lobby", 90] not in found


def test_notes_of_dead_letters_go_with_their_events(world):
    with world.gallery.database.write() as session:
        for days in DAYS:
            of = {"topic": "frames.visible", "topic_id": "", "number": 0, "offset": days}
            row = RefusedRow(**of, reason="x", message="", attempts=1, record=b"")
            session.add(row)
            session.flush()
            put_event(session, RECORD_REFUSED, "x", {"id": row.id}, NOW - days * DAY_NS)
        put_event(session, "x", "x", {}, NOW)
    assert world.enforce(dead_letters=10) == [(None, "dead_letters", 2)]
    assert world.count(RefusedRow) == world.count(OutboxRow, OutboxRow.kind == RECORD_REFUSED) == 1


def test_the_audit_log_forgets_what_is_personal_and_stays_whole(world):
    for days in DAYS:
        trail = Trail(world.gallery.database, KEY, clock=lambda at=days: NOW - at * DAY_NS)
        trail.append(AuditEvent("search", "user:x", "why", None, {}, {"text": f"words of {days}"}))
    assert world.enforce(audit_details=10) == [(None, "audit_details", 2)]
    with world.gallery.database.read() as session:
        parts = str(session.connection().exec_driver_sql("SELECT content FROM audit_parts").all())
    assert "words of 1" in parts and "words of 20" not in parts and "words of 90" not in parts
    done = world.trail.verify()
    assert done.whole and done.forgotten == 4


def test_the_report_is_what_the_audit_log_says(world):
    world.enforce(days=everything(30), cameras={"gate": CameraRules(tracklets=None)})
    world.enforce(days=everything(10), cameras={"gate": CameraRules(tracklets=None)})
    found = report(world.gallery.database, world.trail, NOW)
    assert found.enforced_ns == NOW
    lines = {(one.camera, one.what): one for one in found.lines}
    lobby, gate = lines["lobby", "tracklets"], lines["gate", "tracklets"]
    assert (lobby.days, lobby.removed, lobby.last_days, lobby.over) == (10, 2, 10, False)
    assert NOW - lobby.oldest_ns < 1.01 * DAY_NS
    assert (gate.days, gate.removed, gate.last_ns) == (None, 0, None)
    assert NOW - gate.oldest_ns > 89 * DAY_NS
    assert world.trail.verify().whole


def test_a_run_that_crashed_is_told_of_by_the_next(world):
    class CrashError(Exception):
        pass

    retention = world.retention()
    retention.change(RetentionRules(days=everything(30)))
    asked = iter([False, False, False, False])

    def crash():
        if next(asked, None) is None:
            raise CrashError
        return False

    with pytest.raises(CrashError):
        retention.enforce(crash)
    went = 9 - len(world.there())
    assert went == 2 and report(world.gallery.database, world.trail, NOW).enforced_ns is None
    found = world.retention("another").enforce()
    assert sum(one.count for one in found) == 3
    lines = report(world.gallery.database, world.trail, NOW).lines
    assert sum(one.removed for one in lines) == 3


def test_one_process_at_a_time_enforces_them(world):
    world.put(LeaseRow(name="retention", holder="other", epoch=1, beat=1, state={}))
    world.retention().change(RetentionRules(days=everything(30)))
    with pytest.raises(RetentionBusyError):
        world.retention().enforce()
    assert len(world.there()) == 9


def test_who_died_while_enforcing_is_waited_for_and_taken_over_from(world):
    world.put(LeaseRow(name="retention", holder="dead", epoch=1, beat=7, state={}))
    moment = SimpleNamespace(now=5.0)

    def pause(seconds):
        moment.now += seconds

    retention = world.retention(steady=lambda: moment.now, pause=pause)
    retention.change(RetentionRules(days=everything(30)))
    assert sum(one.count for one in retention.enforce(wait=True)) == 3
    assert moment.now == 5 + 60 and len(world.there()) == 6


def test_who_enforces_is_not_taken_over_from_however_long_one_waits(world):
    other = Lease(world.gallery.database, "retention", "other", 60.0)
    other.hold()
    moment = SimpleNamespace(now=5.0)

    def pause(seconds):
        moment.now += seconds
        other.hold()

    retention = world.retention(steady=lambda: moment.now, pause=pause)
    with pytest.raises(RetentionBusyError):
        retention.enforce(wait=True)
    assert 60 < moment.now - 5 < 63 and other.epoch == 1


def test_nothing_goes_without_a_log_that_proves_it(world):
    world.enforce()
    retention = Retention(world.gallery, Trail(world.gallery.database, bytes(32)), "system:x", "x")
    with world.gallery.database.write() as session:
        world.trail.append(AuditEvent("x", "user:x"), session)
    with pytest.raises(AuditKeyError):
        retention.enforce()
    assert len(world.there()) == 9


def test_rules_are_kept_and_their_change_is_logged(world):
    rules = RetentionRules(days=everything(30), cameras={"gate": CameraRules(crops=None)})
    retention = world.retention()
    assert retention.change(rules) and not retention.change(rules)
    with world.gallery.database.read() as session:
        kept = kept_rules(session)
    assert kept == rules
    assert kept.of_camera("gate", OfCamera.CROPS) is None
    assert kept.of_camera("gate", OfCamera.TRACKLETS) == 30
    retention.enforce()
    with world.gallery.database.read() as session:
        said = session.connection().exec_driver_sql("SELECT action FROM audit_log ORDER BY number").scalars()
        assert [*said] == ["retention.change", ENFORCED]


def test_for_ever_and_as_of_every_camera_are_two_rules(world):
    retention = world.retention()
    retention.change(RetentionRules(days=everything(30), cameras={"gate": CameraRules(tracklets=None)}))
    as_every = RetentionRules(days=everything(30), cameras={"gate": CameraRules()})
    assert retention.change(as_every) and not retention.change(as_every)
    retention.enforce()
    assert ("gate", 90) not in world.there()
    assert retention.change(RetentionRules(days=everything(30), cameras={"gate": CameraRules(crops=None)}))
    with world.gallery.database.read() as session:
        assert kept_rules(session).cameras["gate"].model_fields_set == {"crops"}


@pytest.mark.parametrize("days", [36_501, 200_000, float("inf"), float("nan")])
def test_a_rule_has_days_that_can_be_counted(days):
    for rule in ({"outbox": days}, {"watches": days}, {"days": {"crops": days}}):
        with pytest.raises(ValidationError):
            RetentionRules.model_validate(rule)


def test_rules_of_too_many_days_that_are_kept_already_remove_nothing_and_break_nothing(world):
    kept = '{"days": {"tracklets": 200000.0}, "cameras": {"gate": {"crops": Infinity}}, "watches": 1e300}'
    world.put(MetaRow(key="retention", value=kept))
    assert world.retention().enforce() == () and len(world.there()) == 9
    lines = {(one.camera, one.what): one for one in report(world.gallery.database, world.trail, NOW).lines}
    assert lines["lobby", "tracklets"].days == 36_500 and not lines["lobby", "tracklets"].over
    assert before(float("inf"), NOW) == before(36_500, NOW) > -(2**63)
