"""GenBank: an open file in; its records, with their topology, out.

Biopython only warns about a wrong length or a missing `//`, and reports nothing for a file of
another kind; here each of these is an error.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator

from Bio import BiopythonParserWarning, SeqIO
from Bio.Seq import UndefinedSequenceError

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile, input_stem

#: What programs write in place of an id.
_PLACEHOLDER_IDS = frozenset(
    {"", ".", "<unknown id>", "<unknown name>", "exported", "untitled", "unknown"}
)

#: What Biopython's GenBank parser raises at damaged files (found by mutating good ones).
_PARSER_ERRORS = (
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    AssertionError,
    RecursionError,
)

#: How much of a LOCUS line is looked at (characters): programs write fewer than 200, and the time
#: of the pattern grows with the square.
_LONGEST_LOCUS = 1000

#: LOCUS, name, length, unit: the part of the first line that every program writes.
_LOCUS = re.compile(r"LOCUS\s+(?:(?P<name>\S.*?)\s+)?(?P<length>\d+)\s+(?P<unit>bp|aa|rc)\b", re.I)
_TOPOLOGY = re.compile(r"\b(circular|linear)\b", re.I)


def read_genbank(file: InputFile) -> Iterator[Record]:
    """One record per LOCUS; its id is accession.version, else the locus name, else the file's.

    Raises InputError when the last record is not closed by `//`. A record that cannot be read,
    or whose length is not the one its LOCUS line states, carries its problem.
    """
    for number, text in enumerate(_entries(file), start=1):
        yield _record(text, number, file.name)


def _entries(file: InputFile) -> Iterator[str]:
    """The text of each record, from LOCUS to `//`."""
    lines: list[str] = []
    # Author names in old files may be Latin-1; bases and the LOCUS line never are.
    for line in io.TextIOWrapper(file.limited(b"\n//"), encoding="utf-8", errors="replace"):
        if line.strip() or lines:
            lines.append(line)
        if line.rstrip() == "//":
            yield "".join(lines)
            lines = []
    if lines:
        raise InputError(
            "the last record is not closed by '//'",
            where=f"{file.name}, record {lines[0][:60].strip()!r}",
            hint="the file is probably cut short; copy or download it again",
        )


def _record(text: str, number: int, file_name: str) -> Record:
    locus_line = text.split("\n", 1)[0]
    locus = _LOCUS.match(locus_line[:_LONGEST_LOCUS])
    name = (locus["name"] or "") if locus else ""
    place = f"{file_name}, record {name!r}" if name else f"{file_name}, record number {number}"
    try:
        if locus is None:
            raise InputError(
                f"this is no LOCUS line: {locus_line[:60]!r}", hint="name bp length unit"
            )
        entry_id, sequence = _parsed(text)
        _check_length(len(sequence), int(locus["length"]), unit=locus["unit"])
    except InputError as error:
        return Record(_first_id(name, file_name=file_name), place, "", problem=error)
    topology = _TOPOLOGY.search(locus_line, locus.end(), _LONGEST_LOCUS)
    return Record(
        _first_id(entry_id, name, file_name=file_name),
        place,
        sequence,
        topology=topology[0].lower() if topology else None,
    )


def _parsed(text: str) -> tuple[str, str]:
    """Id and bases of one GenBank record; Biopython's failures as InputError."""
    try:
        with warnings.catch_warnings():
            # Programs write many odd LOCUS and feature lines; the length is checked here.
            warnings.simplefilter("ignore", BiopythonParserWarning)
            entry = SeqIO.read(io.StringIO(text), "genbank")  # type: ignore[no-untyped-call]
        return str(entry.id), str(entry.seq)
    except UndefinedSequenceError as error:
        raise InputError(
            "the record holds no bases", hint="download it with its ORIGIN part"
        ) from error
    except _PARSER_ERRORS as error:
        raise InputError(f"the record cannot be read as GenBank ({error})") from error


def _check_length(length: int, stated: int, *, unit: str) -> None:
    if unit.lower() == "aa":
        raise InputError("this is a protein record", hint="vecattr reads nucleotide sequences")
    if length != stated:
        raise InputError(
            f"the LOCUS line states {stated} bases, the record holds {length}",
            hint="the file is damaged or was edited by hand; export it again",
        )


def _first_id(*candidates: str, file_name: str) -> str:
    """The first candidate that is an id, else the file's own name; words joined by `_`."""
    for candidate in candidates:
        if candidate.strip().lower() not in _PLACEHOLDER_IDS:
            return "_".join(candidate.split())
    return input_stem(file_name)
