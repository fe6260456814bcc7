"""Expected regions against observed: V, V_w, V_f, lift, and the verdict on each class (SCIENCE 1.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.regions import EMFACS, OUTSIDE, REGIONS
from core.types import OUTSIDE_LIMIT
from core.verdict import Verdict
from core.verification.classes import ClassMaps
from core.verification.estimates import Doubles, Estimate, Judgement
from core.verification.findings import (
    CONTRAST,
    EXPLANATION,
    GAUSSIAN,
    ORIGINS,
    UNIFORM_CROP,
    UNIFORM_FACE,
    ClassFinding,
    Expectation,
    OutsideFinding,
)
from core.verification.intervals import Bootstrap, wilson
from core.verification.measurements import Measurements, crop_density, expected_mask, face_density
from core.verification.options import Options

GOOD: Final = Verdict.EXPECTED.sentence
UNSUPPORTED: Final = Verdict.UNEXPECTED.sentence
OUTSIDE_FACE: Final = Verdict.OUTSIDE.sentence
NOTHING: Final = "nothing to judge"
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


def masses(found: Measurements, options: Options) -> dict[str, Doubles]:
    """What is judged: mass per region of each examined image's map, by origin, float64 [examined, regions].

    The uniform maps have a mass of 1 per pixel.
    """
    mode = options.region_mode
    counts = found.counts(mode)
    on_face = counts.copy()
    on_face[:, OUTSIDE] = 0
    return {
        EXPLANATION: found.shares("predicted", mode),
        CONTRAST: found.shares("contrast", mode),
        GAUSSIAN: found.gaussian(mode),
        UNIFORM_CROP: counts,
        UNIFORM_FACE: on_face,
    }


@dataclass(frozen=True)
class Judge:
    """Everything that expectations are estimated from."""

    found: Measurements
    options: Options
    bootstrap: Bootstrap
    maps: Mapping[str, Doubles]
    every_class: ClassMaps | None

    def classes(self) -> tuple[ClassFinding, ...]:
        """The finding of every class of the pack."""
        return tuple(self._class(place, label) for place, label in enumerate(self.found.labels))

    def outside(self) -> OutsideFinding:
        """Relevance outside the face, over all examined images."""
        shares = {origin: outside_share(self.maps[origin]) for origin in ORIGINS if origin != UNIFORM_FACE}
        own = shares[EXPLANATION][np.isfinite(shares[EXPLANATION])]
        counts = self.found.counts(self.options.region_mode)
        return OutsideFinding(
            mean={origin: self.bootstrap.mean(values) for origin, values in shares.items()},
            quantiles={q: float(np.quantile(own, q)) for q in QUANTILES} if len(own) else {},
            limit=self.options.outside_limit,
            above=wilson(int((own > self.options.outside_limit).sum()), len(own)),
            area=float((counts[:, OUTSIDE] / counts.sum(axis=1)).mean()) if len(counts) else None,
        )

    def _class(self, place: int, label: str) -> ClassFinding:
        rows = self.found.predicted == place
        expected = expected_mask(label)
        by_origin = {origin: self._expectation(origin, place, rows, expected) for origin in ORIGINS}
        return ClassFinding(
            label=label,
            expected=tuple(name for name, wanted in zip(REGIONS, expected, strict=True) if wanted),
            action_units=EMFACS.get(label, ()),
            images=int(rows.sum()),
            correct=int((rows & self.found.correct).sum()),
            by_origin=by_origin,
            verdict=class_verdict(label, int(rows.sum()), by_origin, self.options.outside_limit),
        )

    def _expectation(
        self, origin: str, place: int, rows: NDArray[np.bool_], expected: NDArray[np.bool_]
    ) -> Expectation:
        mass, counts = self.maps[origin], self.found.counts(self.options.region_mode)
        outside = self.bootstrap.mean(np.where(rows, outside_share(mass), np.nan))
        if not expected.any() or not rows.any():
            return Expectation(None, None, None, None, None, None, outside)
        density = face_density(mass, counts, expected)
        own = np.where(rows, density, np.nan)
        judged = own[np.isfinite(own)]
        return Expectation(
            mass=self.bootstrap.mean(np.where(rows, share(mass, expected), np.nan)),
            crop_density=self.bootstrap.mean(np.where(rows, crop_density(mass, counts, expected), np.nan)),
            face_density=self.bootstrap.mean(own),
            supported=wilson(int((judged >= 1).sum()), len(judged)),
            lift=self.bootstrap.ratio_of_means(own, np.where(rows, np.nan, density)),
            within_lift=self._within_lift(origin, place, rows, expected),
            outside=outside,
        )

    def _within_lift(
        self, origin: str, place: int, rows: NDArray[np.bool_], expected: NDArray[np.bool_]
    ) -> Estimate | None:
        """V_f of the class's regions under its own explanation over that under the other classes', same images.

        A control is one map for all classes, so it gets 1.
        """
        counts = self.found.counts(self.options.region_mode)
        own, others = (np.full(len(rows), np.nan) for _ in range(2))
        looked_at = int(rows.sum())
        if origin in (EXPLANATION, CONTRAST):
            if self.every_class is None:
                return None
            chosen = self.every_class.rows
            looked_at = int(rows[chosen].sum())
            by_class = [
                face_density(mass, counts[chosen], expected) for mass in self.every_class.masses(origin == CONTRAST)
            ]
            own[chosen] = by_class[place]
            others[chosen] = _mean_over([each for number, each in enumerate(by_class) if number != place])
        else:
            own[:] = others[:] = face_density(self.maps[origin], counts, expected)
        both = rows & np.isfinite(own) & np.isfinite(others)
        if 2 * both.sum() < looked_at:  # the images in which another class has evidence are not like the rest
            return None
        return self.bootstrap.ratio_of_means(np.where(both, own, np.nan), np.where(both, others, np.nan))


def share(mass: Doubles, regions: NDArray[np.bool_]) -> Doubles:
    """Share of the mass in some regions, float64 [images]; NaN for maps without mass."""
    total = mass.sum(axis=1)
    return np.divide(mass[:, regions].sum(axis=1), total, out=np.full(len(mass), np.nan), where=total > 0)


def outside_share(mass: Doubles) -> Doubles:
    """Share of the mass outside the face, float64 [images]."""
    return share(mass, np.arange(mass.shape[1]) == OUTSIDE)


def _mean_over(values: list[Doubles]) -> Doubles:
    """Mean over the classes that have a value, float64 [images]."""
    stacked = np.stack(values)
    there = np.isfinite(stacked)
    n = there.sum(axis=0)
    return np.divide(np.where(there, stacked, 0.0).sum(axis=0), n, out=np.full(n.shape, np.nan), where=n > 0)


def class_verdict(
    label: str, images: int, by_origin: Mapping[str, Expectation], limit: float = OUTSIDE_LIMIT
) -> Judgement:
    """Judge a class by V_f of its explanations and by lift under the contrast seed, both against 1."""
    own, lift = by_origin[EXPLANATION], by_origin[CONTRAST].lift
    if own.face_density is None or own.outside is None:
        return Judgement(None, NOTHING, _why_nothing(label, images))
    numbers = [f"V_f is {_told(own.face_density)}", f"{100 * own.outside.value:.0f} % lies outside the face"]
    numbers.insert(1, "there is no other class for a lift" if lift is None else f"lift is {_told(lift)}")
    reason = ", ".join(numbers)
    if own.outside.value > limit:
        return Judgement(False, OUTSIDE_FACE, f"{reason}: more than {100 * limit:.0f} %.")
    near = [each for each in (own.face_density, lift) if each is not None and each.low < 1 < each.high]
    unsure = "; an interval holds 1, so another sample may give another verdict" if near else ""
    weak = own.face_density.value < 1, lift is not None and lift.value < 1
    if any(weak):
        below = " and ".join(name for name, is_weak in zip(("V_f", "lift"), weak, strict=True) if is_weak)
        return Judgement(False, UNSUPPORTED, f"{reason}: {below} below 1{unsure}.")
    return Judgement(True, GOOD, f"{reason}{unsure}.")


def _why_nothing(label: str, images: int) -> str:
    if label not in EMFACS:
        return f"EMFACS does not know '{label}', so no regions are expected of it."
    if not EMFACS[label]:
        return f"EMFACS names no action units for {label}, so no regions are expected of it."
    if not images:
        return f"No examined image was read as {label}."
    return f"No map of {label} has positive relevance in the face."


def _told(number: Estimate) -> str:
    interval = "" if np.isnan(number.low) else f" ({number.low:.2f} to {number.high:.2f})"
    return f"{number.value:.2f}{interval}"


def overall_verdict(classes: tuple[ClassFinding, ...]) -> Judgement:
    """Judge all classes together: every one that can be judged must pass."""
    judged = [each for each in classes if each.verdict.passed is not None]
    failed = [each for each in judged if not each.verdict.passed]
    if not judged:
        return Judgement(None, NOTHING, "No class could be judged.")
    if not failed:
        many = f"All {len(judged)} classes that can be judged do" if len(judged) > 1 else f"{judged[0].label} does"
        return Judgement(True, GOOD, f"{many}.")
    named = "; ".join(f"{each.label}: {each.verdict.words}" for each in failed)
    words = OUTSIDE_FACE if any(each.verdict.words == OUTSIDE_FACE for each in failed) else UNSUPPORTED
    return Judgement(False, words, f"{len(failed)} of {len(judged)} classes that can be judged fail. {named}.")
