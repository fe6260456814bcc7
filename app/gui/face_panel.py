"""The panel beside the video: who is selected, what the model reads in that face, and what it looked at."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.gui import names, theme
from app.gui.bars import ProbabilityBars, RegionBars, paint_diamond
from app.gui.looks import LOOKS
from app.gui.pain_section import PainSection
from app.gui.side_panel import MARGIN_PX, WIDTH_PX, SidePanel, bare_column, heading
from core.pspi import MOST
from core.steady import Standing
from core.types import FaceResult, LandmarkReading, Prediction
from core.verdict import Verdict

PAIN_PX: Final = 180  # what the section of pain takes
ROOM_FOR_ALL_PX: Final = 610  # panel height from which every class has its row


class VerdictChip(QPushButton):
    """One quiet sentence with a sign; a click opens the numbers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._look = ("", "")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAutoDefault(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.setIconSize(QSize(14, 14))
        self.setToolTip("Show the numbers (N)")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        look, self._look = self._look, ("", "")
        self._dress(*look)

    def show_standing(self, face: FaceResult, standing: Standing) -> None:
        """Show what the numbers of this face say; `standing` is the verdict that does not flicker."""
        look, explanation = LOOKS[standing.verdict], face.explanation
        self._dress(look.icon, look.role)
        if standing.verdict is Verdict.NOT_EXPLAINED:
            other = explanation is not None and explanation.target != face.label
            self.setText(f"explains {explanation.target}, not the decision" if explanation and other else look.words)
            return
        by = ""
        if standing.verdict is Verdict.OUTSIDE and standing.outside_share is not None:
            by = f" · {names.percent(standing.outside_share)}"
        elif standing.verdict is not Verdict.NO_EVIDENCE and standing.density is not None:
            by = f" · {standing.density:.1f} × uniform"
        self.setText(standing.verdict.sentence + by)
        if self.sizeHint().width() >= WIDTH_PX - 2 * MARGIN_PX:  # would push the bars out of the panel
            self.setText(standing.verdict.sentence + by.removesuffix(" uniform"))

    def _dress(self, icon: str, role: str) -> None:
        if (icon, role) == self._look or not icon:
            return
        self._look = (icon, role)
        colour = getattr(self._theme, role)
        ground = getattr(self._theme, f"{role}_soft", self._theme.field)
        self.setIcon(theme.icon(icon, self._theme.colour(role), 14))
        self.setStyleSheet(
            f"QPushButton {{ color: {colour}; background: {ground}; border: 1px solid {colour}; border-radius: 12px;"
            "padding: 2px 9px; font-size: 12px; min-height: 18px; }"
            f"QPushButton:hover, QPushButton:focus {{ border: 2px solid {colour}; padding: 1px 8px; }}"
        )


class _Dot(QWidget):
    """The colour of the face's frame."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(14, 20)
        self.face_id = 1

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.DARK.of_face(self.face_id))
        painter.drawEllipse(QPointF(6, 10.5), 5.5, 5.5)
        painter.end()


class _Diamond(QWidget):
    """The legend's mark of an expected region."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(10, 14)
        self.colour = theme.DARK.colour("good")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_diamond(painter, QPointF(5, 7.5), self.colour)
        painter.end()


class FacePanel(SidePanel):
    """Everything about the selected face."""

    numbers_wanted = Signal()
    pain_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.verdict = VerdictChip()
        self.probabilities = ProbabilityBars()
        self.regions = RegionBars()
        self.pain = PainSection()
        self.column.addLayout(self._headline())
        self._emotions = self._of_emotions()
        self.column.addWidget(self.pain)
        self.column.addWidget(self._emotions)
        self.verdict.clicked.connect(self.numbers_wanted)
        self.pain.why_wanted.connect(self.pain_wanted)
        self.show_empty("")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._diamond.colour = chosen.colour("good")
        self._mesh.setStyleSheet(f"color: {chosen.mesh};")
        for part in (self.verdict, self.probabilities, self.regions, self.pain):
            part.show_theme(chosen)

    def show_face(self, face: FaceResult, face_ids: Sequence[int], standing: Standing, above: float = MOST) -> None:
        """Show this face and how its verdict stands.

        Parameters
        ----------
        face_ids
            All that are in the picture.
        above
            The pain score from which an episode starts.
        """
        observation = face.observation
        self.show_column()
        self.tabs.show_faces(face_ids, observation.face_id)
        self._dot.face_id = observation.face_id
        self._dot.update()
        self._name.setText(f"Face {names.face_name(observation.face_id)}")
        self._facts.setText(
            f"id {observation.face_id} · {observation.box.width:.0f} px · sure {observation.confidence:.2f}"
        )
        was_hidden = self.pain.isHidden()
        self.pain.show_reading(face.pain, above, face.pain_by_network)
        if self.pain.isHidden() != was_hidden:
            self._fit()
        self._emotions.setVisible(face.prediction is not None)
        if face.prediction is not None:
            self._show_emotions(face, face.prediction, standing)

    def _show_emotions(self, face: FaceResult, prediction: Prediction, standing: Standing) -> None:
        self.verdict.show_standing(face, standing)
        read = face.by_landmarks if isinstance(face.by_landmarks, LandmarkReading) else None
        self.probabilities.show_prediction(prediction, read)
        self.regions.show_regions(face.regions, None if read is None else read.points.regions)
        explained = face.regions is not None and face.explanation is not None
        self._looked.setVisible(explained or read is not None)
        self._not_explained.setVisible(not explained and read is None)
        self._what.setVisible(face.explanation is not None)
        if face.explanation is not None:
            self._what.setText(f"why {face.explanation.title} · logit {names.number(face.explanation.score)}")
        self._mesh.setVisible(face.by_landmarks is not None)
        if face.by_landmarks is not None:
            self._mesh.setText(names.by_landmarks(face))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave out the rarest classes where there is little room."""
        needed = ROOM_FOR_ALL_PX + (0 if self.pain.isHidden() else PAIN_PX)
        self.probabilities.set_short(self.height() < needed)

    def _of_emotions(self) -> QWidget:
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.verdict)
        column.addSpacing(16)
        column.addLayout(heading("EXPRESSION", QLabel("calibrated probability")))
        column.addSpacing(6)
        column.addWidget(self.probabilities)
        column.addSpacing(16)
        column.addWidget(self._what_it_looked_at())
        return holder

    def _headline(self) -> QHBoxLayout:
        self._dot = _Dot()
        self._name = QLabel("")
        self._name.setProperty("role", "title")
        self._facts = QLabel("")
        self._facts.setProperty("role", "muted")
        self._facts.setFont(theme.font(12, tabular=True))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._dot)
        row.addWidget(self._name)
        row.addWidget(self._facts, 1)
        return row

    def _what_it_looked_at(self) -> QWidget:
        self._diamond = _Diamond()
        holder = QWidget()
        column = bare_column(holder, 4)
        column.addLayout(heading("WHAT IT LOOKED AT", QLabel("share of relevance · │ uniform")))
        self._what = QLabel("")
        self._what.setProperty("role", "muted")
        self._what.setFont(theme.font(12, tabular=True))
        self._not_explained = QLabel("Explanations are off. Choose a method under the video, or press M.")
        self._not_explained.setProperty("role", "muted")
        self._not_explained.setWordWrap(True)
        self._mesh = QLabel("")
        self._mesh.setFont(theme.font(12, tabular=True))
        self._mesh.setStyleSheet(f"color: {theme.DARK.mesh};")
        self._mesh.setToolTip(
            "What a landmark network reads in the face mesh, beside what the pack reads in the pixels (Shift+W).\n"
            "Agreement: rank correlation of the regions' shares, 1 where both order the regions alike."
        )
        self._looked = QWidget()
        inner = bare_column(self._looked, 6)
        inner.addLayout(self._sides())
        inner.addWidget(self.regions)
        column.addWidget(self._what)
        column.addWidget(self._mesh)
        column.addWidget(self._looked)
        column.addWidget(self._not_explained)
        return holder

    def _sides(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(4)
        expected = QLabel("expected")
        for widget, stretch in ((QLabel("person’s right"), 1), (self._diamond, 0), (expected, 1)):
            row.addWidget(widget, stretch)
            widget.setProperty("role", "quiet")
        left = QLabel("person’s left")
        left.setProperty("role", "quiet")
        left.setAlignment(Qt.AlignmentFlag.AlignRight)
        row.addWidget(left)
        return row
