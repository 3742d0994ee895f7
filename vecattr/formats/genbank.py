"""GenBank: an open file in; its records, with their topology, out.

The bases, the LOCUS line and the record's names are read here, and features as far as they can be:
programs write features and LOCUS lines in many ways, which no reader of the whole format takes, and
no feature is a reason to refuse bases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from vecattr.errors import InputError
from vecattr.formats.feature_table import read_annotations
from vecattr.formats.flat_text import (
    FOLLOWED,
    Entry,
    bases_in,
    check_length,
    read_entries,
)
from vecattr.formats.record import Record, id_and_names
from vecattr.info import PlasmidInfo
from vecattr.inputs.input_files import InputFile

#: How much of a LOCUS line is looked at (characters): programs write fewer than 200.
_LONGEST_LOCUS = 1000

#: Where the names of an entry are looked for (characters).
_LONGEST_HEAD = 1 << 16

#: A length with its unit; the last one on the line counts, since names may hold one, too.
_LENGTH = re.compile(r"(?<!\d)(\d{1,12})\s{0,20}(bp|aa|rc|nt)(?![A-Za-z0-9])", re.I)
_TOPOLOGY = re.compile(r"\b(circular|linear)\b", re.I)
_INDENTED_ORIGIN = re.compile(r"\n[ \t]{1,8}ORIGIN\b")
_NAME_LINE = {key: re.compile(rf"\n{key}[ \t]+(\S+)") for key in ("VERSION", "ACCESSION")}
_PUBMED = re.compile(r"\n {1,6}PUBMED[ \t]+(\d{1,9})\b")
_DOI = re.compile(
    r"\bdoi:? ?(?:https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/[^\s;,\"<>]{1,200})", re.I
)
_JOURNAL = re.compile(r"\n {1,6}JOURNAL[ \t]+(.*(?:\n {7,}\S.*)*)")
#: A citation ends with its year in brackets; `Submitted (12-JAN-2019) ...` does not.
_CITED_YEAR = re.compile(r"\(((?:19|20)\d\d)\)\s*\Z")
_NUMBERED_LINE = re.compile(r"\s*(\d+)\s(.*)")


class Locus(NamedTuple):
    """What a LOCUS line says: the name, the length and its unit, the topology; None where it does
    not. A name that runs into the length gives `digits` that end in the length."""

    name: str
    length: int | None
    unit: str
    topology: str | None
    digits: str | None

    def stated(self, held: int) -> int | None:
        """The length stated, given how many bases are there."""
        if self.digits is not None and self.digits.endswith(str(held)):
            return held
        return self.length


def read_genbank(file: InputFile) -> Iterator[Record]:
    """One record per LOCUS, with accession and version for its id, and the locus name besides.

    A record that cannot be read, is not closed by `//` or whose length is not the one its LOCUS
    line states, carries its problem.
    """
    for number, entry in enumerate(read_entries(file, "LOCUS"), start=1):
        yield read_genbank_entry(entry, number, file.name)


def read_locus(text: str) -> Locus:
    """What the LOCUS line at the head of an entry says, continued on indented lines or not.

    Columns are not counted: programs and people shift them.
    """
    lines = text[:_LONGEST_LOCUS].split("\n")
    first = lines[0][len("LOCUS") :]
    lengths = list(_LENGTH.finditer(first))
    if not lengths:
        words = first.split()
        topology = _TOPOLOGY.search(first)
        return Locus(words[0] if words else "", None, "bp", _word(topology), None)
    length = lengths[-1]
    name = first[: length.start()]
    is_joined = bool(name.strip()) and not name[-1].isspace()
    rest = first[length.end() :] + "".join(_continued(lines[1:]))
    topology = _TOPOLOGY.search(rest)
    return Locus(
        " ".join(name.split()),
        int(length[1]),
        length[2].lower(),
        _word(topology),
        length[1] if is_joined else None,
    )


def _continued(lines: list[str]) -> Iterator[str]:
    """The lines that go on with the one above them: indented, and no keyword of their own."""
    for line in lines:
        if not line[:1].isspace() or line.split()[:1] == ["FEATURES"]:
            return
        yield " " + line


def _word(match: re.Match[str] | None) -> str | None:
    return match[0].lower() if match else None


def read_genbank_entry(entry: Entry, number: int, file_name: str) -> Record:
    """The record of one entry, which is number `number` of its file; it may carry a problem."""
    locus = read_locus(entry.text)
    place = f"{file_name}, record {locus.name!r}"
    if not locus.name:
        place = f"{file_name}, record number {number}"
    name, names = id_and_names(_accession(entry.text), locus.name)
    try:
        sequence, note = _checked(entry, locus)
    except InputError as error:
        return Record(name, place, "", problem=error, names=names)
    return Record(
        name,
        place,
        sequence,
        topology=locus.topology,
        note=note,
        names=names,
        annotations=read_annotations(_features(entry.text)),
        info=_info(entry.text),
    )


def _features(text: str) -> str:
    """The feature table of an entry; empty without one."""
    start = text.find("\nFEATURES", 0, _LONGEST_HEAD)
    return text[start + 1 : text.find("\nORIGIN", start)] if start >= 0 else ""


def _head(text: str) -> str:
    """What stands above the features."""
    features = text.find("\nFEATURES", 0, _LONGEST_HEAD)
    return text[: features if features >= 0 else _LONGEST_HEAD]


def _info(text: str) -> PlasmidInfo | None:
    """The first publication that an entry cites by its PubMed number, else by its DOI, and its
    year; None without one. What programs write of themselves into a reference has neither."""
    references = _head(text).split("\nREFERENCE")[1:]
    for pattern in (_PUBMED, _DOI):
        for reference in references:
            if match := pattern.search(reference):
                journal = _JOURNAL.search(reference)
                year = _CITED_YEAR.search(journal[1]) if journal else None
                return _known(match[1].rstrip(".)"), int(year[1]) if year else None)
    return None


def _known(publication: str, year: int | None) -> PlasmidInfo | None:
    """What is known, unless it is no publication at all."""
    try:
        return PlasmidInfo(publication, year)
    except InputError:
        return None


def _accession(text: str) -> str:
    """Accession with version, else the accession, of an entry's head; empty without both."""
    head = _head(text)
    names = (_NAME_LINE[key].search(head) for key in ("VERSION", "ACCESSION"))
    return next((match[1] for match in names if match), "")


def _checked(entry: Entry, locus: Locus) -> tuple[str, str | None]:
    """The bases of an entry, and a note on their length; InputError when they are not sound."""
    if locus.unit == "aa":
        raise InputError("this is a protein record", hint="vecattr reads nucleotide sequences")
    body = _body(entry.text)
    sequence = bases_in(body)
    if not sequence:
        if not entry.is_closed:
            raise _not_closed()
        raise InputError("the record holds no bases", hint="download it with its ORIGIN part")
    stated = locus.stated(len(sequence))
    if not entry.is_closed and stated != len(sequence):
        raise _not_closed()
    is_numbered = stated == len(sequence) or _is_numbered(body)
    note = check_length(len(sequence), stated, is_numbered=is_numbered, where="LOCUS")
    return sequence, note or (FOLLOWED if entry.is_followed else None)


def _body(text: str) -> str:
    """What follows the last line ORIGIN, which some programs indent; empty without one."""
    start = text.rfind("\nORIGIN")  # a pattern with `^` takes far longer over a long entry
    if start < 0:
        indented = list(_INDENTED_ORIGIN.finditer(text))
        start = indented[-1].start() if indented else len(text)
    end = text.find("\n", start + 1)
    return text[end:] if end >= 0 else ""


def _not_closed() -> InputError:
    return InputError(
        "the record is not closed by '//'",
        hint="the file is probably cut short; copy or download it again",
    )


def _is_numbered(body: str) -> bool:
    """Whether each line of bases begins with the position of its first base."""
    held = 0
    for line in body.split("\n"):
        if not line.strip():
            continue
        match = _NUMBERED_LINE.match(line)
        if match is None or int(match[1][:12]) != held + 1:
            return False
        held += len(bases_in(match[2]))
    return True
