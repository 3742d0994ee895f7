"""Answers in, BED out: nine columns, a line for each stretch of the evidence, with its colour.

The rules are those of the BED specification 1.0 of the Global Alliance for Genomics and Health:
places count from 0, the end is left out, and what goes over the origin of a circle is two lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from vecattr.attribution import Attribution
from vecattr.reports.exports.marks import Mark, marks_of, unique_names

#: The longest name of a sequence or a stretch.
_LONGEST = 255
_STRANDS = {1: "+", -1: "-", 0: "."}


def bed_of(answers: Iterable[Attribution]) -> Iterator[str]:
    """One file, in pieces; names of sequences keep letters, digits and `_.|-` alone, with `_` for
    any other character."""
    told = list(answers)
    names = unique_names(
        re.sub(r"[^A-Za-z0-9_.|-]", "_", answer.query)[:_LONGEST] for answer in told
    )
    for name, answer in zip(names, told, strict=True):
        for mark in marks_of(answer):
            yield from _lines(name, mark, answer.length)


def _lines(sequence: str, mark: Mark, length: int) -> Iterator[str]:
    name = "".join(letter if " " <= letter <= "~" else "_" for letter in mark.name)[:_LONGEST]
    score = round(1000 * (mark.share or 0))
    for first, last in mark.spans(length):
        ends = first - 1, last
        columns = (*ends, name, score, _STRANDS[mark.strand], *ends, _rgb(mark.colour))
        yield "\t".join(map(str, (sequence, *columns))) + "\n"


def _rgb(colour: str) -> str:
    """`#1f65d1` as BED has it.

    >>> _rgb("#1f65d1")
    '31,101,209'
    """
    return ",".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))
