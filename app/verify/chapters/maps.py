"""Mean heatmaps on the mean face, and the images that fail worst."""

from collections.abc import Iterator, Mapping

from app.documents.document import Block, Column, Figure, Heading, Note, Text, code, table
from app.verify.heatmaps import Tile, heatmaps, of_classes, pictures
from app.verify.numerals import number, plural
from app.verify.words import method
from core.geometry import Image
from core.scales import SMOOTH_PX
from core.verification.estimates import Group, Seed
from core.verification.findings import Findings


def mean_maps(findings: Findings) -> Iterator[Block]:
    """Where the relevance lies on average, class by class."""
    yield Heading("Mean heatmaps", new_page=True)
    yield Text(
        "Every face is aligned by eyes and mouth, each map is divided by its own sum, and the maps of the images "
        "read as one class are averaged. The lines are the mean of the landmarks, not a picture of anybody; dotted: "
        "the expected regions. The colours are the same in every report: white is what a uniform map would give, "
        "orange more, blue less. "
        f"For display maps are smoothed as on video (a Gaussian of {SMOOTH_PX:g} px); numbers are not."
    )
    if findings.maps.landmarks is None:
        yield Note("No outline", "No face was found, so that there is no mean face to draw.", "warn")
    yield _figure(findings, "predicted", "all", "the class that was read")
    yield _figure(findings, "contrast", "all", "the class that was read, against the runner-up")
    yield Heading("Correct and wrong apart", 2)
    yield _figure(findings, "predicted", "correct", "the class that was read, where that was right")
    yield _figure(findings, "predicted", "wrong", "the class that was read, where that was wrong")


def _figure(findings: Findings, seed: Seed, group: Group, words: str) -> Figure:
    expected = {each.label: each.expected for each in findings.classes}
    tiles = of_classes(findings.maps, expected, seed, group)
    return Figure(
        heatmaps(tiles, findings.maps.landmarks, findings.options.region_mode),
        f"Mean heatmap of each class over the outline of the mean face: evidence for {words}. Densities by region "
        f"are in "
        "the tables of classes and regions.",
        f"Evidence for {words} ({method(findings.options.method)}). In brackets: number of images.",
    )


def worst_images(findings: Findings, faces: Mapping[int, Image]) -> Iterator[Block]:
    """The images that fail worst, by name and number; their pictures only where they were asked for."""
    yield Heading("The worst images", new_page=True)
    if not findings.worst:
        yield Text("No image was examined, or none was asked for.")
        return
    yield Text(
        f"The {plural(len(findings.worst), 'image')} whose evidence lies worst. Their names stand as in the corpus, "
        f"to be "
        "looked up there."
    )
    yield table(
        "The images that fail worst",
        [
            Column("no.", numeric=True),
            Column("image"),
            Column("label"),
            Column("read as"),
            Column("probability", numeric=True),
            Column("V_f", numeric=True),
            Column("outside the face", "%", numeric=True),
            Column("verdict"),
        ],
        [
            [
                f"{place}",
                each.name,
                each.label,
                each.predicted,
                number(each.probability),
                number(each.face_density),
                number(100 * each.outside_share, 1),
                each.verdict,
            ]
            for place, each in enumerate(findings.worst, 1)
        ],
        headers=2,
    )
    expected = {each.label: each.expected for each in findings.classes}
    tiles = [
        Tile(f"{place}  {each.predicted}", each.density, expected[each.predicted])
        for place, each in enumerate(findings.worst, 1)
    ]
    yield Figure(
        heatmaps(tiles, findings.maps.landmarks, findings.options.region_mode, columns=6, tile_cm=2.6),
        "Heatmaps of the worst images over the outline of the mean face, numbered as in the table.",
        "Their evidence, numbered as in the table, under the outline of the mean face (not of their own).",
    )
    yield from _faces(findings, faces)


def _faces(findings: Findings, faces: Mapping[int, Image]) -> Iterator[Block]:
    shown = [
        (f"{place}  {each.label} / {each.predicted}", faces[each.place])
        for place, each in enumerate(findings.worst, 1)
        if each.place in faces
    ]
    if not shown:
        yield Text(
            (
                "Faces are health data and are left out; ",
                code("--with-faces"),
                " puts them in.",
            )
        )
        return
    yield Note(
        "This report contains faces",
        "The pictures below were asked for. Treat the file as health data of the people shown.",
        "warn",
    )
    yield Figure(
        pictures(shown),
        "Faces of the worst images, numbered as in the table.",
        "The faces, numbered as in the table: label / read as.",
    )
