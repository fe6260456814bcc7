"""CK+, the Extended Cohn-Kanade collection (Lucey et al. 2010), as it is unpacked.

::

    cohn-kanade-images/S005/001/S005_001_00000001.png ...   from neutral to the peak
    Emotion/S005/001/S005_001_00000011_emotion.txt          one number; 327 of 593 sequences have one
    FACS/S005/001/S005_001_00000011_facs.txt                action units of the peak: a number and an intensity per line

The usual protocol (SCIENCE 1.2): the first frame of a labelled sequence is neutral, the last three are the emotion. The
action units were coded at the peak, the last frame; the frames that carry its emotion carry its units too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from core.corpora.corpus import Choice, Corpus, Gathering
from core.errors import UnknownName
from core.sources.images import natural_key

IMAGES: Final = "cohn-kanade-images"
LABELS: Final = "Emotion"
UNITS: Final = "FACS"
LOOKS_FOR: Final = f"a folder with {IMAGES}/Sxxx/yyy/*.png and {LABELS}/Sxxx/yyy/*_emotion.txt"
CODES: Final = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
# How many frames at the end of a sequence carry its label.
PEAKS: Final[Mapping[str, int]] = {"last-three": 3, "last": 1}


def fits(path: Path) -> bool:
    """Whether both folders are there."""
    return (path / IMAGES).is_dir() and (path / LABELS).is_dir()


def read(path: Path, choice: Choice) -> Corpus:
    """First frames as neutral and the last ones as the emotion: `choice.labels` is "last-three" (default) or "last"."""
    kind = choice.labels or "last-three"
    if kind not in PEAKS:
        raise UnknownName("choice of frames of CK+", kind, PEAKS)
    gathered = Gathering()
    for folder in sorted(entry for entry in (path / IMAGES).glob("*/*") if entry.is_dir()):
        frames = sorted((file.name for file in folder.glob("*.png")), key=natural_key)
        label = _label(path / LABELS / folder.parent.name / folder.name)
        if label is None:
            gathered.drop("sequence without an emotion", len(frames))
            continue
        units = _units(path / UNITS / folder.parent.name / folder.name)
        peak = [(name, label, units) for name in frames[1:][-PEAKS[kind] :]]
        kept = [(frames[0], "neutral", None), *peak] if frames else []
        for name, shown, coded in kept:
            below = (Path(IMAGES) / folder.parent.name / folder.name / name).as_posix()
            gathered.add_file(path, below, shown, subject=folder.parent.name, units=coded)
        gathered.drop("neither the first frame nor at the peak", len(frames) - len(kept))
    return gathered.corpus(f"CK+ ({kind.replace('-', ' ')})", "ck+", choice.tight or False)


def _label(folder: Path) -> str | None:
    """The emotion of a sequence; None where nobody gave one."""
    for file in sorted(folder.glob("*_emotion.txt")):
        try:
            code = int(float(file.read_text(encoding="ascii", errors="replace")))
        except ValueError:
            continue
        if 0 <= code < len(CODES):
            return CODES[code]
    return None


def _units(folder: Path) -> Mapping[int, int] | None:
    """Intensities of a sequence's action units at its peak, 0 where not graded; None where nobody coded them."""
    for file in sorted(folder.glob("[!.]*_facs.txt")):
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
        try:
            pairs = (line.split() for line in lines if line.strip())
            return {int(float(unit)): int(float(intensity)) for unit, intensity in pairs}
        except (ValueError, OverflowError):
            continue
    return None
