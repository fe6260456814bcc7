"""The panel beside the picture on the page of pain: the score of one face, why, and where it comes from."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.gui import names, theme
from app.gui.pain_bars import PartBars, PlaceBars, ScoreGauge, UnitBars
from app.gui.pain_moment import Moment
from app.gui.pain_section import sentence
from app.gui.second_road import SecondRoad, agreement_text
from app.gui.side_panel import SidePanel, bare_column, heading
from core.blendshapes import Blendshapes

SENTENCE_LINES: Final = 3  # kept free, so that what is below stands still
GAP_FROM: Final = 0.3  # points left of the frames before that are worth a word
OPINION: Final = "Upright marks: MediaPipe’s blendshapes, 0 to 1. A second opinion; it counts for nothing here."
FOOT: Final = (
    "PSPI tells of a face, not of what its owner feels: people in pain may show nothing. Not validated on patients. "
    "<b>Not a medical device.</b>"
)


class FrozenRibbon(QFrame):
    """Says that a moment of before is shown, and leads back to now."""

    back_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("ribbon")
        self._text = QLabel("")
        self._text.setWordWrap(True)
        self.back = QPushButton("Back to now")
        self.back.setProperty("kind", "primary")
        self.back.setToolTip("Back to now (Esc)")
        self.back.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.back.setAutoDefault(True)
        self.back.clicked.connect(self.back_wanted)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 7, 8, 7)
        row.addWidget(self._text, 1)
        row.addWidget(self.back)
        self.hide()

    def show_text(self, text: str) -> None:
        """Show this; nothing hides it."""
        self._text.setText(text)
        self.setVisible(bool(text))

    def text(self) -> str:
        """What it says."""
        return self._text.text()


class PainPanel(SidePanel):
    """Everything about one moment of one face."""

    back_wanted = Signal()
    map_wanted = Signal(bool)  # the network's map on the face, in place of the score's reasons

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ribbon = FrozenRibbon()
        self.gauge = ScoreGauge()
        self.parts = PartBars()
        self.units = UnitBars()
        self.places = PlaceBars()
        self.road = SecondRoad()
        self.all_units = QPushButton("All 20")
        self._build()
        self.ribbon.back_wanted.connect(self.back_wanted)
        self.road.map_wanted.connect(self.map_wanted)
        self.show_empty("")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for part in (self.gauge, self.parts, self.units, self.places, self.road):
            part.show_theme(chosen)

    def show_moment(self, shown: Moment, against: str, above: float, face_ids: Sequence[int], frozen: str = "") -> None:
        """Show a moment.

        Parameters
        ----------
        against
            What the face is held against, in words.
        above
            The score from which an episode starts.
        face_ids
            All that are in the picture.
        frozen
            What a moment of before is about; nothing for one of now.
        """
        reading, why = shown.reading, shown.why
        self.show_column()
        self.ribbon.show_text(frozen)
        self.tabs.show_faces([] if frozen else face_ids, shown.face_id)
        self._name.setText(f"Face {names.face_name(shown.face_id)}")
        self._facts.setText(f"at {names.clock(shown.timestamp_s, 1)}")
        self.gauge.show_reading(reading, above)
        self._against.setText(against)
        self._sentence.setText(sentence(reading))
        likeness = reading.likeness
        self._likeness.setVisible(likeness is not None)
        if likeness is not None:
            self._likeness.setText(likeness_text(likeness.probability))
        self._show_network(shown)
        self._why.setVisible(why is not None)
        self.parts.show_score(reading.score)
        opinion = reading.blendshapes
        self.units.show_units(
            None if reading.score is None else reading.units, opinion if isinstance(opinion, Blendshapes) else None
        )
        self._opinion.setText(str(opinion) if isinstance(opinion, Exception) else OPINION)
        self._opinion.setVisible(opinion is not None)
        self.places.show_why(why)
        left = 0.0 if why is None else float(why.gap.sum())
        # As short as the heading's line is: a longer one would push the panel beyond the window.
        smoothed = f"points · {names.number(left, 1)} by smoothing"
        self._unit.setText(smoothed if abs(left) >= GAP_FROM else "points of the score")

    def _show_network(self, shown: Moment) -> None:
        network = None if shown.reading.score is None else shown.network
        self.road.show_network(network)
        self._agreement.setVisible(network is not None)
        if network is not None:
            self._agreement.setText(agreement_text(network))
            role = "muted" if network.agreement.agrees else "warn"
            if self._agreement.property("role") != role:
                self._agreement.setProperty("role", role)
                self._agreement.style().polish(self._agreement)

    def _build(self) -> None:
        self._name, self._facts, self._against = QLabel(""), QLabel(""), QLabel("")
        self._name.setProperty("role", "title")
        self._facts.setProperty("role", "muted")
        self._facts.setFont(theme.font(12, tabular=True))
        self._against.setProperty("role", "quiet")
        self._sentence, self._likeness, self._unit, self._agreement = (QLabel("") for _ in range(4))
        self._unit.setToolTip("By smoothing: what units carry on from the frames before this one")
        for label in (self._sentence, self._against, self._likeness, self._agreement):
            label.setWordWrap(True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._sentence.setMinimumHeight(SENTENCE_LINES * self._sentence.fontMetrics().lineSpacing())
        foot = QLabel(FOOT)
        foot.setProperty("role", "quiet")
        foot.setWordWrap(True)
        column = self.column
        column.addWidget(self.ribbon)
        column.addSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self._name)
        head.addWidget(self._facts, 1)
        column.addLayout(head)
        column.addSpacing(2)
        column.addWidget(self.gauge)
        column.addSpacing(4)
        column.addWidget(self._against)
        column.addSpacing(10)
        for label in (self._sentence, self._likeness, self._agreement):
            column.addWidget(label)
            column.addSpacing(3)
        column.addSpacing(11)
        column.addWidget(self._reasons())
        column.addSpacing(11)
        column.addWidget(foot)

    def _reasons(self) -> QWidget:
        self.all_units.setCheckable(True)
        self.all_units.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.all_units.setToolTip("All action units that are estimated, or those of the score and AU 12")
        self.all_units.setStyleSheet("padding: 1px 8px; font-size: 11px; min-height: 14px;")
        self.all_units.toggled.connect(self.units.set_all)
        self._opinion = QLabel(OPINION)
        self._opinion.setProperty("role", "quiet")
        self._opinion.setWordWrap(True)
        self._opinion.hide()
        self._why = QWidget()
        column = bare_column(self._why, 5)
        column.addLayout(heading("WHAT IT IS MADE OF", self._unit))
        column.addWidget(self.parts)
        column.addSpacing(7)
        column.addLayout(heading("ACTION UNITS", self.all_units))
        column.addLayout(_sides())
        column.addWidget(self.units)
        column.addWidget(self._opinion)
        column.addSpacing(7)
        column.addLayout(heading("WHERE IT COMES FROM", QLabel("points of the score")))
        column.addWidget(self.places)
        column.addWidget(self.road)
        return self._why


def likeness_text(likeness: float) -> str:
    """What the model of look-alikes says, with its own probability."""
    like, probability = ("pain-like", likeness) if likeness >= 0.5 else ("other expression", 1 - likeness)
    return f"Model of look-alikes: {like} {probability:.2f}"


def _sides() -> QHBoxLayout:
    row = QHBoxLayout()
    right, left = QLabel("person’s right"), QLabel("person’s left")
    left.setAlignment(Qt.AlignmentFlag.AlignRight)
    for label in (right, left):
        label.setProperty("role", "quiet")
        row.addWidget(label, 1)
    return row
