"""Predictions and explanations of the shipped pack through ONNX Runtime."""

import numpy as np
import pytest

from core.errors import ExplainError, UnknownName
from core.explain import METHODS, THOROUGH
from core.explain.runs import BATCHES, run_in_batches
from core.geometry import Similarity
from core.model import RUNNER_UP, Model, Target
from core.packs import DEFAULT_PACK, find_pack
from core.regions import Partition
from core.sessions import providers_for
from core.types import Crop

TO_FRAME = Similarity(1.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def model():
    return Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1)


@pytest.fixture(scope="module")
def crops(model):
    """Nine different pictures: more than a batch of eight holds."""
    inputs, _ = model.pack.golden()
    return [Crop(image[0], TO_FRAME) for image in inputs[:9]]


@pytest.fixture(scope="module")
def parts(crops):
    """A partition for each: four quarters."""
    labels = np.kron([[0, 1], [2, 3]], np.ones((24, 24))).astype(np.uint8)
    return [Partition(labels)] * len(crops)


def maps(answers):
    return np.stack([explanation.relevance for _, explanation in answers])


def test_probabilities_are_the_calibrated_softmax_of_the_logits(model, crops):
    for prediction in model.predict(crops):
        odds = np.exp(prediction.logits.astype(float) / model.pack.temperature)
        np.testing.assert_allclose(prediction.probabilities, odds / odds.sum(), atol=1e-6)
        assert prediction.label == model.labels[int(np.argmax(prediction.logits))]


@pytest.mark.parametrize("method", METHODS)
def test_a_batch_gives_what_single_faces_give(model, crops, parts, method):
    together = model.explain(crops[:3], method, Target(), 0.0, parts[:3])
    alone = [model.explain([crop], method, Target(), 0.0, parts[:1])[0] for crop in crops[:3]]
    np.testing.assert_allclose(maps(together), maps(alone), atol=1e-5)
    for (one, _), (other, _) in zip(together, alone, strict=True):
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_finite_on_black_and_white_pictures(model, crops, parts, method):
    answers = model.explain(crops[:2], method, Target(), 0.0, parts[:2])
    assert np.isfinite(maps(answers)).all()
    assert {explanation.unit for _, explanation in answers} == {METHODS[method].unit}
    assert {explanation.method for _, explanation in answers} == {method}


@pytest.mark.parametrize("method", [name for name, row in METHODS.items() if row.conserves and row.biases == "spread"])
def test_relevance_on_pixels_sums_to_the_score(model, crops, method):
    for _, explanation in model.explain(crops, method, Target(), 0.0):
        total = explanation.relevance.sum(dtype=float)
        assert total == pytest.approx(explanation.score, rel=1e-3, abs=1e-3)
        assert explanation.gap == pytest.approx(total - explanation.score, abs=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_another_class_gives_another_map_unless_the_method_is_blind_to_it(model, crops, parts, method):
    one = maps(model.explain(crops[2:4], method, Target("happiness"), 0.0, parts[2:4]))
    other = maps(model.explain(crops[2:4], method, Target("anger"), 0.0, parts[2:4]))
    assert (np.abs(one - other).max() <= 1e-3 * np.abs(one).max()) == METHODS[method].class_blind


def test_a_region_s_relevance_is_what_the_score_loses_without_it(model, crops, parts):
    ((_, explanation),) = model.explain(crops[4:5], "region_occlusion", Target(), 0.0, parts[:1])
    sums = [explanation.relevance[parts[0].labels == label].sum() for label in range(4)]
    face = crops[4].image[None, None]
    seed = np.eye(8)[[model.labels.index(explanation.target)]]
    from core.explain.blurring import blurred
    from core.explain.runs import Layout

    empty = blurred(face, Layout((1, 48, 48)), THOROUGH.blur)
    for label, found in enumerate(sums):
        hidden = np.where(parts[0].labels == label, empty, face)
        lost = ((model.logits(face) - model.logits(hidden)) * seed).sum()
        assert found == pytest.approx(lost, abs=1e-4)


def test_without_regions_their_occlusion_says_what_is_missing(model, crops):
    with pytest.raises(ExplainError, match="which region each pixel belongs to"):
        model.explain(crops[:1], "region_occlusion", Target(), 0.0)


def test_a_method_of_one_s_own_is_explained_with_and_cached_under_its_own_rules(crops, tmp_path):
    from dataclasses import replace

    pack = find_pack(DEFAULT_PACK)
    model = Model(pack, provider="cpu", threads=1, cache=tmp_path)
    mine = replace(METHODS["gradient"], composite=METHODS["input_x_gradient"].composite)
    theirs = maps(model.explain(crops[2:3], "gradient", Target(), 0.0))
    assert np.abs(maps(model.explain(crops[2:3], mine, Target(), 0.0)) - theirs).max() > 1e-4
    assert len(list(tmp_path.glob("*.onnx"))) == 2


def test_methods_that_need_the_same_graph_share_its_session(model):
    assert model.explainer("occlusion").session is model.explainer("rise").session
    assert model.explainer("smoothgrad").session is model.explainer("integrated_gradients").session
    assert model.explainer("lrp").session is not model.explainer("lrp_pixels").session


@pytest.mark.parametrize("method", ["lrp", "gradient"])
def test_a_contrast_is_the_difference_of_two_maps(model, crops, method):
    happy, angry = (maps(model.explain(crops, method, Target(name), 0.0)) for name in ("happiness", "anger"))
    contrast = model.explain(crops, method, Target("happiness", "anger"), 0.0)
    np.testing.assert_allclose(maps(contrast), happy - angry, atol=1e-4)
    assert {explanation.title for _, explanation in contrast} == {"happiness against anger"}


def test_the_runner_up_is_the_second_most_probable_class(model, crops):
    for prediction, explanation in model.explain(crops, "lrp", Target(against=RUNNER_UP), 0.0):
        first, second = prediction.ranked[:2]
        assert (explanation.target, explanation.against) == (model.labels[first], model.labels[second])
        assert explanation.score == pytest.approx(prediction.logits[first] - prediction.logits[second], abs=1e-5)


def test_the_predicted_class_can_be_contrasted_with_a_named_one(model, crops):
    for prediction, explanation in model.explain(crops, "lrp", Target(against="fear"), 0.0):
        if prediction.label != "fear":
            assert (explanation.target, explanation.against) == (prediction.label, "fear")


@pytest.mark.parametrize("shift", [(0, 0), (-230, 40), (300, -150), (0, 390), (-2000, 0)])
def test_a_crop_is_the_grey_frame_resampled_wherever_the_face_lies(model, astronaut, shift):
    """Only the part of the frame under the crop is turned grey; that must not show, not even at the frame's edge."""
    from core.geometry import crop
    from core.opencv import cv2
    from core.types import FaceObservation
    from tests.made import face_landmarks

    landmarks = face_landmarks((220.0, 120.0), 140.0)
    landmarks[:, :2] += shift
    found = model.crop(astronaut, FaceObservation(landmarks, 1.0))
    grey = cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)
    expected = crop(grey, model.pack.alignment.to_crop(landmarks), found.size)
    assert np.abs(found.image.astype(int) - expected).max() <= 1


def test_no_faces_give_no_answers(model):
    assert model.predict([]) == []
    assert model.explain([], "lrp", Target(), 0.0) == []


def test_unknown_names_list_what_there_is(model, crops):
    with pytest.raises(UnknownName, match="gradcam, lrp"):
        model.explain(crops, "magic", Target(), 0.0)
    with pytest.raises(UnknownName, match="neutral, happiness"):
        model.explain(crops, "lrp", Target("joy"), 0.0)
    with pytest.raises(UnknownName, match="auto, cpu, cuda"):
        providers_for("abacus")
    with pytest.raises(ExplainError, match="itself"):
        Target("fear", "fear").check(model.labels)


def test_batches_are_padded_to_few_shapes():
    """ONNX Runtime's memory grows with every new shape."""
    seen = []

    class Recorder:
        def run(self, outputs, feeds):
            seen.append(len(feeds["face"]))
            return [np.zeros((len(feeds["face"]), 8), np.float32)]

    for count in range(1, 40):
        (rows,) = run_in_batches(Recorder(), {"face": np.zeros((count, 1))}, ["logits"])
        assert len(rows) == count
    assert set(seen) <= set(BATCHES)


def test_compiled_explainers_are_kept_on_disk_and_used_again(tmp_path, crops):
    pack = find_pack(DEFAULT_PACK)
    first = Model(pack, provider="cpu", cache=tmp_path).explain(crops[:1], "lrp", Target(), 0.0)
    (kept,) = tmp_path.glob("*.onnx")
    assert pack.model_sha256[:32] in kept.name
    written = kept.stat().st_mtime_ns
    again = Model(pack, provider="cpu", cache=tmp_path).explain(crops[:1], "lrp", Target(), 0.0)
    assert kept.stat().st_mtime_ns == written
    np.testing.assert_array_equal(maps(first), maps(again))


def test_the_provider_is_the_one_that_runs_and_a_fallback_is_told():
    model = Model(find_pack(DEFAULT_PACK), provider="cuda")
    if model.provider == "CUDAExecutionProvider":
        assert model.provider_warning is None
    else:
        assert "was asked for" in model.provider_warning
        assert model.provider in model.provider_warning
