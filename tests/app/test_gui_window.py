"""The window does what the table of commands says, shows what the engine says, and never stands dead."""

import json
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication

from core.errors import ExplainError, PackNotFound, SourceBusy, SourceTruncated, SourceUnreadable
from tests.app.gui_fakes import LABELS, make_face, make_regions


def test_the_window_is_there_before_the_engine(qtbot, fake, open_window):
    """Opening takes as long as it takes: the window is shown, says what it waits for, and takes keys."""
    gate = threading.Event()
    fake.gate = gate
    window = open_window("slow.mp4", wait=False)
    assert window.isVisible()
    assert "Opening slow.mp4" in window.page.stage._message
    qtbot.keyClick(window.page.stage, "m")
    gate.set()
    with qtbot.waitSignal(window.bridge.read, timeout=5000):
        pass
    assert window.settings.method == "gradcam"
    assert fake.session.analysed[-1].method == "gradcam"


@pytest.mark.parametrize(
    ("key", "asked"),
    [
        (Qt.Key.Key_Space, "pause"),
        (Qt.Key.Key_Right, ("step", 1)),
        (Qt.Key.Key_Left, ("step", -1)),
        (Qt.Key.Key_Home, ("seek", 0.0)),
    ],
)
def test_playback_keys_reach_the_engine(qtbot, fake, open_window, show, key, asked):
    window = open_window()
    show(window, make_face())
    qtbot.keyClick(window.page.stage, key)
    assert fake.session.calls[-1] == asked


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("m", "method", "gradcam"),
        ("c", "target", LABELS[0]),
        ("x", "against", "runner-up"),
        ("e", "explain_every", 1),
        ("r", "regions", True),
        ("w", "landmarks", True),
        ("b", "region_mode", "boxes"),
        ("p", "colour_map", "viridis"),
        ("]", "opacity", 0.85),
        ("[", "opacity", 0.65),
        ("-", "scale_factor", 0.5),
        ("t", "theme", "dark"),
    ],
)
def test_keys_change_the_settings(qtbot, open_window, key, field, value):
    window = open_window()
    qtbot.keyClick(window.page.stage, key)
    assert getattr(window.settings, field) == value


def test_the_engine_hears_of_what_concerns_it(qtbot, fake, open_window):
    window = open_window()
    qtbot.keyClick(window.page.stage, "m")
    assert fake.session.analysed[-1].method == "gradcam"
    heard = len(fake.session.analysed)
    qtbot.keyClick(window.page.stage, "r")
    assert len(fake.session.analysed) == heard


def test_every_command_has_a_method_and_no_key_means_two_things(open_window):
    from app.gui.actions import COMMANDS

    window = open_window()
    for page in window.pages:
        keys = [key for command in COMMANDS if command.serves(page.key) for key in command.keys]
        assert len(keys) == len(set(keys))
    receivers = (window, window.choices, window.player, window.look, *window.pages)
    assert all(any(hasattr(each, command.id) for each in receivers) for command in COMMANDS)
    assert all(command.hint for command in COMMANDS)


def test_the_help_lists_every_command(qtbot, open_window):
    from app.gui.actions import COMMANDS

    window = open_window()
    qtbot.keyClick(window.page.stage, Qt.Key.Key_F1)
    assert window.help.isVisible()
    texts = window.help.texts()
    assert all(command.text.rstrip("…") in texts for command in COMMANDS if command.id != "select_face")
    qtbot.keyClick(window.page.stage, Qt.Key.Key_Escape)
    assert not window.help.isVisible()


def test_number_keys_and_clicks_select_a_face(qtbot, open_window, show):
    window = open_window()
    faces = make_face(1, x=60), make_face(4, x=300)
    show(window, *faces)
    qtbot.keyClick(window.page.stage, "2")
    assert window.page.selected_face is faces[1]
    middle = window.page.stage.face_rect(faces[0]).center()
    qtbot.mouseClick(window.page.stage, Qt.MouseButton.LeftButton, pos=middle.toPoint())
    assert window.page.selected_face is faces[0]


def test_the_panel_shows_the_selected_face(qtbot, open_window, show):
    window = open_window()
    show(window, make_face(3, top="fear"))
    panel = window.page.panel
    assert panel.probabilities.accessibleDescription().startswith("fear 0.89")
    assert dict(panel.regions.rows())["mouth"] == pytest.approx(0.5)
    qtbot.mouseClick(panel.verdict, Qt.MouseButton.LeftButton)
    assert window.page.numbers.isVisible()


def test_no_face_is_said(qtbot, open_window, show):
    window = open_window()
    show(window)
    assert "No face in the picture" in window.page.panel._empty.text()


def test_a_press_on_the_seek_bar_asks_for_that_place(qtbot, fake, open_window, show):
    window = open_window()
    show(window, make_face())
    bar = window.page.transport.bar
    assert bar.isVisible()
    with qtbot.waitSignal(window.page.transport.sought):
        qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.rect().center())
    assert fake.session.calls[-1] == ("seek", pytest.approx(5.0, abs=0.05))


def test_a_live_source_has_no_seek_bar(qtbot, fake, open_window, show):
    window = open_window()
    fake.session.now = replace(fake.session.now, live=True, seekable=False, duration_s=None)
    show(window, make_face())
    assert not window.page.transport.isVisible()


@pytest.mark.parametrize(
    ("error", "ways"),
    [
        (SourceBusy("The camera is in use."), ["again", "demo", "choose"]),
        (SourceUnreadable("notes.txt is not a video."), ["choose", "demo"]),
        (PackNotFound("There is no model pack 'x'."), ["shipped", "copy"]),
        (ExplainError("No rule."), ["off", "copy"]),
        (ZeroDivisionError("division by zero"), ["again", "copy"]),
    ],
)
def test_an_engine_that_fails_leaves_a_sentence_and_a_way_on(qtbot, fake, open_window, error, ways):
    window = open_window()
    fake.session.now = replace(fake.session.now, state="failed", error=error)
    with qtbot.waitSignal(window.bridge.state_changed, timeout=5000):
        pass
    (message,) = window.notices.messages
    assert str(error) in message.text
    assert ways == [way.id for way in message.ways]
    assert "stopped by an error" in window.status_line.rate.text()


def test_a_source_that_cannot_be_opened_is_said_and_can_be_tried_again(qtbot, fake, open_window):
    fake.fail_with["0"] = SourceBusy("The camera is in use by another program.")
    window = open_window("0")
    qtbot.waitUntil(lambda: bool(window.notices.messages), timeout=5000)
    fake.fail_with.clear()
    notice = window.notices.findChildren(type(window.notices._notices[0]))[0]
    with qtbot.waitSignal(window.bridge.read, timeout=5000):
        qtbot.mouseClick(notice.buttons["again"], Qt.MouseButton.LeftButton)
    assert fake.session.spec == "0"
    assert not window.notices.messages


def test_the_old_source_is_closed_before_the_next_is_opened(qtbot, fake, open_window):
    window = open_window("one.mp4")
    first = fake.session
    window.open_source("two.mp4")
    qtbot.waitUntil(lambda: len(fake.sessions) == 2, timeout=5000)
    assert first.calls[-1] == "stop"
    assert window.settings.source == "two.mp4"


def test_a_truncated_file_can_still_be_played(qtbot, fake, open_window):
    window = open_window()
    error = SourceTruncated("clip.mp4 ends early.")
    fake.session.now = replace(fake.session.now, state="ended", error=error)
    qtbot.waitUntil(lambda: bool(window.notices.messages), timeout=5000)
    (message,) = window.notices.messages
    assert (message.level, [way.id for way in message.ways]) == ("warn", ["rewind", "choose"])


def test_without_a_camera_it_opens_the_demo_clip_and_says_so(qtbot, fake, open_window):
    window = open_window(None)
    assert fake.session.spec == "demo"
    assert "No camera was found" in window.notices.messages[0].text


def test_with_a_camera_it_opens_that(fake, open_window):
    fake.camera_names = ["Logitech C920"]
    window = open_window(None)
    assert fake.session.spec == "Logitech C920"
    assert not window.notices.messages
    assert "Logitech C920" in window.source_menu.entries


def test_a_provider_that_could_not_be_started_is_told(fake, open_window):
    fake.provider_warning = "CUDAExecutionProvider was asked for, but CPUExecutionProvider runs instead."
    window = open_window()
    (message,) = window.notices.messages
    assert (message.level, message.text) == ("warn", fake.provider_warning)


@pytest.mark.parametrize(
    ("key", "kind", "text"), [("o", "QFileDialog", "/clips/a.mp4"), ("u", "QInputDialog", " http://localhost/a ")]
)
def test_a_file_or_an_address_is_asked_for_and_opened(qtbot, fake, open_window, key, kind, text):
    from PySide6 import QtWidgets

    window = open_window()
    qtbot.keyClick(window.page.stage, key)
    dialog = window.findChild(getattr(QtWidgets, kind))
    signal = dialog.fileSelected if key == "o" else dialog.textValueSelected
    signal.emit(text)
    dialog.close()
    qtbot.waitUntil(lambda: fake.session.spec == text.strip(), timeout=5000)


@pytest.mark.parametrize(
    ("last", "cameras", "first"),
    [
        (None, [], None),
        (None, ["Logitech C920"], "Logitech C920"),
        ("Logitech C920", ["Other", "Logitech C920"], "Logitech C920"),
        ("Logitech C920", ["Other"], "Other"),
        ("/gone/clip.mp4", [], None),
        ("demo", ["Other"], "demo"),
    ],
)
def test_last_time_s_source_comes_first_while_it_is_there(last, cameras, first):
    from app.gui.opener import first_source

    assert first_source(last, cameras) == first


def test_an_exception_that_nobody_caught_is_shown_and_can_be_copied(qtbot, open_window):
    window = open_window()
    try:
        raise RuntimeError("a slot fell over")
    except RuntimeError:
        window._crashes._note(*sys.exc_info())
    qtbot.waitUntil(lambda: bool(window.notices.messages), timeout=5000)
    assert "RuntimeError: a slot fell over" in window.notices.messages[0].text
    window._go_on("crash", "copy")
    assert "test_gui_window.py" in QGuiApplication.clipboard().text()


@pytest.mark.parametrize("outside", [0.0, 0.9])
@pytest.mark.parametrize("expected", [("upper_lip", "lower_lip"), ("chin",), ()])
def test_no_verdict_pushes_the_numbers_out_of_the_panel(open_window, show, expected, outside):
    window = open_window()
    show(window, make_face(regions=make_regions(expected, upper_lip=0.05, chin=0.02, outside=outside)))
    panel = window.page.panel
    assert panel.verdict.text()
    assert panel.widget().width() <= panel.viewport().width()
    assert panel.widget().minimumSizeHint().width() <= panel.viewport().width()


def test_a_snapshot_is_a_picture_and_its_numbers(qtbot, open_window, show, tmp_path):
    window = open_window()
    show(window, make_face(1), index=41, timestamp_s=1.7)
    qtbot.keyClick(window.page.stage, "s")
    qtbot.waitUntil(lambda: bool(window.notices.messages), timeout=5000)
    (picture,) = (tmp_path / "pictures").glob("*.png")
    (sheet,) = (tmp_path / "pictures").glob("*.json")
    said = json.loads(sheet.read_text(encoding="utf-8"))
    assert picture.stat().st_size > 0
    assert picture.name in window.notices.messages[0].text
    (maps,) = (tmp_path / "pictures").glob("*.npz")
    assert (said["frame"], said["pack"], said["notice"]) == (41, "fake 1.0", "not a medical device")
    face = said["faces"][0]
    assert face["regions"]["share"]["upper_lip"] == pytest.approx(0.3)
    assert face["probabilities"]["happiness"] > 0.8
    scale = face["explanation"]["scale"]
    assert (scale["value"], scale["unit"], scale["reference"], scale["factor"]) == (0.008, "logit", 0.008, 1.0)
    assert "golden faces" in scale["reference_is"]
    assert said["view"]["scale_factor"] == 1.0
    with np.load(maps) as arrays:
        assert arrays["relevance_0"].sum() == pytest.approx(64 * 0.04)


def test_the_scale_stays_until_somebody_changes_it(qtbot, open_window, show):
    window = open_window()
    show(window, make_face())
    assert (window.settings.scale_factor, window.page.controls.scale.text()) == (1.0, "0.008")
    qtbot.keyClick(window.page.stage, "a")
    assert window.settings.scale_factor == pytest.approx(5.0, rel=0.01)
    assert window.page.controls.scale.text() == "0.0398"
    show(window, make_face(side=60))
    assert window.page.controls.scale.text() == "0.0398"
    qtbot.keyClick(window.page.stage, "0")
    assert window.settings.scale_factor == 1.0


def test_every_method_has_the_scale_and_the_unit_of_its_own_maps(qtbot, open_window, show):
    window = open_window()
    controls = window.page.controls
    assert not controls.scale.isEnabled()
    assert not controls.fit_button.isEnabled()
    show(window, make_face())
    assert (controls.scale.text(), controls._scale_caption.text()) == ("0.008", "Logit per pixel · fixed")
    window.choices.set_scale(2.0)
    explanation = replace(make_face().explanation, method="gradient", unit="logit per unit of input", reference=2e-5)
    show(window, replace(make_face(), explanation=explanation))
    assert (controls.scale.text(), controls._scale_caption.text()) == ("4e-05", "Logit per unit · fixed")
    assert "2e-05, shown here times 2" in controls.scale.toolTip()


def test_choices_are_kept_when_the_window_closes(qtbot, open_window, tmp_path):
    from app.settings import load

    window = open_window()
    qtbot.keyClick(window.page.stage, "m")
    window.close()
    assert load(tmp_path / "settings.json").settings.method == "gradcam"


def test_the_status_line_tells_what_runs(qtbot, fake, open_window, show):
    window = open_window()
    fake.session.now = replace(fake.session.now, dropped=3, explained_share=0.5, explain_every=2)
    show(window, make_face())
    line = window.status_line
    assert line.dropped.text() == "3 dropped"
    assert line.explained.text() == "explained 50 % · 1 frame in 2"
    assert (line.provider.text(), line.pack.text()) == ("CPU, ONNX Runtime", "pack fake 1.0")
    assert line.disclaimer.text() == "not a medical device"


@pytest.mark.parametrize("method", ["lrp", "gradcam", "off"])
def test_the_chosen_method_s_name_is_written_whole(open_window, method):
    from PySide6.QtGui import QFont, QFontMetrics

    window = open_window()
    window.choices.set("method", method)
    button = window.page.controls.method.button(method)
    bold = QFont(button.font())
    bold.setWeight(QFont.Weight.DemiBold)
    assert button.width() >= QFontMetrics(bold).horizontalAdvance(button.text()) + 18  # the style sheet's padding


def test_typing_a_scale_triggers_no_shortcut(qtbot, open_window, show):
    window = open_window()
    show(window, make_face())
    field = window.page.controls.scale
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "0.5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert window.settings.scale_factor == 62.5
    assert field.text() == "0.5"


def test_a_focused_slider_keeps_its_arrows_and_a_focused_button_its_space(qtbot, fake, open_window):
    window = open_window()
    before = len(fake.session.calls)
    slider = window.page.controls.opacity
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert window.settings.opacity == pytest.approx(0.76)
    regions = window.page.controls.regions
    regions.setFocus()
    qtbot.keyClick(regions, Qt.Key.Key_Space)
    assert window.settings.regions
    assert fake.session.calls[before:] == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("faces", [0, 1, 5])
def test_everything_can_be_painted(qtbot, open_window, show, theme, faces):
    from app.settings import Settings

    labels = ("an expression with a very long name indeed", "neutral")
    window = open_window(settings=Settings(theme=theme, regions=True))
    some = [make_face(n + 1, x=20 + 110 * n, side=90, top=labels[0], labels=labels) for n in range(faces)]
    show(window, *some)
    picture = window.grab()
    assert (picture.width(), picture.height()) == (
        round(1280 * picture.devicePixelRatio()),
        round(720 * picture.devicePixelRatio()),
    )


def test_a_face_under_the_pointer_is_the_smaller_of_two(qtbot, open_window, show):
    window = open_window()
    big, small = make_face(1, x=100, side=240), make_face(2, x=160, side=60)
    show(window, big, small)
    point = window.page.stage.face_rect(small).center()
    assert window.page.stage._face_at(QPointF(point)) is small
