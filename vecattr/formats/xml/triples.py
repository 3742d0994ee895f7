"""An RDF document in; the nodes that a catalogue of plasmids is made of, out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from vecattr.errors import InputError
from vecattr.inputs.input_files import InputFile

_BLOCK = 1 << 16
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"

#: The kinds of nodes that are kept.
_KEPT = frozenset(
    {
        *("ComponentDefinition", "Component", "Sequence", "Reference", "Agent"),
        *("DnaComponent", "DnaSequence"),
        *("SequenceAnnotation", "SequenceFeature", "Range"),
    }
)

#: Properties by which a component says that another one is a part of it.
_PART = frozenset({"definition", "instanceOf", "subComponent"})

#: More elements inside each other than any program writes.
_DEEPEST = 200

#: The most that is kept of one document (characters).
MOST_KEPT = 1 << 29

_TRIPLE = re.compile(
    r"\s*(?P<subject><[^>]*>|_:\S+)\s+<(?P<predicate>[^>]*)>\s+"
    r'(?:<(?P<address>[^>]*)>|(?P<blank>_:\S+)|"(?P<literal>(?:[^"\\]|\\.)*)"\S*)\s*\.\s*(?:#.*)?$'
)
#: Subject and predicate of a triple, below comments or not; in XML no `<` follows the first word.
_FIRST_TRIPLE = re.compile(rb"\s*(?:#[^\r\n]*[\r\n]\s*)*(?:<[^<>\s]*>|_:\S+)[ \t]+<[^<>\s]*>[ \t]")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


@dataclass
class Node:
    """A node: its address, the last word of its type, and its properties by the last word of their
    names. A value is a text, or the address of another node."""

    address: str
    kind: str = ""
    properties: dict[str, list[str]] = field(default_factory=dict)

    def values(self, *names: str) -> list[str]:
        """The values of these properties that are not empty, in the order of the names."""
        return [value for name in names for value in self.properties.get(name, ()) if value]

    def value(self, *names: str) -> str:
        """The first of the values, on one line; empty without one."""
        return " ".join(next(iter(self.values(*names)), "").split())

    def literals(self) -> Iterator[str]:
        """Every value of every property."""
        for values in self.properties.values():
            yield from values


@dataclass
class Nodes:
    """The nodes of a document by address, and the addresses of those that are parts of others."""

    name: str
    by_address: dict[str, Node] = field(default_factory=dict)
    parts: set[str] = field(default_factory=set)
    kept: int = 0
    unnamed: int = 0

    def address(self, element: Element) -> str:
        """The address of an element's node; of one without, a name that no other node has."""
        stated = element.get(f"{_RDF}about") or element.get(f"{_RDF}nodeID")
        self.unnamed += stated is None
        return stated or f"_:unnamed-{self.unnamed}"

    def add(self, node: Node) -> None:
        """Keep a node; InputError when the document holds more than is kept of one."""
        self.by_address[node.address] = node
        self.kept += sum(map(len, node.literals()))
        if self.kept > MOST_KEPT:
            raise InputError(
                f"the document holds more than {MOST_KEPT:,} characters of bases and properties",
                where=self.name,
                hint="divide it into several files",
            )


def read_nodes(file: InputFile) -> Nodes:
    """The nodes of an RDF document, in its order; InputError when it is damaged."""
    return _from_lines(file) if _FIRST_TRIPLE.match(file.head) else _from_xml(file)


def _from_xml(file: InputFile) -> Nodes:
    nodes = Nodes(file.name)
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    depth = 0
    root: Element | None = None
    stream = file.limited(b"<")
    try:
        while block := stream.read(_BLOCK):
            parser.feed(block)
            for happened in parser.read_events():
                event, element = cast("tuple[str, Element]", happened)
                depth += 1 if event == "start" else -1
                if depth > _DEEPEST:
                    raise _too_deep(file.name)
                if root is None:
                    root = element
                elif event == "end" and depth == 1:
                    _keep(element, nodes)
                    root.remove(element)
        parser.close()
    except (ParseError, LookupError, ValueError) as error:  # the last two: of its encoding
        raise InputError(
            f"the document is no XML ({error})", where=file.name, hint="copy or download it again"
        ) from error
    return nodes


def _too_deep(name: str) -> InputError:
    return InputError(
        "the XML is nested too deeply", where=name, hint="export the design as GenBank or FASTA"
    )


def _keep(element: Element, nodes: Nodes) -> str:
    """Keep the node of an element, and those inside of it; returns its address."""
    address = nodes.address(element)
    node = Node(address, _last_word(element.tag))
    for child in element:
        name = _last_word(child.tag)
        inner = [_keep(grandchild, nodes) for grandchild in child]
        target = child.get(f"{_RDF}resource") or child.get(f"{_RDF}nodeID")
        values = [target] if target else inner or [(child.text or "").strip()]
        if name in _PART:
            nodes.parts.update(values)
        if child.tag == f"{_RDF}type" and node.kind in {"Description", *_KEPT}:
            node.kind = _last_word(values[0]) if node.kind == "Description" else node.kind
            continue
        node.properties.setdefault(name, []).extend(values)
    if _is_kept(node):
        nodes.add(node)
    return address


def _is_kept(node: Node) -> bool:
    """A part of an SBOL 2 definition is a `Component`, too, and has a definition of its own."""
    is_part = node.kind == "Component" and bool(_PART & node.properties.keys())
    return node.kind in _KEPT and not is_part


def _from_lines(file: InputFile) -> Nodes:
    """N-Triples: one statement a line."""
    found: dict[str, Node] = {}
    nodes = Nodes(file.name)
    for number, raw in enumerate(file.limited(b"\n"), start=1):
        line = raw.decode("utf-8", "replace")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        triple = _TRIPLE.match(line)
        if triple is None:
            raise InputError("this line is no triple", where=f"{file.name}:{number}")
        address = triple["subject"].strip("<>")
        node = found.setdefault(address, Node(address))
        value = triple["address"] or triple["blank"] or _unescaped(triple["literal"] or "")
        if triple["predicate"] == _TYPE:
            kind = _last_word(value)
            node.kind = kind if node.kind not in _KEPT else node.kind
            continue
        node.properties.setdefault(_last_word(triple["predicate"]), []).append(value)
    for node in found.values():
        for name in _PART & node.properties.keys():
            nodes.parts.update(node.properties[name])
        if _is_kept(node):
            nodes.add(node)
    return nodes


def _unescaped(text: str) -> str:
    def letter(escape: re.Match[str]) -> str:
        code = escape[1] or escape[2]
        return chr(int(code, 16)) if code else _SIMPLE.get(escape[3], escape[3])

    return _ESCAPE.sub(letter, text) if "\\" in text else text


def _last_word(name: str) -> str:
    """The end of a tag or an address.

    >>> _last_word("{http://sbols.org/v2#}Sequence"), _last_word("http://sbols.org/v3#Component")
    ('Sequence', 'Component')
    """
    return re.split(r"[}#/]", name.rstrip("/"))[-1]
