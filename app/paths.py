"""Where Mienscope keeps what belongs to the person, and where it finds what it brought along."""

from pathlib import Path
from typing import Final

import platformdirs

from core.blendshapes import FILE

APP_NAME: Final = "mienscope"


def assets() -> Path:
    """Folder of the icons, the style sheet and the demo clip."""
    return Path(__file__).resolve().parents[1] / "assets"


def settings_file() -> Path:
    """The file that holds the settings between two runs; it need not exist."""
    return Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)) / "settings.json"


def data_folder() -> Path:
    """Folder of imported packs and of caches that are dear to make; it need not exist."""
    return Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))


def atlas_folder() -> Path:
    """Folder of the neuron atlases that did not come with their pack; it need not exist."""
    return data_folder() / "atlases"


def face_landmarker() -> Path:
    """MediaPipe's face landmarker, where a person who has it puts it for the window; it need not exist."""
    return data_folder() / FILE


def snapshot_folder() -> Path:
    """Folder that snapshots go to; it need not exist."""
    return Path(platformdirs.user_pictures_dir()) / "Mienscope"
