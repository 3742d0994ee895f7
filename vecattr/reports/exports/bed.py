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
#: How lines of settings begin, and what spreadsheets take for a number or a formula.
_SETTINGS = re.compile(r"^(?=track|browser|-)")
_FORMULA = re.compile(r"(^|;[\s']*)(?=[=+\-@])")
_STRANDS = {1: "+", -1: "-", 0: "."}


def bed_of(answers: Iterable[Attribution]) -> Iterator[str]:
    """One file, in pieces; names of sequences keep letters, digits and `_.|-` alone, with `_` for
    any other character, and before a name that readers take for a line of settings."""
    told = list(answers)
    names = unique_names(_sequence_name(answer.query) for answer in told)
    for name, answer in zip(names, told, strict=True):
        for mark in marks_of(answer):
            yield from _lines(name, mark, answer.length)


def _sequence_name(query: str) -> str:
    """
    >>> _sequence_name("track 1"), _sequence_name("-1")
    ('_track_1', '_-1')
    """
    plain = re.sub(r"[^A-Za-z0-9_.|-]", "_", query)
    return _SETTINGS.sub("_", plain)[:_LONGEST]


def _stretch_name(name: str) -> str:
    """Plain characters; a quote, which readers of tables take for the beginning of a quoted cell,
    is an apostrophe, and before what spreadsheets run as a formula there is one.

    >>> _stretch_name('=1+1 "a"')
    "'=1+1 'a'"
    """
    plain = "".join(letter if " " <= letter <= "~" else "_" for letter in name)
    return _FORMULA.sub(r"\1'", plain.replace('"', "'"))[:_LONGEST]


def _lines(sequence: str, mark: Mark, length: int) -> Iterator[str]:
    name = _stretch_name(mark.name)
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
