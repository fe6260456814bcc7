"""A session's verdicts add up to the time that was seen, whatever came, and nothing else is kept."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.export import write_json
from core.tally import BRIDGE_S, Basis, Spread, Stretch, Tally, lift, together
from core.types import Contrast
from core.verdict import Verdict
from tests.made import ELSEWHERE, OFF_THE_FACE, SUPPORTED, judged_face, make_result, shared

LRP = Basis("mien-s 1.0", "lrp")
SMALL = np.zeros((8, 8, 3), np.uint8)
SHARES = {"expected": SUPPORTED, "unexpected": ELSEWHERE, "outside": OFF_THE_FACE, "not_explained": None}


def seen(sequence, rate_hz=10.0, basis=LRP, start_s=0.0):
    """A tally of one face's verdicts, frame by frame; a pair names the class too, None is no face."""
    tally = Tally(basis)
    play(tally, sequence, rate_hz, start_s)
    return tally


def play(tally, sequence, rate_hz=10.0, start_s=0.0):
    for number, each in enumerate(sequence):
        now_s = start_s + number / rate_hz
        name, label = each if isinstance(each, tuple) else (each, "happiness")
        faces = [] if name is None else [judged_face(SHARES[name], timestamp_s=now_s, label=label)]
        tally.write(make_result(*faces, image=SMALL, timestamp_s=now_s))


def test_shares_of_time_by_verdict_are_per_face_and_class():
    tally = seen(["expected"] * 11 + ["unexpected"] * 10 + [("outside", "surprise")] * 20)
    classes = tally.faces(LRP)[1]
    assert set(classes) == {"happiness", "surprise"}
    happy = classes["happiness"]
    assert happy.seen == 21
    assert happy.seen_s == pytest.approx(2.0)
    assert happy.share(Verdict.EXPECTED) == pytest.approx(0.5)
    assert happy.share(Verdict.UNEXPECTED) == pytest.approx(0.5)
    assert classes["surprise"].share(Verdict.OUTSIDE) == 1
    assert tally.total(LRP).seen_s == pytest.approx(4.0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([*SHARES, None, ("expected", "surprise"), ("outside", "neutral")]), max_size=25))
def test_times_shares_and_frames_add_up_whatever_came(sequence):
    tally = seen(sequence)
    total = tally.total(LRP)
    assert total.seen == sum(each is not None for each in sequence)
    assert tally.frames == len(sequence)
    assert tally.frames_without_face == sum(each is None for each in sequence)
    assert 0 <= total.seen_s <= max(len(sequence) - 1, 0) / 10 + 1e-6
    assert sum(total.share(verdict) for verdict in Verdict) == pytest.approx(1 if total.seen else 0)
    assert total.maps == sum(each is not None and each != "not_explained" for each in sequence)


def test_time_in_which_a_face_was_away_does_not_count():
    tally = seen(["expected"] * 11 + [None] * 30 + ["expected"] * 11)
    assert tally.total(LRP).seen_s == pytest.approx(2.0)


def test_unrelated_pictures_have_no_time_and_go_by_their_number():
    tally = seen(["expected", "unexpected", "unexpected", "outside"], rate_hz=1.0)
    total = tally.total(LRP)
    assert total.seen_s == 0
    assert total.share(Verdict.UNEXPECTED) == pytest.approx(0.5)


def test_means_and_spreads_are_those_of_the_maps():
    tally = Tally(LRP)
    values = [0.1, 0.3, 0.35]
    for number, share in enumerate(values):
        face = judged_face({"upper_lip": share, "outside": 0.2}, timestamp_s=number / 10)
        tally.write(make_result(face, timestamp_s=number / 10))
    account = tally.total(LRP)
    densities = [share / 0.8 * 14 for share in values]
    assert account.density.mean == pytest.approx(np.mean(densities))
    assert account.density.deviation == pytest.approx(np.std(densities, ddof=1))
    assert account.outside.mean == pytest.approx(0.2)
    assert account.density.n == account.maps == 3


def test_a_map_that_is_carried_along_is_counted_once():
    tally = Tally(LRP)
    face = judged_face(SUPPORTED, timestamp_s=0.0)
    for number in range(5):
        tally.write(make_result(replace(face, explained=number == 0), timestamp_s=number / 10))
    account = tally.total(LRP)
    assert account.maps == account.density.n == 1
    assert account.share(Verdict.EXPECTED) == 1


@given(st.lists(st.floats(-1e3, 1e3), max_size=20), st.lists(st.floats(-1e3, 1e3), max_size=20))
def test_spreads_can_be_added_up(one, other):
    whole, parts = Spread(), [Spread(), Spread()]
    for value in one + other:
        whole.add(value)
    for part, values in zip(parts, (one, other), strict=True):
        for value in values:
            part.add(value)
    parts[0].merge(parts[1])
    assert parts[0].n == whole.n
    assert parts[0].mean == pytest.approx(whole.mean, abs=1e-6)
    assert (parts[0].deviation or 0) == pytest.approx(whole.deviation or 0, abs=1e-6)


def test_the_longest_unsupported_stretch_is_found_and_a_moment_of_support_does_not_end_it():
    tally = seen(
        ["expected"] * 10 + ["unexpected"] * 5 + ["expected"] * 10  # 1.0 to 1.4
        + ["outside"] * 10 + ["expected"] * 2 + ["unexpected"] * 6 + ["expected"] * 10  # 2.5 to 4.2
    )  # fmt: skip
    assert tally.total(LRP).longest == Stretch(pytest.approx(2.5), pytest.approx(4.2))
    assert BRIDGE_S < 0.5


def test_a_supported_session_has_no_unsupported_stretch():
    assert seen(["expected"] * 10 + ["not_explained"] * 10).total(LRP).longest is None


def test_another_method_is_another_account_and_going_back_goes_on():
    tally = seen(["expected"] * 11)
    off = replace(LRP, method="off")
    tally.basis = off
    play(tally, ["not_explained"] * 10, start_s=1.1)
    tally.basis = LRP
    play(tally, ["outside"] * 10, start_s=2.1)
    assert tally.bases == (LRP, off)
    assert tally.total(LRP).seen_s == pytest.approx(2.0)
    assert tally.total(off).share(Verdict.NOT_EXPLAINED) == 1


def test_an_explanation_by_the_method_before_is_no_verdict_of_the_new_one():
    tally = seen(["expected"] * 5, basis=replace(LRP, method="gradcam"))
    assert tally.total(tally.basis).share(Verdict.NOT_EXPLAINED) == 1


def test_the_limit_of_the_basis_is_the_one_that_judges():
    tally = seen(["outside"] * 5, basis=replace(LRP, outside_limit=0.6))
    assert tally.total(tally.basis).share(Verdict.EXPECTED) == 1


def test_a_jump_in_time_is_counted_and_no_time_passes_over_it():
    tally = seen(["expected"] * 11)
    play(tally, ["expected"] * 11, start_s=0.0)
    assert tally.jumps == 1
    assert tally.total(LRP).seen_s == pytest.approx(2.0)


def contrasted(tally, number, label, contrast_s, **shares):
    now_s = number / 10
    contrast = Contrast(label, "neutral", shared(**shares), contrast_s)
    face = replace(judged_face(SUPPORTED, timestamp_s=now_s, label=label), contrast=contrast)
    tally.write(make_result(face, timestamp_s=now_s))


def test_lift_holds_a_class_own_contrasts_against_those_of_the_others():
    """Happiness expects lips, cheeks and eyes; surprise lower lip, chin, brows, forehead and eyes."""
    tally = Tally(LRP)
    contrasted(tally, 0, "happiness", 0.0, upper_lip=0.6)
    contrasted(tally, 1, "surprise", 0.1, upper_lip=0.3)
    classes = tally.faces(LRP)[1]
    assert lift("happiness", classes) == pytest.approx(2)
    assert lift("surprise", classes) == pytest.approx(0.7 / 0.4)  # the rest lies on the forehead
    assert lift("neutral", classes) is None


def test_there_is_no_lift_of_one_class_alone():
    tally = seen(["expected"] * 3)
    assert lift("happiness", tally.faces(LRP)[1]) is None


def test_contrasts_that_are_carried_along_are_counted_once():
    tally = Tally(LRP)
    for number in range(3):
        contrasted(tally, number, "happiness", 0.0, upper_lip=0.6)
    assert tally.total(LRP).contrasts["happiness"].n == 1


def test_classes_without_expected_regions_are_counted_as_such_not_as_failures():
    tally = Tally(LRP)
    for number in range(5):
        face = judged_face(SUPPORTED, timestamp_s=number / 10, label="neutral", expected=())
        tally.write(make_result(face, timestamp_s=number / 10))
    account = tally.faces(LRP)[1]["neutral"]
    assert account.share(Verdict.NOTHING_EXPECTED) == 1
    assert account.density.n == 0
    assert account.outside.n == 5
    assert account.longest is None


def test_clearing_forgets_everything():
    tally = seen(["expected"] * 5)
    tally.clear()
    assert tally.frames == 0
    assert tally.bases == ()
    assert tally.total(LRP).seen == 0


def test_the_document_can_be_written_and_holds_numbers_only(tmp_path):
    tally = seen(["expected"] * 5 + ["outside"] * 5 + [None] + ["not_explained"] * 5)
    write_json(tmp_path / "tally.json", tally.document())
    document = json.loads((tmp_path / "tally.json").read_text())
    (summary,) = document["summaries"]
    assert summary["basis"]["outside_limit"] == 0.35
    assert summary["faces"][0]["name"] == "A"
    assert summary["total"]["share_by_verdict"]["outside"] == pytest.approx(5 / 14, abs=0.05)
    assert document["frames_without_face"] == 1


def test_accounts_together_are_their_sum():
    tally = seen(["expected"] * 5 + [("outside", "surprise")] * 5)
    total = together(list(tally.faces(LRP)[1].values()))
    assert total.seen == 10
    assert total.longest == tally.faces(LRP)[1]["surprise"].longest
