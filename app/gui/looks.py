"""How a verdict looks in the window: its sign, its colour and its few words; never colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.mark import WORDS
from core.verdict import Verdict


@dataclass(frozen=True)
class Look:
    """Icon, the theme's colour for text and icon, the words of the mark, and one or two words for legends."""

    icon: str
    role: str
    words: str
    short: str


LOOKS: Final[Mapping[Verdict, Look]] = {
    Verdict.EXPECTED: Look("check", "good", "expected regions", "expected"),
    Verdict.UNEXPECTED: Look("unexpected", "warn", WORDS[Verdict.UNEXPECTED], "unexpected"),
    Verdict.OUTSIDE: Look("outside", "warn", WORDS[Verdict.OUTSIDE], "outside"),
    Verdict.NO_EVIDENCE: Look("no-evidence", "muted", WORDS[Verdict.NO_EVIDENCE], "no evidence"),
    Verdict.NOTHING_EXPECTED: Look("info", "muted", "nothing expected", "nothing expected"),
    Verdict.HIDDEN: Look("info", "muted", "not to be seen", "not to be seen"),
    Verdict.NOT_EXPLAINED: Look("info", "muted", "not explained", "not explained"),
}
