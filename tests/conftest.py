"""Fixtures that every test may use: one fake per outside thing, driven through the seam the real one uses."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data and test media beside the checkout; the test is skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the shared data folder beside the checkout")
    return folder


@pytest.fixture(scope="session")
def astronaut():
    """A face that may be shown freely (NASA, public domain): RGB uint8 [512, 512, 3]."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image's sample pictures")
    return data.astronaut()
