"""SBOL documents (2 and 3, as RDF/XML or N-Triples) of a catalogue of plasmids in; annotated
records out.

Only what tells of a plasmid's origin is kept: its properties, its references, its bases.
Annotations are dropped as they are read, so a document takes about the memory of its bases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from vecattr.designers.citations import gift_in
from vecattr.designers.genbank_header import first_name, span_in, year_in
from vecattr.designers.records import AnnotatedRecord, Reference
from vecattr.formats.xml.triples import Node, Nodes, read_nodes
from vecattr.inputs.input_files import InputFile
from vecattr.readers.ids import is_placeholder

#: Properties by the end of their address, of SBOL 2, SBOL 3, their GenBank conversion, catalogues.
_SEQUENCE, _ELEMENTS = ("sequence", "hasSequence"), "elements"
_DEFINITIONS = frozenset({"ComponentDefinition", "Component"})
_CIRCULAR, _LINEAR = "SO:0000988", "SO:0000987"
_PROTEINS = ("Protein", "SBO:0000252", "iupac-aa")
_RNAS = ("RnaRegion", "Rna", "SBO:0000250")

_CATALOGUE_ID = re.compile(r"(?P<catalogue>[a-z]+)Id$")
_LAST_NUMBER = re.compile(r"(\d+)/?$")


def is_sbol(head: bytes) -> bool:
    """Whether a file's first bytes are those of an SBOL document in a form that is read here."""
    return b"sbols.org/v" in head and head.lstrip()[:1] == b"<"


def read_sbol(file: InputFile, *, source_url: str = "") -> Iterator[AnnotatedRecord]:
    """Every component with bases that is no mere part of another one, in the order of the file.

    InputError when the document is damaged or holds more than can be kept.
    """
    nodes = read_nodes(file)
    for node in nodes.by_address.values():
        if node.kind not in _DEFINITIONS:
            continue
        sequences = [
            nodes.by_address[address]
            for address in node.values(*_SEQUENCE)
            if address in nodes.by_address
        ]
        elements = next((text for part in sequences for text in part.values(_ELEMENTS)), "")
        if not elements or (node.address in nodes.parts and not _stands_alone(node)):
            continue
        yield _record(node, elements, nodes, sequences, file=file.name, source_url=source_url)


def _stands_alone(node: Node) -> bool:
    return _topology(node) == "circular" or bool(_catalogue(node)[1])


def _record(
    node: Node,
    elements: str,
    nodes: Nodes,
    sequences: list[Node],
    *,
    file: str,
    source_url: str,
) -> AnnotatedRecord:
    catalogue, number = _catalogue(node)
    display_id = node.value("displayId")
    key = f"{catalogue}:{number}" if number else ""
    name = display_id or node.address.rstrip("/").rpartition("/")[2]
    date = node.value("date", "created")
    organism = node.value("organism")
    return AnnotatedRecord(
        first_name(key, name, file=file),
        f"{file}, component {node.address!r}",
        "".join(elements.split()),
        format="sbol",
        name=name,
        accession=node.value("accession"),
        topology=_topology(node),
        molecule=_molecule(node, sequences),
        division=node.value("division"),
        date=date,
        year=year_in(date) if date else None,
        definition=node.value("description", "title", "name"),
        keywords=tuple(node.values("keywords")),
        organism=organism,
        lineage=node.value("taxonomy"),
        comment="\n".join(node.values("comment", "mutableNotes", "mutableProvenance")),
        references=_references(node, nodes),
        depositor=_depositor(node, nodes),
        depositor_id=_last_number(node.value("depositingLab")),
        catalogue_id=number,
        whole_length=_whole_length(node),
        source=file,
        source_url=_url(catalogue, number) or _web(node.address) or source_url,
    )


def _catalogue(node: Node) -> tuple[str, str]:
    """Name of the catalogue and its number of the plasmid; empty when there is none."""
    for name, values in node.properties.items():
        field = _CATALOGUE_ID.fullmatch(name)
        if field is not None and values[0].isdigit() and name != "displayId":
            return field["catalogue"], values[0]
    given = next((gift for text in node.literals() if (gift := gift_in(text))), None)
    if given is not None:
        return given.catalogue, given.number
    return "", ""


def _url(catalogue: str, number: str) -> str:
    """The page of a plasmid at the catalogue whose addresses are known."""
    return f"https://www.addgene.org/{number}/" if catalogue == "addgene" and number else ""


def _web(address: str) -> str:
    return address if address.startswith(("http://", "https://")) else ""


def _depositor(node: Node, nodes: Nodes) -> str:
    """The lab that gave the plasmid: the giver in the catalogue's citation, a depositing lab that
    is named, or the creator. A gift that is no plasmid of the catalogue is none."""
    given = next((gift for text in node.literals() if (gift := gift_in(text))), None)
    if given is not None:
        return given.giver
    for value in node.values("depositingLab", "depositor", "creator"):
        named = nodes.by_address.get(value)
        text = named.value("name", "title") if named is not None else value
        if not is_placeholder(text) and "/" not in text:
            return " ".join(text.split())
    return ""


def _whole_length(node: Node) -> int | None:
    size = node.value("totalVectorSizeBp").replace(",", "")
    return int(size) if size.isdigit() and int(size) > 0 else None


def _last_number(text: str) -> str:
    number = _LAST_NUMBER.search(text)
    return number[1] if number else ""


def _topology(node: Node) -> str | None:
    types = " ".join(node.values("type"))
    if _CIRCULAR in types:
        return "circular"
    return "linear" if _LINEAR in types else None


def _molecule(node: Node, sequences: list[Node]) -> str:
    stated = node.value("molecule")
    types = [
        *node.values("type"),
        *(value for part in sequences for value in part.values("encoding")),
    ]
    if any(text.endswith(_PROTEINS) for text in types):
        return "protein"
    if any(text.endswith(_RNAS) for text in types):
        return "RNA"
    return stated or "DNA"


def _references(node: Node, nodes: Nodes) -> tuple[Reference, ...]:
    """The references that the component points to, by their label (`1  (bases 1 to 4127)`); without
    one, the PubMed number that the component itself has."""
    parts = [
        nodes.by_address[address]
        for address in node.values("reference")
        if address in nodes.by_address
    ]
    references = [_reference(part) for part in sorted(parts, key=_order)]
    pubmed = node.value("OBI_0001617", "pubmed", "pubmedId")
    if pubmed.isdigit() and all(reference.pubmed != pubmed for reference in references):
        references.append(Reference(pubmed=pubmed))
    return tuple(references)


def _order(node: Node) -> int:
    number = re.match(r"\d+", node.value("label"))
    return int(number[0]) if number else 1 << 20


def _reference(node: Node) -> Reference:
    first, last = span_in(node.value("label"))
    journal = node.value("journal")
    authors = node.value("authors")
    return Reference(
        authors="" if authors == "." else authors,
        consortium=node.value("consortium", "consrtm"),
        title=node.value("title"),
        journal=journal,
        pubmed=node.value("pubmed"),
        remark=node.value("remark"),
        year=year_in(journal),
        first=first,
        last=last,
    )
