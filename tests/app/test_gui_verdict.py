"""On the video the verdict is a quiet mark, and its numbers are one click or one key away."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt

from core.types import Contrast
from core.verdict import Verdict
from tests.app.gui_fakes import LABELS, make_face, make_regions

UNEXPECTED = make_regions(forehead=0.9)
OUTSIDE = make_regions(outside=0.6)
FINE = make_regions(upper_lip=0.5, lower_lip=0.3)


def click(qtbot, window, place):
    qtbot.mouseClick(window.page.stage, Qt.MouseButton.LeftButton, pos=QPointF(place).toPoint())


def marks(window):
    """Where marks are, by face id, once the stage has been painted."""
    window.page.stage.grab()
    return {face_id: rect for face_id in range(1, 9) if (rect := window.page.stage.mark_rect(face_id)) is not None}


@pytest.mark.parametrize("regions", [UNEXPECTED, OUTSIDE, replace(FINE, positive=0.0)])
def test_an_unsupported_decision_is_marked_beside_its_label(open_window, show, regions):
    window = open_window()
    show(window, make_face(regions=regions))
    rect = marks(window)[1]
    assert window.page.stage.rect().contains(rect.toRect())


@pytest.mark.parametrize(
    "face",
    [
        make_face(regions=FINE),
        make_face(top="neutral", regions=make_regions(())),
        replace(make_face(), explanation=None, regions=None, explained=False),
    ],
)
def test_supported_neutral_and_unexplained_faces_bear_no_mark(open_window, show, face):
    window = open_window()
    show(window, face)
    assert marks(window) == {}


def test_every_kind_of_mark_looks_its_own_in_grey(qtbot, open_window, show):
    """Shape, never colour alone."""
    window = open_window()
    seen = []
    for number, regions in enumerate((UNEXPECTED, OUTSIDE, replace(FINE, positive=0.0))):
        show(window, make_face(1, regions=FINE), make_face(2, x=320, regions=regions), timestamp_s=5.0 * number)
        place = marks(window)[2].toRect()
        window.page.stage.show_result(window.page.result, window.page._standings)
        picture = (
            window.page.stage.grab()
            .toImage()
            .copy(place)
            .convertToFormat(window.grab().toImage().Format.Format_Grayscale8)
        )
        seen.append(np.frombuffer(picture.constBits(), np.uint8).copy())
    for k, one in enumerate(seen):
        for other in seen[:k]:
            assert one.shape != other.shape or np.abs(one.astype(int) - other).max() > 60


def test_five_faces_each_have_their_mark_and_none_leaves_the_window(open_window, show):
    window = open_window()
    show(window, *(make_face(k, x=40 + 110 * k, side=70, regions=UNEXPECTED) for k in range(1, 6)))
    found = marks(window)
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert all(window.page.stage.rect().contains(rect.toRect()) for rect in found.values())


def test_the_words_of_a_mark_give_way_to_a_face_beside_it(open_window, show):
    window = open_window()
    alone, beside = make_face(1, x=60, side=70, regions=UNEXPECTED), make_face(2, x=170, side=70)
    show(window, alone, timestamp_s=0.0)
    with_words = marks(window)[1]
    show(window, alone, beside, timestamp_s=5.0)
    without = marks(window)[1]
    assert with_words.width() > with_words.height()
    assert without.width() == without.height()
    assert window.page.stage.face_rect(alone).contains(without)


def test_a_click_on_the_mark_selects_the_face_and_opens_its_numbers(qtbot, open_window, show):
    window = open_window()
    show(window, make_face(1, x=60, regions=FINE), make_face(2, x=340, side=110, regions=UNEXPECTED))
    click(qtbot, window, marks(window)[2].center())
    assert window.page.selected_face.observation.face_id == 2
    assert window.page.numbers.isVisible()
    assert "not supported by the expected regions" in window.page.numbers.texts()
    click(qtbot, window, marks(window)[2].center())
    assert not window.page.numbers.isVisible()


def test_the_numbers_hold_map_contrast_and_control_against_what_passes(qtbot, open_window, show):
    window = open_window()
    shares = make_regions(upper_lip=0.2, lower_lip=0.2, outside=0.5)
    control = np.full_like(shares.shares, 1 / 15)
    regions = replace(shares, control_shares=control)
    face = replace(make_face(regions=regions), contrast=Contrast("happiness", "surprise", regions, 0.0))
    show(window, face)
    qtbot.keyClick(window.page.stage, "n")
    text = window.page.numbers.texts()
    assert "vs surprise" in text
    assert "40.0 %" in text  # V
    assert "3.00" in text  # V_w = 0.4 * 15 / 2
    assert "5.60" in text  # V_f = 0.4 / 0.5 * 14 / 2
    assert "1.00" in text  # an even control
    assert "50 % of what speaks for happiness lies outside the face, more than the 35 % that pass" in text
    assert "What tells happiness from surprise lies there 5.60 times" in text


@pytest.mark.parametrize("top", LABELS)
@pytest.mark.parametrize("expected", [(), ("chin",)])
@pytest.mark.parametrize("positive", [2.0, 0.0])
def test_the_meaning_is_a_sentence_for_every_class_and_map(top, expected, positive):
    from app.gui.numbers import meaning

    regions = replace(make_regions(expected, chin=0.3, outside=0.2), positive=positive)
    text = meaning(make_face(top=top, regions=regions), regions, 0.35)
    assert text.endswith(".")
    assert top in text
    assert "None" not in text


def test_numbers_can_be_read_in_the_smallest_window(qtbot, open_window, show):
    window = open_window()
    window.resize(window.minimumSize())
    show(window, make_face())
    qtbot.keyClick(window.page.stage, "n")
    numbers = window.page.numbers
    assert window.page.rect().contains(numbers.geometry())
    assert numbers._body.width() <= numbers.width()


def test_the_limit_is_changed_by_key_kept_and_judges_a_standing_picture_anew(qtbot, open_window, show):
    window = open_window()
    show(window, make_face(regions=make_regions(upper_lip=0.5, outside=0.38)))
    assert marks(window)
    qtbot.keyClick(window.page.stage, ".")
    assert window.settings.outside_limit == pytest.approx(0.40)
    assert marks(window) == {}
    assert "rests on the expected regions" in window.page.panel.verdict.text()
    for _ in range(30):
        qtbot.keyClick(window.page.stage, ",")
    assert window.settings.outside_limit == pytest.approx(0.05)
    assert marks(window)


def test_a_verdict_that_changes_for_a_moment_does_not_change_the_mark(open_window, show):
    window = open_window()
    for number in range(12):
        regions = UNEXPECTED if number == 8 else FINE
        window.page.show_result(result_at(number / 30, regions))
        assert window.page._standings[1].verdict is Verdict.EXPECTED
        assert marks(window) == {}


def result_at(timestamp_s, regions):
    from tests.app.gui_fakes import make_result

    return make_result([make_face(regions=regions, explained_s=timestamp_s)], timestamp_s=timestamp_s)
