"""Nobody is in two cameras at once, nor in the next one sooner than anybody walks."""

from types import SimpleNamespace

import numpy as np
import pytest

from reid_core.errors import ConfigError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.whereabouts import Whereabouts
from stream.chain.config import RunSettings
from stream.chain.parts import settings_digest, whereabouts
from tests.support.gallery_world import MODEL, Scene, near, unit

# Frames of the scenes are 40 ns apart, and each tracklet lasts for 360 ns.
PAIR = frozenset({"lobby", "gate"})
STRICT = Whereabouts(0)


@pytest.mark.parametrize(
    ("where", "start", "together"),
    [
        (None, 0, True),
        (STRICT, 0, False),
        (STRICT, 8, False),
        (STRICT, 9, True),
        (Whereabouts(39), 8, False),
        (Whereabouts(40), 8, True),
        (Whereabouts(0, frozenset({PAIR})), 0, True),
        # 2 m at 10^7 m/s take 200 ns: five frames behind the last.
        (Whereabouts(0, metres={PAIR: 2.0}, fastest=1e7), 13, False),
        (Whereabouts(0, metres={PAIR: 2.0}, fastest=1e7), 14, True),
        (Whereabouts(40, metres={PAIR: 2.0}, fastest=1e7), 13, True),
        (Whereabouts(0, metres={frozenset({"lobby", "yard"}): 2.0}, fastest=1e7), 13, True),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_who_is_in_another_camera_meanwhile_is_somebody_else(books, where, start, together, turned):
    draw = np.random.default_rng(1)
    person = unit(draw, 1)[0]
    with Gallery.open(books) as gallery:
        entries = [
            Scene(gallery).entry(100, near(person, draw, 2)),
            Scene(gallery, "gate").entry(100 + start, near(person, draw, 2)),
        ]
        entries = entries[::-1] if turned else entries
        one, two = gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.8, whereabouts=where))
        told = gallery.tracklet(entries[1].tracklet.id).evidence
    assert (one == two) == together
    if not together:
        assert told["reason"].startswith("everybody known was elsewhere at the time")


def test_settings_say_where_cameras_are():
    told = RunSettings.model_validate(
        {
            "cameras": {
                "lobby": {"overlaps": ["hall"], "metres": {"gate": 40}},
                "gate": {"metres": {"lobby": 40}},
            }
        }
    )
    assert whereabouts(told) == Whereabouts(
        2_000_000_000, frozenset({frozenset({"lobby", "hall"})}), {PAIR: 40.0}, 4.0
    )
    assert whereabouts(told).apart_ns("gate", "lobby") == 8_000_000_000
    assert whereabouts(told).apart_ns("hall", "gate") == -2_000_000_000
    # A recording that was begun before it was said goes on.
    detector = SimpleNamespace(digest="d")
    assert settings_digest(detector, told, "lobby") == settings_digest(detector, RunSettings(), "lobby")
    assert whereabouts(RunSettings.model_validate({"identity": {"clock_seconds": None}})) is None


@pytest.mark.parametrize(
    ("cameras", "said"),
    [
        ({"lobby": {"metres": {"gate": 40}}, "gate": {"metres": {"lobby": 41}}}, "two distances"),
        ({"lobby": {"overlaps": ["lobby"]}}, "names itself"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(cameras, said):
    with pytest.raises(ConfigError, match=said):
        whereabouts(RunSettings.model_validate({"cameras": cameras}))
