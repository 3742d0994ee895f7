"""The evidence of one answer in; its cells, JSON object and tables out, as `render` joins them."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from vecattr.attribution import Stretch, Stretches
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.formats import Row, aligned, html_table

#: The columns that --evidence appends to those of TSV and CSV.
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
#: Plasmids of a stretch that a table names; the others are counted.
_NAMED_PLASMIDS = 3


def stretch_rows(evidence: Stretches) -> Iterator[tuple[Row, Row]]:
    """One row for each stretch, support first: `rank`, `kind`, `lab`, `id`, `cosine` and `score`,
    the last two empty; and its cells of EVIDENCE_COLUMNS."""
    for stretches in (evidence.support, evidence.common):
        for rank, stretch in enumerate(stretches, start=1):
            first = stretch.sources[0] if stretch.sources else None
            lab, name, share = (first.lab, first.id, first.share) if first else (None, None, None)
            cells = (
                *(stretch.start, stretch.end, stretch.bases, stretch.strand),
                *(stretch.least_labs, stretch.most_labs, stretch.kmers, share),
                "; ".join(source.id for source in stretch.sources),
            )
            yield (rank, stretch.kind, lab, name, None, None), cells


def evidence_object(evidence: Stretches) -> dict[str, object]:
    """The documented JSON object."""
    return {
        "lab": evidence.lab,
        "common_labs": evidence.common_labs,
        "support": _objects(evidence.support),
        "common": _objects(evidence.common),
        "left_off": evidence.left_off,
    }


def _objects(stretches: Sequence[Stretch]) -> list[dict[str, object]]:
    objects = [
        {"rank": rank, **asdict(stretch), "strand": stretch.strand}
        for rank, stretch in enumerate(stretches, start=1)
    ]
    for stretch_object in objects:
        del stretch_object["kind"]  # the name of the list
        if not stretch_object["sources"]:
            del stretch_object["sources"], stretch_object["strand"]
    return objects


def evidence_table(evidence: Stretches, *, indent: str) -> str:
    """Tables for a terminal."""
    parts = []
    for title, columns, rows in _tables(evidence):
        parts += [f"{indent}{escape_control(title)}\n", aligned(columns, rows, indent=indent)]
    return "".join(parts) + (f"{indent}{_left_off(evidence)}\n" if evidence.left_off else "")


def evidence_html(evidence: Stretches) -> str:
    """Tables for a page."""
    parts = [
        f"<h3>{html.escape(escape_control(title))}</h3>\n{html_table(columns, rows)}"
        for title, columns, rows in _tables(evidence)
    ]
    return "".join(parts) + (f"<p>{_left_off(evidence)}</p>\n" if evidence.left_off else "")


def _tables(evidence: Stretches) -> Iterator[tuple[str, tuple[str, ...], list[Row]]]:
    limit = evidence.common_labs
    support_rows = [_support_row(rank, item) for rank, item in enumerate(evidence.support, start=1)]
    title = f"stretches that speak for {evidence.lab or 'no lab'}; at most {limit} labs have them"
    yield title, _SUPPORT_COLUMNS, support_rows
    common_rows = [_common_row(rank, item) for rank, item in enumerate(evidence.common, start=1)]
    yield f"common property of more than {limit} labs", _COMMON_COLUMNS, common_rows


def _support_row(rank: int, stretch: Stretch) -> Row:
    names = ", ".join(source.id for source in stretch.sources[:_NAMED_PLASMIDS])
    more = len(stretch.sources) - _NAMED_PLASMIDS
    return (
        rank,
        stretch.start,
        stretch.end,
        stretch.bases,
        "+" if stretch.strand == 1 else "-",
        _labs(stretch),
        stretch.sources[0].share,
        f"{names} and {more} more" if more > 0 else names,
    )


def _common_row(rank: int, stretch: Stretch) -> Row:
    return (rank, stretch.start, stretch.end, stretch.bases, _labs(stretch))


def _labs(stretch: Stretch) -> str:
    least, most = stretch.least_labs, stretch.most_labs
    return f"{least}" if least == most else f"{least}-{most}"


def _left_off(evidence: Stretches) -> str:
    return f"not shown: {evidence.left_off} more stretches, less informative"
