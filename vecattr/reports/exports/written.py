"""Answers and the name of a format for other programs in, the text of a file out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from vecattr.attribution import Attribution
from vecattr.extras import require
from vecattr.reports.exports.bed import bed_of
from vecattr.reports.exports.gff3 import gff3_of


def written_as(
    form: Literal["genbank", "gff3", "bed"], answers: Iterable[Attribution]
) -> Iterator[str]:
    """One file, in pieces; MissingExtraError for GenBank without Biopython."""
    match form:
        case "genbank":
            require("Bio", what="GenBank as output")
            from vecattr.reports.exports.genbank import genbank_of  # extra

            yield from genbank_of(answers)
        case "gff3":
            yield from gff3_of(answers)
        case "bed":
            yield from bed_of(answers)
