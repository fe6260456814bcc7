"""Faces of which is known what they show: what counts as true, and heads that only turn."""

import cv2
import matplotlib.cbook
import numpy as np
import pytest

from core.action_units import UNITS, compare
from core.faces import FaceFinder
from models.data.stimuli import Command, turned


def of(command):
    return {unit.au: value for unit, value in zip(UNITS, command.truth, strict=True) if value}


@pytest.fixture(scope="module")
def still():
    """Grace Hopper, who looks earnest: the picture that Matplotlib brings, and her mesh."""
    path = str(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))
    still = cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB)
    finder = FaceFinder()
    (face,) = finder.find(still)
    finder.close()
    return still, face.landmarks


def test_what_is_commanded_is_true():
    assert of(Command({4: 3.0, 12: 1.5})) == {4: 3.0, 12: 1.5}
    assert of(Command()) == {}


def test_a_jaw_that_drops_parts_the_lips_and_closed_eyes_are_a_blink():
    assert of(Command({26: 5.0})) == {26: 5.0, 25: pytest.approx(2.0)}
    assert of(Command({27: 5.0}))[25] == 5.0
    assert of(Command({43: 4.0})) == {43: 4.0, 45: 4.0}


@pytest.mark.parametrize(("yaw_deg", "pitch_deg"), [(-35, 0), (35, 0), (0, -15), (0, 25)])
def test_a_head_that_only_turns_shows_hardly_any_pain(still, yaw_deg, pitch_deg):
    front, away = turned(*still, 0, 0), turned(*still, yaw_deg, pitch_deg)

    units = compare(away, front).units

    assert np.abs(away.posed.angles_deg - front.posed.angles_deg).max() > 8
    assert units.of(4) + max(units.of(6), units.of(7)) + max(units.of(9), units.of(10)) < 1.5
