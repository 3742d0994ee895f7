"""GFF3 with its sequences below `##FASTA`: an open file in, the records of these sequences out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from vecattr.errors import InputError
from vecattr.formats.fasta import records_of
from vecattr.formats.record import Record
from vecattr.formats.topology import topology_of
from vecattr.inputs.input_files import InputFile

_TOPOLOGY = re.compile(r"(?:^|;)\s*(Is_circular|topology)=([A-Za-z]+)", re.I)


def read_gff3(file: InputFile) -> Iterator[Record]:
    """One record for each sequence; its topology is what a feature of its says (`Is_circular`).

    Raises InputError when the file holds features alone.
    """
    text = file.text(b"\n>", b"\r>", b"\t")  # a feature holds tabs
    begun = ""
    topologies: dict[str, str] = {}
    for line in text:
        if line.startswith((">", "##FASTA")):
            begun = line if line.startswith(">") else ""
            break
        columns = line.rstrip("\n").split("\t")
        if len(columns) == 9 and (match := _TOPOLOGY.search(columns[8])):
            topology = topology_of(match[1], match[2])
            if topology is not None:
                topologies[columns[0]] = topology
    else:
        raise InputError(
            "the GFF3 file holds features and no sequence",
            where=file.name,
            hint="give the FASTA file that belongs to it, or a GFF3 file with '##FASTA'",
        )
    for record in records_of(text, file.name, begun=begun):
        yield replace(record, topology=topologies.get(record.id) or record.topology)
