"""The zero-bias network learns, goes on where it stopped, and is read on CK+ by people it never saw."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch")

from core.errors import CorpusInvalid  # noqa: E402
from models.data import ck_plus  # noqa: E402
from models.data.ferplus import FerPlus  # noqa: E402
from models.export import zero_bias as export  # noqa: E402
from models.networks.zero_bias import SIZE, ZeroBias  # noqa: E402
from models.train import folds, zero_bias  # noqa: E402
from models.train.__main__ import _numbers  # noqa: E402
from tests.made import make_face  # noqa: E402

torch.set_num_threads(1)  # the networks are tiny: threads only wait for each other
RECIPE = zero_bias.Recipe(epochs=3, batch=8, small_epochs=2, small_side=48, annealed_epochs=1)


def small(classes=8):
    return ZeroBias(classes, widths=(2, 3, 4), hidden=6)


def textures(n, generator):
    """Stripes that lie or stand, with noise: what a network that sees no brightness can tell apart."""
    stripes = np.tile(np.repeat([0, 90], 3), 8)[None, :] + np.zeros((48, 1))
    pictures = np.stack([stripes if k % 2 else stripes.T for k in range(n)])
    return (pictures + generator.normal(80, 8, pictures.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def faces():
    """Twenty-four pictures with votes for two classes, none with a mesh."""
    images = textures(24, np.random.default_rng(0))
    votes = np.zeros((24, 10), np.uint8)
    votes[np.arange(24), np.arange(24) % 2] = 10
    return zero_bias.ferplus_faces(FerPlus(images, votes, np.full((24, 478, 3), np.nan, np.float32)))


def run_of(folder, recipe=RECIPE):
    return zero_bias.fresh_run(folder, small, recipe, 3, seed=1)


def weights_of(run):
    return torch.cat([parameter.flatten() for parameter in run.average.parameters()]).detach()


def test_by_default_only_what_is_named_departs_from_the_published_recipe():
    recipe = zero_bias.Recipe()
    published = (recipe.rate, recipe.momentum, recipe.weight_decay, recipe.batch)
    assert published == (0.01, 0.9, 1e-5, 64)
    assert (recipe.rotation_deg, recipe.smallest, recipe.largest) == (5.0, 0.7, 1.4)
    assert recipe.side_in(recipe.epochs - 1) == SIZE


def test_the_rate_is_constant_and_falls_to_nothing_in_the_last_epochs():
    rates = [RECIPE.slowing(epochs) for epochs in (0, 1, 2, 2.5, 3)]
    assert rates == pytest.approx([1, 1, 1, 0.5, 0])
    constant = replace(RECIPE, annealed_epochs=0)
    assert [constant.slowing(epochs) for epochs in (0, 1.5, 3)] == [1, 1, 1]


def test_views_are_turned_scaled_mirrored_and_lit_within_their_bounds():
    """A disc of known size: views show it between the smallest and the largest, and nowhere out of place."""
    rows, columns = np.indices((SIZE, SIZE))
    disc = ((rows - 47.5) ** 2 + (columns - 47.5) ** 2 < 24**2) * 100.0
    pictures = torch.from_numpy(np.tile(disc, (64, 1, 1, 1))).float().reshape(64, 1, SIZE, SIZE)
    views = zero_bias.jitter(pictures, RECIPE, SIZE, torch.Generator().manual_seed(0))
    again = zero_bias.jitter(pictures, RECIPE, SIZE, torch.Generator().manual_seed(0))
    assert torch.equal(views, again)
    lit = views / views.amax(dim=(1, 2, 3), keepdim=True) > 0.5
    radii = torch.sqrt(lit.float().sum(dim=(1, 2, 3)) / math.pi)
    assert 24 * RECIPE.smallest - 1 < radii.min() < 24 * 0.85
    assert 24 * 1.25 < radii.max() < 24 * RECIPE.largest + 1
    middle = views[:, 0, 47:49, 47:49].mean(dim=(1, 2))
    dimmest, brightest = (255 * (100 / 255) ** power / power for power in (RECIPE.intensity, 1 / RECIPE.intensity))
    assert dimmest < middle.min() < 100 < middle.max() < brightest


def test_half_of_the_views_are_mirrored():
    pictures = torch.zeros(64, 1, SIZE, SIZE)
    pictures[..., : SIZE // 2] = 200
    views = zero_bias.jitter(pictures, RECIPE, 48, torch.Generator().manual_seed(0))
    assert views.shape == (64, 1, 48, 48)
    right = (views[..., 36:].mean(dim=(1, 2, 3)) > views[..., :12].mean(dim=(1, 2, 3))).sum()
    assert 20 < right < 44


def test_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path, faces, monkeypatch, capsys):
    straight = run_of(tmp_path / "straight")
    zero_bias.train(straight, RECIPE, faces)

    class StoppedError(Exception):
        pass

    stopped = run_of(tmp_path / "stopped")
    log = stopped.log

    def log_and_stop(row):
        log(row)
        raise StoppedError

    monkeypatch.setattr(stopped, "log", log_and_stop)
    with pytest.raises(StoppedError):
        zero_bias.train(stopped, RECIPE, faces)
    again = run_of(tmp_path / "stopped")
    zero_bias.train(again, RECIPE, faces)
    assert again.epoch == 3
    assert "going on after epoch 1" in capsys.readouterr().out
    torch.testing.assert_close(weights_of(again), weights_of(straight), rtol=1e-3, atol=1e-4)
    sides = [line.split(",")[1] for line in (tmp_path / "straight" / "log.csv").read_text().splitlines()[1:]]
    assert sides == ["48", "48", "96"]


def test_a_folder_keeps_its_recipe_and_no_run_goes_on_with_another(tmp_path):
    run_of(tmp_path)
    assert zero_bias.recipe_of(tmp_path) == RECIPE
    with pytest.raises(RuntimeError, match="holds a run of"):
        run_of(tmp_path, replace(RECIPE, rate=0.1))


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (RECIPE, ("2 epochs on pictures of 48 px", "before 1 on the published 96 px", "moving average, decay 0.998")),
        (replace(RECIPE, small_epochs=0, annealed_epochs=0, average_decay=0.0), ("none that is known",)),
    ],
)
def test_the_card_names_every_departure_from_the_published_recipe(tmp_path, faces, recipe, words):
    run = run_of(tmp_path, recipe)
    zero_bias.train(run, recipe, faces)
    lines = export.departures(tmp_path)
    assert "3 of the recipe's 3 epochs" in lines
    for each in words:
        assert each in lines
    pictures = torch.randint(0, 256, (2, 1, SIZE, SIZE), dtype=torch.uint8)
    shipped = export.network_of(tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(shipped(pictures), run.average.eval()(pictures), rtol=1e-4, atol=1e-4)


def test_it_learns_what_differs_in_texture(tmp_path, faces):
    recipe = replace(RECIPE, epochs=16, small_epochs=16, annealed_epochs=4, average_decay=0.0)

    def wider():
        return ZeroBias(widths=(8, 8, 12), hidden=16, dropout=0.1)

    run = zero_bias.fresh_run(tmp_path, wider, recipe, 3, seed=1)
    zero_bias.train(run, recipe, faces, faces)
    pictures = torch.nn.functional.interpolate(faces.aligned.float(), size=48, mode="bilinear", antialias=True)
    logits = zero_bias.predict(run.average, pictures * recipe.contrast_at(48))
    assert (logits.argmax(axis=1) == faces.labels).mean() > 0.9


# ---- CK+ ----

CODES = {"happiness": 5, "surprise": 7, "contempt": 2}


class Finding:
    """Finds the same face in every picture that is not black, and closes."""

    def locate(self, image):
        return (make_face(centre=(80.0, 60.0), width=60.0).observation, 1) if image.any() else (None, 0)

    def close(self):
        """Nothing to release."""


@pytest.fixture(scope="module")
def ck_tree(tmp_path_factory):
    """Twelve subjects of four frames each, one of them black."""
    root, generator = tmp_path_factory.mktemp("ck"), np.random.default_rng(0)
    for number in range(12):
        subject, expression = f"S{10 + number:03d}", list(CODES)[number % 3]
        sequence = f"{subject}/001"
        for name in ("cohn-kanade-images", "Emotion", "FACS"):
            (root / name / sequence).mkdir(parents=True)
        for k in range(4):
            picture = generator.integers(0, 256, (120, 160, 3), np.uint8) * ((number, k) != (0, 3))
            cv2.imwrite(str(root / f"cohn-kanade-images/{sequence}/{subject}_001_{k + 1:08d}.png"), picture)
        stem = f"{sequence}/{subject}_001_00000004"
        (root / f"Emotion/{stem}_emotion.txt").write_text(f"   {CODES[expression]:.7e}\n")
        (root / f"FACS/{stem}_facs.txt").write_text("   1.2000000e+01   3.0000000e+00\n   6   0\n")
    return root


@pytest.fixture(scope="module")
def data(ck_tree):
    return ck_plus.load(ck_tree, 8, zero_bias.ALIGNMENT, Finding())


def test_ck_becomes_aligned_faces_with_labels_people_and_action_units(data):
    assert data.images.shape == (47, SIZE, SIZE)
    assert data.missed == ("cohn-kanade-images/S010/001/S010_001_00000004.png",)
    assert [data.classes[label] for label in data.labels[:7]] == [
        "neutral",
        *["happiness"] * 2,
        "neutral",
        *["surprise"] * 3,
    ]
    assert data.units[:2] == (None, {12: 3, 6: 0})
    assert data.subjects[:4] == ("S010", "S010", "S010", "S011")


def test_the_six_class_variant_has_neither_neutral_nor_contempt(ck_tree):
    six = ck_plus.load(ck_tree, 6, zero_bias.ALIGNMENT, Finding())
    assert six.classes == ("happiness", "surprise", "sadness", "anger", "disgust", "fear")
    assert {six.classes[label] for label in six.labels} == {"happiness", "surprise"}
    assert len(six.labels) == 4 * 3 - 1 + 4 * 3


class Blind(Finding):
    """Finds no face."""

    def locate(self, image):
        return None, 0


def test_a_collection_without_a_face_is_told(ck_tree):
    with pytest.raises(CorpusInvalid, match="No face was found in any of 48 pictures"):
        ck_plus.load(ck_tree, 8, zero_bias.ALIGNMENT, Blind())


def test_no_subject_is_in_two_folds_and_every_fold_has_its_share():
    generator = np.random.default_rng(0)
    subjects = [f"S{k:03d}" for k in generator.integers(0, 123, 1308)]
    place = ck_plus.folds(subjects)
    assert set(place.tolist()) == set(range(10))
    together = {(subject, fold) for subject, fold in zip(subjects, place.tolist(), strict=True)}
    assert len(together) == len(set(subjects))
    sizes = [len({s for s, fold in together if fold == k}) for k in range(10)]
    assert max(sizes) - min(sizes) <= 1
    with pytest.raises(ValueError, match="10 folds by subject need as many subjects; there are 3"):
        ck_plus.folds(["a", "b", "c"])


TINY = replace(folds.CK_PLUS, epochs=1, batch=16, small_epochs=1)


def test_every_picture_is_read_once_by_a_network_that_never_saw_its_subject(tmp_path, data, monkeypatch):
    learnt_from = []
    train = folds.train

    def watching(run, recipe, faces):
        learnt_from.append({picture.tobytes() for picture in faces.aligned.numpy()})
        train(run, recipe, faces)

    monkeypatch.setattr(folds, "train", watching)
    named = replace(data, images=np.random.default_rng(0).integers(0, 255, data.images.shape, np.uint8))
    table = folds.run_folds(named, tmp_path, TINY, 1, small)
    assert table.confusion.sum() == len(data.labels)
    place = ck_plus.folds(data.subjects)
    for fold, seen in enumerate(learnt_from):
        out = [picture.tobytes() in seen for picture in named.images]
        assert out == [bool(k) for k in place != fold]
    right = sum(a * (place == k).sum() for k, a in enumerate(table.accuracies))
    assert table.confusion.trace() == pytest.approx(right)


def test_folds_that_are_read_are_not_trained_again(tmp_path, data, monkeypatch):
    first = folds.run_folds(data, tmp_path, TINY, 1, small, count=3)

    def never(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(folds, "train", never)
    again = folds.run_folds(data, tmp_path, TINY, 1, small, count=3)
    assert again.accuracies == first.accuracies
    with pytest.raises(RuntimeError, match="was read from other data"):
        folds.run_folds(replace(data, labels=1 - data.labels % 2), tmp_path, TINY, 1, small, count=3)


def test_the_table_states_mean_spread_and_every_class():
    confusion = np.diag([10] * 8)
    confusion[0, 2] = 10
    confusion[7] = 0
    table = folds.Table(ck_plus.VARIANTS[8], (0.9, 0.8), confusion)
    head, by_fold, *classes = table.lines()
    assert head == "mean accuracy over 2 folds  85.0%  (standard deviation 7.1%; published 95.1 %)"
    assert by_fold == "folds  90.0%  80.0%"
    assert classes[0] == "neutral     50.0% of   20   read as surprise 10"
    assert len(classes) == 8
    assert classes[7] == "contempt   none there"
    assert "unknown to us" in folds.Table(ck_plus.VARIANTS[6], (0.9, 0.8), np.eye(6, dtype=np.int64)).lines()[0]


def test_numbers_of_the_recipe_can_be_set_back_to_the_published_ones():
    pairs = ["small_epochs=0", "annealed_epochs=0", "average_decay=0"]
    assert _numbers(zero_bias.Recipe, pairs) == {"small_epochs": 0, "annealed_epochs": 0, "average_decay": 0.0}
