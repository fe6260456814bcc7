"""The explainer on its own, as somebody uses it who has an ONNX file and nothing of this application."""

from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from core.errors import ExplainError, UnknownName, UnsupportedOperator
from core.explain import LIVE, METHODS, Effort, Explainer
from core.explain.runs import BATCHES, Runs, run_in_batches
from tests.core.explain.networks import Scaled, build, pictures, run, session, to_onnx
from tests.core.explain.test_compiler import odd_model

PICTURE = (1, 12, 12)
QUICK = Effort(steps=3, samples=3, masks=5, cells=3, patch=0.5)


@pytest.fixture(scope="module")
def model() -> bytes:
    return to_onnx(Scaled(build("residual")), PICTURE)


@pytest.fixture(scope="module")
def explainers(model) -> dict[str, Explainer]:
    return {key: Explainer(model, key, audit=True) for key in METHODS}


def regions(count: int) -> np.ndarray:
    """Two halves, as labels."""
    labels = np.zeros((count, *PICTURE[1:]), np.uint8)
    labels[:, 6:] = 3
    return labels


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_finite_maps_of_the_picture_s_size_and_the_same_ones_again(explainers, method):
    faces = pictures(3, PICTURE)
    first, second = (explainers[method].explain(faces, regions=regions(3), effort=QUICK) for _ in range(2))
    assert first.relevance.shape == (3, 12, 12)
    assert first.relevance.dtype == first.logits.dtype == first.seed_used.dtype == np.float32
    assert np.isfinite(first.relevance).all()
    np.testing.assert_array_equal(first.relevance, second.relevance)
    np.testing.assert_array_equal(first.seed_used, np.eye(5)[first.logits.argmax(1)])
    np.testing.assert_allclose(first.scores, first.logits.max(1))
    assert first.unit == METHODS[method].unit


@pytest.mark.parametrize("method", METHODS)
def test_a_picture_s_map_does_not_depend_on_its_company(explainers, method):
    faces = pictures(17, PICTURE)  # more than the largest batch holds
    together = explainers[method].explain(faces, contrast=1, regions=regions(17), effort=QUICK)
    for number in (0, 5, 16):
        alone = explainers[method].explain(faces[number : number + 1], contrast=1, regions=regions(1), effort=QUICK)
        np.testing.assert_array_equal(together.seed_used[number], alone.seed_used[0])
        size = np.abs(together.relevance).max()
        np.testing.assert_allclose(together.relevance[number], alone.relevance[0], atol=1e-5 * size)


@pytest.mark.parametrize("method", METHODS)
def test_all_classes_of_a_picture_are_its_single_explanations(explainers, method):
    face = pictures(1, PICTURE)
    together = explainers[method].all_classes(face[0], regions(1)[0], QUICK)
    alone = explainers[method].explain(np.repeat(face, 5, axis=0), np.eye(5), regions=regions(5), effort=QUICK)
    assert together.shape == (5, 12, 12)
    np.testing.assert_allclose(together, alone.relevance, atol=1e-5 * np.abs(together).max())


@pytest.mark.parametrize("method", METHODS)
def test_the_gap_is_told_where_the_method_promises_a_sum_and_there_alone(explainers, method):
    found = explainers[method].explain(pictures(3, PICTURE), regions=regions(3), effort=Effort(steps=200, masks=5))
    assert (found.gap is not None) == METHODS[method].conserves
    if found.gap is not None:
        size = np.abs(found.scores) + 1e-2 * np.abs(found.relevance).sum((1, 2))
        assert (np.abs(found.gap) < (1e-2 if METHODS[method].procedure != "once" else 1e-4) * size).all()


def test_without_audit_the_gap_is_unknown_where_biases_take_part(model):
    assert Explainer(model, "lrp").explain(pictures(1, PICTURE)).gap is None
    assert Explainer(model, "lrp_pixels").explain(pictures(1, PICTURE)).gap is not None


class Recorder:
    """A session that keeps how often and with what batches it ran."""

    def __init__(self, inner) -> None:
        self.inner, self.batches = inner, []
        self.get_inputs, self.get_outputs = inner.get_inputs, inner.get_outputs

    def run(self, outputs, feeds):
        self.batches.append({name: len(values) for name, values in feeds.items()})
        return self.inner.run(outputs, feeds)


def test_all_classes_cost_one_forward_pass(model):
    explainer = Explainer(model, "lrp", session=lambda compiled: Recorder(session(compiled)))
    explainer.all_classes(pictures(1, PICTURE)[0])
    assert explainer.session.batches == [{"face": 1, "seed": 8, "contrast": 8}]


@pytest.mark.parametrize("method", ["lrp", "gradcam", "integrated_gradients", "rise"])
def test_batches_have_few_sizes(model, method):
    explainer = Explainer(model, method, session=lambda compiled: Recorder(session(compiled)))
    for count in (1, 3, 5, 9, 17):
        explainer.explain(pictures(count, PICTURE), effort=QUICK)
    assert {size for batch in explainer.session.batches for size in batch.values()} <= set(BATCHES)


def test_a_graph_of_one_fixed_batch_runs_in_a_loop(model):
    """Some graphs cannot be freed from the batch they were exported with."""
    free = Explainer(model, "lrp")

    def fixed(size):
        def start(compiled):
            proto = onnx.load_model_from_string(compiled)
            proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = size
            return Recorder(session(proto.SerializeToString()))

        return start

    faces = pictures(5, PICTURE)
    for size in (1, 2):
        explainer = Explainer(model, "lrp", session=fixed(size))
        np.testing.assert_allclose(explainer.explain(faces).relevance, free.explain(faces).relevance, atol=1e-6)
        assert {batch["face"] for batch in explainer.session.batches} == {size}
        np.testing.assert_allclose(explainer.all_classes(faces[0]), free.all_classes(faces[0]), atol=1e-6)


def test_it_runs_what_the_compiler_wrote(model):
    faces = pictures(2, PICTURE)
    explainer = Explainer(model, "lrp")
    from core.explain import compile_explainer

    expected = run(compile_explainer(model, "lrp"), faces, contrast=1)
    np.testing.assert_allclose(explainer.explain(faces, contrast=1).relevance, expected["relevance"], atol=1e-6)
    again = Explainer.of_session(session(compile_explainer(model, "lrp")), "lrp")
    np.testing.assert_allclose(again.explain(faces, contrast=1).relevance, expected["relevance"], atol=1e-6)


@pytest.mark.parametrize("method", [key for key, method in METHODS.items() if method.reading is None])
def test_what_perturbs_explains_models_that_nobody_can_differentiate(method):
    model = odd_model("Sin", late=True)
    with pytest.raises(UnsupportedOperator, match="Sin"):
        Explainer(model, "gradient")
    picture = np.random.default_rng(0).random((1, 1, 6, 6), np.float32)
    labels = np.kron([[0, 1], [2, 3]], np.ones((3, 3))).astype(np.uint8)[None]
    found = Explainer(model, method).explain(picture, regions=labels, effort=QUICK)
    assert np.isfinite(found.relevance).all()
    assert np.abs(found.relevance).max() > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("grey", [0, 120, 255])
def test_pictures_of_one_colour_give_finite_maps(explainers, method, grey):
    face = np.full((1, *PICTURE), grey, np.uint8)
    assert np.isfinite(explainers[method].explain(face, regions=regions(1), effort=LIVE).relevance).all()


WRONG_PICTURES = [
    (np.zeros((2, 1, 12, 13), np.uint8), r"takes pictures \[n, 1, 12, 12\], got \[2, 1, 12, 13\]"),
    (np.zeros((1, 12, 12), np.uint8), r"got \[1, 12, 12\]"),
    (np.zeros((0, 1, 12, 12), np.uint8), r"got \[0, 1, 12, 12\]"),
    (np.zeros((1, 1, 12, 12), np.float32), "takes uint8 pictures, got float32"),
    (np.zeros((1, 1, 12, 12), np.int64), "takes uint8 pictures, got int64"),
]


@pytest.mark.parametrize(("inputs", "message"), WRONG_PICTURES)
def test_a_wrong_picture_is_answered_with_what_was_expected(explainers, inputs, message):
    with pytest.raises(ExplainError, match=message):
        explainers["lrp"].explain(inputs)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        ({"seed": np.eye(4)[:2]}, r"seeds \[2, 5\] are expected, got \[2, 4\]"),
        ({"seed": np.eye(5)[:3]}, r"seeds \[2, 5\] are expected, got \[3, 5\]"),
        ({"seed": np.full((2, 5), np.nan)}, "finite seeds"),
        ({"contrast": np.ones(3)}, r"One contrast per seed \[2\] is expected, got \[3\]"),
        ({"regions": np.zeros((2, 12, 12))}, "whole numbers"),
        ({"regions": np.zeros((2, 10, 12), int)}, r"\[n, 12, 12\], got int64 \[2, 10, 12\]"),
        ({"regions": np.zeros((1, 12, 12), int)}, "for each of 2 pictures, got 1"),
    ],
)
def test_a_question_that_does_not_fit_is_answered_with_what_was_expected(explainers, question, message):
    with pytest.raises(ExplainError, match=message):
        explainers["lrp"].explain(pictures(2, PICTURE), **question)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("method", ["gradcam", "occlusion"])
def test_a_picture_with_a_number_that_is_none_is_refused(method, bad):
    inputs = np.ones((3, 1, 6, 6), np.float32)
    inputs[1, 0, 2, 2] = bad
    with pytest.raises(ExplainError, match=r"Picture 1 \(from 0\): a picture is not finite"):
        Explainer(odd_model("Relu", late=False), method).explain(inputs)


def test_a_map_that_is_not_finite_is_an_error_and_never_shown(model):
    class Broken(Recorder):
        def run(self, outputs, feeds):
            found = self.inner.run(outputs, feeds)
            found[list(outputs).index("relevance")][1, 0, 0] = np.nan
            return found

    explainer = Explainer(model, "lrp", session=lambda compiled: Broken(session(compiled)))
    with pytest.raises(ExplainError, match=r"Picture 1 \(from 0\): a map of LRP is not finite"):
        explainer.explain(pictures(2, PICTURE))


def test_all_classes_take_one_picture(explainers):
    with pytest.raises(ExplainError, match="One picture is expected, got 2"):
        explainers["lrp"].all_classes(pictures(2, PICTURE))


def test_an_unknown_method_is_answered_with_those_there_are(model):
    with pytest.raises(UnknownName, match=r"There is no method 'shap'.*lrp"):
        Explainer(model, "shap")


def test_whole_numbers_may_stand_for_floats_where_the_graph_takes_floats(explainers):
    faces = pictures(1, PICTURE)
    method = explainers["integrated_gradients"]
    np.testing.assert_array_equal(
        method.explain(faces, effort=QUICK).relevance,
        method.explain(faces.astype(np.float64), effort=QUICK).relevance,
    )


def test_one_row_stands_for_all_and_outputs_that_depend_on_it_alone_are_repeated():
    class Echo:
        def run(self, outputs, feeds):
            return [feeds["one"], feeds["many"]]

    many = np.arange(37)[:, None]
    one, back = run_in_batches(Echo(), {"one": np.full((1, 1), 7), "many": many}, ["one", "many"])
    np.testing.assert_array_equal(back, many)
    np.testing.assert_array_equal(one, np.full((37, 1), 7))


def test_layouts_with_channels_last_and_without_are_understood():
    def runs(shape):
        values = {"x": shape, "seed": ["s", 4], "contrast": ["s"]}
        inputs = [SimpleNamespace(name=name, shape=sizes, type="tensor(float)") for name, sizes in values.items()]
        return Runs(SimpleNamespace(get_inputs=lambda: inputs, get_outputs=list))

    assert runs(["n", 20, 30, 3]).layout.size == (20, 30)
    assert runs(["n", 20, 30]).layout.size == (20, 30)
    assert runs(["n", 3, 20, 30]).layout.size == (20, 30)
    assert runs([1, 3, 20, 30]).fixed == 1
    assert runs(["n", 3, 20, 30]).fixed is None
