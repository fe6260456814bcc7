"""What things are called in reports."""

from collections.abc import Iterable, Mapping
from typing import Final

from app.documents.document import Tone
from core.explain import METHODS
from core.verification.findings import CONTRAST, EXPLANATION, GAUSSIAN, UNIFORM_CROP, UNIFORM_FACE, Judgement
from core.verification.record import EXAMINED, EXCLUDED, NO_FACE, UNREADABLE, WHOLE

NOTICE: Final = "Mienscope is not a medical device."
READS: Final = "It reads expressions as people label pictures, not what somebody feels."
STATES: Final[Mapping[str, str]] = {
    EXAMINED: "read, and explained by region",
    WHOLE: "read as whole pictures, not by region: no mesh could be fitted to the face",
    NO_FACE: "not read: no face was found",
    UNREADABLE: "not read: the picture could not be opened, or the pack failed on it",
    EXCLUDED: "not looked at: their label is none of the pack's classes",
}
ORIGINS: Final[Mapping[str, str]] = {
    EXPLANATION: "explanation",
    CONTRAST: "explanation against the runner-up",
    GAUSSIAN: "control: centre Gaussian",
    UNIFORM_CROP: "control: uniform over the crop",
    UNIFORM_FACE: "control: uniform over the face",
}
TONES: Final[Mapping[bool | None, Tone]] = {True: "good", False: "bad", None: "plain"}


def region(name: str) -> str:
    """A region's key as words; left and right are the person's."""
    return {"glabella": "between the brows", "outside": "outside the face"}.get(name, name.replace("_", " "))


def regions(names: Iterable[str]) -> str:
    """Regions in one phrase, both sides of a pair together."""
    left = list(names)
    said: list[str] = []
    while left:
        name = left.pop(0)
        pair = name.replace("left_", "right_")
        if name.startswith("left_") and pair in left:
            left.remove(pair)
            said.append(f"{name.removeprefix('left_')}s")
        else:
            said.append(region(name))
    return ", ".join(said)


def method(key: str) -> str:
    """A method's title by its key."""
    return METHODS[key].title if key in METHODS else key


def sentence(text: str) -> str:
    """With a capital letter in front."""
    return text[:1].upper() + text[1:]


def tone(verdict: Judgement) -> Tone:
    """How a verdict is marked."""
    return TONES[verdict.passed]


def listed(items: Iterable[str]) -> str:
    """Items as an enumeration: a, b and c."""
    names = list(items)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"
