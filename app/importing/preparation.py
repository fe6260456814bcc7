"""How pixels are scaled for a model from outside: what is usual, what a person says, and what the evidence says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import onnx
from numpy.typing import NDArray

from app.importing.foreign import Array, Foreign, open_session
from core.errors import PackInvalid
from core.geometry import Floats

Colour = Literal["grey", "rgb", "bgr"]

# Above this mean confidence on the sample faces a model is saturated: its pixels are scaled too high for it.
SATURATED = 0.995
# Without batch norm the most usual candidate is taken whose answers differ at least so much, over the best one's.
ABOUT_AS_MUCH = 0.1
# The best candidate must be so many times nearer to the batch norm's statistics than the next to be called clear.
CLEAR = 2.0


@dataclass(frozen=True)
class Scaling:
    """(pixel / 255 - mean) / std, one number per channel in the model's own order, or one for all."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def offsets(self, channels: int) -> tuple[Floats, Floats]:
        """Mean and standard deviation in units of pixels 0..255, float32 [channels]."""
        mean, std = (np.broadcast_to(np.array(values), channels) * 255 for values in (self.mean, self.std))
        return mean.astype(np.float32), std.astype(np.float32)

    def apply(self, pixels: NDArray[np.uint8]) -> Floats:
        """Scale pixels uint8 [n, channels, h, w] to float32."""
        mean, std = (values[:, None, None] for values in self.offsets(pixels.shape[1]))
        scaled: Floats = ((pixels.astype(np.float32) - mean) / std).astype(np.float32)
        return scaled

    @property
    def text(self) -> str:
        """The formula's numbers, for people."""
        return f"{self.name} (mean {_numbers(self.mean)}, std {_numbers(self.std)} of pixels 0..1)"


BYTES = Scaling("0..255", (0.0,), (1 / 255,))
UNIT = Scaling("0..1", (0.0,), (1.0,))
SIGNED = Scaling("-1..1", (0.5,), (0.5,))
IMAGENET = Scaling("ImageNet", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))  # torchvision's
CAFFE = Scaling("Caffe", (103.939 / 255, 116.779 / 255, 123.68 / 255), (1 / 255,))  # blue, green, red; Keras's "caffe"


@dataclass(frozen=True)
class Preparation:
    """Everything that is done to an aligned face before the model sees it. No `scaling`: the model scales by itself."""

    colour: Colour
    scaling: Scaling | None

    def apply(self, faces: NDArray[np.uint8], channels: int) -> Floats:
        """Turn aligned faces uint8 [n, 1 or 3, h, w] (grey or RGB) into what the model takes, float32."""
        ordered = faces[:, ::-1] if self.colour == "bgr" else faces
        pixels = np.repeat(ordered, channels, axis=1) if ordered.shape[1] < channels else ordered
        return pixels.astype(np.float32) if self.scaling is None else self.scaling.apply(pixels)

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.colour}, {'scaled inside the model' if self.scaling is None else self.scaling.text}"


@dataclass(frozen=True)
class Guess:
    """A preparation with how it was come by.

    Attributes
    ----------
    evidence
        One sentence: what was told, or what was looked at and how sure it makes.
    sure
        Whether nobody needs to look again.
    table
        One line per candidate that was tried.
    """

    preparation: Preparation
    evidence: str
    sure: bool
    table: tuple[str, ...] = ()


def colour_of(foreign: Foreign, told: Colour | None) -> Colour:
    """The channels' order: as told; one channel is grey; three are taken as RGB."""
    if told in ("rgb", "bgr") and foreign.channels == 1:
        raise PackInvalid(f"--colour {told} needs a model of three channels; this one has 1.")
    return told or ("grey" if foreign.channels == 1 else "rgb")


def told_scaling(foreign: Foreign, mean: Sequence[float] | None, std: Sequence[float] | None) -> Scaling | None:
    """What --mean and --std say; None where they say nothing. PackInvalid where they do not fit the model."""
    if mean is None and std is None:
        return None
    if foreign.prepared_inside:
        raise PackInvalid("The model takes bytes and scales them by itself; --mean and --std have nothing to do.")
    mean, std = tuple(mean or (0.0,)), tuple(std or (1.0,))
    for name, values in (("--mean", mean), ("--std", std)):
        if len(values) not in (1, foreign.channels):
            raise PackInvalid(f"{name} takes 1 or {foreign.channels} numbers for this model, got {len(values)}.")
        if not np.isfinite(values).all():
            raise PackInvalid(f"{name} takes finite numbers, got {_numbers(values)}.")
    if min(std) <= 0:
        raise PackInvalid(f"--std takes numbers above 0, got {_numbers(std)}.")
    return Scaling("as told", mean, std)


def candidates(foreign: Foreign, told: Colour | None) -> list[Preparation]:
    """What models usually take, the most usual first."""
    colour = colour_of(foreign, told)
    usual = [Preparation(colour, scaling) for scaling in (UNIT, SIGNED, BYTES)]
    if foreign.channels == 1:
        return usual
    turned = Scaling(IMAGENET.name, IMAGENET.mean[::-1], IMAGENET.std[::-1])
    imagenet = turned if colour == "bgr" else IMAGENET
    caffe = [Preparation("bgr", CAFFE)] if told in (None, "bgr") else []
    return [Preparation(colour, imagenet), *usual, *caffe]


def guess(
    foreign: Foreign, faces: Mapping[str, NDArray[np.uint8]], told: Colour | None, independent: bool = False
) -> Guess:
    """Choose the candidate that fits the model best.

    The running statistics of the first batch norm, where there is one, are what training showed it: that candidate is
    chosen under which the sample faces come nearest to them. Else it is the most usual one among those that do not
    saturate the model and under which its answers differ from face to face (mutual information of class and face)
    about as much as under the best.

    Parameters
    ----------
    faces
        Aligned sample faces by kind, "grey" uint8 [n, 1, size, size] and "rgb" uint8 [n, 3, size, size].
    independent
        Whether the model's outputs are sigmoids: see `as_probabilities`.
    """
    colour = colour_of(foreign, told)
    if foreign.prepared_inside:
        return Guess(Preparation(colour, None), "the model takes bytes and scales them by itself", sure=True)
    tried = candidates(foreign, told)
    inputs = [each.apply(faces[kind(each.colour)], foreign.channels) for each in tried]
    norm = first_norm(foreign)
    if norm is not None:
        return _by_norm(foreign, norm, tried, inputs)
    return _by_answers([as_probabilities(foreign.answers(pictures), independent) for pictures in inputs], tried)


def kind(colour: Colour) -> Literal["grey", "rgb"]:
    """How the pack cuts the face out: BGR models get RGB faces, turned round inside the graph."""
    return "grey" if colour == "grey" else "rgb"


@dataclass(frozen=True)
class Norm:
    """The first batch norm: a session that gives its input `source`, and what it learnt, float64 [channels]."""

    name: str
    source: str
    session: Any
    mean: Array
    variance: Array


def first_norm(foreign: Foreign) -> Norm | None:
    """Find the first batch norm with statistics of its own; exporters often fold it away."""
    model = onnx.load_model_from_string(foreign.content)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "BatchNormalization" and all(name in constants for name in node.input[3:5]):
            mean, variance = (onnx.numpy_helper.to_array(constants[name]).astype(float) for name in node.input[3:5])
            del model.graph.output[:]
            model.graph.output.append(onnx.ValueInfoProto(name=node.input[0]))
            session = open_session(model.SerializeToString())
            return Norm(node.name or node.output[0], node.input[0], session, mean, variance)
    return None


def _by_norm(foreign: Foreign, norm: Norm, tried: Sequence[Preparation], inputs: Sequence[Floats]) -> Guess:
    distances = []
    for pictures in inputs:
        seen = foreign.run(norm.session, norm.source, pictures)
        distances.append(divergence(seen, norm.mean, norm.variance))
    best, next_best = np.argsort(distances)[:2]
    clear = distances[next_best] > CLEAR * distances[best]
    evidence = (
        f"the sample faces come nearest to what batch norm '{norm.name}' saw in training (divergence "
        f"{distances[best]:.2g}, next {distances[next_best]:.2g}: {'clear' if clear else 'not clear, please check'})"
    )
    table = [f"{each.text}: divergence {value:.3g}" for each, value in zip(tried, distances, strict=True)]
    return Guess(tried[best], evidence, bool(clear), tuple(table))


def divergence(seen: Array, mean: Array, variance: Array) -> float:
    """Kullback-Leibler divergence of Gaussians, averaged over channels: `seen` [n, channels, ...] from the statistics.

    (s^2 / v + (m - mu)^2 / v - 1 - ln(s^2 / v)) / 2 with mean m and variance s^2 as seen, mu and v as learnt.
    """
    axes = tuple(axis for axis in range(seen.ndim) if axis != 1)
    ratio = np.maximum(seen.var(axis=axes), 1e-12) / np.maximum(variance, 1e-12)
    shift = (seen.mean(axis=axes) - mean) ** 2 / np.maximum(variance, 1e-12)
    return float(np.mean((ratio + shift - 1 - np.log(ratio)) / 2))


def _by_answers(answers: Sequence[Array], tried: Sequence[Preparation]) -> Guess:
    confidence = [float(rows.max(axis=1).mean()) for rows in answers]
    information = [_information(rows) for rows in answers]
    free = [k for k, value in enumerate(confidence) if value < SATURATED]
    most = max((information[k] for k in free), default=0.0)
    fitting = [k for k in free if information[k] >= ABOUT_AS_MUCH * most]
    best = fitting[0] if fitting else int(np.argmin(confidence))
    evidence = (
        "the model has no batch norm to compare with, so this is the most usual scaling under which its answers differ "
        f"from face to face ({information[best]:.2g} bit) without being saturated (mean confidence "
        f"{confidence[best]:.2f}): weak evidence, please check, and give --mean and --std if you know them"
    )
    table = [
        f"{each.text}: {bits:.2g} bit, mean confidence {sure:.3f}"
        for each, bits, sure in zip(tried, information, confidence, strict=True)
    ]
    return Guess(tried[best], evidence, sure=False, table=tuple(table))


def _information(rows: Array) -> float:
    """Mutual information of class and face, bits, from probabilities [faces, classes]."""

    def entropy(values: Array) -> Array:
        return np.asarray(-(values * np.log2(np.maximum(values, 1e-12))).sum(axis=-1))

    return float(entropy(rows.mean(axis=0)) - entropy(rows).mean())


def are_probabilities(rows: Array) -> bool:
    """Whether rows [n, classes] are distributions."""
    return bool((rows >= 0).all() and np.allclose(rows.sum(axis=1), 1, atol=2e-3))


def as_probabilities(rows: Array, independent: bool = False) -> Array:
    """Rows [n, classes] as distributions: as they are where they are some, else their softmax.

    Of `independent` outputs p, each of which says whether its own class applies, it is the probability of each class if
    exactly one applies, p / (1 - p) over the sum of these: the softmax of what stands before the sigmoids.
    """
    if independent:
        kept = np.clip(rows, 1e-12, 1 - 1e-12)
        rows = np.log(kept) - np.log1p(-kept)
    elif are_probabilities(rows):
        return rows
    odds = np.exp(rows - rows.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
