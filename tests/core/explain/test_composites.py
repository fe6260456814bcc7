"""Composites: which rule a node gets, and tables of one's own."""

import re

import numpy as np
import pytest
from torch import nn

from core.errors import CompositeInvalid, UnsupportedOperator
from core.explain import METHODS, compile_explainer
from core.explain.composite_file import read_composite, read_method
from core.explain.composites import FIRST, INNER, PIXELS, Row, choose
from core.explain.rules import RULES
from tests.core.explain.networks import Scaled, build, pictures, run, to_onnx

PICTURE = (1, 8, 8)
GAMMA_BOX = """operator,depth,rule,options
# as the shipped composite, spelled out
Conv,first,zbox,low=0 high=255

convolutions,anywhere,gamma,gamma=0.25
dense,anywhere,epsilon,epsilon=1e-6
"""


@pytest.fixture(scope="module")
def model() -> bytes:
    return to_onnx(Scaled(build("residual")), PICTURE)


@pytest.mark.parametrize("method", METHODS)
def test_a_composite_speaks_of_rules_that_exist(method):
    """Of every operator that it names there may be none, but where there is one it knows the rule asked for."""
    known = {operator for operator, _ in RULES}
    for row in METHODS[method].composite:
        assert [operator for operator in row.operators if operator in known and (operator, row.rule) not in RULES] == []


def test_the_first_row_that_fits_wins():
    rows = (Row(("Conv",), "flat", (FIRST,)), Row(("Conv",), "gamma", depth=(0, 0.5)), Row(("Conv",), "zplus"))
    expected = [("flat", FIRST, 0.0), ("gamma", INNER, 0.5), ("zplus", INNER, 0.51), ("zplus", INNER, 1.0)]
    for rule, place, depth in expected:
        row = choose(rows, "Conv", place, depth)
        assert row is not None
        assert rule == row.rule
    assert choose(rows, "Gemm", INNER, 0.5) is None
    assert choose((Row(("Add",), "unchanged", (PIXELS,)),), "Add", INNER) is None


def test_depth_counts_layers_from_the_pixels_to_the_head(model):
    """Five convolutions and a dense layer stand at 0, 1/5 ... 1: a rule for the upper part leaves the lower alone."""
    table = "operator,depth,rule,options\nlayers,{},epsilon,epsilon=1e-6\nlayers,anywhere,zplus,\n"
    faces = pictures(2, PICTURE)

    def explained(depth: str) -> np.ndarray:
        return run(compile_explainer(model, read_method(table.format(depth))), faces)["relevance"]

    layers = sum(isinstance(module, nn.Conv2d | nn.Linear) for module in build("residual").modules())
    last = 1 - 0.5 / (layers - 1)
    np.testing.assert_array_equal(explained("0-1"), run(compile_explainer(model, "lrp_epsilon"), faces)["relevance"])
    head = f"{last}-1"
    dense = read_method("operator,depth,rule,options\ndense,anywhere,epsilon,epsilon=1e-6\nlayers,anywhere,zplus,\n")
    np.testing.assert_array_equal(explained(head), run(compile_explainer(model, dense), faces)["relevance"])
    assert not np.allclose(explained("0-0.5"), explained("0.5-1"), atol=1e-3)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_table_that_says_what_a_shipped_composite_says_gives_its_map(model, tmp_path, as_file):
    path = tmp_path / "gamma box.csv"
    path.write_text(GAMMA_BOX)
    faces = pictures(3, PICTURE)
    own, shipped = (
        run(compile_explainer(model, method), faces)
        for method in (read_method(path if as_file else GAMMA_BOX), "lrp_gamma_box")
    )
    np.testing.assert_array_equal(own["relevance"], shipped["relevance"])


def test_the_key_of_a_table_changes_with_its_rules_and_with_what_biases_do():
    other = GAMMA_BOX.replace("0.25", "0.5")
    keys = {read_method(GAMMA_BOX).key, read_method(other).key, read_method(GAMMA_BOX, biases="spread").key}
    assert len(keys) == 3
    assert read_method(GAMMA_BOX).key == read_method(GAMMA_BOX, title="Another title").key
    assert all(re.fullmatch(r"own_[0-9a-f]{12}", key) for key in keys)


def test_a_table_with_gradients_promises_no_conservation():
    assert read_method(GAMMA_BOX).conserves
    assert not read_method("operator,depth,rule,options\nlayers,anywhere,gradient,\n").conserves


def test_a_layer_that_the_table_forgets_is_named_when_a_model_has_it(model):
    method = read_method("operator,depth,rule,options\nConv,anywhere,zplus,\n", title="Mine")
    with pytest.raises(UnsupportedOperator, match=r"\((Gemm|MatMul)\) has no backward rule under Mine"):
        compile_explainer(model, method)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("Convolution,first,zbox,", r"Line 2 .*no operator 'Convolution'.*layers.*Conv"),
        (",first,zbox,", "no operator"),
        ("Conv,first,zbux,", r"no rule 'zbux' for Conv\. There is: .*gamma.*zbox"),
        ("Relu,anywhere,gamma,gamma=1", r"no rule 'gamma' for Relu\. There is: .*pass"),
        ("Conv,middle,zplus,", r"no depth 'middle'\. There is: pixels, first, inner, anywhere"),
        ("Conv,0.7-0.2,zplus,", "between 0 and 1 and rises"),
        ("Conv,0-2,zplus,", "between 0 and 1 and rises"),
        ("Conv,nan-1,zplus,", "between 0 and 1 and rises"),
        ("Conv,first,gamma,", "gamma needs gamma=NUMBER"),
        ("Conv,first,alpha_beta,alpha=2", "alpha_beta needs beta=NUMBER"),
        ("Conv,first,alpha_beta,alpha=2 beta=2", "must be 1"),
        ("Conv,first,epsilon,epsilon=0", "above 0"),
        ("Conv,first,epsilon,epsilon=small", "needs a number, got 'small'"),
        ("Conv,first,epsilon,epsilon=inf", "needs a number"),
        ("Conv,first,gamma,gamma=-1", "0 or more"),
        ("Conv,first,gamma,gamma=1 gamma=2", "stands twice"),
        ("Conv,first,zplus,gamma=1", "'gamma=1' is not an option of zplus"),
        ("Conv,first,zbox,low=0", "both low and high"),
        ("Conv,first,zbox,low=1 high=0", "low must lie below high"),
        ("Conv,first,zplus", "expected 4 cells .* got 3"),
        ("Conv,first,zplus,,", "expected 4 cells .* got 5"),
    ],
)
def test_a_wrong_row_is_refused_with_its_line_and_what_there_is(row, reason):
    with pytest.raises(CompositeInvalid, match=reason):
        read_composite(f"operator,depth,rule,options\n{row}\n")


@pytest.mark.parametrize("text", ["", "# nothing\n", "Conv,first,zplus,\n", "operator,rule\nConv,zplus\n"])
def test_a_table_without_its_columns_is_refused(text):
    with pytest.raises(CompositeInvalid, match="expected the columns operator,depth,rule,options"):
        read_composite(text)


def test_a_table_without_rows_is_refused():
    with pytest.raises(CompositeInvalid, match="no rule follows"):
        read_composite("operator,depth,rule,options\n")


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_is_no_text_is_refused(tmp_path, content):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CompositeInvalid, match="cannot be read"):
        read_composite(path)
