"""``nightreid query``: what it asks, what it tells, and that whatever it is given it answers in sentences."""

import json

import cv2
import numpy as np
import pytest

from console.when import time_range
from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.gallery import Gallery
from reid_core.gallery.calibrations import put_own_calibrations
from reid_core.gallery.hours import DAY_NS
from reid_core.runtime import load_embedder
from reid_core.size_law import SizeLaw
from reid_core.types import Modality
from tests.conftest import ROOT
from tests.support.brightness import BLUE, GREEN, RED, scene
from tests.support.colour_words import colour_words, install_colour_words
from tests.support.command_line import accepted, console_lines

COLOURS = {"red": RED, "green": GREEN, "blue": BLUE}
LAW = SizeLaw(20.0, -8.0, 1.0, 0.1, 0.9, 0.12, -0.2, rate=0.1, smallest=5, largest=80)
CALIBRATION = Calibration(10.0, -5.0, 0.5, 100, 100, "made up", sizes=LAW)
START_NS = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z
HOUR_NS = DAY_NS // 24


def solid(colour, height=64, width=32):
    return np.full((height, width, 3), colour, np.uint8)


def write(path, image):
    cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return path


@pytest.fixture(scope="module", autouse=True)
def package(module_tmp):
    folder = module_tmp("site-packages")
    install_colour_words(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield


@pytest.fixture(scope="module")
def embedder(colour_checkpoint):
    return load_embedder(colour_checkpoint)


@pytest.fixture(scope="module")
def encoders(module_tmp, embedder):
    """Folders of text encoders: of the gallery's space, calibrated or not, and of another space."""
    folder = module_tmp("encoders")
    table = {name: embedder.embed([solid(colour)], Modality.VISIBLE)[0] for name, colour in COLOURS.items()}
    both = {"text": CALIBRATION, "fused": CALIBRATION}
    return {
        "plain": colour_words(folder / "plain", embedder.space, table),
        "calibrated": colour_words(folder / "calibrated", embedder.space, table, both),
        "elsewhere": colour_words(folder / "elsewhere", "e" * 64, table),
    }


@pytest.fixture
def url(request):
    """A gallery in a file or on PostgreSQL."""
    return request.getfixturevalue(getattr(request, "param", "sqlite_url"))


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'hall.db'}"


@pytest.fixture
def hall(url, embedder):
    """Three people by day, one an hour, in two cameras, and somebody blue at night; ids of the tracklets."""
    with Gallery.open(url) as gallery:
        found = {}
        for place, (name, colour) in enumerate(COLOURS.items()):
            (found[name],) = gallery.add(
                embedder.embed([solid(colour)], Modality.VISIBLE),
                camera="lobby" if place < 2 else "gate",
                modality=Modality.VISIBLE,
                time_ns=[START_NS + place * HOUR_NS],
                model=embedder.model_id,
            )
        (found["night"],) = gallery.add(
            embedder.embed([solid(BLUE)], Modality.VISIBLE),
            camera="yard",
            modality=Modality.INFRARED,
            time_ns=[START_NS],
            model=embedder.model_id,
        )
    return found


@pytest.fixture
def ask(command, url, hall, colour_checkpoint, encoders, monkeypatch):
    """The command on that gallery: an outcome; or with --json what it says."""
    # A server has no folder for the key of its audit log.
    monkeypatch.setenv("NIGHTREID_AUDIT_KEY", "ab" * 32)

    def call(*arguments, encoder="plain"):
        options = ("--db", url, "--reid", colour_checkpoint, "--text-encoder", encoders[encoder])
        done = command("query", *arguments, *options)
        if "--json" not in arguments:
            return done
        assert done.status == 0, done.err
        return json.loads(done.out)

    return call


@pytest.mark.slow
@pytest.mark.parametrize("url", ["sqlite_url", "postgres"], indirect=True)
def test_it_answers_by_words_by_a_tracklet_and_by_an_image(ask, hall, tmp_path):
    found = ask("bloke in a scarlet hoodie and wellies", "--json", encoder="calibrated")
    assert found["query"]["form"] == "text" and found["query"]["tracklet"] is None
    assert found["query"]["searched_for"] == "a man, wearing a red hoodie and boots."
    assert "wellies read as boots" in found["words"]["told"]
    best = found["identities"][0]
    assert best["evidence"] == {
        "kind": "crop",
        "tracklet": hall["red"],
        "sighting": best["evidence"]["sighting"],
        "camera": "lobby",
        "start": "2023-11-14T22:13:20.000Z",
        "end": "2023-11-14T22:13:20.000Z",
        "time": "2023-11-14T22:13:20.000Z",
    }
    assert (best["rank"], best["place"], found["searched"], found["captioned"]) == (1, 1, 3, 0)
    shares = {one["name"]: one["share"] for one in best["shares"]}
    # The encoder knows colours alone: without the hoodie it knows nothing of what is left.
    assert shares["red (hoodie)"] == shares["hoodie"] == pytest.approx(1) and shares["boots"] == 0
    chances = [one["probability"] for one in found["identities"]]
    assert sum(chances) + found["unknown_probability"] == pytest.approx(1)
    assert found["calibrated"] and found["calibrated_for_cameras"] is False

    night = ask("--track", hall["night"][:10], "--json")
    assert night["identities"][0]["evidence"]["tracklet"] == hall["blue"]
    assert (
        night["query"] | {"tracklet": hall["night"], "modality": "infrared", "form": "image"}
        == night["query"]
    )
    assert night["words"] is None and night["unknown_probability"] is None
    assert night["not_calibrated_because"] == "the model is not calibrated for infrared-visible pairs"

    day = ask("--track", hall["red"], "--json")
    assert [one["evidence"]["tracklet"] for one in day["identities"]] != [] and day["searched"] == 2
    assert hall["red"] not in json.dumps(day["identities"])

    image = write(tmp_path / "green.png", solid(GREEN))
    seen = ask("--image", image, "--image", image, "--json")
    assert seen["identities"][0]["evidence"]["tracklet"] == hall["green"]
    assert seen["not_calibrated_because"] == "the model is not calibrated for visible-visible pairs"


@pytest.mark.slow
def test_words_turn_a_night_tracklet_towards_whom_they_describe(ask, hall):
    def best(*form):
        found = ask("red coat", "--track", hall["night"], "--json", *form, encoder="calibrated")
        return found, [one["evidence"]["tracklet"] for one in found["identities"]]

    fused, order = best()
    assert fused["query"]["form"] == "fused" and set(order[:2]) == {hall["red"], hall["blue"]}
    chances = [one["probability"] for one in fused["identities"]]
    assert sum(chances) + fused["unknown_probability"] == pytest.approx(1)
    assert best("--fusion", "text")[1][0] == hall["red"]
    assert best("--fusion", "image")[1][0] == hall["blue"]
    ensemble, order = best("--fusion", "ensemble")
    assert set(order[:2]) == {hall["red"], hall["blue"]}
    # With the mean of both, an ensemble of three is that mean.
    assert ensemble["identities"] == fused["identities"]
    day = ask("red coat", "--track", hall["blue"], "--json", encoder="calibrated")
    assert day["not_calibrated_because"] == "nothing is calibrated for visible images with a text"


@pytest.mark.slow
def test_words_that_narrow_say_who_stays_and_the_image_ranks_those(ask, hall):
    def asked(*options):
        found = ask("red coat", "--track", hall["night"], "--fusion", "narrowed", "--json", *options)
        return found, [one["evidence"]["tracklet"] for one in found["identities"]]

    found, order = asked("--keep", "0.3")
    assert order == [hall["red"]] and (found["kept"], found["searched"]) == (1, 3)
    assert found["query"]["form"] == "narrowed" and found["query"]["keep"] == 0.3
    assert found["not_calibrated_because"] == "nothing is calibrated for identities that words narrow"
    assert found["identities"][0]["shares"] is None and found["identities"][0]["probability"] is None
    # The score is the image's: all are in the order of `--fusion image`.
    found, order = asked("--keep", "1")
    alone = ask("--track", hall["night"], "--json")["identities"]
    assert [(one["identity"], one["score"]) for one in found["identities"]] == [
        (one["identity"], one["score"]) for one in alone
    ]
    assert order[0] == hall["blue"] and found["kept"] == 3
    found, order = asked()
    assert found["kept"] == 2 == len(order) and found["query"]["keep"] == 0.5 and hall["red"] in order
    pages, cursor = [], ()
    while cursor is not None:
        page, some = asked("--size", "1", *cursor)
        pages += some
        cursor = ("--cursor", page["cursor"]) if page["cursor"] else None
    assert pages == order
    told = ask("red coat", "--track", hall["night"], "--fusion", "narrowed", "--keep", "0.3")
    assert "(1 infrared picture), narrowed by the words" in told.out
    assert "3 identities compared, 1 of them kept by the words" in told.out and "words: " not in told.out
    # Of the other tracklets of the hall: whom one asks by is not among those who are kept.
    day = ask("red coat", "--track", hall["red"], "--fusion", "narrowed", "--keep", "1", "--json")
    assert (day["searched"], len(day["identities"])) == (2, 2)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("red coat", "--fusion", "narrowed"), "--fusion is about a description together with"),
        (("red coat", "--keep", "0.5"), "A share of the identities is kept where words narrow them."),
        (("red coat", "--track", "night", "--keep", "0.5"), "is kept where words narrow them."),
        (("red coat", "--track", "night", "--fusion", "narrowed", "--keep", "0"), "a share above 0"),
        (("red coat", "--track", "night", "--fusion", "narrowed", "--keep", "nan"), "a share above 0"),
        (("red coat", "--rerank", "ljm"), "compares parts of images, and no words"),
        (("red coat", "--track", "night", "--rerank", "ljm"), "compares parts of images, and no words"),
        (("--track", "night", "--rerank", "ljm"), "gives no local features"),
        (("--track", "night", "--rerank", "ljm(0,1,1)"), "needs k to be at least 1"),
        (("--track", "night", "--rerank", "none"), "A query is not re-ranked by none."),
    ],
)
def test_narrowing_and_parts_are_refused_where_they_mean_nothing(ask, hall, arguments, reason):
    named = [hall["night"] if one == "night" else one for one in arguments]
    assert reason in ask(*named).error("usage")


@pytest.mark.slow
def test_captions_are_searched_too_and_probabilities_of_own_cameras_are_told(ask, hall, url, embedder):
    with Gallery.open(url) as gallery:
        vector = embedder.embed([solid(RED)], Modality.VISIBLE)
        gallery.add_caption_vectors(hall["green"], vector, model="c" * 64, space=embedder.space)
        calibrations = {"infrared-visible": CALIBRATION}
        put_own_calibrations(
            gallery.database, embedder.space, calibrations, frozenset({"lobby", "gate", "yard"})
        )
    found = ask("red coat", "--json")
    assert found["captioned"] == 1
    assert [one["evidence"]["tracklet"] for one in found["identities"][:2]] == [hall["green"], hall["red"]]
    assert [one["evidence"]["kind"] for one in found["identities"][:2]] == ["caption", "crop"]
    assert found["identities"][0]["evidence"]["time"] is None
    told = ask("red coat")
    assert f"tracklet {hall['green']}, by its caption" in told.out and "1 of them by captions too" in told.out
    night = ask("--track", hall["night"], "--json")
    assert night["calibrated_for_cameras"] is True
    assert night["unknown_probability"] + sum(
        one["probability"] for one in night["identities"]
    ) == pytest.approx(1)


@pytest.mark.slow
def test_filters_and_pages(ask, hall):
    def who(*options):
        found = ask("red coat", "--json", *options)
        names = {tracklet: name for name, tracklet in hall.items()}
        return [names[one["evidence"]["tracklet"]] for one in found["identities"]], found["cursor"]

    assert sorted(who("--cameras", "lobby")[0]) == ["green", "red"]
    assert sorted(who("--cameras", "lobby,gate")[0]) == ["blue", "green", "red"]
    assert who("--from", "2023-11-14T23:00Z", "--to", "2023-11-15T01:00:00+01:00")[0] == ["green"]
    assert sorted(who("--from", "23:00Z", "--to", "6:00Z")[0]) == ["blue", "green"]
    first, cursor = who("--size", "2")
    second, end = who("--size", "2", "--cursor", cursor)
    assert (first[0], sorted(first + second), end) == ("red", ["blue", "green", "red"], None)
    nobody = ask("red coat", "--from", "2024-01-01T00:00Z")
    assert nobody.status == 0 and "nobody was seen there and then" in nobody.out


@pytest.mark.slow
def test_what_is_printed_says_how_words_were_read_and_what_they_did(ask, hall):
    told = ask("a black bloke in a crimson hoodie, red anorak", encoder="calibrated")
    lines = told.out.splitlines()
    assert lines[0].startswith("searched for: a man, wearing ") and "black left out" in lines[1]
    assert "crimson read as dark red" in lines[1]
    assert (
        "probabilities are not calibrated for these cameras" in told.out
        and "nobody of them: probability" in told.out
    )
    assert "    words: " in told.out and "no captions are stored" in told.out
    bare = ask("red coat")
    assert "no probabilities: the text encoder is not calibrated for texts alone" in bare.out


def test_nothing_from_outside_steers_the_terminal(command, tmp_path, colour_checkpoint, embedder, encoders):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with Gallery.open(url) as gallery:
        gallery.add(
            embedder.embed([solid(RED)], Modality.VISIBLE),
            camera="ga\x1b[2Jte\u202e",
            modality=Modality.VISIBLE,
            time_ns=[START_NS],
            model=embedder.model_id,
        )
    words = "<b>red</b> coat\x1b[31m, a \x07\u202eflurbish"
    told = command(
        "query", words, "--db", url, "--reid", colour_checkpoint, "--text-encoder", encoders["plain"]
    )
    assert told.status == 0, told.err
    assert r"ga\x1b[2Jte\u202e" in told.out and "wearing a red coat." in told.out
    assert all(one.isprintable() for line in told.out.splitlines() for one in line)


# Wrong input


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ((), "usage", "There is nothing to ask by."),
        (("",), "usage", "The description is empty."),
        (("red " * 10_000,), "usage", "10,000 words"),
        (("eine Frau mit einem langen roten Mantel und Stiefeln",), "usage", "not to be in English"),
        (("красное пальто",), "usage", "not in English"),
        (("<b></b><script>alert(1)</script>",), "usage", "has no words"),
        (("flurbish",), "usage", "Nothing of the description is something to search for"),
        (("--track", "0000000000"), "usage", "The gallery has no tracklet '0000000000'."),
        (("red coat", "--cameras", "hall"), "usage", "The gallery has no camera 'hall'."),
        (("red coat", "--cameras", "yard"), "usage", "Camera yard is infrared"),
        (("red coat", "--cursor", "x"), "usage", "The cursor is damaged."),
        (("red coat", "--fusion", "text"), "usage", "--fusion is about a description together with"),
        (("red coat", "--modality", "infrared"), "usage", "--modality is about images"),
        (("red coat", "--whole"), "usage", "--whole is about images"),
        (("red coat", "--from", "yesterday"), "usage", "'yesterday' is not a time"),
        (("red coat", "--from", "18:00"), "usage", "needs another one as --to"),
        (("--image", "no.png"), "source", "The image no.png does not exist."),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(ask, arguments, code, reason):
    assert reason in ask(*arguments).error(code)


@pytest.mark.slow
def test_what_is_no_crop_is_told(ask, hall, tmp_path):
    (tmp_path / "text.png").write_text("no image")
    assert "in no known image format" in ask("--image", tmp_path / "text.png").error("source")
    small = write(tmp_path / "small.png", solid(RED, 2, 2))
    assert "2 x 2 pixels: too small to show a person" in ask("--image", small).error("source")
    assert "not by both" in ask("--image", small, "--track", hall["red"]).error("usage")
    wide = write(tmp_path / "wide.png", solid((90, 90, 90), 32, 64))
    told = ask("--image", wide)
    assert "note: an image is wider than high" in told.out and "note: the images are grey" in told.out
    assert "like the images (1 visible picture)" in told.out


@pytest.mark.slow
def test_models_that_do_not_belong_together_are_told(
    ask, command, url, hall, colour_checkpoint, encoders, tmp_path
):
    assert "holds vectors of model" in ask("red coat", encoder="elsewhere").error("model-mismatch")
    both = ask("red coat", "--track", hall["night"], encoder="elsewhere").error("model-mismatch")
    assert "is of the space eeeeeeeeeeee" in both
    missing = command("query", "red coat", "--db", url, "--text-encoder", tmp_path / "no")
    assert "does not exist" in missing.error("model")
    gone = command("query", "red coat", "--db", f"sqlite:///{tmp_path / 'no.db'}")
    assert "There is no gallery" in gone.error("usage")


@pytest.mark.slow
def test_without_a_text_encoder_the_setting_is_named(
    command, url, hall, monkeypatch, encoders, colour_checkpoint
):
    monkeypatch.setattr("reid_core.querying.encoders.starter_text_encoder", lambda: None)
    refused = command("query", "red coat", "--db", url)
    assert refused.error("config").startswith("There is no text encoder to read words with")
    assert "text: in the configuration" in refused.err
    # The setting names it, in a file, on the command line or in the environment.
    done = command("query", "red coat", "--db", url, "--set", f"text={encoders['plain']}")
    assert done.status == 0, done.err


@pytest.mark.slow
def test_a_whole_picture_shows_one_person(ask, hall, monkeypatch, tmp_path):
    from tests.support.brightness import Walker, brightness_detector

    monkeypatch.setattr("detectors.detector.PersonDetector.open", lambda *_: brightness_detector())
    one = write(tmp_path / "one.png", scene((Walker(0, 10, RED),), 5))
    found = ask("--image", one, "--whole", "--json")
    assert found["identities"][0]["evidence"]["tracklet"] == hall["red"]
    two = write(tmp_path / "two.png", scene((Walker(0, 10, RED), Walker(0, 10, BLUE, row=0.05)), 5))
    assert "2 people are found in" in ask("--image", two, "--whole").error("source")
    none = write(tmp_path / "none.png", scene((), 0))
    assert "Nobody is found in" in ask("--image", none, "--whole").error("source")


# The page


def test_the_commands_of_the_page_exist():
    commands = list(console_lines((ROOT / "docs/queries.md").read_text(encoding="utf-8")))
    assert {accepted(words[1:])[0] for words in commands} == {"query"} and len(commands) == 7


# Times


def test_times_are_moments_or_hours():
    assert time_range(None, None) == (None, None, None)
    assert time_range("1970-01-01T00:00:01.5Z", None) == (1_500_000_000, None, None)
    assert time_range("1970-01-01T01:00+01:00", "1970-01-02T00:00Z") == (0, DAY_NS, None)
    assert time_range("22:00Z", "6:30+01:00") == (None, None, (22 * HOUR_NS, 5 * HOUR_NS + HOUR_NS // 2))
    assert time_range("0:30+01:00", "06Z") == (None, None, (23 * HOUR_NS + HOUR_NS // 2, 6 * HOUR_NS))
    for since, until, reason in (
        ("2023-11-14T22:00", None, "has no zone"),
        ("22:00", "23:00Z", "has no zone"),
        ("25:00Z", "23:00Z", "not a time of day"),
        ("22:00Z", "2023-11-14T22:00Z", "needs another one as --to"),
        (None, "22:00Z", "needs another one as --from"),
        ("2023-11-14T22:00Z", "2023-11-14T22:00Z", "is not before"),
        ("2023-13-14T22:00Z", None, "is not a time"),
    ):
        with pytest.raises(UsageError, match=reason):
            time_range(since, until)
