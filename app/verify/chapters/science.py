"""Formulas and sources, and the limits of what they say."""

from collections.abc import Iterator

from app.documents.document import Block, Bullets, Formula, Heading, Rich, Span, Text, link
from app.verify.numerals import number
from app.verify.words import NOTICE, READS
from core.explain import METHODS
from core.verification.findings import Findings


def methods(findings: Findings) -> Iterator[Block]:
    """How everything in the report is computed."""
    options = findings.options
    method = METHODS[options.method]
    yield Heading("Methods and sources", new_page=True)
    yield Text(
        "Three steps, as in Rieger et al. 2020: classify the expression, explain the reading pixel by pixel, and "
        "quantify the explanation by regions of the face, because nobody can inspect every heatmap. Their paper's "
        "exact boxes, presets and numbers are not known to us; polygons in place of boxes follow the work of 2023."
    )
    yield Heading("Regions", 2)
    yield Text(
        "A face mesh of 478 points is fitted to each face; the crop is aligned by eyes and mouth as on video. Every "
        "pixel of "
        f"the crop belongs to one of 14 regions of the face or to outside. Regions of this report: "
        f"{options.region_mode}."
    )
    yield Text(
        f"Explanation: {method.title} ({method.source}). Target: the class read; contrast: it against the runner-up."
    )
    yield Heading("Quantities", 2)
    for intro, tex, words in _FORMULAS:
        yield Text(intro)
        yield Formula(tex, words)
    yield Heading("Verdicts", 2)
    limit = number(options.outside_limit)
    yield Bullets(
        (
            f"An image looks outside the face where more than {limit} of its positive relevance lies there.",
            "An image is not supported by the expected regions where its V_f is below 1.",
            f"A class looks outside the face where its mean share there is above {limit}; it is not supported where "
            f"its V_f "
            "or its lift (contrast) is below 1.",
            "All classes together: every class that can be judged must pass.",
        )
    )
    yield Heading("Intervals", 2)
    yield Text(
        f"Proportions: Wilson's score interval. Everything else: percentiles of {options.draws} bootstrap draws (seed "
        f"{options.seed}) over {'people' if findings.about.subjects is not None else 'images'}. All intervals are at "
        f"95 % and "
        "are not adjusted for how many there are: of twenty, one is expected to miss."
    )
    yield Heading("Sources", 2)
    yield Bullets(_SOURCES)


_FORMULAS = (
    (
        "Share of the positive relevance in a region b, with R⁺ = max(R, 0); the same with R⁻ = min(R, 0):",
        r"\mu_b = \frac{\sum_{p \in b} R_p^{+}}{\sum_{p} R_p^{+}}",
        "mu of b is the sum of the positive relevance over the pixels of b, over its sum over the crop",
    ),
    (
        "Density, S being areas in pixels:",
        r"\mu_{w,b} = \mu_b \, \frac{S_{crop}}{S_b}",
        "mu w of b is mu of b times the area of the crop over the area of b",
    ),
    (
        "Share in the expected regions E(c) of a class:",
        r"V = \sum_{b \in E(c)} \mu_b",
        "V is the sum of mu of b over the expected regions",
    ),
    (
        "Against a uniform map over the crop, and over the face:",
        r"V_w = V \, \frac{S_{crop}}{S_E} \qquad V_f = \frac{V}{1 - \mu_{outside}} \; \frac{S_{face}}{S_E}",
        "V w is V times the area of the crop over that of the expected regions; V f is V over the share inside the "
        "face, "
        "times the area of the face over that of the expected regions",
    ),
    (
        "Lift of class c, the maps being those of the contrast; I(c) are the images read as c:",
        r"\mathrm{lift}(c) = \frac{\mathrm{mean}_{\,i \in I(c)} \; V_f(E(c), R_i)}"
        r"{\mathrm{mean}_{\,i \notin I(c)} \; V_f(E(c), R_i)}",
        "lift of c is the mean V f of the regions of c over images read as c, over its mean over the other images",
    ),
    (
        "Conservation, with B what biases took and f the explained score:",
        r"\mathrm{gap} = \frac{\left| \sum_p R_p + B - f \right|}{|f|}",
        "gap is the absolute difference between the sum of the relevance with the biases' part and the score, over the "
        "absolute score",
    ),
    (
        "Stability:",
        r"\mathrm{Sens}_{max} = \max_{\|d\| \leq r} \frac{\| R(x + d) - R(x) \|}{\| R(x) \|}",
        "Sens max is the largest relative change of the map under disturbances of at most r",
    ),
)


def _source(text: str, address: str, what: str) -> Rich:
    return (f"{text} ", link(address.removeprefix("https://"), address), f". {what}")


_SOURCES: tuple[Rich, ...] = (
    _source(
        "Rieger, Kollmann, Finzel, Seuss, Schmid: Verifying deep learning-based decisions for facial expression "
        "recognition. ESANN 2020.",
        "https://arxiv.org/abs/2003.00828",
        "Classify, explain, quantify by region.",
    ),
    _source(
        "The follow-up of 2023.",
        "https://doi.org/10.1007/978-3-031-40837-3_3",
        "Polygons in place of boxes.",
    ),
    (
        "Bach et al. 2015; Montavon et al. 2019; Kohlbrenner et al. 2020. Layer-wise relevance propagation and its "
        "composites.",
    ),
    ("Friesen & Ekman 1983, EMFACS. Which action units make up which expression.",),
    ("Adebayo et al. 2018. Sanity checks for saliency maps.",),
    ("Petsiuk et al. 2018. Deletion and insertion.",),
    ("Yeh et al. 2019. Sensitivity of explanations.",),
    ("Guo et al. 2017. Calibration and its expected error.",),
    ("Wilson 1927; Efron 1979. Intervals of proportions, and the bootstrap.",),
    _source(
        "Twelve networks against Friesen and Ekman's masks.",
        "https://arxiv.org/abs/2401.11835",
        "A yardstick: their mean overlap is .270, the best .327.",
    ),
)


def limits(findings: Findings) -> Iterator[Block]:
    """What the report does not say."""
    about = findings.about
    yield Heading("Limits")
    people: list[str | tuple[str | Span, ...]] = []
    if about.subjects is None:
        people.append(
            "The corpus does not say who is seen. Pictures of one person count as independent, so that intervals are "
            "too narrow, and nothing can be said about people who were not in it."
        )
    yield Bullets(
        (
            f"{NOTICE} {READS}",
            "Evidence in the expected regions does not make a reading right, and evidence elsewhere does not make it "
            "wrong. The "
            "verdict is about where the network looks.",
            "Expected regions follow from EMFACS: posed, full expressions of adults. Weak, mixed or masked "
            "expressions may "
            "show elsewhere.",
            "The explanation is one method's account of the network. The chapter on checks says how far it can be "
            "trusted, and "
            "how far other methods agree.",
            "Only pictures with a fitted mesh are examined by region. What is said does not carry over to those that "
            "were not: "
            "profiles, covered faces and bad light are over-represented among them.",
            f"All numbers are on {about.corpus_title}. Other cameras, ages, skin tones, patients and expressions "
            f"need a corpus of "
            "their own.",
            "Labels are what people saw in pictures. Where they disagree, a reading that differs may be no error.",
            *people,
        )
    )
