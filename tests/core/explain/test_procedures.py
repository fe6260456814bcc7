"""Procedures of many runs: against captum, and against slow readings of the papers."""

import numpy as np
import pytest
import torch

from core.errors import ExplainError, UnknownName
from core.explain import LIVE, METHODS, Effort, Explainer
from core.explain.blurring import blurred
from core.explain.procedures import PROCEDURES
from core.explain.runs import Layout
from tests.core.explain.networks import build, channels, pictures, to_onnx

SIDE = 12
EFFORT = Effort(steps=20, samples=20, masks=40, cells=4, patch=1 / 3)
OF_METHODS = [key for key, method in METHODS.items() if method.procedure != "once"]
CLASSES = [3, 1]


class Floats(torch.nn.Module):
    """A network that takes floats, exported with a float input."""

    def __init__(self, network) -> None:
        super().__init__()
        self.network = network

    def forward(self, face):
        return self.network(face / 64.0 - 1.5)


@pytest.fixture(scope="module", params=["plain", "colour", "max pool"])
def case(request):
    """A module in double precision, its ONNX file with uint8 pixels, and two pictures."""
    network = build(request.param)
    picture = (channels(network), SIDE, SIDE)
    model = to_onnx(Floats(network), picture)
    return Floats(network).double(), model, pictures(2, picture)


@pytest.fixture(scope="module")
def regions():
    """Three uneven regions of each of two pictures."""
    labels = np.zeros((2, SIDE, SIDE), np.uint8)
    labels[:, 3:7] = 4
    labels[1, 5:, 6:] = 9
    return labels


def empty(faces: np.ndarray) -> np.ndarray:
    return blurred(faces, Layout(faces.shape[1:]), EFFORT.blur)


def scores(network, faces) -> np.ndarray:
    with torch.no_grad():
        logits = network(torch.as_tensor(np.asarray(faces, np.float64))).numpy()
    return logits[np.arange(len(faces)), CLASSES[: len(faces)]]


def explain(model: bytes, method: str, faces, regions=None, effort=EFFORT):
    return Explainer(model, method).explain(faces, np.eye(5)[CLASSES[: len(faces)]], regions=regions, effort=effort)


def test_every_procedure_belongs_to_a_method():
    assert set(PROCEDURES) == {method.procedure for method in METHODS.values()}


@pytest.mark.parametrize("kind", ["blurred", "black", "grey"])
def test_integrated_gradients_are_captum_s(case, kind):
    from captum.attr import IntegratedGradients

    network, model, faces = case
    inputs = torch.tensor(faces).double()
    floats = faces.astype(np.float32)
    start = {
        "blurred": lambda: empty(floats),
        "black": lambda: np.zeros_like(floats),
        "grey": lambda: floats.mean(axis=(2, 3), keepdims=True) + 0 * floats,
    }[kind]()
    expected = IntegratedGradients(network).attribute(
        inputs, torch.tensor(start).double(), target=CLASSES, n_steps=20, method="riemann_middle"
    )
    found = explain(model, "integrated_gradients", faces, effort=Effort(steps=20, baseline=kind))
    expected = expected.sum(1).detach().numpy()
    np.testing.assert_allclose(found.relevance, expected, atol=1e-4 * np.abs(expected).max())
    promised = scores(network, faces) - scores(network, start)
    np.testing.assert_allclose(found.gap, found.relevance.sum((1, 2)) - promised, atol=1e-4)


def test_more_steps_close_the_gap_of_integrated_gradients(case):
    _, model, faces = case
    gaps = [explain(model, "integrated_gradients", faces, effort=Effort(steps=n)).gap for n in (2, 300)]
    assert np.abs(gaps[1]).max() < 5e-3 * np.abs(explain(model, "gradient", faces).scores).max()
    assert np.abs(gaps[1]).max() < np.abs(gaps[0]).max()


def test_smoothgrad_is_the_mean_gradient_of_noisy_pictures(case):
    """The mean over twenty draws, from torch, with the same noise."""
    network, model, faces = case
    found = explain(model, "smoothgrad", faces).relevance
    for number, face in enumerate(faces):
        generator = np.random.default_rng(EFFORT.seed)
        noise = np.concatenate([generator.standard_normal((n, *face.shape), np.float32) for n in (16, 4)])
        noisy = torch.tensor(face + EFFORT.noise * (float(face.max()) - face.min()) * noise).double().requires_grad_()
        network(noisy)[:, CLASSES[number]].sum().backward()
        expected = noisy.grad.mean(0).sum(0).numpy()
        np.testing.assert_allclose(found[number], expected, atol=1e-4 * np.abs(expected).max())


def test_little_noise_leaves_the_gradient(case):
    _, model, faces = case
    smooth = explain(model, "smoothgrad", faces, effort=Effort(noise=1e-6)).relevance
    plain = explain(model, "gradient", faces).relevance
    assert np.median(np.abs(smooth - plain)) < 1e-3 * np.abs(plain).max()


def test_occlusion_is_captum_s_over_the_area_of_its_patch(case):
    from captum.attr import Occlusion

    network, model, faces = case
    patch, step = 4, 2
    expected = Occlusion(network).attribute(
        torch.tensor(faces).double(),
        sliding_window_shapes=(faces.shape[1], patch, patch),
        strides=(faces.shape[1], step, step),
        baselines=torch.tensor(empty(faces)).double(),
        target=CLASSES,
    )
    found = explain(model, "occlusion", faces, effort=Effort(patch=patch / SIDE, stride=step / patch))
    np.testing.assert_allclose(found.relevance, expected[:, 0].numpy() / patch**2, atol=1e-5)


def test_a_patch_as_large_as_the_picture_spreads_the_whole_drop(case):
    network, model, faces = case
    found = explain(model, "occlusion", faces, effort=Effort(patch=1.0)).relevance
    drops = scores(network, faces) - scores(network, empty(faces))
    np.testing.assert_allclose(found, np.broadcast_to(drops[:, None, None] / SIDE**2, found.shape), atol=1e-5)


def test_a_region_s_sum_is_what_the_score_loses_without_it(case, regions):
    network, model, faces = case
    found = explain(model, "region_occlusion", faces, regions).relevance
    for label in np.unique(regions):
        hidden = np.where(regions[:, None] == label, empty(faces), faces)
        lost = scores(network, faces) - scores(network, hidden)
        sums = (found * (regions == label)).sum((1, 2))
        np.testing.assert_allclose(
            sums[regions.reshape(2, -1).max(1) >= label], lost[regions.reshape(2, -1).max(1) >= label], atol=1e-4
        )
        for number in range(2):
            inside = found[number][regions[number] == label]
            assert (inside == inside[:1]).all()


def slow_masks(effort: Effort) -> np.ndarray:
    """Cells enlarged point by point, shifted by a part of a cell."""
    generator = np.random.default_rng(effort.seed)
    grids = (generator.random((effort.masks, effort.cells + 1, effort.cells + 1)) < effort.shown).astype(np.float64)
    shifts = generator.random((effort.masks, 2), np.float32)
    masks = np.zeros((effort.masks, SIDE, SIDE))
    for mask, grid, shift in zip(masks, grids, shifts, strict=True):
        for y in range(SIDE):
            for x in range(SIDE):
                v, u = (
                    min(max((place + 0.5) / SIDE * effort.cells - 0.5 + by, 0), effort.cells)
                    for place, by in zip((y, x), shift, strict=True)
                )
                top, left = (min(int(place), effort.cells - 1) for place in (v, u))
                below, right = v - top, u - left
                mask[y, x] = (1 - below) * ((1 - right) * grid[top, left] + right * grid[top, left + 1]) + below * (
                    (1 - right) * grid[top + 1, left] + right * grid[top + 1, left + 1]
                )
    return masks


def test_rise_is_the_mean_score_while_a_pixel_is_shown_shifted_and_scaled(case):
    network, model, faces = case
    found = explain(model, "rise", faces).relevance
    masks = slow_masks(EFFORT)
    for number, face in enumerate(faces):
        shown = masks[:, None] * face + (1 - masks[:, None]) * empty(faces[number : number + 1])
        with torch.no_grad():
            reached = network(torch.tensor(np.rint(shown))).numpy()[:, CLASSES[number]]
        mean_while_shown = np.tensordot(reached, masks, 1) / masks.sum(0)
        cell = (SIDE / EFFORT.cells) ** 2
        expected = (mean_while_shown - reached.mean()) / (1 - EFFORT.shown) / cell
        np.testing.assert_allclose(found[number], expected, atol=0.01 * np.abs(expected).max())  # ties in rounding


def test_rise_of_a_score_that_is_a_sum_over_pixels_sums_to_what_the_picture_adds():
    """The score is the brightness of the middle. Four thousand masks leave a few per cent to chance."""
    middle = torch.zeros(1, SIDE, SIDE)
    middle[:, 4:8, 4:8] = 1 / 16
    network = torch.nn.Sequential(AsFloat(), torch.nn.Flatten(), torch.nn.Linear(SIDE**2, 5, bias=False))
    network[2].weight.data[:] = middle.flatten()
    face = np.zeros((1, 1, SIDE, SIDE), np.uint8)
    face[:, :, 4:8, 4:8] = 250
    explainer = Explainer(to_onnx(network, (1, SIDE, SIDE)), "rise")
    found = explainer.explain(face, np.eye(5)[:1], effort=Effort(masks=4000, cells=6)).relevance[0]
    added = (
        float(explainer.explain(face).scores[0]) - blurred(face, Layout(face.shape[1:]), 1 / 6)[0, 0, 4:8, 4:8].mean()
    )
    assert added > 100
    assert found.sum() == pytest.approx(added, rel=0.05)
    assert np.unravel_index(found.argmax(), found.shape) in {(5, 5), (5, 6), (6, 5), (6, 6)}


class AsFloat(torch.nn.Module):
    def forward(self, face):
        return face.float()


@pytest.mark.parametrize("method", OF_METHODS)
def test_the_same_picture_gives_the_same_map_wherever_it_stands_in_a_batch(case, regions, method):
    _, model, faces = case
    explainer, seeds = Explainer(model, method), np.eye(5)[CLASSES]
    straight = explainer.explain(faces, seeds, regions=regions, effort=LIVE).relevance
    again = explainer.explain(faces, seeds, regions=regions, effort=LIVE).relevance
    turned = explainer.explain(faces[::-1], seeds[::-1], regions=regions[::-1], effort=LIVE).relevance[::-1]
    np.testing.assert_array_equal(straight, again)
    np.testing.assert_allclose(straight, turned, atol=1e-5 * np.abs(straight).max())


@pytest.mark.parametrize("method", OF_METHODS)
def test_many_seeds_of_one_picture_are_as_many_explanations(case, regions, method):
    _, model, faces = case
    explainer = Explainer(model, method)
    together = explainer.all_classes(faces[0], regions[0], LIVE)
    alone = [
        explainer.explain(faces[:1], np.eye(5)[[k]], regions=regions[:1], effort=LIVE).relevance[0] for k in range(5)
    ]
    np.testing.assert_allclose(together, alone, atol=1e-5 * np.abs(together).max())


@pytest.mark.parametrize("method", OF_METHODS)
def test_a_contrast_is_the_difference_of_two_maps(case, regions, method):
    _, model, faces = case
    explainer = Explainer(model, method)
    found = explainer.explain(faces[:1], contrast=1, regions=regions[:1], effort=LIVE)
    maps = explainer.all_classes(faces[0], regions[0], LIVE)
    first, second = np.argsort(-found.logits[0])[:2]
    np.testing.assert_allclose(found.relevance[0], maps[first] - maps[second], atol=1e-5 * np.abs(maps).max())


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"steps": 0}, ExplainError, "steps must be 1 or more"),
        ({"noise": 0.0}, ExplainError, "noise must lie above 0"),
        ({"patch": 1.5}, ExplainError, "patch must lie above 0 and not above 1"),
        ({"shown": 1.0}, ExplainError, "shown must lie between 0 and 1"),
        ({"baseline": "white"}, UnknownName, "blurred, black, grey"),
    ],
)
def test_an_effort_that_makes_no_sense_is_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        Effort(**wrong)


def test_the_blur_is_opencv_s():
    from core.opencv import cv2

    face = pictures(1, (48, 48)).astype(np.float32)
    ours = blurred(face, Layout((48, 48)), 1 / 6)[0]
    np.testing.assert_allclose(ours, cv2.GaussianBlur(face[0], (49, 49), 8.0), atol=1e-3)
