"""The second road on the page of pain: the network's score beside ours, whether both agree, and its map on the face."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.gui.pain_moment import moment
from app.gui.pain_view import face_text
from app.settings import Settings
from tests.app.gui_fakes import make_result
from tests.app.pain_made import make_pained

WITH_PAIN = Settings(pain=True)


def show(qtbot, window, **made):
    face = make_pained(**made)
    window._take_result(make_result([face]))
    qtbot.keyClick(window.page.stage, "q")
    window.pain.slow_tick()
    return face


def test_where_both_agree_that_is_told_with_the_score_and_its_parts(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    face = show(qtbot, window, score=4.0, network=4.5, au4=4.0)
    panel = window.pain.panel
    assert panel.road.isVisible()
    assert panel._agreement.text() == "✓ Second road agrees: the network reads 4.5, we 4.0 by the norm."
    assert panel.road.bars.rows() == [
        ("network’s score", 4.5),
        ("brow lowered", 4.5),
        ("cheeks or eyes", 0.0),
        ("nose or upper lip", 0.0),
        ("eyes closed", 0.0),
    ]
    assert "not independent evidence" in panel.road.note.text()
    assert "rank correlation" in panel.road.note.text()
    assert face_text(face) == "A · PSPI 4.0"
    assert not panel.widget().grab().toImage().isNull()


@pytest.mark.parametrize(
    ("network", "said"),
    [(9.0, "more, 9.0, 3.5 above the interval of our score by the norm"), (0.5, "less, 0.5, 2.0 below")],
)
def test_where_they_disagree_it_is_seen_at_once_on_either_page(qtbot, open_window, network, said):
    window = open_window(settings=WITH_PAIN)
    face = show(qtbot, window, score=4.0, network=network, au4=4.0)
    assert said in window.pain.panel._agreement.text()
    assert window.pain.panel._agreement.text().startswith("⚠ Second road disagrees")
    assert window.pain.panel._agreement.property("role") == "warn"
    assert face_text(face) == "A · PSPI 4.0 · second road disagrees"
    window.page.slow_tick()
    assert said in window.page.panel.pain.road.text()


def test_without_a_second_road_nothing_speaks_of_it(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    show(qtbot, window, score=4.0, au4=4.0)
    assert not window.pain.panel.road.isVisible()
    assert not window.pain.panel._agreement.isVisible()


def test_a_button_lays_the_networks_map_on_the_face_in_place_of_the_reasons(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    show(qtbot, window, score=4.0, network=4.5, au4=4.0)
    before = window.pain.view.grab().toImage()
    qtbot.mouseClick(window.pain.panel.road.map, Qt.MouseButton.LeftButton)
    after = window.pain.view.grab().toImage()
    assert before != after
    qtbot.mouseClick(window.pain.panel.road.map, Qt.MouseButton.LeftButton)
    assert window.pain.view.grab().toImage() == before


def test_a_moment_keeps_the_network_s_score_and_map_for_its_own_picture():
    face = make_pained(score=4.0, network=9.0, au4=4.0)
    kept = moment(make_result([face]).frame, face)
    assert kept.document()["by_network"]["agreement"]["reads"] == "more"
    inside, outside = kept.mapped(in_picture=True), kept.mapped(in_picture=False)
    assert inside.prediction is None
    np.testing.assert_allclose(outside.crop.to_frame.matrix, face.crop.to_frame.matrix)
    corner = np.array([[3.0, 4.0]], np.float32)
    expected = (outside.crop.to_frame.apply(corner) - kept.corner) / kept.step_px
    np.testing.assert_allclose(inside.crop.to_frame.apply(corner), expected, atol=1e-4)
    assert moment(make_result([make_pained(score=4.0)]).frame, make_pained(score=4.0)).mapped(in_picture=True) is None
