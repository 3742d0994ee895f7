"""Answers in, GFF3 out: a line for each stretch of the evidence, and the bases at the end.

The rules are those of the Sequence Ontology's GFF3 specification 1.26: over the origin of a circle
an end is greater than the length, and other characters than plain ones are written as %XX.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote

from vecattr.attribution import Attribution
from vecattr.reports.exports.marks import marks_of, remarks, unique_names
from vecattr.reports.wording import escape_control

#: Characters that a sequence's name may hold as they are, and those of a value (a comma divides
#: values); letters, digits and `_.-~` are plain in any case.
_NAME_CHARACTERS = ":^*$@!+?|"
_VALUE_CHARACTERS = " :^*$@!+?|()/<>[]{}'\"#"

_STRANDS = {1: "+", -1: "-", 0: "."}
_LINE = 80


def gff3_of(answers: Iterable[Attribution]) -> Iterator[str]:
    """One file, in pieces."""
    told = list(answers)
    names = list(unique_names(_sequence_name(answer.query) for answer in told))
    yield "##gff-version 3\n"
    for name, answer in zip(names, told, strict=True):
        yield f"##sequence-region {name} 1 {answer.length}\n"
    for number, (name, answer) in enumerate(zip(names, told, strict=True), start=1):
        yield from (f"# {name}: {line}\n" for line in remarks(answer))
        yield from _lines(name, answer, number)
    if any(answer.bases for answer in told):
        yield "##FASTA\n"
        for name, answer in zip(names, told, strict=True):
            yield f">{name}\n"
            yield from (f"{row}\n" for row in re.findall(f".{{1,{_LINE}}}", answer.bases))


def _sequence_name(query: str) -> str:
    """As GFF3 has it; the first character of a formula, which spreadsheets run, is escaped, too.

    >>> _sequence_name("+1 a")
    '%2B1%20a'
    """
    name = quote(query, safe=_NAME_CHARACTERS)
    return f"%{ord(name[0]):02X}{name[1:]}" if name[:1] in ("+", "-", "@") else name


def _lines(name: str, answer: Attribution, number: int) -> Iterator[str]:
    """The whole sequence first, so that a program knows a circle; then the marks."""
    whole = {"ID": [f"query{number}"], "Name": [escape_control(answer.query)]}
    if answer.topology == "circular":
        whole["Is_circular"] = ["true"]
    yield _line((name, "vecattr", "region", 1, answer.length, ".", ".", "."), whole)
    for place, mark in enumerate(marks_of(answer), start=1):
        end = mark.end if mark.start <= mark.end else mark.end + answer.length
        share = "." if mark.share is None else f"{mark.share:.6f}"
        columns = (name, "vecattr", "sequence_feature", mark.start, end, share)
        attributes = {"ID": [f"query{number}.{place}"], "Name": [mark.name]}
        for key, value in mark.facts:
            attributes.setdefault(key, []).append(value)
        attributes["color"] = [mark.colour]  # which genome browsers read
        yield _line((*columns, _STRANDS[mark.strand], "."), attributes)


def _line(columns: tuple[str | int, ...], attributes: Mapping[str, list[str]]) -> str:
    pairs = (
        f"{key}={','.join(quote(value, safe=_VALUE_CHARACTERS) for value in values)}"
        for key, values in attributes.items()
    )
    return "\t".join(map(str, (*columns, ";".join(pairs)))) + "\n"
