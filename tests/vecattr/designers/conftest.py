"""Made GenBank, EMBL and SBOL records, as programs and databases write them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from vecattr.designers.public_files import read_public_file
from vecattr.designers.records import AnnotatedRecord

SUBMITTED = "Submitted (01-JAN-2015) Biology, University of Nowhere, Main St. 1, Nowhere, Freedonia"
EXPORTED = "Exported Jan 1, 2020 from SnapGene 5.0.1 https://www.snapgene.com"


def bases_of(length: int, *, seed: int = 0) -> str:
    return "".join(random.Random(seed).choices("acgt", k=length))


def numbered(bases: str) -> str:
    rows = []
    for start in range(0, len(bases), 60):
        row = bases[start : start + 60]
        blocks = " ".join(row[at : at + 10] for at in range(0, len(row), 10))
        rows.append(f"{start + 1:>9} {blocks}")
    return "\n".join(rows)


def wrapped(keyword: str, text: str) -> str:
    """A field, in lines of at most 80 characters."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + len(word) > 66:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    first, *rest = [*lines, line]
    return "\n".join([f"{keyword:<12}{first}".rstrip(), *(f"{'':12}{part}" for part in rest)])


def reference(
    authors: str = "",
    *,
    title: str = "Direct Submission",
    journal: str = SUBMITTED,
    pubmed: str = "",
    span: str = "1 to 3000",
) -> str:
    parts = [wrapped("REFERENCE", f"1  (bases {span})" if span else "1")]
    for keyword, text in (("AUTHORS", authors), ("TITLE", title), ("JOURNAL", journal)):
        if text:
            parts.append(wrapped(f"  {keyword}", text))
    if pubmed:
        parts.append(wrapped("   PUBMED", pubmed))
    return "\n".join(parts)


def genbank(
    *references: str,
    length: int = 3000,
    locus: str = "XX000001",
    facts: str = "DNA     circular SYN 01-FEB-2015",
    unit: str = "bp",
    definition: str = "Cloning vector pXY1, complete sequence.",
    accession: str = "XX000001",
    organism: str = "Cloning vector pXY1",
    lineage: str = "other sequences; artificial sequences; vectors.",
    comment: str = "",
    seed: int = 0,
) -> str:
    lines = [
        f"LOCUS       {locus:<16} {length:>11} {unit}    {facts}",
        wrapped("DEFINITION", definition),
        wrapped("ACCESSION", accession),
        f"VERSION     {accession.split(' ')[0]}.1",
        "KEYWORDS    .",
        wrapped("SOURCE", organism),
        wrapped("  ORGANISM", organism),
        *([f"{'':12}{lineage}"] if lineage else []),
        *references,
        *([wrapped("COMMENT", comment)] if comment else []),
        "FEATURES             Location/Qualifiers",
        f"     source          1..{length}",
        f'                     /organism="{organism}"',
        '                     /mol_type="other DNA"',
        "     CDS             10..99",
        '                     /product="made up"',
        "ORIGIN",
        numbered(bases_of(length, seed=seed)),
        "//",
    ]
    return "\n".join(lines) + "\n"


def embl(
    *,
    length: int = 3000,
    first: str = "ID   XX000002; SV 1; circular; other DNA; STD; SYN; {length} BP.",
    authors: str = "Roe A.B., Coe C.;",
    location: str = "Submitted (01-JAN-2015) to the INSDC.",
) -> str:
    bases = bases_of(length, seed=2)
    rows = []
    for start in range(0, length, 60):
        row = bases[start : start + 60]
        blocks = " ".join(row[at : at + 10] for at in range(0, len(row), 10))
        rows.append(f"     {blocks:<66}{start + len(row):>9}")
    lines = [
        first.format(length=length),
        "XX",
        "AC   XX000002;",
        "DT   01-FEB-2015 (Rel. 100, Created)",
        "DE   Cloning vector pXY2, complete sequence.",
        "OS   Cloning vector pXY2",
        "OC   other sequences; artificial sequences; vectors.",
        "XX",
        "RN   [1]",
        f"RP   1-{length}",
        "RX   PUBMED; 1234567.",
        f"RA   {authors}",
        'RT   "A vector for everything";',
        "RL   Plasmid 10(2):1-9(2014).",
        "XX",
        "RN   [2]",
        f"RP   1-{length}",
        "RA   Roe A.B.;",
        "RT   ;",
        f"RL   {location}",
        "RL   Ann Roe, University of Nowhere, Biology; Main St. 1, Nowhere",
        "RL   (E-mail:roe@example.org)",
        "XX",
        "FH   Key             Location/Qualifiers",
        f"FT   source          1..{length}",
        'FT                   /organism="Cloning vector pXY2"',
        'FT                   /mol_type="other DNA"',
        f"SQ   Sequence {length} BP;",
        *rows,
        "//",
    ]
    return "\n".join(lines) + "\n"


def sbol(*components: str) -> str:
    """A document of SBOL 2 as a catalogue writes it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:sbol="http://sbols.org/v2#" xmlns:genbank="http://www.ncbi.nlm.nih.gov/genbank#" '
        'xmlns:acme="https://acme.example/">\n' + "".join(components) + "</rdf:RDF>\n"
    )


def component(
    name: str = "pXY3",
    *,
    length: int = 3000,
    topology: str = "0000988",
    more: str = "",
    address: str = "https://acme.example/",
    seed: int = 3,
) -> str:
    """A component with its sequence."""
    return f"""
  <sbol:ComponentDefinition rdf:about="{address}{name}">
    <sbol:displayId>{name}</sbol:displayId>
    <sbol:type rdf:resource="http://identifiers.org/so/SO:{topology}"/>
    <sbol:type rdf:resource="http://www.biopax.org/release/biopax-level3.owl#DnaRegion"/>
    <sbol:sequence rdf:resource="{address}{name}_seq"/>
    <sbol:sequenceAnnotation><sbol:SequenceAnnotation rdf:about="{address}{name}/a1">
      <dcterms:title>ori</dcterms:title></sbol:SequenceAnnotation></sbol:sequenceAnnotation>
    {more}
  </sbol:ComponentDefinition>
  <sbol:Sequence rdf:about="{address}{name}_seq">
    <sbol:elements>{bases_of(length, seed=seed)}</sbol:elements>
    <sbol:encoding rdf:resource="http://www.chem.qmul.ac.uk/iubmb/misc/naseq.html"/>
  </sbol:Sequence>
"""


class Made:
    """Makes files of public records, and reads them."""

    submitted, exported = SUBMITTED, EXPORTED
    bases_of = staticmethod(bases_of)
    reference = staticmethod(reference)
    genbank = staticmethod(genbank)
    embl = staticmethod(embl)
    sbol = staticmethod(sbol)
    component = staticmethod(component)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, text: str, *, name: str = "made.gb") -> list[AnnotatedRecord]:
        """The records of a file with this text."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return list(read_public_file(path))

    def one(self, text: str, *, name: str = "made.gb") -> AnnotatedRecord:
        """The one record of a file with this text, which has no problem."""
        (record,) = self.read(text, name=name)
        assert record.problem is None, record.problem
        return record

    def record(self, *references: str, **facts: object) -> AnnotatedRecord:
        """The record of a GenBank entry with these references."""
        return self.one(genbank(*references, **facts))  # type: ignore[arg-type]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Makes and reads files in a folder of its own."""
    return Made(tmp_path)
