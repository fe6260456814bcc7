"""From a pack and a corpus to findings: examine every image, then estimate, then check the explanations themselves."""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np

import core
from core.corpora import Corpus
from core.explain import COMPILER_VERSION
from core.model import Model
from core.opencv import cv2
from core.verification import expectations, heatmaps
from core.verification.agreement import agreement
from core.verification.classes import class_maps, class_sensitivity
from core.verification.classification import classify, count
from core.verification.conservation import conservation
from core.verification.examination import Progress, examine
from core.verification.faithfulness import faithfulness
from core.verification.findings import Findings, Provenance
from core.verification.gathering import gather
from core.verification.intervals import Bootstrap, clusters
from core.verification.locating import Locator
from core.verification.measurements import Measurements
from core.verification.modes import compare_modes
from core.verification.options import SUBSETS, Options
from core.verification.sanity import sanity
from core.verification.stability import stability
from core.verification.store import Store
from core.verification.subset import Tick, draw
from core.verification.tables import region_tables

FOLDER: Final = "measurements"  # within the folder of a verification


def silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def verify(
    model: Model,
    corpus: Corpus,
    options: Options,
    folder: Path,
    progress: Progress = silent,
    *,
    restart: bool = False,
    locators: Callable[[], Locator] | None = None,
) -> Findings:
    """Verify a pack on a labelled corpus (SCIENCE 1.1).

    Measurements are kept in the folder as they are made: after a stop the same call goes on where it was, and gives
    the same findings as if it had not been stopped.

    Parameters
    ----------
    folder
        Where measurements are kept, in a folder of their own below it. StoreMismatch where those of another
        verification are there.
    progress
        Is told the stage, what is done of it, and how much there is to do.
    restart
        Whether to drop what an earlier verification has left.
    locators
        Makes what finds the faces, once per thread; by default what suits the corpus.
    """
    store = Store(folder / FOLDER, header(model, corpus, options), len(corpus.examples), restart)
    return _Run(model, corpus, options, progress, store).findings(locators)


def header(model: Model, corpus: Corpus, options: Options) -> dict[str, object]:
    """What measurements of images depend on: what must be the same for them to be taken over.

    Checks and statistics are made from them, and know their own settings.
    """
    pack = model.pack
    return {
        "pack": {"id": pack.id, "version": pack.manifest.version, "sha256": dict(pack.manifest.sha256)},
        "manifest": hashlib.sha256(pack.manifest.model_dump_json().encode()).hexdigest(),
        "corpus": {"title": corpus.title, "layout": corpus.layout, "tight": corpus.tight},
        "fingerprint": fingerprint(corpus),
        "method": options.method,
        "effort": asdict(options.effort),
        "versions": versions(),
        "provider": model.provider,
    }


def fingerprint(corpus: Corpus) -> str:
    """SHA-256 over names, labels and subjects, in order; `Provenance.pictures_digest` is over the pixels."""
    rows = [[example.name, example.label, example.subject] for example in corpus.examples]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Versions of everything that numbers depend on."""
    import onnxruntime

    return {
        "mienscope": core.__version__,
        "compiler": str(COMPILER_VERSION),
        "onnxruntime": onnxruntime.__version__,
        "mediapipe": metadata.version("mediapipe"),
        "opencv": cv2.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }


class _Run:
    """One verification under way."""

    def __init__(self, model: Model, corpus: Corpus, options: Options, progress: Progress, store: Store) -> None:
        self.model, self.corpus, self.options = model, corpus, options
        self.progress, self.store = progress, store
        self.stages_s: dict[str, float] = {}

    def findings(self, locators: Callable[[], Locator] | None) -> Findings:
        """Examine, estimate, check."""
        model, options = self.model, self.options
        threads = min(os.cpu_count() or 1, 4)
        with self._stage("images"):
            examine(model, self.corpus, options, self.store, self.progress, locators, threads)
        with self._stage("reading back"):
            found = gather(model, self.corpus, self.store)
        checks, every_class = self._checks(found)
        self.progress("statistics", 0, 1)
        with self._stage("statistics"):
            bootstrap = Bootstrap(clusters(found.subjects), options.draws, options.seed)
            judge = expectations.Judge(found, options, bootstrap, expectations.masses(found, options), every_class)
            classes = judge.classes()
            estimated: dict[str, Any] = {
                "about": self._provenance(found),
                "counts": count(found.records, model.labels, self.corpus.dropped),
                "classification": classify(found.records, model.labels, model.pack.temperature, options),
                "tables": region_tables(found, bootstrap),
                "classes": classes,
                "outside": judge.outside(),
                "verdict": expectations.overall_verdict(classes),
                "maps": heatmaps.mean_maps(found),
                "worst": heatmaps.worst(found, options),
                "modes": compare_modes(found, options, bootstrap),
                "conservation": conservation(found, options),
            }
        self.progress("statistics", 1, 1)
        return Findings(options=options, records=found.records, **estimated, **checks, stages_s=self.stages_s)

    def _checks(self, found: Measurements) -> tuple[dict[str, Any], Any]:
        """Every check that was asked for, by its place in the findings; and the maps for all classes."""
        options, model, store = self.options, self.model, self.store
        with self._stage("subset"):
            largest = max(getattr(options, name) for name in SUBSETS)
            subset = draw(model, self.corpus, found, options, largest)
        checks: dict[str, Any] = dict.fromkeys(("agreement", "faithfulness", "sanity", "stability"))
        every_class = None
        if not len(subset):
            return checks, None
        if options.class_images:
            with self._stage("classes"):
                every_class = class_maps(model, subset.first(options.class_images), store, self._tick("classes"))
        named: Mapping[str, tuple[int, Callable[..., Any]]] = {
            "agreement": (options.agreement_images, agreement),
            "faithfulness": (options.faithfulness_images, faithfulness),
            "stability": (options.stability_images, stability),
        }
        for name, (images, check) in named.items():
            if images:
                with self._stage(name):
                    checks[name] = check(model, subset.first(images), store, self._tick(name))
        if options.sanity_images:
            with self._stage("sanity"):
                both = subset.first(options.class_images)
                classes = () if every_class is None else class_sensitivity(every_class, both)
                chosen = subset.first(options.sanity_images)
                checks["sanity"] = sanity(model, chosen, classes, store, self._tick("sanity"))
        return checks, every_class

    def _provenance(self, found: Measurements) -> Provenance:
        pack, corpus = self.model.pack, self.corpus
        people = {example.subject for example in corpus.examples} - {None}
        return Provenance(
            pack_id=pack.id,
            pack_version=pack.manifest.version,
            pack_title=pack.manifest.title,
            pack_sha256=pack.model_sha256,
            pack_labels=pack.labels,
            corpus_title=corpus.title,
            corpus_layout=corpus.layout,
            corpus_fingerprint=fingerprint(corpus),
            corpus_tight=corpus.tight,
            subjects=len(people) or None,
            versions=versions(),
            provider=self.model.provider,
            pictures_digest=found.pictures_digest,
        )

    def _tick(self, stage: str) -> Tick:
        return lambda done, total: self.progress(stage, done, total)

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stages_s[name] = time.perf_counter() - started
