"""Whether the face in a frame can be measured, and if not, why: in the order in which a person would put it right.

Every condition is marked from 0 (at its limit, where nothing is measured any more) to 1; the worst one is the quality.
The limits are choices of ours, made on a handful of faces and stated in docs/pain.md.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.action_units import Reading
from core.action_units.measures import MEASURES
from core.covering import log_odds
from core.geometry import Box, Floats, Image
from core.noise import turned_deg

TOO_SMALL: Final = "too small"
CUT_OFF: Final = "partly outside the picture"
TOO_DARK: Final = "too dark"
TURNED: Final = "turned away"
COVERED: Final = "eyes or brows covered"
TALKING: Final = "talking"

# From the limit to where a condition is as good as it gets.
SIZE_PX: Final = (20.0, 40.0)  # inter-ocular distance; below 20 px nothing was ever measured
INSIDE: Final = (0.98, 1.0)  # share of landmarks within the picture
LIGHT: Final = (50.0, 100.0)  # 95th percentile of the face's grey levels: of its lights, whatever the skin is like
TURN_DEG: Final = (30.0, 10.0)
ODDS: Final = (0.8, -0.8)  # log odds that eyes or brows are covered, the worse side
LIGHTEST: Final = 95
STEP: Final = 4  # every so many pixels are looked at


@dataclass(frozen=True)
class Quality:
    """How well a face can be measured: 0..1, and why not at all where it cannot."""

    value: float
    reason: str | None = None


def quality(face: Reading, landmarks: Floats, image: Image) -> Quality:
    """Judge one face in one frame.

    Parameters
    ----------
    face
        What was read of it.
    landmarks
        float32 [478, 3], px of the image.
    image
        RGB uint8 [height, width, 3] or grey uint8 [height, width].
    """
    marks = {
        TOO_SMALL: _mark(1 / float(face.posed.scale), SIZE_PX),
        CUT_OFF: _mark(_inside(landmarks, image), INSIDE),
        TOO_DARK: _mark(_light(landmarks, image), LIGHT),
        TURNED: _mark(turned_deg(face), TURN_DEG),
        COVERED: 0.0 if face.cells is None else _mark(log_odds(face.cells), ODDS),
    }
    value = min(marks.values())
    reason = next(name for name, mark in marks.items() if mark == value) if value <= 0 else None
    return Quality(value, reason)


def _mark(value: float, between: tuple[float, float]) -> float:
    limit, good = between
    return float(np.clip((value - limit) / (good - limit), 0, 1))


def _inside(landmarks: Floats, image: Image) -> float:
    height, width = image.shape[:2]
    x, y = landmarks[:, 0], landmarks[:, 1]
    return float(((x > -0.5) & (y > -0.5) & (x < width - 0.5) & (y < height - 0.5)).mean())


def _light(landmarks: Floats, image: Image) -> float:
    """How light the lights of the face are, levels of 255; 0 for a face outside the picture."""
    box = Box.around(landmarks).scaled(0.8)
    height, width = image.shape[:2]
    rows = slice(max(int(box.y), 0), min(int(box.bottom), height), STEP)
    columns = slice(max(int(box.x), 0), min(int(box.right), width), STEP)
    part = image[rows, columns]
    if part.size == 0:
        return 0.0
    grey = np.sort(part if part.ndim == 2 else part[..., 1], axis=None)  # green, which is most of luma
    return float(grey[LIGHTEST * (grey.size - 1) // 100])


class Talking:
    """Sees that a mouth goes open and shut as in speech, for one face. Causal, by the source's time.

    Speech moves the lips a few times a second; a cry, a yawn or a smile opens them once. Below some 8 frames a second
    it cannot be seen.
    """

    WINDOW_S: Final = 1.5
    TURNS: Final = 4  # within the window: open, shut, open, shut
    SWING: Final = 0.03  # least way between two turns, inter-ocular distances

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was seen."""
        self._turns: deque[float] = deque()
        self._extreme: float | None = None  # the furthest gap since the last turn
        self._opens = True
        self._timestamp_s = float("-inf")

    def take(self, face: Reading, timestamp_s: float) -> bool:
        """Take a frame in; whether the face talks. Time that runs back, or jumps, starts anew."""
        if not 0 <= timestamp_s - self._timestamp_s <= self.WINDOW_S:
            self.clear()
        self._timestamp_s = timestamp_s
        self._follow(float(face.measures[:, _GAP].mean()), timestamp_s)
        while self._turns and self._turns[0] < timestamp_s - self.WINDOW_S:
            self._turns.popleft()
        return len(self._turns) >= self.TURNS

    def _follow(self, gap: float, timestamp_s: float) -> None:
        if self._extreme is None:
            self._extreme = gap
            return
        onwards = gap - self._extreme if self._opens else self._extreme - gap
        if onwards >= 0:
            self._extreme = gap
        elif -onwards >= self.SWING:
            self._turns.append(timestamp_s)
            self._opens, self._extreme = not self._opens, gap


_GAP: Final = [measure.name for measure in MEASURES].index("lips' gap")
