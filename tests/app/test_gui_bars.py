"""The face panel shows the numbers that it is given, and nothing twice."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.regions import REGIONS
from core.steady import Standing
from core.types import RegionRelevance
from tests.app.gui_fakes import LABELS, make_face, make_regions


@given(st.lists(st.floats(0, 1), min_size=len(REGIONS), max_size=len(REGIONS)).filter(lambda xs: sum(xs) > 0.01))
def test_rows_hold_every_region_once_and_sum_to_the_whole(values):
    from app.gui.bars import rows_of

    shares = np.array(values, np.float32) / sum(values)
    areas = np.full(len(REGIONS), 1 / len(REGIONS), np.float32)
    pairs, singles = rows_of(RegionRelevance(REGIONS, areas, shares, shares, 1.0, 0.0, frozenset()))
    rows = [row for pair in pairs for row in pair] + singles
    assert sorted(REGIONS) == sorted(name for row in rows for name in row.regions)
    assert sum(row.share for row in rows) == pytest.approx(1, abs=1e-5)
    assert sum(row.area for row in rows) == pytest.approx(1, abs=1e-5)


def test_the_bars_show_the_shares_that_are_given(qtbot):
    from app.gui.bars import RegionBars

    bars = RegionBars()
    qtbot.addWidget(bars)
    bars.show_regions(make_regions(left_brow=0.1, right_eye=0.2, upper_lip=0.25, lower_lip=0.15, outside=0.05))
    shown = dict(bars.rows())
    assert shown["left brow"] == pytest.approx(0.1)
    assert shown["right eye"] == pytest.approx(0.2)
    assert shown["mouth"] == pytest.approx(0.4)
    assert shown["outside"] == pytest.approx(0.05)
    assert sum(shown.values()) == pytest.approx(1)
    assert "mouth 40 %" in bars.accessibleDescription()


def test_the_person_s_right_is_on_the_left_as_in_the_picture(qtbot):
    """Only the right eye's bar is long, and its colour lies in the left half of the row."""
    from app.gui.bars import RegionBars, density_colour

    bars = RegionBars()
    qtbot.addWidget(bars)
    bars.resize(320, bars.sizeHint().height())
    bars.show_regions(make_regions(right_eye=1.0))
    image = bars.grab().toImage()
    row = round(1.5 * image.height() / 10.27)  # the second row of ten and a gap
    colour = density_colour(15.0).name()
    hits = [x for x in range(image.width()) if image.pixelColor(x, row).name() == colour]
    assert hits
    assert max(hits) < image.width() / 2


def test_few_rows_say_what_they_leave_out(qtbot):
    from app.gui.bars import ProbabilityBars

    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    prediction = make_face(top="anger").prediction
    bars.show_prediction(prediction)
    assert [text for text, _ in bars.rows()] == list(LABELS)
    bars.set_short(True)
    assert bars.rows()[0] == ("anger", pytest.approx(prediction.probability))
    assert bars.rows()[-1][0] == "5 more"
    assert sum(value for _, value in bars.rows()) == pytest.approx(1, abs=1e-5)


def test_the_verdict_chip_says_what_the_numbers_say(qtbot):
    from app.gui.face_panel import VerdictChip

    chip = VerdictChip()
    qtbot.addWidget(chip)
    said = []
    for regions in (
        make_regions(upper_lip=0.5, lower_lip=0.4),
        make_regions(outside=0.6),
        make_regions(forehead=0.9),
        make_regions(expected=()),
    ):
        face = make_face(regions=regions)
        chip.show_standing(face, Standing(face.judged(), regions.expected_density, regions.outside_share))
        said.append(chip.text())
    assert said[0].startswith("rests on the expected regions · ")
    assert said[1] == "looks outside the face · 60 %"
    assert said[2].startswith("not supported by the expected regions · ")
    assert said[3] == "no regions expected of this class"


def test_the_chip_says_when_the_map_is_about_another_class(qtbot):
    from app.gui.face_panel import VerdictChip

    chip = VerdictChip()
    qtbot.addWidget(chip)
    face = make_face(top="fear")
    face = replace(face, explanation=replace(face.explanation, target="anger"))
    chip.show_standing(face, Standing(face.judged()))
    assert chip.text() == "explains anger, not the decision"
    chip.show_standing(replace(face, explanation=None, regions=None), Standing(face.judged()))
    assert chip.text() == "not explained"
