"""Names and folders, the same in every command: bytes that are no UTF-8, colons, links."""

import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from tests.support.brightness import RED, Walker, scenes, write_video
from tests.support.names import named
from tests.support.people import person

SHOWN = [r"\xe9.png", r"\xe9t\xe9/2.png", r"\xe9t\xe9/10.png"]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder to be in: names are given relative to it."""
    monkeypatch.chdir(tmp_path)


def picture(path, identity=1, spectrum="visible", number=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = person(identity, spectrum, np.random.default_rng([identity, number]))
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())


@pytest.fixture
def latin(missing):
    """A folder with a folder in it, both with names in Latin-1, and a link to a third."""
    for identity, name in enumerate(
        (b"d\xe9p/\xe9t\xe9/10.png", b"d\xe9p/\xe9t\xe9/2.png", b"d\xe9p/\xe9.png")
    ):
        picture(named(name, missing), identity)
    picture(Path("elsewhere/night/1.png"), 4)
    folder = Path(os.fsdecode(b"d\xe9p"))
    (folder / "linked").symlink_to("../elsewhere")
    (folder / "linked/night/back").symlink_to("../../elsewhere")
    return folder


def test_embed_names_every_image_and_reads_a_list_of_them(command, latin, colour_checkpoint):
    def embedded(source):
        done = command(
            "embed", source, "--modality", "visible", "--checkpoint", colour_checkpoint, "--out", "f.npz"
        )
        assert done.status == 0, done.err
        return np.load("f.npz")["path"].tolist()

    whole = embedded(latin)
    assert whole == ["linked/night/1.png", *sorted(SHOWN)]
    names = [b"\xe9t\xe9/10.png", b"\xe9.png"]
    (latin / "list.txt").write_bytes(b"\r\n".join(names))
    assert embedded(latin / "list.txt") == [SHOWN[2], SHOWN[0]]


def test_embed_tells_what_it_cannot_read_under_its_name(command, latin, colour_checkpoint):
    (latin / os.fsdecode(b"\xe8.png")).write_bytes(b"no picture")
    done = command(
        "embed", latin, "--modality", "visible", "--checkpoint", colour_checkpoint, "--out", "f.npz"
    )
    assert done.error("source") == "1 of 5 images could not be used; the other 4 are in f.npz."
    assert r"\xe8.png: The image d\xe9p/\xe8.png is in no known image format" in done.err


@pytest.mark.slow
@pytest.mark.footage
def test_detect_reads_the_same_images_under_the_same_names(command, latin, footage):
    detector = ("--modality", "visible", "--out", "F.json", "--detector", footage["detector"])
    done = command("detect", latin, *detector)
    assert done.status == 0, done.err
    images = json.loads(Path("F.json").read_text())["images"]
    assert [image["file_name"] for image in images] == [SHOWN[0], "linked/night/1.png", *SHOWN[1:]]
    write_video(Path("gate.mp4"), scenes((Walker(2, 8, RED),), 10))
    shutil.copy("gate.mp4", os.fsdecode(b"gat\xe9:08.mp4"))
    assert command("detect", os.fsdecode(b"gat\xe9:08.mp4"), *detector).status == 0
    images = json.loads(Path("F.json").read_text())["images"]
    assert [image["file_name"] for image in images] == [rf"gat\xe9:08.mp4#{index}" for index in range(10)]


@pytest.mark.slow
@pytest.mark.footage
def test_run_tells_and_writes_names_in_a_process_of_its_own(nightreid, tmp_path, footage, missing):
    """Output that only takes UTF-8, as a terminal's, and a decoder that would end the process."""
    path = named(b"entr\xe9e.mp4", missing)
    write_video(Path("gate.mp4"), scenes((), 20)).rename(path)
    options = ("--detector", footage["detector"], "--db", "sqlite:///x.db", "--report", "r.html")
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    done = nightreid("run", "--visible", path, *options, cwd=tmp_path, environment=strict)
    assert done.returncode == 0, done.stderr
    assert r"entr\xe9e (visible): 0 tracklets in 20 frames, complete" in done.stdout
    assert r"entr\xe9e" in Path("r.html").read_text(encoding="utf-8")
    start = os.fsdecode(b"entr\xe9e=2026-11-20T08:00:00Z")
    options = (*options[:2], "--db", "sqlite:///y.db", "--start", start)
    done = nightreid("run", "--visible", path, "--json", *options, cwd=tmp_path, environment=strict)
    assert json.loads(done.stdout)["cameras"][0]["start"] == "2026-11-20T08:00:00.000Z"
    assert json.loads(done.stdout)["cameras"][0]["source"] == r"entr\xe9e.mp4"
    gone = os.fsdecode(b"gon\xe9.mp4")
    done = nightreid("run", "--visible", gone, *options[:4], cwd=tmp_path, environment=strict)
    assert done.stderr.splitlines()[0] == r"error[source]: The source gon\xe9.mp4 does not exist."


@pytest.fixture
def photos(missing):
    """Images of a user's own, of people, cameras and files whose names are in Latin-1."""
    folder = Path(os.fsdecode(b"pass\xe9"))
    for identity in range(1, 11):
        for kind, camera in (("visible", b"entr\xe9e"), ("infrared", b"nuit")):
            for number in range(2):
                name = b"pass\xe9/%s/Ren\xe9 %d/%s/\xe9t\xe9%d.png" % (
                    kind.encode(),
                    identity,
                    camera,
                    number,
                )
                spectrum = "visible" if kind == "visible" else "near"
                picture(named(name, missing), identity, spectrum, number)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("copied", [False, True])
def test_a_data_set_of_such_names_is_imported_checked_and_evaluated(
    command, photos, tmp_path, monkeypatch, copied
):
    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "cache"))
    options = ("--spectrum", "near", *(["--copy"] if copied else []))
    done = command("dataset", "import", photos, "own", *options)
    assert done.status == 0, done.err
    if copied:
        shutil.rmtree(photos)
    table = Path("own/images.csv").read_text(encoding="utf-8").splitlines()
    assert sum(r"visible/Ren\xe9 3/entr\xe9e/\xe9t\xe91.png," in line for line in table) == 1
    manifest = json.loads(Path("own/dataset.json").read_text(encoding="utf-8"))
    assert manifest["identities"]["1"] == r"Ren\xe9 1" and r"entr\xe9e" in manifest["cameras"].values()
    done = command("dataset", "check", "auto", "own", "--deep", "--json")
    assert done.status == 0, done.out
    assert json.loads(done.out)["findings"] == []
    save_checkpoint(
        Path("model"),
        create_dual_stream("resnet18", 32),
        name="small",
        preprocess=Preprocess(height=64, width=32),
    )
    done = command("evaluate", "--checkpoint", "model", "--dataset", "own", "--json")
    assert done.status == 0, done.err
    found = json.loads(done.out)["results"].values()
    assert found and all(one["valid"] > 0 for one in found)


@pytest.mark.parametrize("arguments", [("run", "--visible"), ("publish", "--modality", "visible")])
def test_a_start_of_nobody_names_it_as_it_is_shown(command, arguments):
    start = os.fsdecode(b"entr\xe9e=2026-11-20T08:00:00Z")
    done = command(*arguments, "gate.mp4", "--start", start)
    assert done.status == 2 and r"no source is called 'entr\xe9e'." in done.err
