"""The second road to pain: what the network reads, by which pixels, and whether both roads agree."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from app.pain import lines
from core.action_units import compare
from core.baselines import Baselines, baseline
from core.face_labels import label_of
from core.model import Model
from core.pain_log import PainLog, Roads
from core.pain_network import agree, by_norm, document, sentence
from core.pain_table import NETWORK, pain_cells, pain_columns
from core.pipeline import OFF, Pipeline, Settings
from core.pspi import Part, Score, intensities, parts
from core.regions import REGIONS
from core.types import Agreement, Frame
from tests.packs_made import make_pack_with_units

PAIN_ONLY = Settings(pain=True, emotions=False, explain_every=2)


class Counted(Model):
    """A model that counts what is asked of it."""

    def __init__(self, *given, **chosen):
        super().__init__(*given, **chosen)
        self.asked = Counter()

    def logits(self, faces):
        self.asked["logits"] += 1
        return super().logits(faces)

    def explain(self, *given, **chosen):
        self.asked["explain"] += 1
        return super().explain(*given, **chosen)

    def units(self, faces):
        self.asked["units"] += 1
        return super().units(faces)

    def explain_units(self, *given, **chosen):
        self.asked["explain_units"] += 1
        return super().explain_units(*given, **chosen)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    return make_pack_with_units(tmp_path_factory.mktemp("packs"))


@pytest.fixture(scope="module")
def model(pack):
    return Counted(pack, provider="cpu", threads=1)


@pytest.fixture(scope="module")
def frames(astronaut):
    picture = np.ascontiguousarray(astronaut[:300, 100:400])
    return [Frame(picture, k, 0.1 * k, 0.0) for k in range(3)]


def read(model, settings, frames):
    pipeline = Pipeline(model, settings)
    model.asked.clear()
    results = [pipeline.process(frame) for frame in frames]
    pipeline.close()
    return results


@pytest.fixture(scope="module")
def results(model, frames):
    return read(model, PAIN_ONLY, frames)


@pytest.fixture(scope="module")
def face(results):
    return results[0].faces[0]


def test_pain_only_asks_the_network_for_nothing_but_pain_and_explains_as_often_as_it_is_told(model, frames):
    results = read(model, PAIN_ONLY, frames)
    assert model.asked == {"explain_units": 2, "units": 1}
    assert [result.faces[0].pain_by_network.explained for result in results] == [True, False, True]
    assert [result.faces[0].prediction for result in results] == [None] * 3
    kept = results[1].faces[0].pain_by_network
    assert kept.explanation.timestamp_s == 0.0
    assert kept.agreement.regions is None
    np.testing.assert_allclose(kept.parts, results[0].faces[0].pain_by_network.parts, atol=1e-3)


def test_without_a_method_it_is_estimated_and_not_explained(model, frames):
    (result,) = read(model, replace(PAIN_ONLY, method=OFF), frames[:1])
    found = result.faces[0].pain_by_network
    assert model.asked == {"units": 1}
    assert (found.explanation, found.regions, found.explained) == (None, None, False)


def test_without_pain_nothing_is_read_of_it(model, frames):
    (result,) = read(model, Settings(method=OFF), frames[:1])
    assert model.asked == {"logits": 1}
    assert result.faces[0].pain_by_network is None


def test_a_pack_without_the_head_reads_none_and_that_is_said(colour_pack, frames):
    pipeline = Pipeline(Model(colour_pack, provider="cpu", threads=1), PAIN_ONLY)
    log = PainLog()
    result = pipeline.process(frames[0])
    log.write(result)
    pipeline.close()
    assert result.faces[0].pain.score is not None
    assert result.faces[0].pain_by_network is None
    assert log.document()["by_network"] is None
    assert "no second road: the pack's network read no pain" in list(lines(log, Baselines()))


def test_the_score_is_the_sum_that_is_explained_and_says_where_it_comes_from(face):
    found = face.pain_by_network
    assert found.pspi == pytest.approx(float(found.parts[:3].sum() + found.parts[3] / 5))
    assert found.explanation.score == pytest.approx(found.pspi, abs=1e-4)
    assert (found.explanation.method, found.explanation.unit) == ("lrp", "point")
    assert found.explanation.relevance.shape == (face.crop.size, face.crop.size)
    assert found.regions.shares.sum() == pytest.approx(1, abs=1e-5)
    assert found.learnt_from == "nothing: random weights"


def test_a_face_that_is_not_measurable_has_no_second_score(model, frames):
    dark = [Frame(frames[0].image // 8, 0, 0.0, 0.0)]
    (result,) = read(model, PAIN_ONLY, dark)
    assert [(face.pain.reason, face.pain_by_network) for face in result.faces] == [("too dark", None)]


def scored(pspi, low, high):
    return Score((Part(4, pspi),), low, high)


@pytest.mark.parametrize(
    ("network", "difference", "beyond", "reads"),
    [(5.0, 0.0, 0.0, "same"), (6.5, 1.5, 0.0, "same"), (9.0, 4.0, 2.0, "more"), (1.0, -4.0, -3.0, "less")],
)
def test_scores_are_held_against_the_interval(network, difference, beyond, reads):
    found = Agreement(network, scored(5.0, 4.0, 7.0))
    assert (found.difference, found.beyond, found.reads) == (difference, beyond, reads)


def test_like_is_held_against_like_whoever_s_neutral_face_the_shown_score_goes_by(model, frames):
    pipeline = Pipeline(model, replace(PAIN_ONLY, pain_smoothing_s=0.0))
    (before,) = pipeline.process(frames[0]).faces
    own = baseline("A", [(0.0, before.observation.landmarks, before.pain.face)], "2026-01-01T00:00:00Z")
    pipeline.baselines = pipeline.baselines.set(before.observation.face_id, own)
    (after,) = pipeline.process(frames[0]).faces
    pipeline.close()
    assert after.pain.score.pspi < before.pain.score.pspi
    assert before.pain_by_network.agreement.by_norm == before.pain.score
    units = intensities(compare(after.pain.face).units)
    expected = sum(part.value for part in parts(units, is_closed=False))
    assert after.pain_by_network.agreement.by_norm.pspi == pytest.approx(expected, abs=1e-4)
    assert by_norm(after.pain).neutral is None


def test_regions_agree_with_themselves_and_not_with_their_opposite(face):
    from core.pain import because

    added = because(face.pain).by_region()
    ours = np.array([max(added[name], 0.0) for name in REGIONS], np.float32)
    same = replace(face.pain_by_network.regions, shares=ours / ours.sum())
    other = replace(same, shares=((ours.max() - ours) / (ours.max() - ours).sum()))
    assert agree(face.pain, 0.0, same).regions == pytest.approx(1)
    assert agree(face.pain, 0.0, other).regions < -0.9
    nothing = replace(same, shares=np.zeros_like(ours))
    assert agree(face.pain, 0.0, nothing).regions is None


def test_a_sentence_says_whether_they_agree():
    ours = scored(5.0, 4.0, 7.0)
    assert sentence(Agreement(5.0, ours, 0.5)) == (
        "both agree: the network reads 5.0, within 4.0 to 7.0 by the norm; regions alike by 0.50 (rank correlation)"
    )
    assert sentence(Agreement(9.0, ours)) == (
        "they disagree: the network reads more, 9.0, 2.0 above 4.0 to 7.0 by the norm"
    )
    assert sentence(Agreement(1.0, ours)).endswith("reads less, 1.0, 3.0 below 4.0 to 7.0 by the norm")


def test_a_label_tells_of_the_network_only_where_it_disagrees(results, face):
    ours = scored(5.0, 4.0, 7.0)
    for network, said in ((6.0, ""), (9.0, "; network disagrees: 9.0")):
        found = replace(face.pain_by_network, pspi=network, agreement=Agreement(network, ours))
        (line,) = label_of(results[0], replace(face, pain_by_network=found), "A").lines
        assert line == face.pain.headline + said


def test_the_table_has_the_network_s_score_and_whether_it_agrees(face, results):
    cells = pain_cells(face.pain, face.pain_by_network)
    assert pain_columns()[-3:] == list(NETWORK)
    assert cells["pspi_network"] == face.pain_by_network.pspi
    assert cells["network_reads"] == face.pain_by_network.agreement.reads
    assert cells["network_regions"] == face.pain_by_network.agreement.regions
    kept = results[1].faces[0]
    assert "network_regions" not in pain_cells(kept.pain, kept.pain_by_network)
    assert not set(NETWORK) & set(pain_cells(face.pain))


def test_a_recording_tells_how_far_both_roads_agreed(results):
    log = PainLog()
    for result in results:
        log.write(result)
    found = log.document()["by_network"]
    differences = [result.faces[0].pain_by_network.agreement.difference for result in results]
    assert found["pack"].startswith("mien-s ")
    assert (found["frames"], found["frames_with_regions_compared"]) == (3, 2)
    assert found["mean_absolute_difference"] == pytest.approx(np.abs(differences).mean())
    assert found["agreeing_share"] + found["reads_more_share"] + found["reads_less_share"] == pytest.approx(1)
    assert log.document()["faces"][0]["by_network"]["frames"] == 3
    assert any("not independent evidence" in line for line in lines(log, Baselines()))


def test_counts_of_agreement():
    roads = Roads()
    assert roads.document() is None
    ours = scored(5.0, 4.0, 7.0)
    for each in (Agreement(6.0, ours, 0.5), Agreement(8.0, ours), Agreement(3.0, ours, 0.1), Agreement(5.0, ours)):
        roads.take(each)
    assert roads.document() == {
        "frames": 4,
        "agreeing_share": 0.5,
        "reads_more_share": 0.25,
        "reads_less_share": 0.25,
        "mean_difference": 0.5,
        "mean_absolute_difference": 1.5,
        "frames_with_regions_compared": 2,
        "mean_regions_correlation": pytest.approx(0.3),
    }


def test_a_document_says_what_it_is_not(face):
    found = document(face.pain_by_network)
    assert "not independent evidence" in found["note"]
    assert sum(found["explanation"]["share"].values()) == pytest.approx(1, abs=1e-5)
    assert found["agreement"]["reads"] == face.pain_by_network.agreement.reads
