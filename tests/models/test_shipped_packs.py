"""What every pack that comes with Mienscope keeps, whatever it reads."""

import numpy as np
import pytest

from app.packs import GOLDEN_TOLERANCE, check_golden
from core.errors import MienscopeError
from core.explain import METHODS, THOROUGH, Explainer
from core.explain.compiler import compile_explainer
from core.landmark_model import LandmarkModel
from core.model import Model
from core.packs import LandmarkPack, pack_folders, read_any_pack, read_pack
from core.regions import EMFACS

EVERY = {folder.name: read_any_pack(folder) for folder in pack_folders()}
PACKS = {name: pack.folder for name, pack in EVERY.items() if not isinstance(pack, LandmarkPack)}
LANDMARKS = {name: pack for name, pack in EVERY.items() if isinstance(pack, LandmarkPack)}
CONSERVING = [key for key, method in METHODS.items() if method.conserves and method.procedure == "once"]
# The largest gap, over the largest score, that rounding explains.
ROUNDING = 1e-3


@pytest.fixture(scope="module", params=PACKS)
def pack(request):
    return read_pack(PACKS[request.param])


def test_golden_outputs_are_reproduced(pack):
    assert check_golden(pack) <= GOLDEN_TOLERANCE


def test_every_class_has_a_name_that_the_expected_regions_know(pack):
    assert set(pack.labels) <= set(EMFACS)
    assert len(set(pack.labels)) == len(pack.labels)


def test_the_card_tells_of_data_limits_and_measurements(pack):
    card = (pack.folder / "CARD.md").read_text(encoding="utf-8")
    for words in ("never cleared for redistribution", "not a medical device", "## Measured", "## For whom it is not"):
        assert words in card
    assert {figure.name.split()[-1] for figure in pack.manifest.measured} >= {"accuracy", "recall", "error"}


def test_every_method_can_explain_it(pack):
    impossible = {}
    for key, method in METHODS.items():
        if method.composite:
            try:
                compile_explainer(pack.model_path, key)
            except MienscopeError as error:
                impossible[key] = str(error)
    assert impossible == {}


@pytest.mark.parametrize("method", CONSERVING)
def test_pixels_and_biases_together_are_the_score(pack, method):
    faces = pack.golden_faces()
    found = Explainer(pack.model_path, method, audit=True).explain(faces, effort=THOROUGH)
    held = found.relevance.sum(axis=(1, 2), dtype=np.float64)
    held = held if found.absorbed is None else held + found.absorbed
    assert np.abs(held - found.scores).max() <= ROUNDING * np.abs(found.scores).max()


def test_faces_give_the_same_answer_alone_and_in_company(pack):
    faces = pack.golden_faces()
    model = Model(pack, provider="cpu", threads=1)
    alone = np.concatenate([model.logits(face[None]) for face in faces])
    np.testing.assert_allclose(model.logits(faces), alone, atol=1e-4 * np.abs(alone).max())


@pytest.mark.parametrize("pack", LANDMARKS.values(), ids=LANDMARKS)
def test_landmark_packs_reproduce_their_golden_outputs_and_keep_the_promise_of_their_relevance(pack):
    assert check_golden(pack) <= GOLDEN_TOLERANCE
    model = LandmarkModel(pack)
    for window in pack.golden()[0][:4]:
        points = model.read(window).points
        assert abs(points.gap) <= 0.05 * max(1.0, abs(points.score - points.start))


@pytest.mark.parametrize("pack", LANDMARKS.values(), ids=LANDMARKS)
def test_landmark_packs_are_small_and_know_expressions(pack):
    assert set(pack.labels) <= set(EMFACS) - {"neutral"}
    assert pack.model_path.stat().st_size < 2_000_000
    assert len(pack.baselines) == 5
    assert "not a medical device" in (pack.folder / "CARD.md").read_text(encoding="utf-8")
