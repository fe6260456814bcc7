"""What the place of the evidence says about one decision on one face (SCIENCE 1.1)."""

from enum import Enum
from typing import Final


class Verdict(Enum):
    """Where the evidence for a decision lies; the values are the keys in files.

    It rests on V_f of the explanation that is shown: the positive part of one map. A plain map of z+ looks much alike
    for every class, so that V_f alone does not tell classes apart; that is what the contrast is for (see
    `core.types.Contrast`), which stands beside every verdict and changes none.
    """

    EXPECTED = "expected"
    UNEXPECTED = "unexpected"
    OUTSIDE = "outside"
    NO_EVIDENCE = "no_evidence"
    NOTHING_EXPECTED = "nothing_expected"
    HIDDEN = "hidden"
    NOT_EXPLAINED = "not_explained"

    @property
    def sentence(self) -> str:
        """In words."""
        return SENTENCES[self]

    @property
    def unsupported(self) -> bool:
        """Whether the decision deserves a second look."""
        return self in UNSUPPORTED

    @property
    def measured(self) -> bool:
        """Whether the evidence could be held against an expectation."""
        return self in (Verdict.EXPECTED, *UNSUPPORTED)


UNSUPPORTED: Final = (Verdict.UNEXPECTED, Verdict.OUTSIDE, Verdict.NO_EVIDENCE)
SENTENCES: Final = {
    Verdict.EXPECTED: "rests on the expected regions",
    Verdict.UNEXPECTED: "not supported by the expected regions",
    Verdict.OUTSIDE: "looks outside the face",
    Verdict.NO_EVIDENCE: "no positive evidence",
    Verdict.NOTHING_EXPECTED: "no regions expected of this class",
    Verdict.HIDDEN: "the expected regions cannot be seen",
    Verdict.NOT_EXPLAINED: "not explained",
}
