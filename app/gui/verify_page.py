"""The page of the session's verdicts: what the decisions so far rested on, per face and class. Numbers only."""

from collections.abc import Mapping, Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui import names, theme
from app.gui.choice import Choice
from app.gui.looks import LOOKS
from app.gui.pages import Page
from app.gui.session import Session
from app.gui.summary_table import SummaryTable
from app.gui.verdict_bar import Sample, VerdictBar
from app.settings import NOTHING, OFF, Settings
from core.engine import EngineStatus
from core.explain import Method
from core.tally import Account, Basis, Tally
from core.types import Result
from core.verdict import Verdict

EVERY_TICKS: Final = 5  # of the slow clock: twice a second, numbers that only grow
EMPTY: Final = "Nothing has been seen yet. What the decisions rest on adds up here while the video runs."
FOOT: Final = (
    "V_f holds the expected regions of a class (EMFACS) against an even map over the face: 1 is even. The control is a "
    "spot at the crop’s centre that has seen no face. Lift holds a class’s own contrasts against those of the other "
    "classes of the same face: below 1, its regions spoke more for others. Frames between two explanations go by the "
    "last one; marks on the video follow a short majority, these numbers every single frame. No pictures are kept, "
    "only sums; they are gone when another source is opened or the window is closed. Not a medical device."
)


class VerifyPage(Page):
    """Adds up what is shown, as long as a source is open; shows it, lets it be saved and cleared."""

    key = "verify"
    title = "Verify"

    seek_wanted = Signal(float)
    save_wanted = Signal(object)  # Tally

    def __init__(self, methods: Mapping[str, Method], settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._methods = methods
        self.tally = Tally(_basis("", settings))
        self._settings = settings
        self._session: Session | None = None
        self._status: EngineStatus | None = None
        self._shown: Basis | None = None  # None follows what is used now
        self._entries: list[tuple[str, str]] = []
        self._ticks = 0
        self._title = QLabel("What the decisions rested on")
        self._title.setProperty("role", "title")
        self._facts = QLabel("")
        self._facts.setProperty("role", "muted")
        self._facts.setFont(theme.font(12, tabular=True))
        self.bases = Choice("Made with; only verdicts made alike are added up", max_width=520)
        self.bases.chosen.connect(lambda key: self._choose_basis(int(key)))
        self.limit = QLabel("")
        self.limit.setFont(theme.font(12, tabular=True))
        self.bar = VerdictBar()
        self._samples = {verdict: Sample(verdict) for verdict in LOOKS}
        self._legend = {verdict: QLabel("") for verdict in LOOKS}
        self.table = SummaryTable()
        self.table.sought.connect(self.seek_wanted)
        self._empty = QLabel(EMPTY)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._buttons = QHBoxLayout()
        self._lay_out()

    def take_actions(self, actions: Sequence[QAction], less: QAction, more: QAction) -> None:
        """Offer these as buttons; `less` and `more` change the limit."""
        for text, action in (("−", less), ("+", more)):
            self._limits.addWidget(_button(text, action))
        for action in actions:
            self._buttons.addWidget(_button(action.text(), action))

    # What every page is told

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self.bar.show_theme(chosen)
        self.table.show_theme(chosen)
        for sample in self._samples.values():
            sample.show_theme(chosen)
        self.refresh()

    def show_settings(self, settings: Settings, labels: tuple[str, ...]) -> None:
        """Judge by these settings from the next result on that was made by them."""
        self._settings = settings
        self.limit.setText(f"outside means more than {names.percent(settings.outside_limit)}")
        self.refresh()

    def begin(self, session: Session) -> None:
        """A new source is a new session."""
        self._session = session
        self.clear_summary()

    def clear(self, text: str) -> None:
        """Another source is being opened: what was added up is let go."""
        self._session = self._status = None
        self.clear_summary()

    def show_result(self, result: Result) -> None:
        """Add one frame up, under what it was made with."""
        if self._goes_by_settings(result):
            self.tally.basis = _basis(self._session.pack if self._session else "", self._settings)
        self.tally.write(result)

    def show_status(self, status: EngineStatus) -> None:
        """Times lead somewhere in recordings that can be sought in."""
        self._status = status

    def slow_tick(self) -> None:
        """Show what has been added up, while somebody looks."""
        self._ticks += 1
        if self._ticks % EVERY_TICKS == 0 and self.isVisible():
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().showEvent(event)
        self.refresh()
        self.table.focus_rows()

    # What the table of commands names

    def save_summary(self) -> None:
        """Write the summary to files."""
        if self.tally.frames:
            self.save_wanted.emit(self.tally)

    def clear_summary(self) -> None:
        """Forget everything that was added up."""
        self.tally.clear()
        self._shown = None
        self.refresh()

    def next_basis(self) -> None:
        """Show what was added up with another method, limit or pack."""
        bases = self.tally.bases
        if bases:
            place = bases.index(self._basis_shown) if self._basis_shown in bases else -1
            self._choose_basis((place + 1) % len(bases))

    def go_to_stretch(self) -> None:
        """Go to the longest stretch without support: of the chosen row, or of the session."""
        if self.table.currentRow() >= 0:
            self.table.seek_row()
        elif (longest := self._account().longest) is not None and self._seekable:
            self.seek_wanted.emit(longest.start_s)

    def refresh(self) -> None:
        """Show how things stand."""
        account = self._account()
        self._empty.setVisible(not account.seen)
        self.table.setVisible(bool(account.seen))
        self._show_bases()
        self._facts.setText(self._facts_text())
        shares = {verdict: account.share(verdict) for verdict in Verdict}
        self.bar.show_shares(shares)
        for verdict, label in self._legend.items():
            words = LOOKS[verdict].short
            label.setText(f"{words} {names.percent(shares[verdict])}" if account.seen else words)
            for part in (label, self._samples[verdict]):
                part.setVisible(verdict is not Verdict.HIDDEN or shares[verdict] > 0)
        self.table.show_faces(self.tally.faces(self._basis_shown), self._seekable)

    def _goes_by_settings(self, result: Result) -> bool:
        """Whether a result was made by the settings: what was chosen may still be in preparation."""
        made = next((face.explanation for face in result.faces if face.explanation is not None), None)
        if made is None:
            return self._settings.method == OFF or not self.tally.frames
        alike = (made.against is None) == (self._settings.against == NOTHING)
        return alike and made.method == self._settings.method

    @property
    def notice_area(self) -> QWidget:
        """Notices stand over the table: what is above it stays in sight."""
        return self._lower

    @property
    def _seekable(self) -> bool:
        return self._status is not None and self._status.seekable and self._status.frame_count != 1

    @property
    def _basis_shown(self) -> Basis:
        return self._shown or self.tally.basis

    def _account(self) -> Account:
        return self.tally.total(self._basis_shown)

    def _facts_text(self) -> str:
        tally = self.tally
        if not tally.frames:
            return ""
        parts = [f"{tally.frames} frames shown", f"{tally.frames_without_face} without a face"]
        faces = len(tally.faces(self._basis_shown))
        parts.append(f"{faces} face{'' if faces == 1 else 's'}")
        if tally.jumps:
            times = "once" if tally.jumps == 1 else f"{tally.jumps} times"
            parts.append(f"jumped in time {times}: letters begin again after each")
        return " · ".join(parts)

    def _show_bases(self) -> None:
        bases = self.tally.bases or (self.tally.basis,)
        entries = [(str(place), self._basis_text(basis)) for place, basis in enumerate(bases)]
        if entries != self._entries:
            self._entries = entries
            self.bases.set_entries(entries)
        shown = self._basis_shown
        self.bases.show_key(str(bases.index(shown)) if shown in bases else "", self._basis_text(shown))

    def _basis_text(self, basis: Basis) -> str:
        """For example "LRP · mien-s 1.0 · polygons · outside above 35 %"."""
        titles = {key: method.title for key, method in self._methods.items()} | {OFF: "explanations off"}
        against = "" if basis.against is None else f" against {basis.against}"
        method = titles.get(basis.method, basis.method) + against
        parts = (method, basis.pack, basis.region_mode, f"outside above {names.percent(basis.outside_limit)}")
        return " · ".join(part for part in parts if part)

    def _choose_basis(self, place: int) -> None:
        chosen = self.tally.bases[place] if place < len(self.tally.bases) else None
        self._shown = None if chosen == self.tally.basis else chosen
        self.refresh()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(14)
        head.addWidget(self._title)
        head.addStretch(1)
        head.addLayout(self._buttons)
        self._limits = QHBoxLayout()
        self._limits.setSpacing(6)
        self._limits.addWidget(self.limit)
        second = QHBoxLayout()
        second.setSpacing(14)
        second.addWidget(self.bases)
        second.addStretch(1)
        second.addLayout(self._limits)
        self._lower = QWidget()
        lower = QVBoxLayout(self._lower)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.addWidget(self.table, 1)
        lower.addWidget(self._empty, 1)
        foot = QLabel(FOOT)
        foot.setProperty("role", "quiet")
        foot.setWordWrap(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(22, 16, 22, 14)
        whole.setSpacing(12)
        whole.addLayout(head)
        whole.addLayout(second)
        whole.addWidget(self._facts)
        whole.addWidget(self.bar)
        whole.addLayout(self._legend_row())
        whole.addWidget(self._lower, 1)
        whole.addWidget(foot)

    def _legend_row(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for place, (verdict, label) in enumerate(self._legend.items()):
            label.setFont(theme.font(12, tabular=True))
            label.setToolTip(verdict.sentence)
            grid.addWidget(self._samples[verdict], 0, 3 * place)
            grid.addWidget(label, 0, 3 * place + 1)
            grid.setColumnMinimumWidth(3 * place + 2, 10)
        grid.setColumnStretch(3 * len(self._legend), 1)
        return grid


def _basis(pack: str, settings: Settings) -> Basis:
    against = None if settings.against == NOTHING else settings.against
    return Basis(pack, settings.method, against, settings.region_mode, settings.outside_limit)


def _button(text: str, action: QAction) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(action.toolTip())
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAutoDefault(True)
    button.clicked.connect(action.trigger)
    action.enabledChanged.connect(button.setEnabled)
    button.setEnabled(action.isEnabled())
    return button
