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
        expected = [track.expected(timestamp_s) for track in tracks]
        gates = [GATE + GATE_PER_S * (timestamp_s - track.seen_s) for track in tracks]
        pairs = [
            [_cost(observation, face) / gate for face, gate in zip(expected, gates, strict=True)]
            for observation in observations
        ]
        return np.array(pairs, np.float64).reshape(len(observations), len(tracks))


def _cost(face: FaceObservation, expected: FaceObservation) -> float:
    """Mean distance of the landmarks in widths of the face, more where the boxes overlap little; infinite if too unlike."""
    size, before = np.sqrt(face.box.area), np.sqrt(expected.box.area)
    if not 1 / SIZE_GATE < (size + 1e-6) / (before + 1e-6) < SIZE_GATE:
        return float("inf")
    distance = float(np.linalg.norm(face.landmarks[:, :2] - expected.landmarks[:, :2], axis=1).mean())
    # Two faces that cross are equally far from each other's places for a moment; then overlap and size tell them apart.
    return distance / max(float(before), 1.0) * (1.25 - 0.25 * face.box.iou(expected.box))


def assign(costs: NDArray[np.float64], limit: float) -> dict[int, int]:
    """Pair rows with columns at the least total cost; a pair that costs `limit` or more is left apart.

    The Hungarian method with potentials, after J. Munkres 1957, in O(n^3): 16 faces against 16 tracks take a few ms, two
    against two some 30 us. A greedy choice would be shorter, but swaps two faces where the nearest track of one is the
    only track of the other.

    Returns
    -------
    For each paired row its column.
    """
    rows, columns = costs.shape
    size = rows + columns  # everyone may stay alone at the price of the limit
    padded = np.full((size, size), limit / 2)
    padded[:rows, :columns] = np.minimum(costs, limit)
    padded[rows:, columns:] = 0.0
    column_of = _hungarian(padded)
    return {r: column_of[r] for r in range(rows) if column_of[r] < columns and costs[r, column_of[r]] < limit}


def _hungarian(costs: NDArray[np.float64]) -> list[int]:
    """The column of each row of a square table, at the least total cost."""
    size = len(costs)
    by_row, by_column = np.zeros(size + 1), np.zeros(size + 1)
    row_of = np.full(size + 1, size)  # the last column is a start that belongs to no one
    for row in range(size):
        row_of[size] = row
        column, seen = size, np.zeros(size + 1, bool)
        least, back = np.full(size + 1, np.inf), np.full(size + 1, size)
        while row_of[column] != size:
            seen[column] = True
            current = row_of[column]
            reduced = costs[current] - by_row[current] - by_column[:size]
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
