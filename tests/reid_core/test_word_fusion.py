"""Semantic filtered fusion and modality ensemble, worked by hand."""

import numpy as np
import torch

from reid_core.fusion import ensemble_cosines, ensemble_mean, semantic_filtered

INFRARED, WANTED, FILTERED = np.float32([[2, 0, 1]]), np.float32([[1, 3, 1]]), np.float32([[1, 0, 2]])
FUSED = np.float32([[2, 3, 0]])


def test_the_fusion_is_what_the_words_say_beyond_the_image():
    # (2, 0, 1) + (1, 3, 1) - (1, 0, 2)
    assert np.array_equal(semantic_filtered(INFRARED, WANTED, FILTERED), FUSED)
    tensors = (torch.from_numpy(each) for each in (INFRARED, WANTED, FILTERED))
    assert torch.equal(semantic_filtered(*tensors), torch.from_numpy(FUSED))
    assert np.array_equal(semantic_filtered(INFRARED, WANTED, WANTED), INFRARED), "nothing new is said"


def test_the_mean_is_that_of_the_raw_features():
    # ((2, 0, 1) + (1, 3, 1) + (2, 3, 0)) / 3
    assert np.allclose(ensemble_mean(INFRARED, WANTED, FUSED), [[5 / 3, 2, 2 / 3]])


def test_the_sum_of_cosines_is_one_vector_that_ranks_alike():
    units = [each / np.linalg.norm(each) for each in (INFRARED, WANTED, FUSED)]
    one = ensemble_cosines(*units)
    assert one.dtype == np.float32 and np.allclose(np.linalg.norm(one, axis=1), 1)
    # 2/sqrt 5 + 1/sqrt 11 + 2/sqrt 13, 3/sqrt 11 + 3/sqrt 13, 1/sqrt 5 + 1/sqrt 11
    expected = np.array([1.750642, 1.736585, 0.748725])
    assert np.allclose(one, expected / np.linalg.norm(expected), atol=1e-6)
    gallery = np.random.default_rng(0).normal(size=(50, 3))
    gallery /= np.linalg.norm(gallery, axis=1, keepdims=True)
    cosines = sum(each @ gallery.T for each in units)
    assert np.array_equal(np.argsort(-(one @ gallery.T)), np.argsort(-cosines))


def test_the_two_forms_are_not_the_same():
    """The longest feature has most of the mean, and no more than the others of the sum."""
    long, short = np.float32([[10, 0]]), np.float32([[0, 1]])
    mean = ensemble_mean(long, short, short)
    mean /= np.linalg.norm(mean)
    assert mean[0, 0] > 0.98 and ensemble_cosines(long / 10, short, short)[0, 0] < 0.46


def test_three_that_cancel_each_other_out_are_the_fusion():
    angles = np.radians([[0.0], [120.0], [240.0]])
    three = [np.float32([[np.cos(angle[0]), np.sin(angle[0])]]) for angle in angles]
    assert np.array_equal(ensemble_cosines(*three), three[2])
