"""The values that flow from stage to stage, in the order in which they arise.

::

    Source -- Frame --> Pipeline -- Result --> view, exporter
                        Result
                        |-- FaceResult, one per face
                        |   |-- FaceObservation   where the face is
                        |   |-- Crop              the face as the model sees it
                        |   |-- Prediction        what the model reads in it
                        |   |-- Explanation       which pixels of the crop produced that
                        |   |-- RegionRelevance   how much each face region counted
                        |   |-- Contrast          where that lies which tells it from the runner-up
                        |   |-- LandmarkReading   what a landmark network reads in the mesh, and from which points
                        |   |-- PainReading       action units and PSPI, or why they cannot be measured
                        |   `-- NetworkPain       what the network itself reads of PSPI, and how far both agree
                        `-- Features     what one layer makes of one face, where somebody looks into it

All are frozen and their arrays are read-only, so they may cross threads. Pictures are RGB. Frame coordinates are pixels
of the frame's image, crop coordinates pixels of the aligned crop; `to_frame` leads from the latter to the former.
"""

from core.types.frames import Crop, FaceObservation, Frame
from core.types.landmarks import LandmarkReading, LandmarkWait, PointRelevance
from core.types.pain import Agreement, NetworkPain
from core.types.relevance import OUTSIDE_LIMIT, Contrast, Explanation, RegionRelevance
from core.types.results import FaceResult, Features, Result
from core.types.scores import Prediction

__all__ = [
    "OUTSIDE_LIMIT",
    "Agreement",
    "Contrast",
    "Crop",
    "Explanation",
    "FaceObservation",
    "FaceResult",
    "Features",
    "Frame",
    "LandmarkReading",
    "LandmarkWait",
    "NetworkPain",
    "PointRelevance",
    "Prediction",
    "RegionRelevance",
    "Result",
]
