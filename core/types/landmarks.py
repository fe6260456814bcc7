"""What a landmark network reads in a mesh, and from which points."""

from dataclasses import dataclass

import numpy as np

from core.geometry import Floats, frozen
from core.types.relevance import RegionRelevance
from core.types.scores import freeze_scores


@dataclass(frozen=True)
class PointRelevance:
    """Which points of the mesh produced a landmark network's score.

    Attributes
    ----------
    relevance
        float32 [478], signed, in logits: integrated gradients summed over time and x, y, z.
    target
        The expression that is explained.
    score, start
        Its logit, and the mean logit of the baselines: the relevance sums to the one less the other.
    gap
        By how much it misses that sum, logits.
    regions
        The same shared by face region, as for maps; areas are shares of the points that the network sees, and nothing
        lies outside the face.
    reference
        Strong relevance of a point for this pack, logits: what display scales are multiples of.
    """

    relevance: Floats
    target: str
    score: float
    start: float
    gap: float
    regions: RegionRelevance
    reference: float

    def __post_init__(self) -> None:
        if self.relevance.shape != (478,):
            raise ValueError(f"relevance of points is [478], got {self.relevance.shape}")
        if not self.reference > 0:
            raise ValueError(f"a reference for display must be above 0, got {self.reference}")
        object.__setattr__(self, "relevance", frozen(self.relevance))


@dataclass(frozen=True)
class LandmarkReading:
    """What a landmark network reads in one face's mesh: every expression by itself, yes or no.

    Attributes
    ----------
    pack
        Id and version of its pack.
    logits, probabilities
        float32 [labels], in the labels' order; each probability stands alone, they do not sum to 1.
    points
        Why, for one expression.
    """

    pack: str
    labels: tuple[str, ...]
    logits: Floats
    probabilities: Floats
    points: PointRelevance

    def __post_init__(self) -> None:
        freeze_scores(self, self.labels)

    @property
    def label(self) -> str:
        """The strongest expression, which need not be probable."""
        return self.labels[int(np.argmax(self.logits))]

    def probability(self, label: str) -> float | None:
        """Calibrated probability of an expression; None for one that the network does not know."""
        return float(self.probabilities[self.labels.index(label)]) if label in self.labels else None


@dataclass(frozen=True)
class LandmarkWait:
    """Why a landmark network reads nothing in a face yet: what is missing, in one quiet phrase."""

    pack: str
    why: str
