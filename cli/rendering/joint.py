"""Joint answers in, text in one of seven formats out: the joint answer, then each member's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from vecattr.attribution import Attribution
from vecattr.cli.rendering.answers import (
    LAB_COLUMNS,
    as_object,
    columns,
    lab_rows,
    ranked,
    rows,
    table_block,
    verdict_line,
)
from vecattr.cli.rendering.bad_records import (
    BAD_COLUMNS,
    BadQueries,
    bad_block,
    bad_object,
    bad_row,
)
from vecattr.cli.rendering.escape import escape_control
from vecattr.cli.rendering.evidence import EVIDENCE_COLUMNS, MOSAIC_COLUMNS
from vecattr.cli.rendering.format_names import Format
from vecattr.cli.rendering.formats import Row, aligned, csv_line, json_text, jsonl_text, tsv_line
from vecattr.joint_attribution import JointAttribution

#: The columns that --together appends at the very end.
GROUP_COLUMNS = ("group", "belonging")


def render_joint(
    joints: Iterable[JointAttribution],
    bad_queries: BadQueries,
    *,
    form: Format,
    tells_bad: bool = False,
) -> Iterator[str]:
    """The joint answers as text, in pieces, one for each group (json, html, svg: one document at
    the end), and then, if it `tells_bad` ones, the bad records."""
    match form:
        case "table":
            yield from map(_table_block, joints)
            yield from map(bad_block, bad_queries.woven(()))
        case "tsv" | "csv":
            line = tsv_line if form == "tsv" else csv_line
            yield from _lines(joints, bad_queries, line, tells_bad=tells_bad)
        case "json":
            objects = list(map(joint_object, joints))
            yield json_text([*objects, *map(bad_object, bad_queries.woven(()))])
        case "jsonl":
            yield from (jsonl_text(joint_object(joint)) for joint in joints)
            yield from (jsonl_text(bad_object(record)) for record in bad_queries.woven(()))
        case "html":
            from vecattr.reports.page import joint_pieces  # start-up

            answered = list(joints)
            yield from joint_pieces(answered, bad_records=list(bad_queries.woven(())))
        case "svg":
            from vecattr.reports.svg import svg_of  # start-up

            yield svg_of(_members(joints))
        case "genbank" | "gff3" | "bed":
            from vecattr.reports.exports.written import written_as  # start-up

            yield from written_as(form, _members(joints))


def _members(joints: Iterable[JointAttribution]) -> Iterator[Attribution]:
    """The members' own answers, for formats that show sequences."""
    return (member.answer for joint in joints for member in joint.members)


def _lines(
    joints: Iterable[JointAttribution],
    bad_queries: BadQueries,
    line: Callable[[Row], str],
    *,
    tells_bad: bool,
) -> Iterator[str]:
    bad_columns = BAD_COLUMNS if tells_bad else ()
    names: tuple[str, ...] = ()
    for joint in joints:
        header = ""
        if not names:
            names = (*columns(evidence=_has_evidence(joint)), *GROUP_COLUMNS, *bad_columns)
            header = line(names)
        nothing = (None,) * len(bad_columns)
        yield header + "".join(line((*row, *nothing)) for row in _rows(joint))
    for record in bad_queries.woven(()):
        yield line(bad_row(record, names))


def joint_object(joint: JointAttribution) -> dict[str, object]:
    """One joint answer as the documented JSON object: that of an answer, whose query is the group,
    and `members`, each an answer with what it says of the joint first lab."""
    members = [
        {
            **as_object(member.answer),
            "first_rank": member.rank,
            "first_probability": member.probability,
            "belonging": member.belonging,
            "belongs": member.belongs,
        }
        for member in joint.members
    ]
    return {
        "query": joint.group,
        "length": joint.length,
        "topology": joint.topology,
        "labs": [{"rank": rank, **asdict(hit)} for rank, hit in ranked(joint)],
        "verdict": joint.verdict,
        "confidence": joint.confidence,
        "threshold": joint.threshold,
        "neighbors": [],
        "notes": joint.notes,
        "provenance": asdict(joint.provenance),
        "work": joint.work,
        "coverage": joint.coverage,
        "source": None,
        "outside": joint.outside,
        "strength": joint.strength,
        "right_share": joint.right_share,
        "sentence": joint.sentence,
        "strangers": joint.strangers,
        "members": members,
        "reach": joint.reach and asdict(joint.reach),
    }


def _has_evidence(joint: JointAttribution) -> bool:
    return joint.members[0].answer.evidence is not None


def _rows(joint: JointAttribution) -> Iterator[Row]:
    """Rows of kind `joint`, then those of the members."""
    has_evidence = _has_evidence(joint)
    middle = (None,) * (len(EVIDENCE_COLUMNS) if has_evidence else 0)
    end = (None,) * (len(MOSAIC_COLUMNS) if has_evidence else 0)
    provenance = joint.provenance
    for rank, hit in ranked(joint):
        yield (
            *(joint.group, rank, "joint", hit.name, None, hit.cosine, hit.score),
            *(joint.verdict, joint.confidence, joint.threshold, joint.length, joint.topology),
            "; ".join(joint.notes),
            *(provenance.version, provenance.model, provenance.index),
            *(hit.probability, joint.work, joint.coverage, *middle, None),
            *(joint.outside, joint.strength, *end, hit.print_name, None, None, None),
            *(joint.group, None),
        )
    for member in joint.members:
        for row in rows(member.answer):
            yield (*row, joint.group, member.belonging)


def _heading(joint: JointAttribution) -> str:
    count = len(joint.members)
    return f"{joint.group}  ({count} plasmid{'s' if count > 1 else ''}, {joint.length:,} bases)"


def _table_block(joint: JointAttribution) -> str:
    parts = [f"{escape_control(_heading(joint))}\n  {escape_control(joint.sentence)}\n"]
    parts.append(f"  {verdict_line(joint)}\n")
    parts += [f"  note: {escape_control(note)}\n" for note in joint.notes]
    if joint.strangers:
        strangers = ", ".join(joint.strangers)
        parts.append(f"  most likely of another lab than the others: {escape_control(strangers)}\n")
    parts.append(aligned(LAB_COLUMNS, list(lab_rows(joint)), indent="  "))
    parts.append("  each by itself\n")
    parts.append(aligned(_member_columns(joint), list(_member_rows(joint)), indent="  "))
    return "".join(parts) + "\n" + "".join(table_block(member.answer) for member in joint.members)


def _member_columns(joint: JointAttribution) -> tuple[str, ...]:
    """With the name of the joint first lab, which the last columns tell of."""
    first = escape_control(joint.labs[0].shown_name) if joint.labs else "no lab"
    return ("plasmid", "bases", "first by itself", f"place of {first}", "probability", "belonging")


def _member_rows(joint: JointAttribution) -> Iterator[Row]:
    for member in joint.members:
        answer = member.answer
        first = answer.labs[0].shown_name if answer.labs else None
        place = (answer.query, answer.length, first, member.rank)
        yield (*place, member.probability, member.belonging)
