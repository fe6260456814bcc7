"""What a model reads in a face."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.geometry import Floats, frozen


@dataclass(frozen=True)
class Prediction:
    """What a model reads in one face: logits and calibrated probabilities, float32 [classes], in the labels' order."""

    labels: tuple[str, ...]
    logits: Floats
    probabilities: Floats

    def __post_init__(self) -> None:
        freeze_scores(self, self.labels)

    @cached_property
    def ranked(self) -> tuple[int, ...]:
        """Class indices, most probable first; ties in the labels' order."""
        return tuple(int(i) for i in np.argsort(-self.logits, kind="stable"))

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.labels[self.ranked[0]]

    @property
    def probability(self) -> float:
        """Calibrated probability of the most probable class."""
        return float(self.probabilities[self.ranked[0]])


def freeze_scores(scores: object, labels: tuple[str, ...]) -> None:
    """Make its logits and probabilities read-only. ValueError unless each has one value per label."""
    for name in ("logits", "probabilities"):
        values = getattr(scores, name)
        if values.shape != (len(labels),):
            raise ValueError(f"{name} need one value per label {labels}, got shape {values.shape}")
        object.__setattr__(scores, name, frozen(values))
