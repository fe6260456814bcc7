"""Action units from a mesh: what moves them, and what must not."""

import numpy as np
import pytest

from core.action_units import SIDES, UNITS, contributions, estimate, read
from core.action_units.fitted import fitted
from core.action_units.measures import MEASURES, measured
from core.action_units.pose import posed
from core.action_units.units import MAX


@pytest.fixture(scope="module")
def neutral_mesh():
    """The canonical face as a mesh in px, from the front."""
    return (fitted().points * 90 + (320, 240, 0)).astype(np.float32)


@pytest.fixture(scope="module")
def face(neutral_mesh):
    """A face that does something on both sides, and more on its left."""
    moved = neutral_mesh.copy()
    moved[[291, 306, 292, 308]] += (9, -14, 0)
    moved[[61, 76, 62, 78]] += (-4, -6, 0)
    moved[[55, 107, 65, 66, 52, 105]] += (2, 6, 0)
    moved[[386, 385, 387]] += (0, 6, 0)
    return moved.astype(np.float32)


def turned(mesh, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0):
    yaw, pitch, roll = np.radians([yaw_deg, pitch_deg, roll_deg])
    about_y = [[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]]
    about_x = [[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]]
    about_z = [[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    centre = mesh.mean(axis=0)
    return ((mesh - centre) @ np.array(about_y) @ np.array(about_x) @ np.array(about_z) + centre).astype(np.float32)


def both_sides(units):
    return np.stack([units.right, units.left])


def test_the_norm_itself_does_nothing(neutral_mesh):
    assert both_sides(estimate(neutral_mesh)).max() < 1e-3


def test_a_face_held_against_itself_does_nothing(face):
    assert both_sides(estimate(face, neutral=read(face))).max() == 0


def test_every_unit_is_named_once_and_in_the_order_of_facs():
    numbers = [unit.au for unit in UNITS]

    assert numbers == [1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 27, 43, 45]
    names = {measure.name for measure in MEASURES}
    assert all(set(unit.leads + unit.helps) <= names for unit in UNITS)


@pytest.mark.parametrize("turn", [{"yaw_deg": 25}, {"yaw_deg": -25}, {"pitch_deg": 25}, {"pitch_deg": -25}])
def test_a_turned_head_is_no_action(face, turn):
    assert np.allclose(both_sides(estimate(turned(face, **turn))), both_sides(estimate(face)), atol=2e-3)


def test_scale_shift_and_roll_change_nothing(face):
    seen = turned(face, roll_deg=30) * 2.5 + np.float32([70, -30, 5])

    assert np.allclose(both_sides(estimate(seen)), both_sides(estimate(face)), atol=2e-3)


def test_a_mirrored_face_swaps_its_sides(face):
    mirrored = (face * [-1, 1, 1])[fitted().mirror].astype(np.float32)
    units, swapped = estimate(face), estimate(mirrored)

    assert np.allclose(units.right, swapped.left, atol=1e-4)
    assert np.allclose(units.left, swapped.right, atol=1e-4)
    assert units.left[8] > units.right[8]  # AU12


def test_left_and_right_are_the_persons(neutral_mesh):
    winking = neutral_mesh.copy()
    winking[[385, 386, 387], 1] = winking[[380, 374, 373], 1]  # the person's left eye closes
    units = estimate(winking, neutral=read(neutral_mesh))
    closed = [unit.au for unit in UNITS].index(43)

    assert units.left[closed] > 2
    assert units.right[closed] < 1


def test_contributions_sum_to_the_intensities(face, neutral_mesh):
    for neutral in (None, read(turned(neutral_mesh, yaw_deg=10))):
        shares = contributions(face, neutral)

        assert shares.landmarks.shape == (len(SIDES), len(UNITS), 478, 3)
        assert np.allclose(shares.landmarks.sum(axis=(2, 3)), both_sides(estimate(face, neutral)), atol=1e-4)
        assert not shares.cells.any()  # there was no picture


def test_contributions_of_some_units_are_those_of_all(face):
    some, every = contributions(face, aus=(12, 4)), contributions(face)
    numbers = [unit.au for unit in UNITS]

    assert (some.landmarks == every.landmarks[:, [numbers.index(12), numbers.index(4)]]).all()
    assert some.cells.shape[:2] == (len(SIDES), 2)


def test_many_faces_are_measured_as_one_is(face, neutral_mesh):
    together = measured(posed(np.stack([face, neutral_mesh])).points)

    assert np.allclose(together[0], read(face).measures, atol=1e-9)


def test_intensities_stay_on_the_scale(neutral_mesh):
    wild = neutral_mesh + np.random.default_rng(0).normal(0, 15, neutral_mesh.shape).astype(np.float32)

    values = both_sides(estimate(wild.astype(np.float32)))

    assert values.min() >= 0
    assert values.max() <= MAX


@pytest.mark.parametrize(
    ("landmarks", "says"),
    [
        (np.zeros((468, 3), np.float32), r"\[478, 3\]"),
        (np.full((478, 3), np.nan, np.float32), "not"),
        (np.zeros((478, 3), np.float32), "extent"),
    ],
)
def test_what_is_no_face_is_refused_in_words(landmarks, says):
    with pytest.raises(ValueError, match=says):
        estimate(landmarks)
