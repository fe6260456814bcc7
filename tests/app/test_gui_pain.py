"""The page of pain: the score and its reasons, what it is held against, alarms that cannot be missed, and pain only."""

import json
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.gui.live_session import _analysis
from app.gui.pain_panel import likeness_text
from app.settings import Settings, load
from core.baselines import Baselines
from core.blendshapes import NAMES, Blendshapes
from core.errors import BlendshapesUnavailable
from tests.app.gui_fakes import make_result
from tests.app.pain_made import make_pained

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
WITH_PAIN = Settings(pain=True)
NO_RULE = Settings(pain=True, alarm_after_s=0.5)


def play(window, scores, start_s=0.0, **made):
    """Results of one face at 4 per second; a word in place of a score is the reason why there is none."""
    for k, score in enumerate(scores):
        faces = [make_pained(**({"reason": score} if isinstance(score, str) else {"score": score}), **made)]
        window._take_result(make_result(faces, index=k, timestamp_s=start_s + k / 4))
    window.page.slow_tick()
    window.pain.slow_tick()


def open_page(qtbot, window):
    qtbot.keyClick(window.page.stage, "q")
    assert window.pages.shown is window.pain


def texts(window):
    return " ".join(message.text for message in window.notices.messages)


def test_a_key_begins_to_estimate_and_is_kept(qtbot, fake, open_window, tmp_path):
    window = open_window()
    open_page(qtbot, window)
    play(window, [])
    assert "Pain is not being estimated" in window.pain.panel._empty.text()
    qtbot.keyClick(window.pain.view, "z")
    assert "Press Shift+P" in texts(window)
    qtbot.mouseClick(window.pain.switch, Qt.MouseButton.LeftButton)
    assert fake.session.analysed[-1].pain is True
    assert not window.pain.switch.isVisible()
    qtbot.keyClick(window.pain.view, "h")
    assert fake.session.analysed[-1].pain_smoothing_s == 0.5
    window.close()
    kept = load(tmp_path / "settings.json").settings
    assert (kept.pain, kept.pain_smoothing_s) == (True, 0.5)


def test_the_page_says_how_much_why_and_where(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    play(window, [7.3, 7.3], au4=5.0, au7=2.3)
    open_page(qtbot, window)
    panel = window.pain.panel
    assert panel.gauge.text() == "PSPI 7.3 of 16, between 5.8 and 8.8, quality 0.80"
    shown = [value for _, value in panel.parts.rows()]
    assert sum(shown) == pytest.approx(7.3)
    assert panel._sentence.text().startswith("Score 7.3: brow lowered 5, eyes tightened 2.3; like a grimace")
    assert dict(panel.units.rows())["right AU 4"] == 5.0
    assert len(panel.units.rows()) == 2 * 7
    qtbot.mouseClick(panel.all_units, Qt.MouseButton.LeftButton)
    assert len(panel.units.rows()) == 2 * 20
    assert [text for text, _ in panel.places.rows()][:2] == ["right brow", "left brow"]
    assert "population’s norm" in panel._against.text()
    assert "Not a medical device" in panel.widget().findChildren(type(panel._sentence))[-1].text()
    assert not window.pain.view.grab().toImage().isNull()
    assert not panel.widget().grab().toImage().isNull()
    assert not window.pain.chart.grab().toImage().isNull()


def test_a_second_opinion_stands_beside_the_units_and_what_keeps_it_away_in_its_place(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    open_page(qtbot, window)
    face = make_pained(7.3, au4=5.0)
    panel = window.pain.panel
    play(window, [7.3])
    assert not panel._opinion.isVisible()
    opinion = Blendshapes(dict.fromkeys(NAMES, 0.0) | {"browDownLeft": 0.25}, 0.0)
    for given in (opinion, BlendshapesUnavailable("no such file")):
        shown = replace(face, pain=replace(face.pain, blendshapes=given))
        window._take_result(make_result([shown], index=2, timestamp_s=2.0))
        window.pain.slow_tick()
        assert not panel.widget().grab().toImage().isNull()
        if given is opinion:
            assert dict(panel.units.rows())["left AU 4 by MediaPipe, 0 to 1,"] == 0.25
            assert "counts for nothing" in panel._opinion.text()
    assert panel._opinion.text() == "no such file"
    assert len(panel.units.rows()) == 2 * 7


def test_what_is_not_measurable_has_a_reason_and_no_number(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    open_page(qtbot, window)
    play(window, [2.0, "too dark", "too dark"])
    panel = window.pain.panel
    assert panel.gauge.text() == "not measurable: too dark"
    assert panel.parts.rows() == []
    assert not panel._why.isVisible()
    assert [reason for _, _, reason in window.pain.chart.spans()] == ["too dark"]
    assert "too dark" in window.pain.episodes._measured.text()
    assert not panel.widget().grab().toImage().isNull()
    assert not window.pain.chart.grab().toImage().isNull()


def test_keys_set_a_neutral_face_and_take_it_back(qtbot, fake, open_window, monkeypatch):
    window = open_window(settings=WITH_PAIN)
    open_page(qtbot, window)
    play(window, [1.0])
    qtbot.keyClick(window.pain.view, "z")
    assert fake.session.baselines.of(1).person == "Face A"
    assert window.pain.bar.text().startswith("Face A · 0:00.0 · set ")
    qtbot.keyClick(window.pain.view, "z", CTRL)
    assert fake.session.baselines == Baselines()
    assert "norm" in window.pain.bar.text()
    qtbot.keyClick(window.pain.view, "z", SHIFT)
    play(window, [1.0] * 4, start_s=0.25)
    assert "5 frames of face A" in window.pain.bar.text()
    qtbot.keyClick(window.pain.view, "z", SHIFT)
    assert fake.session.baselines.of(1).frames == 5
    qtbot.keyClick(window.pain.view, "z", CTRL)
    monkeypatch.setattr("core.baselines.Baseline.doubts", (12,))
    qtbot.keyClick(window.pain.view, "z")
    assert "not at rest: lip corner puller" in window.pain.bar.text()
    assert window.focusWidget() is window.pain.bar.no
    qtbot.keyClick(window.pain.bar.no, Qt.Key.Key_Escape)
    assert (window.pain.neutral.question, fake.session.baselines) == (None, Baselines())


def test_an_alarm_stands_on_every_page_until_it_is_acknowledged_with_a_name(qtbot, open_window):
    window = open_window(settings=NO_RULE)
    play(window, [1.0] + [7.0] * 6)
    assert window.pain.alarm_bar.isVisible()
    assert "Face A · PSPI 7.0 of 16 (5.5 to 8.5)" in window.pain.alarm_bar.text()
    qtbot.keyClick(window.page.stage, Qt.Key.Key_Return, CTRL)
    assert window.focusWidget() is window.pain.alarm_bar.person
    qtbot.keyClicks(window.pain.alarm_bar.person, "Kim")
    qtbot.keyClick(window.pain.alarm_bar.person, Qt.Key.Key_Return)
    assert not window.pain.alarm_bar.isVisible()
    assert "Acknowledged by Kim" in texts(window)
    open_page(qtbot, window)
    ((_, face, _, peak, _, alarm),) = window.pain.episodes.texts()
    assert (face, peak, alarm.split()[:2]) == ("A", "7.0", ["△", "Kim"])
    assert not window.pain.chart.grab().toImage().isNull()


def test_the_frozen_explanation_is_opened_from_the_list_and_left_by_escape(qtbot, open_window):
    window = open_window(settings=NO_RULE)
    play(window, [1.0] + [7.0] * 6 + [2.0] * 4)
    qtbot.keyClick(window.page.stage, "q", SHIFT)
    assert window.pages.shown is window.pain
    assert "7.0 of 16" in window.pain.panel.gauge.text()
    assert "Frozen at 0:00." in window.pain.panel.ribbon.text()
    assert not window.pain.bar.isVisible()
    assert not window.pain.view.grab().toImage().isNull()
    qtbot.keyClick(window.pain.view, Qt.Key.Key_Escape)
    assert "2.0 of 16" in window.pain.panel.gauge.text()
    window.pain.episodes.table.selectRow(0)
    qtbot.keyClick(window.pain.episodes.table, Qt.Key.Key_Return)
    assert window.pain.frozen is window.pain.watch.standing[0].alarm.explanation


def test_the_bell_is_silent_unless_somebody_wants_it(qtbot, open_window, monkeypatch):
    window = open_window(settings=NO_RULE)
    rung = []
    monkeypatch.setattr(QApplication, "beep", lambda: rung.append(1))
    play(window, [7.0] * 6)
    window.pain.alarm_bar.slow_tick()
    assert rung == []
    qtbot.keyClick(window.page.stage, "m", CTRL)
    assert window.settings.alarm_sound is True
    for _ in range(60):
        window.pain.alarm_bar.slow_tick()
    assert 1 <= len(rung) <= 2


def test_the_rule_is_chosen_from_its_button(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    episodes = window.pain.episodes
    episodes._fill_menu()
    next(action for action in episodes.menu.actions() if action.text() == "6 of 16").trigger()
    assert window.settings.alarm_above == 6.0
    assert (window.pain.watch.rule.above, window.pain.watch.rule.until) == (6.0, 5.0)
    assert episodes._rule.text() == "Alarm: 6 or more for 3 s"


def test_the_record_is_saved_by_key(qtbot, open_window, tmp_path):
    window = open_window(settings=NO_RULE)
    open_page(qtbot, window)
    play(window, [7.0] * 6)
    qtbot.keyClick(window.pain.view, "s", CTRL)
    qtbot.waitUntil(lambda: "Saved mienscope-pain" in texts(window), timeout=5000)
    (sheet,) = (tmp_path / "pictures").glob("*.json")
    assert json.loads(sheet.read_text(encoding="utf-8"))["notice"] == "not a medical device"


def test_pain_only_reads_no_expression_and_shows_none(qtbot, fake, open_window):
    window = open_window()
    qtbot.keyClick(window.page.stage, "p", CTRL)
    wanted = fake.session.analysed[-1]
    assert (wanted.pain_only, wanted.pain) == (True, True)
    bare = replace(make_pained(7.0), prediction=None, explanation=None, regions=None, explained=False)
    window._take_result(make_result([bare]))
    window._slow_tick()
    assert window.page.panel.pain.gauge.text().startswith("PSPI 7.0 of 16")
    assert not window.page.panel._emotions.isVisible()
    assert not window.page.controls.isVisible()
    assert not window.page.stage.grab().toImage().isNull()
    qtbot.keyClick(window.page.stage, "p", SHIFT)
    assert (window.settings.pain, window.settings.pain_only) == (False, False)


def test_another_face_of_a_picture_that_stands_is_explained_and_set_at_once(qtbot, fake, open_window):
    window = open_window(settings=WITH_PAIN)
    open_page(qtbot, window)
    faces = make_pained(7.0), make_pained(2.0, face_id=2, x=420.0)
    window._take_result(make_result(faces))
    window._slow_tick()
    qtbot.keyClick(window.pain.view, "2")
    window._slow_tick()
    assert window.pain.panel.gauge.text().startswith("PSPI 2.0")
    assert window.pain.view._selected.face_id == 2
    qtbot.keyClick(window.pain.view, "z")
    assert list(fake.session.baselines.in_force) == [2]


class AnyModel:
    labels = ("a", "b")


@pytest.mark.parametrize(
    ("pain", "only", "asked"),
    [(False, False, (False, True)), (True, False, (True, True)), (False, True, (True, False))],
)
def test_the_engine_is_asked_for_what_the_settings_say(pain, only, asked):
    found = _analysis(Settings(pain=pain, pain_only=only, pain_smoothing_s=0.5), AnyModel())
    assert (found.pain, found.emotions, found.pain_smoothing_s) == (*asked, 0.5)


def test_the_live_page_shows_the_score_and_leads_to_its_reasons(qtbot, open_window):
    window = open_window(settings=WITH_PAIN)
    play(window, [7.0, 7.0])
    section = window.page.panel.pain
    assert section.isVisible()
    assert section.gauge.text().startswith("PSPI 7.0 of 16")
    assert window.page.stage._quiet_text(window.page.selected_face, window.page.result).startswith("PSPI 7.0")
    qtbot.mouseClick(section.why, Qt.MouseButton.LeftButton)
    assert window.pages.shown is window.pain


@pytest.mark.parametrize(
    ("likeness", "said"),
    [(0.8, "Model of look-alikes: pain-like 0.80"), (0.3, "Model of look-alikes: other expression 0.70")],
)
def test_look_alikes_are_told_with_the_probability_of_what_is_said(likeness, said):
    assert likeness_text(likeness) == said
