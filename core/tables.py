"""The table of a recording: one row per frame and face, and one for a frame without a face, written while they come.

::

    Result --> Rows --> CsvTable       text, whole up to its last line whatever happens
                    --> ParquetTable   the same cells with their kinds; whole once it is closed
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import ExportError
from core.export import Closing, number, writing
from core.pain_table import blendshape_cells, blendshape_columns, pain_cells, pain_columns
from core.point_regions import POINTS_OF
from core.regions import REGIONS
from core.relevance import agreement
from core.types import FaceResult, LandmarkReading, Prediction, Result

NUMBERS: Final = ("frame", "face_id", "success", "explained")  # whole ones
WORDS: Final = ("label", "method", "target", "lm_label", "lm_target", "reason", "network_reads")
GROUP: Final = 4096  # rows that a Parquet file takes at once


@dataclass(frozen=True)
class Rows:
    """What a table has columns of, and its rows, cell by cell as text.

    Numbers of an explanation stand only in the row of the frame that was explained (`explained` 1); a cell that is not
    known is empty.

    Attributes
    ----------
    labels
        The pack's classes, in its order; empty where no emotions are read, then nothing about them has a column.
    landmark_labels
        The expressions of the landmark network that reads beside it; empty where none does.
    pain, blendshapes
        Whether action units and PSPI, and whether MediaPipe's blendshapes have columns.
    """

    labels: tuple[str, ...]
    landmark_labels: tuple[str, ...] = ()
    pain: bool = False
    blendshapes: bool = False

    @property
    def columns(self) -> list[str]:
        """The table's columns, in order; those of a landmark network, of pain and of blendshapes come last."""
        return [
            *("frame", "timestamp", "face_id", "confidence", "success", "box_x", "box_y", "box_w", "box_h"),
            *(emotion_columns(self.labels) if self.labels else ()),
            *(landmark_columns(self.landmark_labels) if self.landmark_labels else ()),
            *(pain_columns() if self.pain else ()),
            *(blendshape_columns() if self.blendshapes else ()),
        ]

    def of(self, result: Result) -> Iterator[dict[str, object]]:
        """The rows of one frame."""
        frame = {"frame": result.frame.index, "timestamp": number(result.frame.timestamp_s), "success": 0}
        for face in result.faces:
            yield frame | {"success": 1} | self._face(face)
        if not result.faces:
            yield frame

    def _face(self, face: FaceResult) -> dict[str, object]:
        labels = () if face.prediction is None else face.prediction.labels
        if labels != self.labels:
            raise ExportError(f"The table has columns for {self.labels}, got a face with {labels}.")
        box = face.observation.box
        row: dict[str, object] = {
            "face_id": face.observation.face_id,
            "confidence": number(face.observation.confidence, 4),
            "box_x": number(box.x, 2),
            "box_y": number(box.y, 2),
            "box_w": number(box.width, 2),
            "box_h": number(box.height, 2),
        }
        if face.prediction is not None:
            row |= _prediction(face.prediction) | {"explained": int(face.explained)}
        row |= _by_landmarks(face) if self.landmark_labels else {}
        row |= _numbers(pain_cells(face.pain, face.pain_by_network)) if self.pain else {}
        row |= _numbers(blendshape_cells(face.pain)) if self.blendshapes else {}
        return row | _explained(face) if face.explained else row


class CsvTable(Closing):
    """The table as CSV; what was written stays when the process dies. UTF-8, comma, dot."""

    def __init__(self, path: Path, rows: Rows) -> None:
        self.path, self._rows = path, rows
        with writing(path):
            self._file = path.open("w", encoding="utf-8", newline="")
        self._lines = csv.DictWriter(self._file, rows.columns, restval="", lineterminator="\n")
        try:
            with writing(path):
                self._lines.writeheader()
                self._file.flush()
        except ExportError:
            with suppress(OSError):
                self._file.close()
            raise

    def write(self, result: Result) -> None:
        """Add the rows of one frame."""
        with writing(self.path):
            self._lines.writerows(self._rows.of(result))
            self._file.flush()

    def close(self) -> None:
        """Finish the file."""
        with writing(self.path):
            self._file.close()


class ParquetTable(Closing):
    """The same table as Parquet: the numbers of the CSV, float64, what is not known being null."""

    def __init__(self, path: Path, rows: Rows) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path, self._rows = path, rows
        kinds = {**dict.fromkeys(NUMBERS, pa.int64()), **dict.fromkeys(WORDS, pa.string())}
        self._schema = pa.schema(
            [(name, kinds.get(name, pa.float64())) for name in rows.columns],
            metadata={"notice": "Mienscope is not a medical device.", "pspi": "0 to 16"} if rows.pain else None,
        )
        with writing(path):
            self._writer: Any = pq.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[dict[str, object]] = []

    def write(self, result: Result) -> None:
        """Add the rows of one frame."""
        self._waiting += [{name: _typed(name, cell) for name, cell in row.items()} for row in self._rows.of(result)]
        if len(self._waiting) >= GROUP:
            self._flush()

    def close(self) -> None:
        """Finish the file."""
        if self._writer is None:
            return
        try:
            self._flush()
        finally:
            writer, self._writer = self._writer, None
            with writing(self.path):
                writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        waiting, self._waiting = self._waiting, []
        if waiting:
            with writing(self.path):
                self._writer.write_table(pa.Table.from_pylist(waiting, schema=self._schema))


def _typed(name: str, cell: object) -> object:
    """A cell as its column's kind; None for an empty one."""
    if cell == "":
        return None
    return cell if name in WORDS or name in NUMBERS else float(str(cell))


def emotion_columns(labels: Sequence[str]) -> list[str]:
    """The columns of a pack with these classes and of its explanations, in order."""
    return [
        *("label", "probability", *(f"p_{label}" for label in labels)),
        *("explained", "method", "target", "outside_share", "expected_share", "expected_density"),
        *(f"r_{region}" for region in REGIONS),
        *(f"d_{region}" for region in REGIONS),
    ]


def landmark_columns(labels: Sequence[str]) -> list[str]:
    """The columns of a landmark network with these expressions, in order."""
    return [
        *("lm_label", *(f"lm_p_{label}" for label in labels), "lm_target", "lm_agreement", "lm_gap"),
        *(f"lm_r_{region}" for region in POINTS_OF),
    ]


def _prediction(prediction: Prediction) -> dict[str, object]:
    shares = zip(prediction.labels, prediction.probabilities, strict=True)
    return {
        "label": prediction.label,
        "probability": number(prediction.probability),
        **{f"p_{label}": number(p) for label, p in shares},
    }


def _by_landmarks(face: FaceResult) -> dict[str, object]:
    """Cells of what the landmark network reads in this frame; none while it waits."""
    read = face.by_landmarks
    if not isinstance(read, LandmarkReading):
        return {}
    regions = read.points.regions
    return {
        "lm_label": read.label,
        **{f"lm_p_{label}": number(p) for label, p in zip(read.labels, read.probabilities, strict=True)},
        "lm_target": read.points.target,
        "lm_agreement": number(agreement(face), 4),
        "lm_gap": number(read.points.gap),
        **{f"lm_r_{name}": number(regions.shares[regions.regions.index(name)]) for name in POINTS_OF},
    }


def _numbers(cells: Mapping[str, float | str]) -> dict[str, object]:
    return {name: value if isinstance(value, str) else number(value, 4) for name, value in cells.items()}


def _explained(face: FaceResult) -> dict[str, object]:
    cells: dict[str, object] = {}
    if face.explanation is not None:
        cells |= {"method": face.explanation.method, "target": face.explanation.title}
    if (regions := face.regions) is not None:
        cells |= {
            "outside_share": number(regions.outside_share),
            "expected_share": number(regions.expected_share),
            "expected_density": number(regions.expected_density, 4),
        }
        cells |= {f"r_{name}": number(v) for name, v in zip(regions.regions, regions.shares, strict=True)}
        cells |= {f"d_{name}": number(v, 4) for name, v in zip(regions.regions, regions.densities, strict=True)}
    return cells
