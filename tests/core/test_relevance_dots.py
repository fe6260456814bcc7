"""Dots on a face say how much each point counts, and for or against, in the colours of the signed map."""

from dataclasses import replace

import numpy as np
import pytest

from core.overlay import COLOUR_MAPS, Style, draw
from core.relevance import by_point_region
from core.relevance_dots import AGAINST, FOR, radii
from core.types import LandmarkReading, LandmarkWait, PointRelevance
from tests.made import gradient_image, make_face, make_result, mouth_relevance

LABELS = ("happiness", "anger")


def point_relevance(values, target="happiness", reference=0.1):
    relevance = np.zeros(478, np.float32)
    for place, value in values.items():
        relevance[place] = value
    regions = by_point_region(relevance, np.ones(478, bool), target)
    return PointRelevance(relevance, target, 2.0, 1.0, 0.01, regions, reference)


def reading(values, **other):
    logits, shares = np.array([2, -1], np.float32), np.array([0.88, 0.27], np.float32)
    return LandmarkReading("points 1.0", LABELS, logits, shares, point_relevance(values, **other))


def read_face(values, explained=False, **other):
    made = make_face(mouth_relevance() if explained else None)
    return replace(made, by_landmarks=reading(values, **other))


def colour_at(picture, face, point):
    x, y = np.rint(face.observation.landmarks[point, :2]).astype(int)
    return picture[y, x].tolist()


BARE = Style(heat=False, boxes=False, labels=False, marks=False, bars=False, legend=False)


def test_points_that_speak_for_the_expression_are_orange_and_those_against_it_blue():
    face = read_face({100: 0.1, 340: -0.1})
    picture = draw(make_result(face), BARE)
    assert colour_at(picture, face, 100) == list(FOR)
    assert colour_at(picture, face, 340) == list(AGAINST)


def test_the_colours_are_those_of_the_signed_map():
    """Half a step between two of its 256 colours is all they may be off."""
    colours = COLOUR_MAPS["blue-orange"].astype(int)
    assert [np.abs(colours[place] - ink).max() <= 3 for place, ink in ((42, AGAINST), (213, FOR))] == [True, True]


def test_the_area_of_a_dot_is_proportional_to_its_relevance_on_a_fixed_scale():
    points = point_relevance({1: 0.1, 2: -0.05, 3: 0.02, 4: 0.001})
    sizes = radii(points, 400)
    assert sizes[2] ** 2 / sizes[1] ** 2 == pytest.approx(0.5)
    assert sizes[3] ** 2 / sizes[1] ** 2 == pytest.approx(0.2)
    assert sizes[4] == 0
    other = point_relevance({1: 0.1, 2: 5.0})
    assert radii(other, 400)[1] == sizes[1]  # a stronger neighbour changes nothing
    np.testing.assert_allclose(radii(points, 800)[:4], 2 * sizes[:4])


def test_without_the_switch_nothing_is_drawn_and_the_frame_is_never_changed():
    face = read_face({100: 0.1})
    result = make_result(face)
    assert (draw(result, replace(BARE, points=False)) == gradient_image()).all()
    draw(result, BARE)
    assert (result.frame.image == gradient_image()).all()


def test_dots_beyond_the_picture_are_cut_off():
    made = replace(make_face(centre=(-10.0, 355.0)), by_landmarks=reading(dict.fromkeys(range(0, 478, 3), 0.3)))
    assert draw(make_result(made), BARE).shape == (360, 640, 3)
    gone = replace(make_face(centre=(-900.0, 355.0)), by_landmarks=reading({1: 0.3}))
    assert (draw(make_result(gone), BARE) == gradient_image()).all()


@pytest.mark.parametrize("explained", [True, False])
def test_bars_stand_beside_the_face_also_where_only_the_landmarks_speak(explained):
    style = replace(BARE, points=False, bars=True)
    plain = draw(make_result(make_face(mouth_relevance() if explained else None)), style)
    both = draw(make_result(read_face({0: 0.1, 17: 0.1}, explained)), style)
    assert (both != plain).any()


def test_a_network_that_waits_says_so_in_the_bars():
    style = replace(BARE, bars=True)
    face = make_face()
    waiting = replace(face, by_landmarks=LandmarkWait("points 1.0", "not yet: 1 of 8 frames, 0.1 s apart"))
    assert (draw(make_result(waiting), style) != draw(make_result(face), style)).any()
