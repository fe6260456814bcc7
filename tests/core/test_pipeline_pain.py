"""Pain in the pipeline: off unless it is asked for, beside the model, and in the table."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from core.baselines import Baselines, baseline
from core.model import Model
from core.packs import DEFAULT_PACK, find_pack
from core.pain_table import pain_columns
from core.pipeline import OFF, Pipeline, Settings
from core.tables import CsvTable, Rows
from core.types import Frame

WITH_PAIN = Settings(method=OFF, pain=True)


@pytest.fixture(scope="module")
def model():
    return Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1)


@pytest.fixture
def frames(astronaut):
    picture = np.ascontiguousarray(astronaut[:300, 100:400])
    return [Frame(picture, k, 0.1 * k, 0.0) for k in range(4)]


@pytest.fixture
def pipeline(model):
    made = Pipeline(model, WITH_PAIN)
    yield made
    made.close()


def test_pain_is_measured_only_where_it_is_asked_for(pipeline, frames):
    (face,) = pipeline.process(frames[0]).faces
    assert face.pain.score is not None
    assert face.pain.neutral is None
    pipeline.settings = replace(WITH_PAIN, pain=False)
    (face,) = pipeline.process(frames[1]).faces
    assert face.pain is None


def test_a_baseline_counts_from_the_next_frame_on_and_is_forgotten_with_the_faces_names(pipeline, frames):
    (face,) = pipeline.process(frames[0]).faces
    own = baseline("A", [(0.0, face.observation.landmarks, face.pain.face)], "2026-01-01T00:00:00Z")
    pipeline.baselines = pipeline.baselines.set(face.observation.face_id, own)
    (face,) = pipeline.process(frames[1]).faces
    assert face.pain.neutral is own.reading
    pipeline.reset()
    assert pipeline.baselines == Baselines()
    (face,) = pipeline.process(frames[2]).faces
    assert face.pain.neutral is None


def test_the_pipeline_never_sets_a_baseline_itself(pipeline, frames):
    for frame in frames:
        pipeline.process(frame)
    assert pipeline.baselines == Baselines()


def test_the_table_holds_units_and_score_where_it_is_switched_on(pipeline, frames, tmp_path):
    result = pipeline.process(frames[0])
    (face,) = result.faces
    labels = face.prediction.labels
    dark = replace(face, pain=replace(face.pain, score=None, quality=0.0, reason="too dark"))
    with CsvTable(tmp_path / "t.csv", Rows(labels, pain=True)) as table:
        table.write(result)
        table.write(replace(result, faces=(dark,)))
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [*Rows(labels).columns, *pain_columns()]
    assert float(rows[0]["pspi"]) == pytest.approx(face.pain.score.pspi, abs=1e-4)
    assert float(rows[0]["pspi_high"]) == pytest.approx(face.pain.score.high, abs=1e-4)
    assert float(rows[0]["AU12_r"]) == pytest.approx(face.pain.units.of(12), abs=1e-4)
    assert rows[0]["reason"] == ""
    assert (rows[1]["pspi"], rows[1]["AU12_r"], rows[1]["quality"], rows[1]["reason"]) == ("", "", "0", "too dark")


def test_without_pain_the_table_is_as_it_was():
    assert [name for name in Rows(("a", "b")).columns if name in pain_columns()] == []
