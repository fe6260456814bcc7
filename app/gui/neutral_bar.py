"""The row under the picture: what the selected face is held against, and how a person changes that."""

from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QMenu, QPushButton, QSizePolicy

from app.gui import names
from app.gui.neutral import Neutral
from core.action_units import UNITS, estimate
from core.baselines import Baseline

NORM: Final = "the population’s norm; interval wider"
UNIT_NAMES: Final = {unit.au: unit.name for unit in UNITS}


class NeutralBar(QFrame):
    """Shows what `Neutral` says and hands on what a person says; asks about what is doubtful."""

    save_wanted = Signal()
    load_wanted = Signal()

    def __init__(self, neutral: Neutral) -> None:
        super().__init__()
        self.setObjectName("transport")
        self.setFixedHeight(48)
        self._neutral = neutral
        self._face_id = 0
        self._narrow = False
        self._heading = QLabel("NEUTRAL FACE")
        self._heading.setProperty("role", "heading")
        self._text = QLabel("")
        self._text.setWordWrap(True)
        self._text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.person = QLineEdit()
        self.person.setFixedWidth(104)
        self.person.setPlaceholderText("Name")
        self.person.setAccessibleName("Name of the person whose face is neutral")
        self.person.setToolTip("Kept with the neutral face; empty takes the face's letter")
        self.set_now = _button("This is neutral", "primary")
        self.interval = _button("From here on")
        self.undo = _button("Undo")
        self.more = _button("More")
        self.menu = QMenu(self)
        self.yes, self.no = _button("Set all the same"), _button("Leave it", "primary")
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 12, 0)
        row.setSpacing(8)
        row.addWidget(self._heading)
        row.addSpacing(4)
        row.addWidget(self._text, 1)
        self._usual = (self.person, self.set_now, self.interval, self.undo, self.more)
        self._asking = (self.yes, self.no)
        for part in (*self._usual, *self._asking):
            row.addWidget(part)
        self._connect()
        self.show_face(0)

    def set_narrow(self, narrow: bool) -> None:
        """Leave out what has a key, where there is little room."""
        self._narrow = narrow
        self._heading.setVisible(not narrow)
        self.show_face(self._face_id)

    def show_face(self, face_id: int) -> None:
        """Show how it stands with this face; 0 for none."""
        self._face_id = face_id
        neutral, question = self._neutral, self._neutral.question
        asked_before = not self.yes.isHidden()
        for part in self._usual:
            part.setVisible(question is None and not (self._narrow and part is self.undo))
        for part in self._asking:
            part.setVisible(question is not None)
        self._text.setText(self.text())
        self._text.setToolTip(self.text())
        self._text.setProperty("role", "warn" if question is not None else "muted")
        self._text.style().polish(self._text)
        self.interval.setText("Until here" if neutral.interval is not None else "From here on")
        if question is not None and not asked_before:
            self.no.setFocus()
        if not self.person.hasFocus():
            own = neutral.of(face_id)
            self.person.setText(neutral.person or (own.person if own is not None else ""))

    def text(self) -> str:
        """What a person reads here."""
        neutral = self._neutral
        if neutral.question is not None:
            return doubts_text(names.face_name(neutral.question.face_id), neutral.question.proposed)
        if neutral.interval is not None:
            interval = neutral.interval
            return (
                f"Collecting since {names.clock(interval.start_s, 1)}: {interval.length_s:.1f} s, "
                f"{len(interval.seen)} frames of face {names.face_name(interval.face_id)}"
            )
        own = neutral.of(self._face_id) if self._face_id else None
        if own is not None:
            return own_text(own) + (" · for whoever is alone" if neutral.one_person else "")
        return f"Held against {NORM}"

    def set_actions(self, now: QAction, interval: QAction, undo: QAction) -> None:
        """Name the keys in the tool tips, and do what the actions do."""
        for button, action in ((self.set_now, now), (self.interval, interval), (self.undo, undo)):
            button.setToolTip(action.toolTip())
            button.clicked.connect(action.trigger)

    def _connect(self) -> None:
        self.person.editingFinished.connect(self._take_person)
        self.yes.clicked.connect(lambda: self._neutral.answer(is_neutral=True))
        self.no.clicked.connect(lambda: self._neutral.answer(is_neutral=False))
        self.more.setToolTip("Use one again, the norm, files")
        self.more.clicked.connect(self._open_menu)
        self.menu.aboutToShow.connect(self._fill_menu)

    def _take_person(self) -> None:
        self._neutral.rename(self.person.text())
        if self.person.hasFocus():
            self.person.clearFocus()

    def _open_menu(self) -> None:
        self._fill_menu()
        corner = self.more.mapToGlobal(self.more.rect().topLeft())
        corner.setY(corner.y() - self.menu.sizeHint().height() - 4)
        self.menu.popup(corner)

    def _fill_menu(self) -> None:
        menu, neutral = self.menu, self._neutral
        menu.clear()
        for own in reversed(neutral.kept):
            menu.addAction(f"Use {own_text(own)}", partial(neutral.use, own))
        if neutral.kept:
            menu.addSeparator()
        one = menu.addAction("Only one person is watched")
        one.setCheckable(True)
        one.setChecked(neutral.one_person)
        one.setEnabled(bool(neutral.kept))
        one.setToolTip("The newest neutral face counts for whoever is alone in the picture, also after a break")
        one.triggered.connect(neutral.set_one_person)
        has_own = neutral.of(self._face_id) is not None
        for text, slot, enabled in (
            ("Use the population’s norm", neutral.use_norm, has_own),
            ("Save neutral face…", self.save_wanted.emit, has_own),
            ("Load neutral face…", self.load_wanted.emit, bool(self._face_id)),
        ):
            menu.addAction(text, slot).setEnabled(enabled)


def own_text(own: Baseline) -> str:
    """Whose neutral face it is and where it is from, for example "Anna · 0:03.2 to 0:05.0, 43 frames · set 10:42"."""
    start, end = names.clock(own.start_s, 1), names.clock(own.end_s, 1)
    span = start if own.frames == 1 else f"{start} to {end}, {own.frames} frames"
    return f"{own.person} · {span} · set {names.local_time(own.set_at)}"


def doubts_text(face: str, own: Baseline) -> str:
    """What a face that somebody calls neutral shows by the norm."""
    units = estimate(own.reading)
    shown = ", ".join(f"{UNIT_NAMES[au]} {units.of(au):.1f}" for au in own.doubts[:3])
    more = f" and {len(own.doubts) - 3} more" if len(own.doubts) > 3 else ""
    return f"By the norm face {face} is not at rest: {shown}{more} (of 5). Neutral all the same?"


def _button(text: str, kind: str = "") -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", kind)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAutoDefault(True)
    return button
