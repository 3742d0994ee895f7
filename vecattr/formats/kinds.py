"""The formats of sequence files: an open file in; its format, and the reader to call, out.

To add a format, write a module in this room with a function `read_NAME(file: InputFile) ->
Iterator[Record]` and add one line to `FORMATS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from vecattr.errors import InputError
from vecattr.formats.record import Record
from vecattr.inputs.input_files import InputFile

Reader = Callable[[InputFile], Iterator[Record]]

#: Columns that mark a first line as a table's header, whatever the delimiter.
_HEADER_COLUMNS = frozenset({"sequence_id", "sequence"})

#: A LOCUS line, wherever it is in the head of a file.
_LOCUS_BELOW = re.compile(rb"[\r\n]LOCUS[ \t][^\r\n]{0,200}\d\s{0,20}(?:bp|aa|rc)\b")

#: ID line of EMBL; the blanks and what follows tell it from a table with the first column `ID`.
_EMBL_START = re.compile(rb"ID   \s{0,20}\S[^\r\n]{0,300}[\r\n]+(?:XX|AC|CC|DE|DT|KW|OS|MF|PN)\b")


def _columns(head: bytes) -> set[str]:
    """The cells of the first line, whatever the delimiter."""
    cells = re.split("[,;\t]", first_line(head))
    return {cell.strip().strip('"').lower() for cell in cells}


def _is_snapgene(head: bytes) -> bool:
    return head.startswith(b"\x09\x00\x00\x00\x0eSnapGene")


def _is_fasta(head: bytes) -> bool:
    return head.lstrip().startswith(b">")


def _is_genbank(head: bytes) -> bool:
    """A LOCUS line at the beginning, or below the header of a release file."""
    if head.lstrip().startswith((b"LOCUS ", b"LOCUS\t")):
        return True
    return not _HEADER_COLUMNS & _columns(head) and _LOCUS_BELOW.search(head) is not None


def _is_embl(head: bytes) -> bool:
    return _EMBL_START.match(head.lstrip()) is not None


def _is_table(head: bytes) -> bool:
    header = first_line(head)
    has_delimiter = any(delimiter in header for delimiter in "\t,;")
    return b"\x00" not in head and (
        has_delimiter or header.strip().strip('"').lower() in _HEADER_COLUMNS
    )


def _is_excel(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04") and b"xl/" in head


def _is_parquet(head: bytes) -> bool:
    return head.startswith(b"PAR1")


@dataclass(frozen=True)
class Format:
    """One format: its name in messages, the test of a file's first bytes, and where its reader is
    (`module:function`, imported when a file needs it)."""

    name: str
    matches: Callable[[bytes], bool]
    reader_path: str

    def reader(self) -> Reader:
        """The function that reads the records of a file of this format."""
        module, function = self.reader_path.split(":")
        reader: Reader = getattr(import_module(f"vecattr.formats.{module}"), function)
        return reader


#: Tables are not read here: options name their columns (`vecattr.readers.plasmid_table`).
TABLE = Format("table", _is_table, "")
EXCEL = Format("Excel workbook", _is_excel, "")
PARQUET = Format("Parquet", _is_parquet, "")
TABLES = (TABLE, EXCEL, PARQUET)

#: Every format, in the order in which they are tried.
FORMATS = (
    EXCEL,
    PARQUET,
    Format("snapgene", _is_snapgene, "snapgene:read_snapgene"),
    Format("fasta", _is_fasta, "fasta:read_fasta"),
    Format("genbank", _is_genbank, "genbank:read_genbank"),
    Format("EMBL", _is_embl, "embl:read_embl"),
    TABLE,
)


def format_of(file: InputFile) -> Format:
    """The format of a file, from its first bytes; never from its suffix.

    Raises InputError for a file of no known format.
    """
    for candidate in FORMATS:
        if candidate.matches(file.head):
            return candidate
    if b"\x00" in file.head:
        what = "binary data of no known format"
    else:
        what = "neither a table, FASTA, GenBank nor SnapGene .dna"
    raise InputError(what, where=file.name, hint=_hint(file.head))


def first_line(head: bytes) -> str:
    """The first line that is not blank; bytes that are not UTF-8 become replacement characters."""
    return re.split(r"[\r\n]", head.decode("utf-8", "replace").lstrip(), maxsplit=1)[0]


def _hint(head: bytes) -> str:
    """What to do with a file of no known format."""
    text = head.lstrip()
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "this looks like UTF-16; save the file as UTF-8"
    if text.startswith(b"@"):
        return "this looks like FASTQ; convert it to FASTA"
    if text[:1000].strip(b"ACGTNUacgtnu\r\n ") == b"":
        return "this looks like a bare sequence; put a line '>name' above it"
    return "a table begins with a header, FASTA with '>', GenBank with 'LOCUS'"
