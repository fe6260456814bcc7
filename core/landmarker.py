"""Running MediaPipe's face landmarker for a second opinion on action units; see `core.blendshapes`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.blendshapes import FILE, NAMES, Blendshapes
from core.errors import BlendshapesUnavailable
from core.geometry import Box, Floats, Image
from core.mesh import quiet_stderr
from core.recent import Recent
from core.types import FaceObservation

MARGIN: Final = 2.0  # side of the picture that is looked at, over the longer side of the face: its detector needs room
EVERY_S: Final = 0.2  # on frames that flow a face is asked about so often: it costs as much as everything else together
KEPT_S: Final = 1.0  # and no longer shown after


class Landmarker:
    """MediaPipe's face landmarker, opened when first needed, on the faces of a video.

    Parameters
    ----------
    path
        The file `face_landmarker.task`.

    Attributes
    ----------
    problem
        What keeps it from reading any more; None while it works.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: Exception | None = None
        self._model: Any = None
        self._recent = Recent[Blendshapes](KEPT_S)

    def open(self) -> None:
        """Load the models. BlendshapesUnavailable where there is no such file, or it is another."""
        from mediapipe.tasks.python import BaseOptions
        from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions

        if self._model is not None:
            return
        try:
            # Read here: MediaPipe's own reader takes no path with letters beyond ASCII on every system.
            asset = BaseOptions(model_asset_buffer=self.path.read_bytes())
            options = FaceLandmarkerOptions(base_options=asset, output_face_blendshapes=True, num_faces=1)
            with quiet_stderr():
                self._model = FaceLandmarker.create_from_options(options)
        except OSError as error:
            raise BlendshapesUnavailable(
                f"MediaPipe's {FILE} was expected at {self.path}, which cannot be read: {error.strerror}."
            ) from error
        except (ValueError, RuntimeError) as error:
            raise BlendshapesUnavailable(
                f"{self.path} was expected to be MediaPipe's {FILE}, models with blendshapes; it is not."
            ) from error

    def read(
        self, faces: Sequence[FaceObservation], image: Image, timestamp_s: float, in_turn: bool = False
    ) -> list[Blendshapes | Exception | None]:
        """Read the faces of a frame, RGB uint8 [height, width, 3].

        Parameters
        ----------
        in_turn
            Whether at most one face is read, the one that has waited longest, and none more often than every
            `EVERY_S`; the others keep what was read last, which states its own time.

        Returns
        -------
            One each; None where MediaPipe finds no face, or has not come to it yet; the error where it cannot run.
        """
        if self.problem is not None:
            return [self.problem] * len(faces)
        try:
            self.open()
            for face in self._due(faces, timestamp_s) if in_turn else faces:
                self._take(face.face_id, self._read(image, face.landmarks, timestamp_s))
        except Exception as error:  # whatever the library raises: pain is measured all the same, and says so
            self.problem = error
            return [error] * len(faces)
        return [self._recent.get(face.face_id, timestamp_s) for face in faces]

    def close(self) -> None:
        """Release the models."""
        if self._model is not None:
            self._model.close()
            self._model = None

    def _due(self, faces: Sequence[FaceObservation], now_s: float) -> list[FaceObservation]:
        """The face whose turn it is, if it is anybody's."""

        def waited_s(face: FaceObservation) -> float:
            return self._recent.waited_s(face.face_id, now_s)

        longest = max(faces, key=waited_s, default=None)
        return [longest] if longest is not None and waited_s(longest) >= EVERY_S else []

    def _take(self, face_id: int, found: Blendshapes | None) -> None:
        if found is None:
            self._recent.drop(face_id)
        else:
            self._recent.put(face_id, found, found.timestamp_s)

    def _read(self, image: Image, landmarks: Floats, timestamp_s: float) -> Blendshapes | None:
        """Read the face with these landmarks, float32 [478, 3], px of the frame."""
        import mediapipe

        height, width = image.shape[:2]
        box = Box.around(landmarks).squared().scaled(MARGIN)
        x0, y0 = max(int(box.x), 0), max(int(box.y), 0)
        x1, y1 = min(int(np.ceil(box.right)), width), min(int(np.ceil(box.bottom)), height)
        if x1 <= x0 or y1 <= y0:
            return None
        part = np.ascontiguousarray(image[y0:y1, x0:x1])
        found = self._model.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=part))
        if not found.face_blendshapes:
            return None
        values = {each.category_name: float(each.score) for each in found.face_blendshapes[0]}
        return Blendshapes({name: values[name] for name in NAMES}, timestamp_s)
