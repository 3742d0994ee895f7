"""Attributions in, text in one of six formats out."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from vecattr.attribution import Attribution, Hit
from vecattr.cli.escape import escape_control
from vecattr.cli.formats import (
    Format,
    Row,
    aligned,
    csv_line,
    html_page,
    html_table,
    json_text,
    jsonl_text,
    tsv_line,
)

#: The columns of TSV and CSV, in order: a contract, only ever extended at the end.
COLUMNS = (
    "query",
    "rank",
    "kind",
    "lab",
    "id",
    "cosine",
    "score",
    "verdict",
    "confidence",
    "threshold",
    "length",
    "topology",
    "notes",
    "version",
    "model",
    "index",
    "probability",
    "work",
    "coverage",
)

_LAB_COLUMNS = ("rank", "lab", "cosine", "probability")
_NEIGHBOR_COLUMNS = ("rank", "plasmid", "lab", "cosine", "bases", "topology")


def render(answers: Iterable[Attribution], *, form: Format) -> Iterator[str]:
    """The answers as text, in pieces, each written as soon as its query is answered (json: one
    document at the end)."""
    match form:
        case "table":
            yield from (table_block(answer) for answer in answers)
        case "tsv" | "csv":
            line = tsv_line if form == "tsv" else csv_line
            for number, answer in enumerate(answers):
                header = "" if number else line(COLUMNS)  # none when the first query fails
                yield header + "".join(line(row) for row in rows(answer))
        case "json":
            yield json_text([as_object(answer) for answer in answers])
        case "jsonl":
            yield from (jsonl_text(as_object(answer)) for answer in answers)
        case "html":
            yield from html_page("Labs of origin", map(html_block, answers))


def rows(answer: Attribution) -> Iterator[Row]:
    """The rows of one answer in the order of COLUMNS: labs, then neighbours.

    An answer with neither still has one row, of kind `none`: no query is dropped.
    """
    head: tuple[Row, ...] = (
        *((rank, "lab", hit.name, None, hit.cosine, hit.score) for rank, hit in _ranked(answer)),
        *(
            (rank, "neighbor", near.lab, near.id, near.cosine, None)
            for rank, near in enumerate(answer.neighbors, start=1)
        ),
    )
    shares = [hit.probability for hit in answer.labs] + [None] * len(answer.neighbors)
    tail = (
        answer.verdict,
        answer.confidence,
        answer.threshold,
        answer.length,
        answer.topology,
        "; ".join(answer.notes),
        answer.provenance.version,
        answer.provenance.model,
        answer.provenance.index,
    )
    nothing: tuple[Row, ...] = ((None, "none", None, None, None, None),)
    for row, share in zip(head or nothing, shares or [None], strict=True):
        yield (answer.query, *row, *tail, share, answer.work, answer.coverage)


def as_object(answer: Attribution) -> dict[str, object]:
    """One answer as the JSON object of the documented contract."""
    value = asdict(answer)
    labs = [{"rank": rank, **asdict(hit)} for rank, hit in _ranked(answer)]
    neighbors = [
        {"rank": rank, **asdict(near)} for rank, near in enumerate(answer.neighbors, start=1)
    ]
    return {**value, "labs": labs, "neighbors": neighbors}


def table_block(answer: Attribution) -> str:
    """One answer for people: a heading, the ranked labs, the neighbours, the notes."""
    name = escape_control(answer.query)
    parts = [f"{name}  ({answer.length:,} bases, {answer.topology})\n  {verdict_line(answer)}\n"]
    parts += [f"  note: {escape_control(note)}\n" for note in answer.notes]
    parts.append(aligned(_LAB_COLUMNS, list(_lab_rows(answer)), indent="  "))
    if answer.neighbors:
        parts.append("  nearest stored plasmids\n")
        parts.append(aligned(_NEIGHBOR_COLUMNS, list(_neighbor_rows(answer)), indent="  "))
    return "".join(parts) + "\n"


def verdict_line(answer: Attribution) -> str:
    """The verdict in words, with both values that were compared."""
    if answer.threshold is None:
        best = f"{answer.uncalibrated_name} {answer.confidence:.4f}"
        return f"verdict: {answer.verdict} ({best}; this index has no threshold)"
    found = f"{answer.confidence_name} {answer.confidence:z.4f}"
    return f"verdict: {answer.verdict} ({found}, threshold {answer.threshold:z.4f})"


def html_block(answer: Attribution) -> str:
    """One answer as a section of the page."""
    source = answer.provenance
    notes = "".join(f'<p class="note">{_safe(note)}</p>\n' for note in answer.notes)
    near = ""
    if answer.neighbors:
        near = "<h3>Nearest stored plasmids</h3>\n"
        near += html_table(_NEIGHBOR_COLUMNS, _neighbor_rows(answer))
    return (
        f"<section>\n<h2>{_safe(answer.query)}</h2>\n"
        f"<p>{answer.length:,} bases, {answer.topology}; "
        f'<span class="{answer.verdict}">{_safe(verdict_line(answer))}</span></p>\n'
        f"{notes}{html_table(_LAB_COLUMNS, _lab_rows(answer))}{near}"
        f"<p><small>vecattr {_safe(source.version)}, model {_safe(source.model)}, "
        f"index {_safe(source.index)}</small></p>\n</section>\n"
    )


def _ranked(answer: Attribution) -> list[tuple[int, Hit]]:
    return list(enumerate(answer.labs, start=1))


def _lab_rows(answer: Attribution) -> Iterator[Row]:
    yield from ((rank, hit.name, hit.cosine, hit.probability) for rank, hit in _ranked(answer))


def _neighbor_rows(answer: Attribution) -> Iterator[Row]:
    for rank, near in enumerate(answer.neighbors, start=1):
        yield (rank, near.id, near.lab, near.cosine, near.length, near.topology)


def _safe(text: str) -> str:
    return html.escape(escape_control(text))
