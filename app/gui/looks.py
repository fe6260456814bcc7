"""How a verdict looks in the window: its sign, its colour and its few words; never colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.mark import WORDS
from core.verdict import Verdict


@dataclass(frozen=True)
class Look:
    """Icon, the theme's colour for text and icon, and the words over a column."""

    icon: str
    role: str
    words: str


LOOKS: Final[Mapping[Verdict, Look]] = {
    Verdict.EXPECTED: Look("check", "good", "expected regions"),
    Verdict.UNEXPECTED: Look("unexpected", "warn", WORDS[Verdict.UNEXPECTED]),
    Verdict.OUTSIDE: Look("outside", "warn", WORDS[Verdict.OUTSIDE]),
    Verdict.NO_EVIDENCE: Look("no-evidence", "muted", WORDS[Verdict.NO_EVIDENCE]),
    Verdict.NOTHING_EXPECTED: Look("info", "muted", "nothing expected"),
    Verdict.HIDDEN: Look("info", "muted", "not to be seen"),
    Verdict.NOT_EXPLAINED: Look("info", "muted", "not explained"),
}
