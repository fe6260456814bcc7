"""Where frames come from: cameras, video files, streams, pictures and the demo clip, all behind `Source`.

Pictures leave here as RGB; BGR lives only inside this package.
"""

from core.sources.camera import Camera, CameraName, cameras
from core.sources.images import Images, read_image
from core.sources.opening import DEMO, demo_clip, open_source
from core.sources.prefetch import Prefetch
from core.sources.source import Source
from core.sources.stream import Stream, without_password
from core.sources.video import VideoFile

__all__ = [
    "DEMO",
    "Camera",
    "CameraName",
    "Images",
    "Prefetch",
    "Source",
    "Stream",
    "VideoFile",
    "cameras",
    "demo_clip",
    "open_source",
    "read_image",
    "without_password",
]
