"""What the network's road to pain is worth: how well it reads what it was taught, and faces that it never saw.

Called by ``python -m models.train.pain_head``; what it returns stands on the pack's card.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.geometry import Floats, Image
from core.manifests import PSPI_PARTS
from core.packs import read_pack
from core.pain_network import POINTS
from models.data.pain_parts import Gathered
from models.data.pain_shown import Shown, shown
from models.export.card import table
from models.export.pain_head import estimates, pooled_features
from models.train.likeness import AFTER_S, BEFORE_S

Numbers = NDArray[np.float64]


def section(folder: Path, weights: Floats, faces: Gathered, data: Path, cache: Path) -> str:
    """The card's section about a head with these weights on a pack's features; `data` holds media/."""
    model = folder / "model.onnx"
    stills, pairs, clips = shown(data, cache, read_pack(folder).alignment)

    def read(crops: Image) -> Floats:
        return estimates(pooled_features(model, crops[:, None]), weights)

    of_stills = read(stills.crops)
    rows = [
        ("FER+ validation faces, geometric road (norm)", *_figures(read(faces.valid.crops), faces.valid.parts)),
        ("nine stills moved by the stimulus, true strength", *_figures(of_stills, stills.known)),
        ("the same, change against the still itself", *_figures(_change(of_stills, stills), stills.known)),
        ("pairs and clips, geometric road (norm)", *_figures(read(_all(pairs, clips)), _all_known(pairs, clips))),
    ]
    by_faces = table(("faces", *PSPI_PARTS, "sum"), rows)
    by_pair = table(("pair (SynPAIN)", "half at rest", "other half", "geometric road, norm"), _pair_rows(pairs, read))
    by_clip = table(("clip (SynPAIN)", "from", "to, s", "by network, mean", "geometric road"), _clip_rows(clips, read))
    taught = f"{len(faces.train.crops)} FER+ faces and {len(faces.moved.crops)} pictures moved by the stimulus"
    return f"""{WORDS}
Taught on {taught}. Correlation, mean absolute error
(intensities; the sum in points of 0 to 16):

{by_faces}

Points of the sum:

{by_pair}

{by_clip}
"""


WORDS = """A linear layer behind the features that the classes are read from gives the parts of PSPI as well: AU4, the
stronger of AU6 and AU7, of AU9 and AU10, and AU43, each 0 to 5. **It was taught by this program's own geometric
estimates and its stimulus, not by coded faces: it is a distillate, no independent evidence, and not a medical device.**
The trunk was not touched for it, and the classes are what they are without it. It knows nobody's neutral face. In the
sum AU43 counts a fifth of its intensity.
"""


def points(parts: Floats) -> Numbers:
    """The sum of parts [n, 4] in points of the score, float64 [n]."""
    return np.asarray(parts @ POINTS, np.float64)


def _figures(found: Floats, known: Floats) -> list[str]:
    """Correlation and mean absolute error of every part, and of the sum."""
    columns = [*zip(found.T, known.T, strict=True), (points(found), points(known))]
    return [f"{np.corrcoef(some, others)[0, 1]:.2f}, {np.abs(some - others).mean():.2f}" for some, others in columns]


def _change(found: Floats, stills: Shown) -> Floats:
    """What is read above what is read in the first picture of the same still."""
    first = {name: found[stills.name == name][0] for name in np.unique(stills.name)}
    change: Floats = found - np.stack([first[name] for name in stills.name])
    return change


def _all(*faces: Shown) -> Image:
    return np.concatenate([each.crops for each in faces])


def _all_known(*faces: Shown) -> Floats:
    return np.concatenate([each.known for each in faces])


def _pair_rows(pairs: Shown, read: Callable[[Image], Floats]) -> list[Sequence[str]]:
    found, rows = read(pairs.crops), list[Sequence[str]]()
    for name in dict.fromkeys(pairs.name.tolist()):
        rest, other = points(found[pairs.name == name])
        known = points(pairs.of(name).known)
        rows.append((_kind(name), f"{rest:.1f}", f"{other:.1f}", f"{known[0]:.1f}, {known[1]:.1f}"))
    return rows


def _clip_rows(clips: Shown, read: Callable[[Image], Floats]) -> list[Sequence[str]]:
    found, rows = read(clips.crops), list[Sequence[str]]()
    for name in dict.fromkeys(clips.name.tolist()):
        clip, by_network = clips.of(name), points(found[clips.name == name])
        last = float(clip.time_s.max())
        spans = ((0.0, BEFORE_S), (AFTER_S, last)) if "_Pain_" in name else ((0.0, last),)
        for begin, end in spans:
            inside = (clip.time_s >= begin) & (clip.time_s <= end)
            means = (values[inside].mean() for values in (by_network, points(clip.known)))
            rows.append((_kind(name), f"{begin:.1f}", f"{end:.1f}", *(f"{mean:.1f}" for mean in means)))
    return rows


def _kind(name: str) -> str:
    """What a file's name says: "Pain, man, old"."""
    return ", ".join(part if place == 0 else part.lower() for place, part in enumerate(name.split("_")[1:4]))
