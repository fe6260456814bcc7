"""Accuracy and calibration, against cases small enough to do by hand."""

import numpy as np
import pytest

from core.verification.scores import expected_calibration_error, fit_temperature, score, softmax


def test_accuracy_and_recall_leave_out_images_without_a_label():
    logits = np.array([[2, 0], [0, 2], [2, 0], [9, 0]], np.float32)
    scores = score(logits, np.array([0, 1, 1, -1]))
    assert (scores.images, scores.accuracy) == (3, pytest.approx(2 / 3))
    assert scores.recall == (1.0, 0.5)
    assert scores.mean_recall == 0.75


def test_the_calibration_error_is_the_gap_between_confidence_and_accuracy():
    probabilities = np.array([[0.9, 0.1]] * 10, np.float32)
    labels = np.array([0] * 6 + [1] * 4)
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.3, abs=1e-6)


def test_the_fitted_temperature_finds_the_one_that_labels_were_drawn_with():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 3, (20000, 4)).astype(np.float32)
    odds = softmax(logits, 2.5)
    labels = (generator.random((len(odds), 1)) > odds.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(logits, labels) == pytest.approx(2.5, rel=0.05)
