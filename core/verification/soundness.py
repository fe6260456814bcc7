"""What was found about the explanations themselves: what another way, another network, some noise would change."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.regions import Mode
from core.verification.estimates import Doubles, Estimate, Judgement, Seed


@dataclass(frozen=True)
class ModeComparison:
    """Boxes against polygons on the same maps.

    Attributes
    ----------
    rank_correlation
        Spearman's, between the shares of the regions under both; mean over the images.
    differences
        Per region, share under boxes less share under polygons; mean over the images.
    flipped
        Share of the images whose verdict is another.
    flips
        (verdict by polygons, verdict by boxes) to number of images, where they differ.
    face_density
        V_f per class and mode, (label, mode) to estimate.
    """

    images: int
    rank_correlation: Estimate | None
    differences: Mapping[str, Estimate]
    flipped: Estimate | None
    flips: Mapping[tuple[str, str], int]
    face_density: Mapping[tuple[str, Mode], Estimate | None]


@dataclass(frozen=True)
class MethodAgreement:
    """Method against method, on the same images and classes.

    Attributes
    ----------
    maps, maps_low, maps_high
        float64 [methods, methods]: Spearman's rank correlation of the signed maps, pixel by pixel; mean over images.
    shares, shares_low, shares_high
        The same of the regions' shares of the positive relevance.
    impossible
        Methods that this network cannot be explained with, and why.
    """

    images: int
    methods: tuple[str, ...]
    maps: Doubles
    maps_low: Doubles
    maps_high: Doubles
    shares: Doubles
    shares_low: Doubles
    shares_high: Doubles
    impossible: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class FaithfulnessRow:
    """Areas under the predicted class's probability while the most relevant pixels go, or come, blurred ones instead.

    Attributes
    ----------
    control
        Whether this map has seen no face.
    deletion
        Lower is better.
    insertion
        Higher is better.
    """

    name: str
    control: bool
    deletion: Estimate
    insertion: Estimate


@dataclass(frozen=True)
class FaithfulnessFinding:
    """Whether the maps point at what the network uses.

    Attributes
    ----------
    rows
        The method first, then the controls.
    gains
        Control to (its deletion less the method's, the method's insertion less its), image by image: above 0 the
        method is better.
    """

    images: int
    rows: tuple[FaithfulnessRow, ...]
    gains: Mapping[str, tuple[Estimate, Estimate]]
    verdict: Judgement


@dataclass(frozen=True)
class CascadeStep:
    """Maps once the top of the network is drawn anew, against the original maps of the same classes.

    Attributes
    ----------
    depth
        How many layers are random, from the head down; 0 is the original.
    layer
        The layer that was drawn anew last; empty at depth 0.
    rank_correlation
        Spearman's of the signed maps, mean over images.
    rank_correlation_of_sizes
        The same of the absolute maps.
    """

    depth: int
    layer: str
    rank_correlation: Estimate
    rank_correlation_of_sizes: Estimate


@dataclass(frozen=True)
class ClassSensitivity:
    """The predicted class's map against the runner-up's.

    Attributes
    ----------
    seed
        "predicted": each class on its own; "contrast": each against the highest of the others. Where nothing speaks
        for the runner-up against the predicted class, there is no such map, and the image does not count.
    rank_correlation
        Spearman's of the positive relevance, mean over images: 1 means that the class does not matter.
    moved
        Mean share of the positive relevance that lies elsewhere, 0..1.
    """

    seed: Seed
    rank_correlation: Estimate
    moved: Estimate


@dataclass(frozen=True)
class SanityFinding:
    """Whether the maps hang on the network's weights and on the class (Adebayo et al. 2018)."""

    images: int
    cascade: tuple[CascadeStep, ...]
    classes: tuple[ClassSensitivity, ...]
    verdict: Judgement


@dataclass(frozen=True)
class StabilityRow:
    """Maps under one kind of disturbance.

    Attributes
    ----------
    disturbance
        "noise" or "shift".
    radius, unit
        How strong it is.
    draws
        Disturbed copies per image.
    sens_max
        max over the copies of ||R(x + d) - R(x)|| / ||R(x)||, mean over images. The class is the undisturbed image's;
        shifted maps are shifted back first.
    moved_shares
        Largest change of the regions' shares, half the sum of absolute differences, 0..1.
    relabelled
        Share of the images in which some copy is read as another class.
    """

    disturbance: str
    radius: float
    unit: str
    draws: int
    sens_max: Estimate
    moved_shares: Estimate
    relabelled: Estimate


@dataclass(frozen=True)
class StabilityFinding:
    """Whether like images get like maps."""

    images: int
    rows: tuple[StabilityRow, ...]


@dataclass(frozen=True)
class ConservationFinding:
    """Whether the maps sum to the explained score, over all examined images.

    Attributes
    ----------
    promised
        Whether the method promises a sum at all; without, everything else is None.
    relative_gap
        |gap| / |score|: quantiles, probability to value.
    largest
        The largest of them.
    """

    promised: bool
    images: int
    relative_gap: Mapping[float, float] | None
    largest: float | None
