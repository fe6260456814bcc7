"""The bar that stands across the window while an alarm does: words and a sign, why, and who has seen it."""

from typing import Final

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QAction, QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QWidget

from app.gui import names, theme
from app.gui.pain_strip import paint_alarm_sign
from app.gui.pain_watch import Standing
from core.episodes import EpisodeRule

SOUND_TICKS: Final = 50  # of the slow clock: the bell sounds again while nobody has acknowledged


class AlarmSign(QWidget):
    """The triangle."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(30, 30)
        self.theme = theme.DARK

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_alarm_sign(painter, QPointF(15, 15), self.theme, 25)
        painter.end()


class AlarmBar(QFrame):
    """Shows the oldest alarm that stands. It emits who acknowledges it."""

    acknowledged = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("alarmBar")
        self.setFixedHeight(54)
        self._standing: Standing | None = None
        self._ticks = 0
        self._sound = False
        self.sign = AlarmSign()
        self._word = QLabel("PAIN ALARM")
        self._word.setFont(theme.font(14, QFont.Weight.Bold))
        self._word.setProperty("role", "bad")
        self._text = QLabel("")
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.why = _button("See why")
        self.person = QLineEdit()
        self.person.setPlaceholderText("Your name")
        self.person.setAccessibleName("Your name, to acknowledge the alarm")
        self.person.setFixedWidth(150)
        self.person.returnPressed.connect(self.acknowledge)
        self.button = _button("Acknowledge")
        self.button.setProperty("kind", "primary")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(12)
        row.addWidget(self.sign)
        row.addWidget(self._word)
        row.addWidget(self._text, 1)
        for part in (self.why, self.person, self.button):
            row.addWidget(part)
        self.hide()

    def set_actions(self, why: QAction, acknowledge: QAction) -> None:
        """Do what the actions do."""
        for button, action in ((self.why, why), (self.button, acknowledge)):
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self.sign.theme = chosen
        self.sign.update()

    def show_standing(self, standing: list[Standing]) -> None:
        """Show the oldest of these; without any the bar goes."""
        first = standing[0] if standing else None
        if first is not None and (self._standing is None or first.alarm is not self._standing.alarm):
            self._ticks = 0
        self._standing = first
        self.setVisible(first is not None)
        if first is not None:
            more = f" · {len(standing) - 1} more" if len(standing) > 1 else ""
            self._text.setText(alarm_text(first) + more)
            self._text.setToolTip(first.alarm.explanation.reading.sentence)
            self.setAccessibleName(f"Pain alarm: {self._text.text()}")

    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def let_sound(self, wanted: bool) -> None:
        """Whether the desktop's bell sounds."""
        self._sound = wanted

    def slow_tick(self) -> None:
        """Ten times a second: the bell sounds now and then while an alarm stands."""
        if self._standing is None:
            return
        if self._sound and self._ticks % SOUND_TICKS == 0:
            QApplication.beep()
        self._ticks += 1

    def acknowledge(self) -> None:
        """Acknowledge with the name that stands there; without one, ask for it."""
        if self._standing is None:
            return
        if self.person.text().strip():
            self.acknowledged.emit(self.person.text().strip())
        else:
            self.person.setFocus()


def alarm_text(standing: Standing) -> str:
    """Who, how much, since when and by which rule."""
    alarm, rule = standing.alarm, standing.course.alarms.episodes.rule
    score = alarm.explanation.reading.score
    assert score is not None  # no alarm is raised without one
    return (
        f"Face {names.face_name(standing.course.face_id)} · PSPI {score.pspi:.1f} of 16 "
        f"({score.low:.1f} to {score.high:.1f}) · since {names.clock(alarm.episode.onset_s, 1)}, {rule_text(rule)}"
    )


def rule_text(rule: EpisodeRule) -> str:
    """When an alarm is raised, for example "4 or more for 3 s"."""
    return f"{rule.above:g} or more for {rule.alarm_s:g} s"


def _button(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAutoDefault(True)
    return button
