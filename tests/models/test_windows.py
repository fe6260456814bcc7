"""Windows of faces that move: the generator's know what moved, CK+'s are read from its folders."""

import numpy as np
import pytest

from core.deformations import ACTION_UNITS
from core.faces import FaceFinder
from core.geometry import Floats
from core.opencv import cv2
from core.regions import EMFACS
from core.shape import POINTS
from core.stimulus import Puppet
from models.data.ferplus import CLASSES
from models.data.windows import CK_FRAMES, FRAMES, MADE, ck_plus_windows, last_frames, made_windows, of_people
from models.verify.landmark_demo import slopes

CORNER, BROW = 291, 105


@pytest.fixture(scope="module")
def face(astronaut):
    """The astronaut's picture, and the mesh of the face in it."""
    finder = FaceFinder()
    try:
        (found,) = finder.find(astronaut)
    finally:
        finder.close()
    return astronaut, found.landmarks


def test_an_expression_is_made_of_the_units_that_emfacs_gives_it_as_far_as_they_are_known():
    assert set(MADE) <= set(EMFACS)
    assert all(any(unit in ACTION_UNITS for unit in EMFACS[name]) for name in MADE)


def test_every_face_shows_every_class_and_two_calls_make_the_same(face):
    rests = np.stack([face[1]] * 2)
    made, again = (made_windows(rests, per_face=14, seed=3) for _ in range(2))
    assert made.shapes.shapes.shape == (28, FRAMES, POINTS, 3)
    assert {CLASSES[index] for index in made.shapes.classes} == {"neutral", *MADE}
    assert np.bincount(made.people).tolist() == [14, 14]
    np.testing.assert_array_equal(made.shapes.shapes, again.shapes.shapes)
    assert (made.strengths[made.shapes.classes == 0] == 0).all()
    assert (made.strengths[made.shapes.classes > 0] > 0).all()


def test_what_moves_in_a_made_smile_is_the_mouth(face):
    made = made_windows(np.stack([face[1]] * 6), per_face=7, seed=0)
    ends = made.shapes.shapes[:, -1]
    smiles = ends[made.shapes.classes == CLASSES.index("happiness")]
    calm = ends[made.shapes.classes == 0]
    way = np.linalg.norm(smiles[..., :2].mean(axis=0) - calm[..., :2].mean(axis=0), axis=1)
    assert way[CORNER] > 0.05
    assert way[CORNER] > 5 * way[BROW]


def test_windows_can_be_shortened_and_chosen_by_person(face):
    made = made_windows(np.stack([face[1]] * 3), per_face=3, seed=0)
    short = last_frames(of_people(made, [1]), 1)
    assert short.shapes.shapes.shape == (3, 1, POINTS, 3)
    assert set(short.people) == {1}
    np.testing.assert_array_equal(short.shapes.shapes[:, 0], made.shapes.shapes[made.people == 1, -1])


def test_sequences_of_ck_plus_become_displacements_from_their_first_frame(face, tmp_path):
    from core.corpora import open_corpus

    still, mesh = face
    puppet = Puppet(still, mesh, {12: 3.0, 6: 2.0, 25: 2.5})
    for sequence, code, unit in (("S005/001", 5, 12), ("S010/002", 1, 4)):
        subject, number = sequence.split("/")
        folder = tmp_path / "cohn-kanade-images" / sequence
        folder.mkdir(parents=True)
        for frame, strength in enumerate((0.0, 1.5, 3.5, 4.0, 4.5), start=1):
            picture = cv2.cvtColor(puppet.render({unit: strength}), cv2.COLOR_RGB2BGR)
            cv2.imwrite(str(folder / f"{subject}_{number}_{frame:08d}.png"), picture)
        label = tmp_path / "Emotion" / sequence
        label.mkdir(parents=True)
        (label / f"{subject}_{number}_00000005_emotion.txt").write_text(f"   {code}.0000000e+00\n")
    found = ck_plus_windows(open_corpus(tmp_path))
    assert found.shapes.shapes.shape == (2, CK_FRAMES, POINTS, 3)
    assert [CLASSES[index] for index in found.shapes.classes] == ["happiness", "anger"]
    assert found.people.tolist() == [0, 1]
    assert np.isnan(found.strengths).all()
    smile, frown = (np.linalg.norm(each[-1, :, :2], axis=1) for each in found.shapes.shapes)
    assert smile[CORNER] > 3 * frown[CORNER]
    assert frown[BROW] > smile[BROW]


def test_a_slope_is_what_a_points_relevance_grows_by():
    strength = np.linspace(0, 5, 40).astype(np.float32)
    relevance: Floats = np.zeros((40, POINTS), np.float32)
    relevance[:, CORNER] = 2 + 0.3 * strength
    found = slopes(relevance, strength)
    assert found[CORNER] == pytest.approx(0.3, abs=1e-5)
    assert np.abs(np.delete(found, CORNER)).max() == 0
