"""From a mesh to action units."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.action_units.fitted import fitted
from core.action_units.measures import measured
from core.action_units.motion import motion
from core.action_units.network import narrowness, network
from core.action_units.pose import Posed, posed
from core.action_units.texture import cells, flattened
from core.action_units.units import MAX, UNITS
from core.geometry import Floats, Image, frozen


@dataclass(frozen=True)
class Reading:
    """What was measured of a face, before it is held against a norm. Kept of a neutral face, it is that norm.

    Attributes
    ----------
    posed
        The face in the canonical frame, and its pose.
    measures
        float64 [2, measures]: right and left, inter-ocular distances.
    cells
        float32 [2, CELLS]: its texture, see `core.action_units.texture`; None without a picture, or turned away.
    flat
        uint8 [HEIGHT, WIDTH]: its picture laid flat, in which the skin's motion is followed from a neutral face to
        another. None as `cells` is, or where whoever keeps a neutral face keeps no picture.
    """

    posed: Posed
    measures: NDArray[np.float64]
    cells: Floats | None = None
    flat: Image | None = None

    def features(self, textured: bool) -> NDArray[np.float64]:
        """Measures, and the texture behind them if that is asked for: float64 [2, measures (+ CELLS)]."""
        if not textured:
            return self.measures
        if self.cells is None:
            raise ValueError("the texture of a face was asked for that was read without a picture")
        return np.concatenate([self.measures, self.cells], axis=1)


@dataclass(frozen=True)
class ActionUnits:
    """Intensities 0..5 (FACS A = 1 .. E = 5) in the order of `UNITS`, float32 [units]; the sides are the person's."""

    right: Floats
    left: Floats

    def __post_init__(self) -> None:
        for name in ("right", "left"):
            values: NDArray[Any] = getattr(self, name)
            if values.shape != (len(UNITS),):
                raise ValueError(f"action units need one value per unit of {len(UNITS)}, got shape {values.shape}")
            object.__setattr__(self, name, frozen(values))

    @cached_property
    def both(self) -> Floats:
        """Mean of the two sides, float32 [units]: a unit on one side alone counts half, and noise is halved too."""
        mean: Floats = frozen((self.right + self.left) / 2)
        return mean

    def of(self, au: int) -> float:
        """Intensity of a unit by its FACS number, mean of both sides."""
        return float(self.both[PLACES[au]])


PLACES: Mapping[int, int] = {unit.au: place for place, unit in enumerate(UNITS)}


def read(landmarks: Floats, image: Image | None = None) -> Reading:
    """Measure one face.

    Parameters
    ----------
    landmarks
        float32 [478, 3]: x, y in px, z at the same scale (smaller is nearer), as in `FaceObservation`.
    image
        The picture that they lie in, RGB uint8 [height, width, 3] or grey uint8 [height, width]. Without it the mesh
        alone is measured, which hardly sees brows and cheeks.
    """
    if landmarks.shape != (478, 3):
        raise ValueError(f"action units need landmarks [478, 3] of one face, got {landmarks.shape}")
    face = posed(landmarks)
    flat = None if image is None else flattened(image, face)
    return Reading(face, measured(face.points), None if flat is None else cells(flat), flat)


def estimate(face: Reading | Floats, neutral: Reading | None = None, image: Image | None = None) -> ActionUnits:
    """Estimate every unit of one face.

    Parameters
    ----------
    face
        Landmarks float32 [478, 3] as `read` takes them, or what it gave.
    neutral
        The same person's face at rest, chosen by somebody: never taken by itself, since it subtracts what it shows.
        Without it the population's norm counts, and what is peculiar to a face is taken for what it does.
    image
        The picture, where `face` are landmarks.
    """
    reading = face if isinstance(face, Reading) else read(face, image)
    return compare(reading, neutral).units


Kind: TypeAlias = Literal["mesh", "texture", "motion"]
Weighed: TypeAlias = Literal["mesh", "texture"]  # the kinds whose units are weighted sums


@dataclass(frozen=True)
class Comparison:
    """A face held against the norm, or against the same person's neutral face.

    Attributes
    ----------
    change
        float64 [2, features]: right and left. First come the measures; then, where the picture is known of both, the
        skin's motion since the neutral face, or else the texture.
    kind
        What the features are, besides measures.
    own
        Whether it is held against a neutral face of its own.
    moved
        float64 [478, 3]: how far the landmarks have moved, canonical frame.
    eyes
        How narrow the eyes of the neutral face are, see `core.action_units.network`.
    """

    change: NDArray[np.float64]
    kind: Kind
    own: bool
    moved: NDArray[np.float64]
    eyes: float = 1.0

    @cached_property
    def raw(self) -> NDArray[np.float64]:
        """The estimates before they are cut to 0..5, float64 [2, units]."""
        if self.kind == "motion":
            return network().raw(self.change, self.eyes)
        estimates: NDArray[np.float64] = self.change @ gains(self.kind, self.own)
        return estimates

    @cached_property
    def units(self) -> ActionUnits:
        """The estimates."""
        right, left = np.clip(self.raw, 0, MAX).astype(np.float32)
        return ActionUnits(right, left)


def compare(reading: Reading, neutral: Reading | None = None) -> Comparison:
    """Hold a face against the population's norm, or against a neutral face: see `estimate`."""
    before = norm() if neutral is None else neutral
    moved = reading.posed.points - before.posed.points
    if reading.flat is not None and before.flat is not None:
        change = np.hstack([reading.measures - before.measures, motion(before.flat, reading.flat)])
        return Comparison(change, "motion", True, moved, narrowness(before.measures))
    textured = reading.cells is not None and before.cells is not None
    change = reading.features(textured) - before.features(textured)
    return Comparison(change, "texture" if textured else "mesh", neutral is not None, moved)


def gains(kind: Weighed, own: bool) -> Floats:
    """Intensity per unit of each feature's change, float32 [features, units]; motion has a network instead."""
    numbers = fitted()
    table: Floats = (numbers.full_gains if kind == "texture" else numbers.mesh_gains)[int(own)]
    return table


@cache
def norm() -> Reading:
    """The population's neutral face, read."""
    numbers = fitted()
    return Reading(
        posed(numbers.points.astype(np.float32)), measured(numbers.points), frozen(np.stack([numbers.cells] * 2))
    )
