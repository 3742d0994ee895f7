"""Answers in, GenBank out: the query's bases and what its file annotates, with a `misc_feature` for
each stretch of the evidence, whose labs and plasmids are notes. Written by Biopython."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from Bio import BiopythonWarning, SeqFeature, SeqIO
from Bio.Seq import Seq
from Bio.SeqRecord import SeqRecord

from vecattr.attribution import Attribution
from vecattr.plasmid import Annotation
from vecattr.reports.exports.marks import Mark, marks_of, remarks, unique_names
from vecattr.reports.wording import escape_control

#: Biopython's classes have no types of their own.
_UNTYPED: Any = SeqFeature

#: What GenBank allows as the name of a feature's kind, and as long.
_KIND = re.compile(r"[A-Za-z0-9'*_-]{1,15}\Z")
_OTHER_KIND = "misc_feature"

#: The longest name of a record that programs read.
_LONGEST = 60

#: SnapGene and Benchling draw a feature in the colour of these qualifiers.
_COLOURS = ("ApEinfo_fwdcolor", "ApEinfo_revcolor")


def genbank_of(answers: Iterable[Attribution]) -> Iterator[str]:
    """One record for each answer; names of records keep letters, digits and `_.-` alone."""
    names: list[str] = []
    for answer in answers:
        names.append(re.sub(r"[^A-Za-z0-9_.-]", "_", answer.query)[:_LONGEST])
        *_, name = unique_names(names)
        yield _text(_record(answer, name))


def _text(record: SeqRecord) -> str:
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BiopythonWarning)  # of names longer than in the 1980s
        SeqIO.write(record, stream, "genbank")
    return stream.getvalue()


def _record(answer: Attribution, name: str) -> SeqRecord:
    record = SeqRecord(Seq(answer.bases), id=name, name=name)
    record.description = escape_control(answer.query)
    record.annotations = {
        "molecule_type": "DNA",
        "topology": answer.topology,
        "data_file_division": "SYN",
        "comment": "\n".join(remarks(answer)),
    }
    annotated = (_annotated(annotation, answer.length) for annotation in answer.annotations)
    record.features = [*annotated, *(_feature(mark, answer.length) for mark in marks_of(answer))]
    return record


def _annotated(annotation: Annotation, length: int) -> SeqFeature.SeqFeature:
    """What the query's own file says."""
    kind = annotation.kind if _KIND.match(annotation.kind) else _OTHER_KIND
    spans: tuple[tuple[int, int], ...] = ((annotation.start, annotation.end),)
    if annotation.start > annotation.end:
        spans = ((annotation.start, length), (1, annotation.end))
    label = escape_control(annotation.name or annotation.kind)
    location = _location(spans, annotation.strand)
    return _seq_feature(location, kind, {"label": [label]})


def _feature(mark: Mark, length: int) -> SeqFeature.SeqFeature:
    qualifiers = {
        "label": [mark.name],
        "note": [f"{key}: {value}" for key, value in (("vecattr", mark.kind), *mark.facts)],
        **{colour: [mark.colour] for colour in _COLOURS},
    }
    location = _location(mark.spans(length), mark.strand)
    return _seq_feature(location, _OTHER_KIND, qualifiers)


def _location(spans: tuple[tuple[int, int], ...], strand: int) -> SeqFeature.Location:
    """Of the pieces along the query; on the other strand they are read the other way round."""
    pieces: list[SeqFeature.Location] = [
        _UNTYPED.SimpleLocation(first - 1, last, strand=strand or None) for first, last in spans
    ]
    if strand == -1:
        pieces.reverse()
    location: SeqFeature.Location = (
        pieces[0] if len(pieces) == 1 else _UNTYPED.CompoundLocation(pieces)
    )
    return location


def _seq_feature(
    location: SeqFeature.Location, kind: str, qualifiers: Mapping[str, list[str]]
) -> SeqFeature.SeqFeature:
    feature: SeqFeature.SeqFeature = _UNTYPED.SeqFeature(
        location, type=kind, qualifiers=dict(qualifiers)
    )
    return feature
