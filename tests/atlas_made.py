"""A small neuron atlas of made numbers: five filters, of which the first two follow action units."""

import numpy as np

from core.neurons.atlas import Header, LayerAtlas, NeuronAtlas

FILTERS, SHOWN, PX, BINS = 5, 2, 9, 8


def make_layer(filters=FILTERS, seed=0):
    """Filter 0 follows AU 12, filter 1 AU 4, filter 2 nothing significantly; the others have no candidate."""
    random = np.random.default_rng(seed)
    units = np.zeros((filters, 3), np.int16)
    units[:3] = [(12, 6, 25), (4, 7, 0), (1, 0, 0)]
    there = units > 0

    def where(values):
        return np.where(there.reshape(*there.shape, *[1] * (values.ndim - 2)), values, np.nan).astype(np.float32)

    q_values = np.full((filters, 3), 0.4)
    q_values[:2, 0] = 0.001
    shares = random.dirichlet(np.ones(BINS), (2, filters, 3))
    return LayerAtlas(
        support_px=PX,
        reach=random.uniform(1, 2, filters).astype(np.float32),
        alive=random.uniform(0, 1, filters).astype(np.float32),
        patterns=random.integers(0, 256, (filters, SHOWN, PX, PX), dtype=np.uint8),
        units=units,
        divergences=where(random.uniform(0, 1, (filters, 3))),
        p_values=where(q_values / 2),
        q_values=where(q_values),
        edges=np.linspace(0, 2, BINS + 1, dtype=np.float32)[None].repeat(filters, axis=0),
        present=where(shares[0]),
        absent=where(shares[1]),
        level=0.05,
    )


def make_atlas(pack, layers=("conv",), **header):
    """An atlas of a pack; `header` replaces what it says of itself."""
    made = {key: make_layer(seed=number) for number, key in enumerate(layers)}
    text = {
        "format": 1,
        "model_sha256": pack.model_sha256,
        "corpus": "made",
        "images": 100,
        "label_source": "made",
        "labelled": 90,
        "method": "guided_backprop",
        "permutations": 1000,
        "level": 0.05,
        "layers": [{"key": key, "support_px": layer.support_px} for key, layer in made.items()],
    } | header
    return NeuronAtlas(Header.model_validate(text), made)
