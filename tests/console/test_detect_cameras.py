"""`nightreid detect` on a folder of folders: each is a camera of its own."""

import json

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def thermal(footage):
    """Grey frames with people in them, white-hot."""
    capture, frames = cv2.VideoCapture(str(footage["night"])), []
    capture.set(cv2.CAP_PROP_POS_FRAMES, 110)
    for _ in range(12):
        frames.append(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2GRAY))
    return frames


def write(folder, pictures):
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture)


def people(command, footage, source, out):
    done = command(
        "detect", source, "--modality", "infrared", "--out", out, "--detector", footage["detector"]
    )
    assert done.status == 0, done.err
    found = json.loads(out.read_text())
    names = {image["id"]: image["file_name"] for image in found["images"]}
    assert list(names) == list(range(1, len(names) + 1))
    return [(names[one["image_id"]], one["bbox"], one["score"]) for one in found["annotations"]]


@pytest.mark.parametrize("differ", ["in counts", "in polarity"])
def test_two_cameras_in_one_folder_find_what_each_finds_alone(command, footage, thermal, tmp_path, differ):
    if differ == "in counts":
        first = [7000 + 4 * grey.astype(np.uint16) for grey in thermal]
        second = [30000 + 40 * grey.astype(np.uint16) for grey in thermal]
    else:
        first, second = thermal, [255 - grey for grey in thermal]
    write(tmp_path / "both/a", first)
    write(tmp_path / "both/b/deeper", second)
    together = people(command, footage, tmp_path / "both", tmp_path / "both.json")
    assert together
    for name in ("a", "b/deeper"):
        alone = people(command, footage, tmp_path / "both" / name, tmp_path / "alone.json")
        assert [(f"{name}/{file}", *rest) for file, *rest in alone] == [
            one for one in together if one[0].startswith(f"{name}/")
        ]
        assert len({file for file, *_ in alone}) >= 10
