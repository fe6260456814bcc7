"""Findings made by hand, for the tests of everything that comes after a verification. The numbers mean nothing."""

import itertools

import numpy as np

from core.geometry import Box
from core.regions import EMFACS, EXPECTED, MODES, REGIONS
from core.types import Prediction, RegionRelevance
from core.verification import findings as f
from core.verification.options import Options
from core.verification.record import EXAMINED, EXCLUDED, NO_FACE, STATES, UNREADABLE, WHOLE, Evidence, Record
from tests.made import face_landmarks

LABELS = ("neutral", "happiness", "surprise", "contempt")
SIDE = 24


def estimate(generator, low=0.2, high=0.9, n=20):
    value = float(generator.uniform(low, high))
    return f.Estimate(value, value - 0.05, value + 0.05, n, 0.1)


def region_relevance(generator, target):
    areas = generator.dirichlet(np.full(len(REGIONS), 9.0)).astype(np.float32)
    shares, negative = (generator.dirichlet(np.ones(len(REGIONS))).astype(np.float32) for _ in range(2))
    return RegionRelevance(REGIONS, areas, shares, negative, 3.0, -1.0, EXPECTED.get(target, frozenset()))


def evidence(generator, target, against=None):
    shares = [region_relevance(generator, target) for _ in range(2)]
    return Evidence(target, against, float(generator.uniform(1, 5)), 1e-6, *shares)


def make_record(generator, number, state=EXAMINED):
    label, name = LABELS[number % 3], f"{LABELS[number % 3]}/{number:03}.png"
    subject = f"S{number % 5}"
    if state in (NO_FACE, UNREADABLE, EXCLUDED):
        label = "fear" if state == EXCLUDED else label
        return Record(name, label, subject, state, f"made {state}")
    logits = generator.normal(0, 2, len(LABELS)).astype(np.float32)
    odds = np.exp(logits)
    prediction = Prediction(LABELS, logits, (odds / odds.sum()).astype(np.float32))
    if state == WHOLE:
        return Record(name, label, subject, state, "no mesh could be fitted", prediction)
    second = LABELS[prediction.ranked[1]]
    return Record(
        name,
        label,
        subject,
        state,
        "",
        prediction,
        "tight fit",
        1,
        0.98,
        Box(4.0, 3.0, 40.0, 42.0),
        evidence(generator, prediction.label),
        evidence(generator, prediction.label, second),
    )


def make_table(generator, quantity, sign, seed, group, mode):
    mean = generator.dirichlet(np.ones(len(REGIONS)), len(LABELS))
    mean = mean if quantity == "mass" else mean * len(REGIONS)
    mean[-1] = np.nan  # nothing is predicted as contempt
    n = np.full(mean.shape, 6, np.int64)
    n[-1] = 0
    return f.RegionTable(
        quantity, sign, seed, group, mode, LABELS, REGIONS, mean, mean * 0.9, mean * 1.1, mean * 0.3, n
    )


def make_expectation(generator, label, *, images=True):
    if not images:
        return f.Expectation(*[None] * 7)
    if not EXPECTED[label]:
        return f.Expectation(*[None] * 6, outside=estimate(generator, 0.05, 0.3))
    one = [estimate(generator, *ends) for ends in ((0.2, 0.6), (1, 3), (0.8, 2), (0.5, 1), (0.9, 1.6), (0.9, 1.6))]
    return f.Expectation(*one, outside=estimate(generator, 0.05, 0.3))


def make_class(generator, label):
    images = 0 if label == "contempt" else 6
    verdict = {
        "neutral": f.Judgement(None, "nothing to judge", "EMFACS names no action units for neutral."),
        "contempt": f.Judgement(None, "nothing to judge", "No image was read as contempt."),
        "happiness": f.Judgement(True, "rests on the expected regions", "V_f is 1.42 and lift 1.11."),
        "surprise": f.Judgement(False, "not supported by the expected regions", "V_f is 0.87, below 1."),
    }[label]
    expected = tuple(name for name in REGIONS if name in EXPECTED[label])
    rows = {origin: make_expectation(generator, label, images=images > 0) for origin in f.ORIGINS}
    return f.ClassFinding(label, expected, EMFACS[label], images, images // 2, rows, verdict)


def make_classification(generator):
    confusion = np.array([[5, 1, 0, 0], [1, 6, 0, 0], [0, 1, 5, 0], [0, 0, 0, 0]], np.int64)
    bins = tuple(
        f.ReliabilityBin(i / 15, (i + 1) / 15, *((0, None, None) if i < 6 else (2, (i + 0.5) / 15, 0.5)))
        for i in range(15)
    )
    rates = (*(estimate(generator) for _ in range(3)), None)
    overall = [estimate(generator) for _ in range(4)]
    calibration = f.Estimate(0.031, 0.022, 0.064, 19)
    return f.Classification(22, 19, *overall, LABELS, rates, rates, 0.84, confusion, calibration, bins, 0.51)


def make_maps(generator):
    maps = []
    for label, seed, group in itertools.product(LABELS, ("predicted", "contrast"), ("all", "correct", "wrong")):
        n = 0 if label == "contempt" else 6
        density = generator.random((SIDE, SIDE)).astype(np.float32) * 2
        maps.append(f.MeanMap(label, seed, group, n, density if n else np.full_like(density, np.nan)))
    centre = ((SIDE - 1) / 2, (SIDE - 1) / 2)
    return f.MeanMaps(SIDE, face_landmarks(centre, SIDE * 0.7)[:, :2], tuple(maps))


def make_checks(generator):
    methods = ("lrp", "gradcam", "gradient")
    square = generator.uniform(0, 1, (3, 3))
    square = (square + square.T) / 2
    np.fill_diagonal(square, 1)
    agreement = f.MethodAgreement(
        9,
        methods,
        square,
        square - 0.1,
        square + 0.1,
        square,
        square - 0.1,
        square + 0.1,
        {"hirescam": "no layer fits"},
    )
    rows = tuple(
        f.FaithfulnessRow(name, control, estimate(generator), estimate(generator))
        for name, control in (("lrp", False), ("random", True), ("centre Gaussian", True))
    )
    gains = {name: (estimate(generator), estimate(generator)) for name in ("random", "centre Gaussian")}
    good = f.Judgement(True, "made", "Made for a test.")
    cascade = tuple(
        f.CascadeStep(depth, f"layer{depth}" if depth else "", estimate(generator), estimate(generator))
        for depth in range(5)
    )
    classes = tuple(
        f.ClassSensitivity(seed, *(estimate(generator) for _ in range(2))) for seed in ("predicted", "contrast")
    )
    stability = tuple(
        f.StabilityRow(kind, radius, unit, 8, *(estimate(generator) for _ in range(3)))
        for kind, radius, unit in (("noise", 4.0, "grey levels"), ("shift", 1.0, "crop px"))
    )
    return {
        "agreement": agreement,
        "faithfulness": f.FaithfulnessFinding(9, rows, gains, good),
        "sanity": f.SanityFinding(9, cascade, classes, good),
        "stability": f.StabilityFinding(9, stability),
        "conservation": f.ConservationFinding(True, 18, {0.5: 1e-7, 0.95: 1e-6}, 2e-6),
    }


def make_counts(records):
    listed = {state: tuple((r.name, r.reason) for r in records if r.state == state) for state in STATES[1:]}
    states = {state: sum(r.state == state for r in records) for state in STATES}
    labels = {label: sum(r.label == label for r in records) for label in (*LABELS, "fear")}
    return f.Counts(len(records), states, listed, {"no majority label": 4}, labels, ("contempt",), {"fear": 1})


def make_worst(generator, records):
    chosen = [i for i, record in enumerate(records) if record.state == EXAMINED][:4]
    return tuple(
        f.Worst(
            i,
            records[i].name,
            records[i].label,
            records[i].predicted,
            records[i].prediction.probability,
            0.4,
            None if records[i].predicted == "neutral" else 0.2,
            None if records[i].predicted == "neutral" else 0.6,
            "looks outside the face",
            generator.random((SIDE, SIDE)).astype(np.float32) * 2,
        )
        for i in chosen
    )


def make_findings(seed=0, *, checks=True):
    """Findings of a pack of four classes on 23 images: nobody is read as contempt, one image has a label too many."""
    generator = np.random.default_rng(seed)
    states = (*[EXAMINED] * 18, WHOLE, NO_FACE, NO_FACE, UNREADABLE, EXCLUDED)
    records = tuple(make_record(generator, number, state) for number, state in enumerate(states))
    kinds = itertools.product(
        ("mass", "density"), ("positive", "negative"), ("predicted", "contrast"), ("all", "correct", "wrong"), MODES
    )
    about = f.Provenance(
        "made",
        "1.0",
        "A pack made for tests",
        "0" * 64,
        LABELS,
        "made corpus",
        "folders",
        "1" * 64,
        True,
        5,
        {"mienscope": "0.0", "compiler": "0"},
        "CPUExecutionProvider",
    )
    origins = [origin for origin in f.ORIGINS if origin != f.UNIFORM_FACE]
    outside = f.OutsideFinding(
        {origin: estimate(generator, 0.05, 0.4) for origin in origins},
        {0.05: 0.03, 0.25: 0.08, 0.5: 0.12, 0.75: 0.19, 0.95: 0.34},
        0.35,
        estimate(generator, 0.05, 0.1),
        0.42,
    )
    modes = f.ModeComparison(
        18,
        estimate(generator),
        {name: estimate(generator, -0.1, 0.1) for name in REGIONS},
        estimate(generator, 0.05, 0.1),
        {("rests on the expected regions", "not supported by the expected regions"): 2},
        {
            (label, mode): None if label in ("neutral", "contempt") else estimate(generator)
            for label in LABELS
            for mode in MODES
        },
    )
    return f.Findings(
        about=about,
        options=Options(),
        records=records,
        counts=make_counts(records),
        classification=make_classification(generator),
        tables=tuple(make_table(generator, *kind) for kind in kinds),
        classes=tuple(make_class(generator, label) for label in LABELS),
        outside=outside,
        verdict=f.Judgement(False, "not supported by the expected regions", "surprise: V_f is 0.87, below 1."),
        maps=make_maps(generator),
        worst=make_worst(generator, records),
        modes=modes,
        **(
            make_checks(generator)
            if checks
            else dict.fromkeys(("agreement", "faithfulness", "sanity", "stability", "conservation"))
        ),
        stages_s={"faces": 10.0, "model": 20.0},
    )
