"""UNBC-McMaster Shoulder Pain Expression Archive (Lucey et al. 2011), as it is unpacked.

::

    Images/042-ll042/ll042t1aaaff/ll042t1aaaff001.png
    Frame_Labels/PSPI/042-ll042/ll042t1aaaff/ll042t1aaaff001_facs.txt      one number, 0..16

A frame shows pain where its PSPI is at least 1 (SCIENCE 4); the PSPI itself is the example's score.
"""

import os
from pathlib import Path
from typing import Final

from core.corpora.corpus import Choice, Corpus, Gathering
from core.sources.images import natural_key

IMAGES: Final = "Images"
LABELS: Final = Path("Frame_Labels") / "PSPI"
LOOKS_FOR: Final = f"a folder with {IMAGES}/<subject>/<sequence>/*.png and {LABELS.as_posix()}/<subject>/<sequence>/"
PAIN, NO_PAIN = "pain", "no pain"
LEAST_PSPI: Final = 1.0  # of a frame that shows pain
MOST_PSPI: Final = 16.0


def fits(path: Path) -> bool:
    """Whether both folders are there."""
    return (path / IMAGES).is_dir() and (path / LABELS).is_dir()


def read(path: Path, choice: Choice) -> Corpus:
    """Every frame with a PSPI; `choice.labels` means nothing here."""
    gathered = Gathering()
    for folder in sorted(entry for entry in (path / IMAGES).glob("*/*") if entry.is_dir()):
        subject, sequence = folder.parent.name, folder.name
        for name in sorted(os.listdir(folder), key=natural_key):
            if not name.lower().endswith(".png"):
                continue
            pspi, why = pspi_of(path, subject, sequence, name[:-4])
            if pspi is None:
                gathered.drop(why)
                continue
            label = PAIN if pspi >= LEAST_PSPI else NO_PAIN
            gathered.add_file(path, f"{IMAGES}/{subject}/{sequence}/{name}", label, subject, score=pspi)
    return gathered.corpus("UNBC-McMaster", "unbc", choice.tight or False)


def pspi_of(path: Path, subject: str, sequence: str, frame: str) -> tuple[float | None, str]:
    """The number in a frame's label file, or None and why there is none."""
    file = path / LABELS / subject / sequence / f"{frame}_facs.txt"
    try:
        pspi = float(file.read_text(encoding="ascii", errors="replace"))
    except FileNotFoundError:
        return None, "no PSPI"
    except (OSError, ValueError):
        return None, "damaged label file"
    return (pspi, "") if 0 <= pspi <= MOST_PSPI else (None, "PSPI beyond 0 to 16")
