"""One name per expression: what collections call "happy", "Happiness" or "3_joy" is "happiness"."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from core.regions import EMFACS

_ALSO: Final[Mapping[str, tuple[str, ...]]] = {
    "neutral": ("natural", "neutrality", "no expression"),
    "happiness": ("happy", "joy", "joyful", "smile", "smiling"),
    "sadness": ("sad", "sorrow"),
    "surprise": ("surprised", "suprise", "astonished", "astonishment"),
    "fear": ("fearful", "afraid", "scared"),
    "anger": ("angry", "mad"),
    "disgust": ("disgusted",),
    "contempt": ("contemptuous", "contemptious"),
}
_NAMES: Final = {name: expression for expression, also in _ALSO.items() for name in (expression, *also)}
_NUMBER: Final = re.compile(r"^\d+ +")


@lru_cache(maxsize=1024)
def expression(text: str) -> str:
    """The EMFACS name of a label; what is no expression stays as it is, in small letters with single spaces."""
    words = " ".join(re.split(r"[\s_-]+", text.casefold().strip(" \t\r\n_-")))
    return _NAMES.get(words) or _NAMES.get(_NUMBER.sub("", words)) or words


def in_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels, expressions first in the order of EMFACS, then others by name."""
    order = {name: place for place, name in enumerate(EMFACS)}
    return tuple(sorted(labels, key=lambda label: (order.get(label, len(order)), label)))
