"""On the demo clip, which knows when its face smiles: the relevance that comes with the smile lies where a smile is."""

import numpy as np
import pytest

from core.faces import FaceFinder
from core.geometry import MOUTH_CORNERS
from core.landmark_model import LandmarkModel
from core.packs import DEFAULT_LANDMARK_PACK, LandmarkPack, pack_folders, read_any_pack
from core.point_regions import POINTS_OF
from core.shape import normalised
from core.sources import DEMO, open_source

NETWORKS = [pack for folder in pack_folders() if isinstance(pack := read_any_pack(folder), LandmarkPack)]
TRAINED = [pack for pack in NETWORKS if pack.id == DEFAULT_LANDMARK_PACK]
# Presentation times, s: the clip's AU 6 and 12 are at rest, and at their strongest (assets/demo.json).
AT_REST = (0.2, 0.4, 0.6, 0.8, 1.4, 1.6)
SMILING = (2.7, 3.0, 3.3, 3.6, 3.9, 4.2)
NEAR: float = 0.35  # of the distance between the eyes: what counts as the corner of the mouth


@pytest.fixture(scope="module")
def shapes():
    """Shapes float32 [times, 478, 3] at rest and smiling."""
    finder = FaceFinder()
    found = []
    with open_source(DEMO) as source:
        for times in (AT_REST, SMILING):
            frames = []
            for time_s in times:
                source.seek(time_s)
                frames.append(finder.find(source.read().image)[0].landmarks)
            found.append(normalised(np.stack(frames)))
    finder.close()
    return found


@pytest.fixture(scope="module", params=TRAINED, ids=lambda pack: pack.id)
def model(request):
    return LandmarkModel(request.param)


def standing(model, shapes):
    """Windows in which each face stands still."""
    return np.repeat(shapes[:, None], model.pack.manifest.input.window, axis=1)


def gained(model, shapes):
    """What the smile adds to the relevance of each point for happiness, float32 [478], logits."""
    rest, smile = (
        np.mean([model.read(window, "happiness").points.relevance for window in standing(model, each)], axis=0)
        for each in shapes
    )
    return smile - rest


def where_a_smile_is(shape):
    """Points near the corners of the mouth, and those of the cheeks, bool [478]."""
    corners = shape[list(MOUTH_CORNERS), :2]
    near = np.linalg.norm(shape[:, None, :2] - corners, axis=2).min(axis=1) < NEAR
    cheeks = np.isin(np.arange(len(shape)), (*POINTS_OF["left_cheek"], *POINTS_OF["right_cheek"]))
    return near | cheeks


def test_the_network_sees_the_smile(model, shapes):
    rest, smile = (model.calibrated(model.logits(standing(model, each)))[:, 0] for each in shapes)
    assert model.labels[0] == "happiness"
    assert rest.max() < 0.5 < smile.min()


def test_the_relevance_that_comes_with_the_smile_lies_at_the_mouth_corners_and_cheeks(model, shapes):
    gain, smile = gained(model, shapes), where_a_smile_is(shapes[0][0]) & model.seen
    share = gain[smile].clip(0).sum() / gain.clip(0).sum()
    assert share > 0.5
    assert share / (smile.sum() / model.seen.sum()) > 1.25  # more than points of no account would have
    strongest = np.argsort(-np.abs(gain))[:10]
    assert smile[strongest].sum() >= 7


def test_its_strongest_point_is_a_corner_of_the_mouth(model, shapes):
    gain, shape = gained(model, shapes), shapes[0][0]
    corners = shape[list(MOUTH_CORNERS), :2]
    assert np.linalg.norm(shape[np.argmax(gain), :2] - corners, axis=1).min() < 0.1
