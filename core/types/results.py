"""Everything that is known about a face and about a frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.geometry import Floats, frozen
from core.pspi import PainReading
from core.types.frames import Crop, FaceObservation, Frame
from core.types.landmarks import LandmarkReading, LandmarkWait, PointRelevance
from core.types.pain import NetworkPain
from core.types.relevance import Contrast, Explanation, RegionRelevance
from core.types.scores import Prediction
from core.verdict import Verdict


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
