"""A still's results as picture, words and arrays."""

import json

import cv2
import numpy as np
import pytest

from core.errors import ExportError, UnknownName
from core.overlay import Style, draw
from core.snapshot import save
from tests.made import LABELS, make_face, make_result, mouth_relevance


@pytest.fixture
def result():
    return make_result(make_face(mouth_relevance()), make_face(None, (500.0, 120.0), 90.0, face_id=2))


def test_a_picture_is_what_the_overlay_draws(tmp_path, result):
    save(result, tmp_path / "a.png", Style())

    assert np.array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], draw(result, Style()))


def test_words_and_numbers_hold_what_was_read_and_why(tmp_path, result):
    save(result, tmp_path / "a.json", Style(factor=2.0))
    read = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    first, second = read["faces"]

    assert (first["label"], first["name"], second["name"]) == ("happiness", "A", "B")
    assert first["probabilities"]["happiness"] == pytest.approx(0.85)
    assert first["explanation"]["target"] == "happiness"
    scale = first["explanation"]["scale"]
    assert (scale["value"], scale["unit"], scale["reference"], scale["factor"]) == (0.016, "logit", 0.008, 2.0)
    assert "golden faces" in scale["reference_is"]
    assert sum(first["regions"]["share"].values()) == pytest.approx(1, abs=1e-5)
    assert "explanation" not in second
    assert read["notice"] == "not a medical device"


def test_arrays_need_no_pickle_to_be_read(tmp_path, result):
    save(result, tmp_path / "a.npz", Style())

    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["relevance_0"], mouth_relevance())
        assert "relevance_1" not in arrays
        assert tuple(arrays["labels"]) == LABELS
        assert arrays["landmarks"].shape == (2, 478, 3)
        assert np.array_equal(arrays["image"], result.frame.image)


def test_a_frame_without_faces_can_be_saved_in_every_form(tmp_path):
    for ending in ("png", "json", "npz"):
        save(make_result(), tmp_path / f"a.{ending}", Style())

    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["faces"] == []


def test_another_ending_lists_what_there_is(tmp_path, result):
    with pytest.raises(UnknownName, match=r"\.png, \.json, \.npz"):
        save(result, tmp_path / "a.gif", Style())


def test_a_missing_folder_is_a_plain_sentence(tmp_path, result):
    with pytest.raises(ExportError, match="there is no folder"):
        save(result, tmp_path / "nowhere" / "a.png", Style())
