"""What a report looks like as HTML and as PDF, whatever stands in it."""

import re
from html.parser import HTMLParser

import pytest

from app.documents import document as doc
from app.documents.drawing import Chart
from app.documents.fonts import fitted, register, shown
from app.documents.grid import grids
from app.documents.html import to_html
from app.documents.palette import DARK, LIGHT
from app.documents.pdf import WIDTH, to_pdf

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    SCRIPT,
    '"onload="x',
    "]]>--><b>&amp;",
    "喜び 😀 Ünïcode العربية",
    "\u202egnp.exe",
    "a\x00b\x1b[31m\ud800",
    "x" * 3000,
)


def line(figure):
    axes = figure.subplots()
    axes.plot([0, 1], [-1, 1], color=LIGHT["accent"])
    axes.set_title(f"{SCRIPT} $5 & more")


CHART = Chart(line, 8, 4)
BLOCKS = {
    "heading": doc.Heading("Again"),
    "text": doc.Text(("plain ", doc.strong("bold"), doc.code("a < b"), doc.link("there", "#start"))),
    "lead": doc.Text("lead", lead=True),
    "bullets": doc.Bullets(("one", ("two", doc.Span("x", "emphasis")))),
    "formula": doc.Formula(r"V_f = \frac{V}{1 - \mu}", "V f is V over one less mu"),
    "note": doc.Note("Mind", "this", "warn"),
    "key figures": doc.KeyFigures(tuple(doc.KeyFigure(f"n{k}", "86 %", "84 to 88", "of 5", "good") for k in range(5))),
    "no key figures": doc.KeyFigures(()),
    "table": doc.table(
        "Numbers",
        [doc.Column("name"), doc.Column("a", "%", True, "left"), doc.Column("b", "", True, "left"), doc.Column("c")],
        [["x", doc.Cell("1", "0 to 2", "bad", 0.5, True), None, ""], ["y", "−2", "3", doc.Cell("w", tone="good")]],
        ["a note"],
    ),
    "empty table": doc.table("Nothing", [doc.Column("name")], []),
    "figure": doc.Figure(CHART, "a line", ("caption ", doc.strong("bold"))),
}  # fmt: skip


def make(*blocks, title="Report"):
    return doc.Document(title, "sub", "header", "2026-01-02", "Not a medical device.", (doc.Heading("Start"), *blocks))


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append((tag, dict(attrs)))

    def values(self, name):
        return [attrs[name] for _, attrs in self.attributes if name in attrs]


@pytest.mark.parametrize("name", BLOCKS)
def test_every_block_becomes_html_and_pdf(name):
    document = make(BLOCKS[name])
    page = Page(to_html(document))
    assert {"main", "nav", "h1"} <= set(page.tags)
    assert to_pdf(document).startswith(b"%PDF-")


def test_the_same_document_gives_the_same_bytes_whatever_was_made_before():
    document = make(*BLOCKS.values())
    first = to_html(document), to_pdf(document)
    to_html(make(BLOCKS["figure"]))
    assert (to_html(document), to_pdf(document)) == first


def test_a_page_needs_no_script_and_no_network():
    text = to_html(make(*BLOCKS.values()))
    page = Page(text)
    assert not {"script", "link", "iframe", "object", "img"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"url\((?!#)|@import", text)
    assert all(
        value.startswith(("#", "data:", "https://")) for value in page.values("href") + page.values("xlink:href")
    )


def test_ids_are_the_page_s_own_and_every_link_inside_leads_somewhere():
    figure = BLOCKS["figure"]
    page = Page(to_html(make(figure, figure, BLOCKS["formula"], BLOCKS["text"])))
    ids = page.values("id")
    assert sorted(set(ids)) == sorted(ids)
    assert {value[1:] for value in page.values("href") if value.startswith("#")} <= set(ids)


def test_tables_and_figures_can_be_read_without_seeing_them():
    page = Page(to_html(make(*BLOCKS.values())))
    assert page.tags.count("table") == page.tags.count("caption")
    assert all(attrs.get("scope") for tag, attrs in page.attributes if tag == "th")
    assert all(attrs.get("aria-label") for _, attrs in page.attributes if attrs.get("role") == "img")


def test_a_tone_is_said_by_a_sign_as_well_as_by_a_colour():
    text = to_html(make(BLOCKS["note"], BLOCKS["table"]))
    assert [doc.MARKS[tone] for tone in ("warn", "bad", "good")] == re.findall(r'class="mark"[^>]*>(.)<', text)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_no_name_becomes_markup(name):
    blocks = (
        doc.Heading(name, 2),
        doc.Text((name, doc.strong(name), doc.code(name), doc.link(name, "https://example.org/?a=1&b=<2>"))),
        doc.Bullets((name,)),
        doc.Note(name, name),
        doc.KeyFigures((doc.KeyFigure(name, name, name, name),)),
        doc.table(name, [doc.Column(name), doc.Column(name, name, True, name)], [[name, doc.Cell(name, name)]], [name]),
    )
    document = make(*blocks, title=name)
    text = to_html(document)
    page = Page(text)
    assert "script" not in page.tags
    assert not {"onload"} & {key for _, attrs in page.attributes for key in attrs}
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)
    text.encode("utf-8")
    assert to_pdf(document).startswith(b"%PDF-")


def test_a_chart_s_title_out_of_a_data_set_stays_text():
    assert "script" not in Page(to_html(make(BLOCKS["figure"]))).tags


def test_figures_take_the_page_s_colours():
    assert f"var(--accent, {LIGHT['accent']})" in CHART.svg("k")


@pytest.mark.parametrize("columns", [1, 4, 16, 40])
@pytest.mark.parametrize("text", ["1.25", "nosuchword" * 30, "a few words that may be wrapped " * 8])
def test_printed_tables_stay_between_the_margins_and_lose_no_column(columns, text):
    register()
    heads = [doc.Column("class"), *(doc.Column(f"column {k}", numeric=text == "1.25") for k in range(columns))]
    table = doc.table("Wide", heads, [["row", *[text] * columns]])
    parts = list(grids(table, WIDTH))
    assert all(sum(part.grid._colWidths) <= WIDTH + 0.01 for part in parts)
    assert columns == sum(len(part.grid._colWidths) - 1 for part in parts)
    assert to_pdf(make(table)).startswith(b"%PDF-")


def test_a_long_table_repeats_its_head_on_every_page():
    register()
    table = doc.table("Long", [doc.Column("a"), doc.Column("b", group="both")], [["x", "y"]] * 300)
    (part,) = grids(table, WIDTH)
    assert part.grid.repeatRows == 2
    assert to_pdf(make(table)).count(b"/Type /Page\n") >= 4


def test_headings_are_numbered_and_bookmarked():
    blocks = (doc.Heading("Sub", 2), doc.Heading("Deep", 3), doc.Heading("Other"), doc.Heading("Sub", 2))
    entries = doc.numbered((doc.Heading("Start"), *blocks))
    assert [entry.number for entry in entries] == ["1", "1.1", "1.1.1", "2", "2.1"]
    assert len({entry.anchor for entry in entries}) == 5
    assert to_pdf(make(*blocks)).count(b"/Dest") >= 5


def test_letters_that_the_fonts_lack_are_written_out():
    assert shown("ok 喜 \x00") == r"ok \u{559c} \u{0}"
    assert len(fitted("x" * 1000, 8, 100)) < 100


@pytest.mark.parametrize(
    ("make_it", "words"),
    [
        (lambda: doc.Heading("x", 4), "level 1, 2 or 3"),
        (lambda: make(doc.Heading("x", 3)), "no heading of the level above"),
        (lambda: doc.link("x", "javascript:alert(1)"), "https://"),
        (lambda: doc.Span("x", "strong", "https://example.org"), "link"),
        (lambda: make(doc.Text(doc.link("x", "#nowhere").text), doc.Text((doc.link("x", "#nowhere"),))), "#nowhere"),
        (lambda: doc.Cell("x", shade=1.5), "0..1"),
        (lambda: doc.table("t", [doc.Column("a")], [["1", "2"]]), "1 columns"),
    ],
)
def test_what_cannot_be_rendered_cannot_be_made(make_it, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        make_it()


@pytest.mark.parametrize("name", ["dark", "light"])
def test_reports_have_the_window_s_colours(name):
    theme = pytest.importorskip("app.gui.theme")
    colours = {"dark": DARK, "light": LIGHT}[name]
    assert colours == {key: getattr({"dark": theme.DARK, "light": theme.LIGHT}[name], key) for key in colours}
