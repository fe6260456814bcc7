"""What the values of options must look like. ArgumentTypeError says what was expected and what came."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.episodes import EpisodeRule


def numbers(text: str) -> tuple[float, ...]:
    """Numbers with commas between them."""
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected numbers with commas between them, got '{text}'") from None


def assignment(text: str) -> tuple[str, str]:
    """WHAT=NAME."""
    what, equals, name = text.partition("=")
    if not (what and equals and name):
        raise argparse.ArgumentTypeError(f"expected WHAT=NAME, got '{text}'")
    return what, name


def rate(text: str) -> float:
    """Pictures per second, above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected more than 0 pictures per second, got {value}")
    return value


def seconds(text: str) -> float:
    """A time, s, from 0 on."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected 0 s or more, got {value}")
    return value


def not_negative(text: str) -> int:
    """A whole number from 0 on."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {value}")
    return value


def positive(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {value}")
    return value


def alarm(text: str) -> "EpisodeRule":
    """SCORE/SECONDS: an alarm after so many seconds at this score or more."""
    from core.episodes import EpisodeRule
    from core.pspi import MOST

    score, slash, held = text.partition("/")
    try:
        above, held_s = float(score), float(held)
    except ValueError:
        above = held_s = float("nan")
    if not (slash and 1 <= above <= MOST and 0 <= held_s < float("inf")):
        raise argparse.ArgumentTypeError(f"expected SCORE/SECONDS such as 4/3, a score of 1 to {MOST:g}, got '{text}'")
    return EpisodeRule.starting_at(above, alarm_s=held_s)
