"""``nightreid crops``: crops are encrypted, rotated, forgotten; API, run and report read them as before."""

import json

import pytest

from console.report import render_report
from reid_core.access import Role
from reid_core.gallery import Gallery
from reid_core.gallery.resealing import counted, reseal
from reid_core.gallery.sealing_rows import Sealing, keep_sealing
from reid_core.runtime import load_embedder
from reid_core.sealing import FOLDER_VARIABLE, KEYS_VARIABLE
from stream.run.running import run_footage
from tests.console.api.conftest import colour_settings, colour_text, hall, served
from tests.support.brightness import brightness_detector
from tests.support.erasing import fill
from tests.support.night import specs

__all__ = ["colour_settings", "colour_text", "hall", "served"]
ONE = "11" * 32


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/x.db"
    with Gallery.open(url) as gallery:
        fill(gallery)
    return url


@pytest.fixture
def keyed(command, monkeypatch, tmp_path):
    """The command, and its folder of keys."""
    folder = tmp_path / "keys"
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    folder.mkdir()
    return command, folder


def status(command, url):
    return json.loads(command("crops", "status", "--db", url, "--json").out)


def test_from_the_first_key_to_one_that_is_destroyed(keyed, url, tmp_path):
    command, folder = keyed
    assert command("crops", "encrypt", "--db", url).error("crop-key")
    assert not status(command, url)["on"], "nothing is turned on that cannot be done"
    assert command("crops", "key", "default").out.startswith("default.1 ")
    assert command("crops", "class", "yard", "short", "--db", url).status == 0
    refused = command("crops", "encrypt", "--db", url)
    assert refused.error("crop-key") and "short" in refused.err
    command("crops", "key", "short")
    done = command("crops", "encrypt", "--db", url, "--purpose", "a leaked disk")
    assert done.out == "encrypted: 16 crops, 0 staged tracklets, 0 dead letters\n"
    jpeg = b"\xff\xd8\xff"
    assert not [file for file in tmp_path.glob("x.db*") if file.is_file() and jpeg in file.read_bytes()]
    said = status(command, url)
    assert said["on"] and said["classes"] == {"default": {"gate": None}, "short": {"yard": None}}
    assert said["keys"]["default.1"] == {"here": True, "sightings": 12, "staged": 0, "refused": 0}
    command("crops", "key", "short")
    assert command("crops", "encrypt", "--db", url).out.startswith("encrypted: 4 crops,")
    (folder / "short.1.key").unlink()
    with Gallery.open(url) as gallery:
        yard = next(one.id for one in gallery.tracklets() if one.camera == "yard")
        assert all(one.crop.startswith(jpeg) for one in gallery.sightings(yard)), "no row needs the old key"
    present = command("crops", "forget", "short.2", "--db", url, "--yes")
    assert present.status == 2 and "is there" in present.err
    (folder / "short.2.key").unlink()
    shown = command("crops", "forget", "short.2", "--db", url)
    assert shown.status == 1 and "to be emptied: 4 crops" in shown.err
    assert command("crops", "forget", "short.2", "--db", url, "--yes").out.startswith("emptied: 4 crops")
    assert "NOT here" not in command("crops", "status", "--db", url).out
    log = [json.loads(line) for line in command("audit", "export", "--db", url).out.splitlines()]
    assert [one["action"] for one in log[:4]] == [
        "crops.class",
        "crops.encrypt",
        "crops.encrypt",
        "crops.forget",
    ]
    assert log[1]["purpose"] == "a leaked disk"
    key = (folder / "default.1.key").read_text().strip()
    assert not [
        file for file in tmp_path.glob("x.db*") if file.is_file() and key.encode() in file.read_bytes()
    ]


def test_back_to_plain(keyed, url, tmp_path):
    command, folder = keyed
    command("crops", "key", "default")
    command("crops", "encrypt", "--db", url)
    assert command("crops", "decrypt", "--db", url).out.startswith("decrypted: 16 crops")
    (folder / "default.1.key").unlink()
    assert status(command, url) == {
        "on": False,
        "classes": {"default": {"gate": None, "yard": None}},
        "keys": {},
        "plain": {"sightings": 16, "staged": 0, "refused": 0},
    }
    assert command("crops", "class", "nowhere", "short", "--db", url).status == 2
    assert command("crops", "class", "gate", "Not a class", "--db", url).status == 2


def test_over_http_a_crop_is_told_or_why_it_is_not(served, monkeypatch):
    client = served.client(Role.VIEWER)
    page = client.get("/api/v1/tracklets").json()
    address = page["tracklets"][0]["crop"]
    before = client.get(address).content
    monkeypatch.setenv(KEYS_VARIABLE, f"default.1={ONE}")
    database = served.gallery.database
    with database.write() as session:
        keep_sealing(session, Sealing(True))
    assert reseal(database)["sightings"] > 0 and set(counted(database)["sightings"]) == {"default.1"}
    assert client.get(address).content == before
    name = page["tracklets"][0]["tracklet"]
    assert client.get(f"/api/v1/tracklets/{name}").json()["crops"]
    monkeypatch.delenv(KEYS_VARIABLE)
    failed = client.get(address)
    assert failed.status_code == 503 and failed.json()["code"] == "crop-key"
    assert "default.1" in failed.json()["detail"] and ONE not in failed.text


@pytest.mark.slow
def test_a_run_and_its_report_are_the_same(night_videos, colour_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setenv(KEYS_VARIABLE, f"default.1={ONE}")

    def run(name, on):
        with Gallery.open(f"sqlite:///{tmp_path}/{name}.db") as gallery:
            with gallery.database.write() as session:
                keep_sealing(session, Sealing(on))
            embedder = load_embedder(colour_checkpoint)
            result = run_footage(specs(night_videos), gallery, brightness_detector(), embedder)
            crops = {one.id: [each.crop for each in gallery.sightings(one.id)] for one in gallery.tracklets()}
            return crops, render_report(result), set(counted(gallery.database)["sightings"])

    plain, encrypted = run("plain", False), run("encrypted", True)
    assert (plain[2], encrypted[2]) == ({None}, {"default.1"})
    assert plain[0] == encrypted[0] and any(plain[0].values())
    pictures = [page.count("data:image/jpeg;base64,") for _, page, _ in (plain, encrypted)]
    assert pictures[0] == pictures[1] > 0
    files = [file for file in tmp_path.glob("encrypted.db*") if file.is_file()]
    assert not [file for file in files if b"\xff\xd8\xff" in file.read_bytes()]
