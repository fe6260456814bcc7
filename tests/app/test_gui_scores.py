"""Scores beside every face and the face mesh, on the video and in what is saved of it."""

from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt

from app.settings import Settings, load
from tests.app.gui_fakes import LABELS, make_face, make_regions

SIX = ("happiness", "surprise", "sadness", "anger", "disgust", "fear")
SHIFT = Qt.KeyboardModifier.ShiftModifier
UNEXPECTED = make_regions(forehead=0.9)


def painted(window):
    """Where scores are, by face id, once the stage has been painted."""
    window.page.stage.grab()
    return window.page.stage.score_rects()


def pixels(window):
    picture = window.page.stage.grab().toImage()
    return np.frombuffer(picture.constBits(), np.uint8).copy()


@pytest.mark.parametrize(
    ("key", "modifier", "field", "name"),
    [("c", SHIFT, "scores", "toggle_scores"), ("w", Qt.KeyboardModifier.NoModifier, "landmarks", "toggle_landmarks")],
)
def test_a_key_turns_them_on_checks_the_command_and_is_kept(
    qtbot, open_window, show, tmp_path, key, modifier, field, name
):
    window = open_window()
    show(window, make_face())
    without = pixels(window)
    assert getattr(window.settings, field) is False
    assert not window.actions_by_name[name].isChecked()
    qtbot.keyClick(window.page.stage, key, modifier)
    assert window.actions_by_name[name].isChecked()
    assert (pixels(window) != without).any()
    window.close()
    assert getattr(load(tmp_path / "settings.json").settings, field) is True


@pytest.mark.parametrize("name", ["toggle_scores", "toggle_landmarks"])
def test_the_command_turns_off_again_what_is_on(open_window, show, name):
    window = open_window(settings=Settings(scores=True, landmarks=True))
    show(window, make_face())
    assert window.actions_by_name[name].isChecked()
    window.actions_by_name[name].trigger()
    assert not getattr(window.settings, name.removeprefix("toggle_"))
    assert not window.actions_by_name[name].isChecked()


@pytest.mark.parametrize("labels", [SIX, LABELS])
def test_scores_stand_beside_the_box_and_within_the_video(open_window, show, labels):
    window = open_window(settings=Settings(scores=True, landmarks=True))
    face = make_face(x=260.0, labels=labels)
    show(window, face)
    stage = window.page.stage
    rect, box = painted(window)[1], stage.face_rect(face)
    assert QRectF(stage.rect()).contains(rect)
    assert not rect.intersects(box)
    assert 0 < rect.left() - box.right() < 20
    assert box.top() < rect.center().y() < box.bottom()


def test_eight_classes_take_two_rows_more_than_six(open_window, show):
    window = open_window(settings=Settings(scores=True))
    show(window, make_face(labels=SIX), timestamp_s=0.0)
    six = painted(window)[1].height()
    show(window, make_face(labels=LABELS), timestamp_s=1.0)
    eight = painted(window)[1].height()
    assert six < eight < six * 9 / 7


def test_without_a_face_there_are_no_scores(open_window, show):
    window = open_window(settings=Settings(scores=True, landmarks=True))
    show(window, make_face(), timestamp_s=0.0)
    assert painted(window)
    show(window, timestamp_s=1.0)
    assert painted(window) == {}


@pytest.mark.parametrize("count", [2, 3, 5])
def test_scores_of_many_faces_cover_no_face_no_label_no_mark_and_not_each_other(open_window, show, count):
    window = open_window(settings=Settings(scores=True))
    faces = [make_face(k, x=20 + 120 * (k - 1), side=60, regions=UNEXPECTED) for k in range(1, count + 1)]
    show(window, *faces)
    rects, stage = painted(window), window.page.stage
    assert sorted(rects) == list(range(1, count + 1))
    assert not any(one.intersects(other) for one, other in combinations(rects.values(), 2))
    for rect in rects.values():
        assert QRectF(stage.rect()).contains(rect)
        assert not any(rect.intersects(stage.face_rect(face)) for face in faces)
        assert not any(rect.intersects(stage.mark_rect(k)) for k in rects)
        assert not any(rect.intersects(taken) for taken in stage._taken)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_scores_leave_the_controls_free_where_there_is_room(open_window, show, count):
    window = open_window(settings=Settings(scores=True))
    show(window, *(make_face(k, x=20 + 200 * (k - 1), side=120) for k in range(1, count + 1)))
    rects = painted(window)
    assert len(rects) == count
    assert not any(rect.intersects(QRectF(window.page.controls.geometry())) for rect in rects.values())


def test_scores_without_room_are_left_out_and_that_is_told(open_window, show):
    window = open_window(settings=Settings(scores=True))
    window.resize(window.minimumSize())
    show(window, *(make_face(k, x=5 + 70 * (k - 1), side=60) for k in range(1, 10)))
    rects, stage = painted(window), window.page.stage
    assert 0 < len(rects) < 9
    assert stage._scores.notice is not None
    assert not any(rect.intersects(stage._scores.notice) for rect in rects.values())
    show(window, make_face(1), timestamp_s=1.0)
    assert list(painted(window)) == [1]
    assert stage._scores.notice is None


def test_a_face_that_is_selected_has_its_scores_at_once_where_not_all_have(open_window, show):
    window = open_window(settings=Settings(scores=True))
    window.resize(window.minimumSize())
    show(window, *(make_face(k, x=5 + 70 * (k - 1), side=60) for k in range(1, 10)))
    left_out = next(k for k in range(1, 10) if k not in painted(window))
    window.page.select(left_out)
    assert left_out in painted(window)


def test_a_face_that_fills_the_picture_keeps_its_middle_free(open_window, show):
    window = open_window(settings=Settings(scores=True))
    face = make_face(x=-40.0, side=720.0)
    show(window, face)
    rect, box = painted(window)[1], window.page.stage.face_rect(face)
    assert QRectF(window.page.stage.rect()).contains(rect)
    assert not rect.contains(box.center())


def test_faces_that_have_no_name_yet_have_scores_of_their_own(open_window, show):
    window = open_window(settings=Settings(scores=True))
    show(window, make_face(0, x=60, side=80), make_face(0, x=400, side=80))
    assert len(painted(window)) == 2


def test_the_face_mesh_is_drawn_on_the_face_only(open_window, show):
    window = open_window()
    face = make_face()
    show(window, face)
    stage = window.page.stage
    window.page.controls.hide()  # they fade in and out over the video
    before = stage.grab().toImage()
    stage.show_settings(window.settings.changed(landmarks=True))
    after = stage.grab().toImage()
    size = before.height(), before.width(), 4
    one, other = (np.frombuffer(image.constBits(), np.uint8).reshape(size) for image in (before, after))
    rows, columns = np.nonzero((one != other).any(axis=2))
    ratio, box = before.devicePixelRatio(), stage.face_rect(face)
    inside = box.adjusted(-2, -2, 2, 2)
    assert len(rows) > 500
    assert inside.left() <= columns.min() / ratio <= columns.max() / ratio <= inside.right()
    assert inside.top() <= rows.min() / ratio <= rows.max() / ratio <= inside.bottom()


def test_what_is_saved_follows_the_settings():
    from app.gui.picture import OverlayPicture, style
    from tests.app.gui_fakes import make_result

    settings = Settings(scores=True, landmarks=True)
    assert (style(settings).scores, style(settings).landmarks) == (True, True)
    result, picture = make_result([make_face()]), OverlayPicture()
    assert (picture.draw(result, settings) != picture.draw(result, Settings())).any()
    assert (picture.heat(result, settings) == picture.heat(result, Settings())).all()
