"""What the layers inside a pack's network answer to a face: any layer with feature maps, at one forward pass."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from core import scales
from core.errors import ExplainError, UnknownName
from core.explain.feature_layers import FeatureLayer, FeatureLayers
from core.explain.graph import plain
from core.explain.runs import run_in_batches
from core.geometry import Floats, Image
from core.model import Model
from core.sessions import fixed_of
from core.types import Crop, FaceObservation, Features

KEPT: Final = 3  # sessions, each with the weights of its own: going one layer back is at once
OUTPUT: Final = "mienscope_activation"
STEPS: Final = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)  # of scales, within a power of ten
LEAST_PX: Final = 8  # a layer to begin with has maps in which places on the face can be told


class Activations:
    """The layers of one model, each in a session of its own, made when it is first asked for. Any thread may ask."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._lock = threading.Lock()  # of the graph and the tables; sessions run side by side
        self._sessions: OrderedDict[str, Any] = OrderedDict()
        self._references: dict[str, float] = {}

    @property
    def pack(self) -> str:
        """Id and version of the pack."""
        return f"{self.model.pack.id} {self.model.pack.manifest.version}"

    @property
    def layers(self) -> tuple[FeatureLayer, ...]:
        """The layers with feature maps, from the picture to the logits."""
        with self._lock:
            return self._graph.layers

    @property
    def left_out(self) -> tuple[str, ...]:
        """The layers without: tokens, attention, signals, whose numbers have no place in the picture."""
        with self._lock:
            return self._graph.left_out

    def layer(self, key: str) -> FeatureLayer:
        """The layer of that key. UnknownName lists the keys there are."""
        for layer in self.layers:
            if layer.key == key:
                return layer
        raise UnknownName("layer with feature maps", key, (layer.key for layer in self.layers))

    def first_choice(self) -> FeatureLayer:
        """A layer to begin with: the deepest behind a non-linearity in whose maps places on the face can be told."""
        layers = self.layers
        if not layers:
            raise ExplainError(f"Pack {self.pack} has no layer with feature maps.")
        told = [layer for layer in layers if min(layer.height, layer.width) >= LEAST_PX] or list(layers)
        return next((layer for layer in reversed(told) if not layer.signed), told[-1])

    def read(self, crops: Sequence[Crop], layer: FeatureLayer) -> Floats:
        """The layer's maps for every crop, float32 [faces, channels, height, width], in the layer's own unit."""
        if not crops:
            return np.zeros((0, layer.channels, layer.height, layer.width), np.float32)
        return self.answers(self.model.faces(crops), layer)[1]

    def answers(self, faces: Image, layer: FeatureLayer) -> tuple[Floats, Floats]:
        """Logits [n, classes] and maps [n, channels, height, width] of faces uint8 [n, channels, size, size]."""
        session = self._session(layer)
        logits, maps = run_in_batches(
            session,
            {session.get_inputs()[0].name: faces},
            [each.name for each in session.get_outputs()],
            fixed_of(session),
        )
        return logits, maps.reshape(len(faces), layer.channels, layer.height, layer.width)

    def giving(self, layer: FeatureLayer) -> bytes:
        """The pack's model with the layer's maps as its output `OUTPUT`, for whoever explains a filter."""
        with self._lock:
            return self._graph.giving(layer, OUTPUT)

    def reference(self, layer: FeatureLayer) -> float:
        """Strong activation for this layer: what display scales are multiples of. Measured when first asked for.

        The median over some of the pack's golden faces of the layer's largest absolute value, rounded up to a number
        that is easily read; 1 for a layer that stays 0.
        """
        if layer.key not in self._references:
            faces = self.model.pack.golden_faces()
            _, maps = self.answers(faces[scales.chosen(len(faces))], layer)
            largest = float(np.median(np.abs(maps).max(axis=(1, 2, 3))))
            self._references[layer.key] = _rounded_up(largest) if largest > 0 else 1.0
        return self._references[layer.key]

    @cached_property
    def _graph(self) -> FeatureLayers:
        return FeatureLayers(plain(self.model.pack.model_path))

    def _session(self, layer: FeatureLayer) -> Any:
        with self._lock:
            if layer.key not in self._sessions:
                self._sessions[layer.key] = self.model.sessions.passing(self._graph.giving(layer, OUTPUT))
            self._sessions.move_to_end(layer.key)
            while len(self._sessions) > KEPT:
                self._sessions.popitem(last=False)
            return self._sessions[layer.key]


def _rounded_up(value: float) -> float:
    power = 10.0 ** np.floor(np.log10(value))
    return float(f"{power * next(step for step in STEPS if step >= 0.999 * value / power):.2g}")


@dataclass(frozen=True)
class Probe:
    """One layer that is read for one face of every frame."""

    activations: Activations
    layer: FeatureLayer
    face_id: int

    def read(self, model: Model, observations: Sequence[FaceObservation], crops: Sequence[Crop]) -> Features | None:
        """What the layer makes of the face; None where it is not in the frame, or another model reads by now."""
        cut = next((cut for seen, cut in zip(observations, crops, strict=True) if seen.face_id == self.face_id), None)
        if cut is None or model is not self.activations.model:
            return None
        maps = self.activations.read([cut], self.layer)[0]
        return Features(self.face_id, self.activations.pack, self.layer.key, maps)
