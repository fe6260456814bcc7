"""Cameras on this machine, through OpenCV."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from core.errors import SourceBusy, SourceNotFound, SourceSilent
from core.geometry import Image
from core.opencv import cv2
from core.sources.source import Source
from core.types import Frame

READ_TIMEOUT_S: Final = 5.0
RETRY_S: Final = 0.02
# What a camera is asked for; one that cannot gives what it can.
SIZE: Final = (1280, 720)
RATE_HZ: Final = 30.0
# Elsewhere than on Linux cameras have to be tried one after the other; more than this many nobody connects.
MOST_CAMERAS: Final = 8
LINUX_CAMERAS: Final = Path("/sys/class/video4linux")


@dataclass(frozen=True)
class CameraName:
    """A camera as it can be chosen: `index` for OpenCV, `name` for people."""

    index: int
    name: str


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`; a fake camera is one of these."""

    def isOpened(self) -> bool: ...  # noqa: D102, N802 - OpenCV's names
    def read(self) -> tuple[bool, Any]: ...  # noqa: D102
    def get(self, propId: int) -> float: ...  # noqa: D102, N803
    def set(self, propId: int, value: float) -> bool: ...  # noqa: D102, N803
    def release(self) -> None: ...  # noqa: D102


def open_capture(index: int) -> Capture:
    """Open a camera with the system's own interface."""
    # The longest that V4L2 may block in one read, s. It is 10 otherwise, and nothing could be stopped meanwhile.
    os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
    if not sys.platform.startswith("linux"):
        return cv2.VideoCapture(index)
    capture = cv2.VideoCapture(index, cv2.CAP_V4L2)
    # Uncompressed, USB cameras reach 1280x720 at 10 frames/s only.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    return capture


def cameras(folder: Path = LINUX_CAMERAS) -> list[CameraName]:
    """List the cameras of this machine; on Linux with their names, elsewhere by opening each for a moment."""
    if sys.platform.startswith("linux"):
        return _linux_cameras(folder)
    found = []
    for index in range(MOST_CAMERAS):
        capture = open_capture(index)
        opened = capture.isOpened()
        capture.release()
        if not opened:
            break
        found.append(CameraName(index, f"Camera {index}"))
    return found


def _linux_cameras(folder: Path) -> list[CameraName]:
    """Read the names that the kernel gives; of a camera's several nodes only the first delivers pictures."""
    found: list[CameraName] = []
    for node in sorted(folder.glob("video*"), key=lambda node: int(node.name[5:]) if node.name[5:].isdigit() else -1):
        if not node.name[5:].isdigit() or _first_line(node / "index", "0") != "0":
            continue
        index = int(node.name[5:])
        name = _first_line(node / "name", f"Camera {index}")
        twins = sum(name in (other.name, other.name.rpartition(" (")[0]) for other in found)
        found.append(CameraName(index, f"{name} ({twins + 1})" if twins else name))
    return found


def _first_line(path: Path, otherwise: str) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or otherwise
    except OSError:
        return otherwise


class Camera(Source):
    """A camera. Timestamps are seconds since opening, by the monotonic clock.

    Parameters
    ----------
    index
        Which camera, as OpenCV counts.
    name
        What to call it.
    read_timeout_s
        How long a picture may take before the camera counts as silent.
    opener
        Opens the device.
    exists
        Whether the device is (still) there; None where nobody can tell.
    """

    def __init__(
        self,
        index: int,
        name: str | None = None,
        *,
        read_timeout_s: float = READ_TIMEOUT_S,
        opener: Callable[[int], Capture] = open_capture,
        exists: Callable[[int], bool | None] | None = None,
    ) -> None:
        self.name = name or f"Camera {index}"
        self.live = True
        self._device = index
        self._exists = exists or _device_exists
        self._read_timeout_s = read_timeout_s
        self._capture = opener(index)
        if not self._capture.isOpened():
            self._capture.release()
            raise self._cannot_open()
        self._configure()
        self._opened_s = time.monotonic()
        self._index = 0
        self._closed = False

    def _configure(self) -> None:
        capture = self._capture
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, SIZE[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, SIZE[1])
        capture.set(cv2.CAP_PROP_FPS, RATE_HZ)
        width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.size = (width, height) if width > 0 and height > 0 else None
        self.fps = capture.get(cv2.CAP_PROP_FPS) or None

    def _cannot_open(self) -> SourceNotFound | SourceBusy:
        there = self._exists(self._device)
        if there is False:
            return SourceNotFound(f"{self.name} is not connected. Plug it in, or choose another source.")
        if there and not os.access(f"/dev/video{self._device}", os.R_OK | os.W_OK):
            return SourceBusy(
                f"{self.name} may not be opened: you have no right to use /dev/video{self._device}. "
                "On most systems it helps to join the group 'video' and to log in again."
            )
        if there:
            return SourceBusy(f"{self.name} is in use by another program. Close that program and try again.")
        return SourceBusy(
            f"{self.name} cannot be opened: it is not connected, in use by another program, or the system does not "
            "allow it. Check the camera and the privacy settings, or choose another source."
        )

    def read(self) -> Frame | None:
        """Give the next picture, waiting for it; None once closed."""
        deadline_s = time.monotonic() + self._read_timeout_s
        while not self._closed:
            ok, bgr = self._capture.read()
            now_s = time.monotonic()
            if ok and bgr is not None:
                index, self._index = self._index, self._index + 1
                return Frame(_rgb(bgr), index, now_s - self._opened_s, now_s)
            self._check_there()
            if now_s >= deadline_s:
                raise SourceSilent(
                    f"{self.name} is open, but gave no picture for {self._read_timeout_s:g} s. It may be unplugged, "
                    "switched off, or used by another program. Check it, then open it again."
                )
            time.sleep(RETRY_S)
        return None

    def _check_there(self) -> None:
        if self._exists(self._device) is False:
            self._closed = True
            raise SourceNotFound(f"{self.name} was unplugged. Plug it in again, then open it again.")

    def close(self) -> None:
        """Give the camera back."""
        if not self._closed or self._capture.isOpened():
            self._closed = True
            self._capture.release()


def _rgb(bgr: Any) -> Image:
    """Turn a driver's picture, BGR or grey, into RGB uint8 [h, w, 3]."""
    code = cv2.COLOR_BGR2RGB if np.ndim(bgr) == 3 and np.shape(bgr)[2] == 3 else cv2.COLOR_GRAY2RGB
    return np.asarray(cv2.cvtColor(bgr, code), dtype=np.uint8)


def _device_exists(index: int) -> bool | None:
    """Tell whether the device node is there; None on systems without such nodes."""
    return Path(f"/dev/video{index}").exists() if sys.platform.startswith("linux") else None
