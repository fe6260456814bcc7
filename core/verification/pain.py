"""The pain score held against recordings whose pain is known: every frame is measured, or counted with its reason.

::

    PainCorpus -- Pipeline, pain only --> Measured per frame --> Measured per recording, where its level holds for all
                                                             --> PainFindings: agreement, what was not measurable
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

from core.errors import SourceError
from core.model import Model
from core.pain_corpora import PainCorpus, Recording, Truth
from core.pain_log import NO_FACE
from core.pipeline import OFF, Pipeline, Settings
from core.pspi import PainReading
from core.types import Frame
from core.verification.estimates import Estimate
from core.verification.pain_scores import scored, scores_for

UNREADABLE: Final = "unreadable"
LEAST_SHARE: Final = 0.5  # of a recording's frames that must be measurable for it to be judged
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """One frame, or one recording, of a person: what is known of it, and what was measured.

    Attributes
    ----------
    truth
        None where nobody coded it; then it is in no score.
    pspi, low, high
        The estimate with its interval; None where there is a reason.
    """

    name: str
    subject: str
    truth: float | None
    pspi: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class PainFindings:
    """What came out.

    Attributes
    ----------
    judged
        How many were known: frames, or recordings.
    unmeasured
        Of these, how many had no score, by reason.
    unmeasured_share
        Their share, by what is known: of all, of those without pain, and from each level on.
    scores
        By name, see `core.verification.pain_scores`; None where a score is not defined.
    """

    corpus: str
    truth: Truth
    subjects: int
    recordings: int
    judged: int
    unmeasured: Mapping[str, int]
    unmeasured_share: Mapping[str, float | None]
    scores: Mapping[str, Estimate | None]
    dropped: Mapping[str, int]

    def document(self) -> dict[str, object]:
        """Everything, for a JSON file; an end of an interval that is not known is None."""
        scores = {name: None if each is None else _plain(each) for name, each in self.scores.items()}
        return {**asdict(self), "scores": scores}


def measure(corpus: PainCorpus, model: Model, tell: Tell = lambda done, total: None) -> Iterator[Measured]:
    """Measure a corpus, recording after recording, each of them anew; of several faces the largest."""
    pipeline = Pipeline(model, Settings(method=OFF, pain=True, emotions=False))
    try:
        for number, recording in enumerate(corpus.recordings, 1):
            pipeline.reset()
            frames = list(_frames(recording, pipeline))
            yield from frames if corpus.truth.is_pspi else (_whole(recording, frames),)
            tell(number, len(corpus.recordings))
    finally:
        pipeline.close()


def findings(corpus: PainCorpus, measured: Sequence[Measured], seed: int = 0) -> PainFindings:
    """What the measurements of a corpus add up to; `seed` is of the draws of people."""
    known = [each for each in measured if each.truth is not None]
    read = [each for each in known if each.pspi is not None]
    truth = np.array([each.truth for each in read], np.float64)
    found = np.array([each.pspi for each in read], np.float64)
    subjects = [each.subject for each in read]
    return PainFindings(
        corpus=corpus.title,
        truth=corpus.truth,
        subjects=len({each.subject for each in known}),
        recordings=len(corpus.recordings),
        judged=len(known),
        unmeasured=dict(Counter(each.reason for each in known if each.reason is not None).most_common()),
        unmeasured_share=_unmeasured_share(known, corpus.truth),
        scores={name: scored(score, truth, found, subjects, seed) for name, score in scores_for(corpus.truth).items()},
        dropped=corpus.dropped,
    )


def _frames(recording: Recording, pipeline: Pipeline) -> Iterator[Measured]:
    """Every frame of a recording, also those that nobody coded: what follows depends on them."""
    for place, frame in enumerate(recording.frames()):
        truth = recording.truths[place] if len(recording.truths) > 1 else recording.truths[0]
        one = Measured(f"{recording.name}/{place}", recording.subject, truth)
        if isinstance(frame, SourceError):
            yield replace(one, reason=UNREADABLE)
            continue
        yield _with(one, _reading(frame, pipeline))


def _reading(frame: Frame, pipeline: Pipeline) -> PainReading | None:
    faces = pipeline.process(frame).faces
    largest = max(faces, key=lambda face: face.observation.box.area, default=None)
    return None if largest is None else largest.pain


def _with(one: Measured, reading: PainReading | None) -> Measured:
    if reading is None:
        return replace(one, reason=NO_FACE)
    if reading.score is None:
        return replace(one, reason=reading.reason)
    return replace(one, pspi=reading.score.pspi, low=reading.score.low, high=reading.score.high)


def _whole(recording: Recording, frames: Sequence[Measured]) -> Measured:
    """A recording by its highest score; the commonest reason where less than half of it is measurable."""
    one = Measured(recording.name, recording.subject, recording.truths[0])
    read = [each for each in frames if each.pspi is not None]
    if not frames:
        return replace(one, reason=UNREADABLE)
    if len(read) < LEAST_SHARE * len(frames):
        return replace(one, reason=Counter(each.reason for each in frames if each.reason).most_common(1)[0][0])
    highest = max(read, key=lambda each: each.pspi or 0.0)
    return replace(one, pspi=highest.pspi, low=highest.low, high=highest.high)


def _unmeasured_share(known: Sequence[Measured], truth: Truth) -> dict[str, float | None]:
    """Whether what is worst is also what is least measurable."""

    def share(low: float, high: float) -> float | None:
        within = [each.reason is not None for each in known if low <= (each.truth or 0.0) < high]
        return sum(within) / len(within) if within else None

    rising = {f"from {level:g} on": share(level, np.inf) for level in truth.levels}
    return {"all": share(0.0, np.inf), f"below {truth.levels[0]:g}": share(0.0, truth.levels[0]), **rising}


def _plain(estimate: Estimate) -> dict[str, float | int | None]:
    ends = {
        name: value if np.isfinite(value) else None for name, value in (("low", estimate.low), ("high", estimate.high))
    }
    return {"value": estimate.value, **ends, "n": estimate.n}
