"""The verdict says where the evidence lies, in the same words everywhere; what is shown of it does not flicker."""

from dataclasses import replace

import numpy as np
import pytest

from core.regions import REGIONS, Partition
from core.relevance import by_region, centre_gaussian
from core.steady import WINDOW_S, Steady
from core.verdict import SENTENCES, UNSUPPORTED, Verdict
from tests.made import ELSEWHERE, OFF_THE_FACE, SUPPORTED, judged_face, make_result, shared

EVERY = {
    Verdict.EXPECTED: shared(**SUPPORTED),
    Verdict.UNEXPECTED: shared(**ELSEWHERE),
    Verdict.OUTSIDE: shared(**OFF_THE_FACE),
    Verdict.NO_EVIDENCE: replace(shared(), positive=0.0),
    Verdict.NOTHING_EXPECTED: shared(expected=()),
    Verdict.HIDDEN: replace(
        shared(**ELSEWHERE), areas=np.array([name != "upper_lip" for name in REGIONS], np.float32) / 14
    ),
}


@pytest.mark.parametrize(("verdict", "regions"), EVERY.items())
def test_every_verdict_follows_from_the_numbers(verdict, regions):
    assert regions.judged() is verdict


def test_every_verdict_has_a_sentence_and_three_deserve_a_second_look():
    assert set(SENTENCES) == set(Verdict)
    assert [verdict for verdict in Verdict if verdict.unsupported] == list(UNSUPPORTED)
    assert not Verdict.NOTHING_EXPECTED.measured


def test_the_limit_is_the_persons():
    regions = shared(**OFF_THE_FACE)
    assert regions.judged(0.5) is Verdict.EXPECTED
    assert regions.judged(0.1) is Verdict.OUTSIDE


def test_the_verdict_on_a_decision_needs_an_explanation_of_it():
    face = judged_face(SUPPORTED)
    assert face.judged() is Verdict.EXPECTED
    assert judged_face(None).judged() is Verdict.NOT_EXPLAINED
    other = replace(face.prediction, logits=np.float32([9, 0, 0]))
    assert replace(face, prediction=other).judged() is Verdict.NOT_EXPLAINED


def test_the_three_densities_are_those_of_the_formulas():
    """V, V_w = V S / S_E and V_f = (V / inside) S_face / S_E, with fifteen regions of one size."""
    regions = shared(upper_lip=0.3, outside=0.4)
    assert regions.expected_share == pytest.approx(0.3)
    assert regions.crop_density == pytest.approx(0.3 * 15)
    assert regions.expected_density == pytest.approx(0.3 / 0.6 * 14)
    assert shared(expected=()).crop_density is None


def halves():
    """Left half of the crop: mouth (one column), forehead; right half: outside."""
    labels = np.full((10, 10), REGIONS.index("outside"), np.uint8)
    labels[:, :4] = REGIONS.index("forehead")
    labels[:, 4] = REGIONS.index("upper_lip")
    return Partition(labels)


def test_the_control_is_what_a_centre_gaussian_scores_on_the_same_face():
    regions = by_region(np.ones((10, 10), np.float32), halves(), "happiness")
    control = by_region(centre_gaussian(10), halves(), "happiness")
    np.testing.assert_allclose(regions.control_shares, control.shares, rtol=1e-5)
    for name in ("expected_share", "crop_density", "expected_density", "outside_share"):
        assert getattr(regions.control, name) == pytest.approx(getattr(control, name))
    assert regions.control.expected_density > 1 > regions.expected_density - 1e-6


def test_other_regions_than_the_expected_can_be_held_against_the_same_map():
    regions = shared(upper_lip=0.3, chin=0.2, outside=0.1)
    assert regions.density_of(frozenset({"chin"})) == pytest.approx(0.2 / 0.9 * 14)
    assert regions.density_of(regions.expected) == pytest.approx(regions.expected_density)
    assert regions.density_of(frozenset()) is None


def play(steady, verdicts, rate_hz=30.0):
    """What is shown after each of these shares of relevance."""
    shown = []
    for number, shares in enumerate(verdicts):
        now_s = number / rate_hz
        result = make_result(judged_face(shares, timestamp_s=now_s), timestamp_s=now_s)
        shown.append(steady.take(result)[1])
    return shown


def test_a_still_picture_has_its_verdict_at_once():
    assert play(Steady(), [ELSEWHERE])[0].verdict is Verdict.UNEXPECTED


def test_a_verdict_that_comes_and_goes_at_thirty_frames_a_second_does_not_flicker():
    shown = play(Steady(), [SUPPORTED] * 12 + [ELSEWHERE, SUPPORTED] * 30)
    assert {standing.verdict for standing in shown} == {Verdict.EXPECTED}


def test_a_verdict_that_stays_is_shown_within_the_window():
    shown = play(Steady(), [SUPPORTED] * 60 + [ELSEWHERE] * 60)
    changes = [number for number in range(1, 120) if shown[number].verdict is not shown[number - 1].verdict]
    assert len(changes) == 1
    assert 0.3 < (changes[0] - 60) / 30 < WINDOW_S


def test_the_number_beside_the_words_never_contradicts_them():
    shown = play(Steady(), [SUPPORTED] * 30 + [ELSEWHERE, ELSEWHERE, SUPPORTED] * 20)
    for standing in shown:
        assert (standing.density >= 1) is (standing.verdict is Verdict.EXPECTED)


def test_each_face_has_its_own_and_time_that_runs_back_starts_anew():
    steady = Steady()
    faces = judged_face(SUPPORTED), judged_face(OFF_THE_FACE, face_id=2)
    standings = steady.take(make_result(*faces, timestamp_s=5.0))
    assert {face_id: each.verdict for face_id, each in standings.items()} == {1: Verdict.EXPECTED, 2: Verdict.OUTSIDE}
    again = steady.take(make_result(judged_face(ELSEWHERE), timestamp_s=1.0))
    assert again[1].verdict is Verdict.UNEXPECTED
    assert 2 not in again
