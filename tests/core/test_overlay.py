"""The overlay: heat in its true place and nowhere else, and pictures that stay as they were.

Golden pictures are accepted anew with `MIENSCOPE_ACCEPT=1 pytest tests/core/test_overlay.py`.
"""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UnknownName
from core.geometry import FACE_OVAL, Box
from core.lettering import ACCENT, lettering, text_width
from core.overlay import COLOUR_MAPS, Style, draw, face_name, heat, outlines
from core.panel_places import PanelPlaces
from core.places import around, beside
from core.types import Prediction
from core.verdict import Verdict
from tests.made import (
    ELSEWHERE,
    LABELS,
    OFF_THE_FACE,
    REFERENCE,
    SIZE,
    SUPPORTED,
    gradient_image,
    judged_face,
    make_face,
    make_result,
    mouth_relevance,
)

DATA = Path(__file__).resolve().parents[1] / "data"


def outside_box(image, face):
    oval = face.observation.landmarks[list(FACE_OVAL), :2]
    (x0, y0), (x1, y1) = np.floor(oval.min(axis=0)).astype(int), np.ceil(oval.max(axis=0)).astype(int)
    mask = np.ones(image.shape[:2], bool)
    mask[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1] = False
    return mask


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_heat_changes_nothing_outside_the_faces_outline(name):
    image = gradient_image()
    face = make_face(np.full((SIZE, SIZE), 0.05, np.float32))

    painted = heat(image, face, Style(colour_map=name))

    assert (painted != image).any()
    assert np.array_equal(painted[outside_box(image, face)], image[outside_box(image, face)])
    corner = np.floor(face.observation.landmarks[list(FACE_OVAL), :2].min(axis=0)).astype(int)
    assert np.array_equal(painted[corner[1] + 2, corner[0] + 2], image[corner[1] + 2, corner[0] + 2])


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_no_relevance_leaves_the_picture_alone(name):
    image = gradient_image()

    painted = heat(image, make_face(np.zeros((SIZE, SIZE), np.float32)), Style(colour_map=name))

    assert np.abs(painted.astype(int) - image).max() <= 1


def test_a_face_without_explanation_gets_no_heat():
    image = gradient_image()

    assert np.array_equal(heat(image, make_face(), Style()), image)


def test_heat_lies_where_the_relevance_is():
    image, face = gradient_image(), make_face(mouth_relevance())
    changed = np.abs(heat(image, face, Style()).astype(int) - image).sum(axis=2).astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    centre = np.array([[(changed * x).sum(), (changed * y).sum()]]) / changed.sum()

    expected = face.crop.to_frame.apply(np.array([[24, 36]], np.float32))

    assert np.abs(centre - expected).max() < 3


def test_heat_follows_a_face_that_has_moved_since_it_was_explained():
    here, there = make_face(mouth_relevance()), make_face(mouth_relevance(), centre=(260.0, 170.0))
    flat = np.full((360, 640, 3), 128, np.uint8)

    assert np.array_equal(np.roll(heat(flat, here, Style()), 60, axis=1), heat(flat, there, Style()))


def test_negative_relevance_shows_only_on_a_map_for_it():
    flat = np.full((360, 640, 3), 128, np.uint8)
    face = make_face(-mouth_relevance())

    assert np.array_equal(heat(flat, face, Style()), flat)
    signed = heat(flat, face, Style(colour_map="blue-orange"))
    x, y = np.round(face.crop.to_frame.apply(np.array([[24, 36]], np.float32))[0]).astype(int)
    assert signed[y, x, 2] > signed[y, x, 0] + 50  # blue, not orange


def test_more_relevance_is_never_drawn_fainter():
    flat = np.full((360, 640, 3), 128, np.uint8)
    changes = [
        np.abs(heat(flat, make_face(mouth_relevance(s)), Style()).astype(int) - flat).sum()
        for s in (0, 0.0016, 0.004, 0.008)
    ]

    assert changes == sorted(changes)
    assert changes[0] < changes[1]


@pytest.mark.parametrize("times", [2e-5, 1.0, 300.0])
def test_maps_of_any_magnitude_are_drawn_alike_at_their_own_reference(times):
    flat = np.full((360, 640, 3), 128, np.uint8)
    usual = make_face(mouth_relevance())
    other = replace(usual.explanation, relevance=mouth_relevance() * times, reference=REFERENCE * times)

    drawn = heat(flat, replace(usual, explanation=other), Style())

    assert np.abs(drawn.astype(int) - heat(flat, usual, Style())).max() <= 1
    assert (drawn != flat).any()


def test_a_factor_makes_the_heat_fainter_and_the_legend_says_so():
    result = make_result(make_face(mouth_relevance()))
    flat = result.frame.image.astype(int)

    whole, faint = (heat(result.frame.image, result.faces[0], Style(factor=factor)) for factor in (1.0, 4.0))
    legends = [draw(result, Style(factor=factor, heat=True, labels=False, bars=False)) for factor in (1.0, 4.0)]

    assert np.abs(faint - flat).sum() < np.abs(whole - flat).sum()
    assert (legends[0][-30:] != legends[1][-30:]).any()


@settings(deadline=None)  # the first mesh is read from a file
@given(x=st.floats(-150, 800), y=st.floats(-150, 500), width=st.floats(8, 600))
def test_a_face_anywhere_even_half_out_of_the_picture_can_be_drawn(x, y, width):
    result = make_result(make_face(mouth_relevance(), centre=(x, y), width=width))

    drawn = draw(result, Style(regions=False, scores=True, landmarks=True))

    assert drawn.shape == result.frame.image.shape
    assert drawn.dtype == np.uint8


def test_drawing_changes_nothing_that_it_was_given():
    image = gradient_image()
    result = make_result(make_face(mouth_relevance()), image=image)
    before = image.copy()

    first, second = draw(result, Style(regions=True)), draw(result, Style(regions=True))

    assert np.array_equal(image, before)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, before)


def test_a_stale_explanation_says_so_in_amber():
    fresh = draw(make_result(make_face(mouth_relevance(), timestamp_s=1.0)), Style(heat=False))
    stale = draw(make_result(make_face(mouth_relevance(), timestamp_s=0.8)), Style(heat=False))

    changed = (fresh != stale).any(axis=2)
    r, g, b = (stale[changed][:, k].astype(int) for k in range(3))

    assert changed.any()
    assert ((r > 180) & (g > 120) & (b < 120)).sum() > 20


def test_a_face_without_explanation_gets_its_box_and_label_only():
    without, with_bars = make_face(), make_face(mouth_relevance())
    plain = draw(make_result(without), Style(legend=False))
    full = draw(make_result(with_bars), Style(legend=False, heat=False))
    flat = gradient_image()

    assert (plain != flat).any()
    assert (full != flat).sum() > 2 * (plain != flat).sum()


def test_two_faces_never_cover_each_others_bars_or_boxes():
    left, right = make_face(mouth_relevance(), (130.0, 150.0)), make_face(mouth_relevance(), (480.0, 150.0), face_id=2)
    both = draw(make_result(left, right), Style(heat=False, legend=False))
    only = draw(make_result(right), Style(heat=False, legend=False))
    box = right.observation.box
    window = np.s_[round(box.y) : round(box.bottom), round(box.x) : round(box.right)]

    assert np.array_equal(both[window], only[window])


def changed_by(result, **shown):
    """Where something is drawn that is not without it, bool [height, width]."""
    plain = Style(heat=False, bars=False, legend=False)
    return (draw(result, plain) != draw(result, replace(plain, **shown))).any(axis=2)


@pytest.mark.parametrize("width", [24.0, 70.0, 140.0])
def test_scores_lie_near_every_face_and_on_none(width):
    faces = [make_face(mouth_relevance(), (90.0 + 230 * k, 130.0), width, face_id=k + 1) for k in range(3)]
    changed = changed_by(make_result(*faces), scores=True)

    for face in faces:
        box = face.observation.box
        rows, columns = slice(round(box.y), round(box.bottom)), slice(round(box.x), round(box.right))
        assert not changed[rows, columns].any()
        near = box.scaled(1 + 250 / width)
        assert changed[max(round(near.y), 0) : round(near.bottom), max(round(near.x), 0) : round(near.right)].any()


@pytest.mark.parametrize("centre", [(40.0, 40.0), (620.0, 40.0), (40.0, 340.0), (620.0, 340.0)])
def test_scores_of_a_face_at_an_edge_are_whole(centre):
    there, middle = (
        changed_by(make_result(make_face(None, place, 60.0)), scores=True) for place in (centre, (320.0, 180.0))
    )

    assert there.sum() == pytest.approx(middle.sum(), rel=0.02)


def test_a_higher_probability_has_a_longer_bar():
    low, high = (
        make_result(replace(make_face(), prediction=Prediction(LABELS, *(np.array(v, np.float32) for v in values))))
        for values in (((0, 1, 0), (0.3, 0.4, 0.3)), ((0, 9, 0), (0.05, 0.9, 0.05)))
    )
    plain = Style(labels=False, boxes=False, legend=False, scores=True)

    accent = [(draw(result, plain) == np.array(ACCENT)).all(axis=2).sum() for result in (low, high)]

    assert accent[1] > accent[0] > 0


def test_a_face_that_fills_the_picture_gets_its_scores_at_its_rim():
    face = make_face(None, (320.0, 180.0), 420.0)
    changed = changed_by(make_result(face), scores=True)
    middle = face.observation.box.scaled(0.58)

    assert changed.any()
    assert not changed[round(middle.y) : round(middle.bottom), round(middle.x) : round(middle.right)].any()


def test_scores_without_room_are_told_in_amber():
    faces = [make_face(None, (40.0 + 56 * (k % 11), 50.0 + 66 * (k // 11)), 44.0, face_id=k + 1) for k in range(44)]
    result = make_result(*faces)
    plain = Style(heat=False, bars=False, legend=False, labels=False)

    drawn = draw(result, replace(plain, scores=True))
    new = drawn[changed_by(result, labels=False, scores=True)].astype(int)

    assert ((new[:, 0] > 200) & (new[:, 1] > 140) & (new[:, 2] < 120)).sum() > 20


TREMBLING_PX = (0.0, 2.0, -2.0, 3.0, 1.0, -3.0, 2.5, -1.0)  # from where the panel only just fits at the right


def panels_of(shifts, places=None):
    """Left, top, right and bottom of the panel of scores in every frame of a trembling face."""
    style = Style(heat=False, bars=False, legend=False, labels=False, boxes=False)
    found = []
    for index, shift in enumerate(shifts):
        result = make_result(make_face(None, (424.0 + shift, 180.0 - shift / 2), 120.0), index=index)
        drawn = draw(result, replace(style, scores=True), None, places) != draw(result, style)
        ys, xs = np.nonzero(drawn.any(axis=2))
        found.append((xs.min(), ys.min(), xs.max(), ys.max()))
    return found


def test_the_scores_of_a_face_that_trembles_in_a_video_stay_where_they_are():
    alone, steady = panels_of(TREMBLING_PX), panels_of(TREMBLING_PX, PanelPlaces())

    assert max(left for left, *_ in alone) - min(left for left, *_ in alone) > 120, "each by itself changes sides"
    assert [steady[0]] * len(steady) == steady
    assert alone[0] == steady[0]


def test_the_same_video_has_its_scores_in_the_same_places_every_time():
    shifts = [30.0 * np.sin(frame / 3) for frame in range(12)]

    assert panels_of(shifts, PanelPlaces()) == panels_of(shifts, PanelPlaces())


def test_the_mesh_lies_within_the_landmarks_and_is_left_to_large_faces():
    large, small = make_face(width=200.0), make_face(width=60.0)
    shares = []
    for face in (large, small):
        changed = changed_by(make_result(face), landmarks=True)
        box = face.observation.box
        ys, xs = np.nonzero(changed)
        assert box.x - 3 <= xs.min() <= xs.max() <= box.right + 3
        assert box.y - 3 <= ys.min() <= ys.max() <= box.bottom + 3
        shares.append(changed.sum() / box.area)

    assert shares[0] > 0.3
    assert shares[1] > 0


@settings(deadline=None)
@given(
    x=st.floats(0, 600),
    y=st.floats(0, 300),
    side=st.floats(10, 300),
    width=st.integers(20, 200),
    height=st.integers(20, 200),
)
def test_a_panel_lies_within_its_room_and_on_nothing_taken(x, y, side, width, height):
    room, box = Box(0, 0, 640, 320), Box(x, y, side, side)
    for find in (beside, around):
        place = find(box, (width, height), 5, room, [box])
        if place is not None:
            assert place.intersection(box) == 0
            assert place.x >= 0
            assert place.y >= 0
            assert place.right <= 640
            assert place.bottom <= 320


@pytest.mark.parametrize("shares", [ELSEWHERE, OFF_THE_FACE, {"positive": 0.0}])
@pytest.mark.parametrize("centre", [(200.0, 170.0), (600.0, 40.0), (20.0, 20.0)])
def test_an_unsupported_decision_bears_a_mark_and_each_kind_its_own(shares, centre):
    shares = dict(shares)
    positive = shares.pop("positive", 3.0)
    face = judged_face(shares)
    face = replace(
        face, regions=replace(face.regions, positive=positive), observation=make_face(centre=centre).observation
    )
    bare = Style(heat=False, bars=False, legend=False)
    marked, plain = (draw(make_result(face), replace(bare, marks=marks)) for marks in (True, False))
    assert (marked != plain).any()
    verdicts = [verdict for verdict in Verdict if verdict.unsupported]
    pictures = [draw(make_result(face), bare, {1: verdict}) for verdict in verdicts]
    assert all((one != other).any() for k, one in enumerate(pictures) for other in pictures[:k])


@pytest.mark.parametrize("shares", [SUPPORTED, None])
def test_a_supported_or_unexplained_decision_bears_none(shares):
    face = judged_face(shares)
    style = Style(heat=False, bars=False, legend=False)
    np.testing.assert_array_equal(draw(make_result(face), style), draw(make_result(face), replace(style, marks=False)))


def test_marks_can_follow_a_steady_verdict_and_the_limit():
    face, style = judged_face(OFF_THE_FACE), Style(heat=False, bars=False, legend=False)
    plain = draw(make_result(face), replace(style, marks=False))
    np.testing.assert_array_equal(plain, draw(make_result(face), style, {1: Verdict.EXPECTED}))
    np.testing.assert_array_equal(plain, draw(make_result(face), replace(style, outside_limit=0.5)))


def test_region_outlines_lie_on_the_face_in_the_frame():
    face = make_face(mouth_relevance())
    lines = outlines(face)
    box = face.observation.box.scaled(1.2)

    assert len(lines) >= 1
    points = np.concatenate(lines)
    assert points[:, 0].min() > box.x
    assert points[:, 0].max() < box.right
    assert points[:, 1].min() > box.y
    assert points[:, 1].max() < box.bottom


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_colour_maps_can_be_read_without_seeing_colour(name):
    lightness = cv2.cvtColor(COLOUR_MAPS[name][None], cv2.COLOR_RGB2LAB)[0, :, 0].astype(int)
    style = Style(colour_map=name)
    rising = lightness[128:] if style.signed else lightness

    assert style.colours.shape == (256, 3)
    assert (np.diff(rising) >= -2).all()
    assert rising[-1] - rising[0] > 100


@pytest.mark.parametrize(("number", "name"), [(0, ""), (1, "A"), (26, "Z"), (27, "AA"), (53, "BA")])
def test_faces_are_named_by_letters(number, name):
    assert face_name(number) == name


def test_a_style_that_cannot_be_is_refused_with_what_can():
    with pytest.raises(UnknownName, match="inferno"):
        Style(colour_map="jet")
    with pytest.raises(ValueError, match="opacity"):
        Style(opacity=1.5)
    with pytest.raises(ValueError, match="scale"):
        Style(factor=0.0)


def test_longer_words_are_wider_and_letters_are_smooth():
    assert text_width("happiness 0.94", 8) > text_width("fear", 8)
    ink = lettering("mouth", 10)
    assert ink.max() > 200
    assert ((ink > 20) & (ink < 230)).sum() > 20


def golden(name, picture):
    """Compare with the picture kept under tests/data, or keep this one."""
    path = DATA / f"{name}.png"
    if os.environ.get("MIENSCOPE_ACCEPT"):
        cv2.imwrite(str(path), picture[..., ::-1])
    assert path.exists(), "no golden picture yet: look at it, then accept it with MIENSCOPE_ACCEPT=1"
    kept = cv2.imread(str(path))[..., ::-1]
    assert kept.shape == picture.shape
    difference = np.abs(kept.astype(int) - picture)
    assert difference.mean() < 0.3
    assert (difference > 60).mean() < 0.002


@pytest.mark.parametrize("colour_map", ["inferno", "blue-orange"])
def test_the_whole_drawing_looks_as_it_did(colour_map):
    relevance = mouth_relevance() - 0.6 * mouth_relevance()[::-1]
    old = make_face(relevance, (160.0, 160.0), timestamp_s=0.9)
    new = replace(make_face(None, (520.0, 120.0), 90.0, face_id=2), explained=False)
    golden(f"overlay_{colour_map}", draw(make_result(old, new), Style(colour_map=colour_map)))
