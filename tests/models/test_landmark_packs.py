"""Landmark networks become packs that the program reads, and what is said of them is counted rightly."""

import csv

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch")

from app.packs import GOLDEN_TOLERANCE, check_golden  # noqa: E402
from core.landmark_model import LandmarkModel  # noqa: E402
from core.packs import LandmarkPack, read_any_pack  # noqa: E402
from core.shape import POINTS  # noqa: E402
from models.data.landmarks import EXPRESSIONS, Shapes  # noqa: E402
from models.export.landmark_card import Measured, card  # noqa: E402
from models.export.landmark_pack import manifest_facts, write_landmark_pack  # noqa: E402
from models.networks.landmarks import LandmarkNetworks  # noqa: E402
from models.networks.point_relevance import integrated_gradients  # noqa: E402
from models.train.landmarks import KINDS, LandmarkRecipe  # noqa: E402
from models.train.landmarks_reduction import Cell, Learnt  # noqa: E402
from models.train.landmarks_report import draw_curves, draw_points, draw_regions, write_table  # noqa: E402
from models.train.landmarks_scores import Draws, area_under_curve, rows_of, smallest_good  # noqa: E402
from models.verify.binary import calibration_error, fit_temperature, probabilities  # noqa: E402
from models.verify.landmark_comparison import compare, six_way  # noqa: E402
from models.verify.landmark_latency import Latency  # noqa: E402


def made_network(shared, window):
    torch.manual_seed(0)
    kept = np.sort(np.random.default_rng(0).choice(POINTS, 60, replace=False))
    axes = np.random.default_rng(1).normal(size=(180, 7)).astype(np.float32) / 10
    network = LandmarkNetworks(kept, np.full(180, 0.1, np.float32), axes, window, 8, shared)
    return network.requires_grad_(False)


@pytest.fixture(scope="module", params=[(True, 1), (False, 1), (False, 4)], ids=["random", "trained", "window"])
def written(request, tmp_path_factory):
    """A network, and the pack that was made of it."""
    network = made_network(*request.param)
    folder = tmp_path_factory.mktemp("packs") / "made"
    baselines = np.random.default_rng(2).normal(0, 0.5, (5, network.window, POINTS, 3)).astype(np.float32)
    facts = manifest_facts(("made", "0.1", "For a test"), "none", 1.3, 0)
    moving = network.window > 1
    write_landmark_pack(folder, network, baselines, facts, "# made\n", 0.1 if moving else 0.0, from_neutral=moving)
    return network, read_any_pack(folder)


def test_the_program_reads_the_pack_and_reproduces_its_golden_outputs(written):
    network, pack = written
    assert isinstance(pack, LandmarkPack)
    assert check_golden(pack) <= GOLDEN_TOLERANCE
    assert np.array_equal(np.flatnonzero(pack.kept), network.kept.numpy())
    assert pack.labels == EXPRESSIONS
    assert pack.temperature == 1.3
    assert network.window == pack.manifest.input.window


def test_the_pack_gives_the_networks_logits(written):
    network, pack = written
    shapes = np.random.default_rng(3).normal(0, 0.5, (6, network.window, POINTS, 3)).astype(np.float32)
    expected = network(torch.from_numpy(shapes)).numpy()
    np.testing.assert_allclose(LandmarkModel(pack).logits(shapes), expected, rtol=1e-3, atol=1e-3)


def test_the_program_explains_a_pack_as_the_lab_does(written):
    network, pack = written
    window = np.random.default_rng(4).normal(0, 0.5, (1, network.window, POINTS, 3)).astype(np.float32)
    points = network.points(torch.from_numpy(window))
    lab = np.zeros((6, POINTS))
    for baseline in network.points(torch.from_numpy(pack.baselines))[:, None]:
        for index, (relevance, _) in enumerate(integrated_gradients(network, points, baseline)):
            lab[index, network.kept] += relevance[0].sum(dim=(0, 2)).numpy() / len(pack.baselines)
    model = LandmarkModel(pack)
    for expected, found in zip(lab, model.explain_all(window[0]), strict=True):
        np.testing.assert_allclose(found.relevance, expected, atol=2e-3 * np.abs(expected).max())


def test_the_area_under_the_curve_counts_pairs_and_equals_by_half():
    scores = np.array([0.1, 0.4, 0.4, 0.8, 0.8, 0.9], np.float32)
    shown = np.array([False, True, False, True, True, False])
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[shown] for b in scores[~shown]]
    assert area_under_curve(scores, shown) == pytest.approx(np.mean(pairs))


def test_mean_recall_is_the_mean_of_both_sides_and_its_interval_holds_it():
    generator = np.random.default_rng(0)
    targets = generator.random((300, 6)) < 0.3
    right = generator.random((3, 300, 6)) < np.where(targets, 0.6, 0.9)
    value, drawn = Draws(targets, 3, draws=400).recalls(right)
    by_hand = [(right[:, targets[:, c], c].mean() + right[:, ~targets[:, c], c].mean()) / 2 for c in range(6)]
    np.testing.assert_allclose(value, by_hand)
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    assert ((low < value) & (value < high)).all()
    np.testing.assert_allclose(drawn.mean(axis=0), value, atol=0.01)


def test_the_temperature_undoes_a_scale_and_so_does_the_calibration_error():
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (6000, 6))
    targets = generator.random(logits.shape) < 1 / (1 + np.exp(-logits))
    found = fit_temperature((3 * logits).astype(np.float32), targets)
    assert found == pytest.approx(3, rel=0.1)
    scaled = [calibration_error(probabilities(3 * logits, t), targets) for t in (found, 1.0)]
    assert scaled[0] < 0.02
    assert scaled[1] > 0.08


COUNTS = (POINTS, 64, 16)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of made numbers, and what its networks were asked: relevance is best, and all but 16 points do."""
    folder = tmp_path_factory.mktemp("run")
    generator = np.random.default_rng(0)
    recipe = LandmarkRecipe()
    classes = np.arange(160) % 8
    train, valid = (Shapes(np.zeros((160, 1, POINTS, 3), np.float32), classes.astype(np.int64)) for _ in range(2))
    held = np.concatenate([train.targets[:1]] * 24)
    sure = {"relevance": 3.0, "variance": 1.0, "random": 2.0}
    from models.train.landmarks_reduction import parts_of

    for kind in KINDS:
        for seed in (1, 2):
            held = parts_of(train, recipe, seed)[1].targets
            for selection, strength in sure.items():
                for count in COUNTS:
                    strong = strength if count > 16 else 0.3
                    logits = [
                        np.where(t, strong, -strong) + generator.normal(0, 1, t.shape) for t in (held, valid.targets)
                    ]
                    shares = np.full((6, POINTS), 1 / POINTS)
                    kept = np.arange(count)
                    learnt = Learnt(kept, *logits, shares, np.array([0.01, 0.1, 1.0]), np.array([1.0, 1.0]))
                    learnt.write(Cell(kind, seed, selection, count).path(folder))
    return folder, rows_of(folder, train, valid, recipe, (1, 2), COUNTS), valid


def test_a_finished_run_says_how_few_points_are_enough_and_whether_random_ones_would_do(run):
    _, rows, _ = run
    assert len(rows) == len(KINDS) * 3 * len(COUNTS)
    for kind in KINDS:
        assert smallest_good(rows, kind) == 64
        of_kind = {(row.selection, row.count): row for row in rows if row.kind == kind}
        assert of_kind["relevance", 64].over_random.low > 0
        assert of_kind["variance", 64].over_random.high < 0
        assert of_kind["random", 64].over_random is None
        assert of_kind["relevance", POINTS].over_random is None
        assert sum(of_kind["relevance", 64].regions) == 64


def test_tables_and_figures_are_written(run, tmp_path):
    folder, rows, _ = run
    latencies = {(kind, count): Latency(0.1, 0.5) for kind in KINDS for count in COUNTS}
    write_table(tmp_path / "table.csv", rows, latencies)
    with (tmp_path / "table.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["points"] for line in lines[:3]] == ["478", "64", "16"]
    assert float(lines[1]["mean_recall_low"]) < float(lines[1]["mean_recall"]) < float(lines[1]["mean_recall_high"])
    face = np.random.default_rng(0).normal(size=(POINTS, 3)).astype(np.float32)
    draw_curves(tmp_path / "curves.png", rows)
    draw_regions(tmp_path / "regions.png", rows)
    draw_points(tmp_path / "points.png", folder, (1, 2), face, POINTS)
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("curves.png", "regions.png", "points.png"))


def test_the_card_says_what_was_measured(run):
    _, rows, valid = run
    generator = np.random.default_rng(0)
    pixels, landmarks = (
        (valid.targets * strength + generator.normal(size=valid.targets.shape)).astype(np.float32)
        for strength in (4, 2)
    )
    beside = compare(pixels, landmarks, valid)
    assert all(each.difference.value < 0 for each in beside)
    rate = rows[0].recall
    measured = Measured(
        on="made faces",
        shown=(rate,) * 6,
        spared=(rate,) * 6,
        accuracy=0.8,
        temperature=1.3,
        errors=(0.2, 0.1),
        beside=beside,
        six=(six_way(pixels, valid), six_way(landmarks, valid)),
        explained=10,
        gaps=(0.01, 0.05, 2.0),
    )
    for kind in KINDS:
        text = card(kind, LandmarkRecipe(), rows[1], measured, 100, 120)
        for words in (
            "never cleared for redistribution",
            "not a medical device",
            "## Measured",
            "## For whom it is not",
        ):
            assert words in text
        assert max(map(len, text.splitlines())) <= 200
    assert {name.split()[-1] for name, _ in measured.figures()} >= {"accuracy", "recall", "error"}
