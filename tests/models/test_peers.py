"""What our explanations are timed against computes the same: a comparison of other numbers would say nothing."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from benchmarks.peers import FromOnnx, HookedLRP, captum_grad_cam  # noqa: E402
from core.model import Model  # noqa: E402
from core.packs import DEFAULT_PACK, find_pack  # noqa: E402


@pytest.fixture(scope="module")
def model():
    return Model(find_pack(DEFAULT_PACK), provider="cpu", threads=1)


@pytest.fixture(scope="module")
def faces(model):
    size = model.pack.manifest.input.size
    return np.random.default_rng(3).integers(0, 256, (2, 1, size, size), dtype=np.uint8)


def test_the_network_in_torch_reads_what_the_pack_reads(model, faces):
    network = FromOnnx(model.pack.model_path).eval()
    np.testing.assert_allclose(network(torch.from_numpy(faces)).detach().numpy(), model.logits(faces), atol=1e-4)


def test_lrp_with_hooks_gives_our_map(model, faces):
    expected = model.explainer("lrp").explain(faces).relevance
    found = HookedLRP(FromOnnx(model.pack.model_path).eval())(torch.from_numpy(faces)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_grad_cam_by_captum_is_ours(model, faces):
    pytest.importorskip("captum")
    ours = model.explainer("gradcam").explain(faces).relevance
    found = captum_grad_cam(FromOnnx(model.pack.model_path, pooling=True).eval(), torch.from_numpy(faces)).numpy()[:, 0]
    assert ours.shape[0] == found.shape[0] == len(faces)
    for mine, theirs in zip(ours, found, strict=True):
        assert np.corrcoef(mine.ravel(), theirs.ravel())[0, 1] > 0.99
