"""What the shipped default pack promises, measured again on the data it was validated with."""

import csv
from pathlib import Path

import numpy as np
import pytest

from core.corpora import open_corpus
from core.explain import Explainer
from core.explain.faithfulness import faithfulness
from core.model import Model
from core.packs import DEFAULT_PACK, find_pack
from core.relevance import centre_gaussian
from core.verification import Options, verify
from core.verification.findings import CONTRAST, EXPLANATION
from core.verification.options import SUBSETS
from core.verification.scores import score
from models.data.ferplus import majority_labels


@pytest.fixture(scope="module")
def model():
    return Model(find_pack(DEFAULT_PACK), provider="cpu")


@pytest.fixture(scope="module")
def valid(shared):
    with np.load(shared / "data" / "ferplus_valid.npz", allow_pickle=False) as file:
        return file["images"][:, None], majority_labels(file["votes"])


def test_it_reads_85_percent_of_the_raw_validation_images_in_one_pass(model, valid):
    images, labels = valid
    scores = score(model.logits(images), labels, model.pack.temperature)
    assert scores.images == 3149
    assert scores.accuracy >= 0.85
    assert scores.mean_recall >= 0.67
    assert scores.calibration_error <= 0.03


def test_every_class_rests_on_the_regions_that_are_expected_of_it_and_more_than_the_others_do(model, shared, tmp_path):
    corpus = open_corpus(shared / "data" / "ferplus_valid.npz", labels="votes")
    found = verify(model, corpus, Options(**dict.fromkeys(SUBSETS, 0), draws=50), tmp_path)
    assert found.outside.mean[EXPLANATION].value < 0.05
    judged = [each for each in found.classes if each.expected]
    assert len(judged) == 7
    for each in judged:
        assert each.by_origin[EXPLANATION].face_density.value > 1.3, each.label
        assert each.by_origin[CONTRAST].lift.value > 1.05, each.label


def test_the_manifest_states_the_accuracy_that_is_measured(model, valid):
    images, labels = valid
    stated = {figure.name: figure.value for figure in model.pack.manifest.measured}
    measured = score(model.logits(images), labels, model.pack.temperature)
    assert stated["raw accuracy"] == pytest.approx(measured.accuracy, abs=2e-3)
    assert stated["raw calibration error"] == pytest.approx(measured.calibration_error, abs=5e-3)


@pytest.mark.parametrize("method", ["lrp", "lrp_pixels"])
def test_relevance_sums_to_the_logit_on_500_validation_images(model, valid, method):
    images, labels = valid
    found = Explainer(model.pack.model_path, method, audit=True).explain(images[labels >= 0][:500])
    pixels = found.relevance.sum(axis=(1, 2), dtype=np.float64)
    absorbed = np.zeros(len(pixels)) if found.absorbed is None else found.absorbed
    size = np.abs(found.scores)
    assert np.median(np.abs(pixels + absorbed - found.scores) / size) < 1e-3
    if method == "lrp_pixels":
        assert np.abs(absorbed).max() == 0
    else:
        assert 0 < np.median(np.abs(absorbed) / size) < 1


def test_its_maps_point_at_what_it_uses_better_than_chance_and_the_centre(model, valid):
    images, labels = valid
    faces = images[labels >= 0][:60]
    target = model.logits(faces).argmax(axis=1)
    maps = {
        "lrp": model.explainer("lrp").explain(faces).relevance,
        "random": np.random.default_rng(0).random((60, 48, 48)).astype(np.float32),
        "centre Gaussian": np.repeat(centre_gaussian(48)[None], 60, axis=0),
    }
    deletion = {
        name: faithfulness(model.probabilities, faces, each, target).deletion.mean() for name, each in maps.items()
    }
    assert deletion["lrp"] < deletion["random"]
    assert deletion["lrp"] < deletion["centre Gaussian"]


def test_on_the_recorded_clip_the_face_is_kept_and_happiness_rises(shared, tmp_path):
    from app import cli

    clip = shared / "media" / "expression_pexels_640x360_24fps.mp4"
    assert cli.main(["analyze", str(clip), "--out", str(tmp_path)], lambda source, pack: 1) == 0
    with Path(tmp_path / f"{clip.stem}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 472
    found = [row for row in rows if row["success"] == "1"]
    assert len(found) >= 0.99 * len(rows)
    assert all(row["explained"] == "1" for row in found)
    happiness = np.array([float(row["p_happiness"]) for row in found])
    third = len(happiness) // 3
    assert happiness[-third:].mean() > happiness[:third].mean() + 0.3
