"""The live page: video, controls over it, the face panel beside it, and time below."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.controls import Controls
from app.gui.face_panel import FacePanel
from app.gui.numbers import Numbers
from app.gui.pages import MARGIN_PX, Page
from app.gui.session import Backend, Session
from app.gui.stage import Stage
from app.gui.strip import History, Strip
from app.gui.transport import Transport
from app.settings import Settings
from core.engine import EngineStatus
from core.scales import Scale, strong
from core.steady import Standing, Steady
from core.types import FaceResult, Result

ABSENT_TICKS: Final = 10  # of the slow clock: a face that is gone for a second is let go
JUDGED_BY: Final = ("pack", "method", "target", "against", "region_mode", "outside_limit")
NO_FACE: Final = "No face in the picture.\n\nFaces that are very small, turned away or covered may be missed."


class LivePage(Page):
    """Puts the parts together and keeps which face is selected. It emits intentions and knows no engine."""

    key = "live"
    title = "Live"

    wanted = Signal(str, object)  # field of the settings, value
    scale_wanted = Signal(float)  # over the reference
    full_screen_wanted = Signal()
    face_selected = Signal(int)  # id; 0 for none
    pain_wanted = Signal()

    def __init__(self, backend: Backend, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._picture = backend.picture
        self._settings = settings
        self._scale: Scale | None = None
        self._result: Result | None = None
        self._selected = 0
        self._numbers_aside = False
        self._absent_ticks = 0
        self._fresh = False
        self._labels: tuple[str, ...] = ()
        self._history = History()
        self._steady = Steady()
        self._standings: Mapping[int, Standing] = {}  # by face id
        self.stage = Stage(backend.picture, settings)
        self.controls = Controls(backend.methods, self.stage)
        self.panel = FacePanel()
        self.numbers = Numbers(backend.methods, self)
        self.transport = Transport()
        self.strip = Strip()
        self._lay_out()
        self._connect()

    @property
    def result(self) -> Result | None:
        """What is shown."""
        return self._result

    @property
    def notice_area(self) -> QWidget:
        """Notices stand over the video."""
        return self.stage

    @property
    def selected_face(self) -> FaceResult | None:
        """The selected face, where it is in the picture."""
        faces = self._result.faces if self._result else ()
        return next((face for face in faces if face.observation.face_id == self._selected), None)

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for part in (self.stage, self.panel, self.transport, self.strip):
            part.show_theme(chosen)
        self._show_slow_parts()

    def show_settings(self, settings: Settings, labels: tuple[str, ...]) -> None:
        """Draw and offer what these settings say."""
        self.stage.show_settings(settings)
        judged_alike = all(getattr(settings, name) == getattr(self._settings, name) for name in JUDGED_BY)
        self._settings = settings
        if not judged_alike:
            self._judge_anew()
        self.controls.show_settings(settings, labels)
        self._show_scale()

    def begin(self, session: Session) -> None:
        """Get ready for a newly opened source."""
        self.clear("Waiting for the first picture…")
        self._take_labels(session.labels)

    def show_status(self, status: EngineStatus) -> None:
        """Show how the engine stands; a row to play and seek in belongs to recordings of more than one picture."""
        self.transport.show_status(status)
        moving = status.frame_count != 1
        self.transport.setVisible(status.position_s is not None and not status.live and moving)
        self.strip.setVisible(moving and not self._settings.pain_only)

    def clear(self, text: str) -> None:
        """Show no picture but a sentence."""
        self._result = None
        self._selected = 0
        self.face_selected.emit(0)
        self._history.clear()
        self._steady.clear()
        self.stage.show_result(None)
        self.stage.show_message(text)
        self.panel.show_empty("")
        self.numbers.hide()
        self.transport.hide()

    def show_result(self, result: Result) -> None:
        """Show one result; numbers and charts follow on the slow clock."""
        first = self._result is None
        self._result = result
        self._standings = self._steady.take(result, self._settings.outside_limit)
        prediction = result.faces[0].prediction if result.faces else None
        if prediction is not None and prediction.labels != self._labels:
            self._take_labels(prediction.labels)  # another pack has taken over
        self._history.add(result.frame.timestamp_s, result.faces)
        if self.selected_face is None and (first or self._selected == 0):
            self._select_largest()
        self.stage.show_result(result, self._standings)
        self.transport.show_position(result.frame.timestamp_s, result.frame.index)
        self._fresh = True
        explained = next((face.explanation for face in result.faces if face.explanation is not None), None)
        if explained is not None and self._picture.scale(explained, self._settings) != self._scale:
            self._show_scale()

    def select(self, face_id: int) -> None:
        """Select a face by its id."""
        self._selected = face_id
        self._absent_ticks = 0
        self.face_selected.emit(face_id)
        self.stage.select(face_id)
        self._choose_side()
        self._show_slow_parts()

    # What the table of commands names

    def select_face(self, place: int) -> None:
        """Select the face at this place, from 1, among those in the picture."""
        ids = self._face_ids()
        if 1 <= place <= len(ids):
            self.select(ids[place - 1])

    def toggle_numbers(self) -> None:
        """Open or close the sheet of numbers, where it can be seen."""
        if not self.isVisible():
            return
        face = self.selected_face
        self.numbers.setVisible(not self.numbers.isVisible() and face is not None)
        if self.numbers.isVisible() and face is not None:
            self._choose_side()
            self.numbers.show_face(face, self._settings.outside_limit)
            self._place_numbers()
            self.numbers.raise_()

    def fit_scale(self) -> None:
        """Set the scale once from the selected face's map."""
        face = self.selected_face
        if face is None or face.explanation is None:
            return
        strongest = strong(face.explanation.relevance[None])
        if strongest > 0:
            self.scale_wanted.emit(strongest / face.explanation.reference)

    # The window's clock, and Qt's own calls

    def slow_tick(self) -> None:
        """Ten times a second: what changes too fast to be read."""
        self.controls.rest()
        if self._result is None:
            return
        if self.selected_face is None:
            self._absent_ticks += 1
            if self._absent_ticks >= ABSENT_TICKS:
                self._select_largest()
        if self._fresh:
            self._fresh = False
            self._show_slow_parts()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: D102, N802 - Qt's name
        if watched is self.stage and event.type() == QEvent.Type.Resize:
            self._place_overlays()
        return super().eventFilter(watched, event)

    def _show_slow_parts(self) -> None:
        if self._result is None:
            return
        face = self.selected_face
        if face is not None:
            self._absent_ticks = 0
            standing = self._standings[face.observation.face_id]
            self.panel.show_face(face, self._face_ids(), standing, self._settings.alarm_above)
            if self.numbers.isVisible():
                self.numbers.show_face(face, self._settings.outside_limit)
                self._place_numbers()
        elif not self._result.faces:
            self.panel.show_empty(NO_FACE)
            self.numbers.hide()
        self.strip.show_history(self._history, self._selected)

    def _judge_anew(self) -> None:
        """Verdicts are made otherwise from now on; a picture that stands is judged once more."""
        self._steady.clear()
        if self._result is not None:
            self._standings = self._steady.take(self._result, self._settings.outside_limit)
            self.stage.show_standings(self._standings)
            self._show_slow_parts()

    def _open_numbers_of(self, face_id: int) -> None:
        """Select a face and open its numbers; close them where they are open already."""
        if self.numbers.isVisible() and face_id != self._selected:
            self.select(face_id)
        else:
            self.select(face_id)
            self.toggle_numbers()

    def _show_scale(self) -> None:
        """Show the scale of what is explained; where nothing is, the last one's, or none."""
        faces = self._result.faces if self._result else ()
        explained = next((face.explanation for face in faces if face.explanation is not None), None)
        if explained is not None:
            self._scale = self._picture.scale(explained, self._settings)
        elif self._scale is not None:
            self._scale = replace(self._scale, factor=self._settings.scale_factor)
        self.controls.show_scale(self._scale, self._picture.lowest(self._settings))
        self._place_overlays()

    def _take_labels(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._history.clear()
        self.strip.set_labels(labels)

    def _face_ids(self) -> list[int]:
        return sorted(face.observation.face_id for face in self._result.faces) if self._result else []

    def _select_largest(self) -> None:
        faces = self._result.faces if self._result else ()
        largest = max(faces, key=lambda face: face.observation.box.area, default=None)
        if largest is not None:
            self.select(largest.observation.face_id)

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self.stage, 1)
        left.addWidget(self.transport)
        top = QHBoxLayout()
        top.setSpacing(0)
        top.addLayout(left, 1)
        top.addWidget(self.panel)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(top, 1)
        whole.addWidget(self.strip)
        self.strip.setFixedHeight(136)
        self.transport.hide()

    def _connect(self) -> None:
        self.stage.installEventFilter(self)
        self.stage.face_clicked.connect(self.select)
        self.stage.mark_clicked.connect(self._open_numbers_of)
        self.stage.pointer_moved.connect(self.controls.wake)
        self.stage.double_clicked.connect(self.full_screen_wanted)
        self.controls.wanted.connect(self.wanted)
        self.controls.scale_wanted.connect(self.scale_wanted)
        self.controls.fit_scale_wanted.connect(self.fit_scale)
        self.panel.face_chosen.connect(self.select)
        self.panel.numbers_wanted.connect(self.toggle_numbers)
        self.panel.pain_wanted.connect(self.pain_wanted)

    def _place_overlays(self) -> None:
        width, height = self.stage.width(), self.stage.height()
        self.controls.fit(width - 2 * MARGIN_PX)
        self.controls.move((width - self.controls.width()) // 2, height - self.controls.height() - MARGIN_PX)
        self.stage.keep_free(self.controls.geometry())
        self._place_numbers()

    def _place_numbers(self) -> None:
        """Beside the panel, or, where that hides more of the selected face, at the other end of the video."""
        if not self.numbers.isVisible():
            return
        height = min(self.numbers.fitted_height(), self.height() - 16)
        corner = self.panel.mapTo(self, QPoint(0, 0))
        y = max(min(corner.y() + 76, self.height() - height - 8), 8)
        beside = QRect(corner.x() - self.numbers.width() - 10, y, self.numbers.width(), height)
        self.numbers.setGeometry(beside.translated(10 - beside.x(), 0) if self._numbers_aside else beside)

    def _choose_side(self) -> None:
        """Once, when the numbers open or another face is chosen: a sheet must not follow every move of a face."""
        face = self.selected_face
        if face is None:
            return
        middle = self.stage.face_rect(face).center().x()
        self._numbers_aside = middle > self.stage.width() - 10 - self.numbers.width() and middle > self.numbers.width()
