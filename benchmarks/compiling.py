"""Seconds to compile a ResNet-50 (random weights, 224 x 224) and to start its explainer again from what was kept.

``python benchmarks/compiling.py [--methods lrp gradcam gradient]``
"""

import argparse
import io
import resource
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from core.explain import compile_explainer
from core.explain.tuned import start_tuned, tuned


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 and a sum, ReLU behind it (He et al. 2016)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        layers: list[nn.Module] = []
        for kernel, start, end, step in ((1, inputs, width, 1), (3, width, width, stride), (1, width, outputs, 1)):
            layers += [nn.Conv2d(start, end, kernel, step, kernel // 2, bias=False), nn.BatchNorm2d(end), nn.ReLU()]
        self.branch = nn.Sequential(*layers[:-1])
        keeps = inputs == outputs and stride == 1
        projection = (nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.shortcut = nn.Identity() if keeps else nn.Sequential(*projection)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.branch(x) + self.shortcut(x))


def resnet_50() -> bytes:
    """The network's ONNX file, 102 MB."""
    layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    layers.append(nn.MaxPool2d(3, 2, 1))
    channels = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            layers.append(Bottleneck(channels, width, stride if block == 0 else 1))
            channels = 4 * width
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)).eval()
    file = io.BytesIO()
    free = {"pixels": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(
        network,
        (torch.zeros(2, 3, 224, 224),),
        file,
        dynamo=False,
        opset_version=17,
        input_names=["pixels"],
        output_names=["logits"],
        dynamic_axes=free,
    )
    return file.getvalue()


def measure(model: Path, method: str, folder: Path) -> dict[str, float]:
    """Seconds of every step, and the time of one explanation."""
    kept = folder / f"{method}.onnx"
    report = {}
    started = time.perf_counter()
    explainer = compile_explainer(model, method)
    report["compile s"] = time.perf_counter() - started
    started = time.perf_counter()
    kept.write_bytes(tuned(explainer))
    report["tune and keep s"] = time.perf_counter() - started
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    started = time.perf_counter()
    session = start_tuned(kept, options)
    report["start from what was kept s"] = time.perf_counter() - started
    feeds = {
        "pixels": np.zeros((1, 3, 224, 224), np.float32),
        "seed": np.zeros((1, 1000), np.float32),
        "contrast": np.zeros(1, np.float32),
    }
    session.run(None, feeds)
    started = time.perf_counter()
    session.run(None, feeds)
    report["one explanation s"] = time.perf_counter() - started
    report["kept MB"] = kept.stat().st_size / 1e6
    return report


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--methods", nargs="+", default=["lrp", "gradcam", "gradient"])
    chosen = arguments.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as name:
        model = Path(name) / "resnet50.onnx"
        model.write_bytes(resnet_50())
        print(f"ResNet-50, {model.stat().st_size / 1e6:.0f} MB")
        for method in chosen.methods:
            report = measure(model, method, Path(name))
            print(f"{method:10}" + "  ".join(f"{what} {value:.2f}" for what, value in report.items()))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
