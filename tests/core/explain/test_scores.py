"""Scores other than the first output: another head, and single channels inside, to see what a neuron looks for."""

import io
import warnings

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from core.errors import UnknownName
from core.explain import METHODS, Explainer, compile_explainer
from tests.core.explain.networks import Scaled, build, pictures, run, scaled, session, to_onnx

PICTURE = (1, 8, 8)


class TwoHeads(nn.Module):
    """One trunk, the scores of five classes, and three scores of something else."""

    def __init__(self) -> None:
        super().__init__()
        whole = build("residual")
        self.trunk, self.first = whole[:-1], whole[-1]
        self.second = nn.Linear(8, 3)
        nn.init.normal_(self.second.weight, generator=torch.Generator().manual_seed(4))

    def forward(self, face):
        found = self.trunk(scaled(face))
        return self.first(found), self.second(found)


def two_heads() -> tuple[TwoHeads, bytes]:
    network, file = TwoHeads().eval(), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(2, *PICTURE, dtype=torch.uint8),),
            file,
            dynamo=False,
            opset_version=17,
            input_names=["face"],
            output_names=["expression", "pain"],
            dynamic_axes={name: {0: "batch"} for name in ("face", "expression", "pain")},
        )
    return network, file.getvalue()


def autograd(score, faces: np.ndarray) -> np.ndarray:
    """Sum over channels of the derivative of what `score` makes of the pixels."""
    pixels = torch.tensor(faces).float().requires_grad_()
    score(pixels).backward()
    return pixels.grad.sum(1).numpy()


@pytest.mark.parametrize(("head", "classes"), [("expression", 5), ("pain", 3)])
def test_every_output_of_a_model_with_several_can_be_explained(head, classes):
    network, model = two_heads()
    faces = pictures(2, PICTURE)
    index = ["expression", "pain"].index(head)
    found = run(compile_explainer(model, "gradient", at=head), faces, np.eye(classes)[[0, 2]])
    expected = autograd(lambda pixels: network(pixels)[index][[0, 1], [0, 2]].sum(), faces)
    np.testing.assert_allclose(found["logits"], network(torch.tensor(faces))[index].detach(), atol=1e-4)
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


def test_without_a_name_the_first_output_is_explained():
    _, model = two_heads()
    faces = pictures(2, PICTURE)
    first, named = (run(compile_explainer(model, "lrp", at=at), faces)["relevance"] for at in (None, "expression"))
    np.testing.assert_array_equal(first, named)


def features(network: nn.Sequential, layers: int):
    return lambda pixels: network[:layers](scaled(pixels))


def inner_name(model: bytes, operator: str, number: int) -> str:
    nodes = [node for node in onnx.load_model_from_string(model).graph.node if node.op_type == operator]
    return nodes[number].output[0]


def test_a_neuron_s_score_is_the_highest_place_of_its_channel_and_its_gradient_that_of_autograd():
    network = build("max pool")
    model = to_onnx(Scaled(network), PICTURE)
    faces, channel = pictures(3, PICTURE), 2
    explainer = compile_explainer(model, "gradient", at=inner_name(model, "Relu", 1))
    maps = features(network, 3)  # convolution, pool, convolution
    found = run(explainer, faces, np.tile(np.eye(8)[channel], (3, 1)))
    expected = autograd(lambda pixels: maps(pixels)[:, channel].amax((1, 2)).sum(), faces)
    np.testing.assert_allclose(found["logits"], maps(torch.tensor(faces)).amax((2, 3)).detach(), atol=1e-4)
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("method", [key for key, row in METHODS.items() if row.procedure == "once" and row.cam is None])
def test_every_method_shows_what_a_neuron_saw_and_nothing_beyond_its_reach(method):
    """Two convolutions of 3 x 3 see 5 x 5 pixels around the neuron's place, wherever its highest one is."""
    model = to_onnx(Scaled(build("plain")), (1, 12, 12))
    faces = pictures(2, (1, 12, 12))
    seed = np.tile(np.eye(8)[3], (2, 1))
    found = run(compile_explainer(model, method, at=inner_name(model, "Relu", 1), audit=True), faces, seed)
    lit = np.abs(found["relevance"]) > 1e-6 * np.abs(found["relevance"]).max()
    for picture in lit:
        rows, columns = (np.flatnonzero(picture.any(axis)) for axis in (1, 0))
        assert 0 < np.ptp(rows) + 1 <= 5
        assert 0 < np.ptp(columns) + 1 <= 5


def test_relevance_of_a_neuron_sums_to_its_activation():
    model = to_onnx(Scaled(build("residual")), PICTURE)
    name = inner_name(model, "Relu", 2)
    explainer = Explainer(model, "lrp", at=name, audit=True)
    found = explainer.explain(pictures(4, PICTURE))
    assert np.abs(found.gap).max() <= 1e-4 * np.abs(found.scores).max()


def test_a_neuron_of_the_shipped_kind_of_network_is_explained_in_whole_numbers():
    """Occlusion needs the scores alone, so it works for neurons too."""
    model = to_onnx(Scaled(build("biases")), PICTURE)
    found = Explainer(model, "occlusion", at=inner_name(model, "Relu", 1)).explain(pictures(1, PICTURE))
    assert found.logits.shape == (1, 8)
    assert np.isfinite(found.relevance).all()
    assert np.abs(found.relevance).max() > 0


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    _, model = two_heads()
    with pytest.raises(UnknownName, match="expression, pain"):
        compile_explainer(model, "gradient", at="mood")


def test_the_models_own_outputs_stay_what_they_are():
    _, model = two_heads()
    faces = pictures(2, PICTURE)
    expected = session(model).run(["pain"], {"face": faces})[0]
    found = run(compile_explainer(model, "gradcam", at="pain"), faces)["logits"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
