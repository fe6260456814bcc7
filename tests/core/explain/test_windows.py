"""Windows as matrices: what is spread or averaged keeps its sum."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given
from hypothesis import strategies as st

from core.explain.windows import Window, bilinear

SMALL = st.integers(1, 4)


@st.composite
def windows(draw) -> Window:
    inputs, kernel, stride, dilation = draw(st.integers(1, 12)), draw(SMALL), draw(SMALL), draw(st.integers(1, 3))
    before, after = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    outputs = (inputs + before + after - dilation * (kernel - 1) - 1) // stride + 1
    return Window(inputs, max(outputs, 1), kernel, stride, dilation, before, after)


@given(windows())
def test_an_even_spread_loses_nothing_even_where_the_window_lies_in_the_padding(window):
    np.testing.assert_allclose(window.spread().sum(axis=0), 1, rtol=1e-6)


@given(windows())
def test_an_even_spread_of_a_transposed_window_loses_nothing_even_in_its_holes(window):
    np.testing.assert_allclose(window.spread_back().sum(axis=0), 1, rtol=1e-6)


@given(st.integers(1, 13), st.integers(1, 40))
def test_a_map_laid_on_finer_pixels_keeps_its_sum_place_by_place(coarse, extra):
    matrix = bilinear(coarse, coarse + extra)
    np.testing.assert_allclose(matrix.sum(axis=0), 1, rtol=1e-5)
    assert (matrix >= 0).all()


@given(st.integers(1, 9), st.integers(1, 6), st.randoms(use_true_random=False))
def test_with_a_whole_ratio_that_is_plain_linear_interpolation(coarse, ratio, random):
    values = np.array([random.uniform(-1, 1) for _ in range(coarse)], np.float32)
    expected = F.interpolate(torch.tensor(values)[None, None], size=coarse * ratio, mode="linear")[0, 0] / ratio
    np.testing.assert_allclose(bilinear(coarse, coarse * ratio) @ values, expected, atol=1e-6)
