"""From nothing to an open window."""

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from app import paths, settings
from app.gui.crashes import Crashes
from app.gui.live_session import backend
from app.gui.notice import Message
from app.gui.window import Places, Window


def run(source: str | None, pack: str | None, kiosk: bool) -> int:
    """Open the window; see `app.gui.run`."""
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    existing = QApplication.instance()
    application = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName("mienscope")
    application.setApplicationDisplayName("Mienscope")
    application.setDesktopFileName("mienscope")
    crashes = Crashes()
    crashes.install()
    loaded = settings.load(paths.settings_file())
    chosen = loaded.settings if pack is None else loaded.settings.changed(pack=pack)
    places = Places(settings=paths.settings_file(), snapshots=paths.snapshot_folder())
    window = Window(backend(), chosen, places, crashes)
    notes = [Message("settings", "warn", loaded.problem)] if loaded.problem else []
    if kiosk:
        window.showFullScreen()
    else:
        window.show()
    window.activateWindow()  # without a window manager nobody else gives it the keyboard
    window.start(source, notes)
    try:
        return int(application.exec())
    finally:
        crashes.uninstall()
