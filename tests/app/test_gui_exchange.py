"""Packs and methods are exchanged while the video runs: what is shown goes on until the new one is ready."""

import threading

import pytest
from PySide6.QtCore import Qt

from app.gui.method_list import FAMILIES, MethodSheet, description, family
from app.gui.session import PackEntry
from app.settings import Settings, load
from core.errors import PackInvalid, UnsupportedOperator
from core.explain import METHODS
from tests.app.gui_fakes import make_face

OTHER = ("happiness", "boredom")


def texts(window):
    return " ".join(message.text for message in window.notices.messages)


def test_a_method_that_must_be_prepared_takes_over_when_it_is_ready(qtbot, fake, open_window, show):
    window = open_window()
    fake.session.slow, fake.session.gate = {"gradient"}, threading.Event()
    window.choices.set("method", "gradient")
    qtbot.waitUntil(lambda: "Preparing Gradient" in texts(window), timeout=5000)
    assert fake.session.analysed[-1].method == "lrp", "the old one goes on"
    show(window, make_face())
    fake.session.gate.set()
    qtbot.waitUntil(lambda: fake.session.analysed[-1].method == "gradient", timeout=5000)
    assert not window.notices.messages


def test_a_method_that_is_ready_is_used_at_once(fake, open_window):
    window = open_window()
    window.choices.set("method", "gradcam")
    assert (fake.session.analysed[-1].method, fake.session.prepared) == ("gradcam", [])


def test_of_several_wishes_the_last_one_counts(qtbot, fake, open_window):
    window = open_window()
    fake.session.slow, fake.session.gate = {"gradient", "gradcam"}, threading.Event()
    for method in ("gradient", "gradcam", "gradient", "lrp", "gradcam"):
        window.choices.set("method", method)
    fake.session.gate.set()
    qtbot.waitUntil(lambda: fake.session.analysed[-1].method == "gradcam", timeout=5000)
    assert "gradient" not in {settings.method for settings in fake.session.analysed}


def test_a_method_that_cannot_be_prepared_leaves_the_old_one_and_says_why(qtbot, fake, open_window):
    window = open_window()
    fake.session.slow = {"gradient"}
    fake.session.fail_with = {"gradient": UnsupportedOperator("Node 'x' (Sin) has no backward rule under Gradient.")}
    window.choices.set("method", "gradient")
    qtbot.waitUntil(lambda: "no backward rule" in texts(window), timeout=5000)
    assert "Gradient cannot be used here, so LRP goes on" in texts(window)
    assert (window.settings.method, fake.session.analysed[-1].method) == ("lrp", "lrp")
    assert [message.level for message in window.notices.messages] == ["error"]


def test_an_error_that_nobody_foresaw_is_shown_too(qtbot, fake, open_window):
    window = open_window()
    fake.session.slow, fake.session.fail_with = {"gradient"}, {"gradient": MemoryError("no room")}
    window.choices.set("method", "gradient")
    qtbot.waitUntil(lambda: "MemoryError: no room" in texts(window), timeout=5000)
    assert window.settings.method == "lrp"


def test_another_pack_takes_over_and_is_remembered(qtbot, fake, open_window, show, tmp_path):
    window = open_window()
    show(window, make_face())
    fake.session.slow, fake.session.labels_of = {"other"}, {"other": OTHER}
    window.pack_menu.pack_chosen.emit("other")
    qtbot.waitUntil(lambda: fake.session.analysed[-1].pack == "other", timeout=5000)
    assert window.top_bar.pack.text() == "Pack other 1.0"
    assert window.page.controls.target.keys == ("predicted", *OTHER)
    show(window, make_face(labels=OTHER))
    assert window.page.strip._labels == OTHER
    assert "start" in fake.session.calls
    assert len(fake.sessions) == 1, "the source stays open"
    window.close()
    assert load(tmp_path / "settings.json").settings.pack == "other"


def test_a_frame_of_the_old_pack_may_still_arrive_after_the_exchange(qtbot, fake, open_window, show):
    window = open_window()
    fake.session.labels_of = {"other": OTHER}
    for labels in (OTHER, fake.session.labels, OTHER):
        show(window, make_face(top="happiness", labels=labels))
        assert window.page.strip._labels == labels


def test_a_class_that_the_new_pack_lacks_is_let_go_and_that_is_said(qtbot, fake, open_window):
    window = open_window(settings=Settings(target="fear", against="anger"))
    fake.session.labels_of = {"other": OTHER}
    window.choices.set("pack", "other")
    qtbot.waitUntil(lambda: window.settings.target == "predicted", timeout=5000)
    assert window.settings.against == "nothing"
    assert "no class fear and no class anger" in texts(window)
    assert fake.session.analysed[-1].target == "predicted"


def test_a_pack_that_cannot_be_used_leaves_the_old_one_and_says_why(qtbot, fake, open_window):
    window = open_window()
    fake.session.slow, fake.session.fail_with = {"broken"}, {"broken": PackInvalid("Pack broken lacks its file.")}
    window.choices.set("pack", "broken")
    qtbot.waitUntil(lambda: "lacks its file" in texts(window), timeout=5000)
    assert (window.settings.pack, fake.session.analysed[-1].pack) == (None, None)
    assert window.top_bar.pack.text() == "Pack fake 1.0"


def test_a_pack_that_the_method_cannot_explain_is_used_without_explanations(qtbot, fake, open_window):
    window = open_window()
    fake.session.slow = {"other"}
    fake.session.fail_with = {"lrp": UnsupportedOperator("Node 'x' (Sin) has no backward rule under LRP.")}
    window.choices.set("pack", "other")
    qtbot.waitUntil(lambda: fake.session.analysed[-1].pack == "other", timeout=5000)
    assert (window.settings.method, window.settings.pack) == ("off", "other")
    assert "has no backward rule under LRP" in texts(window)


def test_packs_are_listed_and_one_that_is_damaged_cannot_be_chosen(qtbot, fake, open_window):
    fake.packs = [
        PackEntry("mien-s", "mien-s 1.0 · 8 classes", "About it."),
        PackEntry("bad", "bad · cannot be used", "It is damaged.", "It is damaged."),
    ]
    window = open_window()
    qtbot.keyClick(window.page.stage, "l", Qt.KeyboardModifier.ShiftModifier)
    qtbot.waitUntil(lambda: len(window.pack_menu.packs) == 2, timeout=5000)
    actions = {action.text(): action for action in window.pack_menu.actions()}
    assert actions["mien-s 1.0 · 8 classes"].isEnabled()
    assert not actions["bad · cannot be used"].isEnabled()
    assert actions["bad · cannot be used"].toolTip() == "It is damaged."
    actions["mien-s 1.0 · 8 classes"].trigger()
    assert window.settings.pack is None, "the shipped pack is the absence of a choice"
    window.pack_menu.hide()


def test_the_sheet_holds_every_method_once_under_its_family_in_the_table_s_order(qtbot):
    sheet = MethodSheet(METHODS)
    qtbot.addWidget(sheet)
    assert sorted(sheet.buttons) == sorted(METHODS)
    for title in FAMILIES:
        members = [key for key in METHODS if family(METHODS[key]) == title]
        assert [key for key in sheet.buttons if key in members] == members
    for key, button in sheet.buttons.items():
        assert METHODS[key].source in button.toolTip()
        assert METHODS[key].cost in description(METHODS[key])


def test_a_method_is_chosen_from_the_sheet(qtbot, open_window):
    window = open_window()
    qtbot.keyClick(window.page.stage, "m", Qt.KeyboardModifier.ShiftModifier)
    sheet = window.page.controls.more.sheet
    assert sheet.isVisible()
    assert [key for key, button in sheet.buttons.items() if button.isChecked()] == ["lrp"]
    qtbot.mouseClick(sheet.buttons["gradient"], Qt.MouseButton.LeftButton)
    assert window.settings.method == "gradient"
    assert not sheet.isVisible()
    assert window.page.controls.more.text() == "Gradient"


def test_escape_closes_the_sheet_and_changes_nothing(qtbot, open_window):
    window = open_window()
    window.choose_method()
    sheet = window.page.controls.more.sheet
    qtbot.keyClick(sheet, Qt.Key.Key_Down)
    qtbot.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    assert window.settings.method == "lrp"


@pytest.fixture
def own_places(monkeypatch, tmp_path):
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


@pytest.mark.usefixtures("own_places", "threads_end")
def test_no_frame_is_blank_and_faces_keep_their_names_while_packs_and_methods_change(qtbot, tmp_path, colour_pack):
    """The real engine on the demo clip: every result has its picture and its face, before, while and after."""
    from app.gui.live_session import backend
    from app.gui.window import Places, Window

    window = Window(backend(), Settings(), Places(tmp_path / "settings.json", tmp_path))
    qtbot.addWidget(window)
    seen = []
    window.bridge.arrived.connect(seen.append)
    window.show()
    window.start("demo")
    qtbot.waitUntil(lambda: len(seen) > 5, timeout=60000)
    for pack, method in ((None, "gradcam"), (str(colour_pack.folder), "gradcam"), (None, "gradient")):
        window.choices.change(pack=pack, method=method)

        def arrived(method=method, labels=3 if pack else 8):
            face = seen[-1].faces[0]
            explanation = face.explanation
            return len(face.prediction.labels) == labels and explanation is not None and explanation.method == method

        qtbot.waitUntil(arrived, timeout=60000)
    window.close()
    assert [len(result.faces) for result in seen] == [1] * len(seen)
    assert {result.faces[0].observation.face_id for result in seen} == {1}
    assert not window.notices.messages
