"""OpenCV without its hold on Qt: `from core.opencv import cv2`.

On Linux, importing cv2 points QT_QPA_PLATFORM_PLUGIN_PATH and QT_QPA_FONTDIR at the Qt inside its own wheel; a window
of another Qt that is opened afterwards may look for its plugins there. The variables are dropped here, or given back
what the person had set. cv2 sets them once, when it is first loaded, so one place is enough: every module of ours that
uses it leads here, by itself or through `core.geometry`, and a test walks the imports to hold that. It is not done in
`core/__init__.py`: importing cv2 there would cost every command 0.2 s, and where cv2 cannot be loaded at all (a missing
libGL) even `mienscope doctor` could not say so.
"""

import os
from typing import Final

QT_VARIABLES: Final = ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")

_before = {name: os.environ.get(name) for name in QT_VARIABLES}

import cv2  # noqa: E402 - what stood in the environment had to be read first

_own = os.path.dirname(os.path.abspath(cv2.__file__))
for _name, _value in _before.items():
    os.environ.pop(_name, None)
    if _value is not None and not os.path.abspath(_value).startswith(_own):
        os.environ[_name] = _value

__all__ = ["QT_VARIABLES", "cv2"]
