"""What a verification found: the values that a report is made from.

::

    Findings
    |-- about            Provenance       which pack, which corpus, which versions
    |-- options          Options          what was asked for
    |-- records          Record ...       one per image, in the corpus's order
    |-- counts           Counts           what became of the images; none is dropped silently
    |-- classification   Classification   accuracy, recall, confusion, calibration
    |-- tables           RegionTable ...  class x region: mass and density of relevance
    |-- classes          ClassFinding ... V, V_w, V_f, lift and the verdict of each class, beside the controls
    |-- outside          OutsideFinding   relevance outside the face
    |-- verdict          Judgement          on all classes together
    |-- maps             MeanMaps         mean heatmaps, and the mean face as an outline
    |-- worst            Worst ...        the images that fail worst
    |-- modes            ModeComparison   boxes against polygons
    `-- checks of the explanations themselves, each None where it was not asked for or nothing could be checked:
        agreement (method against method), faithfulness, sanity, stability, conservation

Shares and densities are those of SCIENCE 1.1, of the positive relevance unless `sign` says otherwise. Groups of images
are by the *predicted* class, since that is what is explained. What cannot be measured is None (NaN within arrays).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import UnknownName
from core.geometry import Floats
from core.regions import Mode
from core.verification.estimates import Doubles, Estimate, Group, Judgement, Quantity, Seed, Sign
from core.verification.options import Options
from core.verification.record import Record
from core.verification.scores import ReliabilityBin
from core.verification.soundness import (
    CascadeStep,
    ClassSensitivity,
    ConservationFinding,
    FaithfulnessFinding,
    FaithfulnessRow,
    MethodAgreement,
    ModeComparison,
    SanityFinding,
    StabilityFinding,
    StabilityRow,
)

__all__ = [
    "CONTRAST",
    "CONTROLS",
    "EXPLANATION",
    "GAUSSIAN",
    "ORIGINS",
    "UNIFORM_CROP",
    "UNIFORM_FACE",
    "CascadeStep",
    "ClassFinding",
    "ClassSensitivity",
    "Classification",
    "ConservationFinding",
    "Counts",
    "Estimate",
    "Expectation",
    "FaithfulnessFinding",
    "FaithfulnessRow",
    "Findings",
    "Judgement",
    "MeanMap",
    "MeanMaps",
    "MethodAgreement",
    "ModeComparison",
    "OutsideFinding",
    "Provenance",
    "RegionTable",
    "ReliabilityBin",
    "SanityFinding",
    "StabilityFinding",
    "StabilityRow",
    "Worst",
]

# What expectations are stated for: the maps, and maps that have seen no face.
EXPLANATION: Final = "explanation"
CONTRAST: Final = "contrast"
GAUSSIAN: Final = "centre Gaussian"
UNIFORM_CROP: Final = "uniform over the crop"
UNIFORM_FACE: Final = "uniform over the face"
CONTROLS: Final = (GAUSSIAN, UNIFORM_CROP, UNIFORM_FACE)
ORIGINS: Final = (EXPLANATION, CONTRAST, *CONTROLS)


@dataclass(frozen=True)
class Provenance:
    """What was verified on what, with what.

    Attributes
    ----------
    pack_id, pack_version, pack_title, pack_sha256
        The pack, the hash being its ONNX file's.
    pack_labels
        Its classes in the order of the logits.
    corpus_title, corpus_layout, corpus_fingerprint
        The corpus; the fingerprint is over names, labels and subjects in order.
    corpus_tight
        Whether its pictures are cut to the face already.
    subjects
        How many people are in it; None where it does not say.
    versions
        Of the program, the compiler of explanations and the libraries.
    provider
        Where ONNX Runtime ran.
    pictures_digest
        Over the pixels of all pictures that were read, in order: the same digest means the same pictures.
    """

    pack_id: str
    pack_version: str
    pack_title: str
    pack_sha256: str
    pack_labels: tuple[str, ...]
    corpus_title: str
    corpus_layout: str
    corpus_fingerprint: str
    corpus_tight: bool
    subjects: int | None
    versions: Mapping[str, str]
    provider: str
    pictures_digest: str = ""


@dataclass(frozen=True)
class Counts:
    """What became of the images.

    Attributes
    ----------
    images
        In the corpus, those it dropped while it was opened not among them.
    states
        Images per state, every one of `record.STATES`; they sum to `images`.
    listed
        Names of the images in every state but "examined", each with the reason.
    dropped
        What the corpus itself left out when it was opened, reason to number.
    labels
        Images per label of the corpus, excluded ones included.
    absent
        Classes of the pack that no image of the corpus shows.
    excluded_labels
        Labels of the corpus that the pack does not know, with the number of their images.
    """

    images: int
    states: Mapping[str, int]
    listed: Mapping[str, tuple[tuple[str, str], ...]]
    dropped: Mapping[str, int]
    labels: Mapping[str, int]
    absent: tuple[str, ...]
    excluded_labels: Mapping[str, int]


@dataclass(frozen=True)
class Classification:
    """How well the pack reads the corpus. Images with an excluded label count nowhere.

    Attributes
    ----------
    images
        With a label that the pack knows.
    read
        Of those, the ones the pack read something in: examined, or whole pictures.
    accuracy
        Over the images read; Wilson's interval, as everywhere here. None where none was read.
    accuracy_of_all
        Every image without a reading counts as wrong.
    accuracy_examined, accuracy_whole
        Over the images with a mesh, and over those read as whole pictures.
    labels
        The pack's classes: order of everything below.
    recall, precision
        Per class; None where no image has it as its label, or as its prediction.
    mean_recall
        Over the classes that occur among the images read.
    confusion
        int64 [label, predicted].
    calibration_error
        Expected calibration error over 15 bins, with its bootstrap interval (by subject where there are subjects).
        Biased upwards on small samples, and its interval with it.
    bins
        Its bins.
    negative_log_likelihood
        Mean, nats.
    """

    images: int
    read: int
    accuracy: Estimate | None
    accuracy_of_all: Estimate | None
    accuracy_examined: Estimate | None
    accuracy_whole: Estimate | None
    labels: tuple[str, ...]
    recall: tuple[Estimate | None, ...]
    precision: tuple[Estimate | None, ...]
    mean_recall: float | None
    confusion: NDArray[np.int64]
    calibration_error: Estimate | None
    bins: tuple[ReliabilityBin, ...]
    negative_log_likelihood: float | None


@dataclass(frozen=True)
class RegionTable:
    """One quantity by explained class and region: float64 [classes, regions], NaN where no image tells.

    Attributes
    ----------
    quantity
        "mass" is mu, the share of the relevance; "density" is mu_w, the share over the region's share of the crop.
    sign
        Of the relevance.
    seed
        Whether the predicted class was explained alone or against the runner-up.
    group
        Which images: all that were examined, the correct or the wrong predictions.
    mode
        How regions are outlined.
    mean, low, high, spread
        Mean over images, its bootstrap interval (by subject where there are subjects), standard deviation over images.
    n
        int64 [classes, regions]: images. For densities those whose region has an area.
    """

    quantity: Quantity
    sign: Sign
    seed: Seed
    group: Group
    mode: Mode
    classes: tuple[str, ...]
    regions: tuple[str, ...]
    mean: Doubles
    low: Doubles
    high: Doubles
    spread: Doubles
    n: NDArray[np.int64]


@dataclass(frozen=True)
class Expectation:
    """How much of a class's relevance lies where its action units are; None where it is not defined.

    Attributes
    ----------
    mass
        V: share in the expected regions.
    crop_density
        V_w: against a uniform map over the crop. Too easy a standard.
    face_density
        V_f: against a uniform map over the face.
    supported
        Share of the images with V_f of 1 or more.
    lift
        V_f of the class's regions under explanations of the class, over their V_f under those of the other classes.
    within_lift
        The same, the other classes' explanations being of the same images, which are a subset. None where in most of
        them no other class has positive relevance, as is common under the contrast seed.
    outside
        Share outside the face.
    """

    mass: Estimate | None
    crop_density: Estimate | None
    face_density: Estimate | None
    supported: Estimate | None
    lift: Estimate | None
    within_lift: Estimate | None
    outside: Estimate | None


@dataclass(frozen=True)
class ClassFinding:
    """One class of the pack.

    Attributes
    ----------
    expected
        Regions of its action units, in the partition's order; empty where EMFACS names none.
    action_units
        Numbers of those action units.
    images, correct
        Examined images that were predicted, and so explained, as this class; how many of them rightly.
    by_origin
        Expectations by what the map is: every one of `ORIGINS`.
    """

    label: str
    expected: tuple[str, ...]
    action_units: tuple[int, ...]
    images: int
    correct: int
    by_origin: Mapping[str, Expectation]
    verdict: Judgement


@dataclass(frozen=True)
class OutsideFinding:
    """Share of the positive relevance outside the face, over all examined images.

    Attributes
    ----------
    mean
        By what the map is: every one of `ORIGINS` but the uniform map over the face, which has none there.
    quantiles
        Of the explanations: probability to share.
    above
        Share of the images above the limit.
    area
        Mean share of the crop that is outside the face.
    """

    mean: Mapping[str, Estimate | None]
    quantiles: Mapping[float, float]
    limit: float
    above: Estimate | None
    area: float | None


@dataclass(frozen=True)
class MeanMap:
    """Mean positive relevance of the images explained as one class.

    Attributes
    ----------
    density
        float32 [side, side]: each image's map divided by its own sum, times the pixels, then averaged: 1 is what a
        uniform map would give. NaN throughout where there is no image.
    """

    label: str
    seed: Seed
    group: Group
    n: int
    density: Floats


@dataclass(frozen=True)
class MeanMaps:
    """Mean heatmaps in the crop's frame, into which every face is aligned.

    Attributes
    ----------
    side
        Of the maps, px; at most `MAP_PX`, however large the crop is.
    landmarks
        float32 [478, 2]: the mean face in px of these maps; None where no face was found.
    maps
        One per class, seed and group.
    """

    side: int
    landmarks: Floats | None
    maps: tuple[MeanMap, ...]

    def of(self, label: str, seed: Seed = "predicted", group: Group = "all") -> MeanMap:
        """The map of one class."""
        for each in self.maps:
            if (each.label, each.seed, each.group) == (label, seed, group):
                return each
        raise UnknownName(
            "mean map", f"{label}, {seed}, {group}", (f"{m.label}, {m.seed}, {m.group}" for m in self.maps)
        )


@dataclass(frozen=True)
class Worst:
    """One of the images that fail worst.

    Attributes
    ----------
    place
        Index in `Findings.records`.
    verdict
        In words, as for single images.
    density
        float32 [side, side]: its own positive relevance, as in `MeanMap`.
    """

    place: int
    name: str
    label: str
    predicted: str
    probability: float
    outside_share: float
    expected_share: float | None
    face_density: float | None
    verdict: str
    density: Floats


@dataclass(frozen=True)
class Findings:
    """Everything a verification found; see the module."""

    about: Provenance
    options: Options
    records: tuple[Record, ...]
    counts: Counts
    classification: Classification
    tables: tuple[RegionTable, ...]
    classes: tuple[ClassFinding, ...]
    outside: OutsideFinding
    verdict: Judgement
    maps: MeanMaps
    worst: tuple[Worst, ...]
    modes: ModeComparison
    agreement: MethodAgreement | None
    faithfulness: FaithfulnessFinding | None
    sanity: SanityFinding | None
    stability: StabilityFinding | None
    conservation: ConservationFinding | None
    stages_s: Mapping[str, float] = field(default_factory=dict, compare=False)  # seconds per stage of this run

    def table(
        self,
        quantity: Quantity = "mass",
        sign: Sign = "positive",
        seed: Seed = "predicted",
        group: Group = "all",
        mode: Mode | None = None,
    ) -> RegionTable:
        """One of the tables, by default in the region mode that the verdicts rest on."""
        wanted = (quantity, sign, seed, group, mode or self.options.region_mode)
        for each in self.tables:
            if (each.quantity, each.sign, each.seed, each.group, each.mode) == wanted:
                return each
        raise UnknownName("table", ", ".join(wanted), ("one per quantity, sign, seed, group and mode",))

    def finding(self, label: str) -> ClassFinding:
        """What was found for one class of the pack."""
        for each in self.classes:
            if each.label == label:
                return each
        raise UnknownName("class", label, (each.label for each in self.classes))
