"""A public record with everything it says about its origin: the value that readers of annotated
files hand to the rules of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vecattr.errors import InputError

#: A feature's qualifiers, each with its values in the order of the file.
Qualifiers = Mapping[str, tuple[str, ...]]

NO_QUALIFIERS: Qualifiers = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as a record states it: a paper, a submission, or an exporter's note.

    `first` and `last` are the bases that it is about (1-based; None where it does not say);
    `authors` is the text as it stands, `people` takes it apart (`vecattr.designers.people`).
    """

    authors: str = ""
    consortium: str = ""
    title: str = ""
    journal: str = ""
    pubmed: str = ""
    doi: str = ""
    remark: str = ""
    year: int | None = None
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class AnnotatedRecord:
    """One record of a public file, not yet judged.

    `id` is accession.version, else the record's name, else the file's; `place` says where the
    record stands, for messages. `sequence` holds the letters of the file. `topology` is None where
    the record does not say. `molecule` is its type as written (`DNA`, `mRNA`, `ds-DNA`, `protein`).
    `region` is the part of the accession that the record is. `lineage` is the organism's taxonomy.
    `sources` holds the qualifiers of each source feature. `depositor` is the lab that gave the
    plasmid to a catalogue, `depositor_id` the catalogue's key for that lab, `catalogue_id` its key
    for the plasmid, `whole_length` the plasmid's length by the catalogue. `problem` is an error
    that the reader met; such a record has no other facts.
    """

    id: str
    place: str
    sequence: str = field(default="", repr=False)
    format: str = "genbank"
    name: str = ""
    accession: str = ""
    version: str = ""
    region: str = ""
    topology: str | None = None
    molecule: str = ""
    division: str = ""
    date: str = ""
    year: int | None = None
    definition: str = ""
    keywords: tuple[str, ...] = ()
    organism: str = ""
    lineage: str = ""
    comment: str = ""
    references: tuple[Reference, ...] = ()
    sources: tuple[Qualifiers, ...] = ()
    depositor: str = ""
    depositor_id: str = ""
    catalogue_id: str = ""
    whole_length: int | None = None
    source: str = ""
    source_url: str = ""
    problem: InputError | None = None

    @property
    def length(self) -> int:
        """The number of letters."""
        return len(self.sequence)
