"""The quiet mark beside a face whose decision is not supported; the same shapes as `core.mark` draws into files."""

from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.gui import theme
from app.gui.looks import LOOKS
from core.verdict import Verdict

GROUND: Final = QColor(13, 16, 20, 225)  # as labels over video have it, by day and night
FONT_PX: Final = 12
GAP_PX: Final = 6.0


def mark_rect(verdict: Verdict, label: QRectF, face: QRectF, right_px: float, words: bool) -> QRectF:
    """Where the mark goes, widget px.

    With words in the row of the label, up to `right_px`; without, in that row if it does not leave the face's width,
    else in the lower corner of the face's box: beside the chin, where it hides nothing.
    """
    side = label.height()
    width = side
    if words:
        width += QFontMetricsF(theme.font(FONT_PX)).horizontalAdvance(LOOKS[verdict].words) + 9
    x = max(label.right() + GAP_PX, face.right() - width)
    if words and x + width > right_px:
        return mark_rect(verdict, label, face, right_px, words=False)
    if words or x + width <= face.right() + 1:
        return QRectF(x, label.top(), width, side)
    inset = GAP_PX - 1
    return QRectF(max(face.right() - width - inset, 4.0), max(face.bottom() - side - inset, 4.0), width, side)


def paint_mark(painter: QPainter, verdict: Verdict, rect: QRectF, ratio: float) -> None:
    """Paint the mark into a rectangle of `mark_rect`; words where it is wider than high."""
    look = LOOKS[verdict]
    colour = theme.DARK.colour(look.role)
    painter.setPen(QPen(colour, 1.2))
    painter.setBrush(GROUND)
    painter.drawRoundedRect(rect, 5, 5)
    side = round(0.66 * rect.height())
    inset = (rect.height() - side) / 2
    place = QRectF(rect.left() + inset, rect.top() + inset, side, side)
    picture = theme.pixmap(look.icon, colour, side, ratio)
    painter.drawPixmap(place, picture, QRectF(picture.rect()))
    if rect.width() > rect.height() + 1:
        painter.setFont(theme.font(FONT_PX))
        painter.setPen(colour)
        painter.drawText(rect.adjusted(rect.height(), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, look.words)
