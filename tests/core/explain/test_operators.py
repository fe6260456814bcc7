"""Every operator with a rule, in the forms that exporters write: gradient against autograd, LRP conserved."""

from functools import lru_cache

import numpy as np
import pytest
import torch

from core.explain import compile_explainer
from core.explain.rules import RULES
from tests.core.explain.networks import run, session
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


@lru_cache
def explainer(case_index: int, method: str) -> bytes:
    return compile_explainer(CASES[case_index].model(), method, audit=method.startswith("lrp"))


@pytest.mark.parametrize("index", range(len(CASES)), ids=TITLES)
def test_the_gradient_is_autograds(index):
    pictures, classes = faces(3), [0, 2, 1]
    found = run(explainer(index, "gradient"), pictures, np.eye(3)[classes])
    logits, gradient = autograd(CASES[index], pictures, classes)
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4 * np.abs(logits).max())
    np.testing.assert_allclose(found["relevance"], gradient, atol=1e-4 * np.abs(gradient).max())


@pytest.mark.parametrize("method", ["gradient", "lrp"])
@pytest.mark.parametrize("index", range(len(CASES)), ids=TITLES)
def test_many_seeds_of_one_picture_equal_as_many_runs(index, method):
    runner = session(explainer(index, method))
    seeds, contrast = np.eye(3, dtype=np.float32), np.zeros(3, np.float32)
    (together,) = runner.run(["relevance"], {"x": faces(1), "seed": seeds, "contrast": contrast})
    assert together.shape == (3, *PICTURE[1:])
    for seed, relevance in zip(seeds, together, strict=True):
        (alone,) = runner.run(["relevance"], {"x": faces(1), "seed": seed[None], "contrast": contrast[:1]})
        np.testing.assert_allclose(relevance, alone[0], atol=1e-5 * max(np.abs(alone).max(), 1e-3))


@pytest.mark.parametrize("method", ["lrp", "lrp_pixels"])
@pytest.mark.parametrize("index", range(len(CASES)), ids=TITLES)
def test_pixels_and_what_found_no_input_together_hold_the_explained_score(index, method):
    found = run(explainer(index, method), faces(2))
    score = (found["logits"] * found["seed_used"]).sum(1)
    total = found["relevance"].sum((1, 2), dtype=np.float64) + found["absorbed"]
    # The dense layer's epsilon is 1e-6, in logits.
    size = np.maximum(np.abs(score), np.maximum(1e-2 * np.abs(found["relevance"]).sum((1, 2)), 0.1))
    assert (np.abs(total - score) / size).max() < 1e-4
