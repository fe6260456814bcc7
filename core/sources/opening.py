"""From what a person names to a source."""

import sys
from pathlib import Path
from typing import Final

from core.errors import SourceNotFound
from core.sources.camera import Camera, CameraName, cameras
from core.sources.images import SUFFIXES, Images
from core.sources.source import Source
from core.sources.stream import SCHEMES, Stream
from core.sources.video import VideoFile

DEMO: Final = "demo"


def open_source(spec: str) -> Source:
    """Open whatever `spec` names.

    Parameters
    ----------
    spec
        "demo"; the number or the name of a camera; a URL (http, https, rtsp ...); a video file; a picture; a folder of
        pictures.
    """
    spec = spec.strip()
    if spec == DEMO:
        return VideoFile(demo_clip())
    if "://" in spec:
        return _open_url(spec)
    if spec.isdecimal():
        return _open_camera(int(spec))
    path = Path(spec).expanduser()
    if path.is_dir():
        return Images.of_folder(path)
    if path.exists():
        return Images.of_file(path) if path.suffix.lower() in SUFFIXES else VideoFile(path)
    return _open_named(spec)


def _open_url(url: str) -> Source:
    scheme, _, rest = url.partition("://")
    if scheme.lower() == "file":
        return open_source(rest)
    if scheme.lower() not in SCHEMES:
        raise SourceNotFound(f"There is no way to open '{scheme}' addresses. There is: {', '.join(SCHEMES)}.")
    return Stream(url)


def _open_camera(index: int) -> Source:
    names = {camera.index: camera.name for camera in cameras()} if sys.platform.startswith("linux") else {}
    return Camera(index, names.get(index))


def _open_named(spec: str) -> Source:
    """Open a camera by name; what is no camera either does not exist, and the message says what does."""
    if Path(spec).suffix and Path(spec).name != spec:
        raise SourceNotFound(f"There is no file {spec}. Check the name, or choose another file.")
    found = cameras()
    for camera in found:
        if camera.name.casefold() == spec.casefold():
            return Camera(camera.index, camera.name)
    raise SourceNotFound(f"There is no file, folder or camera '{spec}'. There is: {_what_there_is(found)}.")


def _what_there_is(found: list[CameraName]) -> str:
    """Say what could be opened instead."""
    names = [f"the camera '{camera.name}' ({camera.index})" for camera in found] or ["no camera"]
    return ", ".join([f"'{DEMO}' (the demo clip)", *names, "any video file, picture, folder of pictures or URL"])


def demo_clip() -> Path:
    """Find the demo clip: beside the packages in a checkout, or where an installed copy keeps its assets."""
    places = [Path(__file__).resolve().parents[2] / "assets", Path(sys.prefix) / "share" / "mienscope"]
    if bundle := getattr(sys, "_MEIPASS", None):  # where a frozen application unpacks itself
        places.insert(0, Path(bundle) / "assets")
    for place in places:
        if (clip := place / "demo.mp4").is_file():
            return clip
    raise SourceNotFound(
        f"The demo clip is missing: expected demo.mp4 in {' or '.join(str(place) for place in places)}. "
        "Install Mienscope again, or open another source."
    )
