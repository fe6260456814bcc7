"""Values between the stages refuse what does not fit together, and cannot be changed."""

import numpy as np
import pytest

from core.types import Prediction

LABELS = ("neutral", "happiness")


def test_a_prediction_needs_one_value_per_label():
    two, three = np.zeros(2, np.float32), np.zeros(3, np.float32)
    with pytest.raises(ValueError, match=r"probabilities need one value per label .* got shape \(3,\)"):
        Prediction(LABELS, two, three)
    with pytest.raises(ValueError, match=r"logits need one value per label .* got shape \(3,\)"):
        Prediction(LABELS, three, two)


def test_what_was_predicted_cannot_be_changed():
    prediction = Prediction(LABELS, np.zeros(2, np.float32), np.full(2, 0.5, np.float32))
    with pytest.raises(ValueError, match="read-only"):
        prediction.logits[0] = 1
