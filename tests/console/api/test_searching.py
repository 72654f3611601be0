"""Searches over HTTP: by words, tracklet, picture and words with either; pages, scope and evidence."""

import pytest
from sqlalchemy import select

from reid_core.access import Role, Scope
from reid_core.audit.rows import AuditRow
from tests.support.brightness import BLUE, GREEN, RED
from tests.support.colour_hall import HOUR_NS, START_NS, picture
from tests.support.serving import serve

SEARCHES, PICTURES = "/api/v1/searches", "/api/v1/pictures"


def found(client, **asked):
    answer = client.post(SEARCHES, json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client, status, **asked):
    answer = client.post(SEARCHES, json=asked)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.json()


def order(answer):
    return [one["identity"] for one in answer["identities"]]


@pytest.fixture
def client(served):
    return served.client(Role.INVESTIGATOR)


def uploaded(client, colour, **form):
    answer = client.post(PICTURES, files={"file": ("crop", picture(colour))}, data=form)
    assert answer.status_code == 201, answer.text
    return answer.json()["picture"]


def test_words_find_whom_they_describe_and_say_why(client, hall):
    answer = found(client, text="bloke in a scarlet hoodie and wellies")
    best = answer["identities"][0]
    assert best["identity"] in (hall.who["red"], hall.who["red again"])
    assert answer["understood"]["searched_for"] == "a man, wearing a red hoodie and boots."
    assert "wellies read as boots" in answer["understood"]["told"]
    assert (answer["form"], answer["searched"], answer["captioned"]) == ("text", 4, 0)
    assert best["evidence"]["kind"] == "picture" and best["score"] == pytest.approx(1, abs=1e-3)
    shares = {one["name"]: one["share"] for one in answer["words"]}
    assert shares["red (hoodie)"] == pytest.approx(1, abs=1e-3) and shares["boots"] == 0
    assert best["evidence"]["words"] == answer["words"] and not answer["identities"][-1]["evidence"]["words"]
    assert sum(one["probability"] for one in answer["identities"]) + answer["unknown"] == pytest.approx(1)
    assert answer["calibrated"] and answer["calibrated_for_cameras"] is False
    assert any("not calibrated for these cameras" in note for note in answer["notes"])


def test_a_tracklet_a_picture_and_words_with_them(client, hall):
    night = found(client, tracklet=hall.tracklets["night"])
    assert order(night)[0] == hall.who["blue"] and night["form"] == "image" and not night["calibrated"]
    assert "the model is not calibrated for infrared-visible pairs" in " ".join(night["notes"])
    moved = found(client, tracklet=hall.tracklets["night"], text="red coat", form="text")
    assert order(moved)[0] in (hall.who["red"], hall.who["red again"])
    fused = found(client, tracklet=hall.tracklets["night"], text="red coat")
    assert fused["form"] == "fused" and hall.who["blue"] in order(fused)[:3]
    green = uploaded(client, GREEN)
    assert order(found(client, picture=green))[0] == hall.who["green"]
    both = found(client, picture=uploaded(client, BLUE, modality="infrared"), text="red coat", form="text")
    assert order(both)[0] in (hall.who["red"], hall.who["red again"])


def test_words_narrow_whom_a_tracklet_ranks(client, hall):
    asked = {"tracklet": hall.tracklets["night"], "text": "red coat", "form": "narrowed"}
    half = found(client, **asked)
    assert (half["form"], half["searched"], half["kept"], half["rerank"]) == ("narrowed", 4, 2, None)
    assert set(order(half)) == {hall.who["red"], hall.who["red again"]} and half["words"] == []
    assert any("2 of them kept by the words" in note for note in half["notes"])
    everybody = found(client, **asked, keep=1)
    assert order(everybody)[0] == hall.who["blue"] and everybody["kept"] == 4
    assert found(client, tracklet=hall.tracklets["night"])["kept"] is None
    refusal = refused(client, 422, tracklet=hall.tracklets["night"], rerank="ljm")
    assert "gives no local features" in refusal["detail"] and "STAR-ReID" in refusal["hint"]


def test_whoever_is_found_was_also_seen_elsewhere_and_at_night(client, hall):
    best = found(client, text="blue coat")["identities"][0]
    assert [(one["tracklet"], one["modality"], one["camera"]) for one in best["tracklets"]] == [
        (hall.tracklets["blue"], "visible", "gate")
    ]
    # The link is of a model that calls nobody the same: a person does.
    link = f"/api/v1/links/{hall.tracklets['night']}/confirm"
    assert client.post(link, json={"identity": hall.who["blue"]}).json()["done"]
    best = found(client, text="blue coat")["identities"][0]
    assert [one["modality"] for one in best["tracklets"]] == ["infrared", "visible"]
    assert best["tracklets"][0]["spectrum"] == "near"
    for one in best["tracklets"]:
        assert client.get(one["crop"]).status_code == 200


def test_filters_and_pages(client, hall):
    pages, cursor = [], None
    while len(pages) < 9 and (cursor or not pages):
        pages.append(found(client, text="red coat", limit=1, cursor=cursor))
        cursor = pages[-1]["next"]
    assert [one["identities"][0]["rank"] for one in pages] == [1, 2, 3, 4]
    assert {order(page)[0] for page in pages} == set(hall.who.values())
    assert order(found(client, text="red coat", cameras=["gate"]))[0] == hall.who["red again"]
    early = found(client, text="blue coat", until="2023-11-15T00:00:00Z")
    assert set(order(early)) == {hall.who["red"], hall.who["green"]}
    late = found(client, text="red coat", since="2023-11-15T01:00:00+00:00")
    assert order(late) == [hall.who["red again"]] and late["searched"] == 1
    likely = found(client, text="red coat", least_probability=0.2)
    assert set(order(likely)) == {hall.who["red"], hall.who["red again"]}
    nobody = found(client, text="red coat", since="2029-01-01T00:00:00Z")
    assert nobody["identities"] == [] and "nobody was seen there and then" in nobody["notes"]
    assert found(client, text="red coat", since="0001-01-01T00:00:00Z")["searched"] == 4


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "nothing to ask by"),
        ({"text": ""}, "empty"),
        ({"text": "  \n"}, "empty"),
        ({"text": "word " * 10_000}, "characters"),
        ({"text": "a " * 9_999 + "a"}, "10,000 words"),
        ({"text": "красное пальто"}, "not in English"),
        ({"text": "<b></b><script>alert(1)</script>"}, "has no words"),
        ({"text": "un homme avec une veste rouge et un sac"}, "English"),
        ({"text": "wellness of a paradigm"}, "Nothing"),
        ({"text": "red coat", "cameras": ["attic"]}, "no camera 'attic'"),
        ({"text": "red coat", "cameras": ["yard"]}, "infrared"),
        ({"text": "red coat", "cursor": "abc"}, "cursor"),
        ({"text": "red coat", "form": "fused"}, "form"),
        ({"text": "red coat", "modality": "infrared"}, "picture"),
        ({"text": "red coat", "since": "2024-01-01T00:00Z", "until": "2023-01-01T00:00Z"}, "before"),
        ({"text": "red coat", "since": "2024-01-01T00:00"}, "since"),
        ({"tracklet": "t", "picture": "p"}, "not by both"),
        ({"text": "red coat", "form": "narrowed"}, "form"),
        ({"text": "red coat", "keep": 0.5}, "where words narrow"),
        ({"text": "red coat", "keep": 0}, "keep"),
        ({"text": "red coat", "rerank": "ljm"}, "no words"),
        ({"text": "red coat", "rerank": "best"}, "no method"),
        ({"text": "red coat", "limit": 0}, "limit"),
        ({"text": "red coat", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_asked_is_said(client, asked, said):
    assert said in refused(client, 422, **asked)["detail"]


def test_markup_is_words(client, hall):
    answer = found(client, text="<script>alert(1)</script> red <b>coat</b>")
    assert "<" not in answer["understood"]["searched_for"] and order(answer)[0] != hall.who["green"]


def test_pictures_are_bounded_and_their_owners(served, client, hall, colour_settings):
    def upload(data, who=client, **form):
        return who.post(PICTURES, files={"file": ("crop", data)}, data=form)

    assert upload(b"no picture").json()["code"] == "source"
    assert upload(picture(RED)[:300]).status_code == 422
    assert upload(picture(RED, height=2, width=2)).status_code == 422
    assert upload(b"").status_code == 422
    small = serve(hall.gallery, colour_settings(limits={"upload_bytes": 2000, "pixels": 3000}))
    other = small.client(small.user(Role.INVESTIGATOR, name="small"))
    assert upload(picture(RED, ".png", 40, 40) + b" " * 3000, other).status_code == 413
    large = upload(picture(RED, ".png", 60, 60), other)
    assert large.status_code == 422 and "0.003 megapixels" in large.json()["detail"]
    mine = uploaded(client, RED)
    assert found(client, picture=mine)["identities"]
    assert refused(served.client(Role.INVESTIGATOR), 404, picture=mine)["code"] == "not-found"
    for _ in range(20):
        uploaded(client, RED)
    assert refused(client, 404, picture=mine)


def test_nobody_finds_what_they_may_not_see(served, hall):
    scoped = served.client(Role.INVESTIGATOR, Scope(frozenset({"lobby"}), until_ns=START_NS + 2 * HOUR_NS))
    answer = found(scoped, text="blue coat")
    assert set(order(answer)) == {hall.who["red"], hall.who["green"]} and answer["searched"] == 2
    assert {one["camera"] for each in answer["identities"] for one in each["tracklets"]} == {"lobby"}
    # A camera that is out of scope is none, and a tracklet of it is not there.
    said = refused(scoped, 422, text="blue coat", cameras=["gate"])
    assert "no camera 'gate'" in said["detail"] and "gate" not in said["hint"]
    assert refused(scoped, 404, tracklet=hall.tracklets["blue"]) == refused(scoped, 404, tracklet="nobody")


def test_a_search_is_written_down_before_it_is_answered(served, hall, client):
    answer = found(client, text="red coat")
    crop = answer["identities"][0]["evidence"]["crop"]
    assert client.get(crop).headers["content-type"] == "image/jpeg"

    def rows():
        with served.gallery.database.read() as session:
            chosen = select(AuditRow.action, AuditRow.subject).order_by(AuditRow.number)
            return [tuple(row) for row in session.execute(chosen)]

    # The picture is part of the answer; anybody else's view of it, or one by itself, is written down.
    assert [action for action, _ in rows()] == ["search"] and answer["search"] in rows()[0][1]
    assert client.get(crop.partition("?")[0]).status_code == 200
    assert served.client(Role.VIEWER).get(crop).status_code == 200
    assert [action for action, _ in rows()] == ["search", "view", "view"]
    # What could not be written down is not answered.
    served.context.trail.append = lambda *_: (_ for _ in ()).throw(RuntimeError("no log"))
    assert client.post(SEARCHES, json={"text": "red coat"}).status_code == 500
    assert client.get(crop.partition("?")[0]).status_code == 500


def test_a_search_needs_a_purpose_where_the_policy_says_so(hall, colour_settings):
    strict = serve(hall.gallery, colour_settings(policy={"case": ["search"]})).client(Role.INVESTIGATOR)
    assert refused(strict, 422, text="red coat")["code"] == "purpose-needed"
    assert refused(strict, 422, text="red coat", purpose="a theft")["code"] == "purpose-needed"
    assert found(strict, text="red coat", purpose="a theft", case="17/2")["identities"]


def test_a_crop_obeys_the_scope(served, hall):
    crop = f"/api/v1/crops/{hall.sighting('red again')}"
    assert served.client(Role.VIEWER).get(crop).status_code == 200
    scoped = served.client(Role.VIEWER, Scope(frozenset({"lobby"})))
    late = served.client(Role.VIEWER, Scope(since_ns=START_NS + 4 * HOUR_NS))
    answers = [who.get(crop) for who in (scoped, late)] + [scoped.get("/api/v1/crops/nothing")]
    assert [one.status_code for one in answers] == [404] * 3
    assert len({one.text for one in answers}) == 1
    assert served.client(Role.AUDITOR).get(crop).status_code == 403
