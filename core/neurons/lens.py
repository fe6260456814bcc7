"""The neuron lens: where each filter of a layer is most active over a collection of faces, and by which pixels.

Of every filter the spatial maximum is taken per picture; the pictures in which it is highest are its top pictures; the
maximum of a top picture is carried back to the pixels, seeded at the filter itself in place of the logits (SCIENCE
1.2); and what lies beyond the pixels that the maximum sees is cut off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from core.activations import OUTPUT, Activations
from core.errors import ExplainError
from core.explain import Explainer
from core.explain.compiler import named_method
from core.explain.feature_layers import FeatureLayer
from core.explain.fields import fields
from core.explain.graph import Classifier, read
from core.explain.runs import BATCHES
from core.geometry import Floats, Image
from core.neurons.atlas import MIDDLE
from core.opencv import cv2

PATTERNS: Final = (
    "guided_backprop",
    "deconvnet",
)  # the methods of SCIENCE 1.2; any that maps one run to pixels will do
CHUNK: Final = BATCHES[-1]  # pictures that are in memory at a time, with all maps of the layer
STRONGEST: Final = 255 - MIDDLE  # steps of grey between no say and the strongest


class Faces(Protocol):
    """Faces as the model takes them, uint8 [n, channels, size, size], made when they are asked for. Arrays are such."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, rows: NDArray[np.int64], /) -> Image:
        """The faces of these numbers."""


@dataclass(frozen=True, eq=False)
class Maxima:
    """Where each filter is most active in each picture.

    Attributes
    ----------
    values
        float32 [images, filters], the spatial maximum, in the layer's own unit.
    places
        int16 [images, filters, 2], row and column of its first place in the layer's maps.
    """

    values: Floats
    places: NDArray[np.int16]

    def top(self, shown: int) -> NDArray[np.int64]:
        """Numbers of the pictures in which each filter is most active, strongest first: int64 [filters, shown]."""
        if not 0 < shown <= len(self.values):
            raise ExplainError(f"Top pictures can be 1 to {len(self.values)}, as many as there are; got {shown}.")
        return np.ascontiguousarray(np.argsort(-self.values, axis=0, kind="stable")[:shown].T)


@dataclass(frozen=True, eq=False)
class Patterns:
    """By which pixels the highest maxima of each filter came about.

    Attributes
    ----------
    top
        int64 [filters, shown]: numbers of the pictures, strongest first.
    maxima
        float32 [filters, shown]: the filter's maximum in each, in the layer's own unit.
    corners
        int16 [filters, shown, 2]: row and column of the crop at which each pattern begins; below 0 where what the
        maximum sees reaches beyond the crop.
    method
        Title of the method that drew them.
    maps
        float32 [filters, shown, side, side]: what the method gives for each pixel; 0 beyond the crop, and everywhere
        for a filter behind a non-linearity that is not active in that picture.
    """

    top: NDArray[np.int64]
    maxima: Floats
    corners: NDArray[np.int16]
    method: str
    maps: Floats

    @property
    def side_px(self) -> int:
        """Side of what a maximum sees, crop px."""
        return int(self.maps.shape[-1])

    def mean(self) -> Floats:
        """float32 [filters, 1, side, side]: the mean over the top pictures, each pattern scaled to the same strength.

        What the top pictures share remains; what belongs to one of them (and to whom it shows) averages out.
        """
        strongest = np.abs(self.maps).max(axis=(2, 3), keepdims=True)
        scaled = np.divide(self.maps, strongest, out=np.zeros_like(self.maps), where=strongest > 0)
        mean: Floats = scaled.mean(axis=1, keepdims=True, dtype=np.float32)
        return mean


@dataclass(frozen=True, eq=False)
class CarriedBack:
    """By which pixels of one face one filter came about at one place.

    Attributes
    ----------
    row, column
        Where the square that the place sees begins, crop px; below 0 where it reaches beyond the crop.
    map
        float32 [side, side]: what the method gives for each pixel of that square; 0 beyond the crop.
    """

    row: int
    column: int
    map: Floats


def grey(maps: Floats, largest_px: int) -> NDArray[np.uint8]:
    """Maps [filters, shown, side, side] as greys around `MIDDLE`, each on its own scale, at most `largest_px` wide."""
    side = maps.shape[-1]
    flat = maps.reshape(-1, side, side)
    if side > largest_px:
        flat = np.stack([cv2.resize(each, (largest_px, largest_px), interpolation=cv2.INTER_AREA) for each in flat])
    strongest = np.abs(flat).max(axis=(1, 2), keepdims=True)
    shares = np.divide(flat, strongest, out=np.zeros_like(flat), where=strongest > 0)
    pictures = np.rint(MIDDLE + STRONGEST * shares).astype(np.uint8)
    return np.reshape(pictures, (*maps.shape[:2], *pictures.shape[1:]))


class Lens:
    """One layer of a model under the lens.

    Parameters
    ----------
    method
        Key of the method that carries a maximum back to the pixels, usually one of `PATTERNS`.
    """

    def __init__(self, activations: Activations, layer: FeatureLayer, method: str = PATTERNS[0]) -> None:
        row = named_method(method)
        if row.runs_often or row.reading not in ("factor", "relevance"):
            raise ExplainError(f"{row.title} does not carry a filter's maximum to the pixels in one run.")
        self.activations, self.layer, self.method = activations, layer, row

    def maxima(self, faces: Faces, seen: Callable[[int], None] = lambda _: None) -> Maxima:
        """Look for every filter's maximum in every face. `seen` is told how many faces were read, now and then."""
        layer, count = self.layer, len(faces)
        values = np.empty((count, layer.channels), np.float32)
        places = np.empty((count, layer.channels, 2), np.int16)
        for start in range(0, count, CHUNK):
            rows = np.arange(start, min(start + CHUNK, count))
            maps = self.activations.answers(faces[rows], layer)[1].reshape(len(rows), layer.channels, -1)
            highest = maps.argmax(axis=2)
            values[rows] = np.take_along_axis(maps, highest[..., None], axis=2)[..., 0]
            places[rows] = np.stack(np.divmod(highest, layer.width), axis=-1)
            seen(len(rows))
        if not np.isfinite(values).all():
            raise ExplainError(f"Layer {layer.key} gives numbers that are not finite.")
        return Maxima(values, places)

    def patterns(
        self, faces: Faces, maxima: Maxima, shown: int, seen: Callable[[int], None] = lambda _: None
    ) -> Patterns:
        """Carry every filter's highest maxima back to the pixels. `seen` is told how many were, now and then."""
        top = maxima.top(shown)
        filters = np.arange(self.layer.channels)[:, None]
        corners = self._support.corners(maxima.places[top, filters])
        side = self._support.side_px
        maps = np.zeros((*top.shape, side, side), np.float32)
        found = Patterns(top, maxima.values[top, filters], corners, self.method.title, maps)
        # Where a layer cannot go below zero, a filter that stays at zero was not active: there is nothing to explain.
        active = np.argwhere((found.maxima > 0) | self.layer.signed)
        for start in range(0, len(active), CHUNK):
            pairs = active[start : start + CHUNK]
            seeds = np.eye(self.layer.channels, dtype=np.float32)[pairs[:, 0]]
            whole = self._explainer.explain(faces[top[tuple(pairs.T)]], seeds).relevance
            for (number, place), each in zip(pairs, whole, strict=True):
                row, column = corners[number, place].tolist()
                maps[number, place] = cut(each, row, column, side)
            seen(len(pairs))
        return found

    def carry_back(self, face: Image, channel: int, place: tuple[int, int]) -> CarriedBack:
        """Carry one filter's maximum in one face, uint8 [channels, size, size], back to the pixels.

        `place` is the row and column of that maximum, as found on the way forward: it tells the square to cut.
        """
        seed = np.zeros((1, self.layer.channels), np.float32)
        seed[0, channel] = 1.0
        whole = self._explainer.explain(face[None], seed).relevance[0]
        row, column = (int(each) for each in self._support.corners(np.array(place, np.int16)))
        return CarriedBack(row, column, cut(whole, row, column, self._support.side_px))

    @cached_property
    def _graph(self) -> bytes:
        return self.activations.giving(self.layer)

    @cached_property
    def _explainer(self) -> Explainer:
        passing = self.activations.model.sessions.passing
        explainer = Explainer(self._graph, self.method, at=OUTPUT, session=passing)
        if explainer.classes != self.layer.channels:
            raise ExplainError(
                f"Layer {self.layer.key} cannot be seeded filter by filter: {self.layer.channels} filters are "
                f"expected, its graph has {explainer.classes} scores."
            )
        return explainer

    @cached_property
    def _support(self) -> "Support":
        return support_of(read(self._graph, OUTPUT), (self.layer.height, self.layer.width))


@dataclass(frozen=True)
class Support:
    """Which pixels the places of a layer see, as squares of one size.

    Attributes
    ----------
    rows, columns
        int16 [height], [width]: where the square of each row and column of the maps begins, crop px.
    """

    rows: NDArray[np.int16]
    columns: NDArray[np.int16]
    side_px: int

    def corners(self, places: NDArray[np.int16]) -> NDArray[np.int16]:
        """Begin of the squares of places [..., 2] of the maps, row and column in crop px."""
        return np.stack([self.rows[places[..., 0]], self.columns[places[..., 1]]], axis=-1)


def support_of(classifier: Classifier, size: tuple[int, int]) -> Support:
    """What the places of the maps see whose highest ones are a classifier's scores; all see all where that is lost.

    Gates, through which every pixel has a little say in every place, do not count.
    """
    node, whole = classifier.logits.producer(), max(classifier.size)
    value = node.inputs[0] if node is not None and node.op_type == "ReduceMax" else None
    field = fields(classifier).get(value) if value is not None else None
    if field is None or field.places != size:
        starts = [np.full(n, (axis - whole) // 2, np.int16) for n, axis in zip(size, classifier.size, strict=True)]
        return Support(starts[0], starts[1], whole)
    seen = [[np.flatnonzero(column) for column in matrix.T] for matrix in (field.rows, field.columns)]
    side = max(int(np.ptp(each)) + 1 for axis in seen for each in axis)
    starts = [_starts(axis, side, length) for axis, length in zip(seen, classifier.size, strict=True)]
    return Support(starts[0], starts[1], side)


def _starts(seen: list[NDArray[np.int64]], side: int, length: int) -> NDArray[np.int16]:
    """Where squares of one size begin that hold what each place sees; the picture's border may cut into that."""
    starts = []
    for each in seen:
        low, high = int(each[0]), int(each[-1]) + 1
        starts.append(low if low > 0 else high - side if high < length else (length - side) // 2)
    return np.array(starts, np.int16)


def cut(picture: Floats, row: int, column: int, side: int) -> Floats:
    """A square of a picture [height, width], 0 beyond its border: float32 [side, side]."""
    found = np.zeros((side, side), np.float32)
    height, width = picture.shape
    top, left, bottom, right = max(row, 0), max(column, 0), min(row + side, height), min(column + side, width)
    found[top - row : bottom - row, left - column : right - column] = picture[top:bottom, left:right]
    return found
