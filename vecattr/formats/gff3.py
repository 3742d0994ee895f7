"""GFF3 with its sequences below `##FASTA`: an open file in, the records of these sequences out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from vecattr.errors import InputError
from vecattr.formats.fasta import records_of
from vecattr.formats.record import Record
from vecattr.formats.topology import topology_of
from vecattr.inputs.input_files import InputFile
from vecattr.plasmid import MOST_ANNOTATIONS, Annotation

_TOPOLOGY = re.compile(r"(?:^|;)\s*(Is_circular|topology)=([A-Za-z]+)", re.I)

#: Features that are the sequence itself.
_WHOLE = frozenset(
    {"region", "source", "databank_entry", "contig", "chromosome", "plasmid", "sequence_feature"}
)
#: Attributes that name a feature, the best first.
_NAMES = ("Name", "gene", "label", "product", "Note", "ID", "locus_tag")
_STRANDS = {"+": 1, "-": -1}
#: Letters of a kind or a name that are kept.
_LONGEST_NAME = 100
#: Characters of attributes that are looked at.
_LONGEST_ATTRIBUTES = 10_000


@dataclass
class _Told:
    """What features say of one sequence."""

    topology: str | None = None
    annotations: list[Annotation] = field(default_factory=list)


def read_gff3(file: InputFile) -> Iterator[Record]:
    """One record for each sequence, with its features as annotations; its topology is what a
    feature of its says (`Is_circular`).

    Raises InputError when the file holds features alone.
    """
    text = file.text(b"\n>", b"\r>", b"\t")  # a feature holds tabs
    begun = ""
    told: dict[str, _Told] = {}
    for line in text:
        if line.startswith((">", "##FASTA")):
            begun = line if line.startswith(">") else ""
            break
        columns = line.rstrip("\n").split("\t")
        if len(columns) == 9 and not line.startswith("#"):
            _take(columns, told.setdefault(unquote(columns[0]), _Told()))
    else:
        raise InputError(
            "the GFF3 file holds features and no sequence",
            where=file.name,
            hint="give the FASTA file that belongs to it, or a GFF3 file with '##FASTA'",
        )
    for record in records_of(text, file.name, begun=begun):
        of_record = told.get(record.id, _Told())
        topology = of_record.topology or record.topology
        annotations = [_placed(one, len(record.sequence)) for one in of_record.annotations]
        yield replace(record, topology=topology, annotations=tuple(annotations))


def _take(columns: list[str], told: _Told) -> None:
    """What one feature says of its sequence."""
    _, _, kind, start, end, _, strand, _, attributes = columns
    if match := _TOPOLOGY.search(attributes):
        told.topology = topology_of(match[1], match[2]) or told.topology
    is_place = start.isdecimal() and end.isdecimal() and len(start + end) < 20
    if not is_place or kind.lower() in _WHOLE or len(told.annotations) == MOST_ANNOTATIONS:
        return
    name = _name(attributes[:_LONGEST_ATTRIBUTES])
    told.annotations.append(
        Annotation(kind[:_LONGEST_NAME], name, int(start), int(end), _STRANDS.get(strand, 0))
    )


def _name(attributes: str) -> str:
    """The name of a feature, from attributes such as `ID=x;Name=bla`; empty without one.

    >>> _name("ID=gene-1;Name=beta%20lactamase")
    'beta lactamase'
    """
    pairs = (pair.strip().partition("=") for pair in attributes.split(";"))
    values = {key: value for key, _, value in pairs}
    name = next((values[key] for key in _NAMES if values.get(key)), "")
    return " ".join(unquote(name).split())[:_LONGEST_NAME]


def _placed(annotation: Annotation, length: int) -> Annotation:
    """A feature across the origin ends beyond the last base in GFF3, and before its start here."""
    if annotation.start <= length < annotation.end <= 2 * length:
        return replace(annotation, end=annotation.end - length)
    return annotation
