"""What the live page says about pain: the score of the selected face and one sentence. Its own page has the rest."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.pain_bars import ScoreGauge
from app.gui.second_road import agreement_text
from core.pspi import PainReading
from core.types import NetworkPain


class PainSection(QWidget):
    """Stands in the face panel while pain is estimated."""

    why_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        heading = QLabel("PAIN")
        heading.setProperty("role", "heading")
        self.against = QLabel("")
        self.against.setProperty("role", "quiet")
        self.why = QPushButton("Why")
        self.why.setToolTip("Action units, regions, episodes and alarms (Q)")
        self.why.setAutoDefault(True)
        self.why.setStyleSheet("padding: 1px 8px; font-size: 11px; min-height: 14px;")
        self.why.clicked.connect(self.why_wanted)
        self.gauge = ScoreGauge()
        self.sentence = QLabel("")
        self.sentence.setWordWrap(True)
        self.road = QLabel("")
        self.road.setWordWrap(True)
        self.road.setProperty("role", "warn")
        head = QHBoxLayout()
        head.addWidget(heading)
        head.addSpacing(4)
        head.addWidget(self.against, 1)
        head.addWidget(self.why)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 2)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self.gauge)
        column.addWidget(self.sentence)
        column.addWidget(self.road)
        self.hide()

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self.gauge.show_theme(chosen)

    def show_reading(self, reading: PainReading | None, above: float, network: NetworkPain | None = None) -> None:
        """Show a reading; nothing where pain is not estimated. `above` is where an episode starts.

        What the network reads is told here only where it does not agree; the page of pain has all of it.
        """
        self.setVisible(reading is not None)
        if reading is not None:
            self.against.setText("own neutral face" if reading.neutral is not None else "against the norm")
            self.gauge.show_reading(reading, above)
            self.sentence.setText(sentence(reading))
        doubted = None if network is None or network.agreement.agrees else network
        self.road.setVisible(doubted is not None)
        if doubted is not None:
            self.road.setText(agreement_text(doubted))


def sentence(reading: PainReading) -> str:
    """The reading's sentence as it begins a line; the gauge itself says why there is none."""
    if reading.score is None:
        return ""
    said = reading.sentence
    return f"{said[0].upper()}{said[1:]}."
