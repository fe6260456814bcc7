"""The page about the compiler says what is there, and its example works."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.explain import METHODS, compile_explainer
from core.explain.composites import INNER, Row
from core.explain.emit import Signals, Step
from core.explain.rules import RULES
from tests.core.explain import operators
from tests.core.explain.networks import run

PAGE = Path(__file__).parents[3] / "docs" / "explain.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_has_its_row(page, method):
    conserves = "yes" if method.conserves else "no"
    cells = (f"`{method.key}`", method.title, method.source, method.cost, conserves, method.unit)
    assert f"| {' | '.join(cells)} |" in page


def test_no_method_is_described_that_is_not_there(page):
    table = page.split("## Methods")[1].split("## Rules")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(METHODS)


@pytest.mark.parametrize(("operator", "rule"), RULES)
def test_every_rule_and_operator_is_named(page, operator, rule):
    rules = page.split("## Rules")[1].split("## An operator")[0]
    assert re.search(rf"\b{operator}\b", rules)
    assert f"`{rule}`" in rules


def test_the_example_of_a_new_operator_works(page, monkeypatch):
    example = page.split("## An operator in twenty lines")[1]
    rule, case = re.findall(r"```python\n(.*?)```", example, re.DOTALL)[:2]
    scope = {"Step": Step, "Signals": Signals, "Case": operators.Case, "np": np}
    exec(rule, scope)
    new = eval(case, scope)
    monkeypatch.setitem(RULES, ("CumSum", "gradient"), scope["cumulative_sum"])
    plain = METHODS["gradient"]
    method = replace(plain, composite=(Row(("CumSum",), "gradient", (INNER,)), *plain.composite))
    pictures = np.random.default_rng(1).normal(size=(2, *operators.PICTURE)).astype(np.float32)
    found = run(compile_explainer(new.model(), method), pictures, np.eye(3)[[0, 2]])
    leaves = torch.tensor(pictures).requires_grad_()
    new.logits(leaves)[[0, 1], [0, 2]].sum().backward()
    expected = leaves.grad.sum(1).numpy()
    np.testing.assert_allclose(found["relevance"], expected, atol=1e-4 * np.abs(expected).max())
