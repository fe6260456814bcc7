"""Tables in other programs' forms: a row per picture, of the largest face, and nothing that the form does not hold."""

from dataclasses import replace

import numpy as np
import pytest

from core.csv_profiles import PROFILES, ProfileTable, find_profile
from core.errors import ExportError, PackError, UnknownName
from core.types import Prediction
from tests.made import make_face, make_result

LABELS = ("Neutral", "happy", "surprise", "sad", "angry", "disgust", "fear", "contempt")


def read_as(probabilities, labels=LABELS, **face):
    prediction = Prediction(tuple(labels), np.log(np.maximum(probabilities, 1e-30)).astype(np.float32), probabilities)
    return replace(make_face(**face), prediction=prediction)


def mixed(strongest=1):
    shares = np.full(8, 0.05, np.float32)
    shares[strongest] = 0.65
    return shares


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_needs_its_classes_and_sums_to_one(name):
    profile = PROFILES[name]

    profile.check(LABELS, "any")
    shares = profile.probabilities(read_as(mixed()).prediction)

    assert shares.shape == (len(profile.classes),)
    assert shares.sum() == pytest.approx(1, abs=1e-6)
    assert profile.columns == (profile.picture, *profile.classes)


def test_gimefive_has_its_columns_in_its_order():
    header = "filepath,happiness,surprise,sadness,anger,disgust,fear"

    assert ",".join(find_profile("gimefive").columns) == header


def test_other_classes_are_left_out_and_the_six_scaled_to_one():
    shares = find_profile("gimefive").probabilities(read_as(mixed(strongest=0)).prediction)

    assert shares == pytest.approx([1 / 6] * 6, abs=1e-6)


def test_a_face_that_is_all_neutral_still_has_shares():
    shares = find_profile("gimefive").probabilities(read_as(np.eye(8, dtype=np.float32)[0]).prediction)

    assert shares == pytest.approx([1 / 6] * 6, abs=1e-6)


def test_a_pack_without_one_of_the_classes_is_told():
    with pytest.raises(
        PackError, match=r"needs the classes happiness, .*; pack mine lacks disgust, fear \(it has happy"
    ):
        find_profile("gimefive").check(("happy", "surprise", "sad", "angry"), "mine")
    with pytest.raises(UnknownName, match="gimefive"):
        find_profile("openface")


def test_there_is_a_row_per_picture_of_its_largest_face(tmp_path):
    small, large = (read_as(mixed(k), width=width, face_id=k) for k, width in ((4, 60.0), (3, 140.0)))
    with ProfileTable(tmp_path / "t.csv", PROFILES["gimefive"], ["a.png", "b,c.png", "d.png", "e.png"]) as table:
        table.write(make_result(small, large, index=0))
        table.write(make_result(index=2))
        table.finish()
        notes = table.notes

    rows = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1:] == [
        "a.png,0.055556,0.055556,0.722222,0.055556,0.055556,0.055556",
        '"b,c.png",,,,,,',
        "d.png,,,,,,",
        "e.png,,,,,,",
    ]
    assert notes == (
        "Pictures without a face, whose cells are empty: 1.",
        "Pictures with several faces, of which the largest is in the table: 1.",
    )


def test_a_table_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(ExportError, match="there is no folder"):
        ProfileTable(tmp_path / "nowhere" / "t.csv", PROFILES["gimefive"], [])
