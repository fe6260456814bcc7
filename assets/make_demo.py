"""Make the demo clip and its ground truth: `python assets/make_demo.py`, with the lab extra installed.

Writes demo.mp4 and demo.json beside this file. The face is scikit-image's `data.astronaut()`: Eileen Collins, NASA,
public domain.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from skimage.data import astronaut

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from core.geometry import Box, Floats, Image, Similarity
from core.mesh import Mesh, region_of_box, region_of_landmarks
from core.opencv import cv2
from core.stimulus import Event, Pose, Puppet, StimulusFrame, Sway, Track, frames

SIZE = (640, 360)
FPS = 30
VIEW = Box(74, 10, 304, 171)  # part of the still that the clip shows, px
FACE = Box(170, 60, 110, 130)  # where the face is in the still, roughly, px
BASELINE = {6: 3.0, 12: 4.5, 25: 2.5}  # the still smiles; coded by eye
TRACK = Track(
    events=(
        Event(43, 5.0, 0.90, 1.00, 1.04, 1.18),  # a blink
        Event(6, 3.0, 1.80, 2.60, 4.40, 5.30),
        Event(12, 4.5, 1.80, 2.60, 4.40, 5.40),
        Event(25, 2.5, 1.95, 2.65, 4.20, 5.10),
        Event(43, 5.0, 5.90, 6.00, 6.04, 6.18),
        Event(4, 5.0, 6.60, 7.10, 8.30, 8.90),
        Event(43, 5.0, 9.30, 9.60, 10.60, 10.95),
        Event(25, 3.5, 11.40, 11.80, 12.60, 13.10),
    ),
    duration_s=14.0,
    sway=Sway(Pose(right=0.05, down=0.02, roll_deg=1.6, yaw_deg=4.0, pitch_deg=1.5, scale=1.012), period_s=14.0),
)
ORIGIN = "Eileen Collins, NASA portrait, as scikit-image's data.astronaut(); animated by core.stimulus"


def load_still() -> tuple[Image, Floats]:
    """Return the still at the clip's size and its face mesh."""
    scale = SIZE[0] / VIEW.width
    to_clip = Similarity(scale, 0.0, (0.5 - VIEW.x) * scale - 0.5, (0.5 - VIEW.y) * scale - 0.5)
    still = cv2.warpAffine(astronaut(), to_clip.matrix, SIZE, flags=cv2.INTER_LANCZOS4).astype(np.uint8)
    mesh = Mesh()
    corners = to_clip.apply(np.array([[FACE.x, FACE.y], [FACE.right, FACE.bottom]], np.float32))
    landmarks, _ = mesh.fit(still, region_of_box(Box.around(corners)))
    for _ in range(3):
        landmarks, _ = mesh.fit(still, region_of_landmarks(landmarks))
    mesh.close()
    return still, landmarks


def write_clip(path: Path, still: Image, landmarks: Floats) -> list[StimulusFrame]:
    """Render the track into an H.264 file; returns what each frame shows."""
    shown = []
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
        stream: Any = container.add_stream(codec, rate=FPS, options={"crf": "17", "preset": "slow"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, FPS)
        for index, frame in enumerate(frames(Puppet(still, landmarks, BASELINE), TRACK, FPS)):
            picture = av.VideoFrame.from_ndarray(frame.image, format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, FPS)
            container.mux(stream.encode(picture))
            shown.append(frame)
        container.mux(stream.encode(None))
    return shown


def write_truth(path: Path, shown: list[StimulusFrame]) -> None:
    """Write what happens when: events, and every unit's strength in every frame."""
    units = sorted(shown[0].strengths)
    events = [
        {"au": e.au, "strength": e.strength, "onset_s": e.onset_s, "apex_s": e.apex_s}
        | {"release_s": e.release_s, "offset_s": e.offset_s}
        for e in TRACK.events
    ]
    truth = {
        "clip": "demo.mp4",
        "origin": ORIGIN,
        "licence": "public domain",
        "fps": FPS,
        "size": list(SIZE),
        "strength_unit": "0..5, FACS A..E",
        "events": events,
        "timestamp_s": [round(frame.timestamp_s, 4) for frame in shown],
        "strengths": {str(au): [round(frame.strengths[au], 3) for frame in shown] for au in units},
    }
    rows = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in truth.items()]
    path.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def main() -> None:
    """Write both files beside this one."""
    folder = Path(__file__).resolve().parent
    write_truth(folder / "demo.json", write_clip(folder / "demo.mp4", *load_still()))


if __name__ == "__main__":
    main()
