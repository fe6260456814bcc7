"""Every method on one face: numbers and sheet."""

from dataclasses import replace

import numpy as np
import pytest

from core.comparison import compare
from core.explain import LIVE, METHODS
from core.geometry import Similarity
from core.model import Model, Target
from core.packs import DEFAULT_PACK, find_pack
from core.regions import Partition
from core.sheet import FACE_PX, draw_sheet
from core.types import Crop

BLIND = replace(METHODS["lrp"], key="blind", title="A method without rules", composite=())


@pytest.fixture(scope="module")
def comparison():
    model = Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1)
    crop = Crop(model.pack.golden_faces()[0][0], Similarity(1.0, 0.0, 0.0, 0.0))
    labels = np.kron([[0, 1], [2, 3]], np.ones((24, 24))).astype(np.uint8)
    return compare(model, crop, Partition(labels), Target(), [*METHODS.values(), BLIND], LIVE)


def test_every_method_is_measured(comparison):
    assert [row.method.key for row in comparison.rows] == [*METHODS, "blind"]
    for row in comparison.rows[:-1]:
        assert row.problem is None
        assert row.time_ms > 0
        assert 0 <= row.faithful.deletion <= 1
        assert 0 <= row.faithful.insertion <= 1
        assert row.explanation.target == comparison.prediction.label == comparison.title


def test_conservation_is_told_where_it_is_promised_with_the_biases_part(comparison):
    for row in comparison.rows[:-1]:
        assert (row.gap is not None) == row.method.conserves
        assert (row.absorbed is not None) == (row.method.conserves and row.method.biases == "absorb")
        if row.method.procedure == "once" and row.gap is not None:
            assert row.gap < 1e-3
    assert 0 < comparison.rows[list(METHODS).index("lrp")].absorbed < 1


def test_a_method_that_cannot_explain_the_model_says_why(comparison):
    row = comparison.rows[-1]
    assert row.explanation is None
    assert "under A method without rules" in row.problem


def test_the_controls_are_measured_as_the_methods_are(comparison):
    assert set(comparison.controls) == {"random", "centre"}
    for found in comparison.controls.values():
        assert 0 <= found.deletion <= 1
        assert 0 <= found.insertion <= 1


def test_the_sheet_shows_the_face_and_a_tile_for_each_method(comparison):
    sheet = draw_sheet(comparison)
    assert sheet.dtype == np.uint8
    assert sheet.shape[2] == 3
    assert sheet.shape[1] % (FACE_PX + 20) == 20
    coloured = (sheet.max(axis=2).astype(int) - sheet.min(axis=2) > 60).mean()
    assert coloured > 0.02
    np.testing.assert_array_equal(sheet, draw_sheet(comparison))
