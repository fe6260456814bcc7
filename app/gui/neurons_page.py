"""The page of neurons: the strongest filters of a layer for the selected face, live, with what each looks for."""

from typing import Final

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.gui import names, neuron_words, theme
from app.gui.carrier import Ask, Carrier
from app.gui.choice import Segments
from app.gui.layer_look import LayerLook
from app.gui.look_page import LookPage
from app.gui.map_view import Mark, enlarged
from app.gui.neuron_gauge import NeuronGauge
from app.gui.neuron_grid import Neuron, NeuronGrid
from app.gui.neuron_panel import NeuronPanel
from app.gui.neuron_strip import Activity, Line, NeuronStrip
from app.gui.session import OpenLayer, Session
from app.settings import Settings
from core.geometry import Floats
from core.neurons.lens import CarriedBack, grey
from core.ranking import strengths
from core.types import FaceResult

LOW_PX: Final = 640  # pages below this height make do with less
STRIP_PX: Final = (176, 132)  # height of the chart, and of the chart on a low page
ORDERS: Final = (("activation", "Activation"), ("reach", "Share of reach"))
KEYS: Final = "Arrows choose · P or Enter pins · [ ] layer · H order"
FEW_KEYS: Final = "←↑→↓ · P pins · [ ] layer · H order"
WAITING: Final = "Looking…"
SILENT: Final = "The filter is not active in this face."
MOST_LINES: Final = 9  # as many as there are colours that can be told apart


class NeuronsPage(LookPage):
    """Shows what the look sees as filters."""

    key = "neurons"
    title = "Neurons"

    grid: NeuronGrid
    panel: NeuronPanel

    def __init__(self, settings: Settings, look: LayerLook, parent: QWidget | None = None) -> None:
        super().__init__(settings, look, NeuronGrid(), NeuronPanel(), parent)
        self._theme = theme.DARK
        self._activity = Activity()
        self._told: CarriedBack | None = None  # the newest answer, about the chosen filter
        self._asked: Ask | None = None
        self._shown_channel: int | None = None  # whose pattern and histogram the panel shows
        self._gauge = NeuronGauge(look)
        self.carrier = Carrier(self)
        self.strip = NeuronStrip()
        self.order = Segments("Strongest by")
        self.order.set_entries(ORDERS)
        self._lay_out()

    # What every page is told

    def show_theme(self, chosen: theme.Theme) -> None:
        """Take the theme's colours."""
        self._theme = chosen
        for part in (self.list, self.grid, self.strip, self.panel, self.scale):
            part.show_theme(chosen)

    def show_settings(self, settings: Settings, labels: tuple[str, ...]) -> None:
        """Rank as these settings say."""
        other_order = settings.neuron_order != self._settings.neuron_order
        self._settings = settings
        self._show_order()
        if other_order and self.isVisible():
            self.look.rank_by(self.strengths)

    def begin(self, session: Session) -> None:
        """Ask this session what drives a filter."""
        self.carrier.watch(session)

    def clear(self, text: str) -> None:
        """There is no source."""
        self.carrier.watch(None)

    def slow_tick(self) -> None:
        """Numbers, no faster than anybody reads, and what was carried back."""
        self.carrier.collect()
        if self.isVisible():
            self._show_numbers()
            self._ask()

    def finish(self) -> None:
        """End the thread that carries back."""
        self.carrier.close()

    # What the table of commands names

    def next_order(self) -> None:
        """Rank by activation, or by its share of what each filter reaches."""
        if self._gauge.known is not None:
            self.wanted.emit("neuron_order", "activation" if self._by_reach else "reach")

    # Qt's own calls

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: D102, N802 - Qt's name
        super().resizeEvent(event)
        for part in (self.list, self.scale):
            part.set_narrow(self.narrow)
        self.panel.fit(self.narrow, self.height())
        self._label.setVisible(not self.narrow)
        self._show_size()
        self.strip.setFixedHeight(STRIP_PX[self.height() < LOW_PX])

    def showEvent(self, event: QShowEvent) -> None:  # noqa: D102, N802 - Qt's name
        self._activity.clear()
        super().showEvent(event)

    # What the look says

    def take_opened(self, opened: OpenLayer) -> None:
        """Name the layer, and say what is known of its filters."""
        layer, known = opened.layer, opened.known
        self.list.show_layers(opened.layers, opened.left_out)
        self._title.setText(layer.name)
        self._show_size()
        patterns = None if known is None else known.patterns
        self.grid.show_layer(layer.channels, self._gauge.has_places, patterns)
        unit = f"{names.compact(opened.reference)} activation is 100\u00a0%"
        self.strip.show_scale("share of each filter's reach" if known is not None else unit, layer.signed)
        self._note.setText(neuron_words.missing(opened))
        self._note.setVisible(known is None)
        self._shown_channel = None
        self.scale.show()
        self._show_order()
        if self.isVisible():
            self.look.rank_by(self.strengths)

    def show_nothing(self, text: str, of_face: str = "") -> None:
        """Say why there are no filters."""
        self.grid.show_message(text)
        self.panel.show_nothing(of_face)
        self.strip.show_lines([], self._activity)
        self._count.setText(KEYS)

    def take_answer(self) -> None:
        """Follow the filters in the chart, and draw them."""
        features, result = self.look.features, self.look.result
        if self.isVisible() and features is not None and result is not None:
            about = (features.pack, features.layer, features.face_id)
            self._activity.add(about, result.frame.timestamp_s, strengths(features.maps, "maximum"))
        self._show_neurons()

    def _show_neurons(self) -> None:
        shades = self.look.shades
        self.scale.show_shades(shades)
        features, face, result, channel = self.look.features, self.look.face, self.look.result, self.look.channel
        if not self.isVisible() or features is None or face is None or result is None or channel is None:
            return
        tiles = self.look.tiles(self.grid.room)
        lines = self._lines(channel)
        wanted = {*(tile.channel for tile in tiles), channel, *lines}
        neurons = {each: self._gauge.neuron(each, features.maps[each], lines.get(each, "")) for each in wanted}
        small = enlarged(result.frame.image, face.crop, round(self.grid.side_px * self.devicePixelRatioF()))
        self.grid.show_neurons(tiles, neurons, features.maps, shades, small)
        self.grid.choose(channel)
        self.panel.show_map(result.frame, face, features.maps[channel], shades)
        places = [(each, neurons[each].place, colour) for each, colour in lines.items()]
        marks = [Mark(*place, colour, each == channel) for each, place, colour in places if place is not None]
        self.panel.show_marks(marks, self._seen(face, neurons[channel]))
        self._show_chosen(channel)
        self.strip.show_lines([self._line(each, colour, channel) for each, colour in lines.items()], self._activity)

    def _show_chosen(self, channel: int) -> None:
        """What does not change from frame to frame."""
        if channel == self._shown_channel:
            return
        self._shown_channel, known = channel, self._gauge.known
        self._told = None
        if known is None:
            self.panel.looks_for.show_text("No atlas: not known")
        else:
            self.panel.looks_for.show_patterns(known.patterns[channel])
        self.panel.histogram.show_filter(known, channel)
        self.panel.now.show_text(WAITING)

    def _show_numbers(self) -> None:
        features, face, opened, channel = self.look.features, self.look.face, self.look.layer, self.look.channel
        if features is None or face is None or opened is None or channel is None:
            return
        tile, known = self.look.tile(channel), self._gauge.known
        neuron = self._gauge.neuron(channel, features.maps[channel], "")
        unit = "" if known is None else neuron_words.unit_sentences(known, channel)
        self.panel.show_numbers(
            face,
            self._called(channel),
            tile.pinned,
            neuron,
            self._gauge.words(face, neuron, self._settings.region_mode),
            unit,
        )
        shown, name = len(self.grid.channels), names.face_name(face.observation.face_id)
        which = f"all {shown}" if shown == opened.layer.channels else f"{shown} of {opened.layer.channels}"
        self._count.setText(f"{which} · {FEW_KEYS}" if self.narrow else f"{which} filters for face {name} · {KEYS}")

    def _called(self, channel: int) -> str:
        """What a filter is called as a heading; a unit that sees the whole face is no filter."""
        name = self.look.tile(channel).name
        return name.capitalize() or f"{'Filter' if self._gauge.has_places else 'Unit'} {channel}"

    # What drives the chosen filter in this face

    def _ask(self) -> None:
        features, face, opened, channel = self.look.features, self.look.face, self.look.layer, self.look.channel
        if features is None or face is None or opened is None or channel is None:
            return
        values = features.maps[channel]
        if values.max() <= 0 and not opened.layer.signed:
            self._told = None
            self.panel.now.show_text(SILENT)
            return
        row, column = (int(each) for each in np.unravel_index(int(values.argmax()), values.shape))
        self.carrier.ask(Ask(opened, channel, (row, column), face.crop, face.observation.face_id))

    def _take_carried(self, ask: Ask, found: CarriedBack) -> None:
        chosen = (self.look.layer, self.look.channel, self.look.face_id)
        if (ask.opened, ask.channel, ask.face_id) != chosen or self.look.features is None:
            return
        self._told, self._asked = found, ask
        self.panel.now.show_patterns(grey(found.map[None, None], found.map.shape[-1])[0])
        self._show_neurons()

    def _take_refused(self, ask: Ask, error: Exception) -> None:
        if ask.opened is self.look.layer:
            self._told = None
            self.panel.now.show_text("Cannot be carried back here")
            self.panel.now.setToolTip(str(error))

    def _seen(self, face: FaceResult, neuron: Neuron) -> QRectF | None:
        """The square that the chosen filter's maximum sees, as shares of the crop; None where that is all of it.

        How it lies about its place is known from the last answer: squares go with the places.
        """
        told, asked, size = self._told, self._asked, face.crop.size
        if told is None or asked is None or neuron.place is None or told.map.shape[-1] >= size:
            return None
        assert self.look.layer is not None
        (row, column), layer, side = asked.place, self.look.layer.layer, told.map.shape[-1] / size
        left = told.column / size + neuron.place[0] - (column + 0.5) / layer.width
        top = told.row / size + neuron.place[1] - (row + 0.5) / layer.height
        return QRectF(left, top, side, side)

    # Filters

    @property
    def _by_reach(self) -> bool:
        return self._gauge.known is not None and self._settings.neuron_order == "reach"

    def strengths(self, maps: Floats) -> Floats:
        """Maxima, or what share of a filter's reach they are."""
        highest, known = strengths(maps, "maximum"), self._gauge.known
        if known is None or not self._by_reach or len(highest) != known.filters:
            return highest
        return np.divide(highest, known.reach, out=np.zeros_like(highest), where=known.reach > 0)

    def _lines(self, channel: int) -> dict[int, str]:
        """Colours of the filters to follow: the pinned ones, and the chosen one."""
        count = self.look.features.maps.shape[0] if self.look.features is not None else 0
        pinned = [each for each in self.look.pinned if each < count][:MOST_LINES]
        colours = self._theme.classes[2:] + self._theme.classes[:1]
        lines = {each: colours[place % len(colours)] for place, each in enumerate(pinned)}
        return lines if channel in lines else {**lines, channel: self._theme.accent}

    def _line(self, channel: int, colour: str, chosen: int) -> Line:
        known = self._gauge.known
        unit = 0 if known is None else int(known.unit[channel])
        name = self.look.tile(channel).name or f"#{channel}"
        return Line(
            channel, colour, self._gauge.full(channel), f"{name} AU {unit}" if unit else name, channel == chosen
        )

    def _show_size(self) -> None:
        if self.look.layer is not None:
            words = self.look.layer.layer.size_text.replace("map", "filter")
            self._size.setText(words.split(" of ")[0] if self.narrow else words)

    def _show_order(self) -> None:
        self.order.button("reach").setEnabled(self._gauge.known is not None)
        self.order.button("reach").setToolTip(
            "Activation over the 99th percentile of the filter's maxima (H)"
            if self._gauge.known is not None
            else "What a filter reaches is known from a neuron atlas only"
        )
        self.order.show_key("reach" if self._by_reach else "activation")

    # Putting it together

    def _lay_out(self) -> None:
        self._count.setText(KEYS)
        self._note, self._label = QLabel(""), QLabel("Strongest by")
        for label in (self._note, self._label):
            label.setProperty("role", "quiet")
        self._note.setWordWrap(True)
        self._note.hide()
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._title)
        head.addWidget(self._size)
        head.addStretch(1)
        head.addWidget(self._label)
        head.addWidget(self.order)
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self.scale)
        middle = QVBoxLayout()
        middle.setContentsMargins(18, 14, 18, 8)
        middle.setSpacing(8)
        middle.addLayout(head)
        middle.addWidget(self._note)
        middle.addWidget(self.grid, 1)
        middle.addLayout(foot)
        middle.addWidget(self.strip)
        self.join(middle)
        self.carrier.arrived.connect(self._take_carried)
        self.carrier.failed.connect(self._take_refused)
        self.grid.resized.connect(self._show_neurons)
        self.order.chosen.connect(lambda key: self.wanted.emit("neuron_order", key))
