"""Who is who across frames: identities that survive short losses and crossings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats
from core.types import FaceObservation

COAST_S: Final = 1.0  # a face that is not seen for longer has left; when it returns it is a new one
DAMPING_S: Final = 1.0  # an unseen face is expected to slow down with this time constant
GATE: Final = 0.8  # furthest a face lies from where it is expected, in widths of the face
GATE_PER_S: Final = 1.5  # by how much that grows while it is not seen
SIZE_GATE: Final = 2.0  # most that its size changes
SMOOTHING: Final = 0.5  # weight of the newest step in the velocity


@dataclass
class Track:
    """One face through time: as last seen, when, and its velocity in frame px/s, float32 [2]."""

    face: FaceObservation
    seen_s: float
    velocity: Floats

    def expected(self, timestamp_s: float) -> FaceObservation:
        """The face where it should be at a time, carried on by its velocity."""
        passed_s = max(timestamp_s - self.seen_s, 0.0)
        shift = self.velocity * np.float32(DAMPING_S * -np.expm1(-passed_s / DAMPING_S))
        landmarks = self.face.landmarks.copy()
        landmarks[:, :2] += shift
        return replace(self.face, landmarks=landmarks)

    def see(self, face: FaceObservation, timestamp_s: float) -> None:
        """Take a new observation in."""
        passed_s = timestamp_s - self.seen_s
        if passed_s > 0:
            step = (face.landmarks[:, :2] - self.face.landmarks[:, :2]).mean(axis=0) / np.float32(passed_s)
            self.velocity = (SMOOTHING * step + (1 - SMOOTHING) * self.velocity).astype(np.float32)
        self.face, self.seen_s = face, timestamp_s


class Tracker:
    """Gives every observed face an identity, from 1 and never used twice.

    Per frame::

        known = tracker.expected(timestamp_s)
        search = schedule.next(len(known), tracker.missing)
        faces = tracker.update(finder.find(image, known, search), timestamp_s)
    """

    def __init__(self) -> None:
        self._tracks: list[Track] = []
        self._next_id = 1
        self._timestamp_s = -np.inf

    def expected(self, timestamp_s: float) -> list[FaceObservation]:
        """Where the known faces should be at a time, those not seen for a moment included; the oldest first."""
        return [track.expected(timestamp_s) for track in self._tracks if timestamp_s - track.seen_s <= COAST_S]

    @property
    def missing(self) -> int:
        """How many of the known faces were not seen in the last frame."""
        return sum(track.seen_s < self._timestamp_s for track in self._tracks)

    def update(self, observations: Sequence[FaceObservation], timestamp_s: float) -> list[FaceObservation]:
        """Return the observations in their order, with `face_id`.

        Time must not run backwards: after a step back, as after a seek, the tracks are forgotten.
        """
        if timestamp_s < self._timestamp_s:
            self.reset()
        self._timestamp_s = timestamp_s
        self._tracks = [track for track in self._tracks if timestamp_s - track.seen_s <= COAST_S]
        known = list(self._tracks)
        matches = assign(self._costs(known, observations, timestamp_s), 1.0)
        named: list[FaceObservation] = []
        for index, observation in enumerate(observations):
            if index in matches:
                track = known[matches[index]]
                face = replace(observation, face_id=track.face.face_id)
                track.see(face, timestamp_s)
            else:
                face = replace(observation, face_id=self._next_id)
                self._next_id += 1
                self._tracks.append(Track(face, timestamp_s, np.zeros(2, np.float32)))
            named.append(face)
        return named

    def reset(self) -> None:
        """Forget all faces. Faces seen later get new identities."""
        self._tracks = []
        self._timestamp_s = -np.inf

    @staticmethod
    def _costs(
        tracks: Sequence[Track], observations: Sequence[FaceObservation], timestamp_s: float
    ) -> NDArray[np.float64]:
        """How badly each observation (rows) fits each track (columns): 0 perfectly, 1 or more not at all."""
        if not tracks or not observations:
            return np.zeros((len(observations), len(tracks)))
        gates = np.array([GATE + GATE_PER_S * (timestamp_s - track.seen_s) for track in tracks])
        table: NDArray[np.float64] = costs(observations, [track.expected(timestamp_s) for track in tracks]) / gates
        return table


def costs(faces: Sequence[FaceObservation], expected: Sequence[FaceObservation]) -> NDArray[np.float64]:
    """How unlike faces are, float64 [faces, expected].

    Mean distance of the landmarks in widths of the expected face, more where the boxes overlap little: two faces that
    cross are for a moment equally far from each other's places. Infinite where sizes differ too much.
    """
    here, there = _points(faces)[:, None], _points(expected)[None]
    distances = np.linalg.norm(here - there, axis=-1).mean(axis=-1)
    sizes, widths = (np.array([max(np.sqrt(face.box.area), 1.0) for face in each]) for each in (faces, expected))
    overlap = np.array([[face.box.iou(other.box) for other in expected] for face in faces])
    ratio = sizes[:, None] / widths
    fits = (ratio > 1 / SIZE_GATE) & (ratio < SIZE_GATE)
    return np.where(fits, distances / widths * (1.25 - 0.25 * overlap), np.inf)


def _points(faces: Sequence[FaceObservation]) -> NDArray[np.float64]:
    """Every sixth landmark of each face, px: enough to tell where a face is."""
    points: NDArray[np.float64] = np.stack([face.landmarks[::6, :2] for face in faces]).astype(np.float64)
    return points


def assign(table: NDArray[np.float64], limit: float) -> dict[int, int]:
    """Pair rows with columns at the least total cost; a pair that costs `limit` or more is left apart.

    The Hungarian method with potentials, after J. Munkres 1957. A greedy choice would be shorter, but goes wrong where
    the nearest track of one face is the only track of another.

    Returns
    -------
    For each paired row its column.
    """
    rows, columns = table.shape
    possible = table < limit
    if (possible.sum(axis=0) <= 1).all() and (possible.sum(axis=1) <= 1).all():  # nobody competes: the usual case
        return {int(row): int(column) for row, column in np.argwhere(possible)}
    size = rows + columns  # everyone may stay alone at the price of the limit
    padded = np.full((size, size), limit / 2)
    padded[:rows, :columns] = np.minimum(table, limit)
    padded[rows:, columns:] = 0.0
    column_of = _hungarian(padded)
    return {r: column_of[r] for r in range(rows) if column_of[r] < columns and table[r, column_of[r]] < limit}


def _hungarian(table: NDArray[np.float64]) -> list[int]:
    """The column of each row of a square table, at the least total cost."""
    size = len(table)
    by_row, by_column = np.zeros(size + 1), np.zeros(size + 1)
    row_of = np.full(size + 1, size)  # the last column is a start that belongs to no one
    for row in range(size):
        row_of[size] = row
        column, seen = size, np.zeros(size + 1, bool)
        least, back = np.full(size + 1, np.inf), np.full(size + 1, size)
        while row_of[column] != size:
            seen[column] = True
            current = row_of[column]
            reduced = table[current] - by_row[current] - by_column[:size]
            better = ~seen[:size] & (reduced < least[:size])
            least[:size][better], back[:size][better] = reduced[better], column
            nearest = int(np.argmin(np.where(seen[:size], np.inf, least[:size])))
            delta = least[nearest]
            by_row[row_of[seen]] += delta
            by_column[seen] -= delta
            least[~seen] -= delta
            column = nearest
        while column != size:
            row_of[column], column = row_of[back[column]], int(back[column])
    columns = np.empty(size, int)
    columns[row_of[:size]] = np.arange(size)
    return [int(column) for column in columns]
