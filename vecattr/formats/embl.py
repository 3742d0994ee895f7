"""EMBL flat files (IMGT and RepBase, too): an open file in; records with their topology out."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
from vecattr.inputs.input_files import InputFile

#: How much of an entry's first line is looked at (characters).
_LONGEST_LINE = 1000

_LENGTH = re.compile(r"(?<!\d)(\d{1,12})\s{0,20}(BP|AA)(?![A-Za-z0-9])", re.I)
_TOPOLOGY = re.compile(r"\b(circular|linear)\b", re.I)
_VERSION = re.compile(r"\bSV\s{0,5}(\d{1,9})\b")
_PROTEIN = re.compile(r";\s{0,20}(PRT|PROTEIN)\s{0,20};", re.I)
_SEQUENCE = re.compile(r"\nSQ(?:[ \t]|\n)")
_ACCESSION = re.compile(r"\nAC[ \t]+([^;\s]+)")
_COUNT = re.compile(r"(\d+)\s*$")


def read_embl(file: InputFile) -> Iterator[Record]:
    """One record per line ID; its id is accession.version, and the entry's name its other name.

    A record without bases, of protein, not closed by `//`, or whose length is not the one its
    first line states, carries its problem.
    """
    for number, entry in enumerate(read_entries(file, "ID"), start=1):
        yield read_embl_entry(entry, number, file.name)


def read_embl_entry(entry: Entry, number: int, file_name: str) -> Record:
    """The record of one entry, which is number `number` of its file; it may carry a problem."""
    line = entry.text[:_LONGEST_LINE].split("\n", 1)[0][len("ID") :]
    words = line.replace(";", " ").split()
    name = words[0] if words else ""
    place = f"{file_name}, record {name!r}" if name else f"{file_name}, record number {number}"
    entry_id, names = id_and_names(_accession(entry.text, line), name)
    try:
        sequence, note = _checked(entry, line)
    except InputError as error:
        return Record(entry_id, place, "", problem=error, names=names)
    match = _TOPOLOGY.search(line)
    topology = match[0].lower() if match else None
    return Record(
        entry_id,
        place,
        sequence,
        topology=topology,
        note=note,
        names=names,
        annotations=read_annotations(_features(entry.text)),
    )


def _features(text: str) -> str:
    """The feature table of an entry, in the columns of GenBank; empty without one."""
    start, end = text.find("\nFT "), text.rfind("\nFT ")
    if start < 0:
        return ""
    return text[start : text.find("\n", end + 1)].replace("\nFT", "\n  ")


def _accession(text: str, line: str) -> str:
    accession = _ACCESSION.search(text)
    if accession is None or accession[1] in (".", "unknown"):
        return ""
    version = _VERSION.search(line)
    return f"{accession[1]}.{version[1]}" if version else accession[1]


def _checked(entry: Entry, line: str) -> tuple[str, str | None]:
    lengths = list(_LENGTH.finditer(line))
    if _PROTEIN.search(line) or (lengths and lengths[-1][2].upper() == "AA"):
        raise InputError("this is a protein record", hint="vecattr reads nucleotide sequences")
    start = _SEQUENCE.search(entry.text)
    end = -1 if start is None else entry.text.find("\n", start.start() + 1)
    body = entry.text[end:] if end >= 0 else ""
    sequence = bases_in(body)
    stated = int(lengths[-1][1]) if lengths else None
    if not entry.is_closed and (stated != len(sequence) or not sequence):
        raise InputError(
            "the record is not closed by '//'",
            hint="the file is probably cut short; copy or download it again",
        )
    if not sequence:
        raise InputError("the record holds no bases", hint="download it with its SQ part")
    is_numbered = stated == len(sequence) or _is_numbered(body)
    note = check_length(len(sequence), stated, is_numbered=is_numbered, where="ID")
    return sequence, note or (FOLLOWED if entry.is_followed else None)


def _is_numbered(body: str) -> bool:
    """Whether each line of bases ends with the number of bases up to its end."""
    held = 0
    for line in body.split("\n"):
        if not line.strip():
            continue
        held += len(bases_in(line))
        count = _COUNT.search(line[-_LONGEST_LINE:])
        if count is None or int(count[1][:12]) != held:
            return False
    return True
