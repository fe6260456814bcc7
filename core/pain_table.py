"""The columns of pain in a table, and their cells: intensities as OpenFace names them, PSPI, and the second road."""

from typing import Final

from core.action_units import UNITS
from core.blendshapes import NAMES, Blendshapes
from core.pspi import PainReading
from core.types import NetworkPain

NETWORK: Final = ("pspi_network", "network_reads", "network_regions")


def pain_columns() -> list[str]:
    """In order: every unit, mean of both sides; the person's left and right side of each; the score; the network's.

    The network's are empty where the pack reads no pain: its score, whether it reads the same, more or less than the
    interval, and in explained frames the rank correlation of the regions that both rest on.
    """
    names = [f"AU{unit.au:02}" for unit in UNITS]
    sides = [f"{name}_{side}_r" for name in names for side in ("l", "r")]
    score = ("pspi", "pspi_low", "pspi_high", "pain_like", "quality", "reason")
    return [*(f"{name}_r" for name in names), *sides, *score, *NETWORK]


def blendshape_columns() -> list[str]:
    """Those of MediaPipe's second opinion, 0 to 1, in its order."""
    return [f"mp_{name}" for name in NAMES]


def blendshape_cells(reading: PainReading | None) -> dict[str, float]:
    """Cells of one face in one frame; none where MediaPipe found no face."""
    found = None if reading is None else reading.blendshapes
    return {f"mp_{name}": value for name, value in found.values.items()} if isinstance(found, Blendshapes) else {}


def pain_cells(reading: PainReading | None, network: NetworkPain | None = None) -> dict[str, float | str]:
    """Cells of one face in one frame; of a face that is not measurable only its quality and the reason."""
    if reading is None:
        return {}
    if reading.score is None:
        return {"quality": reading.quality, "reason": reading.reason or ""}
    units, score = reading.units, reading.score
    cells: dict[str, float | str] = {}
    for unit, both, left, right in zip(UNITS, units.both, units.left, units.right, strict=True):
        name = f"AU{unit.au:02}"
        cells |= {f"{name}_r": float(both), f"{name}_l_r": float(left), f"{name}_r_r": float(right)}
    if reading.likeness is not None:
        cells["pain_like"] = reading.likeness.probability
    cells |= {"pspi": score.pspi, "pspi_low": score.low, "pspi_high": score.high, "quality": reading.quality}
    return cells if network is None else cells | _network_cells(network)


def _network_cells(network: NetworkPain) -> dict[str, float | str]:
    agreement = network.agreement
    cells: dict[str, float | str] = {"pspi_network": network.pspi, "network_reads": agreement.reads}
    return cells if agreement.regions is None else cells | {"network_regions": agreement.regions}
