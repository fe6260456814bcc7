"""Verification of a pack on a labelled corpus: classify, explain, quantify by region (SCIENCE 1.1)."""
