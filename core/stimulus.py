"""A face that moves with known action units, made from one still by warping its mesh: the demo, and ground truth.

::

    still, landmarks --> Puppet --.
    Track: events of action units  |--> frames --> (time, strengths, picture)
    Sway: slow head motion --------'

`deformations.ACTION_UNITS` says what each unit does to the mesh. Lengths are in inter-ocular distances (between the
centres of the two eyes), strengths run from 0 to 5 as in FACS (A = 1 .. E = 5). Directions are the face's own: outwards
from its midline and down along it, so a tilted face moves along its tilt. Left and right are the person's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.deformations import ACTION_UNITS, MAX_STRENGTH, OPENINGS, Crease, Effect, Gap, Opening, Pull
from core.geometry import FACE_OVAL, Floats, Image, Similarity, anchors
from core.warp import MeshWarp, smoothed


@dataclass(frozen=True)
class Pose:
    """Where the head is against the still: shift in inter-ocular distances, angles in degrees, scale."""

    right: float = 0.0
    down: float = 0.0
    roll_deg: float = 0.0
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    scale: float = 1.0


AT_REST: Final = Pose()


@dataclass(frozen=True)
class Event:
    """One action unit coming and going: from nothing at the onset to `strength` at the apex, held until the release."""

    au: int
    strength: float
    onset_s: float
    apex_s: float
    release_s: float
    offset_s: float

    def __post_init__(self) -> None:
        if self.au not in ACTION_UNITS:
            raise ValueError(f"the stimulus knows the action units {sorted(ACTION_UNITS)}, got {self.au}")
        if not 0 <= self.strength <= MAX_STRENGTH:
            raise ValueError(f"a strength lies between 0 and {MAX_STRENGTH:g}, got {self.strength}")
        if not self.onset_s < self.apex_s <= self.release_s < self.offset_s:
            raise ValueError(f"an event needs onset < apex <= release < offset, got {self}")

    def strength_at(self, time_s: float) -> float:
        """Strength at a time, 0..5; rises and falls smoothly (3 u^2 - 2 u^3)."""
        rise = (time_s - self.onset_s) / (self.apex_s - self.onset_s)
        fall = (self.offset_s - time_s) / (self.offset_s - self.release_s)
        u = min(max(min(rise, fall), 0.0), 1.0)
        return self.strength * u * u * (3 - 2 * u)


@dataclass(frozen=True)
class Sway:
    """Slow head motion that comes back to its beginning after `period_s`."""

    extent: Pose
    period_s: float

    def at(self, time_s: float) -> Pose:
        """The pose at a time; at rest for times 0, period, 2 period ..."""
        turn = 2 * np.pi * time_s / self.period_s
        slow, double, triple = (float(np.sin(n * turn)) for n in (1, 2, 3))
        e = self.extent
        return Pose(
            right=e.right * slow,
            down=e.down * double,
            roll_deg=e.roll_deg * (0.7 * slow + 0.3 * triple),
            yaw_deg=e.yaw_deg * double,
            pitch_deg=e.pitch_deg * triple,
            scale=1 + (e.scale - 1) * slow,
        )


@dataclass(frozen=True)
class Track:
    """What the face does when: the ground truth."""

    events: tuple[Event, ...]
    duration_s: float
    sway: Sway | None = None

    def strengths(self, time_s: float) -> dict[int, float]:
        """Every unit's strength at a time, 0..5; where events of one unit overlap, the stronger one."""
        strengths = dict.fromkeys(sorted(ACTION_UNITS), 0.0)
        for event in self.events:
            strengths[event.au] = max(strengths[event.au], event.strength_at(time_s))
        return strengths

    def pose(self, time_s: float) -> Pose:
        """The head's pose at a time."""
        return AT_REST if self.sway is None else self.sway.at(time_s)


@dataclass(frozen=True)
class StimulusFrame:
    """One picture of a stimulus with what is true of it: RGB uint8 [height, width, 3] and landmarks [478, 2], px."""

    timestamp_s: float
    strengths: Mapping[int, float]
    image: Image
    landmarks: Floats


class Puppet:
    """A still whose face moves.

    Parameters
    ----------
    still
        RGB uint8 [height, width, 3] with one face, roughly from the front.
    landmarks
        float32 [478, 3], the face's mesh in px of the still; z at the same scale.
    baseline
        The strengths that the still itself shows, for example a smile. Rendering them gives the still; less undoes it.
    """

    def __init__(self, still: Image, landmarks: Floats, baseline: Mapping[int, float] | None = None) -> None:
        self._still = still
        self._baseline = dict(baseline or {})
        self._face = _FaceFrame.of(landmarks)
        self._rest = self._face.points.copy()
        self._depth = landmarks[:, 2] - landmarks[list(FACE_OVAL), 2].mean()
        self._pulls = {au: self._face.pulled(effects) for au, effects in ACTION_UNITS.items()}
        self._edges = {name: _Edges.of(opening, self._face) for name, opening in OPENINGS.items()}
        outlines = [opening.outline for opening in OPENINGS.values()]
        self._warp = MeshWarp(still, self._smooth(), self._rest, FACE_OVAL, outlines)

    def render(self, strengths: Mapping[int, float], pose: Pose = AT_REST) -> Image:
        """The face with these strengths (missing units: 0), RGB uint8 [height, width, 3] as the still."""
        return self._warp.render(self._moved(strengths, pose), self._carry(pose), self._undone(strengths))

    def landmarks(self, strengths: Mapping[int, float], pose: Pose = AT_REST) -> Floats:
        """Where the mesh lies in the rendered picture, float32 [478, 2], px."""
        return self._moved(strengths, pose).astype(np.float32)

    def _smooth(self) -> Image:
        """The still without the folds of what it shows."""
        smooth = self._still
        for crease in (e for au in self._baseline for e in ACTION_UNITS[au] if isinstance(e, Crease)):
            spared = [self._rest[list(outline)] for outline in crease.sparing]
            reach_px, breadth_px = crease.reach * self._face.unit, crease.breadth * self._face.unit
            face = self._rest[list(FACE_OVAL)]
            smooth = smoothed(smooth, self._rest[list(crease.at)], face, spared, (reach_px, breadth_px))
        return smooth

    def _undone(self, strengths: Mapping[int, float]) -> float:
        """How much of the folds is gone, 0..1."""
        folding = [au for au in self._baseline if any(isinstance(e, Crease) for e in ACTION_UNITS[au])]
        shares = [1 - strengths.get(au, 0.0) / self._baseline[au] for au in folding if self._baseline[au] > 0]
        return float(np.clip(max(shares, default=0.0), 0, 1))

    def _moved(self, strengths: Mapping[int, float], pose: Pose) -> NDArray[np.float64]:
        change = {au: strengths.get(au, 0.0) - self._baseline.get(au, 0.0) for au in ACTION_UNITS}
        points = self._rest + sum((amount * self._pulls[au] for au, amount in change.items()), np.zeros((478, 2)))
        for au, effects in ACTION_UNITS.items():
            for gap in (effect for effect in effects if isinstance(effect, Gap)):
                for name in gap.openings:
                    points = self._edges[name].set(points, gap, strengths.get(au, 0.0), self._baseline.get(au, 0.0))
        points = points + self._turned(pose)
        carried: NDArray[np.float64] = self._carry(pose).apply(points.astype(np.float32)).astype(np.float64)
        return points if pose == AT_REST else carried

    def _turned(self, pose: Pose) -> NDArray[np.float64]:
        """Shift of each point by a small turn of the head, px: what lies nearer moves further."""
        yaw, pitch = np.sin(np.radians([pose.yaw_deg, pose.pitch_deg]))
        turned: NDArray[np.float64] = self._depth[:, None] * (
            -yaw * self._face.outwards_left - pitch * self._face.downwards
        )
        return turned

    def _carry(self, pose: Pose) -> Similarity:
        angle = np.radians(pose.roll_deg)
        a, b = pose.scale * np.cos(angle), pose.scale * np.sin(angle)
        x, y = self._face.centre
        shift = self._face.unit * (pose.right * self._face.outwards_left + pose.down * self._face.downwards)
        return Similarity(float(a), float(b), float(x - a * x + b * y + shift[0]), float(y - b * x - a * y + shift[1]))


def frames(puppet: Puppet, track: Track, fps: float) -> Iterator[StimulusFrame]:
    """Render a track: one picture at each multiple of 1 / fps before its end."""
    for index in range(round(track.duration_s * fps)):
        time_s = index / fps
        strengths, pose = track.strengths(time_s), track.pose(time_s)
        yield StimulusFrame(time_s, strengths, puppet.render(strengths, pose), puppet.landmarks(strengths, pose))


@dataclass(frozen=True)
class _FaceFrame:
    """The face's own axes and length, and its points at rest."""

    points: NDArray[np.float64]  # [478, 2], px
    centre: NDArray[np.float64]
    unit: float  # inter-ocular distance, px
    outwards_left: NDArray[np.float64]  # unit vector from the right eye to the left
    downwards: NDArray[np.float64]

    @classmethod
    def of(cls, landmarks: Floats) -> "_FaceFrame":
        right, left, _ = anchors(landmarks).astype(np.float64)
        across = left - right
        unit = float(np.hypot(*across))
        across /= unit
        points = landmarks[:, :2].astype(np.float64)
        centre = points[list(FACE_OVAL)].mean(axis=0)
        return cls(points, centre, unit, across, np.array([-across[1], across[0]]))

    def along(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points [n, 2] px in the face's axes, inter-ocular distances: to the person's left, down."""
        axes = np.stack([self.outwards_left, self.downwards], axis=1)
        offsets: NDArray[np.float64] = (points - self.centre) @ axes / self.unit
        return offsets

    def pulled(self, effects: tuple[Effect, ...]) -> NDArray[np.float64]:
        """Displacement of every point per unit of strength, px [478, 2]."""
        total = np.zeros((478, 2))
        for pull in (effect for effect in effects if isinstance(effect, Pull)):
            sides = (-1.0, 1.0) if len(pull.at) == 2 else (0.0,)
            for landmark, side in zip(pull.at, sides, strict=True):
                distance = np.linalg.norm(self.points - self.points[landmark], axis=1) / self.unit
                vector = side * pull.outwards * self.outwards_left + pull.downwards * self.downwards
                total += np.exp(-0.5 * (distance / pull.reach) ** 2)[:, None] * vector * self.unit / MAX_STRENGTH
        inside = (
            np.linalg.norm(self.points[:, None] - self.points[list(FACE_OVAL)][None], axis=2).min(axis=1) / self.unit
        )
        u = np.clip(inside / 0.3, 0, 1)
        total *= (0.25 + 0.75 * u * u * (3 - 2 * u))[:, None]  # the outline hardly moves, so hair stays in place
        return total


@dataclass(frozen=True)
class _Edges:
    """The two edges of an opening and the skin that hangs on them."""

    opening: Opening
    unit: float
    upper_skin: NDArray[np.float64]  # [478, chain] share of each edge point's way that a landmark goes
    lower_skin: NDArray[np.float64]
    bow: NDArray[np.float64]  # [chain] 0 at the corners, 1 in the middle
    downwards: NDArray[np.float64]  # unit vector, px

    @classmethod
    def of(cls, opening: Opening, face: _FaceFrame) -> "_Edges":
        across = face.along(face.points)
        upper, lower = across[list(opening.upper)], across[list(opening.lower)]
        middle = np.vstack([across[[opening.corners[0]]], (upper + lower) / 2, across[[opening.corners[1]]]])
        order = np.argsort(middle[:, 0])
        above = across[:, 1] < np.interp(across[:, 0], middle[order, 0], middle[order, 1])
        above[list(opening.upper)], above[list(opening.lower)] = True, False
        lips = list(opening.firm)
        skins = [
            _hanging(across, list(edge), lips, reach) * side[:, None]
            for edge, reach, side in zip((opening.upper, opening.lower), opening.reach, (above, ~above), strict=True)
        ]
        place = np.linspace(-1, 1, len(upper) + 2)[1:-1]
        return cls(opening, face.unit, skins[0], skins[1], 1 - place**2, face.downwards)

    def set(self, points: NDArray[np.float64], gap: Gap, strength: float, baseline: float) -> NDArray[np.float64]:
        """Open or close to a strength; at the still's own strength nothing moves."""
        between = points[list(self.opening.lower)] - points[list(self.opening.upper)]
        if gap.width is None:
            wider = -between * (strength - baseline) / (MAX_STRENGTH - baseline)
        elif strength < baseline:
            wider = -between * (1 - strength / baseline)
        else:
            wider = self.bow[:, None] * self.downwards * gap.width * self.unit * (strength - baseline) / MAX_STRENGTH
        part = self.opening.upper_part
        return points - part * self.upper_skin @ wider + (1 - part) * self.lower_skin @ wider


def _hanging(points: NDArray[np.float64], edge: list[int], firm: list[int], reach: float) -> NDArray[np.float64]:
    """How far each point goes with each point of an edge, [points, chain]; rows sum to 1 on the edge, less beyond."""
    distance = np.linalg.norm(points[:, None] - points[edge][None], axis=2)
    nearest = distance.min(axis=1)
    beyond = np.linalg.norm(points[:, None] - points[firm][None], axis=2).min(axis=1) if firm else nearest
    near = np.exp(-0.5 * ((distance - nearest[:, None]) / 0.05) ** 2)
    near /= near.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = near * np.exp(-0.5 * (beyond / reach) ** 2)[:, None]
    shares[edge] = np.eye(len(edge))
    return shares
