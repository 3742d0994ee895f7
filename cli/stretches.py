"""The evidence of one answer in: its cells, objects and tables out, as `render` joins them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from vecattr.cli.formats import Row, aligned, html_table
from vecattr.stretch import Stretch, Stretches

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

_SUPPORT_TABLE = ("rank", "start", "end", "bases", "strand", "labs", "share", "plasmids")
_COMMON_TABLE = ("rank", "start", "end", "bases", "labs")
#: So many plasmids of a stretch are named in a table; the others are counted.
_NAMED = 3


def ranked_stretches(found: Stretches) -> Iterator[tuple[int, Stretch]]:
    """All stretches with the rank of each in its kind: support, then common property."""
    yield from enumerate(found.support, start=1)
    yield from enumerate(found.common, start=1)


def cells(stretch: Stretch) -> Row:
    """The cells of EVIDENCE_COLUMNS."""
    first = stretch.sources[0] if stretch.sources else None
    return (
        stretch.start,
        stretch.end,
        stretch.bases,
        stretch.strand,
        stretch.least_labs,
        stretch.most_labs,
        stretch.kmers,
        first.share if first else None,
        "; ".join(source.id for source in stretch.sources),
    )


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


def support_title(found: Stretches) -> str:
    return f"stretches that speak for {found.lab or 'nobody'} (at most {found.common_labs} labs)"


def common_title(found: Stretches) -> str:
    return f"common property of more than {found.common_labs} labs"


def left_off_line(found: Stretches) -> str:
    """What to say of the stretches that are not told; empty when all are."""
    return f"not shown: {found.left_off} less telling stretches" if found.left_off else ""
