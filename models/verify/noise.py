"""How far the mesh of one and the same face trembles: ``python -m models.verify noise``.

Every still is seen many times with a shift of at most one pixel, another brightness and fresh sensor noise, at several
sizes, and turned as a head. What the estimates then do is error: nobody moved a muscle. `core.noise` keeps what this
prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import Reading, compare, read
from core.action_units.estimate import PLACES, Kind
from core.action_units.motion import motion
from core.faces import FaceFinder
from core.geometry import Image
from core.opencv import cv2
from models.data.stimuli import turned
from models.verify.units import TURNS, Still, stills_of

SIZES_PX: Final = (20, 32, 50, 80, 120)  # inter-ocular distances
SHIFT_PX: Final = 1.0  # most, in every direction
BRIGHTNESS: Final = 0.05  # standard deviation of the gain
SENSOR: Final = 2.0  # standard deviation of a pixel, grey levels
UNITS: Final = (4, 6, 7, 9, 10, 43)
KINDS: Final[tuple[Kind, ...]] = ("mesh", "texture", "motion")


@dataclass(frozen=True)
class Trembling:
    """Standard deviations over the views of one still.

    Attributes
    ----------
    points
        float64 [3]: of a landmark along the picture's x and y and in depth, posed, inter-ocular distances.
    cells
        Of a texture cell.
    patches
        Root mean square of a patch's motion since the first view, inter-ocular distances.
    units
        float64 [KINDS, UNITS]: of the estimates before they are cut, mean of both sides, against the face's own first
        view.
    """

    name: str
    size_px: float
    points: NDArray[np.float64]
    cells: float
    patches: float
    units: NDArray[np.float64]


def report(data: Path | None, seed: int, views: int) -> None:
    """Print the trembling of every still at every size."""
    found: list[Trembling] = []
    turns = []
    for still in stills_of(data):
        turns.append(_turns(still))
        for size_px in SIZES_PX:
            readings = _readings(still, size_px, views, np.random.default_rng(seed))
            if len(readings) < views // 2:
                print(f"{still.name:22} {size_px:4} px: found {len(readings)} of {views} times, left out")
                continue
            found.append(_trembling(still.name, size_px, readings))
            print(_line(found[-1]), flush=True)
    names = (*(f"own neutral face by {kind}" for kind in KINDS), "norm")
    for name, change in zip(names, np.sqrt(np.nanmean(np.square(turns), axis=(0, 2))), strict=True):
        print(f"units per degree of turn, against the {name}: {' '.join(f'{value:.3f}' for value in change)}")
    for size_px in SIZES_PX:
        _summary([each for each in found if each.size_px == size_px], f"{size_px} px")
    _summary(found, "any size")


def _turns(still: Still) -> NDArray[np.float64]:
    """What the units take a turned head for: change of the estimates per degree, float64 [4, turns, UNITS].

    Against the face's own picture from the front by the mesh, by texture and by motion, and against the norm. Degrees
    are those that are read back, as in `core.noise`.
    """
    front, *found = [turned(still.image, still.landmarks, *turn) for turn in TURNS]
    change = np.stack([found_deg.posed.angles_deg - front.posed.angles_deg for found_deg in found])
    degrees = np.linalg.norm(change, axis=1)[:, None]
    seen = np.array([each.cells is not None for each in found])[:, None]
    own = [np.stack([_units(_bare(each, kind), _bare(front, kind)) for each in found]) for kind in KINDS]
    norm = np.stack([_units(each, None) - _units(front, None) for each in found])
    per_degree: NDArray[np.float64] = np.stack([*own, norm]) / degrees
    return np.where(seen, per_degree, np.nan)


def _bare(reading: Reading, kind: Kind) -> Reading:
    """A reading with no more than what this kind of comparison needs."""
    if kind == "motion":
        return reading
    return replace(reading, flat=None, cells=reading.cells if kind == "texture" else None)


def _units(reading: Reading, neutral: Reading | None) -> NDArray[np.float64]:
    """The estimates of `UNITS` before they are cut, mean of both sides."""
    estimates: NDArray[np.float64] = compare(reading, neutral).raw.mean(axis=0)[[PLACES[au] for au in UNITS]]
    return estimates


def _readings(still: Still, size_px: float, views: int, generator: np.random.Generator) -> list[Reading]:
    distance = float(np.linalg.norm(still.landmarks[[33, 133], :2].mean(0) - still.landmarks[[362, 263], :2].mean(0)))
    scale = size_px / distance
    side = round(still.image.shape[0] * scale)
    finder, readings = FaceFinder(max_faces=1), []
    for _ in range(views):
        faces = finder.find(view := _view(still.image, scale, side, generator))
        readings += [read(face.landmarks, view) for face in faces]
    finder.close()
    return readings


def _view(image: Image, scale: float, side: int, generator: np.random.Generator) -> Image:
    smaller = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    matrix = np.column_stack([np.eye(2), generator.uniform(-SHIFT_PX, SHIFT_PX, 2)])
    seen = cv2.warpAffine(smaller, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    seen = seen * generator.normal(1, BRIGHTNESS) + generator.normal(0, SENSOR, seen.shape)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)


def _trembling(name: str, size_px: float, readings: Sequence[Reading]) -> Trembling:
    deviations = np.stack([each.posed.points for each in readings])
    deviations = (deviations - deviations.mean(axis=0)) @ readings[0].posed.rotation.T
    freedom = len(readings) / (len(readings) - 1)
    points = np.sqrt((deviations**2).mean(axis=(0, 1)) * freedom)
    cells = [each.cells for each in readings if each.cells is not None]
    pictured = [each for each in readings if each.flat is not None]
    flat = pictured[0].flat
    motions = [motion(flat, each.flat) for each in pictured[1:] if flat is not None and each.flat is not None]
    chosen = {kind: [_bare(each, kind) for each in pictured] for kind in KINDS}
    units = [np.std([_units(each, of[0]) for each in of[1:]], axis=0, ddof=1) for of in chosen.values()]
    patches = float(np.sqrt(np.square(motions).mean()))
    return Trembling(name, size_px, points, float(np.std(cells, axis=0, ddof=1).mean()), patches, np.stack(units))


def _line(each: Trembling) -> str:
    return f"{each.name:22} {each.size_px:4.0f} px: {_values(each)}"


def _values(each: Trembling) -> str:
    x, y, z = each.points
    units = "  ".join(" ".join(f"{value:4.2f}" for value in row) for row in each.units)
    return f"x {x:.4f} y {y:.4f} z {z:.4f}  cell {each.cells:.4f}  patch {each.patches:.4f}  units {units}"


def _summary(alike: Sequence[Trembling], size: str) -> None:
    if not alike:
        return
    points = np.sqrt(np.mean([each.points**2 for each in alike], axis=0))
    units = np.sqrt(np.mean([each.units**2 for each in alike], axis=0))
    cells, patches = (
        float(np.sqrt(np.mean(np.square(values))))
        for values in ([each.cells for each in alike], [each.patches for each in alike])
    )
    print(f"root mean square of {len(alike):2}, {size}: {_values(Trembling('', 0, points, cells, patches, units))}")
