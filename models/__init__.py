"""The model lab: data, networks, training, verification. The only place that imports torch."""

import core  # noqa: F401 - first of all: it says how many threads NumPy may take, before anything loads NumPy
