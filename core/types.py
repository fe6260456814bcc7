"""The values that flow from stage to stage, in the order in which they arise.

::

    Source -- Frame --> Pipeline -- Result --> view, exporter
                        Result
                        |-- FaceResult, one per face
                        |   |-- FaceObservation   where the face is
                        |   |-- Crop              the face as the model sees it
                        |   |-- Prediction        what the model reads in it
                        |   |-- Explanation       which pixels of the crop produced that
                        |   |-- RegionRelevance   how much each face region counted
                        |   |-- Contrast          where that lies which tells it from the runner-up
                        |   |-- LandmarkReading   what a landmark network reads in the mesh, and from which points
                        |   |-- PainReading       action units and PSPI, or why they cannot be measured
                        |   `-- NetworkPain       what the network itself reads of PSPI, and how far both agree
                        `-- Features     what one layer makes of one face, where somebody looks into it

All are frozen and their arrays are read-only, so they may cross threads. Pictures are RGB. Frame coordinates are pixels
of the frame's image, crop coordinates pixels of the aligned crop; `to_frame` leads from the latter to the former.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core.geometry import Box, Floats, Image, Similarity, frozen
from core.pspi import PainReading, Score
from core.verdict import Verdict


@dataclass(frozen=True)
class Frame:
    """One picture of a source.

    Attributes
    ----------
    image
        RGB uint8 [height, width, 3].
    index
        Place in the source, from 0, as decoded.
    timestamp_s
        Presentation time for files, seconds since opening for live sources.
    captured_s
        `time.monotonic()` when the picture was taken or decoded.
    """

    image: Image
    index: int
    timestamp_s: float
    captured_s: float

    def __post_init__(self) -> None:
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(f"a frame needs uint8 [height, width, 3], got {self.image.dtype} {self.image.shape}")
        object.__setattr__(self, "image", frozen(self.image))

    @property
    def width(self) -> int:
        """Width in px."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in px."""
        return int(self.image.shape[0])


@dataclass(frozen=True)
class FaceObservation:
    """Where a face is in a frame.

    Attributes
    ----------
    landmarks
        float32 [478, 3]: x, y in frame px, z in px at the same scale (smaller is nearer the camera).
    confidence
        How sure the mesh model is that there is a face, 0..1.
    face_id
        Identity across frames, from 1; 0 before tracking has given one.
    """

    landmarks: Floats
    confidence: float
    face_id: int = 0

    def __post_init__(self) -> None:
        if self.landmarks.shape != (478, 3):
            raise ValueError(f"a face needs landmarks [478, 3], got {self.landmarks.shape}")
        object.__setattr__(self, "landmarks", frozen(self.landmarks))

    @cached_property
    def box(self) -> Box:
        """The smallest box around the landmarks, frame px."""
        return Box.around(self.landmarks)


@dataclass(frozen=True)
class Crop:
    """A face as a model sees it: uint8 [size, size] grey or [size, size, 3] RGB, and where it lies in the frame."""

    image: Image
    to_frame: Similarity

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", frozen(self.image))

    @property
    def size(self) -> int:
        """Side in px."""
        return int(self.image.shape[0])

    def landmarks(self, observation: FaceObservation) -> Floats:
        """The face's landmarks in crop px, float32 [478, 2]."""
        return self.to_frame.inverse().apply(observation.landmarks[:, :2])


@dataclass(frozen=True)
class Prediction:
    """What a model reads in one face: logits and calibrated probabilities, float32 [classes], in the labels' order."""

    labels: tuple[str, ...]
    logits: Floats
    probabilities: Floats

    def __post_init__(self) -> None:
        _freeze_scores(self)

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


def _freeze_scores(scores: "Prediction | LandmarkReading") -> None:
    """Make logits and probabilities read-only. ValueError unless each has one value per label."""
    for name in ("logits", "probabilities"):
        values = getattr(scores, name)
        if values.shape != (len(scores.labels),):
            raise ValueError(f"{name} need one value per label {scores.labels}, got shape {values.shape}")
        object.__setattr__(scores, name, frozen(values))


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
        _freeze_scores(self)

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
        float32 [4], intensities 0..5 of `core.packs.PSPI_PARTS`, as the population's norm has them: it knows nobody's
        neutral face. Of this very frame, and not smoothed.
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


@dataclass(frozen=True)
class FaceResult:
    """One face of one frame. The explanation may be older than the frame; then `explained` is False.

    The contrast may be older still; it is there only while the class it is about is still the predicted one. What a
    landmark network reads in the mesh (`by_landmarks`), and the pain score, are always of this very frame; None where
    none is asked. Where no emotions are read there is no prediction, and nothing that is about one. `pain_by_network`
    is there where a pain score is, and a pack that reads pain.
    """

    observation: FaceObservation
    crop: Crop
    prediction: Prediction | None
    explanation: Explanation | None = None
    regions: RegionRelevance | None = None
    explained: bool = False
    contrast: Contrast | None = None
    by_landmarks: LandmarkReading | LandmarkWait | None = None
    pain: PainReading | None = None
    pain_by_network: NetworkPain | None = None

    @property
    def label(self) -> str | None:
        """The predicted class; None where no emotions are read."""
        return None if self.prediction is None else self.prediction.label

    @property
    def points(self) -> PointRelevance | None:
        """Which points of the mesh count for the landmark network; None where it reads nothing."""
        return self.by_landmarks.points if isinstance(self.by_landmarks, LandmarkReading) else None

    def judged(self, outside_limit: float | None = None) -> Verdict:
        """The verdict on the current decision: on nothing but an explanation of the class that is predicted now."""
        explanation, regions = self.explanation, self.regions
        if explanation is None or regions is None or explanation.target != self.label:
            return Verdict.NOT_EXPLAINED
        return regions.judged(outside_limit)


@dataclass(frozen=True)
class Features:
    """What one layer of the network makes of one face.

    Attributes
    ----------
    pack
        Id and version of the pack: layers of several packs may bear the same key.
    layer
        Key of the layer, see `core.explain.feature_layers`.
    maps
        float32 [channels, height, width], in the layer's own unit; 1 x 1 for dense layers.
    """

    face_id: int
    pack: str
    layer: str
    maps: Floats

    def __post_init__(self) -> None:
        if self.maps.ndim != 3:
            raise ValueError(f"feature maps need [channels, height, width], got {self.maps.shape}")
        object.__setattr__(self, "maps", frozen(self.maps))


@dataclass(frozen=True)
class Result:
    """Everything that is known about one frame, the frame itself included.

    `features` are those of the layer that somebody looks into, or the error that reading it raised; None else.
    """

    frame: Frame
    faces: tuple[FaceResult, ...]
    stages_s: Mapping[str, float] = field(default_factory=dict)
    features: Features | Exception | None = None

    def explanation_age_s(self, face: FaceResult) -> float | None:
        """How much older than this frame a face's explanation is; None without one."""
        return None if face.explanation is None else self.frame.timestamp_s - face.explanation.timestamp_s
