"""What stands in the panel beside a face: a row per class, or, without emotions, what its pain score is made of.

The shape of a panel depends on what is read and never on what was found, so that panels of a video stay as they are.
"""

from dataclasses import dataclass
from typing import Final

from core.action_units.units import MAX
from core.pspi import CLOSED, MOST, SEEN, TERMS, PainReading
from core.types import FaceResult, Prediction

PROBABILITY: Final = "probability"
PSPI: Final = f"PSPI, 0 to {MOST:g}"
UNKNOWN: Final = "-"


@dataclass(frozen=True)
class Row:
    """One line: its name, how far its bar goes, 0..1, and its number."""

    label: str
    share: float
    number: str


@dataclass(frozen=True)
class Panel:
    """A heading and rows below it.

    Attributes
    ----------
    strong
        Which of the rows stands out.
    names
        Everything that its rows may be called.
    """

    heading: str
    rows: tuple[Row, ...]
    strong: int
    names: tuple[str, ...]


def panel_of(face: FaceResult) -> Panel:
    """The panel of a face."""
    return _of_pain(face.pain) if face.prediction is None else _of_classes(face.prediction)


def _of_classes(prediction: Prediction) -> Panel:
    shares = zip(prediction.labels, prediction.probabilities.tolist(), strict=True)
    rows = tuple(Row(label, share, f"{share:.2f}") for label, share in shares)
    return Panel(PROBABILITY, rows, prediction.labels.index(prediction.label), prediction.labels)


def _of_pain(reading: PainReading | None) -> Panel:
    names = ("score", *SEEN.values())
    if reading is None or reading.score is None:
        strongest = [term[0] for term in TERMS]
        rows = [Row(label, 0.0, UNKNOWN) for label in ("score", *(SEEN[au] for au in strongest))]
        return Panel(PSPI, tuple(rows), 0, names)
    score = reading.score
    parts = [
        Row(SEEN[part.au], part.value / (1.0 if part.au == CLOSED else MAX), f"{part.value:.1f}")
        for part in score.parts
    ]
    return Panel(PSPI, (Row("score", score.pspi / MOST, f"{score.pspi:.1f}"), *parts), 0, names)
