"""What became of one image of a corpus: read, explained, or not, and then why not."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, TypeAlias

from core.geometry import Box
from core.regions import Mode
from core.types import Prediction, RegionRelevance

State: TypeAlias = Literal["examined", "whole picture", "no face", "unreadable", "excluded"]
EXAMINED: Final = "examined"  # a face was found, read and explained
WHOLE: Final = "whole picture"  # a picture cut to the face, on which no mesh could be fitted: read, but not by region
NO_FACE: Final = "no face"  # nothing was found to read
UNREADABLE: Final = "unreadable"  # the picture could not be decoded, or the pack failed on it
EXCLUDED: Final = "excluded"  # its label is none of the pack's classes: not looked at
STATES: Final[tuple[State, ...]] = (EXAMINED, WHOLE, NO_FACE, UNREADABLE, EXCLUDED)

Finder: TypeAlias = Literal["detector", "tight fit"]


@dataclass(frozen=True)
class Evidence:
    """Where the relevance for one score lies in one face.

    Attributes
    ----------
    target, against
        The class that is explained, and the one it is contrasted with or None.
    score
        The logit, or difference of logits, that is explained.
    gap
        By how much the map misses the sum that its method promises, logits; None where it promises none.
    polygons, boxes
        The shares by region under both ways to outline regions.
    """

    target: str
    against: str | None
    score: float
    gap: float | None
    polygons: RegionRelevance
    boxes: RegionRelevance

    def by(self, mode: Mode) -> RegionRelevance:
        """The shares by region under one of the two ways."""
        return self.polygons if mode == "polygons" else self.boxes


@dataclass(frozen=True)
class Record:
    """One image of the corpus.

    Attributes
    ----------
    name, label, subject
        As in the corpus; the label by EMFACS's name. Subject is None where the corpus names none.
    state
        What became of it: one of `STATES`.
    reason
        Why it was not examined, a sentence; empty for examined images.
    prediction
        What the pack reads in it; None where it read nothing.
    found_by
        Whether the detector found the face or the mesh was fitted to the whole picture; None without a mesh.
    faces
        How many faces were seen, of which the largest was read.
    presence
        How sure the mesh is of the face, 0..1; None without a mesh.
    box
        Around the mesh, px of the picture; None without a mesh.
    evidence
        The explanation of the predicted class; None unless examined.
    contrast
        The same with the contrast seed: the predicted class against the runner-up.
    """

    name: str
    label: str
    subject: str | None
    state: State
    reason: str = ""
    prediction: Prediction | None = None
    found_by: Finder | None = None
    faces: int = 0
    presence: float | None = None
    box: Box | None = None
    evidence: Evidence | None = None
    contrast: Evidence | None = None

    @property
    def predicted(self) -> str | None:
        """The most probable class; None where nothing was read."""
        return None if self.prediction is None else self.prediction.label

    @cached_property
    def correct(self) -> bool | None:
        """Whether the prediction is the label; None where nothing was read."""
        return None if self.prediction is None else self.prediction.label == self.label
