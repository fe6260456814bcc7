"""The long way through a corpus: read every image, explain it, keep what was measured, part by part."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.corpora import Corpus
from core.errors import ExplainError
from core.explain import Attribution, Explainer
from core.geometry import Floats
from core.model import Model
from core.opencv import cv2
from core.regions import MODES, REGIONS
from core.relevance import by_region, centre_gaussian
from core.verification.estimates import Seed
from core.verification.locating import Located, Locating, Locator
from core.verification.options import Options
from core.verification.record import EXAMINED, STATES, UNREADABLE, WHOLE
from core.verification.store import Layout, Store

Progress = Callable[[str, int, int], None]  # stage in words, done, of how many

BATCH: Final = 16  # faces per call of ONNX Runtime
MAP_PX: Final = 64  # side of the maps that are kept, at most
REASON_LIMIT: Final = 400  # characters; the rest is cut off
SEEDS: Final[tuple[Seed, ...]] = ("predicted", "contrast")
_STATE: Final[Mapping[str, int]] = {state: number for number, state in enumerate(STATES)}


def map_side(size: int) -> int:
    """Side of the maps that are kept of crops of a size, px."""
    return min(size, MAP_PX)


def layout(classes: int, side: int) -> Layout:
    """Everything that is kept of an image; axes are seeds (`SEEDS`), region modes (`MODES`) and regions."""
    by_seed, by_mode, regions = len(SEEDS), len(MODES), len(REGIONS)
    return {
        "state": ("u1", ()),  # place in STATES
        "reason": ("U", ()),
        "digest": ("u8", ()),
        "faces": ("i4", ()),
        "presence": ("f4", ()),
        "landmarks": ("f4", (478, 3)),  # px of the picture; NaN without a mesh
        "to_crop": ("f8", (4,)),  # a, b, tx, ty of the similarity
        "logits": ("f4", (classes,)),
        "target": ("i2", (by_seed,)),  # -1: none, as in "against"
        "against": ("i2", (by_seed,)),
        "score": ("f8", (by_seed,)),
        "gap": ("f4", (by_seed,)),
        "counts": ("i4", (by_mode, regions)),  # px
        "gaussian": ("f8", (by_mode, regions)),  # the control's mass
        "shares": ("f4", (by_seed, by_mode, regions)),
        "negative_shares": ("f4", (by_seed, by_mode, regions)),
        "positive": ("f8", (by_seed, by_mode)),
        "negative": ("f8", (by_seed, by_mode)),
        "density": ("f2", (by_seed, side, side)),  # of the positive relevance, 1 being its mean
    }


def examine(
    model: Model,
    corpus: Corpus,
    options: Options,
    store: Store,
    progress: Progress,
    locators: Callable[[], Locator] | None = None,
    threads: int = 2,
) -> None:
    """Examine every part of the corpus that the store does not hold yet."""
    missing = [part for part in range(store.parts) if not store.has(part)]
    done = store.images - sum(len(store.places(part)) for part in missing)
    progress("images", done, store.images)
    if not missing:
        return
    reader = Reader(model, options)
    with Locating(model, corpus, threads, locators) as locating:
        located = locating.each(place for part in missing for place in store.places(part))
        for part in missing:
            rows = Rows(model, len(store.places(part)))
            for start in range(0, len(store.places(part)), BATCH):
                batch = [next(located) for _ in store.places(part)[start : start + BATCH]]
                reader.read(batch, rows, start)
                done += len(batch)
                progress("images", done, store.images)
            store.write(part, rows.arrays)


class Rows:
    """The arrays of a part, filled image by image."""

    def __init__(self, model: Model, count: int) -> None:
        self.side = map_side(model.pack.manifest.input.size)
        self.arrays: dict[str, NDArray[Any]] = {}
        for name, (kind, shape) in layout(len(model.labels), self.side).items():
            blank: object = np.nan if kind[0] == "f" else 0
            wanted = f"U{REASON_LIMIT}" if kind == "U" else kind
            self.arrays[name] = np.full((count, *shape), "" if kind == "U" else blank, wanted)
        for name in ("target", "against"):
            self.arrays[name][:] = -1

    def put(self, row: int, **values: object) -> None:
        """Set the values of one image."""
        for name, value in values.items():
            self.arrays[name][row] = value


@dataclass(frozen=True)
class _Asked:
    """The faces of a batch that are explained, with their rows."""

    rows: tuple[int, ...]
    faces: tuple[Located, ...]


class Reader:
    """Predicts and explains located faces."""

    def __init__(self, model: Model, options: Options) -> None:
        self._model, self._effort = model, options.effort
        self._explainer = audited(model, options.method)
        self._gaussian = centre_gaussian(model.pack.manifest.input.size).ravel().astype(np.float64)

    def read(self, batch: Sequence[Located], rows: Rows, start: int) -> None:
        """Fill the rows from `start` on with a batch."""
        for row, each in enumerate(batch, start=start):
            rows.put(row, state=_STATE[each.state], reason=each.reason, digest=each.digest, faces=each.faces)
        for row, each in enumerate(batch, start=start):
            if each.state == WHOLE:
                assert each.crop is not None
                rows.put(row, logits=self._model.logits(self._model.faces([each.crop]))[0])
        explained = [(row, each) for row, each in enumerate(batch, start=start) if each.state == EXAMINED]
        if explained:
            places, faces = zip(*explained, strict=True)
            self._explain(_Asked(places, faces), rows)

    def _explain(self, asked: _Asked, rows: Rows) -> None:
        try:
            answers = [self._attribution(asked, contrast) for contrast in (0.0, 1.0)]
        except ExplainError as error:  # one face must not take the others with it
            if len(asked.rows) == 1:
                rows.put(asked.rows[0], state=_STATE[UNREADABLE], reason=f"The pack failed on it: {error}")
                return
            for row, face in zip(asked.rows, asked.faces, strict=True):
                self._explain(_Asked((row,), (face,)), rows)
            return
        for number, (row, face) in enumerate(zip(asked.rows, asked.faces, strict=True)):
            self._put_face(row, face, rows)
            rows.put(row, logits=answers[0].logits[number])
            for seed, answer in enumerate(answers):
                self._put_map(row, seed, face, answer, number, rows)

    def _attribution(self, asked: _Asked, contrast: float) -> Attribution:
        crops = [face.crop for face in asked.faces if face.crop is not None]
        regions = np.stack([face.parts[0].labels for face in asked.faces])
        faces = self._model.faces(crops)
        return self._explainer.explain(faces, contrast=contrast, regions=regions, effort=self._effort)

    def _put_face(self, row: int, face: Located, rows: Rows) -> None:
        assert face.crop is not None
        to_crop = face.crop.to_frame.inverse()
        rows.put(
            row,
            presence=face.presence,
            landmarks=face.landmarks,
            to_crop=(to_crop.a, to_crop.b, to_crop.tx, to_crop.ty),
            counts=[part.counts for part in face.parts],
            gaussian=[np.bincount(part.labels.ravel(), self._gaussian, len(REGIONS)) for part in face.parts],
        )

    def _put_map(self, row: int, seed: int, face: Located, answer: Attribution, number: int, rows: Rows) -> None:
        weights, relevance = answer.seed_used[number], answer.relevance[number]
        target = int(np.argmax(weights))
        shares = [by_region(relevance, part, self._model.labels[target]) for part in face.parts]
        arrays = rows.arrays
        arrays["target"][row, seed] = target
        arrays["against"][row, seed] = int(np.argmin(weights)) if weights.min() < 0 else -1
        arrays["score"][row, seed] = float(weights @ answer.logits[number])
        arrays["gap"][row, seed] = np.nan if answer.gap is None else answer.gap[number]
        arrays["density"][row, seed] = density(relevance, rows.side)
        for name in ("shares", "negative_shares", "positive", "negative"):
            arrays[name][row, seed] = [getattr(each, name) for each in shares]


def audited(model: Model, method: str) -> Explainer:
    """The explainer that also measures what biases absorb, where the method has them absorb anything."""
    plain = model.explainer(method)
    measured = plain.method.conserves and plain.method.reading not in ("inputs", None)
    return model.explainer(method, audit=True) if measured else plain


def density(relevance: Floats, side: int) -> Floats:
    """A map's positive relevance over its mean, float32 [side, side]: 1 is uniform; zeros where there is none."""
    positive = np.maximum(relevance, 0).astype(np.float32)
    if positive.shape[0] != side:
        positive = cv2.resize(positive, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    mean = float(positive.mean(dtype=np.float64))
    return positive / np.float32(mean) if mean > 0 else positive
