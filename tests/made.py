"""Results made by hand, for the tests of everything that comes after the pipeline."""

from dataclasses import replace

import numpy as np

from core.geometry import FACE_OVAL, Similarity
from core.regions import REGIONS
from core.types import Crop, Explanation, FaceObservation, FaceResult, Frame, Prediction, RegionRelevance, Result

LABELS = ("neutral", "happiness", "surprise")
SIZE = 48
REFERENCE = 0.008  # logits per pixel


def face_landmarks(centre=(200.0, 170.0), width=140.0):
    """A made-up mesh: the outline on an ellipse, everything else on a smaller one."""
    turns = np.linspace(0, 2 * np.pi, 478, endpoint=False)
    points = np.stack([np.sin(turns), -np.cos(turns), np.zeros(478)], axis=1) * 0.4
    turns = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points[list(FACE_OVAL), :2] = np.stack([np.sin(turns), -1.25 * np.cos(turns)], axis=1) * 0.5
    return (points * width + [*centre, 0]).astype(np.float32)


def gradient_image(width=640, height=360):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 200 // width + 20, y * 200 // height + 20, np.full_like(x, 110)], axis=2).astype(np.uint8)


def mouth_relevance(strength=0.012):
    y, x = np.mgrid[:SIZE, :SIZE]
    spot = np.exp(-((x - 24) ** 2 + (y - 36) ** 2) / 40)
    return (strength * spot).astype(np.float32)


def make_face(relevance=None, centre=(200.0, 170.0), width=140.0, face_id=1, timestamp_s=1.0):
    """A face that reads happiness; explained at `timestamp_s` if there is a map."""
    observation = FaceObservation(face_landmarks(centre, width), 1.0, face_id)
    step = 1.3 * width / SIZE
    to_frame = Similarity(step, 0.0, centre[0] - step * (SIZE - 1) / 2, centre[1] - step * (SIZE - 1) / 2)
    prediction = Prediction(LABELS, np.array([0, 3, 1], np.float32), np.array([0.04, 0.85, 0.11], np.float32))
    crop = Crop(np.zeros((SIZE, SIZE), np.uint8), to_frame)
    if relevance is None:
        return FaceResult(observation, crop, prediction)
    shares = np.full(len(REGIONS), 0.02, np.float32)
    shares[REGIONS.index("upper_lip")] += 1 - shares.sum()
    areas = np.full(len(REGIONS), 1 / len(REGIONS), np.float32)
    regions = RegionRelevance(REGIONS, areas, shares, 0 * shares, 3.0, 0.0, frozenset({"upper_lip"}))
    explanation = Explanation(relevance, "lrp", "happiness", None, 3.0, timestamp_s, REFERENCE)
    return FaceResult(observation, crop, prediction, explanation, regions, explained=True)


def make_result(*faces, image=None, index=30, timestamp_s=1.0):
    return Result(Frame(gradient_image() if image is None else image, index, timestamp_s, 0.0), faces)


def shared(expected=("upper_lip",), **shares):
    """Relevance by region, every region as large as any: these shares, and the rest on the forehead."""
    areas = np.full(len(REGIONS), 1 / len(REGIONS), np.float32)
    values = np.array([shares.get(name, 0.0) for name in REGIONS], np.float32)
    values[REGIONS.index("forehead")] += 1 - values.sum()
    return RegionRelevance(REGIONS, areas, values, 0 * areas, 3.0, 0.0, frozenset(expected))


# Shares that give each verdict with a limit of 0.35.
SUPPORTED = {"upper_lip": 0.5}
ELSEWHERE = {"chin": 0.5}
OFF_THE_FACE = {"upper_lip": 0.5, "outside": 0.4}


def judged_face(shares, face_id=1, timestamp_s=1.0, label="happiness", **other):
    """A face whose relevance is shared like this; None is not explained."""
    if shares is None:
        face = make_face(None, face_id=face_id)
    else:
        face = replace(
            make_face(np.zeros((SIZE, SIZE), np.float32), face_id=face_id, timestamp_s=timestamp_s),
            regions=shared(**{**shares, **other}),
        )
        face = replace(face, explanation=replace(face.explanation, target=label))
    logits = np.array([3.0 * (name == label) for name in LABELS], np.float32)
    return replace(face, prediction=replace(face.prediction, logits=logits))
