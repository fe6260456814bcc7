"""Make a pack of a model from outside. Nothing appears in the person's folder before everything is in order."""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app import packs, paths
from app.importing import labels as naming
from app.importing.card import Facts, Origin, write_card
from app.importing.foreign import Foreign, read_foreign
from app.importing.notes import notes_of
from app.importing.preparation import Colour, Guess, Preparation, colour_of, guess, kind, told_scaling
from app.importing.trial import Face, Trial, draw_methods, try_methods, working
from app.importing.wrapping import FACE, Wrapped, check_against, run, wrap
from core.errors import ExportError, PackInvalid
from core.geometry import Alignment
from core.manifests import Manifest
from core.model import Model
from core.packs import DEFAULT_PACK, FILES, SHIPPED, Pack, find_pack, read_pack, sha256
from core.sample import sample_faces
from core.snapshot import save_image

SHEET = "methods.png"  # in the pack's folder: how the methods explain the first sample face
SMALLEST, LARGEST = 8, 1024  # side of a face, px: what the manifest allows


@dataclass(frozen=True)
class Wish:
    """What a person says of a model; None is guessed, or follows from the file.

    Attributes
    ----------
    labels
        As on the command line: `a,b,c`, or a text file.
    mean, std
        Of pixels scaled to 0..1, one number or one per channel in the model's own order.
    places
        Where right eye, left eye and mouth lie in the aligned face, fractions of its side; None as in the shipped pack.
    output
        The output whose scores are the classes; None for the first.
    sheet
        Whether every method is compared on a sample face, which takes longest.
    """

    labels: str
    name: str | None = None
    size: int | None = None
    colour: Colour | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    places: tuple[float, ...] | None = None
    output: str | None = None
    licence: str = "unknown"
    replace: bool = False
    sheet: bool = True


@dataclass(frozen=True)
class Imported:
    """A finished pack, and what there is to tell about it.

    Attributes
    ----------
    answer
        What the pack reads in the first sample face.
    gap
        Largest difference of a probability between the file and the pack, on the sample faces.
    ending
        What the file's own output is, for people.
    notes
        What a person should know of this model, one or two sentences each.
    """

    pack: Pack
    guess: Guess
    given_labels: tuple[str, ...]
    trials: tuple[Trial, ...]
    answer: str
    gap: float
    ending: str
    notes: tuple[str, ...]


def import_model(path: Path, wish: Wish, told: Callable[[str], None] = lambda text: None) -> Imported:
    """Check, prepare, try and write. PackError, ExplainError or UnknownName say what is wrong with model or wish.

    Parameters
    ----------
    told
        Is called with each step, in words, before it begins.
    """
    name = _free_name(path, wish)
    given = naming.read_labels(wish.labels)
    labels = naming.known_names(given)
    told("reading the model")
    foreign = read_foreign(path, wish.output)
    alignment = _alignment(foreign, wish)
    # The compiler's reader comes first: only what it trusts is ever run.
    unscaled = wrap(foreign, Preparation(colour_of(foreign, wish.colour), None), alignment.size)
    naming.check_count(labels, unscaled.classes, foreign.output, foreign.others)
    told("looking at the sample faces")
    faces = sample_faces().crops(alignment)
    found = _found(foreign, wish, faces, unscaled.independent)
    crops = faces[kind(found.preparation.colour)]
    wrapped = wrap(foreign, found.preparation, alignment.size)
    gap = check_against(foreign, found.preparation, wrapped, crops)
    notes = notes_of(foreign, wrapped, run(wrapped.content, crops))
    with _half_made() as folder:
        half = folder / name
        write_graph(half, wrapped, crops)
        manifest = _manifest(name, wish, alignment, found, labels, f"Imported from {path.name}.")
        write_texts(half, manifest, "Being tried.\n")
        answer, trials = _tried(read_pack(half), told, half / SHEET if wish.sheet else None)
        origin = Origin(path.name, sha256(path), wish.licence, wrapped.ending, gap, notes)
        facts = Facts(read_pack(half), origin, given, found, answer, trials, SHEET if wish.sheet else None)
        write_texts(half, manifest, write_card(facts))
        packs.check_golden(read_pack(half))
        pack = _moved(half, wish.replace)
    return Imported(pack, found, given, trials, answer, gap, wrapped.ending, notes)


def _free_name(path: Path, wish: Wish) -> str:
    """The pack's name, from the file's where none is given. PackInvalid where it is taken."""
    name = wish.name or re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("-._")[:64]
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise PackInvalid(
            f"A pack's name has small letters, digits, dots and dashes, got '{name}'. Give one by --name."
        )
    if (SHIPPED / name).is_dir():
        raise PackInvalid(f"'{name}' is the name of a pack that comes with Mienscope. Give another by --name.")
    if (packs.imported_folder() / name).exists() and not wish.replace:
        raise PackInvalid(f"There is a pack '{name}' already. Give another name by --name, or --replace it.")
    return name


def _alignment(foreign: Foreign, wish: Wish) -> Alignment:
    """Where the face lies in the crop, and its size. PackInvalid where the size is open or another."""
    size = wish.size or foreign.size
    if size is None:
        raise PackInvalid("The model takes pictures of any size. Give the size it was trained on by --size.")
    if foreign.size is not None and size != foreign.size:
        raise PackInvalid(
            f"The model takes pictures of {foreign.size} px, so --size must be {foreign.size}; got {size}."
        )
    if not SMALLEST <= size <= LARGEST:
        raise PackInvalid(f"A pack's faces are {SMALLEST} to {LARGEST} px wide, got {size}.")
    usual = find_pack(DEFAULT_PACK).alignment
    if wish.places is None:
        return Alignment(size, usual.right_eye, usual.left_eye, usual.mouth)
    if len(wish.places) != 6 or not all(0 <= place <= 1 for place in wish.places):
        raise PackInvalid(f"--alignment takes six fractions from 0 to 1, got {wish.places}.")
    right_x, right_y, left_x, left_y, mouth_x, mouth_y = wish.places
    return Alignment(size, (right_x, right_y), (left_x, left_y), (mouth_x, mouth_y))


def _found(foreign: Foreign, wish: Wish, faces: Mapping[str, NDArray[np.uint8]], independent: bool) -> Guess:
    told = told_scaling(foreign, wish.mean, wish.std)
    if told is None:
        return guess(foreign, faces, wish.colour, independent)
    return Guess(Preparation(colour_of(foreign, wish.colour), told), "given by --mean and --std", sure=True)


def _tried(pack: Pack, told: Callable[[str], None], sheet: Path | None) -> tuple[str, tuple[Trial, ...]]:
    """What the pack reads in a face, and which methods explain it; with their contact sheet, if one is wanted."""
    model = Model(pack, provider="cpu")
    face = Face.of_sample(model)
    (prediction,) = model.predict([face.crop])
    trials = try_methods(model, face, told)
    working(trials)
    if sheet is not None:
        told("comparing the methods")
        save_image(draw_methods(model, face, trials), sheet)
    return f"{prediction.label} {prediction.probability:.2f}", trials


def _manifest(
    name: str, wish: Wish, alignment: Alignment, found: Guess, labels: tuple[str, ...], note: str
) -> dict[str, object]:
    """Every field but the hashes. What nobody has said or measured is called unknown, or is empty."""
    places = {
        each: dict(zip("xy", getattr(alignment, each), strict=True)) for each in ("right_eye", "left_eye", "mouth")
    }
    return {
        "format": 1,
        "id": name,
        "version": "1.0",
        "title": f"{len(labels)} classes, imported",
        "licence": wish.licence,
        "input": {
            "kind": "face",
            "name": FACE,
            "size": alignment.size,
            "colour": kind(found.preparation.colour),
            "normalisation": "inside",
            "alignment": places,
        },
        # Temperature 1: the probabilities shown are the file's own.
        "heads": [{"name": "classes", "kind": "expression", "labels": list(labels), "temperature": 1.0}],
        "operating_point": {"rule": "argmax"},
        "training": {"data": "unknown", "images": None, "note": note},
        "measured": [],
    }


def write_graph(folder: Path, wrapped: Wrapped, crops: NDArray[np.uint8]) -> None:
    """Write the model, and golden outputs: of the sample faces, and of pictures that every machine can make."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(wrapped.content)
    inputs = np.concatenate([crops, made_pictures(crops.shape[2], crops.shape[1])])
    logits, faces = run(wrapped.content, inputs), np.arange(len(crops))
    np.savez_compressed(folder / "golden.npz", inputs=inputs, logits=logits, faces=faces)


def made_pictures(size: int, channels: int) -> NDArray[np.uint8]:
    """Black, white, a ramp both ways and a checkerboard: uint8 [5, channels, size, size]."""
    ramp = np.tile(np.linspace(0, 255, size).astype(np.uint8), (size, 1))
    checks = ((np.indices((size, size)).sum(axis=0) // 6) % 2 * 255).astype(np.uint8)
    planes = np.stack([np.zeros_like(ramp), np.full_like(ramp, 255), ramp, ramp.T, checks])
    return np.repeat(planes[:, None], channels, axis=1)


def write_texts(folder: Path, manifest: dict[str, object], card: str) -> None:
    """Write the card, then the manifest, which hashes everything."""
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    text = json.dumps({**manifest, "sha256": {name: sha256(folder / name) for name in FILES}}, indent=2) + "\n"
    try:
        Manifest.model_validate_json(text)
    except ValidationError as error:
        raise PackInvalid(f"The pack cannot be described: {error.errors()[0]['msg']}.") from error
    (folder / "manifest.json").write_text(text, encoding="utf-8")


@contextmanager
def _half_made() -> Iterator[Path]:
    """A folder beside those of the packs, for what is not finished; gone afterwards. ExportError where it cannot be."""
    folder = paths.data_folder()
    try:
        packs.imported_folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="importing-", dir=folder) as half:
            yield Path(half)
    except OSError as error:
        raise ExportError(f"The pack cannot be written to {folder}: {error.strerror or error}.") from error


def _moved(half: Path, replace: bool) -> Pack:
    """Let the finished pack appear, whole, in the place of an older one."""
    place = packs.imported_folder() / half.name
    if replace and place.exists():
        place.replace(half.with_name("replaced"))  # goes with the folder of what is half made
    half.replace(place)
    return read_pack(place)
