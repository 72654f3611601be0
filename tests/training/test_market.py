"""Market-1501's layout, leave one out over its cameras, and vectors standardised by camera."""

import cv2
import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.standardising import Form, Statistics, parse_form
from reid_core.types import Modality, Spectrum
from training.datasets import Split, open_dataset
from training.datasets.checking import check_dataset
from training.datasets.records import ImageRecord
from training.evaluation.evaluating import contests, evaluate_protocol
from training.evaluation.orchestrating import check_standardised
from training.evaluation.protocols import PRESETS, parse_protocol, short_name
from training.evaluation.standardised import standardised

SPEC = PRESETS["market-leave-one-out"]


@pytest.fixture
def market(tmp_path):
    def write(folder, *names):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in names:
            cv2.imwrite(str(tmp_path / folder / name), np.full((8, 4, 3), len(name), np.uint8))

    write("bounding_box_train", "0002_c1s1_000451_03.jpg", "0002_c4s2_000776_01.jpg")
    write("bounding_box_test", "-1_c1s1_000401_03.jpg", "0000_c1s1_000151_01.jpg")
    write(
        "bounding_box_test",
        *(f"{who:04d}_c{camera}s1_000{who}51_01.jpg" for who in (3, 5) for camera in (2, 6)),
    )
    write("query", "0003_c1s1_000551_00.jpg")
    return tmp_path


def test_names_say_who_and_by_which_camera(market):
    dataset = open_dataset(market)
    assert (dataset.layout, dataset.protocols) == ("market", "market")
    assert [(one.identity, one.camera) for one in dataset.records(Split.TRAIN)] == [(2, 1), (2, 4)]
    test = dataset.records(Split.TEST)
    assert [(one.identity, one.camera) for one in test] == [(3, 1), (3, 2), (3, 6), (5, 2), (5, 6)]
    assert all(one.modality is Modality.VISIBLE and dataset.file(one).is_file() for one in test)
    said = check_dataset(market)
    # It is far from whole, and that is said.
    assert any("images of bounding_box_test" in finding.text for finding in said.findings)
    (market / "query" / "somebody.jpg").write_bytes(
        (market / "query" / "0003_c1s1_000551_00.jpg").read_bytes()
    )
    with pytest.raises(SourceError, match=r"query/somebody\.jpg is not named as"):
        open_dataset(market)
    assert any(finding.code == "bad-name" for finding in check_dataset(market, "market").findings)


def test_somebody_in_both_splits_is_refused(market):
    (market / "query" / "0002_c2s1_000999_01.jpg").touch()
    with pytest.raises(SourceError, match="Person 0002 is among the training and the test people"):
        open_dataset(market)


def seen(rng, apart):
    """Twelve people by two cameras, three images each; a camera shifts and stretches all that it shows."""
    people, look = rng.normal(size=(12, 24)), rng.normal(size=(2, 24)) * apart
    stretch = np.exp(0.5 * apart * rng.normal(size=(2, 24)))
    records, vectors = [], []
    for who in range(12):
        for camera in (1, 2):
            for number in range(3):
                records.append(record(who + 1, camera, number))
                vector = (people[who] + 0.4 * rng.normal(size=24)) * stretch[camera - 1] + look[camera - 1]
                vectors.append(vector / np.linalg.norm(vector))
    return records, np.array(vectors, np.float32)


def record(who, camera, number):
    path = f"query/{who}_{camera}_{number}"
    return ImageRecord(path, who, camera, Modality.VISIBLE, Spectrum.VISIBLE, path)


def test_leave_one_out_looks_at_other_cameras_alone():
    records, vectors = seen(np.random.default_rng(4), apart=0.0)
    (contest,) = contests(records, vectors, vectors, SPEC)
    assert contest.sides.shape == (72, 72)
    hidden = contest.sides.hidden()
    assert hidden.sum(axis=1).tolist() == [3] * 72 and hidden.diagonal().all()
    result = evaluate_protocol(SPEC, [contest])
    assert result.valid == 72 and result.mean("r1") > 0.95


def test_what_a_camera_shows_in_common_is_taken_out():
    records, vectors = seen(np.random.default_rng(4), apart=1.5)

    def r1(some):
        return evaluate_protocol(SPEC, contests(records, some, some, SPEC)).mean("r1")

    plain, means, both = (
        r1(standardised(vectors, records, parse_form(form)) if form else vectors)
        for form in ("", "mean", "mean-deviation")
    )
    assert plain < means < both and both > 0.9
    found = standardised(vectors, records, parse_form("mean-deviation"))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_camera_that_saw_few_leans_on_what_is_known():
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(4, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    own, known = Statistics.of(vectors), Statistics(1000, np.full(8, 0.1), np.full(8, 0.2))
    leaning = Form(True, True, prior=1e9).apply(vectors, own, known)
    expected = (vectors - 0.1) / 0.2
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(leaning, expected, atol=1e-5)
    np.testing.assert_allclose(
        Form(True, True, strength=0.0001).apply(vectors, own, known), vectors, atol=1e-3
    )
    # One image is all that its camera has in common: nothing is left of it, and it stays.
    alone = Form(True, False).apply(vectors[:1], Statistics.of(vectors[:1]), known)
    np.testing.assert_allclose(alone, vectors[:1], atol=1e-6)


@pytest.mark.parametrize("form", ["mean", "deviation", "mean-deviation(50)", "mean-deviation(50,0.5)"])
def test_a_protocol_names_its_form(form):
    spec = parse_protocol(f"market-leave-one-out+standardised={form}")
    assert spec.id.endswith(f"/standardised-{form}") and parse_protocol(spec.id) == spec
    assert short_name(spec.id) == f"market-leave-one-out+standardised={form}"
    assert "standardised" not in SPEC.id
    check_standardised(spec)


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        ("market-leave-one-out+standardised=whiten", "no form of standardising"),
        ("own-ir2vis+text=image+standardised=mean", "of no camera"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(protocol, reason):
    with pytest.raises(UsageError, match=reason):
        check_standardised(parse_protocol(protocol))
