"""Pain alone: no network reads an expression, and nothing that is made of a result names an emotion."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from core.activations import Probe
from core.csv_profiles import PROFILES, ProfileTable
from core.errors import ExportError
from core.face_labels import label_of
from core.model import Model
from core.overlay import Style, draw
from core.packs import DEFAULT_PACK, find_pack
from core.pain_table import pain_columns
from core.pipeline import OFF, Pipeline, Settings
from core.score_panels import panel_of
from core.snapshot import arrays, document
from core.steady import Steady
from core.tables import CsvTable, Rows
from core.tally import Basis, Tally
from core.types import Frame, Result
from core.verdict import Verdict
from tests.made import make_face

PAIN_ONLY = Settings(pain=True, emotions=False, contrast=True)
REASON = "too dark"


class Unread(Model):
    """A model that cuts faces out, may read pain, and must not read an expression."""

    def logits(self, faces):
        raise AssertionError("the network ran")

    def explain(self, *given, **chosen):
        raise AssertionError("the network was explained")


@pytest.fixture(scope="module")
def pipeline():
    made = Pipeline(Unread(find_pack(DEFAULT_PACK), provider="cpu", threads=1), PAIN_ONLY)
    yield made
    made.close()


@pytest.fixture(scope="module")
def result(pipeline, astronaut):
    return pipeline.process(Frame(np.ascontiguousarray(astronaut[:300, 100:400]), 0, 0.0, 0.0), explain=True)


@pytest.fixture
def unmeasurable(result):
    (face,) = result.faces
    return replace(result, faces=(replace(face, pain=replace(face.pain, score=None, quality=0.0, reason=REASON)),))


def test_no_expression_is_read_and_the_score_is_there(result):
    (face,) = result.faces
    assert face.pain.score is not None
    assert (face.prediction, face.label, face.explanation, face.regions) == (None, None, None, None)
    assert "model" not in result.stages_s


def test_no_layer_is_looked_into(pipeline, astronaut):
    pipeline.probe = Probe(None, None, 1)
    read = pipeline.process(Frame(np.ascontiguousarray(astronaut[:300, 100:400]), 1, 0.1, 0.0))
    pipeline.probe = None
    assert read.features is None


def test_settings_that_ask_for_nothing_are_refused():
    with pytest.raises(ValueError, match="emotions, for pain, or for both"):
        Settings(emotions=False)


@pytest.mark.parametrize(
    ("settings", "explains"), [(Settings(), True), (Settings(method=OFF), False), (PAIN_ONLY, False)]
)
def test_only_what_is_read_is_explained(settings, explains):
    assert settings.explains == explains


def test_the_table_has_no_column_of_emotions(result, unmeasurable, tmp_path):
    with CsvTable(tmp_path / "t.csv", Rows((), pain=True)) as table:
        table.write(result)
        table.write(unmeasurable)
        table.write(replace(result, faces=()))
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    place = ["frame", "timestamp", "face_id", "confidence", "success", "box_x", "box_y", "box_w", "box_h"]
    assert list(rows[0]) == [*place, *pain_columns()]
    assert float(rows[0]["pspi"]) == pytest.approx(result.faces[0].pain.score.pspi, abs=1e-4)
    assert (rows[1]["pspi"], rows[1]["reason"], rows[2]["success"]) == ("", REASON, "0")


def test_a_table_with_columns_of_emotions_refuses_a_face_without(result, tmp_path):
    with (
        CsvTable(tmp_path / "t.csv", Rows(("a", "b"), pain=True)) as table,
        pytest.raises(ExportError, match="columns for"),
    ):
        table.write(result)


def test_another_programs_table_of_emotions_refuses_a_face_without(result, tmp_path):
    table = ProfileTable(tmp_path / "t.csv", PROFILES["gimefive"], ["a.png"])
    with table, pytest.raises(ExportError, match="holds emotions"):
        table.write(result)


def test_with_emotions_the_columns_are_as_they_were():
    assert Rows(("a",)).columns[9:14] == ["label", "probability", "p_a", "explained", "method"]


def test_a_still_in_words_holds_the_score_and_what_it_is_made_of(result, unmeasurable):
    (face,) = document(result, Style())["faces"]
    assert not {"label", "probability", "probabilities", "logits", "verdict", "explained"} & set(face)
    score = result.faces[0].pain.score
    assert face["pain"]["pspi"] == score.pspi
    assert sum(face["pain"]["regions"].values()) + face["pain"]["gap"] == pytest.approx(score.pspi, abs=1e-4)
    (face,) = document(unmeasurable, Style())["faces"]
    assert face["pain"] == {"quality": 0.0, "reason": REASON, "sentence": f"not measurable: {REASON}"}
    json.dumps(document(result, Style()))


def test_a_stills_arrays_hold_no_class(result):
    found = arrays(result)
    assert not {"labels", "logits", "probabilities"} & set(found)
    assert found["pain_0"].shape == (4, 478)


def test_nothing_is_tallied_and_no_verdict_is_given(result):
    tally = Tally(Basis("pack", "off"))
    tally.write(result)
    assert list(tally.rows()) == []
    assert tally.frames == 1
    assert [each.verdict for each in Steady().take(result).values()] == [Verdict.NOT_EXPLAINED]


def test_the_label_on_a_face_names_score_scale_and_interval_or_the_reason(result, unmeasurable):
    (face,) = result.faces
    score = face.pain.score
    assert label_of(result, face, "A").lines == (f"PSPI {score.pspi:.1f} of 16 ({score.low:.1f}-{score.high:.1f})",)
    assert label_of(unmeasurable, unmeasurable.faces[0], "A").lines == (f"PSPI not measurable: {REASON}",)


def test_with_emotions_the_score_has_a_line_of_its_own(result):
    face = replace(make_face(), pain=result.faces[0].pain)
    label = label_of(result, face, "A")
    assert label.lines == ("happiness 0.85", face.pain.headline)
    assert label.size(10)[1] == 2 * label_of(result, make_face(), "A").size(10)[1]


def test_the_panel_beside_a_face_shows_the_score_and_its_parts_and_keeps_its_shape(result, unmeasurable):
    (face,) = result.faces
    panel, without = panel_of(face), panel_of(unmeasurable.faces[0])
    assert panel.heading == "PSPI, 0 to 16"
    assert [row.number for row in panel.rows] == [
        f"{value:.1f}" for value in (face.pain.score.pspi, *(part.value for part in face.pain.score.parts))
    ]
    assert {row.number for row in without.rows} == {"-"}
    assert (len(without.rows), without.names) == (len(panel.rows), panel.names)
    assert all(0 <= row.share <= 1 for row in panel.rows)


def test_the_overlay_is_drawn_with_all_that_it_can_show(result, unmeasurable):
    style = Style(scores=True, regions=True, landmarks=True)
    image = result.frame.image
    assert (draw(result, style) != image).any()
    assert (draw(result, style) != draw(unmeasurable, style)).any()
    assert (draw(Result(result.frame, ()), style) != image).any()
