"""What a person may choose about a verification."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.errors import UnknownName, VerificationError
from core.explain import LIVE, METHODS, Effort
from core.regions import MODES, Mode
from core.types import OUTSIDE_LIMIT

# Methods that are compared with each other unless others are named: one of every family that needs one run.
COMPARED: Final = ("lrp", "lrp_epsilon", "lrp_gamma", "gradient", "input_x_gradient", "guided_backprop", "gradcam")

# Checks of explanations that look at a subset, and the option that says at how many images.
SUBSETS: Final = ("class_images", "agreement_images", "faithfulness_images", "sanity_images", "stability_images")
LEAST: Final[Mapping[str, int]] = {
    **dict.fromkeys(("draws", "cascade_steps", "noises", "shift_px"), 1),
    **dict.fromkeys(("seed", "worst", *SUBSETS), 0),
}


@dataclass(frozen=True)
class Options:
    """What is explained, how it is judged, and how much work the checks may be.

    Attributes
    ----------
    method
        Key of the method whose maps are judged.
    region_mode
        How regions are outlined for the verdicts; the other way is compared with it.
    outside_limit
        Above this share of positive relevance outside the face the verdict says so.
    seed
        Of the bootstrap, of the subsets and of the noise: the same seed gives the same findings.
    draws
        Of the bootstrap.
    worst
        How many of the worst images are listed.
    compared
        Keys of the methods that are compared with each other; the chosen method is always among them.
    class_images, agreement_images, faithfulness_images, sanity_images, stability_images
        How many images each check looks at, as many of every predicted class as far as there are; 0 leaves it out.
        `class_images` are explained for every class: for the lift within images, and whether the class matters.
    cascade_steps
        At how many depths the network is drawn anew in the check of sanity; fewer where it has fewer layers.
    noise
        Radius of the noise in the check of stability, grey levels of 255 (root mean square per pixel).
    noises
        How many draws of noise each image gets there.
    shift_px
        Length of the shifts in the check of stability, along rows, columns and diagonals, whole crop px.
    effort
        The numbers of methods that run the model many times.
    """

    method: str = "lrp"
    region_mode: Mode = "polygons"
    outside_limit: float = OUTSIDE_LIMIT
    seed: int = 0
    draws: int = 1000
    worst: int = 30
    compared: tuple[str, ...] = COMPARED
    class_images: int = 160
    agreement_images: int = 96
    faithfulness_images: int = 96
    sanity_images: int = 48
    stability_images: int = 64
    cascade_steps: int = 16
    noise: float = 4.0
    noises: int = 8
    shift_px: int = 1
    effort: Effort = LIVE

    def __post_init__(self) -> None:
        for name in (self.method, *self.compared):
            if name not in METHODS:
                raise UnknownName("method", name, METHODS)
        if self.region_mode not in MODES:
            raise UnknownName("region mode", self.region_mode, MODES)
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise VerificationError(f"{name} must be {least} or more, got {getattr(self, name)}.")
        if not 0 < self.outside_limit <= 1:
            raise VerificationError(f"outside_limit must lie above 0 and not above 1, got {self.outside_limit}.")
        if not 0 < self.noise <= 255:
            raise VerificationError(f"noise must lie above 0 and not above 255, got {self.noise}.")
