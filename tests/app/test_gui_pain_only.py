"""The window where no emotions are read: it shows nothing of them."""

from dataclasses import replace

from app.gui import names
from app.settings import Settings
from tests.app.gui_fakes import make_face


def without_emotions():
    return replace(make_face(), prediction=None, explanation=None, regions=None, explained=False)


def test_a_face_without_emotions_shows_none_and_those_come_back(open_window, show):
    window = open_window(settings=Settings(scores=True, landmarks=True, regions=True))
    show(window, without_emotions(), timestamp_s=0.0)
    window.page.slow_tick()
    window.page.stage.grab()
    assert not window.page.panel.probabilities.isVisibleTo(window.page.panel)
    assert not window.page.panel.verdict.isVisibleTo(window.page.panel)
    show(window, make_face(), timestamp_s=0.1)
    window.page.slow_tick()
    assert window.page.panel.probabilities.isVisibleTo(window.page.panel)


def test_the_headline_names_the_face_alone_where_nothing_was_read():
    assert names.face_headline(without_emotions()) == "A"
