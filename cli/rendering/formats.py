"""Columns and rows in, text in one of six formats out; all lists of all commands."""

from __future__ import annotations

import csv
import html
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from vecattr.cli.rendering.escape import display_width, escape_control, escape_formula
from vecattr.cli.rendering.format_names import Format

Cell = str | int | float | None
Row = Sequence[Cell]

#: Decimals of a cosine or a share in files; further ones depend on the processor.
DECIMALS = 6

_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;color:#222}"
    "table{border-collapse:collapse;margin:.5rem 0 2rem}"
    "th,td{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:left}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".known{color:#176f2c}.unknown{color:#a33}.note{color:#855}footer{color:#777;font-size:85%}"
)


def plain(value: object) -> object:
    """A value as JSON writes it: floats rounded, not-a-number null, tuples as lists."""
    if isinstance(value, float):
        return round(value, DECIMALS) + 0.0 if math.isfinite(value) else None  # never -0.0
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, Iterable):
        return [plain(item) for item in value]
    return str(value)


def json_text(value: object) -> str:
    """One JSON document, ASCII, two-space indent, with a final newline."""
    return json.dumps(plain(value), indent=2, allow_nan=False) + "\n"


def jsonl_text(value: object) -> str:
    """One JSON document on one line."""
    return json.dumps(plain(value), allow_nan=False) + "\n"


def cell_text(cell: Cell) -> str:
    """A cell of a file: empty for None, six decimals for a float, control characters escaped."""
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, float):
        return f"{cell:z.{DECIMALS}f}"  # z: never -0.000000
    return escape_control(str(cell))


def _safe_cell(cell: Cell) -> str:
    text = cell_text(cell)
    return escape_formula(text) if isinstance(cell, str) else text


def tsv_line(row: Row) -> str:
    """One line of TSV. An escaped cell holds no tab or newline; one with a quotation mark is
    quoted, because readers of TSV take the mark for the beginning of a quoted cell."""
    return "\t".join(_quoted(_safe_cell(cell)) for cell in row) + "\n"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if '"' in text else text


def csv_line(row: Row) -> str:
    """One line of CSV, quoted where needed, ended by a newline alone."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([_safe_cell(cell) for cell in row])
    return line.getvalue()


def aligned(columns: Sequence[str], rows: Sequence[Row], *, indent: str = "") -> str:
    """A table for a terminal: columns padded to one width, numbers to the right, four decimals."""
    if not rows:
        return f"{indent}(none)\n"
    texts = [list(columns), *([_table_cell(cell) for cell in row] for row in rows)]
    widths = [max(map(display_width, column)) for column in zip(*texts, strict=True)]
    are_numbers = [all(map(_is_number, column)) for column in zip(*rows, strict=True)]
    lines = []
    for text_row in texts:
        cells = map(_padded, text_row, widths, are_numbers)
        lines.append(indent + "  ".join(cells).rstrip() + "\n")
    return "".join(lines)


def _table_cell(cell: Cell) -> str:
    if isinstance(cell, float) and math.isfinite(cell):
        return f"{cell:z.4f}"
    return cell_text(cell) or "-"


def _is_number(cell: Cell) -> bool:
    return cell is None or isinstance(cell, int | float)


def _padded(text: str, width: int, is_number: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if is_number else text + space


def html_table(columns: Sequence[str], rows: Iterable[Row]) -> str:
    """A table element; every name is escaped."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
    body = "".join("<tr>" + "".join(_html_cell(cell) for cell in row) + "</tr>\n" for row in rows)
    return f"<table>\n<tr>{head}</tr>\n{body}</table>\n"


def _html_cell(cell: Cell) -> str:
    kind = ' class="n"' if isinstance(cell, int | float) else ""
    return f"<td{kind}>{html.escape(_table_cell(cell))}</td>"


def html_page(title: str, body: Iterable[str], *, footer: str = "") -> Iterator[str]:
    """A self-contained page: no script, nothing fetched."""
    name = html.escape(title)
    yield (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{name}</h1>\n"
    )
    yield from body
    yield f"<footer>{html.escape(footer)}</footer>\n</body>\n</html>\n"


def list_text(
    columns: Sequence[str], rows: Iterable[Row], *, form: Format, title: str
) -> Iterator[str]:
    """A list of records in any format, in pieces; JSON makes one object of each row."""
    match form:
        case "table":
            yield aligned(columns, list(rows))
        case "tsv" | "csv":
            line = tsv_line if form == "tsv" else csv_line
            yield line(columns)
            yield from (line(row) for row in rows)
        case "json":
            yield json_text([dict(zip(columns, row, strict=True)) for row in rows])
        case "jsonl":
            yield from (jsonl_text(dict(zip(columns, row, strict=True))) for row in rows)
        case "html":
            yield from html_page(title, [html_table(columns, rows)])
        case "svg":
            raise AssertionError("no list is drawn")


def facts_text(facts: Mapping[str, object], *, form: Format, title: str) -> Iterator[str]:
    """Named facts: one JSON object, else the two columns `name` and `value`."""
    if form == "json":
        yield json_text(facts)
    elif form == "jsonl":
        yield jsonl_text(facts)
    else:
        rows = list(_flat(facts))
        yield from list_text(("name", "value"), rows, form=form, title=title)


def _flat(facts: Mapping[str, object], prefix: str = "") -> Iterator[Row]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, str | int | float):
            yield (prefix + name, _fact_cell(value))
        else:
            yield (prefix + name, json.dumps(plain(value)))


def _fact_cell(value: str | int | float | None) -> Cell:
    return str(value).lower() if isinstance(value, bool) else value
