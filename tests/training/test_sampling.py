import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.types import Modality, Spectrum
from training.datasets.records import ImageRecord
from training.sampling import IdentitySampler

KINDS = {
    "visible": (Modality.VISIBLE, Spectrum.VISIBLE),
    "near": (Modality.INFRARED, Spectrum.NEAR),
    "thermal": (Modality.INFRARED, Spectrum.THERMAL),
}


def records(people=12, **counts):
    """``records(visible=5, near=9, thermal=1)``: so many images of each person."""
    return [
        ImageRecord(f"{kind}/{identity}/{k}", identity, 1, *KINDS[kind], "")
        for identity in range(10, 10 + people)
        for kind, count in counts.items()
        for k in range(count)
    ]


def test_a_batch_is_p_people_with_their_own_images_of_each_modality():
    images = records(visible=6, near=3)
    sampler = IdentitySampler(images, 1, identities=8, visible=4, infrared=2)
    for step in range(20):
        batch = sampler.batch(step)
        assert len(set(batch.visible_labels)) == 8
        assert (batch.visible_labels.reshape(8, 4)[:, 0] == batch.infrared_labels.reshape(8, 2)[:, 0]).all()
        for rows, labels, modality in (
            (batch.visible, batch.visible_labels, Modality.VISIBLE),
            (batch.infrared, batch.infrared_labels, Modality.INFRARED),
        ):
            assert [images[row].identity for row in rows] == [sampler.identities[one] for one in labels]
            assert {images[row].modality for row in rows} == {modality}


def test_a_step_is_the_same_whenever_it_is_asked_for():
    first, second = (IdentitySampler(records(visible=6, near=6), 1) for _ in range(2))
    for step in range(5):
        second.batch(step)
    assert np.array_equal(first.batch(7).visible, second.batch(7).visible)
    assert not np.array_equal(first.batch(7).visible, first.batch(8).visible)
    other = IdentitySampler(records(visible=6, near=6), 2)
    assert not np.array_equal(first.batch(7).visible, other.batch(7).visible)


def test_images_are_drawn_with_replacement():
    batch = IdentitySampler(records(visible=1, near=1), 1).batch(0)
    assert len(batch.visible) == 32 and len(set(batch.visible)) == 8


def test_everybody_and_every_image_comes_up():
    images = records(visible=5, near=5)
    sampler = IdentitySampler(images, 3)
    batches = [sampler.batch(step) for step in range(60)]
    assert {row for batch in batches for row in (*batch.visible, *batch.infrared)} == set(range(len(images)))


def test_both_kinds_of_infrared_come_up_evenly():
    images = records(visible=4, near=9, thermal=1)

    def thermal_share(balance, infrared):
        sampler = IdentitySampler(images, 1, infrared=infrared, balance_spectra=balance)
        rows = np.concatenate([sampler.batch(step).infrared for step in range(50)])
        return np.mean([images[row].spectrum is Spectrum.THERMAL for row in rows])

    assert thermal_share(True, 4) == 0.5
    assert thermal_share(True, 3) == pytest.approx(0.5, abs=0.04)
    assert thermal_share(False, 4) == pytest.approx(0.1, abs=0.03)


def test_who_is_seen_in_one_modality_only_is_no_class():
    images = [*records(8, visible=2, near=2), ImageRecord("x", 3, 1, *KINDS["visible"], "")]
    assert IdentitySampler(images, 1).identities == list(range(10, 18))


def test_too_few_people_is_an_error():
    with pytest.raises(UsageError, match="8 people seen in both modalities; the data have 7"):
        IdentitySampler(records(7, visible=2, near=2), 1)


def test_an_epoch_has_the_published_number_of_batches():
    # SYSU-MM01: 22,258 visible images, 8 x 4 a batch: 696.
    assert IdentitySampler(records(11, visible=10, near=3), 1).steps_per_epoch == 110 // 32 + 1


def test_batches_of_look_alikes_are_somebody_and_people_from_near_by():
    # On a circle, neighbours in number are neighbours in looks.
    people = 40
    angles = np.arange(people) * 2 * np.pi / people
    sampler = IdentitySampler(
        records(people, visible=3, near=3), 2, identities=4, visible=2, infrared=1, alike=0.5
    )
    before = [sampler.batch(step) for step in range(200)]
    sampler.know_look_alikes(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))
    spreads = []
    for step in range(200):
        batch = sampler.batch(step)
        found = batch.infrared_labels
        assert len(set(found)) == 4
        away = (found - found[0] + people // 2) % people - people // 2
        spreads.append(np.abs(away).max())
    # Two times three neighbours are the three on either side.
    near = np.array(spreads) <= 3
    assert 70 <= near.sum() <= 130
    assert not all(np.array_equal(a.visible, sampler.batch(step).visible) for step, a in enumerate(before))


def test_without_a_share_of_look_alikes_batches_are_as_ever():
    plain, knowing = (IdentitySampler(records(visible=3, near=3), 1) for _ in range(2))
    knowing.know_look_alikes(np.eye(12, dtype=np.float32))
    assert all(np.array_equal(plain.batch(step).visible, knowing.batch(step).visible) for step in range(10))


def test_the_first_images_of_everybody_say_who_looks_like_whom():
    images = records(3, visible=3, near=1)
    places, classes = IdentitySampler(images, 1, identities=2).visible_images(2)
    assert classes.tolist() == [0, 0, 1, 1, 2, 2]
    assert [images[place].path for place in places] == [
        f"visible/{person}/{k}" for person in (10, 11, 12) for k in (0, 1)
    ]
