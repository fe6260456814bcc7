"""The landmark network in the window: a key, its own packs in the list, its bars under those of the pixels."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from app.gui import names, theme
from app.gui.picture import style
from app.gui.session import PackEntry
from app.gui.snapshot import Origin, as_document
from app.settings import Settings, load
from core.errors import PackInvalid
from core.point_regions import POINTS_OF
from core.relevance import by_point_region
from core.types import LandmarkReading, LandmarkWait, PointRelevance
from tests.app.gui_fakes import make_face, make_result

SIX = ("happiness", "surprise", "sadness", "anger", "disgust", "fear")
NETWORK = "points 1.0"
SHIFT = Qt.KeyboardModifier.ShiftModifier
WAITING = LandmarkWait(NETWORK, "not yet: 3 of 8 frames, 0.1 s apart")
PACKS = (
    PackEntry("mien-s", "mien-s 1.0 · 8 classes", "About it."),
    PackEntry("landmarks-trained", "landmarks-trained 1.0 · 6 expressions", "About it.", landmarks=True),
    PackEntry("other", "other 1.0 · 6 expressions", "About it.", landmarks=True),
)


def reading(region="upper_lip", target="happiness"):
    relevance = np.zeros(478, np.float32)
    relevance[list(POINTS_OF[region])] = 0.2
    relevance[list(POINTS_OF["chin"])] = -0.1
    regions = by_point_region(relevance, np.ones(478, bool), target)
    logits = np.array([2, -1, -2, -2, -3, -3], np.float32)
    points = PointRelevance(relevance, target, 2.0, 1.0, 0.01, regions, 0.2)
    return LandmarkReading(NETWORK, SIX, logits, 1 / (1 + np.exp(-logits)), points)


def read_face(read=None, **made):
    return replace(make_face(side=300.0, **made), by_landmarks=reading() if read is None else read)


def pixels(widget):
    picture = widget.grab().toImage()  # which the buffer belongs to
    return np.frombuffer(picture.constBits(), np.uint8).copy()


def thin(widget):
    """How many pixels have the landmark network's own colour, of the dark theme."""
    ours = QColor(theme.DARK.mesh)
    found = pixels(widget).reshape(-1, 4)[:, :3]
    return int((found == (ours.blue(), ours.green(), ours.red())).all(axis=1).sum())


def texts(window):
    return " ".join(message.text for message in window.notices.messages)


def test_the_key_lets_the_network_read_and_is_kept(qtbot, fake, open_window, show, tmp_path):
    window = open_window()
    show(window, read_face())
    without = pixels(window.page.stage)
    assert fake.session.analysed[-1].points is False
    qtbot.keyClick(window.page.stage, "w", SHIFT)
    assert fake.session.analysed[-1].points is True
    assert window.actions_by_name["toggle_points"].isChecked()
    assert (pixels(window.page.stage) != without).any()
    window.close()
    assert load(tmp_path / "settings.json").settings.points is True


def test_a_network_that_cannot_be_had_is_told_and_everything_else_goes_on(qtbot, fake, open_window):
    window = open_window()
    fake.session.slow, fake.session.fail_with = {"landmarks"}, {"landmarks": PackInvalid("It lacks baselines.")}
    window.choices.toggle_points()
    qtbot.waitUntil(lambda: "It lacks baselines." in texts(window), timeout=5000)
    assert "so faces are read without one" in texts(window)
    assert (window.settings.points, window.settings.method) == (False, "lrp")
    assert not window.actions_by_name["toggle_points"].isChecked()


def test_the_list_of_packs_has_networks_apart_and_one_of_them_at_most(qtbot, open_window):
    window = open_window()
    window.pack_menu.show_packs(PACKS)
    actions = {action.text(): action for action in window.pack_menu.actions()}
    assert "Landmark network beside it" in actions
    actions["other 1.0 · 6 expressions"].trigger()
    assert (window.settings.points, window.settings.landmark_pack, window.settings.pack) == (True, "other", None)
    checked = [action.text() for action in window.pack_menu.actions() if action.isChecked()]
    assert checked == ["mien-s 1.0 · 8 classes", "other 1.0 · 6 expressions"]
    window.pack_menu.landmarks_chosen.emit("landmarks-trained")
    assert (window.settings.points, window.settings.landmark_pack) == (True, None)
    window.pack_menu.landmarks_chosen.emit("landmarks-trained")
    assert window.settings.points is False


def test_the_panel_says_what_the_network_reads_and_whether_it_agrees(open_window, show):
    window = open_window(settings=Settings(points=True))
    show(window, read_face())
    panel = window.page.panel
    assert panel._mesh.text().startswith("landmarks: happiness 0.88 · agreement ")
    assert panel._mesh.isVisible()
    show(window, read_face(WAITING))
    assert panel._mesh.text() == "landmarks: not yet: 3 of 8 frames, 0.1 s apart"
    show(window, make_face())
    assert not panel._mesh.isVisible()


def test_thin_bars_show_the_networks_shares_under_those_of_the_pixels(open_window, show):
    window = open_window(settings=Settings(points=True, theme="dark"))
    show(window, make_face(side=300.0))
    bars, probabilities = window.page.panel.regions, window.page.panel.probabilities
    rows = bars.rows()
    assert (thin(bars), thin(probabilities)) == (0, 0)
    show(window, read_face())
    assert bars.rows() == rows
    assert bars._by_points["upper_lip", "lower_lip"].share == pytest.approx(1)
    assert thin(bars) > 20
    assert thin(probabilities) > 20


def test_without_an_explanation_of_pixels_the_networks_bars_stand_alone(open_window, show):
    window = open_window(settings=Settings(points=True, method="off"))
    show(window, replace(read_face(), explanation=None, regions=None, explained=False))
    panel = window.page.panel
    assert dict(panel.regions.rows())["mouth"] == pytest.approx(1)
    assert panel._looked.isVisible()
    assert not panel._not_explained.isVisible()


def test_words_about_the_network_name_no_agreement_between_different_classes():
    assert names.by_landmarks(read_face()).startswith("landmarks: happiness 0.88 · agreement")
    assert names.by_landmarks(read_face(top="neutral")) == "landmarks: happiness 0.88"
    assert names.by_landmarks(make_face()) == ""


def test_a_snapshot_holds_what_the_network_reads():
    settings = Settings(points=True)
    document = as_document(make_result([read_face()]), settings, Origin("clip", "pack", "CPU"))
    found = document["faces"][0]["by_landmarks"]
    assert found["target"] == "happiness"
    assert found["probabilities"]["happiness"] == pytest.approx(0.88, abs=0.01)
    assert found["regions"]["share"]["upper_lip"] == pytest.approx(1)
    assert found["regions"]["negative_share"]["chin"] == pytest.approx(1)
    assert -1 <= found["agreement"] <= 1
    assert document["view"]["points"] is True
    assert style(settings).points is True
    waiting = as_document(make_result([read_face(WAITING)]), settings, Origin("clip", "pack", "CPU"))
    assert waiting["faces"][0]["by_landmarks"] == {"pack": NETWORK, "waiting": WAITING.why}
