"""The numbers behind the verdict, in a small sheet of their own."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.gui import names, theme
from core.explain import METHODS, Method
from core.types import OUTSIDE_LIMIT, Explanation, FaceResult, RegionRelevance

WIDTH_PX: Final = 440


class Numbers(QFrame):
    """A sheet over the panel; it follows the face while it is open."""

    closed = Signal()

    def __init__(self, methods: Mapping[str, Method], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._methods = methods
        self.setObjectName("popover")
        self.setFixedWidth(WIDTH_PX)
        self._summary = QLabel("")
        self._summary.setTextFormat(Qt.TextFormat.RichText)
        self._summary.setWordWrap(True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(18)
        self._grid.setVerticalSpacing(3)
        self._cells: dict[tuple[int, int], QLabel] = {}
        foot = QLabel(
            f"Density is share over area: 1 is what a uniform map would give. Looks outside: more than "
            f"{names.percent(OUTSIDE_LIMIT)} of the positive relevance off the face. Not a medical device."
        )
        foot.setWordWrap(True)
        foot.setProperty("role", "quiet")
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(12)
        column.addWidget(self._summary)
        column.addLayout(self._grid)
        column.addWidget(foot)
        self.hide()

    def show_face(self, face: FaceResult) -> None:
        """Show the numbers of this face."""
        regions, explanation = face.regions, face.explanation
        if regions is None or explanation is None:
            self._summary.setText("This face has not been explained.")
            return
        score = names.number(explanation.score, 3)
        lines = [
            f"<b>{names.face_headline(face)}</b>",
            f"{self._title(explanation.method)} explains {explanation.title}, logit {score}",
            _where(regions, explanation),
            *_verdict_lines(regions),
        ]
        self._summary.setText(f"<div style='line-height: 135%'>{'<br>'.join(lines)}</div>")
        self._fill(regions)

    def _title(self, key: str) -> str:
        return self._methods[key].title if key in self._methods else key

    def fitted_height(self) -> int:
        """Height at which everything can be read."""
        layout = self.layout()
        assert layout is not None
        layout.activate()
        return max(layout.totalHeightForWidth(WIDTH_PX), self.sizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _fill(self, regions: RegionRelevance) -> None:
        for column, text in enumerate(("region", "share +", "area", "density", "share −")):
            self._cell(0, column, text)
        for place, name in enumerate(regions.regions):
            mark = " ◆" if name in regions.expected else ""
            values = (
                names.region_text(name) + mark,
                f"{100 * regions.shares[place]:.1f} %",
                f"{100 * regions.areas[place]:.1f} %",
                f"{regions.densities[place]:.2f}",
                f"{100 * regions.negative_shares[place]:.1f} %",
            )
            for column, text in enumerate(values):
                self._cell(place + 1, column, text)

    def _cell(self, row: int, column: int, text: str) -> QLabel:
        label = self._cells.get((row, column))
        if label is None:
            label = self._cells[row, column] = QLabel("")
            label.setFont(theme.font(12, tabular=True))
            label.setProperty("role", "muted" if row == 0 else "")
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            self._grid.addWidget(label, row, column, side)
            label.show()  # a layout shows new parts late, and the sheet must know its size now
        if label.text() != text:
            label.setText(text)
        return label


def _where(regions: RegionRelevance, explanation: Explanation) -> str:
    """Where the score went: pixels for and against it, and what biases took."""
    on_pixels = f"positive {names.number(regions.positive, 3)} · negative {names.number(regions.negative, 3)}"
    method = METHODS.get(explanation.method)
    if method is None or method.biases is None:
        return f"{on_pixels} {explanation.unit}"
    return f"{on_pixels} · taken by biases {names.number(explanation.absorbed, 3)} logit"


def _verdict_lines(regions: RegionRelevance) -> list[str]:
    lines = [f"outside the face {100 * regions.outside_share:.1f} %"]
    share, density = regions.expected_share, regions.expected_density
    if share is None:
        lines.append("the literature names no action units for this class, so nothing is expected")
    else:
        against = "not defined" if density is None else f"{density:.2f} × uniform over the face"
        lines.append(f"expected regions (◆) {100 * share:.1f} % · {against}")
    return lines
