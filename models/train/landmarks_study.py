"""What docs/landmarks.md shows, from the data on: the loop of fewer points, its tables and figures, and windows."""

from dataclasses import dataclass
from pathlib import Path

from models.data import ferplus, landmarks
from models.data.landmarks import count_table, mirrored
from models.networks.point_relevance import BASELINES
from models.train.landmarks import KINDS, LandmarkRecipe
from models.train.landmarks_reduction import COUNTS, reduce
from models.train.landmarks_report import draw_curves, draw_points, draw_regions, write_table
from models.train.landmarks_scores import rows_of, smallest_good
from models.train.landmarks_windows import write_windows
from models.verify.landmark_latency import measure_latencies


@dataclass(frozen=True)
class Places:
    """Folders: of the data, of fitted meshes, of the run, of tables and figures."""

    data: Path
    cache: Path
    run: Path
    figures: Path


def reproduce(places: Places, recipe: LandmarkRecipe, seeds: range) -> None:
    """Learn what the run lacks, then measure and draw."""
    for name in ("train", "valid"):
        for label, (images, found) in count_table(ferplus.load(places.data, name, places.cache)).items():
            print(f"{name}: {label}: the mesh finds a face in {found} of {images} images")
    train, valid = (landmarks.load(places.data, name, places.cache) for name in ("train", "valid"))
    print(recipe, flush=True)
    reduce(places.run, train, valid, recipe, seeds)
    rows = rows_of(places.run, train, valid, recipe, seeds)
    places.figures.mkdir(parents=True, exist_ok=True)
    latencies = measure_latencies(recipe, COUNTS, train.shapes[:BASELINES])
    write_table(places.figures / "landmarks.csv", rows, latencies)
    draw_curves(places.figures / "landmarks-recall.png", rows)
    draw_regions(places.figures / "landmarks-regions.png", rows)
    face = (train.shapes[:, 0] + mirrored(train.shapes[:, 0])).mean(axis=0) / 2
    draw_points(places.figures / "landmarks-points.png", places.run, seeds, face, COUNTS[0])
    for kind in KINDS:
        held, on_valid = (smallest_good(rows, kind, held) for held in (True, False))
        print(f"{kind}: {held} points are within half a point of the best on held-out images, {on_valid} on validation")
    write_windows(places.figures / "landmarks-windows.csv", (places.data, places.cache), recipe, seeds)
