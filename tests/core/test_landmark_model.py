"""A landmark pack reads shapes of meshes, every expression by itself, and says which points it was."""

import json
import shutil

import numpy as np
import onnxruntime
import pytest

from core import packs
from core.errors import PackInvalid, PackNotFound, PackUnsuited, UnknownName
from core.landmark_model import LandmarkModel
from core.packs import LandmarkPack
from core.point_regions import point_regions
from core.regions import REGIONS
from core.relevance import by_point_region
from tests.landmark_packs_made import KEPT, LABELS, make_landmark_pack, random_shapes


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return make_landmark_pack(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def model(pack):
    return LandmarkModel(pack)


@pytest.fixture
def copy(pack, tmp_path):
    folder = tmp_path / pack.id
    shutil.copytree(pack.folder, folder)
    return folder


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_a_landmark_pack_is_read_as_one(pack):
    assert isinstance(pack, LandmarkPack)
    assert pack.labels == LABELS
    assert pack.baselines.shape == (5, 1, 478, 3)
    assert np.flatnonzero(pack.kept).tolist() == KEPT.tolist()


def test_pictures_are_not_read_with_a_landmark_pack(copy):
    with pytest.raises(PackUnsuited, match="reads landmarks and sees no pixels"):
        packs.read_pack(copy)
    with pytest.raises(PackUnsuited, match="--landmark-pack"):
        packs.find_pack(str(copy))


def test_landmarks_are_not_read_with_a_pack_of_pictures():
    with pytest.raises(PackUnsuited, match="mien-s reads pictures of faces; a pack that reads landmarks is needed"):
        packs.find_landmark_pack("mien-s")
    with pytest.raises(PackNotFound, match="mien-s"):
        packs.find_landmark_pack("nobody")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda manifest: manifest["input"].update(points=468), r"input\.points"),
        (lambda manifest: manifest["input"].update(window=0), r"input\.window"),
        (lambda manifest: manifest["input"].update(window=8), "does not go with shapes 0 s apart"),
        (lambda manifest: manifest["input"].update(interval_s=0.1), "does not go with"),
        (lambda manifest: manifest["input"].update(size=48), r"input\.size"),
        (lambda manifest: manifest["input"].update(from_neutral="no"), r"input\.from_neutral"),
        (lambda manifest: manifest["heads"][0].update(kind="expression"), r"heads\.0\.kind"),
        (lambda manifest: manifest["heads"][0].update(labels=["a", "a"]), "labels must differ"),
        (lambda manifest: manifest["heads"][0].pop("temperature"), "temperature"),
    ],
)
def test_a_manifest_with_a_fault_is_refused_with_the_field_in_the_message(copy, change, said):
    change_manifest(copy, change)
    with pytest.raises(PackInvalid, match=said):
        packs.read_any_pack(copy)


def test_a_pack_without_baselines_says_what_it_lacks(copy):
    inputs, logits = packs.read_any_pack(copy).golden()
    np.savez(copy / "golden.npz", inputs=inputs, logits=logits)
    change_manifest(copy, lambda manifest: manifest["sha256"].update({"golden.npz": packs.sha256(copy / "golden.npz")}))
    with pytest.raises(PackInvalid, match=r"needs finite baselines \[n, 1, 478, 3\] in golden.npz, got none"):
        LandmarkModel(packs.read_any_pack(copy)).prepare()


def test_logits_are_those_of_the_graph_and_probabilities_their_sigmoids(model, pack):
    inputs, logits = pack.golden()
    np.testing.assert_allclose(model.logits(inputs), logits, atol=1e-5)
    reading = model.read(inputs[3])
    np.testing.assert_allclose(reading.logits, logits[3], atol=1e-5)
    np.testing.assert_allclose(reading.probabilities, 1 / (1 + np.exp(-logits[3] / 1.5)), atol=1e-6)


def test_the_strongest_expression_is_explained_where_none_is_asked_for(model):
    reading = model.read(random_shapes(1, seed=4)[0])
    assert reading.points.target == reading.label == LABELS[int(reading.logits.argmax())]
    assert reading.points.score == reading.logits.max()


@pytest.mark.parametrize("target", LABELS)
def test_relevance_sums_to_what_the_score_has_over_the_baselines(model, pack, target):
    window = random_shapes(1, seed=5)[0]
    points = model.read(window, target).points
    session = onnxruntime.InferenceSession(str(pack.model_path), providers=["CPUExecutionProvider"])
    own, starts = (
        session.run(None, {"landmarks": shapes})[0][:, LABELS.index(target)]
        for shapes in (window[None], pack.baselines)
    )
    assert points.target == target
    assert points.start == pytest.approx(starts.mean(), abs=1e-5)
    assert points.gap == pytest.approx(points.relevance.sum() - (own[0] - starts.mean()), abs=1e-4)
    assert abs(points.gap) < 0.05 * max(1.0, abs(own[0] - starts.mean()))


def test_the_same_shape_gives_the_same_reading_twice(model):
    window = random_shapes(1, seed=6)[0]
    first, second = model.read(window), model.read(window)
    assert (first.points.relevance == second.points.relevance).all()
    assert (first.logits == second.logits).all()


def test_only_points_that_the_network_sees_are_relevant(model):
    relevance = model.read(random_shapes(1, seed=7)[0]).points.relevance
    assert set(np.flatnonzero(relevance)) <= set(KEPT.tolist())


def test_an_expression_that_the_pack_does_not_have_lists_those_it_has(model):
    with pytest.raises(UnknownName, match="happiness, surprise"):
        model.read(random_shapes(1)[0], "contempt")


def test_region_sums_are_the_sums_of_their_points(model):
    points = model.read(random_shapes(1, seed=8)[0]).points
    regions, table = points.regions, point_regions()
    for place, name in enumerate(REGIONS):
        own = points.relevance[table == place].astype(np.float64)
        assert regions.shares[place] * regions.positive == pytest.approx(own.clip(0).sum(), abs=1e-5), name
        assert regions.negative_shares[place] * regions.negative == pytest.approx(own.clip(None, 0).sum(), abs=1e-5)
        assert regions.areas[place] == pytest.approx((table[KEPT] == place).mean())
    assert regions.positive + regions.negative == pytest.approx(points.relevance.sum(dtype=np.float64), abs=1e-4)
    assert regions.outside_share == 0


def test_relevance_of_points_that_is_no_number_is_refused():
    relevance = np.zeros(478, np.float32)
    relevance[7] = np.nan
    with pytest.raises(ValueError, match="finite"):
        by_point_region(relevance, np.ones(478, bool), "happiness")


def test_the_reference_is_one_significant_digit_and_above_nothing(model):
    assert model.reference > 0
    assert float(f"{model.reference:.0e}") == model.reference


def test_windows_of_several_shapes_are_explained_over_all_of_them(tmp_path):
    model = LandmarkModel(make_landmark_pack(tmp_path, window=4, interval_s=0.1))
    reading = model.read(random_shapes(1, 4, seed=9)[0])
    assert reading.points.relevance.shape == (478,)
    assert abs(reading.points.gap) < 0.05 * max(1.0, abs(reading.points.score - reading.points.start))


def test_all_expressions_explained_at_once_are_each_as_if_alone(model):
    window = random_shapes(1, seed=10)[0]
    for label, together in zip(LABELS, model.explain_all(window), strict=True):
        alone = model.read(window, label).points
        assert (together.target, together.score) == (alone.target, alone.score)
        np.testing.assert_allclose(together.relevance, alone.relevance, atol=1e-6)
