"""A picture warped by a face mesh: skin follows the triangles, holes (mouth, eyes) show what lies behind them."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats, Image, Similarity
from core.opencv import cv2

RING: Final = 1.3  # the warp ends where the face's outline, grown by this factor, runs
HEAD: Final = 1.9  # head motion is whole within the ring and has faded at this multiple of the outline
SUBPIXEL_BITS: Final = 4  # of OpenCV's polygon vertices
STILL_PX: Final = 0.01  # triangles that move less keep the still's pixels as they are

DARK: Final = np.array([46, 18, 16], np.float32)  # the inside of a mouth, RGB
SEAM: Final = np.array([0.42, 0.55, 0.55], np.float32)  # what the line where two lips or lids meet swallows, RGB

Points = NDArray[np.float64]


@cache
def triangles() -> NDArray[np.int32]:
    """The mesh's triangles without the eyes' and the mouth's openings, int32 [n, 3], from MediaPipe's list of edges."""
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION

    near: dict[int, set[int]] = {}
    for a, b in FACEMESH_TESSELATION:
        near.setdefault(a, set()).add(b)
        near.setdefault(b, set()).add(a)
    found = {tuple(sorted((a, b, c))) for a in near for b in near[a] for c in near[a] & near[b]}
    shared = Counter(edge for a, b, c in found for edge in ((a, b), (b, c), (a, c)))
    # Three edges that three triangles share each surround triangles, they are none.
    faces = [(a, b, c) for a, b, c in sorted(found) if min(shared[a, b], shared[b, c], shared[a, c]) < 3]
    return np.array(faces, np.int32)


class MeshWarp:
    """Warps one still.

    Parameters
    ----------
    still
        RGB uint8 [height, width, 3].
    smooth
        The still without its folds, the same size.
    rest
        The mesh in the still, float64 [478, 2], px.
    oval
        Landmarks of the face's outline, once around. A ring outside it stays where it is.
    holes
        Outlines of mouth and eyes as landmarks, once around; the first is the mouth.
    """

    def __init__(
        self, still: Image, smooth: Image, rest: Points, oval: Sequence[int], holes: Sequence[Sequence[int]]
    ) -> None:
        self._still = still
        self._holes = [list(hole) for hole in holes]
        self._centre = rest[list(oval)].mean(axis=0)
        ring = self._centre + RING * (rest[list(oval)] - self._centre)
        self._oval_radius = np.linalg.norm(rest[list(oval)] - self._centre, axis=1).max()
        self._ring = ring
        self._rest = np.vstack([rest, ring])
        self._triangles = np.vstack([triangles(), _band(oval, len(rest))])
        self._skin_only = _skin_only(still, rest, self._holes)
        self._smooth_skin = _skin_only(smooth, rest, self._holes)
        self._backdrop = _backdrop(still, rest, self._holes)
        self._open_px = [max(_mean_gap_px(rest[hole]), 0.04 * self._oval_radius) for hole in self._holes]
        rows, columns = still.shape[:2]
        self._grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2).astype(np.float32)

    def render(self, moved: Points, carry: Similarity, smoothness: float = 0.0) -> Image:
        """Draw the still with its mesh at `moved` (float64 [478, 2], px), the whole head carried by `carry`.

        `smoothness`, 0..1, is how far the skin goes over from the still's to the smooth one.
        """
        resting = carry == Similarity(1.0, 0.0, carry.tx, carry.ty) and abs(carry.tx) + abs(carry.ty) < STILL_PX
        carried = self._grid if resting else self._head(carry)
        ring = self._ring if resting else carry.apply(self._ring.astype(np.float32)).astype(np.float64)
        target = np.vstack([moved, ring])
        window = _window(target, self._still.shape)
        skin = self._skin(target, carried[window], window)
        image = self._still.copy() if resting else _sample(self._still, carried)
        texture = self._skin_only
        if smoothness > 0:
            texture = _image(cv2.addWeighted(texture, 1 - smoothness, self._smooth_skin, smoothness, 0))
        image[window] = _sample(texture, skin)
        for hole, open_px in zip(self._holes, self._open_px, strict=True):
            self._show_behind(image, target[hole], carried, open_px)
        return image

    def _skin(self, target: Points, carried: Floats, window: tuple[slice, slice]) -> Floats:
        """Where each pixel of the window comes from, float32 [h, w, 2]: affine in every triangle."""
        origin = np.array([window[1].start, window[0].start])
        moving = np.abs(target - self._rest).max(axis=1) > STILL_PX
        faces = _slimmest_first(self._triangles[moving[self._triangles].any(axis=1)], target)
        matrices = _affine(target[faces], self._rest[faces])
        whole = np.isfinite(matrices).all(axis=(1, 2))
        faces, matrices = faces[whole], matrices[whole]
        owner = np.zeros(carried.shape[:2], np.int32)
        corners = np.round((target - origin)[faces] * 2**SUBPIXEL_BITS).astype(np.int32)
        for face, corner in enumerate(corners, start=1):
            cv2.fillConvexPoly(owner, corner, (face,), cv2.LINE_8, SUBPIXEL_BITS)
        places = carried.copy()
        covered = owner > 0
        which = matrices[owner[covered] - 1].astype(np.float32)
        x, y = (self._grid[window][covered]).T
        inside = np.stack([which[:, k, 0] * x + which[:, k, 1] * y + which[:, k, 2] for k in (0, 1)], axis=1)
        # Pixels on the rim of a sliver lie outside it, where its map runs wild: its own corners bound what they show.
        low, high = (self._rest[faces].min(axis=1) - 0.5, self._rest[faces].max(axis=1) + 0.5)
        number = owner[covered] - 1
        places[covered] = np.clip(inside, low.astype(np.float32)[number], high.astype(np.float32)[number])
        return places

    def _show_behind(self, image: Image, outline: Points, carried: Floats, open_px: float) -> None:
        """Lay what is behind a hole into it, in place, with a soft edge; the narrower the hole, the darker."""
        window = _window(outline, image.shape, margin_px=4)
        origin = np.array([window[1].start, window[0].start])
        polygon = np.round((outline - origin) * 2**SUBPIXEL_BITS).astype(np.int32)
        mask = np.zeros(image[window].shape[:2], np.uint8)
        cv2.fillPoly(mask, [polygon], (255,), cv2.LINE_AA, SUBPIXEL_BITS)
        width = np.clip(_mean_gap_px(outline) / open_px, 0, 1)
        seam = np.zeros_like(mask)
        cv2.polylines(seam, [_middle(polygon)], False, (255,), 2, cv2.LINE_AA, SUBPIXEL_BITS)
        soft = cv2.GaussianBlur(seam, (0, 0), 1.0)
        shade = 1 - SEAM * (1 - width) * (soft / 255)[..., None]
        alpha = (mask / 255)[..., None] * min(4 * width, 1.0)  # a polygon without area would still draw its edge
        lit = min(2.5 * width, 1.0)
        behind = _sample(self._backdrop, carried[window]) * lit + DARK * (1 - lit)
        image[window] = np.round(image[window] * shade * (1 - alpha) + behind * alpha).astype(np.uint8)

    def _head(self, carry: Similarity) -> Floats:
        """Where each pixel comes from when the head is carried and the surroundings stay, float32 [h, w, 2]."""
        distance = np.linalg.norm(self._grid - self._centre, axis=2) / self._oval_radius
        u = np.clip((HEAD - distance) / (HEAD - RING * 1.05), 0, 1)
        weight = (u * u * (3 - 2 * u)).astype(np.float32)[..., None]
        inverse = carry.inverse().matrix.astype(np.float32)
        back = self._grid @ inverse[:, :2].T + inverse[:, 2]
        places: Floats = self._grid + weight * (back - self._grid)
        return places


def _sample(picture: Image, places: Floats) -> Image:
    nothing = np.empty(0, np.float32)  # the second map, which a map of pairs does without
    return _image(cv2.remap(picture, places, nothing, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def _image(picture: object) -> Image:
    """OpenCV's result as what it is: uint8."""
    return np.asarray(picture, np.uint8)


def _window(points: Points, shape: tuple[int, ...], margin_px: int = 1) -> tuple[slice, slice]:
    """Rows and columns of the picture around points."""
    low = np.maximum(np.floor(points.min(axis=0)).astype(int) - margin_px, 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + margin_px + 1, [shape[1], shape[0]])
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _band(oval: Sequence[int], first: int) -> NDArray[np.int32]:
    """Triangles between the outline and the ring, whose points are numbered from `first`."""
    n = len(oval)
    inner, outer = np.array(oval), first + np.arange(n)
    following = np.roll(np.arange(n), -1)
    one = np.stack([inner, inner[following], outer], axis=1)
    other = np.stack([inner[following], outer[following], outer], axis=1)
    return np.vstack([one, other]).astype(np.int32)


def _slimmest_first(faces: NDArray[np.int32], points: Points) -> NDArray[np.int32]:
    """Slivers are drawn first, so that their rims lie under their neighbours."""
    corners = points[faces]
    edges = np.roll(corners, -1, axis=1) - corners
    area = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    height = area / np.maximum(np.linalg.norm(edges, axis=2).max(axis=1), 1e-6)
    ordered: NDArray[np.int32] = faces[np.argsort(height, kind="stable")]
    return ordered


def _affine(source: Points, target: Points) -> Points:
    """Affine maps that carry triangles [n, 3, 2] onto triangles, [n, 2, 3]; not finite where a triangle is flat."""
    square = np.concatenate([source, np.ones((*source.shape[:2], 1))], axis=2)
    flat = np.abs(np.linalg.det(square)) < 1e-3
    square[flat] = np.eye(3)
    matrices = np.linalg.solve(square, target).transpose(0, 2, 1)
    matrices[flat] = np.nan
    return matrices


def _middle(outline: NDArray[np.int32]) -> NDArray[np.int32]:
    """The line halfway between the two edges of a hole, from corner to corner."""
    half = len(outline) // 2
    upper, lower = outline[: half + 1], np.roll(outline[::-1], 1, axis=0)[: half + 1]
    return np.asarray((upper + lower) // 2, np.int32)


def _mean_gap_px(outline: Points) -> float:
    half = len(outline) // 2
    upper, lower = outline[: half + 1], np.roll(outline[::-1], 1, axis=0)[: half + 1]
    return float(np.linalg.norm(lower - upper, axis=1).mean())


def _skin_only(still: Image, rest: Points, holes: list[list[int]]) -> Image:
    """The still with lips and lids continued into the holes, so that no tooth or eye sticks to the skin."""
    skin = still
    for number, hole in enumerate(holes):
        mask = _filled(still, rest[hole])
        if number == 0:  # the dark corners of a mouth reach beyond the mesh's
            size = float(np.sqrt(cv2.contourArea(rest[hole].astype(np.float32))))
            mask = _grown(mask, round(0.22 * size), round(0.06 * size))
        skin = _image(cv2.inpaint(skin, mask, 3, cv2.INPAINT_TELEA))
    return skin


def _backdrop(still: Image, rest: Points, holes: list[list[int]]) -> Image:
    """What lies behind the holes: the eyes as they are and a little beyond, the mouth's inside fading to dark."""
    scale = float(np.sqrt(cv2.contourArea(rest[holes[1]].astype(np.float32))))
    behind = still.copy()
    for hole in holes[1:]:
        seen = _filled(still, rest[hole])
        reach = max(round(scale / 4), 1)
        behind = _image(cv2.inpaint(behind, _grown(seen, reach, reach) & ~seen, 3, cv2.INPAINT_TELEA))
    teeth = _filled(still, rest[holes[0]])
    soft = cv2.GaussianBlur(teeth, (0, 0), max(scale / 12, 0.5))
    alpha = np.maximum(teeth, soft).astype(np.float32)[..., None] / 255
    around = _grown(teeth, round(2 * scale), round(2 * scale)) > 0
    behind[around] = np.round(still * alpha + DARK * (1 - alpha)).astype(np.uint8)[around]
    return behind


def _filled(picture: Image, outline: Points) -> Image:
    mask = np.zeros(picture.shape[:2], np.uint8)
    polygon = np.round(outline * 2**SUBPIXEL_BITS).astype(np.int32)
    return _image(cv2.fillPoly(mask, [polygon], (255,), cv2.LINE_AA, SUBPIXEL_BITS))


def _grown(mask: Image, across_px: int, down_px: int) -> Image:
    return _image(cv2.dilate(mask, np.ones((1 + 2 * down_px, 1 + 2 * across_px), np.uint8)))


def smoothed(
    picture: Image, at: Points, face: Points, spared: Sequence[Points], sizes_px: tuple[float, float]
) -> Image:
    """A picture whose skin has lost its folds around points [n, 2], but neither its grain nor what is spared.

    `face` and `spared` are outlines [n, 2], px; sizes are the standard deviations of the patches and of the smoothing.
    """
    reach_px, breadth_px = sizes_px
    rows, columns = picture.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2)
    patch = np.max([np.exp(-0.5 * ((grid - point) ** 2).sum(axis=2) / reach_px**2) for point in at], axis=0)
    skin = _filled(picture, face) > 0
    for outline in spared:
        skin &= _grown(_filled(picture, outline), 2, 2) == 0
    weight = cv2.GaussianBlur(np.asarray(skin, np.float32), (0, 0), 1.5)[..., None] * skin[..., None]
    spread = cv2.GaussianBlur(weight, (0, 0), breadth_px)[..., None]
    broad = cv2.GaussianBlur(picture * weight, (0, 0), breadth_px) / np.maximum(spread, 1e-3)
    grain = picture - cv2.GaussianBlur(np.asarray(picture, np.float32), (0, 0), 1.2)
    alpha = patch[..., None] * weight
    return np.asarray(np.clip(picture * (1 - alpha) + (broad + grain) * alpha, 0, 255).round(), np.uint8)
