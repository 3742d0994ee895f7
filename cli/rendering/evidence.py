"""The evidence of one answer in: its cells, objects and tables out, as `render` joins them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from vecattr.attribution import Stretch, Stretches
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.formats import Row, aligned, html_table

#: What --evidence appends to the columns of TSV and CSV.
EVIDENCE_COLUMNS = (
    "start",
    "end",
    "bases",
    "strand",
    "least_labs",
    "most_labs",
    "kmers",
    "share",
    "sources",
)

#: The cells of rows that are no stretches.
NO_STRETCH: Row = (None,) * len(EVIDENCE_COLUMNS)

_SUPPORT_COLUMNS = ("rank", "start", "end", "bases", "strand", "labs", "share", "plasmids")
_COMMON_COLUMNS = ("rank", "start", "end", "bases", "labs")
#: So many plasmids of a stretch are named in a table; the others are counted.
_NAMED = 3


def stretch_rows(found: Stretches) -> Iterator[tuple[Row, Row]]:
    """A row a stretch, support first: `rank`, `kind`, `lab`, `id`, `cosine` and `score`, the last
    two empty, and the cells of EVIDENCE_COLUMNS."""
    for stretches in (found.support, found.common):
        for rank, one in enumerate(stretches, start=1):
            first = one.sources[0] if one.sources else None
            lab, name, share = (first.lab, first.id, first.share) if first else (None, None, None)
            ids = "; ".join(source.id for source in one.sources)
            labs = one.least_labs, one.most_labs
            cells = (one.start, one.end, one.bases, one.strand, *labs, one.kmers, share, ids)
            yield (rank, one.kind, lab, name, None, None), cells


def evidence_object(found: Stretches) -> dict[str, object]:
    """The JSON object of the documented contract."""
    return {
        "lab": found.lab,
        "common_labs": found.common_labs,
        "support": _objects(found.support),
        "common": _objects(found.common),
        "left_off": found.left_off,
    }


def _objects(stretches: Sequence[Stretch]) -> list[dict[str, object]]:
    values = [
        {"rank": rank, **asdict(one), "strand": one.strand}
        for rank, one in enumerate(stretches, start=1)
    ]
    for value in values:
        del value["kind"]  # the name of the list
        if not value["sources"]:
            del value["sources"], value["strand"]
    return values


def evidence_table(found: Stretches, *, indent: str) -> str:
    """For people at a terminal."""
    parts = []
    for title, columns, rows in _tables(found):
        parts += [f"{indent}{escape_control(title)}\n", aligned(columns, rows, indent=indent)]
    return "".join(parts) + (f"{indent}{_left_off(found)}\n" if found.left_off else "")


def evidence_html(found: Stretches) -> str:
    """For a page."""
    parts = [
        f"<h3>{html.escape(escape_control(title))}</h3>\n{html_table(columns, rows)}"
        for title, columns, rows in _tables(found)
    ]
    return "".join(parts) + (f"<p>{_left_off(found)}</p>\n" if found.left_off else "")


def _tables(found: Stretches) -> Iterator[tuple[str, tuple[str, ...], list[Row]]]:
    few = f"at most {found.common_labs} labs have them"
    title = f"stretches that speak for {found.lab or 'nobody'}; {few}"
    support = enumerate(found.support, start=1)
    yield title, _SUPPORT_COLUMNS, [_support_row(rank, one) for rank, one in support]
    common = enumerate(found.common, start=1)
    rows: list[Row] = [(rank, one.start, one.end, one.bases, _labs(one)) for rank, one in common]
    yield f"common property of more than {found.common_labs} labs", _COMMON_COLUMNS, rows


def _support_row(rank: int, stretch: Stretch) -> Row:
    named = ", ".join(source.id for source in stretch.sources[:_NAMED])
    more = len(stretch.sources) - _NAMED
    return (
        rank,
        stretch.start,
        stretch.end,
        stretch.bases,
        "+" if stretch.strand == 1 else "-",
        _labs(stretch),
        stretch.sources[0].share,
        f"{named} and {more} more" if more > 0 else named,
    )


def _labs(stretch: Stretch) -> str:
    least, most = stretch.least_labs, stretch.most_labs
    return f"{least}" if least == most else f"{least}-{most}"


def _left_off(found: Stretches) -> str:
    return f"not shown: {found.left_off} more, which tell less"
