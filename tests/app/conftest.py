"""The window's fixtures: a fake behind the seam that the real engine uses, and a window over it."""

import pytest

from tests.app.gui_fakes import FakeBackend, make_result


@pytest.fixture
def fake():
    return FakeBackend()


@pytest.fixture
def open_window(qtbot, fake, tmp_path):
    """Opens the window over the fake; closed, with its threads gone, at the end."""
    from app.gui.crashes import Crashes
    from app.gui.window import Places, Window
    from app.settings import Settings

    opened = []

    def open_it(source="clip.mp4", settings=None, notes=(), wait=True):
        window = Window(
            fake.backend,
            settings or Settings(),
            Places(settings=tmp_path / "settings.json", snapshots=tmp_path / "pictures"),
            Crashes(),
        )
        qtbot.addWidget(window)
        opened.append(window)
        window.resize(1280, 720)
        with qtbot.waitActive(window):  # keys are shortcuts in the active window only
            window.show()
            window.activateWindow()
        window.start(source, notes)
        if wait and source not in fake.fail_with:
            with qtbot.waitSignal(window.bridge.read, timeout=5000):
                pass
        return window

    yield open_it
    for window in opened:
        window.close()


@pytest.fixture
def show(qtbot, fake):
    """Plays faces in the window and waits until the slow parts show them."""

    def show_them(window, *faces, **frame):
        with qtbot.waitSignal(window.bridge.arrived, timeout=5000):
            fake.session.results.append(make_result(faces, **frame))
        with qtbot.waitSignal(window.bridge.slow_ticked, timeout=5000):
            pass

    return show_them
