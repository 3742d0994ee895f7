"""Attributions in, text in one of ten formats out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TypeVar

from vecattr.attribution import Attribution, Hit, Link
from vecattr.cli.rendering.bad_records import (
    BAD_COLUMNS,
    bad_block,
    bad_object,
    bad_row,
)
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.evidence import (
    EVIDENCE_COLUMNS,
    MOSAIC_COLUMNS,
    NO_STRETCH,
    evidence_object,
    evidence_table,
    stretch_rows,
)
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import Row, aligned, csv_line, json_text, jsonl_text, tsv_line
from vecattr.joint_attribution import JointAttribution
from vecattr.readers.records import BadRecord

Written = TypeVar("Written")

#: The columns of TSV and CSV, in order: a contract, only ever extended at the end. Those of the
#: evidence stand before the last ones, which are younger.
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
    "source",
    "outside",
    "strength",
)

#: The column that --linked appends at the very end.
LINK_COLUMN = "links"
#: The columns that are younger than those of the evidence.
_LAST_COLUMNS = 3
#: What is known of a lab, and of a neighbor; these stand last of those of all queries.
KNOWN_COLUMNS = ("print_name", "publication", "year", "source_url")
#: Their cells where nothing is known.
_NOT_KNOWN: Row = (None,) * len(KNOWN_COLUMNS)
#: The row of the labs' table that is no lab of the index.
_OUTSIDE = "a lab outside this index"

#: The source of what came through standard input, which a table for people does not repeat.
_STDIN = "<stdin>"

LAB_COLUMNS = ("rank", "lab", "probability", "cosine")
_NEIGHBOR_COLUMNS = ("rank", "plasmid", "lab", "cosine", "bases", "topology")


def render(
    answers: Iterable[Attribution | BadRecord], *, form: Format, tells_bad: bool = False
) -> Iterator[str]:
    """The answers as text, in pieces, one for each query as soon as it is answered (json, html,
    svg: one document at the end). There are bad records among them only if it `tells_bad` ones;
    a page lists them behind the answers, and pictures leave them out."""
    match form:
        case "table":
            yield from _each(answers, table_block, bad_block)
        case "tsv" | "csv":
            yield from _lines(answers, tsv_line if form == "tsv" else csv_line, tells_bad=tells_bad)
        case "json":
            yield json_text(list(_each(answers, as_object, bad_object)))
        case "jsonl":
            yield from map(jsonl_text, _each(answers, as_object, bad_object))
        case "html":
            from vecattr.reports.page import html_pieces  # start-up

            bad_records: list[BadRecord] = []
            yield from html_pieces(_good(answers, bad_records), bad_records=bad_records)
        case "svg":
            from vecattr.reports.svg import svg_of  # start-up

            yield svg_of(_good(answers, []))
        case "genbank" | "gff3" | "bed":
            from vecattr.reports.exports.written import written_as  # start-up

            yield from written_as(form, _good(answers, []))


def _good(
    answers: Iterable[Attribution | BadRecord], bad_records: list[BadRecord]
) -> Iterator[Attribution]:
    """The answers alone; what is none is added to `bad_records`."""
    for answer in answers:
        if isinstance(answer, BadRecord):
            bad_records.append(answer)
        else:
            yield answer


def _each(
    answers: Iterable[Attribution | BadRecord],
    of_answer: Callable[[Attribution], Written],
    of_bad: Callable[[BadRecord], Written],
) -> Iterator[Written]:
    """What the functions make of answers and of bad records, in order."""
    for answer in answers:
        yield of_bad(answer) if isinstance(answer, BadRecord) else of_answer(answer)


def _lines(
    answers: Iterable[Attribution | BadRecord], line: Callable[[Row], str], *, tells_bad: bool
) -> Iterator[str]:
    """The header and the rows. The first answer tells the columns, so that rows of bad records
    before it wait for it, and no header is written when the first query fails."""
    bad_columns = BAD_COLUMNS if tells_bad else ()
    names: tuple[str, ...] = ()
    first_bad: list[BadRecord] = []
    for answer in answers:
        if isinstance(answer, BadRecord):
            if names:
                yield line(bad_row(answer, names))
            else:
                first_bad.append(answer)
            continue
        header = ""
        if not names:
            names = (*columns_of(answer), *bad_columns)
            header = _header(names, first_bad, line)
        yield header + "".join(line((*row, *[None] * len(bad_columns))) for row in rows(answer))
    if not names:
        yield _header((*columns(evidence=False), *bad_columns), first_bad, line)


def _header(names: Row, first_bad: Sequence[BadRecord], line: Callable[[Row], str]) -> str:
    """The names of the columns, and the rows of bad records that come before every answer."""
    return line(names) + "".join(line(bad_row(record, names)) for record in first_bad)


def columns_of(answer: Attribution) -> tuple[str, ...]:
    """The columns of an answer: those of its evidence and of its links when these were asked
    for."""
    names = columns(evidence=answer.evidence is not None)
    return names if answer.links is None else (*names, LINK_COLUMN)


def columns(*, evidence: bool) -> tuple[str, ...]:
    """The columns of TSV and CSV, with those of the evidence or without."""
    if not evidence:
        return (*COLUMNS, *KNOWN_COLUMNS)
    first, last = COLUMNS[:-_LAST_COLUMNS], COLUMNS[-_LAST_COLUMNS:]
    return (*first, *EVIDENCE_COLUMNS, *last, *MOSAIC_COLUMNS, *KNOWN_COLUMNS)


def rows(answer: Attribution) -> Iterator[Row]:
    """The rows of one answer in the order of `columns`: labs, neighbours, and the stretches of the
    evidence.

    An answer with none of them still has one row, of kind `none`: no query is dropped.
    """
    answer_cells = (
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
    no_result: Row = (None, "none", None, None, None, None)
    results = list(_results(answer)) or [(no_result, None, NO_STRETCH, _NOT_KNOWN)]
    for head, probability, stretch, known in results:
        cells = stretch if answer.evidence else ()
        middle, end = cells[: len(EVIDENCE_COLUMNS)], cells[len(EVIDENCE_COLUMNS) :]
        yield (
            answer.query,
            *head,
            *answer_cells,
            probability,
            answer.work,
            answer.coverage,
            *middle,
            answer.source,
            answer.outside,
            answer.strength,
            *end,
            *known,
            *(() if answer.links is None else (links_text(answer.links),)),
        )


def _results(answer: Attribution) -> Iterator[tuple[Row, float | None, Row, Row]]:
    """Of each row the columns from `rank` to `score`, the probability, the stretch, and what is
    known of the lab or the neighbor."""
    for rank, hit in ranked(answer):
        head: Row = (rank, "lab", hit.name, None, hit.cosine, hit.score)
        yield head, hit.probability, NO_STRETCH, (hit.print_name, None, None, None)
    for rank, neighbor in enumerate(answer.neighbors, start=1):
        head = (rank, "neighbor", neighbor.lab, neighbor.id, neighbor.cosine, None)
        known = (None, neighbor.publication, neighbor.year, neighbor.source_url)
        yield head, None, NO_STRETCH, known
    if answer.evidence is not None:
        for row, cells in stretch_rows(answer.evidence):
            yield row, None, cells, _NOT_KNOWN


def as_object(answer: Attribution) -> dict[str, object]:
    """One answer as the documented JSON object; it has `evidence` when that was asked for."""
    value = asdict(answer)
    del value["evidence"], value["annotations"], value["bases"]
    labs = [{"rank": rank, **asdict(hit)} for rank, hit in ranked(answer)]
    neighbors = [
        {"rank": rank, **asdict(neighbor)}
        for rank, neighbor in enumerate(answer.neighbors, start=1)
    ]
    evidence = {"evidence": evidence_object(answer.evidence)} if answer.evidence else {}
    value["sentence"] = answer.sentence
    return {**value, "labs": labs, "neighbors": neighbors, **evidence}


def links_text(links: Sequence[Link]) -> str:
    """The linked queries and what they share, in one cell."""
    return "; ".join(f"{link.query} ({link.share:.2f})" for link in links)


def table_block(answer: Attribution) -> str:
    """One answer as a table: a heading, the notes, the ranked labs, the neighbours."""
    heading = f"{escape_control(answer.query)}  ({_facts(answer)})"
    sentence = escape_control(answer.sentence)
    parts = [f"{heading}\n  {sentence}\n  {verdict_line(answer)}\n"]
    parts += [f"  note: {escape_control(note)}\n" for note in answer.notes]
    if answer.links:
        parts.append(f"  ranked with: {escape_control(links_text(answer.links))}\n")
    parts.append(aligned(LAB_COLUMNS, list(lab_rows(answer)), indent="  "))
    if answer.neighbors:
        parts.append("  nearest stored plasmids\n")
        parts.append(aligned(_NEIGHBOR_COLUMNS, list(_neighbor_rows(answer)), indent="  "))
    if answer.evidence:
        parts.append(evidence_table(answer.evidence, indent="  "))
    return "".join(parts) + "\n"


def _facts(answer: Attribution) -> str:
    """Length, topology and file of the query, in words."""
    facts = f"{answer.length:,} bases, {answer.topology}"
    is_file = answer.source not in (None, _STDIN)
    return f"{facts}, from {escape_control(answer.source or '')}" if is_file else facts


def verdict_line(answer: Attribution | JointAttribution) -> str:
    """The verdict in words, with both values that were compared."""
    if answer.threshold is None:
        confidence = f"{answer.uncalibrated_name} {answer.confidence:.4f}"
        return f"verdict: {answer.verdict} ({confidence}; this index has no threshold)"
    confidence = f"{answer.confidence_name} {answer.confidence:z.4f}"
    return f"verdict: {answer.verdict} ({confidence}, threshold {answer.threshold:z.4f})"


def ranked(answer: Attribution | JointAttribution) -> list[tuple[int, Hit]]:
    """The labs with their ranks, from 1."""
    return list(enumerate(answer.labs, start=1))


def lab_rows(answer: Attribution | JointAttribution) -> Iterator[Row]:
    """The rows of LAB_COLUMNS, that of an outside lab last."""
    for rank, hit in ranked(answer):
        yield (rank, _shown(hit), hit.probability, hit.cosine)
    if answer.outside is not None:
        yield (None, _OUTSIDE, answer.outside, None)


def _shown(hit: Hit) -> str:
    """The name to print and the lab's own after it, where they differ."""
    return hit.name if hit.shown_name == hit.name else f"{hit.shown_name} ({hit.name})"


def _neighbor_rows(answer: Attribution) -> Iterator[Row]:
    for rank, plasmid in enumerate(answer.neighbors, start=1):
        yield (rank, plasmid.id, plasmid.lab, plasmid.cosine, plasmid.length, plasmid.topology)
