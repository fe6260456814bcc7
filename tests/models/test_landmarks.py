"""Landmark networks learn from shapes, say which points they read, and keep the ones that matter."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch")

from core.geometry import LEFT_EYE_CORNERS, MOUTH_CORNERS, RIGHT_EYE_CORNERS  # noqa: E402
from core.shape import POINTS, normalised  # noqa: E402
from models.data.ferplus import CLASSES  # noqa: E402
from models.data.landmarks import EXPRESSIONS, MIRROR, Shapes, held_out, mirrored  # noqa: E402
from models.networks.landmarks import FoldedNetworks, LandmarkNetworks, Moments  # noqa: E402
from models.networks.point_relevance import integrated_gradients, medoids, point_relevance  # noqa: E402
from models.train.landmarks import KINDS, LandmarkRecipe, class_weights, fit, logits_of  # noqa: E402
from models.train.landmarks_reduction import SELECTIONS, Cell, Learnt, most, reduce  # noqa: E402

RECIPE = LandmarkRecipe(axes=12, random_width=40, trained_width=6, epochs=12, batch=32, rate=0.02)
MOVING = (*MOUTH_CORNERS, 13, 14, 105, 334, 159, 386)  # the points that tell the made expressions apart


SOME = np.union1d(np.arange(0, POINTS, 8), MOVING)


def made_shapes(count=240, window=1, seed=0):
    """Shapes whose class is told by a few points: each expression moves its own two or so of `MOVING`."""
    generator = np.random.default_rng(seed)
    shapes = generator.normal(0, 0.02, (count, window, POINTS, 3)).astype(np.float32)
    shapes[..., : POINTS // 2, :] += 0.1 * generator.normal(size=(count, 1, 1, 3)).astype(np.float32)  # of no use
    classes = np.arange(count) % len(CLASSES)
    for index, name in enumerate(EXPRESSIONS):
        shows = classes == CLASSES.index(name)
        for point in (MOVING[index], MIRROR[MOVING[index]], MOVING[index + 1], MIRROR[MOVING[index + 1]]):
            shapes[shows, :, point, 1] += 0.3 if index % 2 else -0.3
    return Shapes(shapes, classes.astype(np.int64))


def random_network(shared, window=1, kept=None, seed=0):
    kept = np.arange(0, POINTS, 5) if kept is None else kept
    generator = np.random.default_rng(seed)
    centre, axes = (generator.normal(size=size).astype(np.float32) for size in (3 * len(kept), (3 * len(kept), 7)))
    torch.manual_seed(seed)
    network = LandmarkNetworks(kept, centre, axes, window, 9, shared)
    with torch.no_grad():
        network.bias.normal_()
    return network.requires_grad_(False)


def test_mirroring_swaps_left_and_right_and_twice_is_nothing():
    assert np.array_equal(MIRROR[MIRROR], np.arange(POINTS))
    assert sorted(MIRROR[list(RIGHT_EYE_CORNERS)]) == sorted(LEFT_EYE_CORNERS)
    assert tuple(MIRROR[list(MOUTH_CORNERS)]) == MOUTH_CORNERS[::-1]
    assert MIRROR[1] == 1  # the tip of the nose


def test_the_mirror_image_of_a_shape_is_the_shape_of_the_mirror_image():
    mesh = np.random.default_rng(0).normal(100, 30, (POINTS, 3)).astype(np.float32)
    flipped = mesh[MIRROR] * [-1, 1, 1]
    np.testing.assert_allclose(mirrored(normalised(mesh)), normalised(flipped.astype(np.float32)), atol=1e-4)


def test_a_share_of_every_class_is_held_out():
    classes = np.repeat(np.arange(4), (100, 40, 3, 2))
    held = held_out(classes, 0.15, seed=1)
    assert np.bincount(classes[held]).tolist() == [15, 6, 1, 1]
    assert np.array_equal(held, held_out(classes, 0.15, seed=1))
    assert not np.array_equal(held, held_out(classes, 0.15, seed=2))


def test_moments_are_those_of_the_shapes_and_their_mirror_images():
    shapes = made_shapes(40, window=2).shapes
    rows = np.concatenate([shapes, mirrored(shapes)]).reshape(160, -1).astype(np.float64)
    moments = Moments.of(shapes)
    np.testing.assert_allclose(moments.mean, rows.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(moments.covariance, np.cov(rows.T, bias=True), atol=1e-6)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_axes_are_uncorrelated_with_a_mean_spread_of_one(power):
    shapes = made_shapes(200).shapes
    kept = np.arange(0, POINTS, 40)
    centre, axes = Moments.of(shapes).axes(kept, 5, power)
    rows = np.concatenate([shapes, mirrored(shapes)])[:, 0, kept].reshape(400, -1)
    spread = np.cov(((rows - centre) @ axes).T, bias=True)
    np.testing.assert_allclose(spread, np.diag(np.diag(spread)), atol=1e-4)
    assert np.diag(spread).mean() == pytest.approx(1, abs=1e-4)
    if power == 1:
        np.testing.assert_allclose(np.diag(spread), 1, atol=1e-3)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("window", [1, 3])
def test_folded_networks_give_the_same_logits(shared, window):
    network = random_network(shared, window)
    shapes = torch.randn(5, window, POINTS, 3)
    torch.testing.assert_close(FoldedNetworks(network)(shapes), network(shapes), rtol=1e-4, atol=1e-3)


def test_trained_networks_do_not_look_at_each_others_units():
    folded = FoldedNetworks(random_network(shared=False))
    used = folded.second.weight.view(6, 6, 9).abs().sum(dim=2) > 0
    assert torch.equal(used, torch.eye(6, dtype=torch.bool))


def test_faces_with_an_expression_weigh_as_much_as_those_without():
    targets = np.random.default_rng(0).random((90, 6)) < 0.2
    weights = class_weights(targets)
    np.testing.assert_allclose((weights * targets).sum(axis=0), (weights * ~targets).sum(axis=0), rtol=1e-5)
    with pytest.raises(ValueError, match="every expression needs faces with it and without it"):
        class_weights(np.zeros((5, 6), np.bool_))


def slow_gradients(network, shapes, baseline, steps):
    """The midpoint rule, step by step through the whole network."""
    found = []
    for index in range(6):
        total = torch.zeros_like(shapes)
        for k in range(steps):
            at = (baseline + (k + 0.5) / steps * (shapes - baseline)).requires_grad_()
            total += torch.autograd.grad(network(at)[:, index].sum(), at)[0]
        found.append(total / steps * (shapes - baseline))
    return torch.stack(found)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("window", [1, 2])
def test_integrated_gradients_are_the_midpoint_rule(shared, window):
    network = random_network(shared, window)
    generator = torch.Generator().manual_seed(0)
    shapes, baseline = (torch.randn(n, window, POINTS, 3, generator=generator) for n in (4, 1))
    expected = slow_gradients(network, shapes, baseline, 8)[:, :, :, network.kept]
    asked = integrated_gradients(network, network.points(shapes), network.points(baseline), 8)
    found = torch.stack([relevance for relevance, _ in asked])
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * expected.abs().max().item())


def test_the_gap_of_completeness_is_what_the_sum_lacks_and_closes_with_more_steps():
    network = random_network(shared=False)
    generator = torch.Generator().manual_seed(0)
    shapes, baseline = (torch.randn(n, 1, POINTS, 3, generator=generator) for n in (6, 1))
    difference = network(shapes) - network(baseline)
    gaps = []
    for steps in (2, 4096):
        asked = integrated_gradients(network, network.points(shapes), network.points(baseline), steps)
        for index, (relevance, gap) in enumerate(asked):
            sums = relevance.sum(dim=(1, 2, 3)) - difference[:, index]
            torch.testing.assert_close(gap, sums, rtol=1e-3, atol=1e-3)
            gaps.append(gap.abs().max().item())
    assert max(gaps[6:]) < 0.02 * max(gaps[:6])


def test_typical_shapes_lie_in_every_cluster_and_are_always_the_same_ones():
    generator = np.random.default_rng(0)
    centres = np.array([0.0, 5.0, -9.0])
    shapes = generator.normal(0, 0.1, (60, 1, POINTS, 3)).astype(np.float32)
    shapes[:, 0, :, 0] += np.repeat(centres, 20)[:, None].astype(np.float32)
    found = medoids(shapes, 3)
    assert sorted(found // 20) == [0, 1, 2]
    assert np.array_equal(found, medoids(shapes, 3))
    for place in found:  # none of its cluster lies nearer to all the others
        members = shapes[place // 20 * 20 :][:20].reshape(20, -1)
        distance = np.linalg.norm(members[:, None] - members, axis=2).sum(axis=0)
        assert distance.argmin() == place % 20


@pytest.mark.parametrize("kind", KINDS)
def test_networks_learn_and_say_what_they_read(kind):
    made = made_shapes()
    held = held_out(made.classes, 0.2, 0)
    parts = made.part(~held), made.part(held)
    network = fit(kind, RECIPE, Moments.of(parts[0].shapes), SOME, parts, seed=1)
    right = (logits_of(network, parts[1].shapes) > 0) == parts[1].targets
    assert right.mean() > 0.9
    found = point_relevance(network, made.shapes, made.shapes[medoids(made.shapes)])
    np.testing.assert_allclose(found.shares.sum(axis=1), 1)
    assert found.mean_gap < 0.05 * found.mean_difference
    assert found.mean_gap <= found.largest_gap


def test_the_readout_is_the_closed_solution():
    made = made_shapes(160)
    held = held_out(made.classes, 0.2, 0)
    learnt = made.part(~held)
    network = fit("random", RECIPE, Moments.of(learnt.shapes), SOME, (learnt, made.part(held)), seed=1)
    both = torch.from_numpy(np.concatenate([learnt.shapes, mirrored(learnt.shapes)]))
    units = torch.relu(network.hidden(network.coordinates(both))).double()
    targets = np.concatenate([learnt.targets] * 2)
    weights = torch.from_numpy(class_weights(targets)).double()
    wanted = torch.from_numpy(np.where(targets, 1.0, -1.0))
    rest = weights * (network.read(units.float()).double() - wanted)
    assert rest.mean(dim=0).abs().max() < 1e-4  # the bias is free
    slope = units.T @ rest / len(units)  # of the error; the ridge holds against it
    for index in range(6):
        readout = network.readout[index].double()
        ridge = -(slope[:, index] @ readout) / (readout @ readout)
        torch.testing.assert_close(slope[:, index], -ridge * readout, rtol=0, atol=1e-4)
        assert ridge.item() == pytest.approx(min((1e-4, 1e-3, 1e-2, 1e-1), key=lambda r: abs(r - ridge)), rel=0.05)


def test_the_most_relevant_points_are_kept_and_equals_by_their_number():
    assert most(np.array([0.1, 0.5, 0.1, 0.3, 0.1]), 3).tolist() == [0, 1, 3]


def test_the_loop_keeps_fewer_and_fewer_points_and_goes_on_where_it_stopped(tmp_path, capsys):
    train, valid = made_shapes(240), made_shapes(80, seed=1)
    counts = (POINTS, 40, 16)
    reduce(tmp_path, train, valid, RECIPE, (1,), counts[:2])
    reduce(tmp_path, train, valid, RECIPE, (1,), counts)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines)) == len(KINDS) * (1 + len(SELECTIONS) * 2)
    for kind in KINDS:
        every, forty, sixteen = (Learnt.read(Cell(kind, 1, "relevance", count).path(tmp_path)) for count in counts)
        assert np.array_equal(forty.kept, most(every.shares.mean(axis=0), 40))
        assert np.array_equal(sixteen.kept, most(forty.shares.mean(axis=0), 16))
        assert set(sixteen.kept) <= set(forty.kept)
        assert set(MOVING) <= set(sixteen.kept)
        drawn = [Learnt.read(Cell(kind, 1, "random", count).path(tmp_path)).kept for count in counts[1:]]
        assert [len(kept) for kept in drawn] == [40, 16]
    reduce(tmp_path, train, valid, RECIPE, (1,), counts)
    assert capsys.readouterr().out == ""
