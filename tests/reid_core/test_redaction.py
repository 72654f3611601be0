"""What of addresses is shown: hosts and ordinary paths, never a login, a key or a token."""

import secrets
import string
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid_core.redaction import login_is_odd, redact, redact_text
from tests.support.secrets import logins


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("rtsp://joe:pass@cam/1?channel=2", "rtsp://***@cam/1?channel=2"),
        ("rtsp://joe:p@ss@cam:554/1", "rtsp://***@cam:554/1"),
        ("rtsp://admin:Hush#2024@127.0.0.1:1/s", "rtsp://***@127.0.0.1:1/s"),
        ("rtsp://:Hush/20?24@cam/s", "rtsp://***@cam/s"),
        ("rtsp://key@cam/s", "rtsp://***@cam/s"),
        ("rtsp:/joe:hush@cam/1", "rtsp:/***@cam/1"),
        ("door=RTSP://joe:hush@cam/1", "door=RTSP://***@cam/1"),
        ("http://cam/video?user=joe&password=x&size=2", "http://cam/video?user=***&password=***&size=2"),
        ("http://cam/video?password=x#/?;y&size=2", "http://cam/video?password=***&size=2"),
        ("http://cam:80/video?size=2&password=x@y", "http://***"),
        ("rtsp://cam:554/user=admin&pwd=hush&channel=1", "rtsp://cam:554/user=***&pwd=***&channel=1"),
        ("rtsp://cam:554/user=admin&pwd=hu/s#h&channel=1", "rtsp://cam:554/user=***&pwd=***&channel=1"),
        ("rtsp://cam/user=a_password=b_channel=1.sdp?real_stream", "rtsp://cam/user=***?real_stream"),
        ("srt://joe:pass@cam", "srt://***@cam"),
        ("rtsps://nvr:7441/x8Jh2kLmN0pQrStu?enableSrtp", "rtsps://nvr:7441/***?enableSrtp"),
        ("http://nvr/live?id=3f2504e04f8911d39a0c0305e82c3301&size=2", "http://nvr/live?id=***&size=2"),
    ],
)
def test_it_hides(location, shown):
    assert redact(location) == shown


@pytest.mark.parametrize(
    "location",
    [
        *("http://cam/a@b", "/data/a@b.mp4", "gate:08.mp4", "0", "/dev/video0"),
        "rtsp://cam:554/Streaming/tracks/101?starttime=20201120T080000Z&endtime=2020-11-20T09:00:00Z",
        "rtsp://cam/h264Preview_01_main",
        "rtsp://cam/cam/realmonitor?channel=1&subtype=0",
        "http://cam/axis-cgi/mjpg/video.cgi?resolution=640x480",
        "rtsp://cam/axis-media/media.amp?streamprofile=Responsibilities",
        "sqlite:////data/3f2504e04f8911d39a0c0305e82c3301/gallery.db",
    ],
)
def test_it_leaves_alone(location):
    assert redact(location) == location


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_hex(8),
        lambda: secrets.token_hex(16),
        lambda: secrets.token_urlsafe(24),
        lambda: str(uuid.uuid4()),
        lambda: "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(16)),
        lambda: "".join(secrets.choice(string.ascii_lowercase) for _ in range(24)),
    ],
)
def test_tokens_in_a_path_are_told_from_words(make):
    hidden = sum(redact(f"rtsp://cam/{make()}/1") == "rtsp://cam/***/1" for _ in range(300))
    assert hidden >= 0.9 * 300


@given(logins(), st.sampled_from(["rtsp", "HTTPS", "srt", "postgresql+psycopg"]))
def test_nothing_of_any_login_is_shown_and_the_rest_is(login, scheme):
    location = f"{scheme}://{login}@cam.example:554/live/1"
    assert redact(location) == f"{scheme}://***@cam.example:554/live/1"
    assert redact_text(f"{location} is away.\nHint: see {location}.").count(login) == 0
    assert login_is_odd(location) == any(each in login for each in "/?#@")


@given(st.text(alphabet="ab:/?#@&;=*%+. pwd", max_size=40))
def test_what_was_redacted_stays_as_it_is(rest):
    once = redact(f"rtsp://{rest}")
    assert redact(once) == once
    assert redact_text(once) == once


def test_a_text_of_several_addresses_keeps_what_is_said_of_them():
    text = "The camera rtsp://***@a/1 went: away; rtsp://***@b/2 too. http://c/v?user=*** does not answer."
    assert redact_text(text) == text
    assert redact_text("Unknown argument (rtsp://joe:hu sh@cam/1).") == "Unknown argument (rtsp://***@cam/1)."
