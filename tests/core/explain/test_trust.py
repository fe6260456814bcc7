"""A hostile model file is refused in under a second and 200 MB, whatever it asks for."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from core.errors import GraphInvalid
from core.explain import compile_explainer
from core.explain.trust import FILE_LIMIT, trusted
from tests.core.explain.hostile import KINDS, small, sound

# Refuses every file that it is given, in one process: the peak of its memory is then the peak over all of them so far.
PROGRAM = """
import json, sys, time
from pathlib import Path
from core.errors import GraphInvalid
from core.explain import compile_explainer

def peak_mb():
    status = Path("/proc/self/status")
    if status.exists():  # this program's own peak; what getrusage says begins with its parent's
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2

for name in sys.argv[1:]:
    started = time.process_time()  # not the wall clock: a machine that is busy with something else is no hostile file
    try:
        compile_explainer(Path(name), "gradient")
        said = None
    except GraphInvalid as error:
        said = str(error)
    seconds = time.process_time() - started
    print(json.dumps([said, seconds, peak_mb()]), flush=True)
"""


@pytest.fixture(scope="module")
def refusals(tmp_path_factory):
    """Sentence, seconds and peak memory in MB, for every kind."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = [folder / f"{number}.onnx" for number in range(len(KINDS))]
    for path, (make, _) in zip(paths, KINDS.values(), strict=True):
        path.write_bytes(make())
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", PROGRAM, *map(str, paths)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=root, check=False)
    assert ended.stderr == ""
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    return dict(zip(KINDS, rows, strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_a_hostile_file_is_refused_in_under_a_second_and_200_mb(kind, refusals):
    said, seconds, peak_mb = refusals[kind]
    assert said is not None
    assert re.search(KINDS[kind][1], said)
    assert seconds < 1
    assert peak_mb < 200


def test_the_sound_file_that_the_hostile_ones_are_made_of_is_read():
    assert trusted(sound()).graph.name == "classifier"
    assert compile_explainer(sound(), "gradient")


def test_what_is_no_file_is_refused_without_waiting_for_its_end(tmp_path):
    for path in (tmp_path, Path("/dev/zero"), tmp_path / "none.onnx"):
        with pytest.raises(GraphInvalid, match="not a readable"):
            trusted(path)


def test_a_file_beyond_any_classifier_is_refused_unread(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(FILE_LIMIT + 1)
    with pytest.raises(GraphInvalid, match="at most 1024 MB"):
        trusted(path)


def test_constants_may_be_kept_in_any_of_the_fields_that_the_format_has():
    for kind, numbers in (
        (TensorProto.FLOAT, [1.0, 2.0]),
        (TensorProto.INT64, [1, 2]),
        (TensorProto.INT32, [1, 2]),
        (TensorProto.BOOL, [1, 0]),
        (TensorProto.FLOAT16, [1.0, 2.0]),
        (TensorProto.DOUBLE, [1.0, 2.0]),
        (TensorProto.UINT8, [1, 2]),
        (TensorProto.STRING, [b"a", b"b"]),
        (TensorProto.COMPLEX64, [1 + 2j, 3j]),
    ):
        model = small()
        model.graph.initializer.append(helper.make_tensor("spare", kind, [2], np.array(numbers)))
        assert trusted(model.SerializeToString()).graph.initializer[1].name == "spare"


def test_a_file_with_wrong_bytes_is_read_or_refused_and_nothing_else():
    rng = np.random.default_rng(4)
    whole = np.frombuffer(sound(), np.uint8)
    refused = 0
    for _ in range(400):
        wrong = whole.copy()
        places = rng.integers(0, len(wrong), rng.integers(1, 4))
        wrong[places] = rng.integers(0, 256, len(places))
        try:
            trusted(wrong.tobytes())
        except GraphInvalid:
            refused += 1
    assert refused > 0
