"""How a filter stands now: its activation against what it reaches, and where on the face it is highest."""

from app.gui import names, neuron_words
from app.gui.layer_look import LayerLook
from app.gui.map_colours import UNIT
from app.gui.neuron_grid import Neuron
from core.geometry import Floats
from core.neurons import LayerAtlas
from core.regions import OUTSIDE, REGIONS, Mode, partition
from core.types import FaceResult


class NeuronGauge:
    """Reads the filters of the layer that is looked into."""

    def __init__(self, look: LayerLook) -> None:
        self._look = look

    @property
    def known(self) -> LayerAtlas | None:
        """What the layer's filters look for; None where nobody has looked."""
        return None if self._look.layer is None else self._look.layer.known

    @property
    def has_places(self) -> bool:
        """Whether its maps have places on the face."""
        opened = self._look.layer
        return opened is not None and opened.layer.height * opened.layer.width > 1

    def full(self, channel: int) -> float:
        """Activation at the full scale of a filter: what it reaches, else what is strong for the layer."""
        known, opened = self.known, self._look.layer
        if known is not None and known.reach[channel] > 0:
            return float(known.reach[channel])
        return 1.0 if opened is None else opened.reference

    def neuron(self, channel: int, values: Floats, colour: str) -> Neuron:
        """How a filter stands, by its map [height, width] of this frame."""
        highest, known = int(values.argmax()), self.known
        activation = float(values.flat[highest])
        row, column = divmod(highest, values.shape[1])
        opened = self._look.layer
        active = activation > 0 or (opened is not None and opened.layer.signed)
        place = ((column + 0.5) / values.shape[1], (row + 0.5) / values.shape[0])
        return Neuron(
            activation,
            activation / self.full(channel),
            place if active and values.size > 1 else None,
            "" if known is None else neuron_words.unit_line(known, channel, short=False),
            "" if known is None else neuron_words.unit_line(known, channel, short=True),
            known is not None and bool(known.unit[channel]),
            colour,
        )

    def words(self, face: FaceResult, neuron: Neuron, mode: Mode) -> str:
        """How strong it is, how much of its reach that is, and in which region of the face it lies."""
        parts = [f"{names.compact(neuron.activation)} {UNIT}"]
        if self.known is not None:
            parts.append(f"{names.percent(neuron.share)} of its reach")
        if not self.has_places:
            parts.append("sees the whole face")
        elif neuron.place is None:
            parts.append("nowhere")
        else:
            size = face.crop.size
            labels = partition(face.crop.landmarks(face.observation), size, mode).labels
            column, row = (min(int(each * size), size - 1) for each in neuron.place)
            place = int(labels[row, column])
            parts.append("outside the face" if place == OUTSIDE else names.region_text(REGIONS[place]))
        return " · ".join(part.replace(" ", "\u00a0") for part in parts)
