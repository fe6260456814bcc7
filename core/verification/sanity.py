"""Whether the maps hang on the network's weights: cascading randomisation (Adebayo et al. 2018).

Layers are drawn anew from the head down to the first: each layer's weights, and its biases, change places among
themselves, so that their distribution stays. The class that is explained stays the original network's.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from core.explain import Explainer, Method, compile_explainer
from core.explain.compiler import named_method
from core.explain.explainer import start_session
from core.explain.graph import Classifier, read
from core.geometry import Floats
from core.model import Model
from core.ranks import spearman
from core.verification.estimates import Doubles, Estimate, Judgement
from core.verification.soundness import CascadeStep, ClassSensitivity, SanityFinding
from core.verification.store import Store
from core.verification.subset import Subset, Tick, kept

WEIGHTED: Final = ("Conv", "ConvTranspose", "Gemm", "MatMul")
# Rank correlation with the original map above which a random network's map counts as the same. Maps of one picture
# resemble each other through the picture itself: edges and the face's middle.
SAME: Final = 0.5


def sanity(
    model: Model, subset: Subset, classes: Sequence[ClassSensitivity], store: Store, tick: Tick
) -> SanityFinding:
    """Draw the network anew from the head down, and compare the maps of a subset with the original's.

    `classes` says how much the class matters: the other half of the finding.
    """
    layers = [_name(node) for node in weighted(read(model.pack.model_path))]
    depths = _depths(len(layers), subset.options.cascade_steps)
    k, options = len(subset), subset.options
    layout = {name: ("f8", (k, len(depths))) for name in ("signed", "sizes")}
    settings = [options.method, options.seed, options.effort, options.region_mode, layers, depths]
    found = kept(store, "sanity", settings, layout, lambda: _measure(model, subset, depths, tick))
    cascade = []
    for place, depth in enumerate(depths):
        estimates = [subset.bootstrap.mean(found[name][:, place]) for name in ("signed", "sizes")]
        if estimates[0] is not None and estimates[1] is not None:
            cascade.append(CascadeStep(depth, layers[-depth] if depth else "", estimates[0], estimates[1]))
    return SanityFinding(k, tuple(cascade), tuple(classes), _verdict(cascade, classes))


def _verdict(cascade: Sequence[CascadeStep], classes: Sequence[ClassSensitivity]) -> Judgement:
    if not cascade or not cascade[-1].depth:
        return Judgement(None, "nothing to judge", "No image had a map that could be compared.")
    last, half = cascade[-1].rank_correlation_of_sizes, cascade[len(cascade) // 2]
    told = [
        f"With every layer random the maps' sizes keep a rank correlation of {_short(last)}",
        f"with {half.depth} of {cascade[-1].depth} layers {_short(half.rank_correlation_of_sizes)}",
    ]
    told += [
        f"the runner-up's map has {_short(each.rank_correlation)} with the predicted class's"
        + (" under the contrast seed" if each.seed == "contrast" else "")
        for each in classes
    ]
    reason = "; ".join(told) + "."
    if last.value > SAME:
        return Judgement(False, "hardly depends on the network's weights", reason)
    return Judgement(True, "depends on the network's weights", reason)


def _short(number: Estimate) -> str:
    return f"{number.value:.2f}"


def _depths(layers: int, steps: int) -> list[int]:
    """At how many random layers to look: none, all, and as many between as asked for, denser at the head."""
    if layers <= steps:
        return list(range(layers + 1))
    return sorted({0, 1, *np.rint(np.linspace(0, 1, steps) ** 1.5 * layers).astype(int).tolist(), layers})


def weighted(classifier: Classifier) -> list[ir.Node]:
    """The layers with weights on the way from the picture to the scores, in forward order."""
    return [node for node in classifier.path if node.op_type in WEIGHTED and _constants(classifier, node)]


def _constants(classifier: Classifier, node: ir.Node) -> list[ir.Value]:
    values = (value for value in node.inputs if value is not None and value not in classifier.varying)
    return [value for value in values if value.const_value is not None]


def _name(node: ir.Node) -> str:
    return str(node.name or node.outputs[0].name)


def randomised(source: Path | bytes, depth: int, seed: int) -> ir.Model:
    """A copy of a model in which the last `depth` layers' weights have changed places, and so have their biases.

    A layer gets the same order however many others are drawn anew. The file may hold anything `core.explain` reads.
    """
    classifier = read(source)
    layers = weighted(classifier)
    for number in range(len(layers) - depth, len(layers)):
        generator = np.random.default_rng([seed, 5, number])
        for value in _constants(classifier, layers[number]):
            assert value.const_value is not None
            numbers = value.const_value.numpy()
            mixed = generator.permutation(numbers.ravel()).reshape(numbers.shape)
            value.const_value = ir.tensor(mixed, name=value.name)
    return classifier.model


def _measure(model: Model, subset: Subset, depths: Sequence[int], tick: Tick) -> dict[str, NDArray[Any]]:
    found = {name: np.full((len(subset), len(depths)), np.nan) for name in ("signed", "sizes")}
    method = named_method(subset.options.method)
    original: Floats | None = None
    for place, depth in enumerate(depths):
        changed = _explained(randomised(model.pack.model_path, depth, subset.options.seed), method, subset)
        original = changed if original is None else original
        found["signed"][:, place] = _similar(original, changed)
        found["sizes"][:, place] = _similar(np.abs(original), np.abs(changed))
        tick(place + 1, len(depths))
    return found


def _explained(changed: ir.Model, method: Method, subset: Subset) -> Floats:
    explainer = Explainer.of_session(start_session(compile_explainer(changed, method)), method)
    return explainer.explain(subset.faces, subset.seeds, regions=subset.parts, effort=subset.options.effort).relevance


def _similar(original: Floats, changed: Floats) -> Doubles:
    """Rank correlation of maps [k, h, w]; a changed map without shape has nothing of the original, which is 0."""
    found = spearman(original, changed)
    flat = original.reshape(len(original), -1)
    return np.where(np.isnan(found) & (flat.min(axis=1) < flat.max(axis=1)), 0.0, found)
