"""Captions of tracklets: once each, behind everything else, whatever the captioner does."""

import json
import threading

import numpy as np
import pytest
from sqlalchemy import event, func, select

from reid_core.errors import ModelError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.captions import captions_of, without_captions
from reid_core.gallery.outbox import CAPTION_MADE, EVENT_SET_ASIDE, LINK_MADE, Outbox
from reid_core.gallery.schema import CaptionRow, SightingRow
from reid_core.runtime import load_embedder
from reid_core.runtime.captioning import FinishedCaptioner
from reid_core.types import CloseReason, Modality
from stream.chain.captioning import TrackletCaptioner
from stream.chain.config import CaptionSettings
from stream.followers.announcements import CAPTION_SCHEMA, KINDS
from stream.followers.captioning import CaptionFollower
from stream.run import running
from stream.run.export import to_json
from stream.run.running import run_footage
from tests.support.brightness import brightness_detector
from tests.support.following import Post
from tests.support.gallery_world import MODEL, Scene, unit
from tests.support.night import SETTINGS, specs

CAPTIONER, ENCODER = "c" * 64, "e" * 64


class Sayer:
    """A captioner that says what it is told to; ``asked`` are the numbers of crops of each batch."""

    def __init__(self, says="a man in a red coat.", model=CAPTIONER):
        self.model_id, self.says, self.asked = model, says, []

    def caption(self, crops, modality):
        self.asked.append(len(crops))
        if isinstance(self.says, Exception):
            raise self.says
        return self.says if isinstance(self.says, tuple) else tuple(self.says for _ in crops)


class Encoder:
    model_id, space, dim = ENCODER, MODEL, 16

    def encode(self, texts):
        return unit(np.random.default_rng(1), len(texts))


@pytest.fixture
def gallery(tmp_path):
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        yield gallery


def people(gallery, count, modality=Modality.VISIBLE, camera="lobby", first=0):
    """So many tracklets of three crops each; returns their ids."""
    scene = Scene(gallery, camera, modality)
    random = np.random.default_rng(first)
    entries = [scene.entry(100 * (first + at), unit(random, 3)) for at in range(count)]
    gallery.add_tracklets(entries, MODEL, IdentityPolicy(None))
    return [entry.tracklet.id for entry in entries]


def captioner(gallery, sayer, encoder=None, **settings):
    finished = FinishedCaptioner(sayer)
    return TrackletCaptioner(
        gallery, CaptionSettings(captioner="any", **settings), dict.fromkeys(Modality, finished), encoder
    )


def follower(gallery, sayer, holder="one", **settings):
    return Post(gallery.database, CaptionFollower(captioner(gallery, sayer, **settings), 2), holder)


def texts(gallery, tracklet):
    return [one.text for one in captions_of(gallery.database, tracklet)]


def told(gallery):
    return [event.subject for event in Outbox(gallery.database).after(0, {CAPTION_MADE}, 1 << 20)]


def test_the_best_crops_of_each_new_tracklet_are_captioned_once(gallery):
    sayer = Sayer()
    post = follower(gallery, sayer)
    day = people(gallery, 3)
    post.turn()
    night = people(gallery, 1, Modality.INFRARED, "yard")
    post.turn()
    post.turn()
    assert [texts(gallery, one) for one in day] == [["a man in a red coat."] * 2] * 3
    assert texts(gallery, night[0]) == ["a man in a coat."] * 2, "infrared captions name no colour"
    assert told(gallery) == [*day, *night]
    # Two tracklets at a time, two crops each.
    assert sayer.asked == [4, 2, 2]
    assert post.metric("lag_events") == 0


def test_who_takes_over_goes_on_where_the_first_one_stopped(gallery):
    day = people(gallery, 3)
    killed = follower(gallery, Sayer())

    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    # After the captions of a batch are made, before anything is written.
    killed.follower.commit = die
    with pytest.raises(Killed):
        killed.turn()
    assert told(gallery) == []
    next_one = follower(gallery, Sayer(), "two")
    assert next_one.takes_over()
    next_one.turn()
    assert told(gallery) == day
    # And the one that thaws: its work is refused.
    del killed.follower.commit
    killed.turn()
    assert told(gallery) == day and all(len(texts(gallery, one)) == 2 for one in day)


@pytest.mark.parametrize(
    ("says", "kept"),
    [
        ("", []),
        ("<script>alert(1)</script>", []),
        ("一个穿红衣服的人", []),
        ("zxqv 0x00 \ufffd\x00\x01", ["zxqv 0x00"] * 2),
        ("<p>a <b>man</b> in a coat</p>", ["a man in a coat"] * 2),
        ("a man in a coat, " * 10_000, None),
    ],
)
def test_nonsense_is_kept_short_and_plain_or_not_at_all(gallery, says, kept):
    (one,) = people(gallery, 1)
    follower(gallery, Sayer(says)).turn()
    found = texts(gallery, one)
    assert found == kept if kept is not None else all(len(text.split()) <= 60 for text in found)
    assert told(gallery) == ([one] if found else [])


def test_a_damaged_crop_gets_no_caption_and_the_others_do(gallery):
    one, other = people(gallery, 2)
    with gallery.database.write() as session:
        rows = select(SightingRow).where(SightingRow.tracklet_id == one).order_by(SightingRow.rank)
        best, *_ = session.scalars(rows)
        best.crop = best.crop[: len(best.crop) // 2]
    follower(gallery, Sayer("a man.")).turn()
    assert (texts(gallery, one), texts(gallery, other)) == (["a man."], ["a man."] * 2)


@pytest.mark.parametrize("says", [("one text only",), (None, None), ModelError("It is broken.")])
def test_a_captioner_that_does_not_answer_is_set_aside_and_the_others_go_on(gallery, says):
    first = people(gallery, 1)
    sayer = Sayer(says)
    post = follower(gallery, sayer)
    for _ in range(5):
        post.turn()
    sayer.says = "a man."
    second = people(gallery, 1, first=5)
    post.turn()
    assert told(gallery) == second and texts(gallery, first[0]) == []
    (aside,) = Outbox(gallery.database).after(0, {EVENT_SET_ASIDE}, 9)
    assert aside.subject == first[0] and aside.payload["follower"] == "captioner"
    # What was set aside is captioned by whoever asks for its recording again.
    again = captioner(gallery, Sayer("a woman."))
    assert again.caption_recordings(["recording of lobby"], threading.Event()) == 1
    assert texts(gallery, first[0]) == ["a woman."] * 2


def test_captions_get_vectors_in_the_same_transaction(gallery):
    (one,) = people(gallery, 1)
    work = captioner(gallery, Sayer(), Encoder())
    assert work.caption_recordings(["recording of lobby"], threading.Event()) == 1
    found = gallery.caption_vectors(one, MODEL)
    assert found.models == (ENCODER,) * 2 and found.vectors.shape == (2, 16)
    assert work.caption_recordings(["recording of lobby"], threading.Event()) == 0
    assert len(gallery.caption_vectors(one, MODEL).models) == 2


def test_a_caption_that_the_text_encoder_does_not_understand_gets_no_vector(gallery):
    class Half(Encoder):
        def encode(self, texts):
            if "somebody" in " ".join(texts):
                raise UsageError("Nothing of it is understood.")
            return super().encode(texts)

    class Both(Sayer):
        def caption(self, crops, modality):
            return tuple("somebody." if at % 2 else "a man in a coat." for at in range(len(crops)))

    (one,) = people(gallery, 1)
    work = captioner(gallery, Both(), Half())
    assert work.caption_recordings(["recording of lobby"], threading.Event()) == 1
    assert texts(gallery, one) == ["a man in a coat.", "somebody."]
    assert gallery.caption_vectors(one, MODEL).vectors.shape == (1, 16)
    (two,) = people(gallery, 1, first=3)
    silent = captioner(gallery, Sayer("somebody."), Half())
    assert silent.caption_recordings(["recording of lobby"], threading.Event()) == 1
    assert texts(gallery, two) == ["somebody."] * 2
    assert not len(gallery.caption_vectors(two, MODEL).vectors)


def test_what_one_captioner_of_two_has_said_is_not_read_again_for_the_other(gallery):
    people(gallery, 2)
    people(gallery, 2, Modality.INFRARED, "yard")
    sayers = {Modality.VISIBLE: Sayer(), Modality.INFRARED: Sayer("somebody.", "d" * 64)}
    settings = CaptionSettings(captioner="any", infrared_captioner="other")
    made = {modality: FinishedCaptioner(each) for modality, each in sayers.items()}
    work = TrackletCaptioner(gallery, settings, made, None)
    recordings = ["recording of lobby", "recording of yard"]
    assert work.caption_recordings(recordings, threading.Event()) == 4
    read = []
    note = event.listens_for(gallery.database._engine, "before_cursor_execute")
    note(lambda connection, cursor, statement, *_: read.append(statement))
    assert work.caption_recordings(recordings, threading.Event()) == 0
    assert read and not any("sightings.crop" in statement for statement in read)
    assert [each.asked for each in sayers.values()] == [[4], [4]]


def test_a_run_and_a_follower_write_each_caption_once(gallery):
    day = people(gallery, 2)
    post, run = follower(gallery, Sayer()), captioner(gallery, Sayer())
    prepared = run.prepare(day)
    post.turn()
    with gallery.database.write() as session:
        assert run.write(session, prepared) == 0
    assert told(gallery) == day


def test_what_hangs_on_a_tracklet_goes_with_it(gallery):
    people(gallery, 2)
    work = captioner(gallery, Sayer(), Encoder())
    work.caption_recordings(["recording of lobby"], threading.Event())
    prepared = captioner(gallery, Sayer(model="d" * 64)).prepare([])
    assert prepared == []
    assert gallery.remove_tracklets("recording of lobby", CloseReason.TIMEOUT) == 2
    with gallery.database.read() as session:
        assert session.scalar(select(func.count()).select_from(CaptionRow)) == 0
    assert without_captions(gallery.database, ["recording of lobby"], CAPTIONER) == ()


def test_a_tracklet_that_is_gone_when_its_captions_are_written_gets_none(gallery):
    day = people(gallery, 1)
    work = captioner(gallery, Sayer())
    prepared = work.prepare(day)
    gallery.remove_tracklets("recording of lobby", CloseReason.TIMEOUT)
    with gallery.database.write() as session:
        assert work.write(session, prepared) == 0
    assert told(gallery) == []


def test_captions_are_announced_with_their_tracklet(gallery):
    (one,) = people(gallery, 1)
    follower(gallery, Sayer()).turn()
    outbox = Outbox(gallery.database)
    (event,) = outbox.after(0, {CAPTION_MADE}, 9)
    made = KINDS[CAPTION_MADE].make(outbox, event, "siteA.")
    said = json.loads(made.value)
    assert made.topic == "siteA.captions" and made.key == b"lobby"
    assert dict(made.headers)["schema"] == CAPTION_SCHEMA.encode()
    assert set(said) == {*outbox.tracklet(one), "model", "captions"} and said["model"] == CAPTIONER
    assert [caption["rank"] for caption in said["captions"]] == [1, 2]
    assert set(said["captions"][0]) == {"sighting", "rank", "text"}


def test_settings_without_a_captioner_caption_nothing(gallery):
    assert TrackletCaptioner.open(gallery, CaptionSettings()) is None
    with pytest.raises(ValueError, match="'infrared_captioner' is nothing without 'captioner'"):
        CaptionSettings(infrared_captioner="heat")
    with pytest.raises(ModelError, match="does not exist"):
        TrackletCaptioner.open(gallery, CaptionSettings(captioner="no/such/folder"))


def test_the_gallery_is_written_to_while_a_slow_captioner_is_at_work(gallery):
    """Detection and links wait for nothing: no transaction is open meanwhile."""

    class Slow(Sayer):
        def caption(self, crops, modality):
            if not self.asked:
                came.extend(people(gallery, 3, first=50))
            return super().caption(crops, modality)

    came = []
    first = people(gallery, 1)
    post = follower(gallery, Slow())
    post.turn()
    post.turn()
    assert len(came) == 3 and told(gallery) == [*first, *came]


@pytest.mark.slow
def test_a_run_captions_after_its_links_and_not_a_second_time(
    gallery, night_videos, colour_checkpoint, monkeypatch
):
    sayer = Sayer()
    monkeypatch.setattr(
        running.TrackletCaptioner, "open", lambda gallery, settings, encoder: captioner(gallery, sayer)
    )
    embedder = load_embedder(colour_checkpoint)
    result = run_footage(specs(night_videos), gallery, brightness_detector(), embedder, SETTINGS)
    tracklets = gallery.tracklets()
    assert tracklets and all(texts(gallery, one.id) for one in tracklets)
    assert next(one for one in result.timings if one.stage == "caption").items == len(tracklets)
    # Both modalities, once each though two crops of a tracklet say the same.
    told = [one for camera in to_json(result)["cameras"] for one in camera["tracklets"]]
    assert {tuple(one["captions"]) for one in told} == {("a man in a red coat.",), ("a man in a coat.",)}
    kinds = {LINK_MADE, CAPTION_MADE}
    events = [event.kind for event in Outbox(gallery.database).after(0, kinds, 1 << 20)]
    assert events == sorted(events, reverse=True), "links do not wait for captions"
    asked = len(sayer.asked)
    run_footage(specs(night_videos), gallery, brightness_detector(), embedder, SETTINGS)
    assert len(sayer.asked) == asked
