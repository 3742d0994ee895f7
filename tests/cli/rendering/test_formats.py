"""Lists and facts in six formats, and names that try to break out of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.cli.rendering.escape import display_width, escape_control, escape_formula
from vecattr.cli.rendering.format_names import FORMATS, Format
from vecattr.cli.rendering.formats import (
    aligned,
    csv_line,
    facts_text,
    json_text,
    list_text,
    tsv_line,
)

NASTY = [
    "=cmd()",
    "+1",
    "-1",
    "@sum",
    "a\tb",
    "a\nb",
    "\x1b[2J",
    "\u202egnp.exe",
    "<script>alert(1)</script>",
    '"quoted", text',
    "../../x",
    "実験室",
    "\ud800",
]


@pytest.mark.parametrize("name", NASTY)
def test_shown_text_never_holds_a_control_character(name: str) -> None:
    assert escape_control(name).isprintable()


@given(st.text())
def test_printable_text_is_left_as_it_is(text: str) -> None:
    assert (escape_control(text) == text) == text.isprintable()


@pytest.mark.parametrize("name", ["=cmd()", "+1", "-1", "@sum"])
def test_a_formula_becomes_text_in_csv_and_tsv(name: str) -> None:
    assert escape_formula(name) == f"'{name}"
    assert tsv_line([name]) == csv_line([name]) == f"'{name}\n"


def test_a_negative_number_is_not_a_formula() -> None:
    assert tsv_line([-0.25, -3]) == "-0.250000\t-3\n"


@given(st.lists(st.text(min_size=1), min_size=2, max_size=4))
def test_a_tsv_line_splits_into_its_cells(cells: list[str]) -> None:
    line = tsv_line(cells)
    assert line.count("\n") == 1
    assert len(line.rstrip("\n").split("\t")) == len(cells)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=4))
def test_a_csv_line_reads_back(cells: list[str]) -> None:
    read = next(csv.reader(io.StringIO(csv_line(cells))))
    assert read == [escape_formula(escape_control(cell)) for cell in cells]


def test_json_has_null_for_what_is_not_a_number_and_six_decimals() -> None:
    text = json_text({"a": float("nan"), "b": 1 / 3, "c": (1, "x"), "d": True})
    assert json.loads(text) == {"a": None, "b": 0.333333, "c": [1, "x"], "d": True}


def test_html_escapes_every_name() -> None:
    page = "".join(list_text(("lab",), [("<script>",)], form="html", title="<b>"))
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page


def test_a_table_lines_up_wide_letters() -> None:
    lines = aligned(("lab", "n"), [("実験室", 1), ("a", 22)]).splitlines()
    assert len({display_width(line) for line in lines}) == 1


def test_an_empty_table_says_so() -> None:
    assert aligned(("lab",), []) == "(none)\n"


@pytest.mark.parametrize("form", FORMATS)
def test_a_list_holds_every_row_in_every_format(form: Format) -> None:
    rows = [("Lab A", 3, 0.5), ("Lab B", None, -0.5)]
    text = "".join(list_text(("lab", "n", "cosine"), rows, form=form, title="Labs"))
    assert "Lab A" in text
    assert "Lab B" in text


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_facts_are_one_object(form: Format) -> None:
    text = "".join(facts_text({"a": 1, "b": {"c": [1, 2]}}, form=form, title="Facts"))
    assert json.loads(text) == {"a": 1, "b": {"c": [1, 2]}}


def test_nested_facts_become_dotted_names_in_tsv() -> None:
    text = "".join(facts_text({"b": {"c": [1], "d": True}}, form="tsv", title="Facts"))
    assert text == "name\tvalue\nb.c\t[1]\nb.d\ttrue\n"


QUOTED = ['"starts', 'ends"', '5" of it', '"', '""', '="x"', "'\"", "a,b;c"]


@given(st.lists(st.text(min_size=1) | st.sampled_from(QUOTED), min_size=2, max_size=4))
def test_a_tsv_line_reads_back_as_readers_with_quotes_see_it(cells: list[str]) -> None:
    read = next(csv.reader(io.StringIO(tsv_line(cells)), delimiter="\t"))
    assert read == [escape_formula(escape_control(cell)) for cell in cells]


def read_as_r_does(text: str, *, separator: str) -> list[list[str]]:
    """The rows that R's `read.delim` and `read.csv` see: a quotation mark begins a quoted piece
    anywhere in a cell, a doubled one within it is one mark (`scan` with a separator)."""
    rows, cells, cell, quoted, place = [], [], "", False, 0
    while place < len(text):
        letter, place = text[place], place + 1
        if letter == '"' and quoted and text[place : place + 1] == '"':
            cell, place = cell + letter, place + 1
        elif letter == '"':
            quoted = not quoted
        elif not quoted and letter in (separator, "\n"):
            cells, cell = [*cells, cell], ""
            if letter == "\n":
                rows.append(cells)
                cells = []
        else:
            cell += letter
    assert not quoted
    return rows


@pytest.mark.parametrize(("separator", "line"), [("\t", tsv_line), (",", csv_line)])
@given(cells=st.lists(st.text(min_size=1) | st.sampled_from(QUOTED), min_size=2, max_size=4))
def test_a_line_reads_back_as_r_sees_it(
    separator: str, line: Callable[[list[str]], str], cells: list[str]
) -> None:
    expected = [escape_formula(escape_control(cell)) for cell in cells]
    assert read_as_r_does(line(cells) * 2, separator=separator) == [expected, expected]


@pytest.mark.parametrize("line", [tsv_line, csv_line])
@given(cells=st.lists(st.text("=+-@;\"', a\t", min_size=1), min_size=1, max_size=4))
def test_no_cell_is_a_formula_however_a_spreadsheet_divides_the_line(
    line: Callable[[list[str]], str], cells: list[str]
) -> None:
    text = line(cells)
    for separator in ("," if line is csv_line else "\t", ";"):
        [row] = csv.reader(io.StringIO(text), delimiter=separator)
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))], text


@pytest.mark.parametrize("separator", ["\t", ","])
def test_no_quotation_mark_swallows_a_row_in_pandas(separator: str) -> None:
    pandas = pytest.importorskip("pandas")
    line = tsv_line if separator == "\t" else csv_line
    text = "".join(line([cell, "b"]) for cell in ["id", *QUOTED])
    frame = pandas.read_csv(io.StringIO(text), sep=separator, keep_default_na=False)
    assert frame["id"].tolist() == [escape_formula(cell) for cell in QUOTED]
    assert set(frame["b"]) == {"b"}


def test_a_tsv_cell_without_a_quotation_mark_is_never_quoted() -> None:
    assert tsv_line(["a b", "c,d;e", "it's"]) == "a b\tc,d;e\tit's\n"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a;=cmd()", "a;'=cmd()"),
        ("a; +1;-2", "a; '+1;'-2"),
        ('a;"@sum', "a;\"'@sum"),
        ("＝x;y", "'＝x;y"),
        ("a;b=c", "a;b=c"),
        ("a-b, -c", "a-b, -c"),
    ],
)
def test_a_formula_after_a_semicolon_becomes_text(name: str, safe: str) -> None:
    assert escape_formula(name) == safe
