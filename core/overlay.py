"""A result as a picture. Pure: the same result and style give the same pixels, and nothing that is given is changed;
only a video's `PanelPlaces` go on from frame to frame.

::

    heat(image, face, style)    one face's relevance, in its true place, clipped to the face
    draw(result, style)         everything: heat, outlines, boxes, labels, region bars, scale

The window takes `heat` and draws its own letters; files (overlay video, snapshot) take `draw`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import UnknownName
from core.face_labels import FaceLabel, draw_label, label_box, label_of
from core.geometry import FACE_OVAL, Box, Floats, Image, Similarity, frozen
from core.lettering import ACCENT, QUIET, WHITE, Colour, plate, text_width, write
from core.mark import draw_mark, mark_width
from core.opencv import cv2
from core.panel_places import PanelPlaces
from core.places import beside
from core.region_bars import bars_size, draw_bars, has_bars
from core.regions import Mode, partition
from core.relevance_dots import AGAINST, FOR, draw_dots
from core.scales import SMOOTH_PX, Scale
from core.score_bars import draw_scores
from core.types import OUTSIDE_LIMIT, Explanation, FaceResult, Result
from core.verdict import Verdict
from core.wireframe import draw_wireframe

NOTICE: Final = "not a medical device"


def _sequential(opencv_map: int, start: float) -> NDArray[np.uint8]:
    """One of OpenCV's maps as RGB, its darkest part left out: heat must glow on skin, not blacken it."""
    steps = np.linspace(start * 255, 255, 256).round().astype(np.uint8)[:, None]
    return frozen(np.ascontiguousarray(np.asarray(cv2.applyColorMap(steps, opencv_map), np.uint8)[:, 0, ::-1]))


def _through(*anchors: Colour) -> NDArray[np.uint8]:
    """A map that runs through evenly spaced colours."""
    places = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), places, [colour[k] for colour in anchors]) for k in range(3)]
    return frozen(np.stack(channels, axis=1).round().astype(np.uint8))


# Readable with the common colour blindnesses: the first three rise in lightness, the last parts along blue and orange.
COLOUR_MAPS: Final[Mapping[str, NDArray[np.uint8]]] = {
    "inferno": _sequential(cv2.COLORMAP_INFERNO, 0.25),
    "viridis": _sequential(cv2.COLORMAP_VIRIDIS, 0.0),
    "cividis": _sequential(cv2.COLORMAP_CIVIDIS, 0.0),
    "blue-orange": _through((190, 226, 255), AGAINST, (20, 50, 110), (12, 12, 14), (120, 52, 8), FOR, (255, 226, 150)),
}
SIGNED_MAPS: Final = frozenset({"blue-orange"})  # show negative relevance too; zero is in the middle


@dataclass(frozen=True)
class Style:
    """How a result is drawn.

    Attributes
    ----------
    colour_map
        Key in `COLOUR_MAPS`.
    opacity
        Of the strongest heat, 0..1.
    factor
        Relevance that gets the map's last colour, over the reference of the explanation's pack and method (see
        `core.scales`). Fixed: never fitted to the picture.
    marks
        Whether the label of a face whose decision is not supported bears a mark.
    outside_limit
        What share of the positive relevance outside the face is marked.
    smooth_px
        Standard deviation of the smoothing before display, crop px; it keeps the map's sum.
    scores
        Show the probability of every class, near each face's box.
    landmarks
        Show the face mesh.
    points
        Show what counts for the landmark network, where one reads: a dot on every point of the mesh.
    """

    colour_map: str = "inferno"
    opacity: float = 0.85
    factor: float = 1.0
    smooth_px: float = SMOOTH_PX
    heat: bool = True
    regions: bool = False
    region_mode: Mode = "polygons"
    boxes: bool = True
    labels: bool = True
    marks: bool = True
    outside_limit: float = OUTSIDE_LIMIT
    bars: bool = True
    legend: bool = True
    scores: bool = False
    landmarks: bool = False
    points: bool = True

    def __post_init__(self) -> None:
        if self.colour_map not in COLOUR_MAPS:
            raise UnknownName("colour map", self.colour_map, COLOUR_MAPS)
        if not 0 <= self.opacity <= 1:
            raise ValueError(f"opacity lies between 0 and 1, got {self.opacity}")
        if not 0 < self.factor < float("inf"):
            raise ValueError(f"the scale's factor must be above 0, got {self.factor}")

    @property
    def signed(self) -> bool:
        """Whether negative relevance is shown."""
        return self.colour_map in SIGNED_MAPS

    @property
    def colours(self) -> NDArray[np.uint8]:
        """The map, RGB uint8 [256, 3], from the lowest relevance shown (0, or minus the scale) to the scale."""
        return COLOUR_MAPS[self.colour_map]

    def scale(self, explanation: Explanation) -> Scale:
        """The scale that an explanation is drawn with."""
        return Scale(explanation.reference, explanation.unit, self.factor)


def heat(image: Image, face: FaceResult, style: Style) -> Image:
    """The picture with one face's relevance on it.

    Parameters
    ----------
    image
        RGB uint8 [height, width, 3], the frame's picture or one that already carries other faces' heat.

    Returns
    -------
    RGB uint8 [height, width, 3]; a copy, changed only within the face's outline. Weak relevance is transparent.
    """
    painted = image.copy()
    _add_heat(painted, face, style)
    return painted


def _add_heat(image: Image, face: FaceResult, style: Style) -> None:
    oval = face.observation.landmarks[list(FACE_OVAL), :2]
    window = _window(oval, image.shape)
    if face.explanation is None or window is None:
        return
    origin = np.array([window[1].start, window[0].start], np.float32)
    under = image[window]
    height, width = under.shape[:2]
    relevance = _in_frame(
        face.explanation.relevance, face.crop.to_frame, face.crop.size, origin, (width, height), style
    )
    codes = _codes(relevance, style.scale(face.explanation).value, style.signed)
    colours = np.asarray(cv2.applyColorMap(codes, style.colours[:, None]), np.uint8)
    alpha = cv2.multiply(cv2.LUT(codes, _opacities(style)), _soft(oval - origin, (width, height)))
    under[:] = cv2.blendLinear(colours, np.ascontiguousarray(under), alpha, 1 - np.asarray(alpha, np.float32))


def tinted(image: Image, explanation: Explanation, style: Style) -> Image:
    """A picture with a map laid on all of it: RGB uint8 [height, width, 3], a copy; the map may be coarser."""
    relevance = explanation.relevance
    smooth = cv2.GaussianBlur(relevance, (0, 0), style.smooth_px) if style.smooth_px > 0 else relevance
    fine = np.asarray(cv2.resize(smooth, image.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.float32)
    codes = _codes(fine, style.scale(explanation).value, style.signed)
    colours = np.asarray(cv2.applyColorMap(codes, style.colours[:, None]), np.uint8)
    alpha = np.asarray(cv2.LUT(codes, _opacities(style)), np.float32)
    return np.asarray(cv2.blendLinear(colours, image, alpha, 1 - alpha), np.uint8)


def _codes(relevance: Floats, scale: float, signed: bool) -> NDArray[np.uint8]:
    """The place of each relevance in the colour map, 0..255; beyond the scale the map's ends."""
    gain, zero = (127.5 / scale, 127.5) if signed else (255 / scale, 0.0)
    shown = np.maximum(relevance, -scale if signed else 0.0)
    return np.asarray(cv2.convertScaleAbs(shown, alpha=gain, beta=zero), np.uint8)


def _opacities(style: Style) -> Floats:
    """Opacity per code, float32 [256]: 0 at no relevance, the style's own from half the scale on, smooth between."""
    codes = np.arange(256)
    strength = np.maximum(np.abs(codes - 127.5) - 0.5, 0) / 127 if style.signed else codes / 255
    u = np.clip(2 * strength, 0, 1)
    return np.asarray(style.opacity * u * u * (3 - 2 * u), np.float32)


def _in_frame(
    relevance: Floats, to_frame: Similarity, crop_px: int, origin: Floats, size: tuple[int, int], style: Style
) -> Floats:
    """The relevance in a window of the frame, float32, still in logits per crop pixel."""
    padded = cv2.copyMakeBorder(relevance, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(0.0,))
    smooth = cv2.GaussianBlur(padded, (0, 0), style.smooth_px) if style.smooth_px > 0 else padded
    ratio = crop_px / relevance.shape[1]  # a map may be coarser than the crop
    to_crop = Similarity(ratio, 0.0, -2 * ratio + (ratio - 1) / 2, -2 * ratio + (ratio - 1) / 2)
    to_window = Similarity(1.0, 0.0, float(-origin[0]), float(-origin[1])).after(to_frame).after(to_crop)
    warped = cv2.warpAffine(smooth, to_window.matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(warped, np.float32)


def _soft(outline: Floats, size: tuple[int, int]) -> Floats:
    """The face, float32 0..1: 1 inside, fading to 0 towards the outline, 0 beyond."""
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], (255,), cv2.LINE_8, 4)
    side = 2 * max(round(0.06 * width), 1) + 1
    soft = mask
    for _ in range(2):  # two boxes make a triangle: no visible step
        soft = np.asarray(cv2.blur(soft, (side, side), borderType=cv2.BORDER_CONSTANT), np.uint8)
    inside = np.maximum(np.arange(256) * (2 / 255) - 1, 0).astype(np.float32)
    return np.asarray(cv2.LUT(np.asarray(cv2.bitwise_and(soft, mask), np.uint8), inside), np.float32)


def _window(points: Floats, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """Rows and columns of the picture that hold the points' box; None where it lies beyond the picture."""
    low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, [shape[1], shape[0]])
    if (high - low).min() < 1:
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def outlines(face: FaceResult, mode: Mode = "polygons") -> list[Floats]:
    """Closed outlines of a face's regions, float32 [points, 2] each, frame px."""
    fine = max(round(192 / face.crop.size), 1)
    size = face.crop.size * fine
    landmarks = (face.crop.landmarks(face.observation) + 0.5) * fine - 0.5
    labels = partition(landmarks.astype(np.float32), size, mode).labels
    to_frame = face.crop.to_frame.after(Similarity(1 / fine, 0.0, (1 / fine - 1) / 2, (1 / fine - 1) / 2))
    found: list[Floats] = []
    for label in np.unique(labels)[:-1] if labels.max() > 0 else ():  # the last is outside
        contours, _ = cv2.findContours((labels == label).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        found += [to_frame.apply(np.asarray(line, np.float32)[:, 0]) for line in contours if len(line) > 2 * fine]
    return found


def draw(
    result: Result, style: Style, verdicts: Mapping[int, Verdict] | None = None, places: PanelPlaces | None = None
) -> Image:
    """Everything that is known about a frame, on its picture: RGB uint8 [height, width, 3], a copy.

    Parameters
    ----------
    verdicts
        Those that marks show, by face id, for video that must not flicker (see `core.steady`); by default those of
        this very frame.
    places
        Remembers where panels of scores are from one frame of a video to the next, so that they stay there; by default
        they are placed for this very frame.
    """
    image = result.frame.image.copy()
    for face in result.faces if style.heat else ():
        _add_heat(image, face, style)
    for face in result.faces if style.regions else ():
        _draw_outlines(image, face, style)
    for face in result.faces if style.landmarks else ():
        draw_wireframe(image, face.observation.landmarks, ACCENT)
    for face in result.faces if style.points else ():
        if face.points is not None:
            draw_dots(image, face.observation.landmarks, face.points)
    capital_px = _capital_px(image)
    labels = [label_of(result, face, face_name(face.observation.face_id)) for face in result.faces]
    taken = [
        label_box(image, label, face.observation.box, capital_px)
        for face, label in zip(result.faces, labels, strict=True)
    ]
    of_labels = tuple(taken)
    for face, label, over in zip(result.faces, labels, of_labels, strict=True):
        _draw_face(image, face, label, over, style, capital_px)
    for face, over in zip(result.faces, of_labels, strict=True) if style.marks else ():
        verdict = face.judged(style.outside_limit) if verdicts is None else verdicts.get(face.observation.face_id)
        if verdict is not None and verdict.unsupported:
            taken.append(_draw_mark(image, face.observation.box, over, verdict, capital_px))
    if style.scores:
        names = [face_name(face.observation.face_id) for face in result.faces]
        taken += draw_scores(image, result.faces, names, _room(image, capital_px), taken, capital_px, places)
    taken += [face.observation.box for face in result.faces]
    for face in result.faces if style.bars else ():
        if place := _bars_place(image, face, capital_px, taken):
            taken.append(place)
            draw_bars(
                image, face, round(place.x), round(place.y), capital_px, style.colours[128 if style.signed else 0 :]
            )
    if style.legend:
        _draw_legend(image, result, style, capital_px)
    return image


def _capital_px(image: Image) -> float:
    """Height of a capital: readable at any size of picture."""
    return float(np.clip(min(image.shape[0], image.shape[1] * 0.6) / 48, 6, 22))


def _draw_outlines(image: Image, face: FaceResult, style: Style) -> None:
    lines = [np.round(line * 16).astype(np.int32) for line in outlines(face, style.region_mode)]
    cv2.polylines(image, lines, True, WHITE, 1, cv2.LINE_AA, 4)


def face_name(face_id: int) -> str:
    """A, B ... Z, AA, AB ... for face 1, 2, ...; nothing before tracking has named it."""
    letters = ""
    while face_id > 0:
        face_id, rest = divmod(face_id - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _draw_face(image: Image, face: FaceResult, label: FaceLabel, place: Box, style: Style, capital_px: float) -> None:
    if style.boxes:
        _draw_box(image, face.observation.box, max(round(capital_px / 6), 1))
    if style.labels:
        draw_label(image, label, place, capital_px)


def _draw_mark(image: Image, box: Box, label: Box, verdict: Verdict, capital_px: float) -> Box:
    """Mark an unsupported decision: above its face where both fit, else within the box, where none collide."""
    gap = 0.4 * capital_px
    room = min(box.right, image.shape[1]) - label.right - gap
    words = mark_width(verdict, capital_px) <= room
    width = mark_width(verdict, capital_px, words)
    x, y = min(box.right, image.shape[1]) - width, label.y
    if width > room:
        x, y = x - gap, min(box.bottom, image.shape[0]) - label.height - gap
    draw_mark(image, verdict, (round(x), round(y)), capital_px, words)
    return Box(round(x), round(y), width, label.height)


def _draw_box(image: Image, box: Box, thickness: int) -> None:
    """A rectangle with rounded corners."""
    x0, y0, x1, y1 = (round(v) for v in (box.x, box.y, box.right, box.bottom))
    r = max(min(x1 - x0, y1 - y0) // 16, 1)
    corners = (((x0 + r, y0 + r), 180), ((x1 - r, y0 + r), 270), ((x1 - r, y1 - r), 0), ((x0 + r, y1 - r), 90))
    for centre, turn in corners:
        cv2.ellipse(image, centre, (r, r), turn, 0, 90, ACCENT, thickness, cv2.LINE_AA)
    for a, b in (((x0 + r, y0), (x1 - r, y0)), ((x0 + r, y1), (x1 - r, y1))):
        cv2.line(image, a, b, ACCENT, thickness, cv2.LINE_AA)
    for a, b in (((x0, y0 + r), (x0, y1 - r)), ((x1, y0 + r), (x1, y1 - r))):
        cv2.line(image, a, b, ACCENT, thickness, cv2.LINE_AA)


def _bars_place(image: Image, face: FaceResult, capital_px: float, taken: Sequence[Box]) -> Box | None:
    """A free place for a face's region bars: beside its box, or under it; None where there is none."""
    if not has_bars(face):
        return None
    room = _room(image, capital_px)
    return beside(face.observation.box, bars_size(face, capital_px), round(capital_px), room, taken)


def _room(image: Image, capital_px: float) -> Box:
    """Where panels may lie: the picture, but for its last line, which is the legend's."""
    return Box(0, 0, image.shape[1], image.shape[0] - round(3.2 * capital_px))


def _draw_legend(image: Image, result: Result, style: Style, capital_px: float) -> None:
    """The heat's scale and what this is not, along the bottom."""
    small, pad = 0.78 * capital_px, round(capital_px)
    height = round(2.2 * capital_px)
    top = image.shape[0] - height - round(0.5 * capital_px)
    middle = top + height // 2
    notice = text_width(NOTICE, small) + 2 * pad
    plate(image, (image.shape[1] - notice - pad, top, notice, height), opacity=0.6)
    write(image, NOTICE, image.shape[1] - notice, middle, small, QUIET)
    room = image.shape[1] - notice - 3 * pad
    if style.points:
        room -= _draw_dots_legend(image, result, middle, room, capital_px)
    shown = next((face.explanation for face in result.faces if face.explanation is not None), None)
    if shown is None or not style.heat:  # one method and one pack explain every face of a frame
        return
    scale = style.scale(shown)
    times = "" if scale.factor == 1 else f" ({scale.factor:.3g} x reference)"
    low = f"-{scale.value:.3g}" if style.signed else "0"
    high = f"{scale.value:.3g} {scale.unit_shown}{times}, {shown.method}"
    strip = round(10 * capital_px)
    widths = text_width(low, small), text_width(high, small)
    total = sum(widths) + strip + 4 * pad
    if total > room:
        return
    plate(image, (pad, top, total, height), opacity=0.6)
    write(image, low, 2 * pad, middle, small)
    ramp = style.colours[np.linspace(0, 255, strip).round().astype(int)]
    x, thick = 3 * pad + widths[0], max(round(capital_px), 2)
    image[middle - thick // 2 : middle - thick // 2 + thick, x : x + strip] = ramp
    write(image, high, x + strip + pad, middle, small)


def _draw_dots_legend(image: Image, result: Result, middle: int, room: int, capital_px: float) -> int:
    """What the dots stand for, left of the notice, `room` being the column it begins at; return the width it takes."""
    points = next((face.points for face in result.faces if face.points is not None), None)
    small, pad = 0.78 * capital_px, round(capital_px)
    radius = round(0.5 * capital_px)
    words = ((FOR, "for"), (AGAINST, f"against; full dot {points.reference:.3g} logit" if points is not None else ""))
    widths = [3 * radius + text_width(text, small) + pad for _, text in words]
    total = sum(widths) + pad
    if points is None or total > room:
        return 0
    x, height = room - total + pad, round(2.2 * capital_px)
    plate(image, (x, middle - height // 2, total, height), opacity=0.6)
    x += pad
    for (colour, text), width in zip(words, widths, strict=True):
        cv2.circle(image, (x + radius, middle), radius, colour, -1, cv2.LINE_AA)
        write(image, text, x + 3 * radius, middle, small)
        x += width
    return total + pad
