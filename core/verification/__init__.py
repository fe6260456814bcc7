"""Verification of a pack on a labelled corpus: classify, explain, quantify by region (SCIENCE 1.1).

`verify` does it, `Findings` is what it gives, and everything a report needs.
"""

from core.verification.findings import Findings
from core.verification.options import Options
from core.verification.verification import verify

__all__ = ["Findings", "Options", "verify"]
