"""Panels beside faces stay where they are while they can."""

from dataclasses import replace

import pytest

from core.geometry import Box
from core.panel_places import REVIEW_AFTER, SLACK_PX, Anchor, PanelPlaces

ROOM = Box(0, 0, 1000, 600)
SIZES = ((180, 160), (150, 130), (120, 100))


def face(key, x, y=200.0, side=150.0):
    return Anchor(key, Box(x, y, side, side), SIZES)


def test_a_face_that_trembles_does_not_shake_its_panel():
    places = PanelPlaces()
    first = places.arrange([face(1, 300)], ROOM, []).spots[0]
    for shift in (2, -2, 3, 1, -3):
        assert first == places.arrange([face(1, 300 + shift, 200 + shift)], ROOM, []).spots[0]


def test_a_panel_follows_a_face_that_moves():
    places = PanelPlaces()
    first = places.arrange([face(1, 300)], ROOM, []).spots[0]
    moved = places.arrange([face(1, 400, 250)], ROOM, []).spots[0]
    assert moved.side == first.side
    assert moved.place.x - first.place.x == pytest.approx(100, abs=SLACK_PX)
    assert moved.place.y - first.place.y == pytest.approx(50, abs=SLACK_PX)


def test_the_side_is_kept_while_it_fits_and_left_when_it_does_not():
    places = PanelPlaces()
    places.arrange([face(1, 300)], ROOM, [Box(470, 100, 50, 400)])
    assert places.arrange([face(1, 300)], ROOM, []).spots[0].side == "left"
    assert places.arrange([face(1, 100)], ROOM, []).spots[0].side == "right"
    assert places.arrange([face(1, 300)], ROOM, []).spots[0].side == "right"


def test_another_face_does_not_move_the_panels_of_those_that_are_there():
    places = PanelPlaces()
    first = places.arrange([face(1, 100)], ROOM, []).spots[0]
    both = places.arrange([face(2, 600), face(1, 100)], ROOM, [])
    assert both.spots[1] == first
    assert both.spots[0] is not None


def test_panels_shrink_where_there_is_little_room():
    room = Box(0, 0, 300, 200)
    found = PanelPlaces().arrange([face(1, 4, 20)], room, [])
    assert found.size == 2
    assert found.spots[0].side == "right"


def test_panels_grow_again_only_after_a_while():
    places, blocked = PanelPlaces(), [Box(0, 0, 300, 600), Box(585, 0, 415, 600), Box(300, 350, 300, 250)]
    assert places.arrange([face(1, 300)], ROOM, blocked).size == 2
    sizes = [places.arrange([face(1, 300)], ROOM, []).size for _ in range(REVIEW_AFTER)]
    assert sizes[:-1] == [2] * (REVIEW_AFTER - 1)
    assert sizes[-1] == 0


def test_where_no_side_is_free_a_panel_goes_where_there_is_room_and_stays_there():
    places = PanelPlaces()
    ring = [Box(250, 150, 250, 45), Box(250, 355, 250, 45), Box(255, 195, 40, 160), Box(455, 195, 40, 160)]
    spot = places.arrange([face(1, 300)], ROOM, ring).spots[0]
    assert spot.side is None
    assert spot.led_px > 0
    assert places.arrange([face(1, 302)], ROOM, ring).spots[0].place == spot.place


def test_a_panel_without_room_is_not_tried_at_every_frame():
    places, full = PanelPlaces(), [ROOM]
    assert places.arrange([face(1, 300)], ROOM, full).spots == (None,)
    assert places.arrange([face(1, 300)], ROOM, []).spots == (None,)
    later = [places.arrange([face(1, 300)], ROOM, []) for _ in range(REVIEW_AFTER)]
    assert later[-1].spots[0].side == "right"


def test_a_wider_room_is_used_at_once():
    places = PanelPlaces()
    assert places.arrange([face(1, 4, 20)], Box(0, 0, 300, 200), []).size == 2
    assert places.arrange([face(1, 4, 20)], ROOM, []).size == 0


def test_what_should_be_spared_is_covered_only_where_there_is_no_other_place():
    room = Box(0, 0, 340, 200)
    right, wider = Box(158, 0, 182, 200), Box(0, 0, 600, 200)
    assert PanelPlaces().arrange([face(1, 4, 20)], room, [], [right]).spots[0].side == "right"
    assert PanelPlaces().arrange([face(1, 180, 20)], wider, [], [Box(335, 0, 265, 200)]).spots[0].side == "left"


def test_faces_in_a_row_have_panels_in_a_row():
    row = [face(k, 20 + 130 * (k - 1), side=60) for k in range(1, 6)]
    found = PanelPlaces().arrange([row[2], *row[:2], *row[3:]], Box(0, 0, 680, 600), [])
    assert None not in found.spots


def test_nothing_is_arranged_for_no_face():
    assert PanelPlaces().arrange([], ROOM, []).spots == ()


def test_a_narrow_gap_is_never_used_up():
    places, anchor = PanelPlaces(), Anchor(1, Box(300, 200, 150, 150), SIZES, gap_px=4.0)
    places.arrange([anchor], ROOM, [])
    for step in range(1, 12):
        box = Box(300 + step, 200, 150, 150)
        place = places.arrange([replace(anchor, box=box)], ROOM, []).spots[0].place
        assert 1 <= place.x - box.right <= 4


def test_no_line_leads_to_a_panel_that_is_near_enough():
    taken = [Box(450, 0, 60, 600), Box(0, 0, 300, 600), Box(300, 350, 150, 250)]
    led = [
        PanelPlaces().arrange([replace(face(1, 300), lead_px=lead_px)], ROOM, taken).spots[0].led_px
        for lead_px in (0.0, 80.0)
    ]
    assert led[0] > 0
    assert led[1] == 0
