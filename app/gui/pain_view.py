"""The picture on the page of pain: the selected face with what adds to its score, and every face with its own."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import names, theme
from app.gui.face_dots import GROUND, QUIET, SAMPLE_PX, TEXT, paint_sized
from app.gui.pain_moment import Moment
from app.gui.stage import BOX_GROWTH, CHIP, CHIP_TEXT
from core.face_labels import STALE_S
from core.geometry import Box, Floats, Image
from core.opencv import cv2
from core.overlay import Style, heat
from core.pain import Why
from core.regions import partition
from core.relevance_dots import AGAINST, FOR, sizes
from core.types import FaceResult, Result

FULL_DOT: Final = 0.15  # points of the score that one landmark adds, for a full dot
FULL_AREA: Final = 3.0  # points that one region adds, for the strongest tint
STRONGEST: Final = 0.55  # opacity of that tint
GRID_PX: Final = 160  # of the regions' own grid over a face
SOFT_PX: Final = 2.0  # of that grid, by which edges are softened
# Of the network's map: adds and takes away in the reasons' own colours; the pack's own faces, by which strong relevance
# is known, show no pain, and a face in pain has some times as much.
NETWORK: Final = Style(colour_map="blue-orange", opacity=0.7, factor=2.5)


class PainView(QWidget):
    """Shows the newest result, or a frozen moment."""

    face_clicked = Signal(int)
    painted = Signal(object)  # Result

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme.DARK
        self._result: Result | None = None
        self._selected: Moment | None = None
        self._frozen: Moment | None = None
        self._message = ""
        self._by_network = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 160)
        self.setAccessibleName("Face and what its pain score is made of")

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(960, 540)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_message(self, text: str) -> None:
        """A quiet sentence while there is no picture."""
        self._message = text
        self.update()

    def show_result(self, result: Result | None, selected: Moment | None) -> None:
        """Show a frame; the score of the selected face is explained on it."""
        self._result, self._selected = result, selected
        if self._frozen is None:
            self.update()

    def show_network(self, wanted: bool) -> None:
        """Show which pixels the network's score comes from, or else what the score is made of."""
        self._by_network = wanted
        self.update()

    def show_frozen(self, frozen: Moment | None) -> None:
        """Show a moment of before; None goes back to now."""
        self._frozen = frozen
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._theme.colour("stage"))
        if self._frozen is not None:
            self._paint_frozen(painter, self._frozen)
        elif self._result is not None:
            self._paint_result(painter, self._result)
        else:
            painter.setFont(theme.font(15))
            painter.setPen(self._theme.colour("muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)
        painter.end()
        if self._result is not None:
            self.painted.emit(self._result)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        faces = self._result.faces if self._result is not None and self._frozen is None else ()
        hit = [face for face in faces if self._face_rect(face).contains(event.position())]
        if hit and event.button() == Qt.MouseButton.LeftButton:
            self.face_clicked.emit(min(hit, key=lambda face: face.observation.box.area).observation.face_id)
        super().mousePressEvent(event)

    def _paint_frozen(self, painter: QPainter, frozen: Moment) -> None:
        rect = _fitted(frozen.picture, QRectF(self.rect()))
        mapped = self._mapped(frozen, in_picture=True)
        self._paint_picture(painter, frozen.picture if mapped is None else heat(frozen.picture, mapped, NETWORK), rect)
        if mapped is None:
            self._paint_why(painter, frozen.points, frozen.why, rect, rect.width() / frozen.picture.shape[1])
        painter.setPen(QPen(self._theme.colour("accent"), 3))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(rect.adjusted(1.5, 1.5, -1.5, -1.5))
        self._paint_scale(painter, rect, frozen, mapped)

    def _paint_result(self, painter: QPainter, result: Result) -> None:
        rect, selected, image = _fitted(result.frame.image, QRectF(self.rect())), self._selected, result.frame.image
        is_now = selected is not None and selected.timestamp_s == result.frame.timestamp_s
        mapped = self._mapped(selected, in_picture=False) if selected is not None and is_now else None
        self._paint_picture(painter, image if mapped is None else heat(image, mapped, NETWORK), rect)
        if selected is not None and is_now and mapped is None:
            scale = rect.width() / result.frame.width
            self._paint_why(painter, selected.landmarks[:, :2], selected.why, rect, scale)
        for face in result.faces:
            self._paint_face(painter, face)
        if selected is not None:
            self._paint_scale(painter, rect, selected, mapped)

    def _paint_picture(self, painter: QPainter, image: Image, rect: QRectF) -> None:
        ratio = self.devicePixelRatioF()
        size = max(round(rect.width() * ratio), 1), max(round(rect.height() * ratio), 1)
        scaled = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_RGB2BGRA)
        painter.drawImage(rect, QImage(scaled.data, *size, 4 * size[0], QImage.Format.Format_RGB32))

    def _paint_why(self, painter: QPainter, landmarks: Floats, why: Why | None, rect: QRectF, scale: float) -> None:
        """Regions tinted by what they add, landmarks as dots; `landmarks` [478, 2] in px of the picture."""
        if why is None:
            return
        places = ((landmarks + 0.5) * scale + (rect.x(), rect.y())).astype(np.float32)
        box = Box.around(places).scaled(1.1)
        side = max(box.width, box.height)
        corner = np.array([box.x + box.width / 2 - side / 2, box.y + box.height / 2 - side / 2], np.float32)
        labels = partition(((places - corner) * (GRID_PX / side)).astype(np.float32), GRID_PX).labels
        tint = cv2.GaussianBlur(_tints(why.regions.sum(axis=0))[labels], (0, 0), SOFT_PX)
        painter.save()
        painter.setClipRect(rect)
        self._paint_tint(painter, np.asarray(tint, np.uint8), QRectF(float(corner[0]), float(corner[1]), side, side))
        relevance = why.landmarks.sum(axis=0)
        paint_sized(painter, places, relevance, sizes(relevance, FULL_DOT, float(np.ptp(places[:, 0]))))
        painter.restore()

    def _paint_tint(self, painter: QPainter, tint: Image, place: QRectF) -> None:
        """Paint the regions' colours, premultiplied, uint8 [GRID_PX, GRID_PX, 4], where the face is."""
        ratio = self.devicePixelRatioF()
        size = max(round(place.width() * ratio), 1)
        scaled = np.ascontiguousarray(cv2.resize(tint, (size, size), interpolation=cv2.INTER_LINEAR))
        image = QImage(scaled.data, size, size, 4 * size, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        painter.drawImage(place.topLeft().toPoint(), image)  # pixel for pixel: Qt's own scaling takes far longer

    def _paint_face(self, painter: QPainter, face: FaceResult) -> None:
        rect = self._face_rect(face)
        chosen = self._selected is not None and face.observation.face_id == self._selected.face_id
        colour = self._theme.of_face(face.observation.face_id)
        if not chosen:
            colour.setAlpha(190)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for ink, width in ((QColor(0, 0, 0, 90), 4.0), (colour, 2.2 if chosen else 1.3)):
            painter.setPen(QPen(ink, width))
            painter.drawRoundedRect(rect, 6, 6)
        text, font = face_text(face), theme.font(13, QFont.Weight.DemiBold, tabular=True)
        chip = QRectF(0, 0, QFontMetricsF(font).horizontalAdvance(text) + 20, 24)
        chip.moveTopLeft(QPointF(rect.left(), rect.top() - 30 if rect.top() > 34 else rect.top() + 6))
        chip.moveLeft(min(max(chip.left(), 4.0), max(self.width() - chip.width() - 4.0, 4.0)))
        painter.setPen(QPen(colour, 1.2))
        painter.setBrush(CHIP)
        painter.drawRoundedRect(chip, 5, 5)
        painter.setFont(font)
        painter.setPen(CHIP_TEXT)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, text)

    def _mapped(self, moment: Moment, in_picture: bool) -> FaceResult | None:
        """The face with the network's map where that is to be shown, and is known."""
        return moment.mapped(in_picture) if self._by_network else None

    def _paint_scale(self, painter: QPainter, rect: QRectF, moment: Moment, mapped: FaceResult | None) -> None:
        """Say what the colours stand for."""
        explanation = None if mapped is None else mapped.explanation
        if explanation is not None:
            age_s = moment.timestamp_s - explanation.timestamp_s
            old = f", {1000 * age_s:.0f} ms ago" if age_s > STALE_S else ""
            full = names.compact(NETWORK.scale(explanation).value)
            self._paint_legend(painter, rect, f"network’s score by LRP{old}; full colour {full} point per pixel")
        elif moment.why is not None:
            self._paint_legend(painter, rect, f"full dot {FULL_DOT:g}, full area {FULL_AREA:g} points of the score")

    def _paint_legend(self, painter: QPainter, rect: QRectF, scale: str) -> None:
        font = theme.font(11, tabular=True)
        metrics = QFontMetricsF(font)
        words = ((FOR, "adds"), (AGAINST, "takes away"))
        widths = [metrics.horizontalAdvance(text) + 2 * SAMPLE_PX + 6 for _, text in words]
        box = QRectF(0, 0, sum(widths) + metrics.horizontalAdvance(scale) + 20 + 12 * len(widths), 24)
        right = max(rect.right(), min(box.width() + 20.0, float(self.width())))
        box.moveBottomRight(QPointF(right - 10, rect.bottom() - 10))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(GROUND)
        painter.drawRoundedRect(box, 6, 6)
        painter.setFont(font)
        x = box.left() + 10
        for (ink, text), width in zip(words, widths, strict=True):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(*ink))
            painter.drawEllipse(QPointF(x + SAMPLE_PX, box.center().y()), SAMPLE_PX, SAMPLE_PX)
            painter.setPen(TEXT)
            inner = QRectF(x + 2 * SAMPLE_PX + 6, box.top(), width, box.height())
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, text)
            x += width + 12
        painter.setPen(QUIET)
        painter.drawText(QRectF(x, box.top(), box.right() - x, box.height()), Qt.AlignmentFlag.AlignVCenter, scale)

    def _face_rect(self, face: FaceResult) -> QRectF:
        if self._result is None:
            return QRectF()
        frame = _fitted(self._result.frame.image, QRectF(self.rect()))
        scale, box = frame.width() / self._result.frame.width, face.observation.box.scaled(BOX_GROWTH)
        whole = QRectF(
            frame.x() + (box.x + 0.5) * scale, frame.y() + (box.y + 0.5) * scale, box.width * scale, box.height * scale
        )
        return whole.intersected(frame.adjusted(2, 2, -2, -2))


def face_text(face: FaceResult) -> str:
    """Name and score of a face, for example "A · PSPI 7.2", or why there is none."""
    name, reading = names.face_name(face.observation.face_id), face.pain
    if reading is None:
        return name
    if reading.score is None:
        return f"{name} · no PSPI: {reading.reason}"
    network = face.pain_by_network
    doubt = "" if network is None or network.agreement.agrees else " · second road disagrees"
    return f"{name} · PSPI {reading.score.pspi:.1f}{doubt}"


def _fitted(image: Image, room: QRectF) -> QRectF:
    """Where a picture lies: as large as fits, in the middle."""
    height, width = image.shape[:2]
    scale = min(room.width() / width, room.height() / height)
    shown = QRectF(0, 0, width * scale, height * scale)
    shown.moveCenter(room.center())
    return shown


def _tints(values: Sequence[float] | Floats) -> Image:
    """A colour per region, uint8 [regions, 4]: blue, green, red, each times alpha, and alpha, as Qt has them."""
    alpha = STRONGEST * np.minimum(np.abs(values) / FULL_AREA, 1)[:, None]
    inks = np.where(np.asarray(values)[:, None] > 0, FOR[::-1], AGAINST[::-1])
    table: Image = np.round(np.hstack([alpha * inks, 255 * alpha])).astype(np.uint8)
    return table
