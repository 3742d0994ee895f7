"""SBOL 1, 2 and 3 (as RDF/XML or N-Triples): an open file in; the records of its designs out.

A design is a component with bases. One that is a mere part of another component is no record of its
own, unless it is circular: a promoter within a plasmid is not what was built.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from vecattr.errors import InputError
from vecattr.formats.record import Record, id_and_names
from vecattr.formats.xml.triples import Node, Nodes, read_nodes
from vecattr.inputs.input_files import InputFile
from vecattr.plasmid import MOST_ANNOTATIONS, Annotation

#: Properties by the end of their address, of SBOL 2, 3 and 1.
_SEQUENCE = ("sequence", "hasSequence", "dnaSequence")
_BASES = ("elements", "nucleotides")
_ANNOTATIONS = ("sequenceAnnotation", "hasFeature", "annotation")
_LOCATIONS = ("location", "hasLocation")
_DEFINITIONS = frozenset({"ComponentDefinition", "Component", "DnaComponent"})
_SEQUENCES = frozenset({"Sequence", "DnaSequence"})

#: Letters of a name that are kept; a place with more digits is none.
_LONGEST_NAME, _MOST_DIGITS = 100, 20

#: Ends of the addresses that tell what a component is: Sequence Ontology, BioPAX, SBO, EDAM.
_TOPOLOGIES = {"0000988": "circular", "0000987": "linear"}
_NOT_DNA = (
    *("Protein", "SBO:0000252", "SBO_0000252", "iupac-aa", "format_1208", "aaseq.html"),
    *("RnaRegion", "Rna", "SBO:0000250", "SBO_0000250"),
    *("SmallMolecule", "SBO:0000247", "SBO_0000247", "format_1196", "opensmiles.html"),
)


def read_sbol(file: InputFile) -> Iterator[Record]:
    """One record for each design; its id is its displayId.

    Raises InputError when the document is damaged, holds more than is kept of one, or no DNA.
    """
    nodes = read_nodes(file)
    designs = [
        (node, bases)
        for node in nodes.by_address.values()
        if node.kind in _DEFINITIONS and (bases := _bases(node, nodes))
    ]
    whole = [
        (node, bases)
        for node, bases in designs
        if node.address not in nodes.parts or _topology(node) == "circular"
    ]
    found = whole or designs or _lone_sequences(nodes)
    if not found:
        raise InputError(
            "the SBOL file holds no DNA sequence",
            where=file.name,
            hint="export the design with the sequences of its components",
        )
    for node, bases in found:
        name = node.value("displayId") or node.address.rstrip("/").rpartition("/")[2]
        record_id, names = id_and_names(name, node.value("name", "title"))
        yield Record(
            record_id,
            f"{file.name}, component {name!r}",
            bases,
            topology=_topology(node),
            names=names,
            title=node.value("description"),
            annotations=tuple(islice(_annotations(node, nodes), MOST_ANNOTATIONS)),
        )


def _bases(node: Node, nodes: Nodes) -> str:
    """The bases of a component of DNA; empty when it has none."""
    if _is_not_dna(node):
        return ""
    parts = (nodes.by_address.get(address) for address in node.values(*_SEQUENCE))
    texts = (
        text
        for part in parts
        if part is not None and not _is_not_dna(part)
        for text in part.values(*_BASES)
    )
    return next(texts, "")


def _annotations(node: Node, nodes: Nodes) -> Iterator[Annotation]:
    """What a component says of its bases: of SBOL 2 and 3 with ranges, of SBOL 1 by itself."""
    for address in node.values(*_ANNOTATIONS):
        feature = nodes.by_address.get(address)
        if feature is None:
            continue
        ranges = [nodes.by_address.get(place) for place in feature.values(*_LOCATIONS)]
        for place in [one for one in ranges if one is not None] or [feature]:
            start, end = place.value("start", "bioStart"), place.value("end", "bioEnd")
            if start.isdecimal() and end.isdecimal() and len(start + end) < _MOST_DIGITS:
                name = _name_of(feature, nodes)
                yield Annotation("feature", name, int(start), int(end), _strand(place))


def _name_of(feature: Node, nodes: Nodes) -> str:
    """The feature's own name, else that of the component it stands for."""
    parts = [nodes.by_address.get(address) for address in feature.values("subComponent")]
    for node in (feature, *(part for part in parts if part is not None)):
        name = node.value("name", "title", "displayId")
        if name:
            return name[:_LONGEST_NAME]
    return ""


def _strand(place: Node) -> int:
    orientation = place.value("orientation", "strand")
    if orientation.endswith(("reverseComplement", "reverse_complement", "SO:0001031", "-")):
        return -1
    return 1 if orientation else 0


def _lone_sequences(nodes: Nodes) -> list[tuple[Node, str]]:
    """The sequences of a file that has no components; empty when it has some."""
    every = nodes.by_address.values()
    if any(node.kind in _DEFINITIONS for node in every):
        return []
    return [
        (node, bases)
        for node in every
        if node.kind in _SEQUENCES and not _is_not_dna(node)
        for bases in node.values(*_BASES)
    ]


def _is_not_dna(node: Node) -> bool:
    return any(value.endswith(_NOT_DNA) for value in node.values("type", "encoding"))


def _topology(node: Node) -> str | None:
    for value in node.values("type", "role"):
        if value[-7:] in _TOPOLOGIES:
            return _TOPOLOGIES[value[-7:]]
    return None
