"""Mienscope's engine: from a frame to a reason. No Qt, no torch."""

__version__ = "0.3.0"
