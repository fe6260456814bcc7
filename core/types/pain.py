"""What the expression network reads of pain, and how far that agrees with the score."""

from dataclasses import dataclass
from typing import Literal

from core.geometry import Floats, frozen
from core.pspi import Score
from core.types.relevance import Explanation, RegionRelevance


@dataclass(frozen=True)
class Agreement:
    """How far both roads to pain lead to the same: `PainReading` and `NetworkPain` of one face in one frame.

    Like is held against like: the network knows nobody's neutral face, so its score is held against that of the action
    units by the population's norm, also where the score that is shown goes by the person's own neutral face.

    Attributes
    ----------
    network
        The network's score, points.
    by_norm
        That of the action units by the norm, with its interval.
    regions
        Spearman's rank correlation of what each region of the face adds to either, -1..1; None where this frame was
        not explained, or where one of them rests on nothing.
    """

    network: float
    by_norm: Score
    regions: float | None = None

    @property
    def difference(self) -> float:
        """The network's score less the other, points."""
        return self.network - self.by_norm.pspi

    @property
    def beyond(self) -> float:
        """How far the network's score lies above (below: negative) the other's interval, points; 0 within it."""
        return max(self.network - self.by_norm.high, 0.0) + min(self.network - self.by_norm.low, 0.0)

    @property
    def agrees(self) -> bool:
        """Whether the network's score lies in the interval of the other."""
        return self.beyond == 0

    @property
    def reads(self) -> Literal["same", "more", "less"]:
        """What the network reads, against the action units."""
        return "same" if self.agrees else "more" if self.beyond > 0 else "less"


@dataclass(frozen=True)
class NetworkPain:
    """What the network itself reads of pain in one face: a second road, taught by the first, so no second witness.

    Attributes
    ----------
    pack
        Id and version of its pack.
    learnt_from
        What it was taught, in the pack's own words.
    parts
        float32 [4], intensities 0..5 of `core.manifests.PSPI_PARTS`, as the population's norm has them: it knows
        nobody's neutral face. Of this very frame, and not smoothed.
    pspi
        Their sum in points, 0..16; AU43 counts a fifth of its intensity, see `core.pain_network`.
    agreement
        With the score of the action units by the norm.
    explanation, regions
        Which pixels of the crop that sum comes from (LRP), shared by region; perhaps of an earlier frame, then
        `explained` is False; None where nothing was explained lately.
    """

    pack: str
    learnt_from: str
    parts: Floats
    pspi: float
    agreement: Agreement
    explanation: Explanation | None = None
    regions: RegionRelevance | None = None
    explained: bool = False

    def __post_init__(self) -> None:
        if self.parts.shape != (4,):
            raise ValueError(f"the network's parts of PSPI are [4], got {self.parts.shape}")
        object.__setattr__(self, "parts", frozen(self.parts))
