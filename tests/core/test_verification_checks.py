"""The checks of explanations: each against what it must say of maps and networks that are known."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from core.errors import StoreMismatch
from core.explain import Explainer
from core.explain.faithfulness import faithfulness as areas
from core.model import Model
from core.packs import find_pack
from core.regions import REGIONS
from core.verification.agreement import agreement
from core.verification.classes import class_maps, class_sensitivity
from core.verification.examination import density
from core.verification.expectations import Judge, masses
from core.verification.faithfulness import faithfulness
from core.verification.intervals import Bootstrap, clusters
from core.verification.measurements import Measurements
from core.verification.options import Options
from core.verification.sanity import _depths, randomised, sanity, weighted
from core.verification.stability import DIRECTIONS, back, noisy, sens_max, shifted, stability
from core.verification.store import Store
from core.verification.subset import Subset, kept, region_masses
from tests.packs_made import SIZE, make_colour_pack

MIEN = find_pack("mien-s").model_path
LABELS = ("happiness", "anger", "fear")


def nothing(done, total):
    pass


def pictures(count, size=SIZE, channels=3):
    return np.random.default_rng(0).integers(0, 256, (count, channels, size, size), dtype=np.uint8)


def stripes(count, size=SIZE):
    """A partition into as many stripes as there are regions."""
    rows = np.arange(size) * len(REGIONS) // size
    return np.repeat(np.repeat(rows[:, None], size, axis=1)[None], count, axis=0).astype(np.uint8)


def subset_of(model, method="lrp", count=5, **options):
    faces = pictures(count, channels=3 if model.pack.manifest.input.colour == "rgb" else 1)
    predicted = model.logits(faces).argmax(axis=1)
    chosen = Options(method=method, draws=50, cascade_steps=4, noises=3, **options)
    return Subset(np.arange(count), faces, stripes(count), predicted, (None,) * count, chosen, len(model.labels))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return Model(make_colour_pack(tmp_path_factory.mktemp("pack"), labels=LABELS), provider="cpu")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path, {}, 1)


# ---- Drawing the network anew ----


def weights_of(model):
    return {
        node.name or node.outputs[0].name: [
            value.const_value.numpy() for value in node.inputs if value is not None and value.const_value is not None
        ]
        for node in weighted(model)
    }


def read(source):
    from core.explain.graph import read as graph_of

    return graph_of(source)


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_only_the_last_layers_change_and_only_the_order_of_their_weights(depth):
    before, after = weights_of(read(MIEN)), weights_of(read(randomised(MIEN, depth, 0)))

    assert list(before) == list(after)
    for place, name in enumerate(before):
        for old, new in zip(before[name], after[name], strict=True):
            np.testing.assert_array_equal(np.sort(old, axis=None), np.sort(new, axis=None))
            assert np.array_equal(old, new) == (place < len(before) - depth) or old.size == 1


def test_a_layer_gets_the_same_order_however_many_others_are_drawn_anew():
    one, many = (weights_of(read(randomised(MIEN, depth, 0))) for depth in (1, 4))
    last = list(one)[-1]

    np.testing.assert_array_equal(one[last][0], many[last][0])
    assert not np.array_equal(one[last][0], weights_of(read(randomised(MIEN, 1, 1)))[last][0])


def test_the_whole_network_drawn_anew_says_something_else_and_the_file_stays_as_it_was():
    content, faces = MIEN.read_bytes(), pictures(3, 48, 1)
    depth = len(weighted(read(MIEN)))
    from core.explain import compile_explainer
    from core.explain.explainer import start_session

    def logits(changed):
        session = start_session(compile_explainer(randomised(MIEN, changed, 0), "gradient"))
        return Explainer.of_session(session, "gradient").explain(faces).logits

    np.testing.assert_allclose(logits(0), Explainer(MIEN, "gradient").explain(faces).logits, atol=1e-5)
    assert np.abs(logits(depth) - logits(0)).max() > 0.1
    assert MIEN.read_bytes() == content


def test_weights_kept_as_half_floats_are_drawn_anew_too(tmp_path):
    proto = onnx.load(make_colour_pack(tmp_path).model_path)
    for tensor in list(proto.graph.initializer):
        if tensor.name == "w2":
            half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), "w2_half")
            proto.graph.initializer.remove(tensor)
            proto.graph.initializer.append(half)
            proto.graph.node.insert(0, helper.make_node("Cast", ["w2_half"], ["w2"], to=1))
    before, after = (
        weights_of(read(source)) for source in (proto.SerializeToString(), randomised(proto.SerializeToString(), 3, 0))
    )

    assert len(before) == 3
    assert all(not np.array_equal(before[name][0], after[name][0]) for name in before)


@pytest.mark.parametrize("layers", [1, 3, 13, 54])
def test_depths_begin_at_nothing_and_end_at_everything(layers):
    depths = _depths(layers, 16)

    assert (depths[0], depths[-1]) == (0, layers)
    assert depths == sorted(set(depths))
    assert len(depths) <= 18
    assert 1 in depths


def test_a_network_drawn_anew_has_other_maps(model, store):
    found = sanity(model, subset_of(model, "input_x_gradient"), (), store, nothing)

    assert [step.depth for step in found.cascade] == [0, 1, 2, 3]
    assert found.cascade[0].rank_correlation.value == 1
    assert abs(found.cascade[-1].rank_correlation.value) < 0.5
    assert found.verdict.passed is True


# ---- Classes ----


def measurements(model, subset):
    """What the examination would have measured of a subset, by the plain way."""
    n, explained = len(subset), []
    for contrast in (0.0, 1.0):
        found = model.explainer(subset.options.method).explain(subset.faces, contrast=contrast)
        explained.append(
            [region_masses(one[None], parts)[0] for one, parts in zip(found.relevance, subset.parts, strict=True)]
        )
    shares = np.array(explained).transpose(1, 0, 2)[:, :, None].repeat(2, axis=2)
    counts = np.stack([np.bincount(parts.ravel(), minlength=len(REGIONS)) for parts in subset.parts])
    arrays = {
        "state": np.zeros(n, np.uint8),
        "target": np.repeat(subset.predicted[:, None], 2, axis=1),
        "shares": shares,
        "counts": np.repeat(counts[:, None], 2, axis=1),
        "gaussian": np.repeat(counts[:, None], 2, axis=1),
    }
    from core.types import Prediction
    from core.verification.record import EXAMINED, Record

    one = np.zeros(len(model.labels), np.float32)
    records = [Record(str(i), "anger", None, EXAMINED, prediction=Prediction(model.labels, one, one)) for i in range(n)]
    return Measurements(model.labels, arrays, tuple(records), SIZE, None, None, {})


def test_a_method_that_knows_no_class_has_a_lift_of_one_within_images_and_one_map_for_all(model, store):
    subset = subset_of(model, "eigencam")
    maps = class_maps(model, subset, store, nothing)
    found, bootstrap = measurements(model, subset), Bootstrap(clusters([None] * 5), 50, 0)
    judge = Judge(found, subset.options, bootstrap, masses(found, subset.options), maps)

    for row in class_sensitivity(maps, subset):
        assert row.rank_correlation.value == pytest.approx(1)
        assert row.moved.value == pytest.approx(0, abs=1e-9)
    judged = [each for each in judge.classes() if each.images]
    assert judged
    for each in judged:
        assert each.by_origin["explanation"].within_lift.value == pytest.approx(1)


def test_lift_within_images_is_the_classes_own_density_over_the_others(model, store):
    from core.verification.measurements import expected_mask, face_density

    subset = subset_of(model, "gradient", count=6)
    maps = class_maps(model, subset, store, nothing)
    found, bootstrap = measurements(model, subset), Bootstrap(clusters([None] * 6), 50, 0)
    judge = Judge(found, subset.options, bootstrap, masses(found, subset.options), maps)
    place = int(np.bincount(subset.predicted).argmax())
    rows = np.flatnonzero(subset.predicted == place)

    expected, own, others = expected_mask(LABELS[place]), [], []
    for row in rows:
        counts = np.bincount(subset.parts[row].ravel(), minlength=len(REGIONS))[None].astype(float)
        every = model.explainer("gradient").all_classes(subset.faces[row])
        each = [face_density(region_masses(one[None], subset.parts[row]), counts, expected)[0] for one in every]
        own.append(each.pop(place))
        others.append(np.mean(each))

    estimate = judge.classes()[place].by_origin["explanation"].within_lift
    assert estimate.value == pytest.approx(np.mean(own) / np.mean(others), rel=1e-4)
    assert estimate.n == len(rows)


# ---- Methods, faithfulness ----


def test_every_method_agrees_with_itself_and_impossible_ones_are_told(tmp_path, store):
    """A network without a feature map has no Grad-CAM."""
    random = np.random.default_rng(0)
    nodes = [
        helper.make_node("Cast", ["face"], ["float"], to=1),
        helper.make_node("Flatten", ["float"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"]),
    ]
    arrays = {"w": random.normal(0, 0.01, (3 * SIZE * SIZE, 3)), "b": random.normal(0, 1, 3)}
    graph = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("face", onnx.TensorProto.UINT8, ["batch", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    model = Model(make_colour_pack(tmp_path, model=proto), provider="cpu")
    subset = subset_of(model, "gradient", compared=("gradcam", "input_x_gradient"))
    found = agreement(model, subset, store, nothing)

    assert found.methods == ("gradient", "input_x_gradient")
    assert "no feature map" in found.impossible["gradcam"]
    np.testing.assert_allclose(found.maps.diagonal(), 1)
    np.testing.assert_allclose(found.maps, found.maps.T)


def test_faithfulness_is_that_of_the_compilers_own_measure(model, store):
    subset = subset_of(model, "gradient")
    found = faithfulness(model, subset, store, nothing)
    maps = model.explainer("gradient").explain(subset.faces, subset.seeds).relevance
    expected = areas(model.probabilities, subset.faces, maps, subset.predicted)

    assert [row.name for row in found.rows] == ["gradient", "random", "centre Gaussian"]
    assert [row.control for row in found.rows] == [False, True, True]
    assert found.rows[0].deletion.value == pytest.approx(expected.deletion.mean(), abs=1e-5)
    gain = found.rows[1].deletion.value - found.rows[0].deletion.value
    assert found.gains["random"][0].value == pytest.approx(gain)


# ---- Stability ----


def test_noise_is_as_strong_as_stated():
    grey = np.full((1, 64, 64), 128, np.uint8)
    copies = noisy(grey, 6.0, 5, np.random.default_rng(0)).astype(float)

    np.testing.assert_allclose(np.sqrt(((copies - 128) ** 2).mean(axis=(1, 2, 3))), 6.0, rtol=0.01)


@pytest.mark.parametrize("reach", [1, 3])
def test_shifting_back_undoes_a_shift_but_for_the_border(reach):
    face = np.random.default_rng(0).integers(1, 256, (1, 20, 20), dtype=np.uint8)
    copies = shifted(face, reach)
    returned = back(copies[:, 0].astype(np.float32), reach)
    inside = slice(reach, -reach)

    assert len(copies) == len(DIRECTIONS) == 8
    for copy, one in zip(copies, returned, strict=True):
        assert not np.array_equal(copy, face)
        np.testing.assert_array_equal(one[inside, inside], face[0, inside, inside])


def test_sens_max_is_the_largest_relative_change():
    original = np.array([[[3.0, 4.0]]], np.float32)
    changed = np.array([[[3.0, 4.0]], [[3.0, 5.0]], [[0.0, 0.0]]], np.float32)

    assert sens_max(original, changed[:2]) == pytest.approx(0.2)
    assert sens_max(original, changed) == pytest.approx(1)
    assert np.isnan(sens_max(0 * original, changed))


def test_stronger_noise_changes_maps_more(model, tmp_path):
    weak, strong = (
        stability(model, subset_of(model, "gradient", noise=noise), Store(tmp_path / str(noise), {}, 1), nothing)
        for noise in (1.0, 40.0)
    )

    assert [(row.disturbance, row.radius, row.draws) for row in strong.rows] == [("noise", 40.0, 3), ("shift", 1.0, 8)]
    assert weak.rows[0].sens_max.value < strong.rows[0].sens_max.value
    assert weak.rows[1].sens_max == strong.rows[1].sens_max


# ---- Keeping ----


def test_a_check_is_measured_once_for_the_same_settings_and_anew_for_others(store):
    runs = []

    def measure():
        runs.append(len(runs))
        return {"values": np.full(2, float(len(runs)))}

    layout = {"values": ("f8", (2,))}
    first = kept(store, "made", ["a", 1], layout, measure)
    again = kept(store, "made", ["a", 1], layout, measure)
    other = kept(store, "made", ["a", 2], layout, measure)

    assert len(runs) == 2
    np.testing.assert_array_equal(first["values"], again["values"])
    assert other["values"][0] == 2


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_what_a_check_cannot_have_measured_is_refused(store, value):
    layout = {"values": ("f8", (2,))}

    with pytest.raises(StoreMismatch, match="made"):
        kept(store, "made", [], layout, lambda: {"values": np.array([value, 1.0])}, ("values",))


def test_kept_maps_are_densities_of_the_positive_relevance():
    relevance = np.random.default_rng(0).normal(size=(128, 128)).astype(np.float32)

    assert density(relevance, 64).shape == (64, 64)
    assert density(relevance, 64).mean() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(
        density(relevance, 128), np.maximum(relevance, 0) / np.maximum(relevance, 0).mean(), rtol=1e-5
    )
    assert not density(-np.abs(relevance), 64).any()
