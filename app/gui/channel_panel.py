"""The panel beside the maps: the face, one channel of it large, and its numbers."""

from typing import Final

import numpy as np
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.gui import names, theme
from app.gui.look_panel import MARGIN_PX, NARROW_PX, WIDTH_PX, LookPanel, muted_label, say
from app.gui.map_colours import UNIT, Shades
from app.gui.map_view import SIDE_PX
from core.geometry import Floats
from core.types import FaceResult, Frame

OPACITY: Final = 0.85
HINT: Final = "Point at the map to read its values."
NO_PLACE: Final = "One value for the whole face: it has no place on it."


class ChannelPanel(LookPanel):
    """Shows the chosen channel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Keep this channel first, for this pack and layer (P)", parent)
        self.setFixedWidth(WIDTH_PX)
        self._has_places = True
        self.value = muted_label()
        self._lay_out()
        self.view.read.connect(self._show_value)
        self.show_nothing("")

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self.view.show_theme(chosen)

    def set_narrow(self, narrow: bool) -> None:
        """Leave more room to the maps."""
        width = NARROW_PX if narrow else WIDTH_PX
        self.setFixedWidth(width)
        self.view.setFixedHeight(min(width - 2 * MARGIN_PX, SIDE_PX))

    def show_nothing(self, text: str) -> None:
        """There is no face, or no layer; say why."""
        super().show_nothing(text)
        for part in (self.channel, self.pin, self.facts, self.value):
            part.hide()

    def show_channel(self, frame: Frame, face: FaceResult, values: Floats, shades: Shades, smooth: bool) -> None:
        """Lay a map [height, width] over the face; a single unit would only tint it."""
        self.view.show_map(frame, face.crop, values, shades, smooth, OPACITY if values.size > 1 else 0.0)

    def show_numbers(self, face: FaceResult, channel: str, pinned: bool, values: Floats) -> None:
        """Say which face and channel that is, by its title, and how strong."""
        self.show_chosen(face, channel, pinned)
        say(self.facts, _numbers(values))
        for part in (self.channel, self.pin, self.facts, self.value):
            part.show()
        self._has_places = values.size > 1
        self._show_value()

    def _show_value(self) -> None:
        pointed = self.view.pointed
        if pointed is None or not self._has_places:
            say(self.value, HINT if self._has_places else NO_PLACE)
        else:
            column, row, value = pointed
            say(self.value, f"column {column}, row {row}: {names.compact(value)} {UNIT}")

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN_PX, 14, MARGIN_PX, 12)
        column.setSpacing(8)
        column.addWidget(self.tabs)
        column.addWidget(self.face)
        column.addWidget(self.view)
        column.addLayout(self.head())
        column.addWidget(self.facts)
        column.addWidget(self.value)
        column.addStretch(1)


def _numbers(values: Floats) -> str:
    """Highest, lowest and mean of a map [height, width], and where it is active; one number for a map of one unit."""
    high, low, mean = (names.compact(float(value)) for value in (values.max(), values.min(), values.mean()))
    if values.size == 1:
        return f"{high} {UNIT}"
    below = f" · lowest {low}" if values.min() < 0 else ""
    return f"highest {high}{below} · mean {mean}\nabove 0 in {names.percent(float(np.mean(values > 0)))} of its units"
