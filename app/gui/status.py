"""The line at the foot: rate, latency, drops, explanations, provider, pack. It tells what was measured."""

from dataclasses import dataclass

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.gui import theme
from app.gui.session import Reading


@dataclass(frozen=True)
class Measured:
    """What the window measured itself; None where nothing was to be measured."""

    rate_hz: float | None = None
    latency_s: float | None = None
    explanation_age_s: float | None = None


STATES = {
    "starting": "starting…",
    "paused": "paused",
    "ended": "at the end",
    "failed": "stopped by an error",
    "stopped": "stopped",
}


class StatusLine(QFrame):
    """Shows a reading; a value that is not known is left out rather than guessed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self.setFixedHeight(28)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(20)
        self.rate = self._label(row)
        self.latency = self._label(row)
        self.dropped = self._label(row)
        self.explained = self._label(row)
        self.provider = self._label(row)
        self.pack = self._label(row)
        row.addStretch(1)
        self.disclaimer = self._label(row)
        self.disclaimer.setText("not a medical device")
        self.rate.setFont(theme.font(12, QFont.Weight.DemiBold, tabular=True))

    def show_reading(self, reading: Reading, measured: Measured, live: bool, pack: str) -> None:
        """Show one reading of the engine with what the window measured."""
        running = reading.state == "running"
        self._show_rate(reading, measured)
        self._set(self.latency, self._latency_text(measured, live) if running else "")
        self._set(self.dropped, f"{reading.dropped} dropped", "warn" if live and reading.dropped else "muted")
        self._set(self.explained, self._explained_text(reading, measured))
        self._set(self.provider, reading.provider)
        self._set(self.pack, f"pack {pack}" if pack else "")

    def show_nothing(self, text: str) -> None:
        """Show that no source is open, and why."""
        for label in (self.latency, self.dropped, self.explained, self.provider, self.pack):
            self._set(label, "")
        self._set(self.rate, text)

    def _show_rate(self, reading: Reading, measured: Measured) -> None:
        if reading.state != "running":
            self._set(self.rate, STATES[reading.state], "bad" if reading.state == "failed" else "muted")
        elif measured.rate_hz is None:
            self._set(self.rate, "waiting for frames…", "muted")
        else:
            self._set(self.rate, f"● {measured.rate_hz:.1f} fps", "good")

    def _latency_text(self, measured: Measured, live: bool) -> str:
        if measured.latency_s is None:
            return ""
        return f"{1000 * measured.latency_s:.0f} ms {'camera' if live else 'decoder'} to screen"

    def _explained_text(self, reading: Reading, measured: Measured) -> str:
        if reading.explained_share is None:
            return ""
        parts = [f"explained {100 * reading.explained_share:.0f} %"]
        if measured.explanation_age_s is not None:
            parts.append(f"age {1000 * max(measured.explanation_age_s, 0):.0f} ms")
        if reading.explain_every > 1:
            parts.append(f"every {reading.explain_every}th frame" if reading.explain_every > 2 else "every 2nd frame")
        return " · ".join(parts)

    def _label(self, row: QHBoxLayout) -> QLabel:
        label = QLabel("")
        label.setFont(theme.font(12, tabular=True))
        label.setProperty("role", "muted")
        row.addWidget(label)
        return label

    def _set(self, label: QLabel, text: str, role: str = "muted") -> None:
        label.setVisible(bool(text))
        if label.text() != text:
            label.setText(text)
        if label.property("role") != role:
            label.setProperty("role", role)
            label.style().unpolish(label)
            label.style().polish(label)
