"""The evidence of one answer in; its cells, JSON object and tables out, as `render` joins them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from vecattr.attribution import Stretch, Stretches
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.formats import Row, aligned
from vecattr.mosaic import MosaicPart

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

#: The columns that --evidence appends at the very end.
MOSAIC_COLUMNS = ("labs", "n_labs")

#: The cells of rows that are no stretches, those of MOSAIC_COLUMNS last.
NO_STRETCH: Row = (None,) * len(EVIDENCE_COLUMNS + MOSAIC_COLUMNS)

_SUPPORT_COLUMNS = ("rank", "start", "end", "bases", "strand", "labs", "share", "plasmids")
_COMMON_COLUMNS = ("rank", "start", "end", "bases", "labs")
_PART_COLUMNS = ("start", "end", "bases", "whose", "labs (plasmids)")
#: Plasmids of a stretch and labs of a part that a table names; the others are counted.
_NAMED_PLASMIDS = 3
_NAMED_LABS = 3


def stretch_rows(evidence: Stretches) -> Iterator[tuple[Row, Row]]:
    """One row for each stretch, support first, then those of other labs, then the parts of the
    mosaic: `rank`, `kind`, `lab`, `id`, `cosine` and `score`, the last two empty; and its cells of
    EVIDENCE_COLUMNS and MOSAIC_COLUMNS."""
    others = [other.support for other in evidence.others]
    for stretches in (evidence.support, *others, evidence.common):
        yield from (_stretch_row(rank, stretch) for rank, stretch in enumerate(stretches, start=1))
    yield from (_part_row(rank, part) for rank, part in enumerate(evidence.mosaic, start=1))


def _stretch_row(rank: int, stretch: Stretch) -> tuple[Row, Row]:
    first = stretch.sources[0] if stretch.sources else None
    lab, name, share = (first.lab, first.id, first.share) if first else (None, None, None)
    cells = (
        *(stretch.start, stretch.end, stretch.bases, stretch.strand),
        *(stretch.least_labs, stretch.most_labs, stretch.kmers, share),
        "; ".join(source.id for source in stretch.sources),
        *(None, None),
    )
    return (rank, stretch.kind, lab, name, None, None), cells


def _part_row(rank: int, part: MosaicPart) -> tuple[Row, Row]:
    """A row of the kind `mosaic_` and the kind of the part, in the order of the query's bases."""
    lab = part.labs[0] if part.labs else None
    first_id = part.holders[0].id if part.holders else None
    cells = (
        *(part.start, part.end, part.bases, None),
        *(None, None, part.kmers, lab.share if lab else None),
        "; ".join(holder.id for holder in part.holders),
        "; ".join(other.name for other in part.labs),
        part.n_labs,
    )
    return (rank, f"mosaic_{part.kind}", lab.name if lab else None, first_id, None, None), cells


def evidence_object(evidence: Stretches) -> dict[str, object]:
    """The documented JSON object."""
    return {
        "lab": evidence.lab,
        "common_labs": evidence.common_labs,
        "support": _objects(evidence.support),
        "common": _objects(evidence.common),
        "left_off": evidence.left_off,
        "mosaic": [asdict(part) for part in evidence.mosaic],
        "others": [
            {
                "lab": other.lab,
                "support": _objects(other.support),
                "left_off": other.left_off,
            }
            for other in evidence.others
        ],
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


def _tables(evidence: Stretches) -> Iterator[tuple[str, tuple[str, ...], list[Row]]]:
    limit = evidence.common_labs
    if evidence.mosaic:
        yield "the whole sequence by the labs of its parts", _PART_COLUMNS, _part_rows(evidence)
    supported = [(evidence.lab, evidence.support)]
    supported += [(other.lab, other.support) for other in evidence.others]
    for lab, support in supported:
        support_rows = [_support_row(rank, item) for rank, item in enumerate(support, start=1)]
        title = f"stretches that speak for {lab or 'no lab'}; at most {limit} labs have them"
        yield title, _SUPPORT_COLUMNS, support_rows
    common_rows = [_common_row(rank, item) for rank, item in enumerate(evidence.common, start=1)]
    yield f"common property of more than {limit} labs", _COMMON_COLUMNS, common_rows


def _part_rows(evidence: Stretches) -> list[Row]:
    return [
        (part.start, part.end, part.bases, _part_kind(part), _part_labs(part))
        for part in evidence.mosaic
    ]


def _part_kind(part: MosaicPart) -> str:
    words = {"one_lab": "one lab", "few_labs": f"{part.n_labs} labs", "unknown": "nothing known"}
    return words.get(part.kind, f"common, {part.n_labs} labs")


def _part_labs(part: MosaicPart) -> str | None:
    """The labs of a part that a table names, each with its plasmids; None of what is nobody's."""
    if not part.labs:
        return None
    names = [f"{lab.name} ({lab.plasmids})" for lab in part.labs[:_NAMED_LABS]]
    more = part.n_labs - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


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
