"""The label on a face's box: who it is, what is read in it, and how old the explanation is."""

from dataclasses import dataclass
from typing import Final

from core.geometry import Box, Image
from core.lettering import ACCENT, AMBER, DARK, WHITE, plate, text_width, write
from core.types import FaceResult, Result

STALE_S: Final = 0.0005  # an explanation at most this much older than its frame counts as the frame's own
LINE: Final = 2.2  # height of a line, over that of a capital
SMALL: Final = 0.78  # height of a note's capitals, over that of others


@dataclass(frozen=True)
class FaceLabel:
    """What is written on a face's box.

    Attributes
    ----------
    lines
        The class with its probability, the pain score with its interval, or the reason why there is none, and the
        network's own where it disagrees.
    note
        Stands behind the first line.
    """

    name: str
    lines: tuple[str, ...]
    note: str = ""

    def size(self, capital_px: float) -> tuple[int, int]:
        """Width and height, px."""
        pad = _pad(capital_px)
        widths = [text_width(line, capital_px) for line in self.lines]
        widths[0] += text_width(self.note, SMALL * capital_px) + pad if self.note else 0
        width = max(widths) + 2 * pad
        width += text_width(self.name, capital_px, bold=True) + 2 * pad if self.name else 0
        return width, round(LINE * capital_px * len(self.lines))


def label_of(result: Result, face: FaceResult, name: str) -> FaceLabel:
    """The label of a face of a frame."""
    read = [] if face.prediction is None else [f"{face.prediction.label} {face.prediction.probability:.2f}"]
    measured = [] if face.pain is None else [face.pain.headline + _doubt(face)]
    age_s = result.explanation_age_s(face)
    note = "" if age_s is None or age_s <= STALE_S else f"explained {age_s * 1000:.0f} ms ago"
    return FaceLabel(name, tuple(read + measured) or ("",), note)


def _doubt(face: FaceResult) -> str:
    """What the network reads of pain, where that does not agree."""
    network = face.pain_by_network
    return "" if network is None or network.agreement.agrees else f"; network disagrees: {network.pspi:.1f}"


def label_box(image: Image, label: FaceLabel, box: Box, capital_px: float) -> Box:
    """Where a label goes: on top of its face's box, within the picture."""
    width, height = label.size(capital_px)
    x = min(max(box.x, 0), image.shape[1] - width)
    y = box.y - height - round(0.4 * capital_px)
    return Box(round(max(x, 0)), round(max(y, 0)), width, height)


def draw_label(image: Image, label: FaceLabel, place: Box, capital_px: float) -> None:
    """Write a label where `label_box` puts it."""
    left, top, height = round(place.x), round(place.y), round(place.height)
    line_px = height / len(label.lines)
    plate(image, (left, top, round(place.width), height))
    pad = _pad(capital_px)
    if label.name:
        badge = text_width(label.name, capital_px, bold=True) + 2 * pad
        plate(image, (left, top, badge, height), ACCENT, 1.0)
        write(image, label.name, left + pad, round(top + height / 2), capital_px, DARK, bold=True)
        left += badge
    for number, line in enumerate(label.lines):
        middle = round(top + (number + 0.5) * line_px)
        write(image, line, left + pad, middle, capital_px, WHITE)
        if label.note and number == 0:
            beside = left + text_width(line, capital_px) + 2 * pad
            write(image, label.note, beside, middle, SMALL * capital_px, AMBER)


def _pad(capital_px: float) -> int:
    return round(0.6 * capital_px)
