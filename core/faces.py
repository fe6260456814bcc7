"""From a frame to the faces in it: detection over windows of the picture, then the mesh on a crop of each face.

Faces that are known from the frame before are followed by fitting the mesh again where they should be now, which
needs no detector and costs the same in a picture of any size. Where to look for others is said by a `Search`.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final, NamedTuple

import numpy as np

from core.geometry import Box, Floats, Image, anchors
from core.mesh import Graph, Mesh, region_of_box, region_of_landmarks
from core.opencv import cv2
from core.types import FaceObservation


@dataclass(frozen=True)
class Search:
    """Where to look for faces that are not known yet.

    Attributes
    ----------
    whole
        Look at the whole picture at once: faces from a 19th of its longer side.
    tiles
        Also look at this many overlapping tiles, for smaller faces; None means at all of them.
    turn
        Which tile to begin with; counted on from call to call, every tile gets its turn.
    if_lost
        Look at the whole picture as soon as a known face is not where it should be.
    """

    whole: bool = True
    tiles: int | None = None
    turn: int = 0
    if_lost: bool = True

    EVERYWHERE: ClassVar["Search"]
    NOWHERE: ClassVar["Search"]


Search.EVERYWHERE = Search()
Search.NOWHERE = Search(whole=False, tiles=0, if_lost=False)


class Schedule:
    """When to look for new faces on video. It counts frames, not time, so that the same clip gives the same result."""

    def __init__(self, whole_every: int = 20, tile_every: int = 8) -> None:
        self._whole_every, self._tile_every = whole_every, tile_every
        self.reset()

    def reset(self) -> None:
        """Begin again, with a look everywhere."""
        self._frame = self._tile = 0

    def next(self, known: int, missing: int = 0) -> Search:
        """Where to look in the next frame.

        Parameters
        ----------
        known
            Number of faces expected in it.
        missing
            How many of them were not seen in the frame before.
        """
        frame, self._frame = self._frame, self._frame + 1
        if frame == 0:
            return Search.EVERYWHERE
        tile = frame % (self._tile_every if known > missing else 2) == 0
        self._tile += tile
        whole = not tile and (missing > 0 or known == 0 or frame % self._whole_every == self._whole_every // 2)
        return Search(whole=whole, tiles=int(tile), turn=self._tile, if_lost=missing == 0)


class Candidate(NamedTuple):
    """What a detector saw: a box in frame px, how far the head is tilted, and the detector's score 0..1."""

    box: Box
    rotation_rad: float
    score: float


_DETECTOR_GRAPH: Final = """
input_stream: "image"
output_stream: "detections"
node {{ calculator: "{calculator}" input_stream: "IMAGE:image" output_stream: "DETECTIONS:detections"
  options {{ [mediapipe.FaceDetectionOptions.ext] {{ min_score_thresh: {least} }} }} }}
"""


class Detector:
    """One of MediaPipe's face detectors, run on square windows of a picture. One instance serves one thread."""

    def __init__(self, calculator: str, input_px: int, least: float) -> None:
        self._graph = Graph(_DETECTOR_GRAPH.format(calculator=calculator, least=least), ("detections",))
        self._input_px = input_px

    def detect(self, image: Image, window: Box) -> list[Candidate]:
        """Faces in a square window of an RGB picture; boxes in px of the picture."""
        from mediapipe.python import packet_getter

        packets = self._graph.run(self._view(image, window))
        if "detections" not in packets:
            return []
        found = packet_getter.get_proto_list(packets["detections"])
        return [self._candidate(detection, window) for detection in found]

    def _view(self, image: Image, window: Box) -> Image:
        """The window at the size of the network's input, averaged down, so that small faces do not alias away."""
        x, y, side = int(window.x), int(window.y), int(window.width)
        part = image[y : y + side, x : x + side]
        scale = self._input_px / side
        height, width = (max(1, min(self._input_px, round(n * scale))) for n in part.shape[:2])
        view = np.zeros((self._input_px, self._input_px, 3), np.uint8)
        view[:height, :width] = cv2.resize(
            part, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        return view

    @staticmethod
    def _candidate(detection: object, window: Box) -> Candidate:
        location = detection.location_data  # type: ignore[attr-defined]
        box, (right, left, *_) = location.relative_bounding_box, location.relative_keypoints
        side = window.width
        return Candidate(
            Box(window.x + box.xmin * side, window.y + box.ymin * side, box.width * side, box.height * side),
            float(np.arctan2(left.y - right.y, left.x - right.x)),
            float(detection.score[0]),  # type: ignore[attr-defined]
        )

    def close(self) -> None:
        """Release the model."""
        self._graph.close()


class FaceFinder:
    """Finds faces and fits their meshes. It keeps nothing from picture to picture; one instance serves one thread.

    Parameters
    ----------
    max_faces
        The most faces to give per picture; known faces come first, then the larger ones.
    """

    def __init__(self, max_faces: int = 16) -> None:
        self.max_faces = max_faces
        self._mesh = Mesh()
        # The full-range detector finds small faces, the short-range one those that fill the picture.
        self._far = Detector("FaceDetectionFullRangeCpu", 192, LEAST_SCORE)
        self._near = Detector("FaceDetectionShortRangeCpu", 128, LEAST_SCORE)

    def find(
        self, image: Image, known: Sequence[FaceObservation] = (), search: Search = Search.EVERYWHERE
    ) -> list[FaceObservation]:
        """Find the faces of one picture.

        Parameters
        ----------
        image
            RGB uint8 [height, width, 3].
        known
            Where faces should be, from the frames before; these are followed without a detector.
        search
            Where to look for others.

        Returns
        -------
        Known faces first, in their order, then new ones, the largest first. No two of them are the same face.
        `face_id` is 0: identities are the tracker's.
        """
        image = np.ascontiguousarray(image)
        followed = [(self._follow(image, face), face) for face in known]
        faces = _apart([(_jump(fit, face), i, fit) for i, (fit, face) in enumerate(followed) if fit is not None])
        kept = len(faces)
        if kept < len(known) and search.if_lost:
            search = replace(search, whole=True)
        for candidate in merged(self._candidates(image, search)):
            if any(same_face(candidate.box, face.box) or _within_head(candidate.box, face.box) for face in faces):
                continue
            fit = self._fit(image, candidate)
            if fit is not None and not any(same_face(fit.box, face.box) for face in faces):
                faces.append(fit)
        fresh = [face for face in faces[kept:] if not any(_within_head(face.box, other.box) for other in faces)]
        fresh.sort(key=lambda face: -face.box.area)
        return (faces[:kept] + fresh)[: self.max_faces]

    def close(self) -> None:
        """Release the models."""
        for model in (self._mesh, self._far, self._near):
            model.close()

    def _candidates(self, image: Image, search: Search) -> Iterator[Candidate]:
        height, width = image.shape[:2]
        if search.whole:
            side = max(width, height)
            yield from self._far.detect(image, Box(0, 0, side, side))
            yield from self._near.detect(image, Box(0, 0, side, side))
        for tile in _chosen(tiles(width, height), search):
            yield from (seen for seen in self._far.detect(image, tile) if seen.score >= TILE_SCORE)

    def _follow(self, image: Image, face: FaceObservation) -> FaceObservation | None:
        landmarks, presence = self._mesh.fit(image, region_of_landmarks(face.landmarks))
        if presence < KEEP_PRESENCE or not plausible(landmarks):
            return None
        change = np.sqrt(Box.around(landmarks).area / max(face.box.area, 1.0))
        return FaceObservation(landmarks, presence) if 1 / MOST_CHANGE < change < MOST_CHANGE else None

    def _fit(self, image: Image, candidate: Candidate) -> FaceObservation | None:
        """Fit the mesh to a detection, then to where it lies, until it is sure: a real face stays where it is."""
        landmarks, presence = self._mesh.fit(image, region_of_box(candidate.box, candidate.rotation_rad))
        for _ in range(NEW_FITS):
            if presence < LEAST_PRESENCE or not plausible(landmarks):
                return None
            before = Box.around(landmarks)
            landmarks, presence = self._mesh.fit(image, region_of_landmarks(landmarks))
            stays = Box.around(landmarks).iou(before) > 0.5
            if stays and presence >= NEW_PRESENCE and plausible(landmarks):
                return FaceObservation(landmarks, presence)
        return None


LEAST_SCORE: Final = 0.5  # of a detector
TILE_SCORE: Final = 0.6  # in a tile, as many tiles see many things: a space shuttle gave 0.51
# Of the mesh. Faces give more than 0.999, hands before them included; a letter that looked like a face gave 0.77.
NEW_PRESENCE: Final = 0.99
# A detector's box frames some faces badly: the mesh is fitted anew to where it lies, unless it sees no face at all.
LEAST_PRESENCE: Final = 0.1
NEW_FITS: Final = 3
KEEP_PRESENCE: Final = 0.8
MOST_CHANGE: Final = 1.6  # of a followed face's size from one frame to the next
TILE_OVERLAP: Final = 1 / 3  # of a tile's side: a face of up to this size lies whole in one of them
FINE_PX: Final = 500.0  # the full-range detector sees faces from a 19th of a window: 26 px in one of this side


def tiles(width: int, height: int) -> list[list[Box]]:
    """Overlapping square windows of whole pixels over a picture, level by level, each level half as coarse."""
    sides = [max(width, height) / 2]
    while sides[-1] > FINE_PX:
        sides.append(sides[-1] / 2)
    return [_grid(width, height, int(np.ceil(side))) for side in sides]


def _grid(width: int, height: int, side: int) -> list[Box]:
    def starts(length: int) -> list[int]:
        beyond = max(length - side, 0)
        steps = int(np.ceil(beyond / (side * (1 - TILE_OVERLAP))))
        return [round(step * beyond / max(steps, 1)) for step in range(steps + 1)]

    return [Box(x, y, side, side) for y in starts(height) for x in starts(width)]


def _chosen(levels: list[list[Box]], search: Search) -> Iterator[Box]:
    """The tiles that are searched; where only some are, the levels take turns, and within each its tiles."""
    if search.tiles is None:
        yield from itertools.chain.from_iterable(levels)
        return
    for turn in range(search.turn, search.turn + search.tiles):
        level = levels[turn % len(levels)]
        yield level[turn // len(levels) % len(level)]


def same_face(a: Box, b: Box) -> bool:
    """Whether two boxes are of one face: they largely overlap, or one lies within the other."""
    return a.iou(b) > 0.4 or a.intersection(b) > 0.7 * min(a.area, b.area)


def _within_head(small: Box, large: Box) -> bool:
    """Whether a box is so small and so near to a face that it is likely the face's ear, eye or mouth."""
    head = large.scaled(1.5)
    x, y = small.centre
    return small.area < 0.25 * large.area and head.x < x < head.right and head.y < y < head.bottom


def merged(candidates: Iterable[Candidate]) -> list[Candidate]:
    """One candidate per face, the surest first."""
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda candidate: -candidate.score):
        if not any(same_face(candidate.box, other.box) for other in kept):
            kept.append(candidate)
    return kept


def _apart(fits: list[tuple[float, int, FaceObservation]]) -> list[FaceObservation]:
    """Drop followed faces that slid onto another: the one that jumped least keeps the place. Keeps the order given."""
    kept: list[tuple[int, FaceObservation]] = []
    for _, place, face in sorted(fits, key=lambda fit: fit[:2]):
        if not any(same_face(face.box, other.box) for _, other in kept):
            kept.append((place, face))
    return [face for _, face in sorted(kept, key=lambda entry: entry[0])]


def _jump(face: FaceObservation, before: FaceObservation) -> float:
    """How far a face moved, mean over its landmarks, in widths of its box."""
    moved = np.linalg.norm(face.landmarks[:, :2] - before.landmarks[:, :2], axis=1).mean()
    return float(moved) / max(before.box.width, 1.0)


def plausible(landmarks: Floats) -> bool:
    """Whether landmarks [478, 3] are arranged as in a face: the mouth below the eyes, neither tiny nor stretched."""
    right, left, mouth = anchors(landmarks).astype(np.float64)
    box = Box.around(landmarks)
    across, down = left - right, mouth - (left + right) / 2
    span, drop = float(np.linalg.norm(across)), float(np.linalg.norm(down))
    side = max(box.width, box.height)
    if not np.isfinite(landmarks).all() or side < LEAST_FACE_PX or drop < 0.2 * side or drop > 0.7 * side:
        return False
    upright = across[0] * down[1] - across[1] * down[0]  # > 0: the mouth is below the eyes, left is left
    return upright > 0 and span < 0.8 * side


LEAST_FACE_PX: Final = 12.0  # longer side of the smallest face that says anything
