"""Watches and alerts over HTTP: by whom they may be set, seen, changed, and taken note of."""

import json

import numpy as np
import pytest
from sqlalchemy import select

from reid_core.access import Role, Scope
from reid_core.audit.rows import AuditPartRow, AuditRow
from reid_core.gallery import Gallery
from reid_core.images import decode_picture, encode_jpeg
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from reid_core.watching.deliveries import DeliveryState, claim, queue, settle
from reid_core.watching.keeping import the_watch
from reid_core.watching.watch import Watch
from tests.support.serving import SERVED, serve
from tests.support.watched import Square

WATCHES, ALERTS, PROPOSALS = "/api/v1/watches", "/api/v1/alerts", "/api/v1/proposals"
YARD, GATE = Scope(frozenset({"yard"})), Scope(frozenset({"gate"}))
WHY = {"nightreid_purpose": "theft on Monday"}


@pytest.fixture
def square(sqlite_gallery):
    with Gallery.open(sqlite_gallery) as gallery:
        made = Square(gallery)
        made.comes("lobby", 0, 1)
        yield made


@pytest.fixture
def served(square):
    console = serve(square.gallery)
    yield console
    console.context.close()


def written(gallery, action):
    """Subject and details of what the audit log has of an action."""
    with gallery.database.read() as session:
        chosen = select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.number)
        rows = list(session.scalars(chosen))
        parts = {
            part.number: json.loads(part.content)
            for part in session.scalars(select(AuditPartRow).where(AuditPartRow.part == "details"))
        }
    return [(json.loads(row.subject), parts.get(row.number, {})) for row in rows]


def test_a_watch_from_its_beginning_to_its_end(served, square):
    kim = served.client(Role.INVESTIGATOR, **WHY)
    asked = {
        "text": "bloke in a crimson coat", "cameras": ["yard"], "hours": "22:00-6:00",
        "zone": "Europe/Berlin",
        "expires": "2040-01-01T00:00:00+01:00", "false_alarms": 2,
    }  # fmt: skip
    made = kim.post(WATCHES, json=asked).json()
    one = made["watch"]
    assert made["done"] and "red" in made["understood"]
    assert (one["watch"], one["kind"], one["text"], one["state"]) == (
        1,
        "description",
        asked["text"],
        "active",
    )
    assert (one["hours"], one["zone"], one["expires"]) == (
        "22:00-06:00",
        "Europe/Berlin",
        "2039-12-31T23:00:00Z",
    )
    assert (one["author"], one["purpose"]) == ("investigator0", "theft on Monday")
    assert written(square.gallery, "watch.add") == [
        ({"cameras": ["yard"], "watch": 1}, {"text": asked["text"]})
    ]
    changed = kim.patch(f"{WATCHES}/1", json={"paused": True, "name": "Monday's"}).json()
    assert (changed["state"], changed["name"], changed["paused"]) == ("paused", "Monday's", True)
    assert kim.patch(f"{WATCHES}/1", json={"paused": False}).json()["state"] == "active"
    assert kim.get(WATCHES).json()["watches"] == [kim.get(f"{WATCHES}/1").json()]
    assert kim.delete(f"{WATCHES}/1").status_code == 204
    assert kim.get(WATCHES).json() == {"watches": []} and kim.get(f"{WATCHES}/1").status_code == 404
    assert [action[0]["watch"] for action in written(square.gallery, "watch.remove")] == [1]


REFUSED = {
    "nothing": ({}, 422, "looks for one thing"),
    "two things": ({"text": "red coat", "identity": "x"}, 422, "looks for one thing"),
    "empty": ({"text": " \n"}, 422, "is empty"),
    "10,000 words": ({"text": "a " * 9_999 + "a"}, 422, "10,000 words"),
    "longer than is read": ({"text": "coat " * 10_000}, 422, "20000 characters"),
    "Cyrillic": ({"text": "мужчина в красной куртке"}, 422, "not in English"),
    "German": ({"text": "Mann mit roter Jacke und schwarzem Rucksack"}, 422, "not to be in English"),
    "markup alone": ({"text": "<b></b><script>alert(1)</script>"}, 422, "has no words"),
    "not understood": ({"text": "suspicious demeanour"}, 422, "is understood"),
    "in the past": ({"text": "red coat", "expires": "2001-01-01T00:00:00Z"}, 422, "expired already"),
    "no camera": ({"text": "red coat", "cameras": ["loby"]}, 422, "no camera"),
    "no zone of the time": ({"text": "red coat", "expires": "2040-01-01T00:00:00"}, 422, "timezone"),
    "no hours": ({"text": "red coat", "hours": "night"}, 422, "no hours"),
    "no alarms": ({"text": "red coat", "false_alarms": 0}, 422, "greater than 0"),
    "a field that is none": ({"text": "red coat", "camera": "x"}, 422, "camera"),
    "nobody": ({"identity": "00000000-0000-0000-0000-000000000000"}, 404, "no such thing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_a_sentence(served, case):
    asked, status, said = REFUSED[case]
    answer = served.client(Role.INVESTIGATOR, **WHY).post(WATCHES, json=asked)
    assert answer.status_code == status and said in answer.json()["detail"]
    assert served.client(Role.VIEWER).get(WATCHES).json() == {"watches": []}


def test_markup_of_a_description_is_not_kept(served):
    kim = served.client(Role.INVESTIGATOR, **WHY)
    made = kim.post(WATCHES, json={"text": "a <b onclick='x()'>red</b> coat<script>y()</script>"}).json()
    assert (made["watch"]["text"], made["understood"]) == ("a red coat", None)


def test_a_watch_needs_a_purpose_where_the_policy_says_so(served):
    kim = served.client(Role.INVESTIGATOR)
    refused = kim.post(WATCHES, json={"text": "red coat"})
    assert (refused.status_code, refused.json()["code"]) == (422, "purpose-needed")
    made = kim.post(WATCHES, json={"text": "red coat", "purpose": "a theft"}).json()
    assert made["watch"]["purpose"] == "a theft"


def test_who_sees_one_camera_watches_there_alone_and_sees_such_watches_alone(served, square):
    anna = square.gallery.identities()[0].id
    square.comes("yard", 0)
    boss = served.client(Role.INVESTIGATOR, **WHY)
    everywhere = boss.post(WATCHES, json={"text": "red coat"}).json()["watch"]["watch"]
    gate = boss.post(WATCHES, json={"text": "red coat", "cameras": ["gate"]}).json()["watch"]["watch"]
    guard = served.client(Role.INVESTIGATOR, YARD, **WHY)
    assert guard.get(WATCHES).json() == {"watches": []}
    for number in (everywhere, gate):
        assert guard.get(f"{WATCHES}/{number}").status_code == 404
        assert guard.patch(f"{WATCHES}/{number}", json={"paused": True}).status_code == 404
        assert guard.delete(f"{WATCHES}/{number}").status_code == 404
    mine = guard.post(WATCHES, json={"text": "green coat"}).json()["watch"]
    assert mine["cameras"] == ["yard"]
    for camera in ("gate", "nowhere"):
        answer = guard.post(WATCHES, json={"text": "red coat", "cameras": [camera]})
        assert (answer.status_code, answer.json()["detail"]) == (404, "There is no such thing.")
    # Anna was seen in the lobby alone, so that to the guard there is no such person.
    assert guard.post(WATCHES, json={"identity": anna}).status_code == 404
    assert boss.post(WATCHES, json={"identity": anna}).json()["watch"]["kind"] == "identity"
    assert [one["watch"] for one in guard.get(WATCHES).json()["watches"]] == [mine["watch"]]
    assert len(boss.get(WATCHES).json()["watches"]) == 4


def test_a_picture_is_watched_for_by_whoever_uploaded_it(hall, colour_settings, colour_checkpoint):
    console = serve(hall.gallery, colour_settings())
    kim = console.client(Role.INVESTIGATOR, **WHY)
    data = encode_jpeg(np.full((60, 30, 3), (200, 30, 30), np.uint8), 95)
    picture = kim.post("/api/v1/pictures", files={"file": ("crop.jpg", data)}).json()["picture"]
    other = console.client(Role.INVESTIGATOR, **WHY)
    assert other.post(WATCHES, json={"picture": picture}).status_code == 404
    one = kim.post(WATCHES, json={"picture": picture, "name": "red"}).json()["watch"]
    assert (one["kind"], one["modality_of_picture"], one["text"]) == ("picture", "visible", None)
    with hall.gallery.database.read() as session:
        vector = Watch.of(the_watch(session, one["watch"])).vector
    embedded = load_embedder(colour_checkpoint, threads=1).embed([decode_picture(data)], Modality.VISIBLE)[0]
    assert vector @ embedded > 0.999
    console.context.close()


def test_whose_rights_end_has_watches_that_do(served):
    until = served.context.clock() + 3600 * 10**9
    guard = served.client(Role.INVESTIGATOR, Scope(until_ns=until), **WHY)
    made = guard.post(WATCHES, json={"text": "red coat", "expires": "2040-01-01T00:00:00Z"}).json()
    assert made["watch"]["expires"] < "2040"
    later = guard.patch(
        f"{WATCHES}/{made['watch']['watch']}", json={"expires": "2040-01-01T00:00:00Z"}
    ).json()
    assert later["expires"] == made["watch"]["expires"]


def test_a_second_person_agrees_to_a_watch_where_the_policy_asks(square):
    policy = SERVED.policy.model_copy(update={"two_persons": ("watch.add",)})
    served = serve(square.gallery, SERVED.model_copy(update={"policy": policy}))
    kim = served.client(Role.INVESTIGATOR, **WHY)
    asked = {"text": "an Asian in a red coat", "cameras": ["gate"], "name": "Monday", "false_alarms": 5}
    made = kim.post(WATCHES, json=asked).json()
    assert (made["done"], made["watch"]) == (False, None)
    assert kim.get(WATCHES).json() == {"watches": []}
    guard = served.client(Role.REVIEWER, YARD)
    assert guard.get(PROPOSALS).json()["proposals"] == [], "it looks where the guard may not"
    assert guard.post(f"{PROPOSALS}/{made['proposal']}/approve").status_code == 404
    [(_, details)] = written(square.gallery, "propose")
    assert "Asian" not in str(details)
    lee = served.client(Role.REVIEWER, **WHY)
    [waits] = lee.get(PROPOSALS).json()["proposals"]
    assert (waits["action"], waits["subject"]["text"]) == ("watch.add", "a person in a red coat")
    done = lee.post(f"{PROPOSALS}/{waits['proposal']}/approve").json()
    [(subject, details)] = written(square.gallery, "watch.add")
    assert (subject["watch"], subject["cameras"]) == (done["watch"], ["gate"])
    assert "text" not in subject and details == {"text": "a person in a red coat", "name": "Monday"}
    [one] = kim.get(WATCHES).json()["watches"]
    assert one["watch"] == done["watch"]
    assert (one["name"], one["cameras"], one["author"]) == ("Monday", ["gate"], "investigator0")
    assert (one["purpose"], one["false_alarms"]) == ("theft on Monday", 5)
    square.comes("gate", 0)
    square.looks().catch_up()
    assert [alert["name"] for alert in kim.get(ALERTS).json()["alerts"]] == ["Monday"]
    served.context.close()


def test_alerts_come_latest_first_in_pages_and_are_taken_note_of(served, square):
    square.watch("a red coat", name="Monday")
    square.watch("a green coat", name="Tuesday")
    for camera in ("lobby", "gate", "yard"):
        square.comes(camera, 0, 1)
    square.looks().catch_up()
    viewer = served.client(Role.VIEWER)
    everything = viewer.get(ALERTS).json()
    numbers = [one["alert"] for one in everything["alerts"]]
    assert numbers == sorted(numbers, reverse=True) and len(numbers) == 6 and everything["next"] is None
    paged, cursor = [], None
    while True:
        page = viewer.get(ALERTS, params={"limit": 4} | ({"cursor": cursor} if cursor else {})).json()
        paged += [one["alert"] for one in page["alerts"]]
        if not (cursor := page["next"]):
            break
    assert paged == numbers
    tuesday = viewer.get(ALERTS, params={"watch": 2, "camera": ["gate", "yard"]}).json()["alerts"]
    assert [(one["name"], one["camera"]) for one in tuesday] == [("Tuesday", "yard"), ("Tuesday", "gate")]
    assert {
        one["modality"] for one in viewer.get(ALERTS, params={"modality": "infrared"}).json()["alerts"]
    } == {"infrared"}
    first = viewer.post(f"{ALERTS}/{numbers[0]}/acknowledge").json()
    again = served.client(Role.INVESTIGATOR).post(f"{ALERTS}/{numbers[0]}/acknowledge").json()
    assert first | {"crop": ""} == again | {"crop": ""} and first["acknowledged_by"] == "viewer0"
    left = viewer.get(ALERTS, params={"acknowledged": False}).json()["alerts"]
    assert [one["alert"] for one in left] == numbers[1:]
    noted = viewer.get(ALERTS, params={"acknowledged": True}).json()["alerts"]
    assert [one["alert"] for one in noted] == numbers[:1]
    assert written(square.gallery, "alerts")[0][0] == {"alerts": numbers}
    for wrong in ("x", "bjF4", "bi0x", "AAAA"):
        assert viewer.get(ALERTS, params={"cursor": wrong}).status_code == 422


def test_alerts_of_elsewhere_are_not_there(served, square):
    square.watch("a red coat")
    square.comes("gate", 0)
    square.comes("yard", 0)
    square.looks().catch_up()
    gate, yard = (one.number for one in square.alerts())
    guard = served.client(Role.VIEWER, YARD)
    [seen] = guard.get(ALERTS).json()["alerts"]
    assert (seen["alert"], seen["identity"], seen["probability"]) == (yard, None, None)
    [open_] = served.client(Role.VIEWER).get(ALERTS, params={"camera": "yard"}).json()["alerts"]
    assert open_["identity"] is not None
    assert guard.get(ALERTS, params={"camera": "gate"}).json()["alerts"] == []
    unseen, nothing = guard.get(f"{ALERTS}/{gate}"), guard.get(f"{ALERTS}/{10**15}")
    assert unseen.status_code == nothing.status_code == 404 and unseen.json() == nothing.json()
    assert guard.post(f"{ALERTS}/{gate}/acknowledge").status_code == 404
    assert guard.get(f"{ALERTS}/{yard}").json() | {"crop": ""} == seen | {"crop": ""}


def test_what_is_not_delivered_is_seen_and_begun_anew_by_the_administration(served, square):
    square.watch("a red coat")
    square.comes("gate", 0)
    square.looks().catch_up()
    [alert] = square.alerts()
    with square.database.write() as session:
        queue(session, "desk", alert.number, "a" * 16, 1)
        settle(session, claim(session, "desk", 2, 0), DeliveryState.GIVEN_UP, 500, "It answered 500.", 0)
    admin = served.client(Role.ADMIN)
    path = "/api/v1/webhooks/deliveries"
    [one] = admin.get(path, params={"state": "given up"}).json()["deliveries"]
    assert (one["webhook"], one["status"], one["error"], one["due"]) == (
        "desk",
        500,
        "It answered 500.",
        None,
    )
    assert admin.post(f"{path}/1/retry").json()["state"] == "waiting"
    assert admin.get(path, params={"state": "given up"}).json() == {"deliveries": []}
    assert admin.post(f"{path}/9/retry").status_code == 422
    assert served.client(Role.INVESTIGATOR).get(path).status_code == 403
