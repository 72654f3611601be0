"""Tracklets, identities, links and clips over HTTP: what is told, to whom, and what people put right."""

import av
import numpy as np
import pytest

from reid_core.access import Role, Scope
from reid_core.gallery import Gallery, IdentityPolicy, RecordingRecord, TrackletEntry
from reid_core.types import CloseReason, Modality, Sighting, Spectrum, Tracklet
from stream.footage.sources import named_by, sampled_digest
from tests.support.brightness import write_night
from tests.support.colour_hall import HOUR_NS, START_NS
from tests.support.serving import serve

API = "/api/v1"


def got(client, path, **query):
    answer = client.get(API + path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def posted(client, path, status=200, **body):
    answer = client.post(API + path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.fixture
def reviewer(served):
    return served.client(Role.REVIEWER)


def names(page):
    return [one["tracklet"] for one in page["tracklets"]]


def test_tracklets_in_pages_the_newest_first(served, hall):
    client, t = served.client(Role.VIEWER), hall.tracklets
    first = got(client, "/tracklets", limit=3)
    assert names(first) == [t["night"], t["red again"], t["blue"]]
    rest = got(client, "/tracklets", limit=3, cursor=first["next"])
    assert names(rest) == [t["green"], t["red"]] and rest["next"] is None
    assert names(got(client, "/tracklets", modality="infrared")) == [t["night"]]
    assert names(got(client, "/tracklets", camera=["gate", "yard"], until="2023-11-15T02:00:00Z")) == [
        t["red again"],
        t["blue"],
    ]
    assert client.get(first["tracklets"][0]["crop"]).content.startswith(b"\xff\xd8")
    assert client.get(f"{API}/links", params={"cursor": first["next"]}).status_code == 422
    scoped = served.client(Role.VIEWER, Scope(frozenset({"gate"}), since_ns=START_NS + 3 * HOUR_NS))
    assert names(got(scoped, "/tracklets")) == [t["red again"]]


def test_one_tracklet_with_its_link(served, hall):
    t = hall.tracklets
    night = got(served.client(Role.VIEWER), f"/tracklets/{t['night']}")
    assert (night["camera"], night["identity"], len(night["crops"])) == ("yard", None, 1)
    best = night["link"]["candidates"][0]
    assert (best["identity"], best["tracklet"], best["camera"]) == (hall.who["blue"], t["blue"], "gate")
    assert night["link"]["state"] == "uncertain" and best["probability"] == pytest.approx(0.5, abs=0.01)
    scoped = served.client(Role.VIEWER, Scope(frozenset({"yard", "lobby"})))
    seen = {one["identity"] for one in got(scoped, f"/tracklets/{t['night']}")["link"]["candidates"]}
    assert seen == {hall.who["red"], hall.who["green"]}
    hidden = scoped.get(f"{API}/tracklets/{t['blue']}")
    assert hidden.status_code == 404 and hidden.text == scoped.get(f"{API}/tracklets/nobody").text


def test_a_timeline_by_day_and_night(served, hall, reviewer):
    t, blue = hall.tracklets, hall.who["blue"]
    posted(reviewer, f"/links/{t['night']}/confirm", identity=blue, reason="the gait")
    told = got(served.client(Role.VIEWER), f"/identities/{blue}")
    assert [(one["tracklet"], one["how"]) for one in told["timeline"]] == [
        (t["blue"], "member"),
        (t["night"], "confirmed"),
    ]
    assert told["cameras"] == ["gate", "yard"] and told["start"] < told["end"]
    lobby = served.client(Role.VIEWER, Scope(frozenset({"lobby", "yard"})))
    assert lobby.get(f"{API}/identities/{blue}").text == lobby.get(f"{API}/identities/nobody").text


def test_links_are_asked_about_until_somebody_has_said(served, hall, reviewer):
    night, blue, red = hall.tracklets["night"], hall.who["blue"], hall.who["red"]

    def states():
        return {state: len(got(reviewer, "/links", state=state)["links"]) for state in STATES}

    assert states() == {"uncertain": 1, "confirmed": 0, "rejected": 0, "all": 1}
    done = posted(reviewer, f"/links/{night}/reject", identity=blue)
    assert done["done"] and done["label"] == 1
    assert states() == {"uncertain": 0, "confirmed": 0, "rejected": 1, "all": 1}
    posted(reviewer, f"/links/{night}/confirm", identity=red, reason="the gait")
    assert states() == {"uncertain": 0, "confirmed": 1, "rejected": 0, "all": 1}
    said = got(reviewer, "/links", state="confirmed")["links"][0]["judgements"]
    assert [(one["identity"], one["verdict"], one["reason"]) for one in said] == [
        (blue, "rejected", ""),
        (red, "confirmed", "the gait"),
    ]
    posted(reviewer, f"/links/{night}/confirm", 409, identity="somebody")
    posted(reviewer, f"/links/{hall.tracklets['red']}/confirm", 404, identity=red)
    lobby = served.client(Role.REVIEWER, Scope(frozenset({"lobby", "yard"})))
    # Whom they may not see is no candidate of theirs.
    assert posted(lobby, f"/links/{night}/confirm", 404, identity=blue)["code"] == "not-found"


STATES = ("uncertain", "confirmed", "rejected", "all")


def test_identities_are_put_right(hall, served, reviewer):
    t, red, again = hall.tracklets, hall.who["red"], hall.who["red again"]
    seen = got(reviewer, f"/identities/{red}")["revision"]
    done = posted(reviewer, f"/identities/{red}/merge", other=again, revision=seen, reason="same coat")
    assert done["identity"] == red and done["correction"] == 1
    whole = got(reviewer, f"/identities/{red}")
    assert {one["tracklet"] for one in whole["timeline"]} == {t["red"], t["red again"]}
    assert whole["corrections"][0]["by"] == "reviewer0" and whole["corrections"][0]["kind"] == "merge"
    # Who looked at it before sees somebody else by now.
    stale = posted(reviewer, f"/identities/{red}/split", 409, tracklets=[t["red"]], revision=seen)
    assert stale["code"] == "stale"
    posted(reviewer, f"/identities/{again}/merge", 404, other=hall.who["green"])
    apart = posted(
        reviewer, f"/identities/{red}/split", tracklets=[t["red again"]], revision=whole["revision"]
    )
    assert got(reviewer, f"/identities/{apart['identity']}")["cameras"] == ["gate"]
    moved = {"identity": red, "from_identity": apart["identity"]}
    assert posted(reviewer, f"/tracklets/{t['red again']}/move", **moved)["identity"] == red
    posted(reviewer, f"/tracklets/{t['red again']}/move", 409, **moved)
    posted(reviewer, f"/tracklets/{t['night']}/move", 422, identity=red)
    posted(served.client(Role.INVESTIGATOR), f"/identities/{red}/merge", 403, other=hall.who["green"])


def test_nobody_moves_whom_they_cannot_see(hall, served):
    lobby = served.client(Role.REVIEWER, Scope(frozenset({"lobby"})))
    red, blue = hall.who["red"], hall.who["blue"]
    posted(lobby, f"/identities/{red}/merge", 404, other=blue)
    posted(lobby, f"/identities/{blue}/merge", 404, other=red)
    posted(lobby, f"/tracklets/{hall.tracklets['blue']}/move", 404, identity=red)
    posted(lobby, f"/identities/{red}/split", 404, tracklets=[hall.tracklets["blue"]])
    assert len(hall.gallery.identities()) == 4


@pytest.fixture
def strict(hall, colour_settings):
    """A console whose policy asks for two people."""
    policy = {"purpose": (), "two_persons": ["link", "identity.merge"]}
    return serve(hall.gallery, colour_settings(policy=policy))


def test_two_people_confirm_and_merge(strict, hall):
    one, other = strict.user(Role.REVIEWER, name="ada"), strict.user(Role.REVIEWER, name="bob")
    ada, bob, red = strict.client(one), strict.client(other), hall.who["red"]
    waits = posted(ada, f"/identities/{red}/merge", other=hall.who["red again"], reason="same coat")
    assert not waits["done"] and len(hall.gallery.identities()) == 4
    (told,) = got(bob, "/proposals")["proposals"]
    assert (told["by"], told["action"], told["mine"]) == ("ada", "identity.merge", False)
    assert got(ada, "/proposals")["proposals"][0]["mine"]
    # Not by the same account, by whatever means it comes in.
    approve = f"/proposals/{waits['proposal']}/approve"
    assert posted(ada, approve, 409)["code"] == "second-person"
    assert posted(strict.program(one), approve, 409)["code"] == "second-person"
    scoped = strict.client(Role.REVIEWER, Scope(frozenset({"yard"})))
    assert got(scoped, "/proposals")["proposals"] == [] and posted(scoped, approve, 404)
    assert posted(bob, approve)["done"] and len(hall.gallery.identities()) == 3
    posted(bob, approve, 409)
    night = hall.tracklets["night"]
    link = posted(ada, f"/links/{night}/confirm", identity=hall.who["blue"])
    assert got(ada, "/links", state="uncertain")["links"]
    posted(bob, f"/proposals/{link['proposal']}/approve")
    (said,) = got(ada, f"/tracklets/{night}")["link"]["judgements"]
    assert (said["by"], said["second"], said["verdict"]) == ("ada", "bob", "confirmed")
    assert [one["state"] for one in got(bob, "/proposals", state="all")["proposals"]] == ["approved"] * 2


def test_a_proposal_is_declined_or_taken_back(strict, hall):
    ada, bob = strict.client(Role.REVIEWER), strict.client(Role.REVIEWER)
    eve = strict.client(Role.INVESTIGATOR)
    night, blue = hall.tracklets["night"], hall.who["blue"]
    first = posted(ada, f"/links/{night}/reject", identity=blue)["proposal"]
    posted(eve, f"/proposals/{first}/decline", 404)
    posted(eve, f"/proposals/{first}/approve", 403)
    assert not posted(bob, f"/proposals/{first}/decline")["done"]
    second = posted(eve, f"/links/{night}/reject", identity=blue)["proposal"]
    posted(eve, f"/proposals/{second}/decline")
    assert second != first and got(ada, "/proposals")["proposals"] == []


@pytest.mark.slow
def test_a_clip_of_what_is_around_a_sighting(tmp_path, colour_settings):
    (tmp_path / "footage").mkdir()
    videos = write_night(tmp_path / "footage")
    with Gallery.open("sqlite://") as gallery:
        start = 1_700_000_000_000_000_000
        tracklet = tracklet_of(gallery, videos["gate"], start)
        console = serve(gallery, colour_settings(policy={"purpose": ()}, footage=(tmp_path / "footage",)))
        client = console.client(Role.INVESTIGATOR)
        answer = client.get(f"{API}/tracklets/{tracklet}/clip", params={"seconds": 0.4})
        assert answer.status_code == 200, answer.text
        (tmp_path / "clip.mp4").write_bytes(answer.content)
        with av.open(tmp_path / "clip.mp4") as clip:
            frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
        assert 15 <= len(frames) <= 21 and frames[0].max() > 150
        assert console.client(Role.VIEWER).get(f"{API}/tracklets/{tracklet}/clip").status_code == 403
        elsewhere = serve(gallery, colour_settings(policy={"purpose": ()}, footage=(tmp_path / "other",)))
        gone = elsewhere.client(elsewhere.user(Role.INVESTIGATOR, name="x")).get(
            f"{API}/tracklets/{tracklet}/clip"
        )
        assert gone.status_code == 404 and gone.json()["code"] == "no-footage"
        videos["gate"].write_bytes(videos["gate"].read_bytes() + b"more")
        changed = client.get(f"{API}/tracklets/{tracklet}/clip")
        assert changed.status_code == 404 and "changed" in changed.json()["detail"]


def tracklet_of(gallery, video, start_ns):
    """A tracklet of that very file, from its tenth frame on."""
    name = named_by(sampled_digest(video), "gate", Modality.VISIBLE)
    gallery.put_camera("gate", Modality.VISIBLE, Spectrum.VISIBLE, start_ns)
    gallery.begin_recording(
        RecordingRecord(name, "gate", video.name, 25.0, 320, 240, start_ns, "none", "a" * 64)
    )
    frames = np.arange(10, 40)
    times = start_ns + frames * 40_000_000
    boxes = np.tile(np.array([1, 2, 30, 60], np.float32), (len(frames), 1))
    best = Sighting(20, int(times[10]), boxes[0], 0.9, 0.9, np.zeros((8, 4, 3), np.uint8))
    tracklet = Tracklet(
        id="t1",
        recording=name,
        camera="gate",
        modality=Modality.VISIBLE,
        frames=frames,
        times_ns=times,
        boxes=boxes,
        confidences=np.full(len(frames), 0.9, np.float32),
        sightings=(best,),
        close_reason=CloseReason.TIMEOUT,
    )
    entry = TrackletEntry(tracklet, np.eye(4, dtype=np.float32)[:1], (b"",))
    gallery.add_tracklets([entry], "a" * 64, IdentityPolicy(None))
    return tracklet.id
