"""Action units from a mesh: what moves them, and what must not."""

from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from core.action_units import SIDES, UNITS, ActionUnits, Smoothing, compare, contributions, estimate, read
from core.action_units.fitted import fitted
from core.action_units.measures import MEASURES, measured
from core.action_units.motion import motion
from core.action_units.network import OPENINGS, USUAL_OPENING, narrowness, network
from core.action_units.pose import posed
from core.action_units.units import MAX
from core.faces import FaceFinder
from core.geometry import Box
from core.mesh import Mesh, region_of_box, region_of_landmarks
from core.stimulus import Puppet
from core.tight import fit_tight

SMILE = {6: 3.0, 12: 4.5, 25: 2.5}  # of the astronaut's still
SHOWN = {4: (4,), 6: (6, 7), 9: (9,), 10: (10,), 12: (12,), 25: (25,), 26: (26,), 43: (43,)}


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
        assert np.allclose(shares.landmarks.sum(axis=(2, 3)), both_sides(estimate(face, neutral=neutral)), atol=1e-4)
        assert not shares.cells.any()  # there was no picture


def test_contributions_of_some_units_are_those_of_all(face):
    some, every = contributions(face, aus=(12, 4)), contributions(face)
    numbers = [unit.au for unit in UNITS]

    assert (some.landmarks == every.landmarks[:, [numbers.index(12), numbers.index(4)]]).all()
    assert some.cells.shape[:2] == (len(SIDES), 2)


def test_contributions_of_landmarks_and_skin_sum_to_the_intensities(shown):
    rest, moved = shown[0], shown[6, 5.0]
    for reading, neutral in (
        (moved, rest),
        (moved, None),
        (replace(moved, flat=None), rest),
        (replace(moved, flat=None, cells=None), rest),
    ):
        shares = contributions(reading, neutral)

        total = shares.landmarks.sum(axis=(2, 3)) + shares.cells.sum(axis=(2, 3))
        assert np.allclose(total, both_sides(compare(reading, neutral).units), atol=1e-3)
        assert shares.cells.any() == (reading.cells is not None)


def test_what_moves_twice_as_far_is_twice_the_unit(shown):
    made = compare(shown[6, 5.0], shown[0])

    assert np.allclose(network().raw(2 * made.change, made.eyes), 2 * made.raw, atol=1e-3)
    assert (network().raw(0 * made.change, made.eyes) == 0).all()


def test_gradient_times_change_is_the_integral_of_many_small_steps(shown):
    """The network is piecewise linear and has no biases, so that its gradient stays the same on the straight way."""
    made, units = compare(shown[6, 5.0], shown[0]), list(range(len(UNITS)))
    small = 1e-3 * np.abs(made.change).max()

    gradient = network().gradients(made.change, made.eyes, units)
    for share in (0.01, 0.3, 1.0):
        assert np.array_equal(network().gradients(share * made.change, made.eyes, units), gradient)
    for place in (5, 100, 300):
        further = made.change.copy()
        further[:, place] += small
        slope = (network().raw(further, made.eyes) - made.raw) / small
        assert np.allclose(slope, gradient[:, place], rtol=0.05, atol=0.3)


def test_lids_are_measured_by_the_opening_of_the_own_eyes(neutral_mesh):
    measures = read(neutral_mesh).measures

    assert narrowness(measures / 2) == pytest.approx(2 * narrowness(measures))
    assert narrowness(0 * measures) == USUAL_OPENING / OPENINGS[0]  # however narrow, it stays a number


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


@pytest.fixture(scope="module")
def mesh():
    mesh = Mesh()
    yield mesh
    mesh.close()


@pytest.fixture(scope="module")
def shown(astronaut, mesh):
    """The astronaut at rest (0) and under units of known strength, each picture with a mesh of its own: readings."""
    still = np.ascontiguousarray(
        cv2.resize(astronaut[10:250, 100:356], None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    )
    landmarks, _ = mesh.fit(still, region_of_box(Box(140, 100, 220, 260)))
    landmarks, _ = mesh.fit(still, region_of_landmarks(landmarks))
    puppet = Puppet(still, landmarks, SMILE)

    def reading(strengths):
        image, fit = puppet.render(strengths), landmarks
        for _ in range(2):
            fit, _presence = mesh.fit(image, region_of_landmarks(fit))
        return read(fit, image)

    readings = {
        (name, strength): reading(dict.fromkeys(units, strength))
        for name, units in SHOWN.items()
        for strength in (2.5, 5.0)
    }
    return {0: reading({}), **readings}


@pytest.mark.parametrize("au", SHOWN)
def test_a_unit_that_the_stimulus_shows_is_read_the_stronger_the_stronger_it_is(shown, au):
    half, full = (compare(shown[au, strength], shown[0]).units.of(au) for strength in (2.5, 5.0))

    assert 0.7 < half < full
    assert full > 2.5


@pytest.mark.parametrize("au", SHOWN)
def test_a_unit_that_is_shown_alone_is_read_above_every_other_of_pspi(shown, au):
    units = compare(shown[au, 5.0], shown[0]).units

    others = [units.of(other) for other in (4, 6, 9, 10, 43) if other != au]

    assert max(others) < units.of(au)
    assert np.mean(others) < 0.25 * units.of(au)


def test_a_mirrored_picture_swaps_its_sides(shown, astronaut, mesh):
    still = np.ascontiguousarray(astronaut[10:250, 100:356])
    landmarks, _ = mesh.fit(still, region_of_box(Box(70, 50, 110, 130)))
    reading = read(landmarks, still)
    width = still.shape[1]
    mirrored = ((landmarks * [-1, 1, 1]) + [width - 1, 0, 0])[fitted().mirror].astype(np.float32)
    swapped = read(mirrored, np.ascontiguousarray(still[:, ::-1]))

    assert np.allclose(reading.measures, swapped.measures[::-1], atol=1e-5)
    assert np.abs(reading.cells - swapped.cells[::-1]).mean() < 0.01


def test_skin_that_moves_is_followed_to_where_it_went(shown):
    before = shown[0].flat
    after = np.roll(before, (2, 0), axis=(0, 1))  # two pixels down

    down = motion(before, after).reshape(2, 2, 17, 10)[:, 1, 3:-3, 2:-2]

    assert np.median(down) == pytest.approx(2 / 24, abs=0.02)
    assert np.abs(motion(before, before)).max() < 1e-3


def test_a_head_that_turns_away_is_read_from_its_mesh_alone(shown, neutral_mesh):
    picture = np.full((480, 640, 3), 128, np.uint8)

    assert read(neutral_mesh, picture).flat is not None
    assert read(turned(neutral_mesh, yaw_deg=75), picture).flat is None


def test_grey_and_colour_pictures_are_read_alike(shown, neutral_mesh):
    grey = np.random.default_rng(1).integers(0, 255, (480, 640)).astype(np.uint8)
    colour = np.repeat(grey[:, :, None], 3, axis=2)

    assert np.array_equal(read(neutral_mesh, grey).flat, read(neutral_mesh, colour).flat)


def test_neutral_faces_stay_near_zero(shared, mesh):
    with np.load(shared / "data" / "ferplus_valid.npz", allow_pickle=False) as file:
        neutral = np.flatnonzero(file["votes"][:, 0] >= 9)[:60]
        images = file["images"][neutral]
    faces = [(fit_tight(mesh, image), image) for image in images]

    units = np.stack([estimate(face.landmarks, image=image).both for face, image in faces if face is not None])

    assert units.mean() < 0.5
    assert np.quantile(units, 0.95) < 2.0


def test_a_head_that_moves_while_it_laughs_is_read_as_a_laugh_throughout(shared):
    path = shared / "media" / "head_turns_480x270.mp4"
    if not path.is_file():
        pytest.skip(f"needs {path.name} among the shared media")
    finder, known, units = FaceFinder(1), [], []
    with av.open(str(path)) as clip:
        for index, frame in enumerate(clip.decode(video=0)):
            image = frame.to_ndarray(format="rgb24")
            known = finder.find(image, known)
            if index % 4 == 0:
                (face,) = known
                units.append(estimate(face.landmarks, image=image))
    finder.close()

    middle = {au: np.median([each.of(au) for each in units]) for au in (4, 9, 10, 12, 43)}

    assert middle[12] > 1.5
    assert max(middle[au] for au in (4, 9, 10, 43)) < 0.5


def units_of(value):
    return ActionUnits(np.full(len(UNITS), value, np.float32), np.full(len(UNITS), value / 2, np.float32))


def test_smoothing_follows_a_step_to_63_percent_after_its_time_constant():
    smoothing = Smoothing(0.2)
    smoothing.take(units_of(0.0), 1.0)

    for step in range(1, 11):
        units = smoothing.take(units_of(4.0), 1.0 + 0.02 * step)

    assert units.right[0] == pytest.approx(4 * (1 - np.exp(-1)), abs=1e-4)
    assert units.left[0] == pytest.approx(2 * (1 - np.exp(-1)), abs=1e-4)


@pytest.mark.parametrize("next_s", [0.5, 2.5])
def test_smoothing_starts_anew_after_a_gap_and_when_time_runs_back(next_s):
    smoothing = Smoothing(0.2)
    smoothing.take(units_of(0.0), 1.0)

    assert smoothing.take(units_of(4.0), next_s).right[0] == 4


def test_no_smoothing_lets_everything_through():
    smoothing = Smoothing(0)
    smoothing.take(units_of(0.0), 1.0)

    assert smoothing.take(units_of(4.0), 1.01).right[0] == 4
    with pytest.raises(ValueError, match="time constant"):
        Smoothing(-1)
