"""SnapGene `.dna`: an open file in; its one record, with its topology, out.

A file is a row of packets: one byte of kind, four of length, then the content. Only the packets of
bases, of features and of primers are used. What notes and features say is no reason to refuse
bases; XML that is nested deeper than any program writes is, because only a hostile file holds it.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator
from xml.parsers.expat import ExpatError, ParserCreate

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile, input_stem
from vecattr.plasmid import MOST_ANNOTATIONS, Annotation

#: Kinds of packets: the cookie, the three that hold a sequence, primers and features in XML.
_COOKIE, _DNA, _PROTEIN, _RNA = 0x09, 0x00, 0x15, 0x20
_PRIMERS, _FEATURES = 0x05, 0x0A

#: Elements within elements; SnapGene writes fewer than ten.
_DEEPEST = 100

#: Letters of a name that are kept, and what the file calls directions.
_LONGEST_NAME = 100
#: Places of primers before one that it is compared with.
_SITES_COMPARED = 4
_STRANDS = {"1": 1, "2": -1}
_PRIMER_STRANDS = {"0": 1, "1": -1}

_HEADER = struct.Struct(">BI")
_IS_CIRCULAR = 0x01

_COOKIE_BYTES = b"\x09\x00\x00\x00\x0eSnapGene"


def is_snapgene(head: bytes) -> bool:
    """Whether a file that begins so was written by SnapGene."""
    return head.startswith(_COOKIE_BYTES)


def read_snapgene(file: InputFile) -> Iterator[Record]:
    """The one record of a SnapGene file; its id is the file's name without suffix.

    A file that is cut short, holds no DNA, or holds two sequences, is a record that carries its
    problem.
    """
    name = input_stem(file.name)
    place = f"{file.name}, record {name!r}"
    try:
        content = file.limited().read()
        flags, bases = _sequence(_packets(content))
    except InputError as error:
        yield Record(name, place, "", problem=error)
        return
    topology = "circular" if flags & _IS_CIRCULAR else "linear"
    annotations = _annotations(_packets(content))
    letters = bases.decode("latin-1")
    yield Record(name, place, letters, topology=topology, annotations=annotations)


def _packets(content: bytes) -> Iterator[tuple[int, memoryview]]:
    """Kind and content of each packet; InputError where the file ends within one."""
    view, place = memoryview(content), 0
    while place < len(view):
        if len(view) - place < _HEADER.size:
            raise _cut_short()
        kind, length = _HEADER.unpack_from(view, place)
        place += _HEADER.size
        if length > len(view) - place:
            raise _cut_short()
        yield kind, view[place : place + length]
        place += length


def _check_depth(text: bytes) -> None:
    """InputError for XML that is nested deeper than _DEEPEST; damaged XML does not matter."""
    depth = 0

    def begins(*_: object) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise InputError(
                "the SnapGene file has notes that are nested too deeply",
                hint="open it in SnapGene and save it again, or export it as GenBank",
            )

    def ends(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = begins, ends
    with contextlib.suppress(ExpatError):
        parser.Parse(text, True)


def _cut_short() -> InputError:
    return InputError(
        "the SnapGene file ends within a packet",
        hint="it is probably cut short; copy it again, or export it as GenBank",
    )


def _sequence(packets: Iterator[tuple[int, memoryview]]) -> tuple[int, bytes]:
    """Flags and bases of the one packet of DNA; every packet is looked at."""
    found: list[bytes] = []
    kinds = set()
    for kind, content in packets:
        kinds.add(kind)
        if kind == _DNA:
            found.append(bytes(content))
        elif bytes(content[:1]) == b"<":
            _check_depth(bytes(content))
    if not found:
        for kind, what in ((_PROTEIN, "protein"), (_RNA, "RNA")):
            if kind in kinds:
                raise InputError(
                    f"this is a SnapGene {what} file",
                    hint="vecattr reads DNA: give the .dna file of the plasmid",
                )
        raise InputError(
            "the SnapGene file holds no DNA",
            hint="it is probably cut short; copy it again, or export it as GenBank",
        )
    if len(found) > 1 or not found[0]:
        raise InputError(
            "the SnapGene file is damaged: its DNA is empty or there twice",
            hint="copy it again, or export it as GenBank",
        )
    return found[0][0], found[0][1:]


def _annotations(packets: Iterator[tuple[int, memoryview]]) -> tuple[Annotation, ...]:
    """The first MOST_ANNOTATIONS features, and then primers where they bind; damaged ones and what
    follows them are left out."""
    features: list[Annotation] = []
    primers: list[Annotation] = []
    for kind, content in packets:
        if kind == _FEATURES:
            features += _features(bytes(content))
        elif kind == _PRIMERS:
            primers += _primers(bytes(content))
    return (*features, *primers)[:MOST_ANNOTATIONS]


def _features(text: bytes) -> Iterator[Annotation]:
    features: list[dict[str, str]] = []

    def begins(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Feature":
            features.append(attributes)
        elif tag == "Segment" and features:
            first, _, last = attributes.get("range", "").partition("-")
            features[-1].setdefault("first", first)
            features[-1]["last"] = last

    _parse(text, begins)
    for feature in features:
        kind, strand = feature.get("type", "misc_feature"), feature.get("directionality", "")
        yield from _annotation(feature, kind=kind, strand=_STRANDS.get(strand, 0))


def _primers(text: bytes) -> Iterator[Annotation]:
    """Each place where a primer binds; its bases are counted from 0 here. A place that is told once
    more in short (`simplified`) counts once."""
    sites: list[dict[str, str]] = []
    name = ""

    def begins(tag: str, attributes: dict[str, str]) -> None:
        nonlocal name
        if tag == "Primer":
            name = attributes.get("name", "")
        elif tag == "BindingSite":
            first, _, last = attributes.get("location", "").partition("-")
            if first.isdecimal() and last.isdecimal() and len(first + last) < 20:
                places = {"first": str(int(first) + 1), "last": str(int(last) + 1)}
                strand = attributes.get("boundStrand", "0")
                site = {"name": name, "strand": strand, **places}
                if site not in sites[-_SITES_COMPARED:]:
                    sites.append(site)

    _parse(text, begins)
    for site in sites:
        strand = _PRIMER_STRANDS.get(site["strand"], 0)
        yield from _annotation(site, kind="primer_bind", strand=strand)


def _parse(text: bytes, begins: Callable[[str, dict[str, str]], None]) -> None:
    """Call a function with each element's name and attributes, until the XML is damaged."""
    parser = ParserCreate()
    parser.StartElementHandler = begins
    with contextlib.suppress(ExpatError):
        parser.Parse(text, True)


def _annotation(values: dict[str, str], *, kind: str, strand: int) -> Iterator[Annotation]:
    """The annotation of these values; none without both places."""
    if all(values.get(key, "").isdecimal() for key in ("first", "last")):
        name = values.get("name", "")[:_LONGEST_NAME]
        first, last = int(values["first"]), int(values["last"])
        yield Annotation(kind[:_LONGEST_NAME], name, first, last, strand)
