"""Which points' relevance comes and goes with an action unit on the demo clip, where it is known when it does.

``python -m models.verify.landmark_demo --pack landmarks-trained --unit 12 --expression happiness``
"""

import argparse
import json
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.faces import FaceFinder
from core.geometry import Floats
from core.landmark_model import LandmarkModel
from core.packs import find_landmark_pack
from core.point_regions import point_regions
from core.regions import REGIONS
from core.shape import normalised
from core.sources import DEMO, demo_clip, open_source

STEP: Final = 3  # every so many frames
SHOWN: Final = 20  # points


@dataclass(frozen=True)
class MeshedDemo:
    """The demo clip's meshes [n, 478, 3], px, and how strong each action unit is in those frames, 0..5."""

    landmarks: Floats
    strengths: dict[int, Floats]


def meshed_demo(step: int = STEP) -> MeshedDemo:
    """Fit the mesh to every so many frames of the demo clip, as a video is read."""
    known = json.loads(demo_clip().with_suffix(".json").read_text(encoding="utf-8"))
    finder = FaceFinder()
    meshes, kept = [], []
    try:
        with open_source(DEMO) as source:
            for place in range(len(known["timestamp_s"])):
                frame = source.read()
                if frame is not None and place % step == 0 and (faces := finder.find(frame.image)):
                    meshes.append(faces[0].landmarks)
                    kept.append(place)
    finally:
        finder.close()
    strengths = {int(unit): np.array(values, np.float32)[kept] for unit, values in known["strengths"].items()}
    return MeshedDemo(np.stack(meshes), strengths)


def slopes(relevance: Floats, strength: Floats) -> NDArray[np.float64]:
    """How much each point's relevance [n, 478] grows per unit of strength [n]: least squares, [478]."""
    centred = strength.astype(np.float64) - strength.mean()
    found: NDArray[np.float64] = centred @ (relevance - relevance.mean(axis=0)) / (centred @ centred)
    return found


def main() -> None:
    """Print regions and points."""
    parser = argparse.ArgumentParser(prog="python -m models.verify.landmark_demo", description=__doc__)
    parser.add_argument("--pack", default="landmarks-trained", help="landmark pack of stills, by id or folder")
    parser.add_argument("--unit", type=int, default=12, help="action unit of the demo clip")
    parser.add_argument("--expression", default="happiness", help="whose relevance")
    arguments = parser.parse_args()
    model, demo = LandmarkModel(find_landmark_pack(arguments.pack)), meshed_demo()
    readings = [model.read(shape[None], arguments.expression) for shape in normalised(demo.landmarks)]
    strength = demo.strengths[arguments.unit]
    scores = np.array([reading.points.score for reading in readings], np.float32)
    found = slopes(np.stack([reading.points.relevance for reading in readings]), strength)
    whole = float(slopes(scores[:, None], strength)[0])
    print(
        f"{len(readings)} frames; the score of {arguments.expression} grows by {whole:.3f} logits per unit of strength"
    )
    print(f"and correlates with it by {np.corrcoef(scores, strength)[0, 1]:.2f}. Of that growth, by region:")
    by_region = np.bincount(point_regions(), found, minlength=len(REGIONS)) / whole
    for index in np.argsort(-np.abs(by_region)):
        if by_region[index]:
            print(f"  {REGIONS[index]:12} {by_region[index]:+.0%}")
    top = np.argsort(-found / whole)[:SHOWN]
    print("points that grow most: " + ", ".join(f"{p} ({REGIONS[point_regions()[p]]})" for p in top))


if __name__ == "__main__":
    main()
