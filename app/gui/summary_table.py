"""The session's accounts as a table: a row per face, and one per class that it was read as."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.gui import names, theme
from app.gui.verdict_bar import paint_parts
from core.tally import Account, Spread, Stretch, lift, together
from core.verdict import Verdict

ALL: Final = "all classes"
MOST_FACES: Final = 40  # longest seen first; files hold them all
ROOM_FOR_BAR_PX: Final = 1250  # narrower, the bar gives way to the numbers that it shows
ROOM_FOR_ALL_PX: Final = 1128  # narrower still, what is in the files and in a face's own numbers gives way
NONE: Final = "–"
SHARES: Final = Qt.ItemDataRole.UserRole
BAR: Final = 3
DENSITY: Final = 9
LIFT: Final = 11
STRETCH: Final = 13
ASIDE: Final = (10, LIFT, 12)  # control, lift and share outside


@dataclass(frozen=True)
class Column:
    """Heading, what it means, and width in px (0 takes what is left)."""

    text: str
    hint: str
    width_px: int


COLUMNS: Final = (
    Column("face", "Letter of the face", 52),
    Column("read as", "Predicted class", 96),
    Column("seen", "Time with this face and class; pictures without time are counted", 78),
    Column("the decision rested on", "Shares of that time by verdict", 0),
    Column("expected\nregions", "V_f of 1 or more: at least an even map's share lay on the expected regions", 78),
    Column("unexpected\nregions", "V_f below 1: an even map would have put more on the expected regions", 92),
    Column("outside\nthe face", "More of the positive relevance outside the face than the limit", 78),
    Column("no\nevidence", "No pixel spoke for the class", 78),
    Column("not\nmeasured", "Not explained, no regions expected of the class, or these not to be seen", 84),
    Column("V_f, spread", "Mean and standard deviation over the maps; 1 is an even map over the face", 112),
    Column("control", "V_f of a spot at the crop's centre that has seen no face", 68),
    Column("lift", "V_f under the class's own contrasts over that under the other classes' of this face", 56),
    Column("outside, spread", "Mean and standard deviation of the share outside the face", 116),
    Column("longest\nwithout support", "From when to when; a click or G goes there in a recording", 134),
)

Line = tuple[int, str]  # face id, class or ALL


class BarDelegate(QStyledItemDelegate):
    """Paints the shares of a row."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme.DARK

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint one bar, not as high as its row."""
        super().paint(painter, option, index)
        shares = index.data(SHARES)
        if shares is not None:
            cell: Any = option
            room = QRectF(cell.rect).adjusted(8, 8, -8, -8)
            paint_parts(painter, room, shares, self.theme)


class SummaryTable(QTableWidget):
    """Shows accounts; keeps the chosen row while numbers change."""

    sought = Signal(float)  # time of the source, s

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self._theme = theme.DARK
        self._lines: list[Line] = []
        self._stretches: dict[Line, Stretch] = {}
        self._seekable = False
        self._bars = BarDelegate(self)
        self.setItemDelegateForColumn(BAR, self._bars)
        self.setObjectName("summaryTable")
        self.setAccessibleName("Verdicts by face and class")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(30)
        self._set_up_columns()
        self.cellClicked.connect(self._take_click)
        self.activated.connect(lambda index: self.seek_row(index.row()))

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = self._bars.theme = chosen
        self._lines = []  # so that rows are coloured anew

    def show_faces(self, faces: Mapping[int, Mapping[str, Account]], seekable: bool) -> None:
        """Show accounts by face and class; `seekable` says whether times lead anywhere."""
        self._seekable = seekable
        rows = _rows(faces)
        lines = [line for line, _, _ in rows]
        if lines != self._lines:
            self._lay_rows(lines)
        for row, (line, account, raised) in enumerate(rows):
            self._fill(row, line, account, raised)

    def focus_rows(self) -> None:
        """Take the keys; where no row is chosen, the first one is."""
        self.setFocus()
        if self.currentRow() < 0 and self.rowCount():
            self.selectRow(0)

    def seek_row(self, row: int | None = None) -> None:
        """Go to the longest stretch of a row, or of the chosen one."""
        row = self.currentRow() if row is None else row
        if self._seekable and 0 <= row < len(self._lines):
            stretch = self._stretches.get(self._lines[row])
            if stretch is not None:
                self.sought.emit(stretch.start_s)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        self.setColumnHidden(BAR, self.viewport().width() < ROOM_FOR_BAR_PX)
        for column in ASIDE:
            self.setColumnHidden(column, self.viewport().width() < ROOM_FOR_ALL_PX)
        stretched = STRETCH if self.isColumnHidden(BAR) else BAR
        header = self.horizontalHeader()
        for column in (BAR, STRETCH):
            mode = QHeaderView.ResizeMode.Stretch if column == stretched else QHeaderView.ResizeMode.Fixed
            header.setSectionResizeMode(column, mode)
        if stretched == BAR:
            self.setColumnWidth(STRETCH, COLUMNS[STRETCH].width_px)

    def _set_up_columns(self) -> None:
        header = self.horizontalHeader()
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        for place, column in enumerate(COLUMNS):
            item = QTableWidgetItem(column.text)
            item.setToolTip(column.hint)
            item.setTextAlignment(_side(place) | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(place, item)
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.Fixed)
            if column.width_px:
                self.setColumnWidth(place, column.width_px)

    def _lay_rows(self, lines: Sequence[Line]) -> None:
        """Make a row per line; the chosen line stays chosen."""
        row = self.currentRow()
        chosen = self._lines[row] if 0 <= row < len(self._lines) else None
        self._lines = list(lines)
        self._stretches.clear()
        self.setRowCount(len(lines))
        for place, (_, label) in enumerate(lines):
            for column in range(len(COLUMNS)):
                item = QTableWidgetItem()
                item.setFont(theme.font(12, _weight(label), tabular=True))
                item.setTextAlignment(_side(column) | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(place, column, item)
        if chosen in self._lines:
            self.selectRow(self._lines.index(chosen))

    def _fill(self, row: int, line: Line, account: Account, raised: float | None) -> None:
        face_id, label = line
        if account.longest is not None:
            self._stretches[line] = account.longest
        texts = (
            names.face_name(face_id) if label == ALL else "",
            label,
            _seen(account),
            "",
            *(_share(account, verdict) for verdict in (Verdict.EXPECTED, Verdict.UNEXPECTED, Verdict.OUTSIDE)),
            _share(account, Verdict.NO_EVIDENCE),
            _share(account, Verdict.NOTHING_EXPECTED, Verdict.HIDDEN, Verdict.NOT_EXPLAINED),
            _spread(account.density, 1.0, ""),
            f"{account.control.mean:.2f}" if account.control.n else NONE,
            NONE if raised is None else f"{raised:.2f}",
            _spread(account.outside, 100.0, " %"),
            stretch_text(account.longest),
        )
        for column, text in enumerate(texts):
            item = self.item(row, column)
            assert item is not None
            if item.text() != text:
                item.setText(text)
            item.setForeground(self._colour(column, text))
            if column == BAR:
                item.setData(SHARES, {verdict: account.share(verdict) for verdict in Verdict})

    def _colour(self, column: int, text: str) -> QColor:
        if text in (NONE, "0 %"):
            return self._theme.colour("faint")
        if column == STRETCH and self._seekable:
            return self._theme.colour("accent")
        below = (
            column in (DENSITY, LIFT) and float(text.split(maxsplit=1)[0]) < 1
        )  # what an even map, or other classes, would give
        return self._theme.colour("warn" if below else "text")

    def _take_click(self, row: int, column: int) -> None:
        if column == STRETCH:
            self.seek_row(row)


def _rows(faces: Mapping[int, Mapping[str, Account]]) -> list[tuple[Line, Account, float | None]]:
    """Line, account and lift of every row: faces by letter, classes by time."""
    kept = sorted(faces, key=lambda face_id: -sum(account.seen for account in faces[face_id].values()))[:MOST_FACES]
    rows: list[tuple[Line, Account, float | None]] = []
    for face_id in sorted(kept):
        classes = faces[face_id]
        rows.append(((face_id, ALL), together(list(classes.values())), None))
        for label in sorted(classes, key=lambda label: -classes[label].seen):
            rows.append(((face_id, label), classes[label], lift(label, classes)))
    return rows


def stretch_text(stretch: Stretch | None) -> str:
    """For example "0:03.2 to 0:04.7, 1.5 s"."""
    if stretch is None:
        return NONE
    start, end = (names.clock(seconds, 1) for seconds in (stretch.start_s, stretch.end_s))
    return f"{start} to {end}" if stretch.length_s > 0 else f"at {start}"


def _seen(account: Account) -> str:
    return names.clock(account.seen_s, 1) if account.seen_s > 0 else f"{account.seen} frame{'s' * (account.seen > 1)}"


def _share(account: Account, *verdicts: Verdict) -> str:
    share = account.share(*verdicts)
    return "< 1 %" if 0 < share < 0.005 else names.percent(share)


def _spread(spread: Spread, factor: float, unit: str) -> str:
    """Mean and deviation; a dash where there is none."""
    if not spread.n:
        return NONE
    digits = 2 if not unit else 0
    deviation = "" if spread.deviation is None else f" ± {factor * spread.deviation:.{digits}f}"
    return f"{factor * spread.mean:.{digits}f}{deviation}{unit}"


def _weight(label: str) -> QFont.Weight:
    return QFont.Weight.DemiBold if label == ALL else QFont.Weight.Normal


def _side(column: int) -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignLeft if column in (0, 1, BAR) else Qt.AlignmentFlag.AlignRight
