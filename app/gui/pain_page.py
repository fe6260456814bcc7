"""The page of pain: one face's score and its reasons, what it is held against, the last minute, episodes, alarms."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui import dialogs, names, theme
from app.gui.alarm_bar import AlarmBar
from app.gui.choice import Choice
from app.gui.choices import SMOOTHINGS_S
from app.gui.episode_list import EpisodeList
from app.gui.neutral import Neutral
from app.gui.neutral_bar import NORM, NeutralBar, own_text
from app.gui.notice import Message
from app.gui.pages import Page
from app.gui.pain_moment import Moment
from app.gui.pain_panel import PainPanel
from app.gui.pain_strip import PainChart
from app.gui.pain_view import PainView
from app.gui.pain_watch import Line, PainWatch
from app.gui.session import Session
from app.gui.transport import Transport
from app.settings import Settings
from core.engine import EngineStatus
from core.errors import AlarmError
from core.types import FaceResult, Result

FOOT_PX: Final = 186
WIDE_PX: Final = 1240  # from here on there is room for everything
LEGEND: Final = "PSPI, last 60 s · band: interval · hatched: not measurable"
NEUTRAL_FILES: Final = "Neutral face (*.npz)"
OFF: Final = (
    "Pain is not being estimated.\n\nPress Shift+P, or the button below. Mienscope then measures action units and the "
    "PSPI score of every face: an estimate about a face, not about what its owner feels. Not a medical device.\n\n"
    "Ctrl+P measures pain only: no expression is computed, shown or saved."
)
NO_FACE: Final = "No face in the picture.\n\nTime without a face counts as not measurable."


class PainPage(Page):
    """Watches all faces as long as a source is open, and shows one of them. It emits intentions.

    `alarm_bar` belongs above every page.
    """

    key = "pain"
    title = "Pain"

    wanted = Signal(str, object)  # field of the settings, value
    face_chosen = Signal(int)
    painted = Signal(object)  # Result
    told = Signal(object)  # Message
    save_wanted = Signal()
    shown_wanted = Signal()  # this page is to be turned to
    seek_wanted = Signal(float)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._settings = settings
        self._result: Result | None = None
        self._status: EngineStatus | None = None
        self._selected = 0
        self._frozen: Moment | None = None
        self._fresh = False
        self.watch = PainWatch(settings.episode_rule, self)
        self.neutral = Neutral(self)
        self.view = PainView()
        self.panel = PainPanel()
        self.bar = NeutralBar(self.neutral)
        self.transport = Transport()
        self.chart = PainChart()
        self.episodes = EpisodeList()
        self.alarm_bar = AlarmBar()
        self.smoothing = Choice("Action units follow within", 96)
        self.switch = QPushButton("Estimate pain")
        self._lay_out()
        self._connect()

    @property
    def notice_area(self) -> QWidget:
        """Notices stand over the picture."""
        return self.view

    @property
    def frozen(self) -> Moment | None:
        """The moment of before that is shown; None where it is now."""
        return self._frozen

    def take_actions(self, actions: dict[str, QAction]) -> None:
        """Do what these do, by the names of their commands."""
        self.bar.set_actions(*(actions[name] for name in ("set_neutral", "toggle_neutral_interval", "undo_neutral")))
        self.episodes.set_actions(actions["toggle_alarm_sound"], actions["save_pain"])
        self.alarm_bar.set_actions(actions["show_alarm"], actions["acknowledge_alarm"])
        self.switch.clicked.connect(actions["toggle_pain"].trigger)
        self.switch.setToolTip(actions["toggle_pain"].toolTip())

    # What every page is told

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for part in (self.view, self.panel, self.chart, self.episodes, self.transport, self.alarm_bar):
            part.show_theme(chosen)

    def show_settings(self, settings: Settings, labels: tuple[str, ...]) -> None:
        """Smooth and watch as these settings say."""
        self._settings = settings
        self.watch.follow(settings.episode_rule)
        if not settings.pain:
            self.watch.stop()
            self.show_now()
        self.episodes.show_settings(settings)
        self.alarm_bar.let_sound(settings.alarm_sound)
        steps = sorted({*SMOOTHINGS_S, settings.pain_smoothing_s})
        self.smoothing.set_entries([(f"{step:g}", f"{step:g} s" if step else "none") for step in steps])
        self.smoothing.show_key(f"{settings.pain_smoothing_s:g}")
        self._refresh()

    def begin(self, session: Session) -> None:
        """Another source: other faces."""
        self.neutral.begin(session)

    def clear(self, text: str) -> None:
        """There is no source: what was seen is let go."""
        self._result, self._status, self._selected = None, None, 0
        self.watch.clear()
        self.neutral.clear()
        self.show_now()
        self.view.show_result(None, None)
        self.view.show_message(text)
        self.transport.hide()
        self._refresh()

    def show_result(self, result: Result) -> None:
        """Take one frame."""
        self._result, self._fresh = result, True
        self.watch.take(result)
        self.neutral.show_result(result, self._selected)
        if self.isVisible():
            self.view.show_result(result, self._moment())
            self.transport.show_position(result.frame.timestamp_s, result.frame.index)

    def show_status(self, status: EngineStatus) -> None:
        """Offer to play and seek where that leads anywhere."""
        self._status = status
        self.transport.show_status(status)
        moving = status.frame_count != 1
        self.transport.setVisible(status.position_s is not None and not status.live and moving)
        self._foot.setVisible(moving)

    def select(self, face_id: int) -> None:
        """Show this face."""
        self._selected = face_id
        self._fresh = True
        self.neutral.select(face_id)
        if self.isVisible():
            self.view.show_result(self._result, self._moment())

    def slow_tick(self) -> None:
        """Numbers and charts, no faster than anybody reads."""
        self.alarm_bar.slow_tick()
        if self._fresh and self.isVisible():
            self._fresh = False
            self._refresh()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        narrow = self.width() < WIDE_PX
        for part in (self.bar, self.episodes):
            part.set_narrow(narrow)
        self._caption.setVisible(not narrow)
        self._legend.setText("PSPI, last 60 s" if narrow else LEGEND)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().showEvent(event)
        self.view.setFocus()
        self.view.show_result(self._result, self._moment())
        self._refresh()

    # What the table of commands names

    def set_neutral(self) -> None:
        """The selected face is neutral now."""
        if self._is_asked():
            self.neutral.set_now()

    def toggle_neutral_interval(self) -> None:
        """The selected face is neutral from here on, or was until here."""
        if self._is_asked():
            self.neutral.toggle_interval()

    def undo_neutral(self) -> None:
        """Take the last act about neutral faces back."""
        self.neutral.undo()

    def save_neutral(self) -> None:
        """Keep the selected face's neutral face in a file."""
        dialogs.ask_where_to_save(
            self, "Save the neutral face", NEUTRAL_FILES, lambda path: self.neutral.save(Path(path))
        )

    def load_neutral(self) -> None:
        """Hold the selected face against one from a file."""
        dialogs.ask_for_kept(self, "Load a neutral face", NEUTRAL_FILES, lambda path: self.neutral.load(Path(path)))

    def show_alarm(self) -> None:
        """Show why: the alarm that stands, or the newest one."""
        alarms = [alarm for course in self.watch.courses() for alarm in course.alarms.raised]
        standing = self.watch.standing
        if standing or alarms:
            self.shown_wanted.emit()
            self.show_frozen((standing[0].alarm if standing else alarms[-1]).explanation)
        else:
            self.told.emit(Message("alarm", "info", "No alarm has been raised.", passing=True))

    def acknowledge_alarm(self) -> None:
        """Say with a name that the alarm has been seen."""
        self.alarm_bar.acknowledge()

    def save_pain(self) -> None:
        """Save episodes and alarms."""
        if self.watch.courses():
            self.save_wanted.emit()

    # A moment of before, and now

    def show_frozen(self, frozen: Moment) -> None:
        """Show a moment of before in place of now."""
        self._frozen = frozen
        self.view.show_frozen(frozen)
        self._refresh()

    def show_now(self) -> bool:
        """Back to now; False where it is now already."""
        was_frozen, self._frozen = self._frozen is not None, None
        self.view.show_frozen(None)
        if was_frozen:
            self._refresh()
        return was_frozen

    def dismiss(self) -> bool:
        """Let go what is on top of the page; False where there is nothing."""
        return self.show_now() or self.neutral.cancel()

    def _is_asked(self) -> bool:
        """Whether pain is estimated and now is shown; else say what to do."""
        text = ""
        if not self._settings.pain:
            text = "Pain is not being estimated. Press Shift+P to begin."
        elif self._frozen is not None:
            text = "A moment of before is shown. Press Esc to go back to now."
        if text:
            self.told.emit(Message("neutral", "info", text, passing=True))
        return not text

    def _moment(self) -> Moment | None:
        """The selected face now."""
        return self.watch.moment(self._selected)

    def _face(self) -> FaceResult | None:
        faces = self._result.faces if self._result is not None else ()
        return next((face for face in faces if face.observation.face_id == self._selected), None)

    def _refresh(self) -> None:
        self._show_panel()
        self.bar.show_face(self._selected if self._face() is not None else 0)
        self._show_chart()
        course = self.watch.of(self._selected)
        whose = "All" if course is None else f"Face {names.face_name(course.face_id)}"
        self.episodes.show_account(whose, self.watch.account(course))
        if self.watch.is_any_open:
            self._show_alarms()
        self.switch.setVisible(not self._settings.pain)
        self.bar.setVisible(self._settings.pain and self._frozen is None)

    def _show_panel(self) -> None:
        shown = self._frozen or self._moment()
        faces = self._result.faces if self._result is not None else ()
        above = self.watch.rule.above
        if shown is None:
            text = OFF if not self._settings.pain else NO_FACE if self._result is not None and not faces else ""
            self.panel.show_empty(text)
        elif self._frozen is not None:
            own = "its own neutral face" if shown.reading.neutral is not None else NORM
            what = f"Frozen at {names.clock(shown.timestamp_s, 1)}, when the alarm was raised"
            self.panel.show_moment(shown, f"Held against {own}", above, (), what)
        else:
            own_face = self.neutral.of(shown.face_id)
            against = NORM if own_face is None else own_text(own_face)
            face_ids = sorted(face.observation.face_id for face in faces)
            self.panel.show_moment(shown, f"Held against {against}", above, face_ids)

    def _show_chart(self) -> None:
        if not self.isVisible():
            return
        history, face_id = self.watch.history, self._selected
        courses = [course for course in self.watch.courses() if course.face_id == face_id]
        episodes, alarms = [], []
        for course in courses:
            ahead_s = course.ahead_s - history.now_s
            for line in course.lines():
                episodes.append((line.episode.onset_s + ahead_s, line.episode.end_s + ahead_s))
            for alarm in course.alarms.raised:
                alarms.append((alarm.raised_s + ahead_s, alarm.acknowledgement is not None))
        self.chart.show_track(history.of(face_id), history.now_s, episodes, alarms, self.watch.rule.above)

    def _open_line(self, line: Line) -> None:
        """The newest alarm's frozen explanation; of an episode without one, its onset in a recording."""
        if line.alarms:
            self.show_frozen(line.alarms[-1].explanation)
        elif self._status is not None and self._status.seekable:
            self.show_now()
            self.seek_wanted.emit(line.episode.onset_s)

    def _show_alarms(self) -> None:
        self.episodes.show_lines(self.watch.lines())
        self.alarm_bar.show_standing(self.watch.standing)

    def _acknowledge(self, name: str) -> None:
        try:
            self.watch.acknowledge(name)
        except AlarmError as error:
            self.told.emit(Message("alarm", "warn", str(error)))
            return
        text = f"Acknowledged by {name}; silent for {self._settings.alarm_silence_s:g} s."
        self.told.emit(Message("alarm", "info", text, passing=True))

    # Putting it together

    def _lay_out(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self.view, 1)
        left.addWidget(self.bar)
        left.addWidget(self.transport)
        self._foot = QWidget()
        self._foot.setFixedHeight(FOOT_PX)
        foot = QHBoxLayout(self._foot)
        foot.setContentsMargins(0, 0, 0, 0)
        foot.setSpacing(0)
        foot.addWidget(self._strip(), 1)
        foot.addWidget(self.episodes)
        left.addWidget(self._foot)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(left, 1)
        whole.addWidget(self._side())
        self.transport.hide()

    def _side(self) -> QWidget:
        self.switch.setProperty("kind", "primary")
        self.switch.setAutoDefault(True)
        self.panel.add_beneath(self.switch)
        return self.panel

    def _strip(self) -> QWidget:
        frame = QFrame()
        frame.setObjectName("stripFrame")
        self._legend = QLabel(LEGEND)
        self._caption = QLabel("units follow within")
        for label in (self._legend, self._caption):
            label.setProperty("role", "quiet")
        self.smoothing.setToolTip("Time constant that action units follow with (H)")
        self.smoothing.setStyleSheet("padding-top: 1px; padding-bottom: 1px; font-size: 11px; min-height: 16px;")
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 16, 0)
        head.addWidget(self._legend, 1)
        head.addWidget(self._caption)
        head.addSpacing(4)
        head.addWidget(self.smoothing)
        column = QVBoxLayout(frame)
        column.setContentsMargins(0, 7, 0, 4)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.chart, 1)
        return frame

    def _connect(self) -> None:
        self.view.face_clicked.connect(self.face_chosen)
        self.view.painted.connect(self.painted)
        self.panel.face_chosen.connect(self.face_chosen)
        self.panel.back_wanted.connect(self.show_now)
        self.panel.map_wanted.connect(self.view.show_network)
        self.watch.changed.connect(self._show_alarms)
        self.alarm_bar.acknowledged.connect(self._acknowledge)
        self.neutral.changed.connect(self._refresh)
        self.neutral.told.connect(self.told)
        self.bar.save_wanted.connect(self.save_neutral)
        self.bar.load_wanted.connect(self.load_neutral)
        self.episodes.opened.connect(self._open_line)
        self.episodes.wanted.connect(self.wanted)
        self.smoothing.chosen.connect(lambda key: self.wanted.emit("pain_smoothing_s", float(key)))
