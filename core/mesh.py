"""The 478-point face mesh of one face, from MediaPipe's own model, run on a crop of our choosing."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from core.geometry import LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS, Box, Floats, Image, Similarity, crop

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


def mediapipe_graph(config: str, outputs: list[str], side_inputs: dict[str, Any]) -> Any:
    """Start a MediaPipe graph from its text form. The graph's `process` takes and gives named packets."""
    # Importing these modules registers the option messages that the text form names.
    from google.protobuf import text_format
    from mediapipe.calculators.core import split_vector_calculator_pb2  # noqa: F401
    from mediapipe.calculators.tensor import (  # noqa: F401
        image_to_tensor_calculator_pb2,
        inference_calculator_pb2,
        tensors_to_floats_calculator_pb2,
    )
    from mediapipe.framework import calculator_pb2
    from mediapipe.python.solution_base import SolutionBase

    graph = text_format.Parse(config, calculator_pb2.CalculatorGraphConfig())
    return SolutionBase(graph_config=graph, side_inputs=side_inputs, outputs=outputs)


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


class Mesh:
    """MediaPipe's face mesh with attention. One instance serves one thread."""

    def __init__(self) -> None:
        with quiet_stderr():
            self._graph = mediapipe_graph(_GRAPH, ["landmarks", "presence"], {"with_attention": True})
            self._graph.process({"image": np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8)})

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
        packets = self._graph.process({"image": crop(image, region, INPUT_PX)})
        points = np.array([(p.x, p.y, p.z) for p in packets.landmarks.landmark], np.float32) * INPUT_PX
        to_frame = region.inverse()
        points[:, :2] = to_frame.apply(points[:, :2] - 0.5)
        points[:, 2] *= to_frame.scale
        return points, float(packets.presence)

    def close(self) -> None:
        """Release the model."""
        self._graph.close()
