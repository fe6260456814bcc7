"""The window: joins page, clock, engine and settings, and does what the table of commands names."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QVBoxLayout, QWidget

from app.gui import dialogs, names, opener, theme, troubles
from app.gui.actions import abilities, enable, make_actions, make_menu
from app.gui.bridge import Bridge
from app.gui.choices import SWITCHES, Choices
from app.gui.crashes import Crashes
from app.gui.exchange import ANALYSIS, PREPARING, Exchange
from app.gui.focus_keys import FocusKeys
from app.gui.help import Help
from app.gui.jobs import Jobs
from app.gui.layer_look import LayerLook
from app.gui.layers_page import LayersPage
from app.gui.live_page import LivePage
from app.gui.neurons_page import NeuronsPage
from app.gui.notice import Level, Message, Way
from app.gui.opener import Opener
from app.gui.pack_menu import PackMenu
from app.gui.pages import Pages
from app.gui.pain_page import PainPage
from app.gui.player import Player
from app.gui.saver import Saver
from app.gui.session import Backend, Session
from app.gui.snapshot import Origin
from app.gui.source_menu import SourceMenu
from app.gui.status import Measured, StatusLine
from app.gui.top_bar import TopBar
from app.gui.verify_page import VerifyPage
from app.settings import OFF, Settings
from core.engine import EngineStatus
from core.packs import DEFAULT_LANDMARK_PACK, DEFAULT_PACK
from core.sources import DEMO
from core.types import Result

# What is told when a switch is turned off or on of which little is to be seen on every page.
SAID: Final = {
    "pain": ("Pain is no longer estimated.", "Pain is estimated: page Pain (Q) has the reasons."),
    "pain_only": ("Expressions are read again.", "Pain only: no expression is computed, shown or saved."),
    "alarm_sound": ("Alarms are silent.", "The bell sounds with an alarm, as far as this desktop lets it."),
}


@dataclass(frozen=True)
class Places:
    """Where the window reads and writes."""

    settings: Path
    snapshots: Path


class Window(QMainWindow):
    """The application's main window."""

    def __init__(self, backend: Backend, settings: Settings, places: Places, crashes: Crashes | None = None) -> None:
        super().__init__()
        self._backend = backend
        self.choices = Choices(settings, places.settings, tuple(backend.methods), backend.picture.colour_maps, self)
        self._crashes = crashes
        self._session: Session | None = None
        self._spec = ""
        self._details = ""
        self._jobs = Jobs("errands")
        self.saver = Saver(places.snapshots, self)
        self._opener = Opener(backend.open, self)
        self.player = Player(self)
        self.exchange = Exchange(self.choices, backend.methods, self)
        self.bridge = Bridge(self)
        self.look = LayerLook(settings, self)
        self.page, self.layers = LivePage(backend, settings), LayersPage(settings, self.look)
        self.neurons = NeuronsPage(settings, self.look)
        self.verify = VerifyPage(backend.methods, settings)
        self.pain = PainPage(settings)
        pages = (self.page, self.verify, self.layers, self.neurons, self.pain)
        self.actions_by_name = make_actions(self, self.choices, self.player, self.look, *pages)
        self.addActions(list(self.actions_by_name.values()))
        self._build()
        self._connect()
        self._focus_keys = FocusKeys(self)
        self._dress()
        self._show_settings()
        self._enable_actions()
        self.page.controls.show_gradients(
            {name: backend.picture.gradient(settings.changed(colour_map=name)) for name in backend.picture.colour_maps}
        )
        if settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode()))

    @property
    def settings(self) -> Settings:
        """The choices as they are now."""
        return self.choices.settings

    def start(self, source: str | None = None, notes: Sequence[Message] = ()) -> None:
        """Begin to tick and open a source; None takes the one of last time, a camera, or the demo clip."""
        for note in notes:
            self.notices.tell(note)
        self.page.stage.setFocus()
        self.bridge.start()
        if source is not None:
            self.open_source(source, remember=False)
            return
        self._clear("Looking for a camera…")
        self._list_cameras(self._open_first)

    def open_source(self, spec: str, remember: bool = True) -> None:
        """Open a camera, a file, a stream or the demo clip."""
        self._spec, self._session = spec, None
        self.player.watch(None)
        self.exchange.forget()
        self.bridge.watch(None)
        self.notices.drop("trouble")
        name = names.short_source(spec)
        self._clear(f"Opening {name}…")
        self.top_bar.source.show_name(name)
        self.top_bar.show_status(None)
        self.status_line.show_nothing("starting…")
        self._enable_actions()
        self._opener.open(spec, self.settings)
        if remember:
            self.choices.set("source", spec)

    # What the table of commands names

    def choose_source(self) -> None:
        """Open the list of sources under its button."""
        button = self.top_bar.source
        self.source_menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def choose_pack(self) -> None:
        """Open the list of packs under its button."""
        button = self.top_bar.pack
        self.pack_menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    def choose_method(self) -> None:
        """Open the sheet of all methods."""
        self.page.controls.wake()
        self.page.controls.more.open_list()

    def open_file(self) -> None:
        """Ask for a file."""
        dialogs.ask_for_file(self, self.open_source)

    def open_url(self) -> None:
        """Ask for the address of a stream."""
        dialogs.ask_for_address(self, self.open_source)

    def open_demo(self) -> None:
        """Open the demo clip."""
        self.open_source(DEMO)

    def snapshot(self) -> None:
        """Save what is on the screen, picture and numbers."""
        if self.page.result is not None and self._session is not None:
            self.saver.save_snapshot(self.page.result, self._backend.picture, self.settings, self._origin())

    def show_page(self, key: str) -> None:
        """Turn to a page."""
        self.pages.turn_to(key)

    def toggle_full_screen(self) -> None:
        """Fill the screen, or no more."""
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()
        self._enable_actions()

    def dismiss(self) -> None:
        """Close what is on top: help, numbers, a notice, a page over the live one; then leave full screen."""
        for sheet in (self.help, self.page.numbers):
            if sheet.isVisible():
                sheet.hide()
                return
        if self.pages.shown is self.pain and self.pain.dismiss():
            return
        if not self.notices.drop_newest() and not self.pages.turn_back() and self.isFullScreen():
            self.toggle_full_screen()

    def toggle_help(self) -> None:
        """Show or hide every key."""
        self.help.fit(self._central.rect())
        self.help.setVisible(not self.help.isVisible())
        self.help.raise_()
        if self.help.isVisible():
            self.help.take_keys()

    # Qt's own calls

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: D102, N802 - Qt's name
        self.bridge.stop()
        self.bridge.watch(None)
        self.choices.set("geometry", bytes(self.saveGeometry().toBase64().data()).decode())
        self.choices.save()
        self.neurons.finish()
        self.look.finish()
        self.exchange.close()
        self._opener.close()
        self._jobs.close()
        self.saver.close()
        self._backend.close()
        super().closeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        if self.help.isVisible():
            self.help.fit(self._central.rect())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: D102, N802 - Qt's name
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: D102, N802 - Qt's name
        local = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if local:
            self.open_source(local[0])

    # Putting it together

    def _build(self) -> None:
        self.setWindowTitle("Mienscope")
        self.setMinimumSize(1000, 600)
        room = self.screen().availableSize()
        self.resize(min(1440, room.width()), min(900, room.height()))
        self.setAcceptDrops(True)
        actions = self.actions_by_name
        self.source_menu = SourceMenu([actions[name] for name in ("open_file", "open_url", "open_demo")], self)
        self.pack_menu = PackMenu(self)
        self.top_bar = TopBar(actions["snapshot"], actions["toggle_pause"], make_menu(self, actions))
        foot = (("theme", "Colours", actions["next_theme"]), ("keys", "Keys", actions["toggle_help"]))
        self.pages = Pages([self.page, self.verify, self.layers, self.neurons, self.pain], actions, foot)
        self.pain.take_actions(actions)
        self.notices = self.pages.notices
        self.status_line = StatusLine()
        self._central = QWidget()
        whole = QVBoxLayout(self._central)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.top_bar)
        whole.addWidget(self.pain.alarm_bar)
        whole.addWidget(self.pages, 1)
        whole.addWidget(self.status_line)
        self.setCentralWidget(self._central)
        self.help = Help(self._central)
        self.status_line.show_nothing("")

    def _connect(self) -> None:
        bridge, page = self.bridge, self.page
        self.choices.changed.connect(self._follow_choice)
        self.choices.not_saved.connect(lambda text: self._tell("settings", "warn", text))
        bridge.arrived.connect(self._take_result)
        bridge.read.connect(self._take_status)
        bridge.state_changed.connect(self._take_state)
        bridge.ticked.connect(self._opener.collect)
        bridge.ticked.connect(self.exchange.collect)
        bridge.slow_ticked.connect(self._slow_tick)
        page.stage.painted.connect(bridge.painted)
        page.wanted.connect(self.choices.set)
        page.scale_wanted.connect(self.choices.set_scale)
        page.full_screen_wanted.connect(self.toggle_full_screen)
        self.verify.take_actions(
            [self.actions_by_name[name] for name in ("go_to_stretch", "save_summary", "clear_summary")],
            *(self.actions_by_name[f"change_outside_limit:{step}"] for step in ("-0.05", "0.05")),
        )
        self.verify.seek_wanted.connect(self._seek_and_look)
        self.verify.save_wanted.connect(lambda tally: self.saver.save_summary(tally, self._origin()))
        page.face_selected.connect(self.look.follow_face)
        page.face_selected.connect(self.pain.select)
        self._connect_pain()
        self.look.wanted.connect(self.choices.set)
        self.look.told.connect(self.notices.tell)
        self.look.failed.connect(self._take_unprepared)
        for each in (self.layers, self.neurons):
            each.face_chosen.connect(page.select)
            each.wanted.connect(self.choices.set)
            each.painted.connect(bridge.painted)
        self.pages.turned.connect(self._enable_actions)
        page.transport.toggled.connect(self.player.toggle_pause)
        page.transport.stepped.connect(self.player.step)
        page.transport.sought.connect(self.player.seek)
        self.notices.chosen.connect(self._go_on)
        self.top_bar.source.clicked.connect(self.choose_source)
        self.source_menu.camera_chosen.connect(self.open_source)
        self.source_menu.refresh_wanted.connect(self._refresh_cameras)
        self.top_bar.pack.clicked.connect(self.choose_pack)
        self.pack_menu.pack_chosen.connect(self._choose_pack)
        self.pack_menu.landmarks_chosen.connect(self._choose_landmarks)
        self.pack_menu.refresh_wanted.connect(self._refresh_packs)
        self.exchange.told.connect(self.notices.tell)
        self.saver.told.connect(self.notices.tell)
        self.exchange.settled.connect(lambda: self.notices.drop(PREPARING))
        self.exchange.pack_taken.connect(self._take_pack)
        self.exchange.failed.connect(self._take_unprepared)
        self._opener.opened.connect(self._take_session)
        self._opener.failed.connect(self._take_failure)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._dress)

    def _connect_pain(self) -> None:
        pain = self.pain
        pain.face_chosen.connect(self.page.select)
        self.page.pain_wanted.connect(lambda: self.pages.turn_to(pain.key))
        pain.wanted.connect(self.choices.set)
        pain.painted.connect(self.bridge.painted)
        pain.told.connect(self.notices.tell)
        pain.shown_wanted.connect(lambda: self.pages.turn_to(pain.key))
        pain.seek_wanted.connect(self.player.seek)
        pain.save_wanted.connect(lambda: self.saver.save_pain(pain.watch, pain.neutral.kept, self._origin()))
        pain.transport.toggled.connect(self.player.toggle_pause)
        pain.transport.stepped.connect(self.player.step)
        pain.transport.sought.connect(self.player.seek)

    def _dress(self) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        chosen = theme.chosen(self.settings.theme)
        theme.apply(app, chosen)
        for part in (self.top_bar, self.pages, self.source_menu):
            part.show_theme(chosen)
        for name, icon in (("open_file", "file"), ("open_url", "url"), ("open_demo", "demo")):
            self.actions_by_name[name].setIcon(theme.icon(icon, chosen.colour("muted"), 16))

    def _slow_tick(self) -> None:
        self.notices.age()
        self.look.slow_tick()
        for page in self.pages:
            page.slow_tick()
        self._jobs.collect()
        self.saver.collect()
        self.exchange.slow_tick()
        for crash in self._crashes.drain() if self._crashes else ():
            self._details = crash.details
            text = f"Something went wrong that should not have: {crash.summary}"
            self.notices.tell(Message("crash", "error", text, (troubles.COPY,)))
        self.choices.slow_tick()

    # Settings

    def _follow_choice(self, name: str) -> None:
        """One setting is another: everything follows from here."""
        if name == "geometry":
            return
        self._show_settings()
        if name in ANALYSIS:
            self.exchange.follow()
        if name == "theme":
            self._dress()
            self._tell("theme", "info", f"Colours: {self.settings.theme}.", passing=True)
        if name == "outside_limit":
            text = f"Outside the face: from more than {names.percent(self.settings.outside_limit)} on."
            self._tell("outside_limit", "info", text, passing=True)
        if name in SAID:
            self._tell(name, "info", SAID[name][getattr(self.settings, name)], passing=True)
        if name == "pain_smoothing_s":
            seconds = self.settings.pain_smoothing_s
            text = f"Action units follow within {seconds:g} s." if seconds else "Action units are not smoothed."
            self._tell(name, "info", text, passing=True)
        if name == "region_mode":
            self._tell("region_mode", "info", f"Regions: {self.settings.region_mode}.", passing=True)

    def _take_pack(self, session: Session) -> None:
        """Offer what the session's pack has; a chosen class that it does not have is let go, and that is said."""
        self.pack_menu.show_current(self.settings.pack or DEFAULT_PACK)
        self.top_bar.pack.show_name(session.pack, "Pack ")
        gone = self.choices.fit_to_pack(session.labels)
        self._show_settings()
        if gone:
            text = f"Pack {session.pack} has no class {' and no class '.join(gone)}; the predicted class is explained."
            self._tell("classes", "info", text, passing=True)
        if session.provider_warning:
            self._tell("provider", "warn", session.provider_warning)

    def _take_unprepared(self, error: Exception, message: Message) -> None:
        self._details = troubles.details(error)
        self.notices.tell(message)

    def _show_settings(self) -> None:
        for page in self.pages:
            page.show_settings(self.settings, self._labels())
        self.look.show_settings(self.settings)
        self.page.controls.wake()
        for name in SWITCHES:
            self.actions_by_name[f"toggle_{name}"].setChecked(getattr(self.settings, name))
        beside = self.settings.landmark_pack or DEFAULT_LANDMARK_PACK
        self.pack_menu.show_landmarks(beside if self.settings.points else "")

    def _labels(self) -> tuple[str, ...]:
        return self._session.labels if self._session is not None else ()

    # What the engine says

    def _take_session(self, spec: str, session: Session) -> None:
        self._session = session
        self.player.watch(session)
        self.look.begin(session)
        for page in self.pages:
            page.begin(session)
        self.exchange.begin(session)
        self.bridge.watch(session)

    def _take_result(self, result: Result) -> None:
        self.look.show_result(result)
        for page in self.pages:
            page.show_result(result)

    def _take_status(self, status: EngineStatus) -> None:
        before, self.player.status = self.player.status, status
        now = time.monotonic()
        measured = Measured(self.bridge.meter.rate_hz(now), self.bridge.meter.latency_s(now))
        assert self._session is not None
        self.status_line.show_status(status, measured, self._session.provider, self._session.pack)
        for page in self.pages:
            page.show_status(status)
        self.top_bar.show_status(status)
        if status.notice and (before is None or before.notice != status.notice):
            self._tell("picture", "warn", status.notice, passing=True)
        if before is None or abilities(before) != abilities(status):
            self._enable_actions()

    def _clear(self, text: str) -> None:
        self.look.clear(text)
        for page in self.pages:
            page.clear(text)

    def _take_state(self, status: EngineStatus) -> None:
        if status.error is not None:
            self._take_failure(self._spec, status.error)

    def _take_failure(self, spec: str, error: Exception) -> None:
        if spec != self._spec:
            return
        self._details = troubles.details(error)
        self.notices.tell(troubles.message(error))
        if self.page.result is None:
            self._clear("Nothing to show.")
        if self._session is None:
            self.status_line.show_nothing("no source")

    # Ways on from notices

    def _go_on(self, topic: str, way: str) -> None:
        ways: dict[str, Callable[[], None]] = {
            "again": lambda: self.open_source(self._spec, remember=False),
            "demo": self.open_demo,
            "choose": self.choose_source,
            "rewind": self.player.play_from_start,
            "shipped": self._use_shipped_pack,
            "off": self._stop_explaining,
            "copy": self._copy_details,
            "folder": self.saver.show_folder,
        }
        ways[way]()

    def _choose_pack(self, pack: str) -> None:
        self.choices.set("pack", None if pack == DEFAULT_PACK else pack)

    def _choose_landmarks(self, pack: str) -> None:
        """Let this landmark network read beside the pack; the one that does is sent away."""
        wanted = None if pack == DEFAULT_LANDMARK_PACK else pack
        settings = self.settings
        self.choices.change(points=not (settings.points and settings.landmark_pack == wanted), landmark_pack=wanted)

    def _refresh_packs(self) -> None:
        self._jobs.submit(self._backend.packs, self.pack_menu.show_packs, self._tell_no_packs)

    def _tell_no_packs(self, error: Exception) -> None:
        self._tell("packs", "error", f"The packs could not be listed: {error}")

    def _use_shipped_pack(self) -> None:
        self.choices.set("pack", None)
        self.open_source(self._spec, remember=False)

    def _stop_explaining(self) -> None:
        self.choices.set("method", OFF)
        self.open_source(self._spec, remember=False)

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        self._tell("copied", "info", "The details are on the clipboard.", passing=True)

    def _tell(self, topic: str, level: Level, text: str, ways: tuple[Way, ...] = (), passing: bool = False) -> None:
        self.notices.tell(Message(topic, level, text, ways, passing))

    # Sources

    def _list_cameras(self, done: Callable[[Sequence[str]], None]) -> None:
        self._jobs.submit(self._backend.cameras, done, lambda _: done(()))

    def _refresh_cameras(self) -> None:
        self._list_cameras(self.source_menu.show_cameras)

    def _open_first(self, cameras: Sequence[str]) -> None:
        """Last time's source where it is still there, else a camera, else the demo clip, and say so."""
        self.source_menu.show_cameras(cameras)
        if self._spec:
            return  # the person was quicker
        first = opener.first_source(self.settings.source, cameras)
        self.open_source(first or DEMO, remember=False)
        if first is None:
            text = "No camera was found, so this is the demo clip. Connect a camera, or open a file."
            self._tell("no camera", "info", text, (Way("choose", "Choose…"),))

    def _origin(self) -> Origin:
        assert self._session is not None
        return Origin(self._source_name(), self._session.pack, self._session.provider)

    def _seek_and_look(self, timestamp_s: float) -> None:
        self.player.seek(timestamp_s)
        self.pages.turn_to(self.page.key)

    def _source_name(self) -> str:
        return (self.player.status.source if self.player.status else "") or names.short_source(self._spec)

    def _enable_actions(self) -> None:
        enable(self.actions_by_name, self._session is not None, self.player.status, self.pages.shown.key)
        self.actions_by_name["toggle_full_screen"].setChecked(self.isFullScreen())
