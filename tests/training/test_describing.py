import hashlib
import json

import cv2
import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.types import Modality, Spectrum
from training.datasets.opening import open_dataset
from training.datasets.records import ImageRecord, Split
from training.evaluation.baselines import files_embedder
from training.evaluation.describing import evaluate_described
from training.evaluation.galleries import draw_gallery
from training.evaluation.protocols import PRESETS, parse_protocol


@pytest.mark.parametrize("cameras", [(1, 2, 4, 5), (1, 2)])
def test_draws_the_galleries_that_the_literature_draws(shared, cameras):
    sysu = json.loads((shared / "reference/sysu_protocol.json").read_text())
    visible = [
        ImageRecord(
            f"cam{camera}/{identity:04d}/{index:04d}.jpg", identity, camera, Modality.VISIBLE, None, ""
        )
        for identity in sysu["test_id"]
        for camera in cameras
        for index in range(1, sysu["counts_cam1_to_6"][str(identity)][camera - 1] + 1)
    ]
    for trial in range(10):
        picks = draw_gallery(reversed(visible), trial)
        text = "\n".join(f"{one.identity},{one.camera},{int(one.path[-8:-4]) - 1}" for one in picks)
        wanted = sysu["gallery_random_seed"][f"{'all' if len(cameras) == 4 else 'indoor'}/{trial}"]
        assert len(picks) == wanted["n"]
        assert hashlib.sha256(text.encode()).hexdigest() == wanted["sha256"]


def write_people(folder, ids=4, spectra=("near", "thermal"), images=2):
    """Everybody a grey of their own; camera 2 shows everybody as the next person."""
    for camera in range(1, 7):
        for identity in range(1, ids + 1):
            person = identity % ids + 1 if camera == 2 else identity
            place = folder / f"cam{camera}" / f"{identity:04d}"
            place.mkdir(parents=True)
            for index in range(1, images + 1):
                cv2.imwrite(str(place / f"{index:04d}.png"), np.full((8, 4, 3), 20 * person, np.uint8))
    (folder / "exp").mkdir()
    everybody = ",".join(map(str, range(1, ids + 1)))
    (folder / "exp/train_id.txt").write_text("")
    (folder / "exp/test_id.txt").write_text(everybody)
    names = dict.fromkeys("1245", "visible") | dict(zip("36", spectra, strict=True))
    cameras = {camera: {"spectrum": spectrum} for camera, spectrum in names.items()}
    (folder / "synthetic.json").write_text(json.dumps({"cameras": cameras}))
    return open_dataset(folder)


def grey_level(crops, modality):
    """One-hot of the grey level: alike if and only if it is the same person."""
    return np.eye(13, dtype=np.float32)[[round(float(crop.mean()) / 20) for crop in crops]]


def test_the_same_place_is_not_searched(tmp_path):
    results = evaluate_described(write_people(tmp_path), files_embedder(grey_level))
    near, thermal = results[Spectrum.NEAR], results[Spectrum.THERMAL]
    assert (near.queries, near.identities, near.gallery, near.trials) == (8, 4, 16, 10)
    # Camera 3 never sees the camera that mistakes everybody; camera 6 does, ties and all.
    assert (near.r1, near.map, near.minp) == (1, 1, 1)
    assert thermal.map < 1
    # Three of twelve images, four of sixteen.
    assert near.chance_r1 == thermal.chance_r1 == pytest.approx(1 / 4)
    assert parse_protocol(near.protocol) == PRESETS["synthetic-all-single-A-near"]
    assert parse_protocol(thermal.protocol) == PRESETS["synthetic-all-single-A-thermal"]


def test_two_cameras_of_one_kind_are_one_set_of_queries(tmp_path):
    results = evaluate_described(
        write_people(tmp_path, spectra=("thermal", "thermal")), files_embedder(grey_level), trials=2
    )
    assert list(results) == [Spectrum.THERMAL]
    assert results[Spectrum.THERMAL].queries == 16


def test_each_image_is_described_once_and_as_what_it_is(tmp_path):
    dataset = write_people(tmp_path, ids=2)
    asked = []

    def embed(paths, modality):
        asked.extend((path.relative_to(tmp_path).parts[0], path, modality) for path in paths)
        return np.ones((len(paths), 1), np.float32)

    evaluate_described(dataset, embed)
    assert len({path for _, path, _ in asked}) == len(asked)
    assert {(camera in ("cam3", "cam6"), str(modality)) for camera, _, modality in asked} == {
        (True, "infrared"),
        (False, "visible"),
    }


def test_what_cannot_be_measured_is_told(tmp_path):
    dataset = write_people(tmp_path / "whole", ids=2)
    with pytest.raises(SourceError, match="val"):
        evaluate_described(dataset, files_embedder(grey_level), split=Split.VAL)
    for camera in (3, 6):
        for file in (tmp_path / "whole" / f"cam{camera}").rglob("*.png"):
            file.unlink()
    with pytest.raises(SourceError, match="no queries"):
        evaluate_described(open_dataset(tmp_path / "whole"), files_embedder(grey_level))
    from dataclasses import replace

    with pytest.raises(UsageError, match="llcm"):
        evaluate_described(replace(dataset, layout="llcm", protocols="llcm"), files_embedder(grey_level))
