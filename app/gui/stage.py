"""The video: the frame with its heatmap, and boxes, letters and outlines drawn sharp on top."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import mark, names, theme
from app.gui.face_dots import paint_dots, paint_dots_legend
from app.gui.face_mesh import paint_mesh
from app.gui.face_scores import FaceScores, Scored
from app.gui.session import Picture
from app.settings import Settings
from core.geometry import Floats, Image
from core.opencv import cv2
from core.scales import Scale
from core.score_panels import panel_of
from core.steady import Standing
from core.types import FaceResult, Result

BOX_GROWTH: Final = 1.16  # the landmarks end at the hairline; the box should hold the face
SMALL_PX: Final = 64  # a face narrower than this on the screen gets its letter only
OLD_S: Final = 0.1  # from here on the map's age stands beside the face; below it would only flicker
LABEL_PX: Final = QSize(150, 32)  # what a label takes above a face, about
RIM_PX: Final = 6.0  # what stays free along the widget's edges
SMOOTH_POINTS: Final = 3  # on either side
CHIP: Final = QColor(13, 16, 20, 225)
CHIP_TEXT: Final = QColor("#f2f4f6")
CHIP_QUIET: Final = QColor("#aab2bb")


class Stage(QWidget):
    """Shows one result at a time, fitted into the widget; a click on a face selects it."""

    face_clicked = Signal(int)  # face id
    mark_clicked = Signal(int)  # face id
    painted = Signal(object)  # Result, after it has been drawn
    pointer_moved = Signal()
    double_clicked = Signal()

    def __init__(self, picture: Picture, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = picture
        self._settings = settings
        self._theme = theme.DARK
        self._result: Result | None = None
        self._image: QImage | None = None  # made when painted, so that a frame that is replaced costs nothing
        self._pixels: Image | None = None  # the buffer under the QImage
        self._polygons: dict[int, list[QPolygonF]] = {}  # by face id
        self._standings: Mapping[int, Standing] = {}  # by face id
        self._marks: dict[int, QRectF] = {}  # by face id, as painted
        self._scores = FaceScores()
        self._kept_free = QRect()
        self._taken: list[QRectF] = []  # where labels, marks and the legend are, as painted
        self._selected = 0
        self._message = ""
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 200)
        self.setAccessibleName("Video")

    def sizeHint(self) -> QSize:  # noqa: D102, N802 - Qt's name
        return QSize(960, 540)

    def show_result(self, result: Result | None, standings: Mapping[int, Standing] | None = None) -> None:
        """Show a result, or nothing; `standings`, by face id, are the verdicts that marks show."""
        self._result, self._image, self._standings = result, None, standings or {}
        self._polygons.clear()
        if result is None:
            self._scores.forget()
        self.update()

    def show_standings(self, standings: Mapping[int, Standing]) -> None:
        """Mark the faces of this result otherwise."""
        self._standings = standings
        self.update()

    def keep_free(self, rect: QRect) -> None:
        """Let scores lie elsewhere if they can: here, widget px, something comes and goes over the video."""
        if rect != self._kept_free:
            self._kept_free = rect
            self.update()

    def score_rects(self) -> dict[int, QRectF]:
        """Where the faces' scores were painted, widget px, by face id."""
        return dict(self._scores.places) if self._settings.scores else {}

    def mark_rect(self, face_id: int) -> QRectF | None:
        """Where a face's mark was painted, widget px; None where it has none."""
        return self._marks.get(face_id)

    def show_settings(self, settings: Settings) -> None:
        """Draw as these settings say."""
        self._settings, self._image = settings, None
        self._polygons.clear()
        self.update()

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        self.update()

    def show_message(self, text: str) -> None:
        """A quiet sentence in the middle while there is no picture."""
        self._message = text
        self.update()

    def select(self, face_id: int) -> None:
        """Mark a face."""
        self._selected = face_id
        self.update()

    def picture_rect(self) -> QRectF:
        """Where the frame lies in the widget: as large as fits, in the middle."""
        if self._result is None:
            return QRectF(self.rect())
        width, height = self._result.frame.width, self._result.frame.height
        scale = min(self.width() / width, self.height() / height)
        return QRectF(
            (self.width() - width * scale) / 2, (self.height() - height * scale) / 2, width * scale, height * scale
        )

    def face_rect(self, face: FaceResult) -> QRectF:
        """A face's box in widget px, as far as it lies in the picture."""
        box, frame = face.observation.box.scaled(BOX_GROWTH), self.picture_rect()
        scale = self._scale()
        whole = QRectF(
            frame.x() + (box.x + 0.5) * scale, frame.y() + (box.y + 0.5) * scale, box.width * scale, box.height * scale
        )
        return whole.intersected(frame.adjusted(2, 2, -2, -2))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: D102, N802 - Qt's name
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("stage"))
        if self._result is None:
            self._paint_message(painter)
            painter.end()
            return
        self._paint_frame(painter, self._result)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        faces = sorted(self._result.faces, key=lambda face: face.observation.face_id == self._selected)
        if self._settings.regions:
            for face in faces:
                self._paint_outlines(painter, face)
        ratio = self.devicePixelRatioF()
        if self._settings.landmarks:
            for face in faces:
                paint_mesh(painter, self._points(face), self._colour(face), self.size(), ratio)
        for face in faces if self._settings.points else ():
            if face.points is not None:
                paint_dots(painter, self._points(face), face.points)
        self._marks, self._taken = {}, []
        for face in faces:
            self._paint_face(painter, face, self._result)
        shown = next((face.explanation for face in faces if face.explanation is not None), None)
        corner = self.picture_rect().topRight() + QPointF(-10.0, 10.0)
        if shown is not None and self._settings.opacity > 0:
            legend = self._paint_legend(painter, corner, self._picture.scale(shown, self._settings))
            corner = legend.bottomRight() + QPointF(0.0, 6.0)
        pointed = next((face.points for face in reversed(faces) if face.points is not None), None)
        if pointed is not None and self._settings.points:
            self._taken.append(paint_dots_legend(painter, corner, pointed))
        if self._settings.scores:
            self._paint_scores(painter, faces)
        painter.end()
        self.painted.emit(self._result)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        face, marked = self._face_at(event.position()), self._mark_at(event.position())
        if marked is not None and event.button() == Qt.MouseButton.LeftButton:
            self.mark_clicked.emit(marked)
        elif face is not None and event.button() == Qt.MouseButton.LeftButton:
            self.face_clicked.emit(face.observation.face_id)
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        marked = self._mark_at(event.position())
        over = marked is not None or self._face_at(event.position()) is not None
        self.setToolTip("" if marked is None else f"{self._standings[marked].verdict.sentence}: show the numbers (N)")
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
        self.pointer_moved.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: D102, N802 - Qt's name
        if self._face_at(event.position()) is None:
            self.double_clicked.emit()

    def _scale(self) -> float:
        return self.picture_rect().width() / self._result.frame.width if self._result else 1.0

    def _face_at(self, point: QPointF) -> FaceResult | None:
        faces = self._result.faces if self._result else ()
        hit = [face for face in faces if self.face_rect(face).contains(point)]
        return min(hit, key=lambda face: face.observation.box.area, default=None)

    def _mark_at(self, point: QPointF) -> int | None:
        return next((face_id for face_id, rect in self._marks.items() if rect.contains(point)), None)

    def _paint_message(self, painter: QPainter) -> None:
        painter.setFont(theme.font(15))
        painter.setPen(self._theme.colour("muted"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._message)

    def _paint_frame(self, painter: QPainter, result: Result) -> None:
        rect, ratio = self.picture_rect(), self.devicePixelRatioF()
        size = max(round(rect.width() * ratio), 1), max(round(rect.height() * ratio), 1)
        if self._image is None or self._image.size().toTuple() != size:
            heated = self._picture.heat(result, self._settings)
            # Half the time of Qt's own smooth scaling, and none at all when only what is on top changes.
            scaled = cv2.resize(heated, size, interpolation=cv2.INTER_LINEAR)
            self._pixels = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2BGRA), np.uint8)
            self._image = QImage(self._pixels.data, *size, 4 * size[0], QImage.Format.Format_RGB32)
        painter.drawImage(rect, self._image)

    def _paint_outlines(self, painter: QPainter, face: FaceResult) -> None:
        painter.save()
        painter.translate(self.picture_rect().topLeft())
        painter.scale(self._scale(), self._scale())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 60), 2.4), (QColor(255, 255, 255, 170), 1.0)):
            pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
            pen.setCosmetic(True)
            painter.setPen(pen)
            for polygon in self._polygons_of(face):
                painter.drawPolygon(polygon)
        painter.restore()

    def _polygons_of(self, face: FaceResult) -> list[QPolygonF]:
        """A face's region outlines, frame px with pixel corners at whole numbers; worked out once per result."""
        face_id = face.observation.face_id
        if face_id not in self._polygons:
            outlines = self._picture.outlines(face, self._settings)
            self._polygons[face_id] = [
                QPolygonF([QPointF(x, y) for x, y in (_smooth(outline) + 0.5).tolist()]) for outline in outlines
            ]
        return self._polygons[face_id]

    def _points(self, face: FaceResult) -> Floats:
        """A face's landmarks, float32 [478, 2], widget px."""
        corner = self.picture_rect().topLeft().toTuple()
        points = (face.observation.landmarks[:, :2] + 0.5) * self._scale() + np.array(corner)
        return np.asarray(points, np.float32)

    def _colour(self, face: FaceResult) -> QColor:
        """Of what is drawn about a face; quieter where it is not selected."""
        colour = self._theme.of_face(face.observation.face_id)
        if face.observation.face_id != self._selected:
            colour.setAlpha(190)
        return colour

    def _paint_scores(self, painter: QPainter, faces: Sequence[FaceResult]) -> None:
        """Panels beside all faces; the selected one, which comes last, has the first choice."""
        scored = [
            Scored(face_id or -number, names.face_name(face_id), rect, self._colour(face), panel_of(face))
            for number, face in enumerate(reversed(faces), start=1)
            if not (rect := self.face_rect(face)).isEmpty()
            for face_id in (face.observation.face_id,)
        ]
        room = QRectF(self.rect()).adjusted(RIM_PX, RIM_PX, -RIM_PX, -RIM_PX)
        self._scores.paint(painter, scored, room, self._taken, QRectF(self._kept_free))

    def _paint_face(self, painter: QPainter, face: FaceResult, result: Result) -> None:
        rect = self.face_rect(face)
        selected = face.observation.face_id == self._selected
        colour = self._colour(face)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 90), 4.0 if selected else 3.0))
        painter.drawRoundedRect(rect, 6, 6)
        painter.setPen(QPen(colour, 2.2 if selected else 1.3))
        painter.drawRoundedRect(rect, 6, 6)
        self._paint_label(painter, face, result, rect, colour)

    def _paint_label(self, painter: QPainter, face: FaceResult, result: Result, rect: QRectF, colour: QColor) -> None:
        selected = face.observation.face_id == self._selected
        small = rect.width() < SMALL_PX and not selected
        title = names.face_name(face.observation.face_id) if small else names.face_headline(face)
        quiet = "" if small else self._quiet_text(face, result)
        bold = theme.font(13 if selected else 12, QFont.Weight.DemiBold, tabular=True)
        plain = theme.font(11, tabular=True)
        gap = 9 if quiet else 0
        width = QFontMetricsF(bold).horizontalAdvance(title)
        total = width + gap + (QFontMetricsF(plain).horizontalAdvance(quiet) if quiet else 0) + (12 if small else 20)
        chip = self._chip_rect(rect, total, 24 if selected else 21)
        self._taken.append(chip)
        painter.setPen(QPen(colour, 1.2))
        painter.setBrush(CHIP)
        painter.drawRoundedRect(chip, 5, 5)
        text = chip.adjusted(6 if small else 10, 0, 0, 0)
        painter.setFont(bold)
        painter.setPen(CHIP_TEXT)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, title)
        painter.setFont(plain)
        painter.setPen(CHIP_QUIET)
        painter.drawText(text.adjusted(width + gap, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, quiet)
        standing = self._standings.get(face.observation.face_id)
        if standing is not None and standing.verdict.unsupported:
            place = mark.mark_rect(standing.verdict, chip, rect, self.width() - 4.0, words=selected)
            if selected and any(place.intersects(other) for other in self._others(face)):
                place = mark.mark_rect(standing.verdict, chip, rect, self.width() - 4.0, words=False)
            mark.paint_mark(painter, standing.verdict, place, self.devicePixelRatioF())
            self._marks[face.observation.face_id] = place
            self._taken.append(place)

    def _others(self, face: FaceResult) -> list[QRectF]:
        """Where the other faces and their labels are, about."""
        faces = self._result.faces if self._result else ()
        return [
            box.adjusted(0, -LABEL_PX.height(), max(LABEL_PX.width() - box.width(), 0), 0)
            for box in (self.face_rect(other) for other in faces if other is not face)
        ]

    def _quiet_text(self, face: FaceResult, result: Result) -> str:
        """The pain score where a class stands before it, and the map's age."""
        parts = []
        if face.pain is not None and face.prediction is not None:
            score = face.pain.score
            parts.append(f"no PSPI: {face.pain.reason}" if score is None else f"PSPI {score.pspi:.1f}")
        age = result.explanation_age_s(face)
        if age is not None and age >= OLD_S:
            parts.append(f"map {1000 * age:.0f} ms old")
        return " · ".join(parts)

    def _chip_rect(self, face: QRectF, width: float, height: float) -> QRectF:
        """Above the face, inside it at the picture's upper edge, and never beyond the widget."""
        y = face.top() - height - 6
        if y < 4:
            y = max(face.top(), 0) + 6
        x = min(max(face.left(), 4.0), max(self.width() - width - 4.0, 4.0))
        return QRectF(x, min(y, self.height() - height - 4.0), width, height)

    def _paint_legend(self, painter: QPainter, corner: QPointF, scale: Scale) -> QRectF:
        """The heat scale beside the map, whether or not the controls are to be seen; its top right corner here."""
        ends = (names.compact(scale.value * self._picture.lowest(self._settings)), names.compact(scale.value))
        small = theme.font(11, tabular=True)
        metrics = QFontMetricsF(small)
        left, right = (metrics.horizontalAdvance(end) for end in ends)
        unit = metrics.horizontalAdvance(scale.unit_shown)
        bar = 84.0
        box = QRectF(0, 0, left + bar + right + unit + 44, 24)
        box.moveTopRight(corner)
        self._taken.append(box)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(13, 16, 20, 190))
        painter.drawRoundedRect(box, 6, 6)
        ramp = QRectF(box.left() + 10 + left + 8, box.center().y() - 3.5, bar, 7)
        painter.setBrush(_ramp(self._picture.gradient(self._settings), ramp))
        painter.drawRoundedRect(ramp, 3.5, 3.5)
        painter.setFont(small)
        painter.setPen(CHIP_TEXT)
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box.adjusted(10, 0, 0, 0), centre, ends[0])
        painter.drawText(box.adjusted(ramp.right() + 8 - box.left(), 0, 0, 0), centre, ends[1])
        painter.setPen(CHIP_QUIET)
        painter.drawText(box.adjusted(ramp.right() + 16 + right - box.left(), 0, 0, 0), centre, scale.unit_shown)
        return box


def _smooth(outline: Floats) -> Floats:
    """A closed outline, float32 [points, 2], without the steps of the pixels that it was traced on."""
    reach = min(SMOOTH_POINTS, len(outline) // 8)
    shifted = [np.roll(outline, shift, axis=0) for shift in range(-reach, reach + 1)]
    return np.asarray(np.mean(shifted, axis=0)[:: max(reach, 1)], np.float32)


def _ramp(colours: Image, rect: QRectF) -> QLinearGradient:
    gradient = QLinearGradient(rect.topLeft(), rect.topRight())
    for place in np.linspace(0, 1, 17):
        red, green, blue = (int(value) for value in colours[round(place * (len(colours) - 1))])
        gradient.setColorAt(float(place), QColor(red, green, blue))
    return gradient
