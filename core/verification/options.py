"""What a person may choose about a verification."""

from dataclasses import dataclass
from typing import Final

from core.errors import UnknownName, VerificationError
from core.explain import METHODS
from core.regions import MODES, Mode
from core.types import OUTSIDE_LIMIT

# Methods that are compared with each other unless others are named: one of every family that needs one run.
COMPARED: Final = ("lrp", "lrp_epsilon", "lrp_gamma", "gradient", "input_x_gradient", "guided_backprop", "gradcam")


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
    agreement_images, faithfulness_images, sanity_images, stability_images
        How many images each check looks at, the same number of every class as far as there are; 0 leaves it out.
    noise
        Radius of the noise in the stability check, grey levels of 255 (root mean square per pixel).
    shift_px
        Largest shift in the stability check, crop px.
    perturbations
        How many draws of noise and of shifts each image gets there.
    """

    method: str = "lrp"
    region_mode: Mode = "polygons"
    outside_limit: float = OUTSIDE_LIMIT
    seed: int = 0
    draws: int = 1000
    worst: int = 30
    compared: tuple[str, ...] = COMPARED
    agreement_images: int = 96
    faithfulness_images: int = 200
    sanity_images: int = 48
    stability_images: int = 64
    noise: float = 4.0
    shift_px: float = 1.0
    perturbations: int = 8

    def __post_init__(self) -> None:
        for name in (self.method, *self.compared):
            if name not in METHODS:
                raise UnknownName("method", name, METHODS)
        if self.region_mode not in MODES:
            raise UnknownName("region mode", self.region_mode, MODES)
        for name in ("draws", "perturbations"):
            if getattr(self, name) < 1:
                raise VerificationError(f"{name} must be 1 or more, got {getattr(self, name)}.")
        for name in ("worst", "agreement_images", "faithfulness_images", "sanity_images", "stability_images"):
            if getattr(self, name) < 0:
                raise VerificationError(f"{name} must be 0 or more, got {getattr(self, name)}.")
        if not 0 < self.outside_limit <= 1:
            raise VerificationError(f"outside_limit must lie above 0 and not above 1, got {self.outside_limit}.")
        for name in ("noise", "shift_px"):
            if not getattr(self, name) > 0:
                raise VerificationError(f"{name} must be above 0, got {getattr(self, name)}.")
