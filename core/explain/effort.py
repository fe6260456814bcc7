"""How much work the methods of many runs may do."""

from dataclasses import dataclass
from typing import Final, Literal

from core.errors import ExplainError, UnknownName

BASELINES: Final = ("blurred", "black", "grey")


@dataclass(frozen=True)
class Effort:
    """The numbers of the methods that run the model many times. The defaults are for single pictures.

    Attributes
    ----------
    steps
        Of integrated gradients, on the straight line from the baseline to the picture (midpoints).
    baseline
        Where that line begins: "blurred" is the picture without its details, in the model's range whatever that is;
        "black" is 0 everywhere (the mean, for inputs that were normalised outside); "grey" is each channel's mean.
    samples, noise
        Of SmoothGrad: how many noisy pictures, and the noise's standard deviation over the picture's range (highest
        less lowest value). Smilkov et al. 2017 recommend .1 to .2.
    blur
        Standard deviation of the blur that stands for "nothing there", over the picture's shorter side.
    patch, stride
        Of occlusion: the square's side over the picture's shorter side, and its step over its own side.
    masks, cells, shown
        Of RISE: how many masks, cells along each side of their grids, and the probability that a cell is shown.
    seed
        Of the pseudo-random numbers: the same picture gives the same map, twice.
    """

    steps: int = 64
    baseline: Literal["blurred", "black", "grey"] = "blurred"
    samples: int = 32
    noise: float = 0.15
    blur: float = 1 / 6
    patch: float = 1 / 6
    stride: float = 0.5
    masks: int = 512
    cells: int = 7
    shown: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.baseline not in BASELINES:
            raise UnknownName("baseline", self.baseline, BASELINES)
        for name in ("steps", "samples", "masks", "cells"):
            if getattr(self, name) < 1:
                raise ExplainError(f"{name} must be 1 or more, got {getattr(self, name)}.")
        for name in ("noise", "blur", "patch", "stride"):
            if not 0 < getattr(self, name) <= 1:
                raise ExplainError(f"{name} must lie above 0 and not above 1, got {getattr(self, name)}.")
        if not 0 < self.shown < 1:
            raise ExplainError(f"shown must lie between 0 and 1, got {self.shown}.")


THOROUGH: Final = Effort()
# For moving pictures: at most 32 forward passes, or eight with gradient, per face.
LIVE: Final = Effort(steps=8, samples=8, patch=1 / 3, stride=2 / 3, masks=32, cells=5)
