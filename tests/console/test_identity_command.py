"""`nightreid identity`: what it prints, and that the gallery is as it says."""

import json

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from tests.support.gallery_world import MODEL, Scene, near

PEOPLE = np.eye(16, dtype=np.float32)


@pytest.fixture
def hall(tmp_path):
    """Address of a gallery of two people, the first seen twice; and the ids."""
    url = f"sqlite:///{tmp_path / 'hall.db'}"
    draw = np.random.default_rng(2)
    with Gallery.open(url) as gallery:
        scene = Scene(gallery)
        entries = [
            scene.entry(start, near(PEOPLE[who], draw, 2, 0.02)) for start, who in ((0, 0), (50, 0), (55, 1))
        ]
        one, _, two = gallery.add_tracklets(entries, MODEL, IdentityPolicy(0.8))
    return url, one, two, [entry.tracklet.id for entry in entries]


def test_a_gallery_is_put_right_by_its_commands(hall, command, tmp_path):
    url, one, two, tracklets = hall
    listed = json.loads(command("identity", "show", "--db", url, "--json").out)["identities"]
    assert [(each["id"], each["place"], each["tracklets"]) for each in listed] == [(one, 1, 2), (two, 2, 1)]
    refused = command("identity", "merge", one, two, "--db", url)
    assert refused.status == 2 and "in one picture at the same time" in refused.err
    assert "--anyway" in refused.err
    done = command(
        "identity",
        "split",
        one[:8],
        "--tracklets",
        tracklets[1],
        "--db",
        url,
        "--by",
        "kim",
        "--why",
        "a hat",
    )
    assert (
        done.status == 0
        and f"1 tracklet of {one} are" in done.out
        and "kim" in done.out
        and ": a hat" in done.out
    )
    moved = json.loads(
        command("identity", "move", tracklets[1], one, "--db", url, "--json", "--by", "lee").out
    )
    assert (moved["number"], moved["kind"], moved["actor"], moved["tracklets"]) == (
        2,
        "move",
        "lee",
        [tracklets[1]],
    )
    shown = command("identity", "show", one, "--db", url, "--crops", tmp_path / "crops")
    paths = sorted((tmp_path / "crops").iterdir())
    assert len(paths) == 4 and all(str(path) in shown.out for path in paths)
    assert paths[0].read_bytes()[:2] == b"\xff\xd8" and "2 crops, 2 exemplars" in shown.out
    assert shown.out.count("  correction ") == 2
    assert command("identity", "undo", "--db", url).status == 0
    assert command("identity", "undo", "1", "--db", url, "--by", "kim").status == 0
    with Gallery.open(url) as gallery:
        assert {each.id: len(each.tracklets) for each in gallery.identities()} == {one: 2, two: 1}
    again = json.loads(command("identity", "show", one, "--db", url, "--json").out)
    assert [each["undone_by"] != "" for each in again["corrections"]] == [True, True]
    assert command("identity", "merge", one, two, "--db", url, "--anyway").status == 0
    gone = command("identity", "show", two, "--db", url)
    assert gone.status == 2 and f"correction 3 merged it into {one}" in gone.err


def test_a_gallery_that_is_not_there_is_not_made(command, tmp_path):
    missing = command("identity", "show", "--db", f"sqlite:///{tmp_path / 'no.db'}")
    assert missing.status == 2 and "There is no gallery" in missing.err
    assert not list(tmp_path.iterdir())
