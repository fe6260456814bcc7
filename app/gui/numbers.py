"""The numbers behind the verdict, in a small sheet of their own."""

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.gui import names, theme
from core.explain import METHODS, Method
from core.types import Explanation, FaceResult, RegionRelevance
from core.verdict import Verdict

WIDTH_PX: Final = 540
NONE: Final = "–"  # what is not defined
FOOT: Final = (
    "Density is share over area: 1 is what a uniform map would give. The control is a spot at the crop’s centre that "
    "has seen no face: any face-centred map passes the crop’s standard, so the verdict goes by the face’s. "
    "Not a medical device."
)
Cells = tuple[str, ...]


class Table(QGridLayout):
    """Rows of text: words on the left, numbers on the right; the first row is the heading."""

    def __init__(self) -> None:
        super().__init__()
        self.setHorizontalSpacing(16)
        self.setVerticalSpacing(3)
        self.setColumnStretch(0, 1)
        self._cells: dict[tuple[int, int], QLabel] = {}

    def show_rows(self, rows: list[Cells]) -> None:
        """Show these, and no others."""
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                self._set(row, column, text)
        for (row, _), label in self._cells.items():
            label.setVisible(row < len(rows))

    def _set(self, row: int, column: int, text: str) -> None:
        label = self._cells.get((row, column))
        if label is None:
            label = self._cells[row, column] = QLabel("")
            label.setFont(theme.font(12, tabular=True))
            label.setProperty("role", "muted" if row == 0 else "")
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            self.addWidget(label, row, column, side)
            label.show()  # a layout shows new parts late, and the sheet must know its size now
        if label.text() != text:
            label.setText(text)


class Numbers(QFrame):
    """A sheet over the panel; it follows the face while it is open."""

    closed = Signal()

    def __init__(self, methods: Mapping[str, Method], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._methods = methods
        self.setObjectName("popover")
        self.setFixedWidth(WIDTH_PX)
        self._summary, self._meaning, foot = _words(), _words(), _words()
        foot.setText(FOOT)
        foot.setProperty("role", "quiet")
        self._standards, self._regions = Table(), Table()
        self._body = QWidget()
        self._body.setObjectName("popoverBody")
        column = QVBoxLayout(self._body)
        column.setContentsMargins(18, 14, 18, 14)
        column.setSpacing(10)
        column.addWidget(self._summary)
        column.addLayout(self._standards)
        column.addWidget(self._meaning)
        column.addLayout(self._regions)
        column.addWidget(foot)
        scroll = QScrollArea()
        scroll.setObjectName("popoverScroll")
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidgetResizable(True)
        scroll.setWidget(self._body)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 1, 1, 1)
        whole.addWidget(scroll)
        self.hide()

    def show_face(self, face: FaceResult, outside_limit: float) -> None:
        """Show the numbers of this face, held against this limit of the share outside it."""
        regions, explanation = face.regions, face.explanation
        if regions is None or explanation is None:
            self._summary.setText("This face has not been explained. Choose a method under the video, or press M.")
            self._meaning.setText("")
            self._standards.show_rows([])
            self._regions.show_rows([])
            return
        self._summary.setText(self._headline(face, regions, explanation, outside_limit))
        self._standards.show_rows(_standards(face, regions, outside_limit))
        self._meaning.setText(meaning(face, regions, outside_limit))
        self._regions.show_rows(_by_region(regions))

    def fitted_height(self) -> int:
        """Height at which everything can be read."""
        layout = self._body.layout()
        assert layout is not None
        layout.activate()
        return max(layout.totalHeightForWidth(WIDTH_PX - 2), self._body.sizeHint().height()) + 6

    def texts(self) -> str:
        """Everything that stands here, for whoever wants to read rather than look."""
        return "\n".join(label.text() for label in self._body.findChildren(QLabel) if not label.isHidden())

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: D102, N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _headline(self, face: FaceResult, regions: RegionRelevance, explanation: Explanation, limit: float) -> str:
        method = self._methods.get(explanation.method)
        title = explanation.method if method is None else method.title
        lines = [
            f"<b>{names.face_headline(face)}</b> · {_judgement(face, regions, explanation, limit)}",
            f"{title} explains {explanation.title}, logit {names.number(explanation.score, 3)}",
            _where(regions, explanation),
        ]
        return f"<div style='line-height: 135%'>{'<br>'.join(lines)}</div>"


def _words() -> QLabel:
    label = QLabel("")
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    return label


def _judgement(face: FaceResult, regions: RegionRelevance, explanation: Explanation, limit: float) -> str:
    verdict = face.judged(limit)
    if verdict is not Verdict.NOT_EXPLAINED:
        return verdict.sentence
    return f"the map is about {explanation.target}: {regions.judged(limit).sentence}"


def _where(regions: RegionRelevance, explanation: Explanation) -> str:
    """Where the score went: pixels for and against it, and what biases took."""
    on_pixels = f"positive {names.number(regions.positive, 3)} · negative {names.number(regions.negative, 3)}"
    method = METHODS.get(explanation.method)
    if method is None or method.biases is None:
        return f"{on_pixels} {explanation.unit}"
    return f"{on_pixels} · taken by biases {names.number(explanation.absorbed, 3)} logit"


def _standards(face: FaceResult, regions: RegionRelevance, limit: float) -> list[Cells]:
    """V, V_w, V_f and the share outside, of the map, of the contrast and of the control, and what passes."""
    contrast = face.contrast
    columns = (regions, None if contrast is None else contrast.regions, regions.control)
    against = "contrast" if contrast is None else f"vs {contrast.against}"
    rows: list[Cells] = [("", "this map", against, "control", "passes")]
    for text, name, write, passes in (
        ("V: share in the expected regions ◆", "expected_share", _share, ""),
        ("V_w: against uniform over the crop", "crop_density", _times, ""),
        ("V_f: against uniform over the face", "expected_density", _times, "from 1"),
        ("outside the face", "outside_share", _share, f"to {names.percent(limit)}"),
    ):
        if regions.expected or name == "outside_share":
            rows.append((text, *(write(_of(column, name)) for column in columns), passes))
    return rows


def _of(regions: RegionRelevance | None, name: str) -> float | None:
    """One of the numbers; None for a map without positive relevance."""
    return None if regions is None or regions.positive <= 0 else getattr(regions, name)


def _share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"


def _times(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def meaning(face: FaceResult, regions: RegionRelevance, limit: float) -> str:
    """What the numbers say, in words."""
    target = face.explanation.target if face.explanation is not None else face.label
    if regions.positive <= 0:
        return f"No pixel speaks for {target} in this map, so there is nothing to hold against the expected regions."
    outside = f"{names.percent(regions.outside_share)} of what speaks for {target} lies outside the face"
    outside += f", more than the {names.percent(limit)} that pass." if regions.outside_share > limit else "."
    if not regions.expected:
        return f"The literature names no action units for {target}, so no regions are expected. {outside}"
    density = regions.expected_density
    if density is None:
        return f"The regions expected of {target} cannot be seen here. {outside}"
    parts = [
        f"The regions expected of {target} hold {density:.2f} times what an even map over the face would give them"
    ]
    if regions.control is not None and (control := regions.control.expected_density) is not None:
        beats = "more" if density > control else "no more"
        parts.append(f", {beats} than a spot at the centre that has seen no face ({control:.2f})")
    parts.append(f". {outside}")
    if (contrast := face.contrast) is not None and (held := contrast.regions.expected_density) is not None:
        parts.append(f" What tells {contrast.target} from {contrast.against} lies there {held:.2f} times.")
    return "".join(parts)


def _by_region(regions: RegionRelevance) -> list[Cells]:
    control = regions.control
    rows: list[Cells] = [("region", "share +", "area", "density", "control", "share −")]
    for place, name in enumerate(regions.regions):
        area = float(regions.areas[place])
        rows.append(
            (
                names.region_text(name) + (" ◆" if name in regions.expected else ""),
                f"{100 * regions.shares[place]:.1f} %",
                f"{100 * area:.1f} %",
                f"{regions.densities[place]:.2f}",
                NONE if control is None or area <= 0 else f"{control.densities[place]:.2f}",
                f"{100 * regions.negative_shares[place]:.1f} %",
            )
        )
    return rows
