"""How often the compiled graph runs for one explanation: the table of procedures. One run is the simplest of them."""

from collections.abc import Callable, Mapping

from core.explain.asking import Answer, Asked
from core.explain.perturbation import occlusion, region_occlusion, rise
from core.explain.runs import Runs
from core.explain.sampling import integrated_gradients, smoothgrad

Procedure = Callable[[Runs, Asked], Answer]


def once(runs: Runs, asked: Asked) -> Answer:
    """Read the explanation off one run."""
    found = runs(asked.pictures, asked.seed, asked.contrast)
    return Answer(found["logits"], found["seed_used"], found["relevance"], found.get("absorbed"))


PROCEDURES: Mapping[str, Procedure] = {
    "once": once,
    "smoothgrad": smoothgrad,
    "integrated_gradients": integrated_gradients,
    "occlusion": occlusion,
    "region_occlusion": region_occlusion,
    "rise": rise,
}
