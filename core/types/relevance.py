"""What produced a reading: pixels, face regions, and what tells a class from the runner-up."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats, frozen
from core.verdict import Verdict


@dataclass(frozen=True)
class Explanation:
    """Which pixels of a crop produced a score.

    Attributes
    ----------
    relevance
        float32 [height, width], crop px, signed, in `unit`.
    method
        Key in the method table, for example "lrp".
    target
        The class that is explained.
    against
        The class it is contrasted with, or None.
    score
        The logit, or difference of logits, that the map explains.
    timestamp_s
        Time of the frame on which the map was computed.
    reference
        Strong relevance for this pack and method, in `unit`: what display scales are multiples of. See `core.scales`.
    unit
        Unit of the map, "logit" for most methods.
    gap
        By how much the map misses the sum that its method promises, logits; None where it promises none, or where
        biases took a part that nobody measured.
    """

    relevance: Floats
    method: str
    target: str
    against: str | None
    score: float
    timestamp_s: float
    reference: float
    unit: str = "logit"
    gap: float | None = None

    def __post_init__(self) -> None:
        if self.relevance.ndim != 2:
            raise ValueError(f"a relevance map needs two dimensions, got {self.relevance.shape}")
        if not self.reference > 0:
            raise ValueError(f"a reference for display must be above 0, got {self.reference}")
        object.__setattr__(self, "relevance", frozen(self.relevance))

    @property
    def absorbed(self) -> float:
        """What of the score lies on no pixel: for a method that conserves, the part that biases took; logit units."""
        return self.score - float(self.relevance.sum(dtype=np.float64))

    @property
    def title(self) -> str:
        """The target in words: "happiness" or "happiness against neutral"."""
        return self.target if self.against is None else f"{self.target} against {self.against}"


@dataclass(frozen=True)
class RegionRelevance:
    """How much each face region counted (SCIENCE 1.1).

    Attributes
    ----------
    regions
        Names, in the partition's order; the last is "outside".
    areas
        float32 [regions]: share of the crop's pixels; sums to 1.
    shares
        float32 [regions]: share of the positive relevance; sums to 1, or all 0 for a map without positive relevance.
    negative_shares
        float32 [regions]: the same for the negative relevance.
    positive, negative
        Sums of the positive and of the negative relevance over the crop, logit units (negative <= 0).
    expected
        The regions that the action units of the target class lie in; empty where the literature names none.
    control_shares
        float32 [regions]: the shares that a Gaussian at the crop's centre has, which has seen no face; None where it
        was not measured.
    """

    regions: tuple[str, ...]
    areas: Floats
    shares: Floats
    negative_shares: Floats
    positive: float
    negative: float
    expected: frozenset[str]
    control_shares: Floats | None = None

    def __post_init__(self) -> None:
        for name in ("areas", "shares", "negative_shares", "control_shares"):
            values = getattr(self, name)
            if values is None and name == "control_shares":
                continue
            if values.shape != (len(self.regions),):
                raise ValueError(f"{name} need one value per region, got shape {values.shape}")
            object.__setattr__(self, name, frozen(values))

    @cached_property
    def densities(self) -> Floats:
        """Share over area, float32 [regions]: 1 is what a uniform map over the crop would give; 0 for empty regions."""
        return np.divide(self.shares, self.areas, out=np.zeros_like(self.shares), where=self.areas > 0)

    @property
    def outside_share(self) -> float:
        """Share of the positive relevance that lies outside the face."""
        return float(self.shares[self.regions.index("outside")])

    @property
    def expected_share(self) -> float | None:
        """V: share of the positive relevance in the expected regions; None where none are expected."""
        return float(self.shares[self._is_expected].sum()) if self.expected else None

    @property
    def expected_crop_density(self) -> float | None:
        """V_w: density of the expected regions against a uniform map over the crop; None where it is not defined.

        Too easy a standard: any map that is centred on the face passes it.
        """
        area = float(self.areas[self._is_expected].sum())
        return float(self.shares[self._is_expected].sum()) / area if self.expected and area > 0 else None

    @property
    def expected_density(self) -> float | None:
        """V_f: density of the expected regions against a uniform map over the face; None where it is not defined."""
        return self._density_within(self.shares, self._is_expected)

    @property
    def crop_density(self) -> float | None:
        """V_w: the same against a uniform map over the crop, which any face-centred map passes."""
        area = float(self.areas[self._is_expected].sum())
        return None if self.expected_share is None or area <= 0 else self.expected_share / area

    def density_of(self, regions: frozenset[str]) -> float | None:
        """V_f of other regions than the expected ones under this same map; None where it is not defined."""
        return self._density_within(self.shares, np.array([name in regions for name in self.regions]))

    @cached_property
    def control(self) -> "RegionRelevance | None":
        """What the centre-Gaussian control scores on this face's regions, None where it was not measured."""
        if self.control_shares is None:
            return None
        nothing = np.zeros_like(self.shares)
        return RegionRelevance(
            self.regions, self.areas, self.control_shares, nothing, 1.0, 0.0, self.expected, self.control_shares
        )

    def judged(self, outside_limit: float | None = None) -> Verdict:
        """The verdict, "looks outside the face" above this share of the positive relevance (or `OUTSIDE_LIMIT`)."""
        if self.positive <= 0:
            return Verdict.NO_EVIDENCE
        if self.outside_share > (OUTSIDE_LIMIT if outside_limit is None else outside_limit):
            return Verdict.OUTSIDE
        if not self.expected:
            return Verdict.NOTHING_EXPECTED
        density = self.expected_density
        if density is None:
            return Verdict.HIDDEN
        return Verdict.EXPECTED if density >= 1 else Verdict.UNEXPECTED

    @property
    def verdict(self) -> str | None:
        """The verdict as one quiet sentence; None where nothing could be held against an expectation."""
        found = self.judged()
        return found.sentence if found.measured else None

    def _density_within(self, shares: Floats, chosen: NDArray[np.bool_]) -> float | None:
        """Density of some regions against a uniform map over the face, of any shares."""
        outside = self.regions.index("outside")
        inside, face_area = float(shares.sum()) - float(shares[outside]), 1 - float(self.areas[outside])
        area = float(self.areas[chosen].sum())
        if inside <= 0 or area <= 0:
            return None
        return float(shares[chosen].sum()) / inside * face_area / area

    @cached_property
    def _is_expected(self) -> NDArray[np.bool_]:
        return np.array([name in self.expected for name in self.regions])


# Above this share of positive relevance outside the face the verdict says so. A choice of ours; a uniform map puts
# about 0.42 there.
OUTSIDE_LIMIT = 0.35


@dataclass(frozen=True)
class Contrast:
    """Where the evidence lies that tells the predicted class from the one that it is held against.

    Plain maps of z+ look much alike for every class; the map of a contrast does not (SCIENCE 2). What its own regions
    get of it stands beside the verdict, and is what lift is made of.

    Attributes
    ----------
    target, against
        The class of which the regions are expected, and its opponent, as a rule the runner-up.
    regions
        The map "target against opponent" shared by region, with what is expected of the target.
    timestamp_s
        Time of the frame on which it was computed.
    """

    target: str
    against: str
    regions: RegionRelevance
    timestamp_s: float
