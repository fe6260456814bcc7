"""A model from outside becomes a pack that works everywhere, gives the file's own probabilities, and hides no guess."""

import csv
import json
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from app import cli, packs
from app.importing.labels import SYNONYMS, known_names, read_labels
from app.importing.preparation import BYTES, IMAGENET, SIGNED, UNIT, Preparation
from core.errors import PackInvalid
from core.geometry import Alignment
from core.model import Model
from core.opencv import cv2
from core.packs import DEFAULT_PACK, SHIPPED, find_pack
from core.regions import EMFACS
from core.sample import sample_faces

torch.set_num_threads(1)
LABELS = "happy,sad,angry,chewing"


@pytest.fixture(autouse=True)
def own_places(monkeypatch, tmp_path):
    """Nothing is written to the real home."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


def run(*arguments):
    if arguments[:2] == ("packs", "import"):
        arguments = (*arguments, "--no-sheet")  # it has a test of its own
    return run_as_is(*arguments)


def run_as_is(*arguments):
    def no_window(source, pack):
        raise AssertionError("a command must not open the window")

    return cli.main([str(argument) for argument in arguments], no_window)


class Flipped(nn.Module):
    """A network that is given its channels last, as Keras's are."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        return self.network(face.permute(0, 3, 1, 2))


class Bytes(nn.Module):
    """A network with the scaling of its pixels inside."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        return self.network((face.float() - 128) / 64)


class Built(nn.Module):
    """A softmax made of its parts."""

    def forward(self, scores: Tensor) -> Tensor:
        odds = torch.exp(scores - scores.amax(1, keepdim=True))
        return odds / odds.sum(1, keepdim=True)


def network(channels=3, *, norm=False, head=None, places=4):
    """A small network whose answers differ from face to face; with its batch norm apart, if asked for."""
    torch.manual_seed(0)
    first = [nn.MaxPool2d(2)] if norm else []  # between them, so that no exporter folds the norm into the convolution
    layers = [nn.Conv2d(channels, 6, 3, padding=1), *first, *([nn.BatchNorm2d(6)] if norm else []), nn.ReLU()]
    layers += [nn.Conv2d(6, 6, 3, stride=2, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(places), nn.Flatten()]
    made = nn.Sequential(*layers, nn.Linear(6 * places**2, 4), *([head] if head is not None else []))
    with torch.no_grad():
        made[-2 if head is not None else -1].weight.mul_(20)
    return made.eval()


def export(net, path, *shape, dtype=torch.float32, dynamic=None):
    """An ONNX file as torch writes it; `dynamic` are the axes left open, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        torch.onnx.export(
            net,
            (torch.zeros(*shape).to(dtype),),
            str(path),
            input_names=["picture"],
            output_names=["scores"],
            dynamic_axes={"picture": dynamic} if dynamic else None,
            opset_version=17,
            dynamo=False,
        )
    return path


def aligned(size):
    usual = find_pack(DEFAULT_PACK).alignment
    return sample_faces().crops(Alignment(size, usual.right_eye, usual.left_eye, usual.mouth))


def own_probabilities(path, pictures, softmax):
    """What the file itself says, one picture at a time."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    dtype = {"tensor(float16)": np.float16}.get(session.get_inputs()[0].type, pictures.dtype)
    fed = pictures.astype(dtype)
    rows = np.concatenate([session.run(None, {"picture": picture[None]})[0] for picture in fed]).astype(float)
    odds = np.exp(rows - rows.max(axis=1, keepdims=True)) if softmax else rows
    return odds / odds.sum(axis=1, keepdims=True)


class Picked(nn.Module):
    """A network that takes the first picture of its batch, which nothing frees."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, face: Tensor) -> Tensor:
        return self.network(face[torch.tensor([0])])


BATCH = {0: "batch"}
IMAGENET_OPTIONS = ["--mean", ".485,.456,.406", "--std", ".229,.224,.225"]
OPEN = {0: "batch", 2: "height", 3: "width"}
RGB = (1, 3, 48, 48)
# Network, input shape, axes left open, options of the command, colour and scaling that they mean.
KINDS = {
    "imagenet": (network(), (1, 3, 64, 64), BATCH, IMAGENET_OPTIONS, "rgb", IMAGENET),
    "grey": (network(1), (1, 1, 48, 48), BATCH, ["--mean", "0"], "grey", UNIT),
    "grey-in-three": (network(), RGB, BATCH, ["--colour", "grey", "--mean", "0"], "grey", UNIT),
    "bgr": (network(), RGB, BATCH, ["--colour", "bgr", "--mean", "0"], "bgr", UNIT),
    "channels-last": (Flipped(network()), (1, 56, 56, 3), BATCH, ["--mean", ".5", "--std", ".5"], "rgb", SIGNED),
    "softmax": (network(head=nn.Softmax(1)), RGB, BATCH, ["--mean", "0"], "rgb", UNIT),
    "log-softmax": (network(head=nn.LogSoftmax(1)), RGB, BATCH, ["--mean", "0"], "rgb", UNIT),
    "built-softmax": (network(head=Built()), RGB, BATCH, ["--mean", "0"], "rgb", UNIT),
    "open-size": (network(places=1), RGB, OPEN, ["--size", "64", "--mean", "0"], "rgb", UNIT),
    "fixed-batch": (network(), RGB, None, ["--mean", "0"], "rgb", UNIT),
    "half": (network().half(), RGB, BATCH, ["--mean", "0"], "rgb", UNIT),
    "bound": (Picked(network()), RGB, None, ["--mean", "0"], "rgb", UNIT),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made = {
        name: export(net, folder / f"{name}.onnx", *shape, dynamic=dynamic, dtype=next(net.parameters()).dtype)
        for name, (net, shape, dynamic, *_) in KINDS.items()
    }
    made["bytes"] = export(Bytes(network()), folder / "bytes.onnx", 1, 3, 48, 48, dtype=torch.uint8, dynamic=BATCH)
    return made


@pytest.mark.parametrize("name", KINDS)
def test_a_pack_gives_the_probabilities_of_the_file_itself(files, name, capsys):
    _, shape, _, options, colour, scaling = KINDS[name]
    assert run("packs", "import", files[name], "--labels", LABELS, *options, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    pack = packs.find(name)
    faces, _ = pack.golden()
    fed = Preparation(colour, scaling).apply(faces, 1 if shape[1] == 1 else 3)
    fed = fed.transpose(0, 2, 3, 1) if shape[-1] == 3 else fed
    own = own_probabilities(files[name], fed, softmax=name not in ("softmax", "built-softmax"))
    model = Model(pack, provider="cpu")
    logits = model.logits(faces)
    odds = np.exp((logits - logits.max(axis=1, keepdims=True)) / pack.temperature)
    precision = 5e-3 if name == "half" else 2e-4  # the pack computes in float32
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), own, atol=precision)
    assert np.ptp(own, axis=0).max() > 0.01, "answers that do not differ prove nothing"
    assert packs.check_golden(pack) < 1e-4
    assert told["sure"]
    assert None in told["methods"].values(), "some method explains it"


class Sine(nn.Module):
    """An operator that no backward rule is known for."""

    def forward(self, values: Tensor) -> Tensor:
        return torch.sin(values)


def test_methods_that_do_not_work_are_listed_on_the_card_with_the_reason(tmp_path, capsys):
    net = network()
    net[1] = Sine()  # behind the first convolution: Grad-CAM looks at a later one
    path = export(net, tmp_path / "sine.onnx", *RGB, dynamic=BATCH)
    assert run("packs", "import", path, "--labels", LABELS, "--mean", "0") == 0
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "(Sin) has no backward rule." in line]
    assert "Not LRP; LRP on pixels alone;" in said
    card = (packs.imported_folder() / "sine" / "CARD.md").read_text(encoding="utf-8")
    works, fails = card.split("Do not work:")
    assert "Grad-CAM" in works.split("## Explanations")[1]
    (line,) = [line for line in fails.splitlines() if line.startswith("- LRP; ")]
    assert line.endswith("(Sin) has no backward rule.")


def test_the_methods_are_shown_on_a_sheet_beside_the_card(files, capsys):
    assert run_as_is("packs", "import", files["grey"], "--labels", LABELS, "--mean", "0") == 0
    sheet = packs.imported_folder() / "grey" / "methods.png"
    assert str(sheet) in capsys.readouterr().out
    assert cv2.imread(str(sheet)).shape[1] > 1000
    assert packs.check_golden(packs.find("grey")) < 1e-4


def test_a_model_of_bytes_keeps_its_own_scaling(files, capsys):
    assert run("packs", "import", files["bytes"], "--labels", LABELS, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["scaling"], told["sure"], told["colour"]) == (None, True, "rgb")
    own = own_probabilities(files["bytes"], aligned(48)["rgb"], softmax=True)
    inputs, logits = packs.find("bytes").golden()
    np.testing.assert_array_equal(inputs[: len(own)], aligned(48)["rgb"])
    odds = np.exp(logits[: len(own)] - logits[: len(own)].max(axis=1, keepdims=True))
    np.testing.assert_allclose(odds / odds.sum(axis=1, keepdims=True), own, atol=1e-4)


@pytest.mark.parametrize("name", ["imagenet", "channels-last", "bound"])
def test_an_imported_pack_works_in_explain_and_analyze(files, name, astronaut, tmp_path):
    assert run("packs", "import", files[name], "--labels", LABELS, "--name", "other") == 0
    still, clip = tmp_path / "face.png", tmp_path / "clip"
    cv2.imwrite(str(still), astronaut[..., ::-1])
    assert run("explain", still, "--out", tmp_path / "out.json", "--pack", "other") == 0
    (face,) = json.loads((tmp_path / "out.json").read_text())["faces"]
    assert set(face["probabilities"]) == {"happiness", "sadness", "anger", "chewing"}
    assert run("explain", still, "--out", tmp_path / "out.json", "--pack", "other", "--target", "chewing") == 0
    clip.mkdir()
    for k, frame in enumerate(sample_faces().frames[:5]):
        cv2.imwrite(str(clip / f"{k}.png"), frame.image[..., ::-1])
    assert run("analyze", clip, "--out", tmp_path / "out", "--pack", "other", "--target", "chewing", "--overlay") == 0
    with (tmp_path / "out" / "clip.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["explained"] for row in rows] == ["1"] * 5
    assert {row["expected_share"] for row in rows} == {""}, "nothing is expected of a class that nobody has described"


@pytest.mark.parametrize("scaling", [IMAGENET, UNIT, SIGNED, BYTES], ids=lambda scaling: scaling.name)
def test_the_statistics_of_a_batch_norm_tell_the_scaling(scaling, tmp_path, capsys):
    net = network(norm=True)
    seen = torch.tensor(scaling.apply(aligned(64)["rgb"]))
    net.train()
    for _ in range(80):
        net(seen)
    path = export(net.eval(), tmp_path / "normed.onnx", 1, 3, 64, 64, dynamic=BATCH)
    assert run("packs", "import", path, "--labels", LABELS, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["scaling"].startswith(scaling.name)
    assert "batch norm" in told["evidence"]
    assert told["sure"]


def test_a_trained_network_without_batch_norm_is_guessed_and_the_guess_is_said(tmp_path, capsys):
    """The shipped network with its own scaling (pixels less 128, over 64) cut off: bytes would saturate it."""
    model = onnx.load(SHIPPED / DEFAULT_PACK / "model.onnx")
    scaling, first = list(model.graph.node)[:3], model.graph.node[3]
    assert [node.op_type for node in (*scaling, first)] == ["Cast", "Sub", "Div", "Conv"]
    for node in scaling:
        model.graph.node.remove(node)
    first.input[0] = "face"
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    onnx.save(model, tmp_path / "trained.onnx")
    labels = ",".join(find_pack(DEFAULT_PACK).labels)
    assert run("packs", "import", tmp_path / "trained.onnx", "--labels", labels) == 0
    said = capsys.readouterr().out
    assert "GUESSED" in said
    assert "grey, 0..1" in said.splitlines()[0]
    assert all(name in said for name in ("0..1", "0..255", "mean confidence"))
    assert "weak evidence" in (packs.imported_folder() / "trained" / "CARD.md").read_text(encoding="utf-8")


def test_a_pack_is_not_overwritten_unless_asked_for(files, capsys):
    assert run("packs", "import", files["grey"], "--labels", LABELS, "--mean", "0") == 0
    before = packs.find("grey").manifest.input
    assert run("packs", "import", files["grey"], "--labels", LABELS, "--mean", ".5") == 2
    assert "--replace" in capsys.readouterr().err
    assert run("packs", "import", files["grey"], "--labels", "a,b,c,d", "--mean", ".5", "--replace") == 0
    assert packs.find("grey").labels == ("a", "b", "c", "d")
    assert packs.find("grey").manifest.input == before
    assert [entry.name for entry in packs.imported_folder().parent.iterdir()] == ["packs"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("grey", ["--labels", "a,b,c"], "'scores' has 4 scores, so --labels must name 4 classes; got 3."),
        ("grey", ["--labels", "a,a,b,c"], "must differ"),
        ("grey", ["--labels", "a,b,c,predicted"], "a meaning of its own"),
        ("grey", ["--labels", "nowhere.txt"], "no file of labels"),
        ("grey", ["--labels", LABELS, "--size", "64"], "must be 48; got 64"),
        ("grey", ["--labels", LABELS, "--colour", "rgb"], "three channels; this one has 1"),
        ("grey", ["--labels", LABELS, "--mean", "1,2,3"], "1 or 1 numbers"),
        ("grey", ["--labels", LABELS, "--std", "0"], "above 0"),
        ("grey", ["--labels", LABELS, "--alignment", "1,2"], "six fractions"),
        ("grey", ["--labels", LABELS, "--name", "Mine!"], "small letters"),
        ("grey", ["--labels", LABELS, "--name", DEFAULT_PACK], "comes with Mienscope"),
        ("grey", ["--labels", LABELS, "--output", "elsewhere"], "There is: scores"),
        ("bytes", ["--labels", LABELS, "--mean", ".5"], "scales them by itself"),
        ("open-size", ["--labels", LABELS], "--size"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(files, capsys, name, options, said):
    assert run("packs", "import", files[name], *options) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not packs.imported_folder().is_dir() or not list(packs.imported_folder().iterdir())


def made(path, nodes, inputs, outputs, initializers=()):
    values = [
        [onnx.helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in group]
        for group in (inputs, outputs)
    ]
    graph = onnx.helper.make_graph(nodes, "made", *values, list(initializers))
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("strange", 1)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


REFUSED = ("nothing", "text", "two inputs", "no output", "many channels", "oblong", "integers", "outside")


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_model_of_faces_is_refused(tmp_path, capsys, kind):
    path, node = tmp_path / "bad.onnx", onnx.helper.make_node
    picture, scores = ("x", 1, [1, 3, 8, 8]), ("y", 1, [1, 3])
    mean = node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)
    if kind == "text":
        path.write_text("this is no model")
    elif kind == "two inputs":
        made(path, [mean], [picture, ("z", 1, [1])], [scores])
    elif kind == "no output":
        made(path, [mean], [picture], [])
    elif kind in ("many channels", "oblong", "integers"):
        shape = {"many channels": [1, 7, 8, 8], "oblong": [1, 3, 8, 16]}.get(kind, [1, 3, 8, 8])
        made(path, [mean], [("x", 7 if kind == "integers" else 1, shape)], [scores])
    elif kind == "outside":
        weight = onnx.TensorProto(name="w", data_type=1, dims=[3], data_location=onnx.TensorProto.EXTERNAL)
        weight.external_data.add(key="location", value="../../etc/passwd")
        add = node("Add", ["m", "w"], ["y"])
        mean.output[0] = "m"
        made(path, [mean, add], [picture], [scores], [weight])
    assert run("packs", "import", path, "--labels", "a,b,c", "--mean", "0") == 2
    assert capsys.readouterr().err.count("mienscope:") == 1


def test_a_place_that_cannot_be_written_is_told(files, tmp_path, monkeypatch, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(blocked))
    assert run("packs", "import", files["grey"], "--labels", LABELS, "--mean", "0") == 1
    assert "cannot be written" in " ".join(capsys.readouterr().err.split())


def test_labels_come_from_a_file_too(tmp_path):
    listed = tmp_path / "labels.txt"
    listed.write_text("happy\n\n sad \n", encoding="utf-8")
    assert read_labels(str(listed)) == ("happy", "sad")
    assert known_names(("Happy", "SAD", "Chewing")) == ("happiness", "sadness", "Chewing")
    assert known_names(("happy", "joy")) == ("happy", "joy"), "two labels may not become one"
    assert set(SYNONYMS.values()) <= set(EMFACS)
    listed.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PackInvalid, match="cannot be read"):
        read_labels(str(listed))
