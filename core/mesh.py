"""The 478-point face mesh of one face, from MediaPipe's own model, run on a crop of our choosing."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Box, Floats, Image, Similarity
from core.opencv import cv2

POINTS: Final = 478
INPUT_PX: Final = 192  # side of the network's input
MARGIN: Final = 1.5  # side of the crop over the longer side of the landmarks' box, as the model was trained

# MediaPipe's FaceLandmarkCpu subgraph hides the presence score and insists on a region of the frame. The same
# calculators, wired to take a finished crop and to give the score.
_GRAPH: Final = """
input_stream: "image"
output_stream: "landmarks"
output_stream: "presence"
input_side_packet: "with_attention"
node { calculator: "FaceLandmarksModelLoader"
  input_side_packet: "WITH_ATTENTION:with_attention" output_side_packet: "MODEL:model" }
node { calculator: "TfLiteCustomOpResolverCalculator" output_side_packet: "OP_RESOLVER:op_resolver" }
node { calculator: "ImageToTensorCalculator" input_stream: "IMAGE:image" output_stream: "TENSORS:input"
  options { [mediapipe.ImageToTensorCalculatorOptions.ext] {
    output_tensor_width: 192 output_tensor_height: 192 output_tensor_float_range { min: 0.0 max: 1.0 } } } }
node { calculator: "InferenceCalculator" input_stream: "TENSORS:input" output_stream: "TENSORS:output"
  input_side_packet: "MODEL:model" input_side_packet: "OP_RESOLVER:op_resolver"
  options { [mediapipe.InferenceCalculatorOptions.ext] { delegate { xnnpack { num_threads: 1 } } } } }
node { calculator: "SplitTensorVectorCalculator" input_stream: "output"
  output_stream: "points" output_stream: "flag"
  options { [mediapipe.SplitVectorCalculatorOptions.ext] {
    ranges { begin: 0 end: 6 } ranges { begin: 6 end: 7 } } } }
node { calculator: "TensorsToFloatsCalculator" input_stream: "TENSORS:flag" output_stream: "FLOAT:presence"
  options { [mediapipe.TensorsToFloatsCalculatorOptions.ext] { activation: SIGMOID } } }
node { calculator: "TensorsToFaceLandmarksWithAttention"
  input_stream: "TENSORS:points" output_stream: "LANDMARKS:landmarks" }
"""


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what native code writes to standard error away from the user while a model starts.

    If the block raises, what was held back is added to the exception as a note.
    """
    with tempfile.TemporaryFile() as held:
        saved = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        except Exception as error:
            held.seek(0)
            error.add_note(held.read().decode(errors="replace")) if hasattr(error, "add_note") else None
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


class Graph:
    """A MediaPipe graph that takes one picture at a time, on the stream "image", in the calling thread.

    MediaPipe's own front end (`SolutionBase`) costs more than a millisecond per picture for its bookkeeping.
    """

    def __init__(self, config: str, outputs: tuple[str, ...], *, with_attention: bool | None = None) -> None:
        _register_options()
        from google.protobuf import text_format
        from mediapipe.framework import calculator_pb2
        from mediapipe.python import packet_creator
        from mediapipe.python._framework_bindings import calculator_graph, resource_util

        resource_util.set_resource_dir(str(Path(calculator_pb2.__file__).parents[2]))
        parsed = text_format.Parse(config + _IN_CALLING_THREAD, calculator_pb2.CalculatorGraphConfig())
        side = {} if with_attention is None else {"with_attention": packet_creator.create_bool(with_attention)}
        self._packets: dict[str, Any] = {}
        self._turn = 0
        with quiet_stderr():
            self._graph = calculator_graph.CalculatorGraph(graph_config=parsed)
            for name in outputs:
                self._graph.observe_output_stream(name, self._packets.__setitem__, False)
            self._graph.start_run(side)
            self.run(np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8))  # the first picture makes the noise and takes long

    def run(self, image: Image) -> dict[str, Any]:
        """Process an RGB picture, uint8 [height, width, 3]; return the packets that came out, by stream."""
        from mediapipe.python import packet_creator
        from mediapipe.python._framework_bindings import image_frame

        self._turn += 1
        self._packets.clear()
        packet = packet_creator.create_image_frame(
            np.ascontiguousarray(image), image_format=image_frame.ImageFormat.SRGB
        )
        self._graph.add_packet_to_input_stream("image", packet.at(self._turn))
        self._graph.wait_until_idle()
        return self._packets

    def close(self) -> None:
        """Release the model."""
        self._graph.close()


_IN_CALLING_THREAD: Final = 'executor { name: "" type: "ApplicationThreadExecutor" }'


def _register_options() -> None:
    """Import the modules that make the option messages known which the text form of a graph names."""
    from mediapipe.calculators.core import split_vector_calculator_pb2  # noqa: F401
    from mediapipe.calculators.tensor import (  # noqa: F401
        image_to_tensor_calculator_pb2,
        inference_calculator_pb2,
        tensors_to_floats_calculator_pb2,
    )
    from mediapipe.modules.face_detection import face_detection_pb2  # noqa: F401


def region_of_box(box: Box, rotation_rad: float = 0.0) -> Similarity:
    """The transform from the frame to a mesh crop around a face box (a detector's, frame px), upright by default."""
    return _region(box.centre, max(box.width, box.height) * MARGIN, rotation_rad)


def region_of_landmarks(landmarks: Floats) -> Similarity:
    """The transform from the frame to a mesh crop around known landmarks, turned so that the eyes are level."""
    right = landmarks[list(RIGHT_EYE_CORNERS), :2].mean(axis=0)
    left = landmarks[list(LEFT_EYE_CORNERS), :2].mean(axis=0)
    angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    levelled = Similarity(np.cos(-angle), np.sin(-angle), 0.0, 0.0)
    box = Box.around(levelled.apply(landmarks[:, :2]))
    (centre,) = levelled.inverse().apply(np.array([box.centre], np.float32))
    return _region((float(centre[0]), float(centre[1])), max(box.width, box.height) * MARGIN, angle)


def _region(centre: tuple[float, float], side_px: float, rotation_rad: float) -> Similarity:
    scale = INPUT_PX / max(side_px, 1.0)
    a, b = scale * np.cos(-rotation_rad), scale * np.sin(-rotation_rad)
    middle = (INPUT_PX - 1) / 2
    x, y = centre
    return Similarity(float(a), float(b), float(middle - (a * x - b * y)), float(middle - (b * x + a * y)))


def view(image: Image, region: Similarity) -> Image:
    """The network's input: uint8 [192, 192, 3], bilinear samples of the picture, as the model was trained on.

    A large face is first averaged down by a whole factor. Only the pixels under it are touched, so that the size of the
    picture does not count; `core.geometry.crop` would take 10 ms for a face of 500 px.
    """
    factor = int(np.clip(1 / region.scale, 1, 32))
    last = INPUT_PX - 1
    corners = region.inverse().apply(np.array([(0, 0), (last, 0), (last, last), (0, last)], np.float32))
    height, width = image.shape[:2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)) - factor, 0, (width - 1, height - 1)).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)) + factor, 0, (width, height)).astype(int).tolist()
    columns, rows = max((x1 - x0) // factor, 1), max((y1 - y0) // factor, 1)
    part: NDArray[Any] = image[y0 : y0 + rows * factor, x0 : x0 + columns * factor]
    if factor > 1:
        part = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    to_image = Similarity(factor, 0.0, x0 + (factor - 1) / 2, y0 + (factor - 1) / 2)
    matrix = region.after(to_image).matrix
    sampled = cv2.warpAffine(
        part, matrix, (INPUT_PX, INPUT_PX), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return sampled.astype(np.uint8, copy=False)


def serialized(packet: object) -> bytes:
    """Wire form of the message in a packet; to parse it into Python objects takes a third of a millisecond more."""
    from mediapipe.python._framework_bindings import _packet_getter

    message: bytes = _packet_getter._get_serialized_proto(packet)
    return message


# One NormalizedLandmark of a NormalizedLandmarkList: tag and length, then three times a tag and a float.
_LANDMARK: Final = np.dtype(
    [("head", "V2"), ("_x", "V1"), ("x", "<f4"), ("_y", "V1"), ("y", "<f4"), ("_z", "V1"), ("z", "<f4")]
)


def landmarks_of(message: bytes) -> Floats:
    """Read the wire form of a NormalizedLandmarkList of 478 points: float32 [478, 3]."""
    if len(message) != POINTS * _LANDMARK.itemsize:
        raise ValueError(f"expected {POINTS} landmarks of {_LANDMARK.itemsize} bytes, got {len(message)} bytes")
    fields = np.frombuffer(message, _LANDMARK)
    return np.stack([fields["x"], fields["y"], fields["z"]], axis=1)


class Mesh:
    """MediaPipe's face mesh with attention. One instance serves one thread."""

    def __init__(self) -> None:
        self._graph = Graph(_GRAPH, ("landmarks", "presence"), with_attention=True)

    def fit(self, image: Image, region: Similarity) -> tuple[Floats, float]:
        """Fit the mesh to one face.

        Parameters
        ----------
        image
            RGB uint8 [height, width, 3].
        region
            From the frame to the mesh crop, see `region_of_box` and `region_of_landmarks`.

        Returns
        -------
        landmarks
            float32 [478, 3]: x and y in frame px; z in px at the same scale, smaller is nearer to the camera.
        presence
            How sure the model is that the crop holds a face, 0..1.
        """
        from mediapipe.python import packet_getter

        packets = self._graph.run(view(image, region))
        points = landmarks_of(serialized(packets["landmarks"])) * INPUT_PX
        to_frame = region.inverse()
        points[:, :2] = to_frame.apply(points[:, :2] - 0.5)
        points[:, 2] *= to_frame.scale
        return points, float(packet_getter.get_float(packets["presence"]))

    def close(self) -> None:
        """Release the model."""
        self._graph.close()
