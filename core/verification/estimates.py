"""Numbers with intervals, and judgements: what findings are made of."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Quantity: TypeAlias = Literal["mass", "density"]
Sign: TypeAlias = Literal["positive", "negative"]
Seed: TypeAlias = Literal["predicted", "contrast"]
Group: TypeAlias = Literal["all", "correct", "wrong"]
Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes
    ----------
    value
        What was measured, mostly a mean.
    low, high
        Ends of the interval: Wilson's for proportions, bootstrap percentiles otherwise; NaN where a single image (or
        person) tells nothing of the spread.
    n
        Images it rests on.
    spread
        Standard deviation over the images; None for proportions and ratios.
    """

    value: float
    low: float
    high: float
    n: int
    spread: float | None = None


@dataclass(frozen=True)
class Judgement:
    """A judgement.

    Attributes
    ----------
    passed
        None where there is nothing to judge.
    words
        The judgement in few words.
    reason
        The numbers it rests on, or why there is none: a sentence.
    """

    passed: bool | None
    words: str
    reason: str
