"""Display scales: one per pack and method, the same for every picture, and of the size of the method's own maps."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core import scales
from core.explain import LIVE, METHODS
from core.geometry import Similarity
from core.model import Model, Target
from core.overlay import Style
from core.packs import DEFAULT_PACK, find_pack
from core.regions import partition
from core.sample import sample_faces
from core.scales import Kept, Scale
from core.types import Crop

SIZE = 48
TO_FRAME = Similarity(1.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(scope="module")
def model(cache):
    return Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1, cache=cache)


@pytest.fixture(scope="module")
def crops(model):
    return [Crop(image[0], TO_FRAME) for image in model.pack.golden_faces()]


@pytest.mark.parametrize("method", METHODS)
def test_strong_pixels_of_faces_lie_within_a_factor_of_two_of_the_reference(model, crops, method):
    landmarks = (face.landmarks for face in sample_faces().faces)
    parts = [partition(model.pack.alignment.to_crop(points).apply(points[:, :2]), SIZE) for points in landmarks]
    maps = np.stack([each.relevance for _, each in model.explain(crops, method, Target(), 0.0, parts)])
    assert 0.5 < scales.strong(maps) / model.reference(method) < 2


def test_the_shipped_pack_under_lrp_is_drawn_with_three_thousandths_of_a_logit(model):
    assert model.reference("lrp") == 0.003


def test_every_explanation_carries_the_reference_of_its_method_whoever_is_asked_about(model, crops):
    for method in ("lrp", "gradient"):
        for target in (Target(), Target("fear"), Target("predicted", "runner-up")):
            ((_, explanation),) = model.explain(crops[:1], method, target, 0.0)
            assert explanation.reference == model.reference(method)
            assert Style(factor=3.0).scale(explanation) == Scale(model.reference(method), METHODS[method].unit, 3.0)


def test_a_method_of_ones_own_has_a_reference_and_a_row_of_the_table_keeps_its_key(model, cache):
    own = replace(METHODS["gradcam"], key="own", unit="activation")
    assert model.reference(own) == model.reference("gradcam")
    assert model.reference(METHODS["gradcam"]) == model.reference("gradcam")
    (file,) = cache.glob("*scales*.json")
    kept = json.loads(file.read_text(encoding="utf-8"))
    assert kept["gradcam"] == model.reference("gradcam")
    assert "own" not in kept


def test_references_are_kept_beside_the_compiled_explainers(model, cache, monkeypatch):
    model.reference("gradcam")
    again = Model(model.pack, provider="cpu", threads=1, cache=cache)
    assert again.is_kept("gradcam")
    monkeypatch.setattr(again, "explainer", lambda *_: pytest.fail("measured again"))
    assert again.reference("gradcam") == model.reference("gradcam")


def test_what_another_process_keeps_is_seen_and_left(tmp_path):
    pack = find_pack(DEFAULT_PACK)
    one, other = Kept(pack, tmp_path), Kept(pack, tmp_path)
    assert other.get("lrp") is None
    one.put("lrp", 0.008)
    other.put("gradcam", 0.01)
    assert (one.get("gradcam"), other.get("lrp")) == (0.01, 0.008)


@pytest.mark.parametrize("content", ["{broken", "[]", '{"lrp": -1.0}', '{"lrp": "much"}', '{"lrp": Infinity}'])
def test_a_damaged_file_is_as_good_as_none(tmp_path, content):
    pack = find_pack(DEFAULT_PACK)
    Kept(pack, tmp_path).put("lrp", 0.008)
    (file,) = tmp_path.glob("*.json")
    file.write_text(content, encoding="utf-8")
    damaged = Kept(pack, tmp_path)
    assert damaged.get("lrp") is None
    damaged.put("gradcam", 0.01)
    assert json.loads(file.read_text(encoding="utf-8"))["gradcam"] == 0.01


def test_without_a_cache_references_live_in_memory():
    kept = Kept(find_pack(DEFAULT_PACK), None)
    kept.put("lrp", 0.5)
    assert (kept.get("lrp"), kept.get("gradcam")) == (0.5, None)


@pytest.mark.parametrize(("value", "rounded"), [(0.00816, 0.008), (0.0749, 0.07), (961.0, 1000.0), (1.96e-5, 2e-5)])
def test_references_are_readable_numbers(value, rounded):
    assert scales.reference(np.full((2, SIZE, SIZE), -value, np.float32)) == rounded


def test_maps_of_zeros_have_a_scale_that_can_be_drawn_with():
    assert scales.reference(np.zeros((2, SIZE, SIZE), np.float32)) == 1.0


@pytest.mark.parametrize(("count", "places"), [(1, [0]), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (8, [0, 2, 4, 6])])
def test_a_few_faces_are_looked_at_evenly_spread(count, places):
    assert scales.chosen(count) == places


def test_a_scale_states_number_unit_and_origin():
    document = Scale(0.008, "logit", 2.0).document()
    assert (document["value"], document["unit"], document["reference"]) == (0.016, "logit", 0.008)
    assert f"{scales.FACES} of the pack's golden faces" in document["reference_is"]


def test_the_shipped_pack_s_golden_faces_are_the_demo_clip_s():
    pack = find_pack(DEFAULT_PACK)
    faces = sample_faces().crops(pack.alignment)["grey"]
    assert pack.golden_faces().shape == faces.shape
    assert np.abs(pack.golden_faces().astype(int) - faces).mean() < 2


def test_a_pack_that_does_not_say_which_inputs_are_faces_is_measured_on_all(colour_pack):
    inputs, _ = colour_pack.golden()
    np.testing.assert_array_equal(colour_pack.golden_faces(), inputs)
    assert Model(colour_pack, provider="cpu").reference("gradcam") > 0


def test_live_effort_is_enough(model, monkeypatch):
    """A reference must cost little, also for methods that run the model hundreds of times."""
    asked = []
    explainer = model.explainer("rise")
    explain = explainer.explain
    monkeypatch.setattr(explainer, "explain", lambda *given, **named: asked.append(named) or explain(*given, **named))
    monkeypatch.setattr(model, "_references", Kept(model.pack, None))
    model.reference("rise")
    assert [named["effort"] for named in asked] == [LIVE]
