"""Erasures and holds over HTTP: shown first, once or by two people, and nothing is found afterwards."""

import pytest

from reid_core.access import Role, Scope
from reid_core.gallery import Gallery
from reid_core.gallery.corrections import Author, merge
from reid_core.gallery.indexes import Indexes
from stream.kafka.blob_notes import Shown
from stream.kafka.blobs import BlobStore
from tests.support.colour_hall import colour_hall
from tests.support.serving import audited, serve

API = "/api/v1"


@pytest.fixture
def admin(served):
    return served.client(Role.ADMIN)


def sent(client, path, status=200, method="post", **body):
    answer = client.request(method, API + path, **({"json": body} if body or method == "post" else {}))
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_person_is_shown_and_erased(served, hall, admin):
    red = hall.who["red"]
    shown = sent(admin, "/erasures/plan", identities=[red])
    assert [one["tracklet"] for one in shown["tracklets"]] == [hall.tracklets["red"]]
    picture = next(one["crop"] for one in shown["tracklets"] if one["crop"])
    assert admin.get(picture).content.startswith(b"\xff\xd8")
    sent(admin, "/erasures", 409, identities=[red], revision="of another plan")
    done = sent(admin, "/erasures", identities=[red], revision=shown["revision"])
    assert (done["done"], done["tracklets"]) == (True, 1) and done["left"]
    viewer = served.client(Role.VIEWER)
    assert viewer.get(f"{API}/identities/{red}").status_code == 404
    assert viewer.get(picture).status_code == 404
    found = sent(served.client(Role.INVESTIGATOR), "/searches", text="a person in red")
    assert red not in {one["identity"] for one in found["identities"]}
    told = sent(served.client(Role.AUDITOR), "/erasures", method="get")["erasures"]
    assert [(one["erasure"], one["tracklets"]) for one in told] == [(done["erasure"], 1)]
    assert "red" not in str(told) and hall.who["red"] not in str(told)


@pytest.mark.parametrize("two", [(), ("erase",)])
def test_frames_that_show_them_leave_the_blob_store(hall, colour_settings, tmp_path, two):
    settings = colour_settings(policy={"purpose": (), "two_persons": two}, blobs=str(tmp_path / "blobs"))
    console, store = serve(hall.gallery, settings), BlobStore(str(tmp_path / "blobs"))
    red = hall.gallery.tracklet(hall.tracklets["red"])
    frame, later = b"a frame of red" * 99, b"a frame of nobody" * 99
    store.put(frame, Shown(red.camera, red.start_ns))
    store.put(later, Shown(red.camera, red.end_ns + 1))
    admin, who = console.client(Role.ADMIN), [hall.who["red"]]
    revision = sent(admin, "/erasures/plan", identities=who)["revision"]
    asked = sent(admin, "/erasures", identities=who, revision=revision)
    if two:
        sent(console.client(Role.REVIEWER), f"/proposals/{asked['proposal']}/approve")
    else:
        assert any(line.startswith("Blobs: 1 frame of") for line in asked["left"])
    contents = [file.read_bytes() for file in (tmp_path / "blobs").rglob("*") if file.is_file()]
    assert frame not in contents and later in contents


def test_who_may_not_see_them_may_not_erase_them(served, hall):
    for role in Role:
        answer = served.client(role).post(f"{API}/erasures/plan", json={"identities": [hall.who["red"]]})
        assert answer.status_code == (200 if role is Role.ADMIN else 403), role
    scoped = served.client(Role.ADMIN, Scope(frozenset({"gate"})))
    hidden = scoped.post(f"{API}/erasures/plan", json={"identities": [hall.who["green"]]})
    nobody = scoped.post(f"{API}/erasures/plan", json={"identities": ["nobody at all"]})
    assert hidden.status_code == nobody.status_code == 404 and hidden.text == nobody.text
    assert sent(served.client(Role.ADMIN), "/erasures/plan", 422)["code"] == "usage"


def test_a_crop_of_the_gallery_is_known_again(served, hall, admin):
    with served.gallery.database.read():
        crop = served.gallery.sightings(hall.tracklets["blue"])[0].crop
    files = {"file": ("crop.jpg", crop, "image/jpeg")}
    found = admin.post(f"{API}/erasures/example", files=files).json()
    assert hall.tracklets["blue"] in found["tracklets"] and hall.who["blue"] in found["identities"]
    changed = {"file": ("crop.jpg", crop + b"\0", "image/jpeg")}
    like = admin.post(f"{API}/erasures/example", files=changed).json()
    assert like["tracklets"] == [] and like["candidates"][0]["identity"] == hall.who["blue"]


def test_a_second_person_agrees(hall, colour_settings):
    console = serve(hall.gallery, colour_settings(policy={"purpose": (), "two_persons": ("erase",)}))
    admin, red = console.client(Role.ADMIN), hall.who["red"]
    shown = sent(admin, "/erasures/plan", identities=[red])
    asked = sent(admin, "/erasures", identities=[red], revision=shown["revision"])
    assert not asked["done"] and asked["proposal"]
    viewer, reviewer = console.client(Role.VIEWER), console.client(Role.REVIEWER)
    assert viewer.get(f"{API}/identities/{red}").status_code == 200, "nothing has happened yet"
    done = sent(reviewer, f"/proposals/{asked['proposal']}/approve")
    assert done["done"] and done["action"] == "erase"
    assert viewer.get(f"{API}/identities/{red}").status_code == 404
    (told,) = sent(admin, "/erasures", method="get")["erasures"]
    assert "agreed by" in told["by"]
    console.context.close()


def test_who_is_held_stays(served, hall, admin):
    blue = hall.who["blue"]
    held = sent(admin, "/holds", 201, identity=blue, reason="a court asked")
    shown = sent(admin, "/erasures/plan", identities=[blue])
    assert all(one["held"] for one in shown["tracklets"])
    refused = sent(admin, "/erasures", 422, identities=[blue], revision=shown["revision"])
    assert refused["code"] == "held"
    assert [one["hold"] for one in sent(served.client(Role.AUDITOR), "/holds", method="get")["holds"]] == [1]
    elsewhere = served.client(Role.ADMIN, Scope(frozenset({"lobby"})))
    assert sent(elsewhere, "/holds", method="get")["holds"] == []
    sent(elsewhere, f"/holds/{held['hold']}", 404, method="delete")
    sent(admin, f"/holds/{held['hold']}", method="delete")
    sent(admin, f"/holds/{held['hold']}", 404, method="delete")
    assert sent(admin, "/erasures", identities=[blue], revision=shown["revision"])["done"]


@pytest.mark.parametrize("kept", ["red", "green"])
def test_who_comes_to_them_after_they_were_shown_is_not_erased(served, hall, monkeypatch, kept):
    lobby = served.client(Role.ADMIN, Scope(frozenset({"lobby", "gate"})))
    red = [hall.who["red"]]
    revision = sent(lobby, "/erasures/plan", identities=red)["revision"]
    erasing, other = Indexes.erasing, {"red": "green", "green": "red"}[kept]

    def after_a_merge(indexes):
        monkeypatch.undo()
        with served.gallery.database.write() as session:
            merge(session, hall.who[kept], hall.who[other], Author("kim", 7))
        return erasing(indexes)

    monkeypatch.setattr(Indexes, "erasing", after_a_merge)
    assert sent(lobby, "/erasures", 409, identities=red, revision=revision)["code"] == "stale"
    assert {one.id for one in served.gallery.tracklets()} == {*hall.tracklets.values()}
    assert sent(lobby, "/erasures", method="get")["erasures"] == []


def test_an_approval_that_is_refused_erases_nobody_later(empty_gallery, colour_checkpoint, colour_settings):
    hall = colour_hall(empty_gallery, colour_checkpoint)
    policy = {"purpose": ("propose.approve",), "two_persons": ("erase",)}
    console, red = serve(hall.gallery, colour_settings(policy=policy)), [hall.who["red"]]
    admin, reviewer = console.client(Role.ADMIN), console.client(Role.REVIEWER)
    revision = sent(admin, "/erasures/plan", identities=red)["revision"]
    number = sent(admin, "/erasures", identities=red, revision=revision)["proposal"]
    refused = sent(reviewer, f"/proposals/{number}/approve", 422)
    assert refused["code"] == "purpose-needed"
    with Gallery.open(f"sqlite:///{hall.gallery.database.file}") as opened:
        assert hall.tracklets["red"] in {one.id for one in opened.tracklets()}
    reviewer.headers["Nightreid-Purpose"] = "as asked by letter"
    assert sent(reviewer, f"/proposals/{number}/approve")["done"]
    assert hall.tracklets["red"] not in {one.id for one in hall.gallery.tracklets()}
    done = [one.action for one in audited(console)]
    assert done[-2:] == ["propose.approve", "erase"]
    console.context.close()
