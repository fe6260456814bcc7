"""The methods of explanation, one row each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.explain.composites import (
    ALPHA2_BETA1,
    DECONVNET,
    EPSILON,
    EPSILON_ALPHA2_BETA1_FLAT,
    EPSILON_GAMMA_BOX,
    EPSILON_PLUS_FLAT,
    EPSILON_PLUS_W2,
    GAMMA,
    GRADIENT,
    GRADIENT_OF_PIXELS,
    GUIDED,
    ZPLUS,
    Composite,
)


@dataclass(frozen=True)
class Method:
    """One way to explain.

    Attributes
    ----------
    key
        What the command line and files call it.
    title
        What people read.
    source
        Where the formula comes from.
    cost
        Time of forward pass and explanation together, over the forward pass alone: about, in words.
    conserves
        Whether the map, with what biases absorbed where they absorb, sums to the explained score; integrated gradients:
        to what the score has over the baseline's.
    composite
        Which rule applies where.
    reading
        What the compiled graph reads off at the end: the "factor" (gradient) or the "relevance" at the pixels, a "cam"
        at a feature map, the gradient at the float "inputs" for methods that sample; None for those that need no
        backward pass.
    cam
        Which formula of `cams.CAMS` a "cam" follows.
    procedure
        "once": one run of the compiled graph is the explanation. Otherwise many runs are: a key of
        `procedures.PROCEDURES`.
    unit
        Unit of the map's values.
    class_blind
        Whether the map is the same whatever class is asked for.
    biases
        "absorb": biases take their part of the relevance; "spread": they take none, and what no input supports is
        spread evenly over the pixels that the unit sees; None: the method knows no such thing.
    """

    key: str
    title: str
    source: str
    cost: str
    conserves: bool
    composite: Composite
    reading: Literal["factor", "relevance", "inputs", "cam"] | None
    biases: Literal["absorb", "spread"] | None = None
    cam: str | None = None
    procedure: str = "once"
    unit: Literal["logit", "logit per unit of input", "activation"] = "logit"
    class_blind: bool = False

    @property
    def runs_often(self) -> bool:
        """Whether one explanation takes many runs of the model."""
        return self.procedure != "once"

    @property
    def graph(self) -> tuple[object, ...]:
        """All that a compiled graph depends on: methods that agree in it share one."""
        return self.composite, self.reading, self.biases, self.cam


_BACH = "Bach et al. 2015; EpsilonPlusFlat of Montavon et al. 2019 and Kohlbrenner et al. 2020"

_ROWS = (
    Method(
        key="gradcam",
        title="Grad-CAM",
        source="Selvaraju et al. 2017",
        cost="1.1 x",
        conserves=False,
        composite=GRADIENT,
        reading="cam",
        cam="gradcam",
    ),
    Method(
        key="lrp",
        title="LRP",
        source=_BACH,
        cost="3 to 4 x",
        conserves=True,
        composite=EPSILON_PLUS_FLAT,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="lrp_pixels",
        title="LRP on pixels alone",
        source=_BACH,
        cost="3 to 4 x",
        conserves=True,
        composite=EPSILON_PLUS_FLAT,
        reading="relevance",
        biases="spread",
    ),
    Method(
        key="lrp_epsilon",
        title="LRP epsilon",
        source="epsilon rule of Bach et al. 2015 on every layer",
        cost="2 to 3 x",
        conserves=True,
        composite=EPSILON,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="lrp_zplus",
        title="LRP z+",
        source="z+ rule of Montavon et al. 2017 on every layer",
        cost="3 to 4 x",
        conserves=True,
        composite=ZPLUS,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="lrp_gamma",
        title="LRP gamma",
        source="gamma rule of Montavon et al. 2019, in the general form of Andeol et al. 2021, on every layer",
        cost="3 to 4 x",
        conserves=True,
        composite=GAMMA,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="lrp_alpha_beta",
        title="LRP alpha 2 beta 1",
        source="alpha-beta rule of Bach et al. 2015 on every layer",
        cost="5 to 6 x",
        conserves=True,
        composite=ALPHA2_BETA1,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="lrp_gamma_box",
        title="LRP gamma, z-box",
        source="EpsilonGammaBox of Montavon et al. 2019; z-box of Montavon et al. 2017",
        cost="3 to 4 x",
        conserves=True,
        composite=EPSILON_GAMMA_BOX,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="lrp_alpha_beta_flat",
        title="LRP alpha 2 beta 1, flat",
        source="EpsilonAlpha2Beta1Flat of Kohlbrenner et al. 2020",
        cost="5 to 6 x",
        conserves=True,
        composite=EPSILON_ALPHA2_BETA1_FLAT,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="lrp_w2",
        title="LRP z+, w2",
        source="z+ and w2 rules of Montavon et al. 2017, epsilon of Bach et al. 2015 on dense layers",
        cost="3 to 4 x",
        conserves=True,
        composite=EPSILON_PLUS_W2,
        reading="relevance",
        biases="absorb",
    ),
    Method(
        key="gradcam_plus_plus",
        title="Grad-CAM++",
        source="Chattopadhay et al. 2018",
        cost="1.1 x",
        conserves=False,
        composite=GRADIENT,
        reading="cam",
        cam="gradcam_plus_plus",
    ),
    Method(
        key="hirescam",
        title="HiResCAM",
        source="Draelos & Carin 2020",
        cost="1.1 x",
        conserves=False,  # it does where nothing but average pooling and one layer without biases follows
        composite=GRADIENT,
        reading="cam",
        cam="hirescam",
    ),
    Method(
        key="layercam",
        title="LayerCAM",
        source="Jiang et al. 2021",
        cost="1.1 x",
        conserves=False,
        composite=GRADIENT,
        reading="cam",
        cam="layercam",
    ),
    Method(
        key="xgradcam",
        title="XGrad-CAM",
        source="Fu et al. 2020",
        cost="1.1 x",
        conserves=False,
        composite=GRADIENT,
        reading="cam",
        cam="xgradcam",
    ),
    Method(
        key="eigencam",
        title="EigenCAM",
        source="Muhammad & Yeasin 2020",
        cost="1.2 x",
        conserves=False,
        composite=(),
        reading="cam",
        cam="eigencam",
        unit="activation",
        class_blind=True,
    ),
    Method(
        key="gradient",
        title="Gradient",
        source="Simonyan et al. 2014",
        cost="2 to 3 x",
        conserves=False,
        composite=GRADIENT,
        reading="factor",
        unit="logit per unit of input",
    ),
    Method(
        key="input_x_gradient",
        title="Input x gradient",
        source="Shrikumar et al. 2016",
        cost="2 to 3 x",
        conserves=False,
        composite=GRADIENT_OF_PIXELS,
        reading="relevance",
    ),
    Method(
        key="guided_backprop",
        title="Guided backprop",
        source="Springenberg et al. 2015",
        cost="2 to 3 x",
        conserves=False,
        composite=GUIDED,
        reading="factor",
        unit="logit per unit of input",
    ),
    Method(
        key="deconvnet",
        title="Deconvnet",
        source="Zeiler and Fergus 2014",
        cost="2 to 3 x",
        conserves=False,
        composite=DECONVNET,
        reading="factor",
        unit="logit per unit of input",
    ),
    Method(
        key="smoothgrad",
        title="SmoothGrad",
        source="Smilkov et al. 2017",
        cost="3 x per sample",
        conserves=False,
        composite=GRADIENT,
        reading="inputs",
        procedure="smoothgrad",
        unit="logit per unit of input",
    ),
    Method(
        key="integrated_gradients",
        title="Integrated gradients",
        source="Sundararajan et al. 2017",
        cost="3 x per step",
        conserves=True,
        composite=GRADIENT,
        reading="inputs",
        procedure="integrated_gradients",
    ),
    Method(
        key="occlusion",
        title="Occlusion",
        source="Zeiler & Fergus 2014, blurred in place of grey",
        cost="1 x per place of the patch",
        conserves=False,
        composite=(),
        reading=None,
        procedure="occlusion",
    ),
    Method(
        key="region_occlusion",
        title="Occlusion of face regions",
        source="Zeiler & Fergus 2014, with the face's regions as patches",
        cost="1 x per region",
        conserves=False,
        composite=(),
        reading=None,
        procedure="region_occlusion",
    ),
    Method(
        key="rise",
        title="RISE",
        source="Petsiuk et al. 2018, as relevance per pixel",
        cost="1 x per mask",
        conserves=False,
        composite=(),
        reading=None,
        procedure="rise",
    ),
)

METHODS: Mapping[str, Method] = {row.key: row for row in _ROWS}
