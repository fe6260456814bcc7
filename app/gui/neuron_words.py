"""What an atlas says of a filter, in words."""

from collections.abc import Sequence

from app.gui import names
from app.gui.session import OpenLayer
from core.neurons import LayerAtlas

NO_ATLAS = (
    "No neuron atlas has been made for this pack yet, so nobody has looked which pixels drive its filters and which "
    "action units they follow. Activations are live all the same; maps stand in for the patterns. In Mienscope's "
    "model lab, “python -m models.verify neurons” makes one."
)


def missing(opened: OpenLayer) -> str:
    """Why nothing is known of the layer's filters; "" where something is."""
    if opened.known is not None:
        return ""
    if opened.atlas_problem:
        return f"The pack's neuron atlas cannot be used. {opened.atlas_problem}"
    if opened.atlas is None:
        return NO_ATLAS
    have = ", ".join(layer.name for layer in opened.layers if layer.key in opened.atlas.layers)
    return f"The pack's neuron atlas does not have this layer. It has: {have or 'none of those listed'}."


def unit_line(known: LayerAtlas, channel: int, short: bool) -> str:
    """One line for a tile: the unit with its divergence, or why there is none."""
    if known.alive[channel] <= 0:
        return "never active"
    unit, divergence = int(known.unit[channel]), float(known.divergence[channel])
    if unit:
        return f"AU {unit} · {divergence:.2f}" if short else f"AU {unit} · {divergence:.2f} nats"
    return "no AU" if short else "no action unit"


def unit_sentences(known: LayerAtlas, channel: int) -> str:
    """Which action unit a filter follows and how surely, or why it follows none."""
    if known.alive[channel] <= 0:
        return "No action unit: this filter was never active on the atlas's pictures."
    first = int(known.units[channel, 0])
    if not first:
        return "No action unit: none goes with higher maxima of this filter."
    name, divergence, q_value = names.unit_text(first), known.divergence[channel], known.q_value[channel]
    chance = f"q\u00a0{share(float(q_value))}"
    if not known.unit[channel]:
        return (
            f"No action unit. The nearest, {name}, may be chance: divergence {divergence:.2f}\u00a0nats, {chance} "
            f"(a finding: up to {known.level:g})."
        )
    others = [
        f"AU {unit} ({value:.2f})"
        for unit, value, q in zip(
            known.units[channel], known.divergences[channel], known.q_values[channel], strict=True
        )
        if unit and unit != first and q <= known.level
    ]
    also = f" Also {_listed(others)}." if others else ""
    return f"Follows {name}: divergence {divergence:.2f}\u00a0nats, {chance}.{also}"


def share(value: float) -> str:
    """A p- or q-value, for example "0.012" or "< 0.001"."""
    return "<\u00a00.001" if value < 0.001 else f"{value:.2g}"


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(parts)
