"""How far the mesh of one and the same face trembles: ``python -m models.verify noise``.

Every still is seen many times with a shift of at most one pixel, another brightness and fresh sensor noise, at several
sizes, and turned as a head. What the estimates then do is error: nobody moved a muscle. `core.noise` keeps what this
prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.action_units import Reading, read
from core.action_units.estimate import PLACES, raw
from core.faces import FaceFinder
from core.geometry import Image
from core.opencv import cv2
from core.stimulus import Pose
from models.data.stimuli import Command, show
from models.verify.units import TURNS, Still, stills_of

SIZES_PX: Final = (20, 32, 50, 80, 120)  # inter-ocular distances
SHIFT_PX: Final = 1.0  # most, in every direction
BRIGHTNESS: Final = 0.05  # standard deviation of the gain
SENSOR: Final = 2.0  # standard deviation of a pixel, grey levels
UNITS: Final = (4, 6, 7, 9, 10, 43)


@dataclass(frozen=True)
class Trembling:
    """Standard deviations over the views of one still.

    Attributes
    ----------
    points
        float64 [3]: of a landmark along the picture's x and y and in depth, posed, inter-ocular distances.
    cells
        Of a texture cell.
    units
        float64 [2, UNITS]: of the estimates before they are cut, mean of both sides, against the face's own first view:
        the mesh alone, with texture.
    """

    name: str
    size_px: float
    points: NDArray[np.float64]
    cells: float
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
    for name, change in zip(("own neutral face", "norm"), np.sqrt(np.square(turns).mean(axis=(0, 2))), strict=True):
        print(f"units per degree of turn, against the {name}: {' '.join(f'{value:.3f}' for value in change)}")
    for size_px in SIZES_PX:
        _summary([each for each in found if each.size_px == size_px], f"{size_px} px")
    _summary(found, "any size")


def _turns(still: Still) -> NDArray[np.float64]:
    """What the units take a turned head for: change of the estimates per degree, float64 [2, turns, UNITS].

    Against the face's own picture from the front, and against the norm.
    """
    commands = [Command({}, pose) for pose in (Pose(), *TURNS)]
    front, *turned = show(still.image, still.landmarks, commands, still.baseline)
    places = [PLACES[au] for au in UNITS]
    degrees = np.array([np.hypot(pose.yaw_deg, pose.pitch_deg) for pose in TURNS])[:, None]
    changes = [
        np.stack([(raw(each, norm) - raw(front, norm)).mean(axis=0)[places] for each in turned])
        for norm in (front, None)
    ]
    per_degree: NDArray[np.float64] = np.stack(changes) / degrees
    return per_degree


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
    places = [PLACES[au] for au in UNITS]
    bare = [Reading(each.posed, each.measures) for each in readings]
    units = [
        np.std([raw(each, chosen[0]).mean(axis=0)[places] for each in chosen], axis=0, ddof=1)
        for chosen in (bare, [each for each in readings if each.cells is not None])
    ]
    return Trembling(name, size_px, points, float(np.std(cells, axis=0, ddof=1).mean()), np.stack(units))


def _line(each: Trembling) -> str:
    return f"{each.name:22} {each.size_px:4.0f} px: {_values(each)}"


def _values(each: Trembling) -> str:
    x, y, z = each.points
    units = "  ".join(" ".join(f"{value:4.2f}" for value in row) for row in each.units)
    return f"x {x:.4f} y {y:.4f} z {z:.4f}  cell {each.cells:.4f}  units {units}"


def _summary(alike: Sequence[Trembling], size: str) -> None:
    if not alike:
        return
    points = np.sqrt(np.mean([each.points**2 for each in alike], axis=0))
    units = np.sqrt(np.mean([each.units**2 for each in alike], axis=0))
    cells = float(np.sqrt(np.mean([each.cells**2 for each in alike])))
    print(f"root mean square of {len(alike):2}, {size}: {_values(Trembling('', 0, points, cells, units))}")
