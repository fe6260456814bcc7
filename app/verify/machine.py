"""Findings for a program to read: every figure as JSON, the mean maps as arrays."""

import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from core.errors import ExportError
from core.verification.findings import Findings, MeanMaps

FORMAT: Final = 1
# Images are rows of the Parquet table, maps arrays of the npz; times differ from run to run.
_ELSEWHERE: Final = frozenset({"records", "maps", "stages_s"})
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # of files in the archive, so that equal findings give equal bytes


def document(findings: Findings) -> dict[str, Any]:
    """Everything but images and maps, ready for JSON: NaN becomes null, the parts of a key are joined by " | "."""
    return {"format": FORMAT, "notice": "Mienscope is not a medical device."} | {
        field.name: _plain(getattr(findings, field.name)) for field in fields(findings) if field.name not in _ELSEWHERE
    }


def write_document(content: Mapping[str, Any], path: Path) -> None:
    """Write JSON. ExportError where it cannot be written."""
    write(path, (json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace"))


def write_maps(maps: MeanMaps, path: Path) -> None:
    """Write the mean maps: `<class>/<seed>/<group>` float32 [side, side], and `landmarks` float32 [478, 2]."""
    arrays = {f"{each.label}/{each.seed}/{each.group}": each.density for each in maps.maps}
    if maps.landmarks is not None:
        arrays["landmarks"] = maps.landmarks
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, np.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())
    write(path, held.getvalue())


def write(path: Path, content: bytes) -> None:
    """Write a file. ExportError where it cannot be written."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ExportError(f"The result cannot be written to {path}: {error.strerror}.") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if is_dataclass(value) and not isinstance(value, type):
        skipped = {"density"} if hasattr(value, "place") else frozenset()  # maps of single images are not kept
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name not in skipped}
    if isinstance(value, Mapping):
        return {_key(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | frozenset):
        return [_plain(each) for each in value]
    return value


def _key(key: Any) -> str:
    return " | ".join(map(str, key)) if isinstance(key, tuple) else f"{key}"
