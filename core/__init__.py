"""Mienscope's engine: from a frame to a reason. No Qt, no torch."""

import os

__version__ = "0.3.0"

# NumPy's OpenBLAS shares even the smallest system of equations among all cores and waits for them spinning: beside
# anything else that works, a 3 x 3 solve takes a hundred times as long. It reads this once, when NumPy is first loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
