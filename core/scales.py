"""Display scales: which relevance gets the strongest colour. Fixed for a pack and a method, never fitted to a picture.

The reference is measured once, on faces that the pack brings along, and kept; a person may want a multiple of it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from core.explain import COMPILER_VERSION
from core.geometry import Floats
from core.opencv import cv2
from core.packs import Pack

FACES: Final = 4  # of the pack's, evenly spread: enough to know an order of magnitude by, and few for slow methods
PERCENTILE: Final = 99.5  # a few hot pixels must not darken the rest
SMOOTH_PX: Final = 1.0  # standard deviation of the smoothing that maps are shown with, crop px
ORIGIN: Final = (
    f"percentile {PERCENTILE:g} of |relevance|, smoothed by {SMOOTH_PX:g} px, on {FACES} of the pack's golden faces, "
    "predicted classes, in one significant digit; times the factor"
)
EDITION: Final = 1  # of all above: what was kept under another is measured again


@dataclass(frozen=True)
class Scale:
    """A display scale.

    Attributes
    ----------
    reference
        Strong relevance for this pack and method, in `unit`.
    unit
        Of the map's values.
    factor
        What a person wants the strongest colour to stand for, over the reference.
    """

    reference: float
    unit: str
    factor: float = 1.0

    @property
    def value(self) -> float:
        """Relevance that gets the strongest colour, in `unit`."""
        return self.factor * self.reference

    @property
    def unit_shown(self) -> str:
        """The unit in few words: maps in logits share a score out by pixels."""
        return {"logit": "logit per pixel", "logit per unit of input": "logit per unit"}.get(self.unit, self.unit)

    def document(self) -> dict[str, object]:
        """Number, unit, and where it comes from, ready for JSON."""
        return {"value": self.value, **asdict(self), "reference_is": ORIGIN}


def strong(maps: Floats) -> float:
    """Relevance that only the strongest pixels reach once maps [n, height, width] are smoothed as they are shown."""
    smooth = [cv2.GaussianBlur(each, (0, 0), SMOOTH_PX) for each in maps]
    return float(np.percentile(np.abs(smooth), PERCENTILE))


def reference(maps: Floats) -> float:
    """`strong` in one significant digit, which people can read and processors agree on; 1 for maps of zeros."""
    return float(f"{strong(maps):.0e}") or 1.0


def chosen(count: int) -> list[int]:
    """Which of so many faces are looked at."""
    wanted = min(count, FACES)
    return [place * count // wanted for place in range(wanted)]


class Kept:
    """The references of one pack, in memory and in a file beside its compiled explainers."""

    def __init__(self, pack: Pack, cache: Path | None) -> None:
        self._known: dict[str, float] = {}
        self._file: Path | None = None
        if cache is not None:
            edition = f"{pack.manifest.sha256['golden.npz'][:16]}-{COMPILER_VERSION}.{EDITION}"
            self._file = cache / f"{pack.model_sha256[:32]}-scales-{edition}.json"

    def get(self, method: str) -> float | None:
        """The method's reference, where it has been measured, also by another process."""
        if method not in self._known and self._file is not None:
            self._known = {**_read(self._file), **self._known}
        return self._known.get(method)

    def put(self, method: str, value: float) -> None:
        """Keep a reference, beside those that another process may have kept meanwhile."""
        self._known[method] = value
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(f".{os.getpid()}.new")
        fresh.write_text(json.dumps({**_read(self._file), method: value}, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self._file)


def _read(file: Path) -> dict[str, float]:
    """What a file holds; what cannot be read is measured again."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    values = found if isinstance(found, Mapping) else {}
    return {name: value for name, value in values.items() if isinstance(value, float) and 0 < value < float("inf")}
