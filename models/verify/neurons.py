"""What the filters of a pack look for over a collection of faces, and which action units they follow.

::

    Gallery (faces, action units) --> Lens --> Maxima --> Patterns ---------> LayerAtlas --> neurons.npz
                                                     `--> Following ------'        `--> table, contact sheets
                                  the same of a network with shuffled weights --> Following (control)
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.activations import Activations
from core.errors import UnknownName, VerificationError
from core.explain.feature_layers import FeatureLayer
from core.explain.graph import read
from core.explain.writing import to_bytes
from core.geometry import Alignment, Floats, Image
from core.neurons.alike import repeated
from core.neurons.atlas import Header, LayerAtlas, LayerHeader, NeuronAtlas
from core.neurons.following import Following, UnitTable, follow
from core.neurons.lens import Faces, Lens, Maxima, Patterns, grey
from core.packs import ATLAS, FILES, Pack, read_pack, sha256
from core.verification.sanity import randomised, weighted
from models.data.action_units import coded
from models.data.ck_plus import CkPlus
from models.data.ferplus import FerPlus

AVERAGED: Final = 9  # top pictures behind the mean pattern of a filter
SINGLE: Final = 3  # patterns of single pictures that are kept beside the mean
# Side of what a maximum sees, over the crop's, up to which patterns of single pictures are kept. Beyond, they are line
# drawings of one person's face, and only the mean over the top pictures is.
PART: Final = 0.5
LARGEST_PX: Final = 64  # side at which patterns are kept
FULL: Final = 99  # percentile of the maxima that is the full scale of a live bar
Tick = Callable[[int], None]
Label = Callable[[NDArray[np.int64]], UnitTable]  # the action units of some rows of a split


@dataclass(frozen=True)
class AlignedFaces:
    """FER+'s images as a pack takes them, aligned when they are asked for. `rows` are their numbers in the split."""

    split: FerPlus
    alignment: Alignment
    colour: str
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, places: NDArray[np.int64], /) -> Image:
        rows = self.rows[places]
        part = replace(self.split, **{name: getattr(self.split, name)[rows] for name in vars(self.split)})
        crops = part.crops(self.alignment)[:, None]
        return crops if self.colour == "grey" else np.repeat(crops, 3, axis=1)


@dataclass(frozen=True, eq=False)
class Gallery:
    """Faces, and what is known of them.

    Attributes
    ----------
    numbers
        int64 [n]: what each face is called in tables, its row in the file.
    table
        The action units of every face.
    title
        For people: which faces these are, and which were left out.
    """

    faces: Faces
    numbers: NDArray[np.int64]
    table: UnitTable
    title: str


def gallery_of(split: FerPlus, name: str, label: Label, pack: Pack, limit: int | None = None) -> Gallery:
    """The faces of a split in which a mesh was found, without those that repeat an earlier one; at most `limit`."""
    spec = pack.manifest.input
    rows = _drawn(np.flatnonzero(split.found), limit)
    faces = AlignedFaces(split, pack.alignment, spec.colour, rows)
    again = repeated(faces)
    kept = replace(faces, rows=rows[~again])
    title = f"{len(kept)} faces of FER+ {name} with a mesh; {again.sum()} that repeat an earlier one were left out"
    return Gallery(kept, kept.rows, label(kept.rows), title)


def gallery_of_ck_plus(found: CkPlus, pack: Pack, limit: int | None = None) -> Gallery:
    """The faces of CK+ that coders saw, without those that repeat an earlier one, as frames of one sequence do."""
    rows = _drawn(np.array([row for row, units in enumerate(found.units) if units is not None], np.int64), limit)
    channels = 1 if pack.manifest.input.colour == "grey" else 3
    faces = np.repeat(found.images[:, None], channels, axis=1)
    again = repeated(faces[rows])
    kept = rows[~again]
    seen = [units for row in kept if (units := found.units[row]) is not None]
    title = f"{len(kept)} faces of CK+ at the peak; {again.sum()} that repeat an earlier one were left out"
    return Gallery(faces[kept], kept, coded(seen, "FACS coders of CK+"), title)


def _drawn(rows: NDArray[np.int64], limit: int | None) -> NDArray[np.int64]:
    """All rows, or as many as the limit says, the same every time."""
    if limit is not None and limit < 1:
        raise VerificationError(f"At least one face must be looked at, got a limit of {limit}.")
    if not len(rows):
        raise VerificationError("No picture has both a face and action units.")
    return rows if limit is None or limit >= len(rows) else np.sort(np.random.default_rng(0).permutation(rows)[:limit])


@dataclass(frozen=True, eq=False)
class LayerFindings:
    """What one layer looks for.

    Attributes
    ----------
    random
        How the same layer follows action units once the weights of every layer have changed places; None where that
        was not asked for.
    """

    layer: FeatureLayer
    maxima: Maxima
    patterns: Patterns
    following: Following
    random: Following | None
    atlas: LayerAtlas


def measure_layer(
    activations: Activations,
    key: str,
    gallery: Gallery,
    *,
    method: str,
    permutations: int,
    random: Activations | None,
    ticks: Callable[[str, int], Tick],
) -> LayerFindings:
    """Look at one layer. `ticks` opens a line of progress by name and length."""
    layer, count = activations.layer(key), len(gallery.faces)
    lens = Lens(activations, layer, method)
    maxima = lens.maxima(gallery.faces, ticks(f"{key}: maxima", count))
    shown = min(AVERAGED, count)
    patterns = lens.patterns(gallery.faces, maxima, shown, ticks(f"{key}: patterns", shown * layer.channels))
    following = follow(
        maxima.values, gallery.table, permutations=permutations, seen=ticks(f"{key}: action units", layer.channels)
    )
    control = None
    if random is not None:
        answers = Lens(random, _same(random, layer), method).maxima(gallery.faces, ticks(f"{key}: random", count))
        seen = ticks(f"{key}: random's action units", layer.channels)
        control = follow(answers.values, gallery.table, permutations=permutations, seen=seen)
    side = activations.model.pack.manifest.input.size
    atlas = _atlas_of(maxima, patterns, following, patterns.side_px <= PART * side)
    return LayerFindings(layer, maxima, patterns, following, control, atlas)


def _same(activations: Activations, layer: FeatureLayer) -> FeatureLayer:
    try:
        found = activations.layer(layer.key)
    except UnknownName as error:
        raise VerificationError(
            f"Layer {layer.key} is not found again once the model is rewritten; leave out the random network."
        ) from error
    return found


def _atlas_of(maxima: Maxima, patterns: Patterns, following: Following, single: bool) -> LayerAtlas:
    maps = np.concatenate([patterns.mean(), patterns.maps[:, :SINGLE]], axis=1) if single else patterns.mean()
    return LayerAtlas(
        support_px=patterns.side_px,
        reach=np.percentile(maxima.values, FULL, axis=0).astype(np.float32),
        alive=(maxima.values > 0).mean(axis=0).astype(np.float32),
        patterns=grey(maps, LARGEST_PX),
        level=following.level,
        **following.best(),
    )


def atlas_of(pack: Pack, gallery: Gallery, method: str, found: list[LayerFindings]) -> NeuronAtlas:
    """Everything that was found, as one file's contents."""
    first = found[0].following
    header = Header(
        format=1,
        model_sha256=pack.model_sha256,
        corpus=gallery.title,
        images=len(gallery.faces),
        label_source=gallery.table.source,
        labelled=len(gallery.table.present),
        method=method,
        permutations=first.permutations,
        level=first.level,
        layers=[LayerHeader(key=each.layer.key, support_px=each.patterns.side_px) for each in found],
    )
    return NeuronAtlas(header, {each.layer.key: each.atlas for each in found})


def shuffled(pack: Pack, folder: Path, seed: int) -> Pack:
    """A copy of a pack below `folder` in which every layer's weights, and its biases, have changed places."""
    model = randomised(pack.model_path, len(weighted(read(pack.model_path))), seed)
    for name in FILES:
        shutil.copyfile(pack.folder / name, folder / name)
    (folder / "model.onnx").write_bytes(to_bytes(model))
    return read_pack(_hashed(pack, folder))


def ship(pack: Pack, atlas: NeuronAtlas) -> None:
    """Put an atlas into a pack's folder, and its hash into the manifest."""
    atlas.write(pack.folder / ATLAS)
    read_pack(_hashed(pack, pack.folder, ATLAS))


def _hashed(pack: Pack, folder: Path, *more: str) -> Path:
    """Write the pack's manifest to a folder, with the hashes of the files that lie there."""
    manifest = json.loads((pack.folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["sha256"] = {name: sha256(folder / name) for name in (*FILES, *more)}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return folder


def best_divergences(following: Following) -> Floats:
    """The largest divergence with the right sign of each filter, float32 [filters]; 0 where there is none."""
    found: Floats = np.where(following.higher, following.divergences, 0).max(axis=1)
    return found
