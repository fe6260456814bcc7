"""The command line. It imports no Qt, and each command imports what it needs when it runs.

Exit status: 0 done, 1 ran but some inputs failed (each is named), 2 unusable arguments.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app import arguments
from app.naming import Kept, Span
from core import __version__
from core.errors import (
    BlendshapesUnavailable,
    CorpusError,
    ExplainError,
    MienscopeError,
    PackError,
    UnknownName,
    VerificationError,
)

DONE, SOME_FAILED, UNUSABLE = 0, 1, 2
# Which errors come from what was asked for, not from the work itself.
ARGUMENTS_AT_FAULT = (UnknownName, PackError, CorpusError, ExplainError, VerificationError, BlendshapesUnavailable)
OpenWindow = Callable[[str | None, str | None], int]


def parser() -> argparse.ArgumentParser:
    """The whole command line as argparse sees it."""
    top = argparse.ArgumentParser(
        prog="mienscope",
        description="Expression recognition on video, explained live. Without a command the window opens. "
        "Mienscope is not a medical device.",
    )
    top.add_argument("--version", action="version", version=f"mienscope {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    gui = commands.add_parser("gui", help="open the window")
    gui.add_argument("--source", help="camera index or name, a file, a folder, a URL, or 'demo'")
    gui.add_argument("--pack", help="model pack to read faces with")

    analyze = commands.add_parser("analyze", help="recorded video or images to tables, overlay video, summary")
    analyze.add_argument("inputs", nargs="+", metavar="INPUT", help="video, image, folder of images, or 'demo'")
    analyze.add_argument("--out", type=Path, required=True, help="folder for the results")
    analyze.add_argument("--overlay", action="store_true", help="also write <stem>.overlay.mp4")
    _add_drawing_options(analyze, "in the overlay video, which they ask for")
    analyze.add_argument(
        "--csv-profile",
        metavar="NAME",
        help="write <stem>.csv as another program does. gimefive: filepath,happiness,surprise,sadness,anger,disgust,"
        "fear, a row per picture of a folder, for its largest face; cells are empty where there is no face. Of a pack "
        "with more classes the six are scaled to sum to 1. Nothing is explained but for --overlay",
    )
    analyze.add_argument(
        "--every", type=arguments.positive, default=1, metavar="N", help="explain every n-th frame (default 1)"
    )
    analyze.add_argument("--parquet", action="store_true", help="also write the table as <stem>.parquet")
    _add_model_options(analyze)
    _add_pain_options(analyze, recorded=True)

    explain = commands.add_parser("explain", help="one still to a picture or arrays; '--method all' compares methods")
    explain.add_argument("image", metavar="IMAGE")
    explain.add_argument("--out", type=Path, required=True, help="a .png, .npz or .json file")
    _add_drawing_options(explain, "in the .png")
    _add_model_options(explain)
    _add_pain_options(explain, recorded=False)

    packs = commands.add_parser("packs", help="list, show, check or import model packs")
    actions = packs.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="every pack there is").add_argument("--json", action="store_true")
    for name, text in (("show", "what a pack is"), ("check", "hashes and golden outputs")):
        action = actions.add_parser(name, help=text)
        action.add_argument("pack", nargs="?" if name == "check" else None, help="id or folder")
        action.add_argument("--json", action="store_true")
    outside = actions.add_parser(
        "import",
        help="make a pack of a model from outside",
        description="Makes a pack of an ONNX classifier of faces: checks it, guesses and says what is not told, tries "
        "every method on a sample face, and writes card and golden outputs.",
    )
    _add_import_options(outside)

    verify = commands.add_parser(
        "verify",
        help="on a labelled corpus: what a pack's readings rest on, as a report",
        description="Reads every picture of a labelled corpus, explains each reading, sums the explanation over the "
        "regions "
        "of the face, and writes a report (HTML, PDF), a table (Parquet) and every figure (JSON). Stop it at any "
        "time: the "
        "same command goes on where it was. Mienscope is not a medical device.",
    )
    _add_verify_options(verify)

    bench = commands.add_parser("bench", help="the speed table, measured side by side on this machine")
    bench.add_argument("--seconds", type=float, default=10.0, help="length of each end-to-end run (default 10)")
    bench.add_argument("--clip", default="demo", help="clip for the end-to-end runs")
    bench.add_argument("--json", action="store_true")

    doctor = commands.add_parser("doctor", help="what works on this machine")
    doctor.add_argument("--json", action="store_true")
    return top


def _add_drawing_options(command: argparse.ArgumentParser, where: str) -> None:
    command.add_argument("--scores", action="store_true", help=f"show the probability of every class {where}")
    command.add_argument("--landmarks", action="store_true", help=f"show the face mesh {where}")
    command.add_argument(
        "--points",
        action="store_true",
        help="also read the face mesh with a landmark network, and say which points it was: in numbers, and as dots in "
        "pictures",
    )
    command.add_argument(
        "--landmark-pack",
        metavar="PACK",
        help="the landmark network, which asks for --points (default: the shipped one)",
    )


def _add_model_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--pack", help="model pack (default: the shipped one)")
    how = command.add_mutually_exclusive_group()
    how.add_argument("--method", default="lrp", help="how to explain (default lrp); 'off' explains nothing")
    how.add_argument("--composite", type=Path, metavar="FILE", help="explain by LRP, each layer by your table of rules")
    command.add_argument("--target", default="predicted", help="class to explain (default: the predicted one)")
    command.add_argument("--against", help="class to contrast it with, or 'runner-up'")
    command.add_argument("--regions", default="polygons", metavar="MODE", help="polygons (default) or boxes")
    command.add_argument("--provider", default="auto", help="auto, cpu, cuda, tensorrt or coreml")
    command.add_argument("--json", action="store_true", help="print a summary that a program can read")


def _add_pain_options(command: argparse.ArgumentParser, recorded: bool) -> None:
    """Options about pain; what is about time belongs to recordings."""
    which = command.add_mutually_exclusive_group()
    which.add_argument(
        "--pain",
        action="store_true",
        help="also measure action units and the pain score PSPI, 0 to 16, with its interval",
    )
    which.add_argument("--pain-only", action="store_true", help="measure pain alone: no emotion is read or stored")
    command.add_argument(
        "--baseline",
        action="append",
        type=Kept.parse,
        default=[],
        metavar="[FACE=]FILE",
        help="compare a face (default: A, the first that is seen) with a neutral face that was kept",
    )
    command.add_argument("--person", default="", metavar="NAME", help="whose face it is")
    command.add_argument(
        "--blendshapes",
        type=Path,
        metavar="FILE",
        help="MediaPipe's face_landmarker.task: its blendshapes stand beside the action units, as a second opinion",
    )
    command.set_defaults(neutral=None, one_person=False, keep_neutral=False, smoothing=None, alarm=None)
    if recorded:
        command.add_argument(
            "--neutral",
            type=Span.parse,
            metavar="START[-END]",
            help="faces are neutral at this time of the recording, s: compare them with that instead of the norm",
        )
        command.add_argument("--keep-neutral", action="store_true", help="write neutral faces to <stem>.neutral-A.npz")
        command.add_argument(
            "--one-person",
            action="store_true",
            help="only one person is in the recording: the neutral face counts for whoever is alone in the picture",
        )
        command.add_argument(
            "--smoothing",
            type=arguments.seconds,
            metavar="SECONDS",
            help="time constant that action units follow the face with; 0 for none",
        )
        command.add_argument(
            "--alarm",
            type=arguments.alarm,
            metavar="SCORE/SECONDS",
            help="count an alarm after so many seconds at this score or more (default 4/3)",
        )


def _add_verify_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "what",
        nargs="?",
        choices=("expressions", "pain"),
        default="expressions",
        help="expressions (default), or pain: the score against recordings with a coded PSPI (UNBC-McMaster) or a "
        "known stimulus (BioVid), which takes --data, --out, --layout, --rate and --json",
    )
    command.add_argument(
        "--pack", action="append", help="model pack (default: the shipped one); repeat to compare several"
    )
    command.add_argument("--data", type=Path, required=True, help="labelled pictures: folder, CSV, npz, known data set")
    command.add_argument("--out", type=Path, required=True, help="folder for the results")
    command.add_argument("--layout", default="auto", help="how the pictures are laid out (default: recognised)")
    command.add_argument("--labels", help="which labels, where the data has several: see docs/verify.md")
    command.add_argument("--split", help="only this part of the data: train, test ...")
    command.add_argument(
        "--column",
        action="append",
        type=arguments.assignment,
        default=[],
        metavar="WHAT=NAME",
        help="of a CSV: which column is the image, subject, score or split",
    )
    command.add_argument(
        "--pictures", choices=("auto", "crops", "whole"), default="auto", help="cut to the face already, or not"
    )
    command.add_argument("--method", default="lrp", help="how to explain (default lrp)")
    command.add_argument("--regions", default="polygons", metavar="MODE", help="polygons (default) or boxes")
    work = command.add_mutually_exclusive_group()
    work.add_argument("--checks", type=arguments.positive, metavar="N", help="images per check of the explanations")
    work.add_argument("--quick", action="store_true", help="leave the checks of the explanations out")
    command.add_argument(
        "--worst", type=arguments.not_negative, default=30, metavar="N", help="worst images to list (default 30)"
    )
    command.add_argument(
        "--seed", type=arguments.not_negative, default=0, help="of everything drawn at random (default 0)"
    )
    command.add_argument(
        "--rate",
        type=arguments.rate,
        default=30.0,
        metavar="HZ",
        help="of pain: pictures per second of sequences without a time of their own (default 30)",
    )
    command.add_argument("--restart", action="store_true", help="measure anew, whatever the folder holds")
    command.add_argument("--with-faces", action="store_true", help="show the worst images' faces: they are health data")
    command.add_argument("--provider", default="auto", help="auto, cpu, cuda, tensorrt or coreml")
    command.add_argument("--json", action="store_true", help="print a summary that a program can read")


def _add_import_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "model", type=Path, metavar="MODEL.onnx", help="a classifier of faces, one self-contained file"
    )
    command.add_argument(
        "--labels", required=True, help="its classes in the order of its outputs: a,b,c or a text file, one per line"
    )
    command.add_argument("--name", help="name of the pack (default: the file's)")
    command.add_argument(
        "--size", type=arguments.positive, metavar="PX", help="side of its pictures, where the file leaves it open"
    )
    command.add_argument(
        "--colour", choices=("grey", "rgb", "bgr"), help="its channels (default: grey for one, rgb for three)"
    )
    command.add_argument(
        "--mean",
        type=arguments.numbers,
        metavar="M,...",
        help="what it wants subtracted, of pixels scaled to 0..1 (default 0)",
    )
    command.add_argument(
        "--std",
        type=arguments.numbers,
        metavar="S,...",
        help="what it wants divided by, of pixels scaled to 0..1 (default 1; 0.00392157 for pixels 0..255). "
        "Without --mean and --std the scaling is guessed, and said",
    )
    command.add_argument(
        "--alignment",
        type=arguments.numbers,
        metavar="X,Y,X,Y,X,Y",
        help="where right eye, left eye and mouth lie in its pictures, as fractions (default: as in the shipped pack)",
    )
    command.add_argument("--output", help="name of the output with one score per class (default: the first)")
    command.add_argument("--licence", default="unknown", help="licence of the weights (default: unknown)")
    command.add_argument("--no-sheet", action="store_true", help="draw no comparison of methods, which takes longest")
    command.add_argument("--replace", action="store_true", help="take the place of an imported pack of that name")
    command.add_argument("--json", action="store_true")


def main(arguments: Sequence[str] | None, open_window: OpenWindow) -> int:
    """Run a command and return its exit status.

    `open_window` is called with source and pack, each None where not chosen: whoever starts the program brings the
    window along, so that this module and every other command work without Qt.
    """
    chosen = parser().parse_args(arguments)
    try:
        if chosen.command in (None, "gui"):
            return open_window(getattr(chosen, "source", None), getattr(chosen, "pack", None))
        return COMMANDS[chosen.command](chosen)
    except ARGUMENTS_AT_FAULT as error:
        _complain(error)
        return UNUSABLE
    except MienscopeError as error:
        _complain(error)
        return SOME_FAILED
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. What was written so far is kept.\n")
        return 130


def _complain(error: MienscopeError) -> None:
    Console(stderr=True).print(f"[bold]mienscope:[/bold] {escape(str(error))}", highlight=False, soft_wrap=True)


def print_json(value: object) -> None:
    """Write a value for a program to read."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def _analyze(chosen: argparse.Namespace) -> int:
    from app.analyze import analyze_all

    return analyze_all(chosen)


def _explain(chosen: argparse.Namespace) -> int:
    from app.still import explain_still

    return explain_still(chosen)


def _packs(chosen: argparse.Namespace) -> int:
    from app import packs

    if chosen.action == "import":
        from app.importing.command import run_import

        return run_import(chosen)
    if chosen.action == "list":
        return _packs_list(chosen.json)
    if chosen.action == "show":
        facts = packs.summary(packs.find_any(chosen.pack))
        if chosen.json:
            print_json(facts)
        else:
            _print_table([(name, str(value)) for name, value in facts.items()])
        return DONE
    return _packs_check(chosen)


def _packs_list(as_json: bool) -> int:
    from app import packs

    rows = []
    for name, found in packs.listed():
        usable = not isinstance(found, MienscopeError)
        state = f"unusable: {found}" if isinstance(found, MienscopeError) else packs.line(found)
        rows.append((name, state, usable))
    if as_json:
        print_json([{"id": name, "usable": usable, "about": about} for name, about, usable in rows])
    else:
        _print_table([(name, about) for name, about, _ in rows])
    return DONE if all(usable for *_, usable in rows) else SOME_FAILED


def _packs_check(chosen: argparse.Namespace) -> int:
    from app import packs

    names = [chosen.pack] if chosen.pack else [name for name, _ in packs.listed()]
    rows = []
    for name in names:
        try:
            gap = packs.check_golden(packs.find_any(name))
            rows.append((name, True, f"hashes match, golden outputs reproduced to {gap:.1e}"))
        except MienscopeError as error:
            rows.append((name, False, str(error)))
    if chosen.json:
        print_json([{"id": name, "passed": passed, "detail": detail} for name, passed, detail in rows])
    else:
        _print_table([(name, "passed" if passed else "FAILED", detail) for name, passed, detail in rows])
    return DONE if all(passed for _, passed, _ in rows) else SOME_FAILED


def _verify(chosen: argparse.Namespace) -> int:
    if chosen.what == "pain":
        from app.verify.pain import run_verify_pain

        return run_verify_pain(chosen)
    from app.verify.command import run_verify

    return run_verify(chosen)


def _bench(chosen: argparse.Namespace) -> int:
    from app.bench import run_bench

    report = run_bench(chosen.clip, chosen.seconds, echo=not chosen.json)
    if chosen.json:
        print_json(report)
    return DONE


def _doctor(chosen: argparse.Namespace) -> int:
    from app.doctor import as_rows, examine

    findings = list(examine())
    if chosen.json:
        print_json(as_rows(findings))
    else:
        _print_table([(finding.what, finding.state, finding.detail) for finding in findings])
    return SOME_FAILED if any(finding.state == "fails" for finding in findings) else DONE


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    Console(highlight=False).print(table)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "analyze": _analyze,
    "explain": _explain,
    "packs": _packs,
    "verify": _verify,
    "bench": _bench,
    "doctor": _doctor,
}
