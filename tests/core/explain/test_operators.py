"""Every operator with a rule, in the forms that exporters write: gradient against autograd, LRP conserved."""

import numpy as np
import pytest
import torch

from core.explain import METHODS, compile_explainer
from core.explain.rules import RULES
from tests.core.explain.networks import run
from tests.core.explain.operators import CASES, PICTURE, Case

TITLES = [case.title for case in CASES]


def faces(count: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(count, *PICTURE)).astype(np.float32)


def autograd(case: Case, pictures: np.ndarray, classes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Logits and summed gradients, in float64."""
    pixels = torch.tensor(pictures).double().requires_grad_()
    logits = case.logits(pixels)
    logits[torch.arange(len(classes)), classes].sum().backward()
    return logits.detach().numpy(), pixels.grad.sum(1).numpy()


def test_every_operator_with_a_rule_has_a_case():
    assert {operator for operator, _ in RULES} == {case.operator for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_the_gradient_is_autograds(case):
    pictures, classes = faces(3), [0, 2, 1]
    found = run(compile_explainer(case.model(), "gradient"), pictures, np.eye(3)[classes])
    logits, gradient = autograd(case, pictures, classes)
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4 * np.abs(logits).max())
    np.testing.assert_allclose(found["relevance"], gradient, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize("method", ["gradient", "lrp"])
@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_many_seeds_of_one_picture_equal_as_many_runs(case, method):
    explainer = compile_explainer(case.model(), method)
    runner = run_many(explainer, faces(1), np.eye(3))
    for index in range(3):
        alone = run(explainer, faces(1), np.eye(3)[[index]])["relevance"][0]
        np.testing.assert_allclose(runner[index], alone, atol=1e-5 * max(np.abs(alone).max(), 1e-3))


@pytest.mark.parametrize("method", ["lrp", "lrp_pixels"])
@pytest.mark.parametrize("case", CASES, ids=TITLES)
def test_pixels_and_what_found_no_input_together_hold_the_explained_score(case, method):
    found = run(compile_explainer(case.model(), method, audit=True), faces(2))
    score = (found["logits"] * found["seed_used"]).sum(1)
    total = found["relevance"].sum((1, 2), dtype=np.float64) + found["absorbed"]
    size = np.maximum(np.abs(score), 1e-2 * np.abs(found["relevance"]).sum((1, 2)))
    assert (np.abs(total - score) / size).max() < 1e-4


def run_many(explainer: bytes, face: np.ndarray, seed: np.ndarray) -> np.ndarray:
    from tests.core.explain.networks import session

    seeds, contrast = seed.astype(np.float32), np.zeros(len(seed), np.float32)
    (relevance,) = session(explainer).run(["relevance"], {"x": face, "seed": seeds, "contrast": contrast})
    assert relevance.shape == (len(seed), *PICTURE[1:])
    return relevance
