"""The line at the foot: rate, latency, drops, explanations, provider, pack. It tells what was measured."""

from dataclasses import dataclass

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from app.gui import theme
from core.engine import EngineStatus


@dataclass(frozen=True)
class Measured:
    """What the window measured itself; None where nothing was to be measured."""

    rate_hz: float | None = None
    latency_s: float | None = None


STATES = {
    "starting": "starting…",
    "paused": "paused",
    "ended": "at the end",
    "failed": "stopped by an error",
}


class StatusLine(QFrame):
    """Shows a status; a value that is not known is left out rather than guessed."""

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

    def show_status(self, status: EngineStatus, measured: Measured, provider: str, pack: str) -> None:
        """Show one look at the engine with what the window measured."""
        self._show_rate(status, measured)
        self._set(self.latency, self._latency_text(measured, status.live) if status.state == "running" else "")
        self._set(self.dropped, f"{status.dropped} dropped", "warn" if status.live and status.dropped else "muted")
        self._set(self.explained, self._explained_text(status))
        self._set(self.provider, provider)
        self._set(self.pack, f"pack {pack}")

    def show_nothing(self, text: str) -> None:
        """Show that no source is open, and why."""
        for label in (self.latency, self.dropped, self.explained, self.provider, self.pack):
            self._set(label, "")
        self._set(self.rate, text)

    def _show_rate(self, status: EngineStatus, measured: Measured) -> None:
        if status.state == "ended" and status.frame_count == 1:
            self._set(self.rate, "one picture", "muted")
        elif status.state != "running":
            self._set(self.rate, STATES[status.state], "bad" if status.state == "failed" else "muted")
        elif measured.rate_hz is None:
            self._set(self.rate, "waiting for frames…", "muted")
        else:
            self._set(self.rate, f"● {measured.rate_hz:.1f} fps", "good")

    def _latency_text(self, measured: Measured, live: bool) -> str:
        if measured.latency_s is None:
            return ""
        return f"{1000 * measured.latency_s:.0f} ms {'camera to screen' if live else 'to screen'}"

    def _explained_text(self, status: EngineStatus) -> str:
        if status.explained_share is None:
            return ""
        parts = [f"explained {100 * status.explained_share:.0f} %"]
        if status.explanation_age_s is not None:
            parts.append(f"age {1000 * max(status.explanation_age_s, 0):.0f} ms")
        if status.explain_every > 1:
            parts.append(f"1 frame in {status.explain_every}")
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
