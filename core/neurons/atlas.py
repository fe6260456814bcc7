"""The neuron atlas: what the filters of one pack look for, in one file beside its model.

::

    header                   JSON text: which model, which pictures, whose action units
    <n>/reach, <n>/patterns  arrays of layer n of the header, as `LayerAtlas` names them

The file is an npz without pickles: `neurons.npz` in the pack's folder, or named by the model in the user's folder.
"""

import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.errors import AtlasInvalid
from core.geometry import Floats
from core.packs import ATLAS, Pack

MIDDLE: Final = 128  # the grey of a pattern where no pixel counts; darker counts against, lighter for
BEST: Final = 3  # action units that are kept for each filter
NO_UNIT: Final = 0
LARGEST: Final = 1 << 28  # bytes of an atlas once unpacked; one of 2,000 filters with four patterns of 64 px has 2^25
# What each array of a layer holds: f filters, s pattern shown, p px, b bins of a histogram.
ARRAYS: Final[Mapping[str, tuple[str, tuple[str | int, ...]]]] = {
    "reach": ("float32", ("f",)),
    "alive": ("float32", ("f",)),
    "patterns": ("uint8", ("f", "s", "p", "p")),
    "units": ("int16", ("f", BEST)),
    "divergences": ("float32", ("f", BEST)),
    "p_values": ("float32", ("f", BEST)),
    "q_values": ("float32", ("f", BEST)),
    "edges": ("float32", ("f", "b+1")),
    "present": ("float32", ("f", BEST, "b")),
    "absent": ("float32", ("f", BEST, "b")),
}
SHARES: Final = ("alive", "p_values", "q_values", "present", "absent")  # these lie between 0 and 1


@dataclass(frozen=True, eq=False)
class LayerAtlas:
    """What the filters of one layer look for.

    Attributes
    ----------
    support_px
        Side of what each pattern shows, in px of the crop; patterns that were too large are stored smaller.
    reach
        float32 [filters], the 99th percentile of the spatial maximum over the pictures, in the layer's unit: the full
        scale of a live bar.
    alive
        float32 [filters], share of pictures in which the spatial maximum is above 0.
    patterns
        uint8 [filters, shown, p, p], grey: by which pixels the maximum of the strongest pictures came about, signed
        around `MIDDLE`, each on its own scale; `MIDDLE` everywhere for a filter that was never active.
    units
        int16 [filters, 3]: action units whose presence goes with higher maxima, significant ones first, then by
        divergence; 0 where there are fewer.
    divergences, p_values, q_values
        float32 [filters, 3], of those units: D_KL(Q || P0) in nats (SCIENCE 1.2), its permutation test, and the same
        under control of false discoveries over all pairs of filter and unit. NaN where the unit is 0.
    edges
        float32 [filters, bins + 1], of the histograms, in the layer's unit.
    present, absent
        float32 [filters, 3, bins]: Q and P0 of those units, smoothed, each sums to 1; NaN where the unit is 0.
    level
        Largest q-value that counts as a finding.
    """

    support_px: int
    reach: Floats
    alive: Floats
    patterns: NDArray[np.uint8]
    units: NDArray[np.int16]
    divergences: Floats
    p_values: Floats
    q_values: Floats
    edges: Floats
    present: Floats
    absent: Floats
    level: float

    def __post_init__(self) -> None:
        sizes: dict[str, int] = {}
        for name, (dtype, axes) in ARRAYS.items():
            _check(name, getattr(self, name), dtype, axes, sizes)
        _check_meaning(self)

    @property
    def filters(self) -> int:
        """How many filters the layer has."""
        return len(self.reach)

    @cached_property
    def unit(self) -> NDArray[np.int16]:
        """int16 [filters]: the action unit that names each filter; 0 where none is significant."""
        with np.errstate(invalid="ignore"):
            return np.where(self.q_values[:, 0] <= self.level, self.units[:, 0], NO_UNIT).astype(np.int16)

    @property
    def divergence(self) -> Floats:
        """float32 [filters]: D_KL of the first unit, in nats."""
        return self.divergences[:, 0]

    @property
    def p_value(self) -> Floats:
        """float32 [filters]: of the first unit."""
        return self.p_values[:, 0]

    @property
    def q_value(self) -> Floats:
        """float32 [filters]: of the first unit."""
        return self.q_values[:, 0]


def _check(name: str, array: NDArray[Any], dtype: str, axes: tuple[str | int, ...], sizes: dict[str, int]) -> None:
    """AtlasInvalid unless an array is what the format says; `sizes` collects what the letters stand for."""
    fits = array.dtype == dtype and array.ndim == len(axes) and array.size > 0
    if fits:
        for axis, length in zip(axes, array.shape, strict=True):
            letter, size = ("b", length - 1) if axis == "b+1" else (axis, length)
            fits = fits and size == (letter if isinstance(letter, int) else sizes.setdefault(letter, size))
    if not fits:
        wanted = ", ".join(str(sizes.get(axis, axis) if isinstance(axis, str) else axis) for axis in axes)
        raise AtlasInvalid(
            f"A neuron atlas holds `{name}` as {dtype} [{wanted}], got {array.dtype} {list(array.shape)}."
        )


def _check_meaning(layer: LayerAtlas) -> None:
    """AtlasInvalid where numbers are there that cannot be."""
    named = layer.units != NO_UNIT
    if (layer.units < 0).any() or layer.support_px < 1 or not 0 < layer.level < 1:
        raise AtlasInvalid("A neuron atlas has units from 0, supports from 1 px, and a level between 0 and 1.")
    for name in ("reach", "alive", "edges"):
        if not np.isfinite(getattr(layer, name)).all():
            raise AtlasInvalid(f"`{name}` of a neuron atlas is not finite.")
    for name in ("divergences", "p_values", "q_values", "present", "absent"):
        values = getattr(layer, name)
        if not np.isfinite(values[named]).all() or not np.isnan(values[~named]).all():
            raise AtlasInvalid(f"`{name}` of a neuron atlas must be a number where there is a unit, and only there.")
    for name in SHARES:
        values = getattr(layer, name)
        if (values < 0).any() or (values > 1).any():
            raise AtlasInvalid(f"`{name}` of a neuron atlas lies between 0 and 1.")
    if (np.diff(layer.edges, axis=1) < 0).any():
        raise AtlasInvalid("`edges` of a neuron atlas must rise.")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LayerHeader(_Strict):
    """What a layer's arrays do not say: its key (see `core.explain.feature_layers`), and the side of its patterns."""

    key: Annotated[str, Field(min_length=1)]
    support_px: Annotated[int, Field(ge=1)]


class Header(_Strict):
    """What the arrays of an atlas are about.

    Attributes
    ----------
    corpus
        For people: which pictures the maxima were looked for in.
    images, labelled
        How many of them, and how many with action units.
    label_source
        For people: where the action units come from.
    method
        Key of the method that drew the patterns.
    permutations
        How many the significance of a unit rests on.
    level
        Largest q-value that counts as a finding.
    """

    format: Literal[1]
    model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    corpus: str
    images: Annotated[int, Field(ge=1)]
    label_source: str
    labelled: Annotated[int, Field(ge=0)]
    method: str
    permutations: Annotated[int, Field(ge=0)]
    level: Annotated[float, Field(gt=0, lt=1)]
    layers: Annotated[list[LayerHeader], Field(min_length=1)]


@dataclass(frozen=True, eq=False)
class NeuronAtlas:
    """What the filters of one pack look for. `layers` has the keys of `core.explain.feature_layers`."""

    header: Header
    layers: Mapping[str, LayerAtlas]

    def __post_init__(self) -> None:
        named = [layer.key for layer in self.header.layers]
        if named != list(self.layers) or len(set(named)) < len(named):
            raise AtlasInvalid(f"The header of a neuron atlas names the layers {named}; there are {list(self.layers)}.")

    @property
    def label_source(self) -> str:
        """Where the action units come from, for people."""
        return self.header.label_source

    @classmethod
    def find(cls, pack: Pack, folder: Path | None) -> "NeuronAtlas | None":
        """The pack's own atlas, or the one in the user's folder of atlases; None where nobody made one.

        AtlasInvalid where there is one that is damaged, or of another model.
        """
        shipped = pack.folder / ATLAS
        kept = None if folder is None else folder / file_name(pack)
        path = shipped if ATLAS in pack.manifest.sha256 else kept
        if path is None or not path.is_file():
            return None
        atlas = cls.read(path)
        if atlas.header.model_sha256 != pack.model_sha256:
            raise AtlasInvalid(
                f"{path.name} is the atlas of another model than pack {pack.id} "
                f"(expected {pack.model_sha256[:12]}..., got {atlas.header.model_sha256[:12]}...)."
            )
        return atlas

    @classmethod
    def read(cls, path: Path) -> "NeuronAtlas":
        """Read and check an atlas. AtlasInvalid says what is wrong with the file."""
        arrays = _arrays(path)
        try:
            header = Header.model_validate_json(str(arrays.pop("header", "")))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "it"
            raise AtlasInvalid(f"The header of {path.name} is not valid: {where}: {first['msg']}.") from error
        wanted = {f"{n}/{name}" for n in range(len(header.layers)) for name in ARRAYS}
        if set(arrays) != wanted:
            raise AtlasInvalid(f"{path.name} lacks or adds arrays: {', '.join(sorted(set(arrays) ^ wanted)[:5])}.")
        layers = {
            layer.key: LayerAtlas(
                layer.support_px, level=header.level, **{name: arrays[f"{n}/{name}"] for name in ARRAYS}
            )
            for n, layer in enumerate(header.layers)
        }
        return cls(header, layers)

    def write(self, path: Path) -> None:
        """Write the atlas; a file of that name is replaced only by a whole one."""
        arrays = {
            f"{n}/{field.name}": getattr(layer, field.name)
            for n, layer in enumerate(self.layers.values())
            for field in fields(layer)
            if field.name in ARRAYS
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}.new")
        with fresh.open("wb") as file:
            np.savez_compressed(file, header=np.array(self.header.model_dump_json()), **arrays)
        fresh.replace(path)


def file_name(pack: Pack) -> str:
    """What the pack's atlas is called in the user's folder of atlases."""
    return f"{pack.model_sha256[:16]}.npz"


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Every array of an npz, none by unpickling, and nothing that unpacks to more than `LARGEST`."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST:
            raise AtlasInvalid(f"{path.name} unpacks to {unpacked} bytes; a neuron atlas has at most {LARGEST}.")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise AtlasInvalid(f"{path.name} is damaged, or not a neuron atlas ({error}).") from error
