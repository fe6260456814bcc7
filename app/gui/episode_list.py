"""Episodes and alarms of the session, the newest first: a row each, and what may be done about them."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from app.gui import names, theme
from app.gui.alarm_bar import rule_text
from app.gui.pain_moment import Moment
from app.gui.pain_watch import Account, Line
from app.settings import Settings
from core.episodes import Alarm

WIDTH_PX: Final = 470
NARROW_PX: Final = 300
ASIDE: Final = (2, 4)  # columns: length and area
MOST: Final = 200  # rows; files hold them all
ABOVE: Final = (2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
AFTER_S: Final = (1.0, 2.0, 3.0, 5.0, 10.0)
SILENCE_S: Final = (0.0, 30.0, 60.0, 300.0)
COLUMNS: Final = (
    ("onset", "When the score rose to the threshold", 72),
    ("face", "Letter of the face", 48),
    ("length", "From onset to end, s", 84),
    ("peak", "Highest score that was measured, 0 to 16", 56),
    ("area", "Under the curve, score times s, over the measured time alone", 56),
    ("alarm", "▲ stands, △ acknowledged, and by whom; Enter shows its frozen explanation", 0),
)
EMPTY: Final = "No episode so far."


class EpisodeList(QFrame):
    """The list with its head. It emits which line is opened, and settings that are wanted."""

    opened = Signal(object)  # Line
    wanted = Signal(str, object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("stripFrame")
        self.setFixedWidth(WIDTH_PX)
        self._theme = theme.DARK
        self._lines: list[Line] = []
        self._settings = Settings()
        heading = QLabel("EPISODES")
        heading.setProperty("role", "heading")
        self._rule = QPushButton("")
        self._rule.setToolTip("When an alarm is raised; the score of a laugh raises none")
        self.menu = QMenu(self)
        self._rule.clicked.connect(self._open_menu)
        self.sound = QPushButton("")
        self.save = QPushButton("Save")
        for button in (self._rule, self.sound, self.save):
            button.setStyleSheet("padding: 1px 8px; font-size: 11px; min-height: 16px;")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAutoDefault(True)
        self._measured = QLabel("")
        self._measured.setProperty("role", "quiet")
        self._measured.setFont(theme.font(11, tabular=True))
        self.table = QTableWidget(0, len(COLUMNS))
        self._set_up_table()
        self._empty = QLabel(EMPTY)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        head = QHBoxLayout()
        head.setSpacing(7)
        head.addWidget(heading)
        head.addStretch(1)
        for button in (self._rule, self.sound, self.save):
            head.addWidget(button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 8, 14, 8)
        whole.setSpacing(5)
        whole.addLayout(head)
        whole.addWidget(self._measured)
        whole.addWidget(self.table, 1)
        whole.addWidget(self._empty, 1)
        self.show_lines([])

    def set_narrow(self, narrow: bool) -> None:
        """Leave out what the files have, and what has a key, where there is little room."""
        self.setFixedWidth(NARROW_PX if narrow else WIDTH_PX)
        for column in ASIDE:
            self.table.setColumnHidden(column, narrow)
        for button in (self.sound, self.save):
            button.setVisible(not narrow)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.show_lines(self._lines)

    def show_settings(self, settings: Settings) -> None:
        """Show these choices."""
        self._settings = settings
        self._rule.setText(f"Alarm: {rule_text(settings.episode_rule)}")
        self.sound.setText("Sound on" if settings.alarm_sound else "Sound off")

    def set_actions(self, sound: QAction, save: QAction) -> None:
        """Do what the actions do."""
        for button, action in ((self.sound, sound), (self.save, save)):
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)

    def show_account(self, whose: str, account: Account) -> None:
        """Say how much of the time of a face, or of all, was measurable."""
        self._measured.setText(measured_text(whose, account))
        self._measured.setToolTip(self._measured.text())

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show these, the newest first."""
        row = self.table.currentRow()
        chosen = self._lines[row] if 0 <= row < len(self._lines) else None
        self._lines = list(lines[:MOST])
        self.table.setVisible(bool(self._lines))
        self._empty.setVisible(not self._lines)
        self.table.setRowCount(len(self._lines))
        for place, line in enumerate(self._lines):
            for column, text in enumerate(cells(line)):
                self._fill(place, column, text, line)
        found = [
            place
            for place, line in enumerate(self._lines)
            if chosen is not None and line.course is chosen.course and line.episode.onset_s == chosen.episode.onset_s
        ]
        if found and found[0] != row:
            self.table.selectRow(found[0])

    def texts(self) -> list[tuple[str, ...]]:
        """What stands in the rows."""
        return [cells(line) for line in self._lines]

    def open_row(self, row: int) -> None:
        """Open a line."""
        if 0 <= row < len(self._lines):
            self.opened.emit(self._lines[row])

    def _fill(self, row: int, column: int, text: str, line: Line) -> None:
        item = self.table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setFont(theme.font(12, tabular=True))
            side = Qt.AlignmentFlag.AlignLeft if column in (1, len(COLUMNS) - 1) else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
        item.setForeground(self._colour(column, line))
        if column == len(COLUMNS) - 1:
            item.setToolTip(text)

    def _colour(self, column: int, line: Line) -> QColor:
        stands = any(alarm.acknowledgement is None for alarm in line.alarms)
        return self._theme.colour("bad" if column == len(COLUMNS) - 1 and stands else "text")

    def _set_up_table(self) -> None:
        table = self.table
        table.setObjectName("summaryTable")
        table.setAccessibleName("Episodes and alarms")
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(24)
        header = table.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(30)
        for place, (text, hint, width_px) in enumerate(COLUMNS):
            item = QTableWidgetItem(text)
            item.setToolTip(hint)
            last = place == len(COLUMNS) - 1
            side = Qt.AlignmentFlag.AlignLeft if place == 1 or last else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            table.setHorizontalHeaderItem(place, item)
            mode = QHeaderView.ResizeMode.Stretch if last else QHeaderView.ResizeMode.Fixed
            header.setSectionResizeMode(place, mode)
            if width_px:
                table.setColumnWidth(place, width_px)
        table.activated.connect(lambda index: self.open_row(index.row()))
        table.cellClicked.connect(lambda row, column: self.open_row(row) if column == len(COLUMNS) - 1 else None)

    def _open_menu(self) -> None:
        self._fill_menu()
        corner = self._rule.mapToGlobal(self._rule.rect().topLeft())
        corner.setY(corner.y() - self.menu.sizeHint().height() - 4)
        self.menu.popup(corner)

    def _fill_menu(self) -> None:
        self.menu.clear()
        settings = self._settings
        for title, name, values, write in (
            ("Score from", "alarm_above", ABOVE, "{:g} of 16"),
            ("For so long", "alarm_after_s", AFTER_S, "{:g} s"),
            ("Silence once acknowledged", "alarm_silence_s", SILENCE_S, "{:g} s"),
        ):
            self.menu.addSection(title).setEnabled(False)
            for value in values:
                action = self.menu.addAction(write.format(value))
                action.setCheckable(True)
                action.setChecked(getattr(settings, name) == value)
                action.triggered.connect(lambda _=False, name=name, value=value: self.wanted.emit(name, value))


def cells(line: Line) -> tuple[str, ...]:
    """One episode in words and numbers; "~" before what was not seen to start or to end."""
    episode = line.episode
    cut = "~" if episode.is_cut else ""
    goes_on = " …" if episode.is_open else ""
    return (
        names.clock(episode.onset_s, 1),
        names.face_name(line.course.face_id),
        f"{cut}{episode.duration_s:.1f} s{goes_on}",
        f"{episode.peak:.1f}",
        f"{episode.area:.0f}",
        ", ".join(alarm_text(alarm) for alarm in line.alarms) or "–",
    )


def alarm_text(alarm: Alarm[Moment]) -> str:
    """Whether an alarm stands, or who has seen to it and when by the clock."""
    seen = alarm.acknowledgement
    return "▲ stands" if seen is None else f"△ {seen.name} {names.local_time(seen.at)}"


def measured_text(whose: str, account: Account) -> str:
    """How much of the time was measured, and why the rest was not."""
    if account.watched_s <= 0:
        return ""
    lost = sorted(account.lost_s.items(), key=lambda each: -each[1])
    reasons = ", ".join(f"{reason} {names.percent(account.share(seconds))}" for reason, seconds in lost)
    measured = names.percent(account.share(account.measured_s))
    said = f"{whose}: {measured} of {names.clock(account.watched_s, 0)} measured"
    return f"{said} · not: {reasons}" if reasons else said
