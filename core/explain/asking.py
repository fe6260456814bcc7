"""What is asked of a procedure, and what it answers."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from core.explain.effort import Effort
from core.explain.runs import Array, Floats, Runs


@dataclass(frozen=True)
class Asked:
    """Pictures and the scores to explain in them: one seed per picture, or many seeds of one picture.

    Attributes
    ----------
    pictures
        [n, ...], in the session's own type.
    seed, contrast
        float32 [k, classes] and [k], k = n, or any k for one picture; rows of zeros mean the predicted class.
    regions
        Which region each pixel belongs to, integers [n, height, width]; None where nobody knows.
    """

    pictures: Array
    seed: Floats
    contrast: Floats
    regions: Array | None
    effort: Effort

    def resolved(self, runs: Runs) -> tuple[Floats, Floats]:
        """Logits and the seeds that are meant, float32 [k, classes] each."""
        if self.seed.any(axis=1).all() and not self.contrast.any():
            logits = runs.logits(self.pictures)
            return np.broadcast_to(logits, self.seed.shape), self.seed
        found = runs(self.pictures, self.seed, self.contrast)
        return found["logits"], found["seed_used"]

    def each(self, seeds: Floats) -> Iterator[tuple[int, Array, Floats]]:
        """Every picture's number, the picture [1, ...] and its seeds [its own, classes]."""
        for number in range(len(self.pictures)):
            own = seeds if len(self.pictures) == 1 else seeds[number : number + 1]
            yield number, self.pictures[number : number + 1], own


@dataclass(frozen=True)
class Answer:
    """One explanation per seed: logits and seed_used [k, classes], relevance [k, height, width].

    `absorbed` [k] is what biases took, `gap` [k] how much the map's sum misses what it should be; None where unknown.
    """

    logits: Floats
    seed_used: Floats
    relevance: Floats
    absorbed: Floats | None = None
    gap: Floats | None = None
