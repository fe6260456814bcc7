"""The page of layers: what any layer of the network makes of the selected face, live."""

from typing import Final

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.gui import names, theme
from app.gui.channel_panel import ChannelPanel
from app.gui.choice import Segments
from app.gui.layer_look import LayerLook
from app.gui.look_page import LookPage
from app.gui.map_grid import MapGrid
from app.gui.session import OpenLayer
from app.settings import Settings
from core.geometry import Floats
from core.ranking import WAYS, strengths

DRAWN: Final = (("pixels", "Units"), ("smooth", "Smooth"))


class LayersPage(LookPage):
    """Shows what the look sees as maps."""

    key = "layers"
    title = "Layers"

    grid: MapGrid
    panel: ChannelPanel

    def __init__(self, settings: Settings, look: LayerLook, parent: QWidget | None = None) -> None:
        super().__init__(settings, look, MapGrid(), ChannelPanel(), parent)
        self.strength = Segments("Strongest by")
        self.drawn = Segments("Drawn as")
        self.strength.set_entries([("maximum", "Maximum"), ("mean", "Mean")])
        self.drawn.set_entries(DRAWN)
        self._lay_out()

    # What every page is told

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        for part in (self.list, self.grid, self.panel, self.scale):
            part.show_theme(chosen)

    def show_settings(self, settings: Settings, labels: tuple[str, ...]) -> None:
        """Rank, draw and scale as these settings say."""
        other_strength = settings.strength != self._settings.strength
        self._settings = settings
        self.strength.show_key(settings.strength)
        self.drawn.show_key("smooth" if settings.smooth else "pixels")
        if other_strength and self.isVisible():
            self.look.rank_by(self.strengths)

    def slow_tick(self) -> None:
        """Numbers, no faster than anybody reads."""
        if self.isVisible():
            self._show_numbers()

    # What the table of commands names

    def next_strength(self) -> None:
        """Rank by the other strength."""
        ways = list(WAYS)
        self.wanted.emit("strength", ways[(ways.index(self._settings.strength) + 1) % len(ways)])

    def toggle_smooth(self) -> None:
        """Draw maps smoothly, or unit by unit."""
        self.wanted.emit("smooth", not self._settings.smooth)

    # Qt's own calls

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        for part in (self.list, self.panel, self.scale):
            part.set_narrow(self.narrow)
        for label in self._labels:
            label.setVisible(not self.narrow)

    # What the look says

    def take_opened(self, opened: OpenLayer) -> None:
        """Name the layer, and make room for its maps."""
        layer = opened.layer
        self.list.show_layers(opened.layers, opened.left_out)
        self._title.setText(layer.name)
        self._size.setText(layer.size_text)
        self.grid.show_layer((layer.channels, layer.height, layer.width))
        self.scale.show_shades(self.look.shades)
        self.scale.show()

    def show_nothing(self, text: str, of_face: str = "") -> None:
        """Say why there are no maps."""
        self.grid.show_message(text)
        self.panel.show_nothing(of_face)
        self._count.setText("")

    def take_answer(self) -> None:
        """Draw the maps."""
        shades = self.look.shades
        self.scale.show_shades(shades)
        features, face, result, channel = self.look.features, self.look.face, self.look.result, self.look.channel
        if not self.isVisible() or features is None or face is None or result is None or channel is None:
            return
        smooth = self._settings.smooth
        self.grid.show_tiles(self.look.tiles(self.grid.room), features.maps, shades, smooth)
        self.grid.choose(channel)
        self.panel.show_channel(result.frame, face, features.maps[channel], shades, smooth)

    def _show_numbers(self) -> None:
        features, face, opened, channel = self.look.features, self.look.face, self.look.layer, self.look.channel
        if features is None or face is None or opened is None or channel is None:
            return
        tile = self.look.tile(channel)
        self.panel.show_numbers(face, tile.title, tile.pinned, features.maps[channel])
        shown, name = len(self.grid.channels), names.face_name(face.observation.face_id)
        which = f"all {shown}" if shown == opened.layer.channels else f"{shown} of {opened.layer.channels}"
        way = WAYS[self._settings.strength] if opened.layer.height * opened.layer.width > 1 else "value"
        self._count.setText(f"{which} channels for face {name} · by {way}, pinned ones first")

    def choose_channel(self, channel: int) -> None:
        """Take the channel, and say its numbers at once."""
        super().choose_channel(channel)
        self._show_numbers()

    def strengths(self, maps: Floats) -> Floats:
        """Maximum or mean of each channel, as the settings say."""
        return strengths(maps, self._settings.strength)

    # Putting it together

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._title)
        head.addWidget(self._size)
        head.addStretch(1)
        tools = QHBoxLayout()
        tools.setSpacing(7)
        self._labels = [QLabel("Strongest by"), QLabel("Drawn as")]
        for label, part in zip(self._labels, (self.strength, self.drawn), strict=True):
            label.setProperty("role", "quiet")
            tools.addWidget(label)
            tools.addWidget(part)
            tools.addSpacing(6)
        tools.addStretch(1)
        tools.addWidget(self.scale)
        middle = QVBoxLayout()
        middle.setContentsMargins(18, 14, 18, 10)
        middle.setSpacing(10)
        middle.addLayout(head)
        middle.addLayout(tools)
        middle.addWidget(self.grid, 1)
        middle.addWidget(self._count)
        self.join(middle)
        self.grid.resized.connect(self.take_answer)
        self.strength.chosen.connect(lambda key: self.wanted.emit("strength", key))
        self.drawn.chosen.connect(lambda key: self.wanted.emit("smooth", key == "smooth"))
