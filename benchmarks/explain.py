"""What an explanation costs, as ratios to the forward pass measured side by side.

`python -m benchmarks.explain [model.onnx]` times ONNX Runtime on that model. Without a model it times a network shaped
like the shipped one with random weights, and beside it torch autograd's Grad-CAM and captum's LRP, where they run.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from core.explain import METHODS, compile_explainer

Run = Callable[[], object]
THREADS = 2


def session(model: bytes) -> onnxruntime.InferenceSession:
    """A session as the application opens it: two threads, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.log_severity_level = 3
    # Several sessions share two cores here: a worker that waits by spinning would hold up the next session's.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def feeds(runner: onnxruntime.InferenceSession, faces: int) -> dict[str, np.ndarray]:
    """Random pictures, and the predicted class as the question."""
    rng = np.random.default_rng(0)
    face, *question = runner.get_inputs()
    dtype = np.uint8 if "uint8" in face.type else np.float32
    values = {face.name: rng.integers(0, 256, (faces, *face.shape[1:])).astype(dtype)}
    return values | {q.name: np.zeros((faces, *q.shape[1:]), np.float32) for q in question}


def interleaved(runs: Mapping[str, Run], seconds: float) -> dict[str, float]:
    """Median milliseconds of each, taken in turns so that whatever else the machine does falls on all alike."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, run in runs.items():
            run()  # brings its own weights into the cache
            start = time.perf_counter()
            run()
            taken[name].append(1e3 * (time.perf_counter() - start))
    return {name: float(np.median(values)) for name, values in taken.items()}


def onnx_runs(model: bytes, methods: Sequence[str]) -> Callable[[int], dict[str, Run]]:
    """The forward pass and each method in ONNX Runtime, for a number of faces."""
    models = {"forward": model} | {key: compile_explainer(model, key) for key in methods}
    sessions = {name: session(graph) for name, graph in models.items()}

    def runs(faces: int) -> dict[str, Run]:
        return {name: partial(runner.run, None, feeds(runner, faces)) for name, runner in sessions.items()}

    return runs


def torch_runs() -> Callable[[int], dict[str, Run]]:
    """The same network in torch: Grad-CAM by autograd, LRP by captum where it runs."""
    import torch

    from tests.core.explain.networks import build

    torch.set_num_threads(THREADS)
    network = build("shipped")

    def grad_cam(x: torch.Tensor) -> torch.Tensor:
        features = network[:-2](x).detach().requires_grad_()
        logits = network[-2:](features)
        (gradient,) = torch.autograd.grad(logits.max(1).values.sum(), features)
        coarse = torch.relu((gradient.mean((2, 3), keepdim=True) * features).sum(1, keepdim=True))
        return torch.nn.functional.interpolate(coarse, size=x.shape[-2:], mode="bilinear").detach()

    def runs(faces: int) -> dict[str, Run]:
        x = torch.rand(faces, 1, 48, 48) * 4 - 2
        found: dict[str, Run] = {"torch forward": lambda: forward(x), "torch Grad-CAM": lambda: grad_cam(x)}
        lrp = captum_lrp(network, x)
        return found if lrp is None else found | {"captum LRP": lrp}

    @torch.no_grad()
    def forward(x: torch.Tensor) -> torch.Tensor:
        return network(x)

    return runs


def captum_lrp(network: object, x: object) -> Run | None:
    """Captum's LRP, or None where it refuses the network."""
    try:
        from captum.attr import LRP

        def run() -> object:
            return LRP(network).attribute(x, target=0)

        run()
    except Exception as error:  # captum refuses layers without a rule with several kinds
        print(f"captum LRP does not run: {str(error).splitlines()[0]}")
        return None
    return run


def report(milliseconds: Mapping[str, float], faces: int) -> None:
    """Print one line for each, with its ratio to the first."""
    forward = milliseconds["forward"]
    for name, value in milliseconds.items():
        print(f"{faces:2d} faces  {name:18s} {value:8.2f} ms  {value / forward:6.2f} x")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, help="an ONNX classifier; default: random weights")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["gradcam", "lrp", "lrp_bias"])
    parser.add_argument("--faces", nargs="+", type=int, default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=5.0, help="time for each number of faces")
    options = parser.parse_args()
    print(f"ONNX Runtime {onnxruntime.__version__}, {THREADS} threads of {os.cpu_count()}, medians, taken in turns")
    if options.model is None:
        from tests.core.explain.networks import Scaled, build, to_onnx

        model, beside = to_onnx(Scaled(build("shipped")), (1, 48, 48)), torch_runs()
    else:
        model, beside = options.model.read_bytes(), lambda _: {}
    runs = onnx_runs(model, options.methods)
    for faces in options.faces:
        report(interleaved(runs(faces), options.seconds), faces)
        if others := beside(faces):
            for name, value in interleaved(others, options.seconds).items():
                print(f"{faces:2d} faces  {name:18s} {value:8.2f} ms")


if __name__ == "__main__":
    main()
