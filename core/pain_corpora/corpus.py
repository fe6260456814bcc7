"""Recordings of people in pain with what somebody, or the experiment, says about them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.errors import CorpusInvalid, SourceError
from core.types import Frame


@dataclass(frozen=True)
class Truth:
    """What is known of a recording.

    Attributes
    ----------
    title
        For people.
    most
        Upper end of its scale, from 0.
    is_pspi
        Whether it is a coder's PSPI, frame by frame, so that differences to an estimate mean something. Else it is a
        level that holds for a whole recording, and only its order counts.
    levels
        From which values on a frame, or a recording, is to be told from the others.
    """

    title: str
    most: float
    is_pspi: bool
    levels: tuple[float, ...] = (1.0, 4.0)


PSPI: Final = Truth("coded PSPI, 0 to 16", 16.0, True)
HEAT: Final = Truth("level of the heat stimulus, 0 to 4", 4.0, False)


@dataclass(frozen=True)
class Recording:
    """One sequence of one person.

    Attributes
    ----------
    frames
        Gives the frames in order, or in the place of one that cannot be read, the error.
    truths
        Per frame, None where nobody coded it; of a single value where it holds for the whole recording.
    """

    name: str
    subject: str
    frames: Callable[[], Iterator[Frame | SourceError]]
    truths: tuple[float | None, ...]


@dataclass(frozen=True)
class PainCorpus:
    """Recordings whose pain is known, read one by one when they are asked for.

    Attributes
    ----------
    dropped
        What is left out, by reason.
    """

    title: str
    truth: Truth
    recordings: Sequence[Recording]
    dropped: Mapping[str, int]

    def __post_init__(self) -> None:
        if not any(value is not None for each in self.recordings for value in each.truths):
            left_out = ", ".join(f"{reason}: {n}" for reason, n in self.dropped.items()) or "none was found"
            raise CorpusInvalid(f"{self.title} holds no recording of known pain (left out: {left_out}).")

    @property
    def subjects(self) -> int:
        """How many people are in it."""
        return len({each.subject for each in self.recordings})
