"""The formats of sequence files: an open file in; its format, and the reader to call, out.

To add a format, write a module in this room with a function `read_NAME(file: InputFile) ->
Iterator[Record]` and add one line to `FORMATS`. What is refused is named in `refusals`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from vecattr.errors import InputError
from vecattr.formats.bare import is_bare
from vecattr.formats.binary.snapgene import is_snapgene
from vecattr.formats.binary.traces import ABI_MAGIC, SCF_MAGIC
from vecattr.formats.binary.xdna import is_xdna
from vecattr.formats.record import Record
from vecattr.formats.refusals import refusal_of
from vecattr.inputs.input_files import InputFile

Reader = Callable[[InputFile], Iterator[Record]]

#: What people call the column of sequences; letters and digits alone, lower case.
SEQUENCE_COLUMNS = (
    *("sequence", "seq", "dnasequence", "dnaseq", "dna", "nucleotidesequence", "ntsequence"),
    *("plasmidsequence", "fullsequence", "nucleotides", "bases"),
)

#: Columns that mark a first line as a table's header, whatever the delimiter.
_HEADER_COLUMNS = frozenset({"sequenceid", *SEQUENCE_COLUMNS})

#: A LOCUS line below the header of a release file.
_LOCUS_BELOW = re.compile(rb"[\r\n]LOCUS {7}\S[^\r\n]{0,60}\d (?:bp|aa|rc) ")

#: The first two lines of EMBL: their blanks tell them from a table with the first column `ID`.
_EMBL_START = re.compile(rb"ID   \s{0,20}\S[^\r\n]{0,300}[\r\n]+[A-Z]{2}(?:   |[\r\n]|\Z)")

_SAM_START = re.compile(rb"@(?:HD|SQ|RG|PG|CO)\t")

#: Elements of the XML that is read, and statements of other notations of SBOL.
_SBOL = re.compile(rb"[\"'<\s]https?://(?:www\.)?sbols\.org/v[123]#")
_OTHER_XML = re.compile(
    rb"http://jbei\.org/sequence|<geneious[\s>]|<(?:INSDSet|INSDSeq|GBSet|GBSeq|TSeqSet|TSeq)[\s>]"
)

_COMMENT_MARKS = (b";", b"#", b"!")
_BASES = frozenset(b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv*-")


def first_line(head: bytes) -> str:
    """The first line that is not blank; bytes that are not UTF-8 become replacement characters."""
    return re.split(r"[\r\n]", head.decode("utf-8", "replace").lstrip(), maxsplit=1)[0]


def _columns(head: bytes) -> set[str]:
    """The cells of the first line, whatever the delimiter."""
    cells = re.split("[,;\t]", first_line(head))
    return {"".join(filter(str.isalnum, cell)).lower() for cell in cells}


def _lines(head: bytes) -> list[bytes]:
    """The lines that are not blank, without outer blanks."""
    return [line for line in map(bytes.strip, head.splitlines()) if line]


def _are_bases(line: bytes) -> bool:
    return _BASES.issuperset(line)


def _is_fasta(head: bytes) -> bool:
    """A header, below comments or not; or, as of old, a header of `;` and bases."""
    start = head.lstrip()[:1]
    if start == b">" or start not in _COMMENT_MARKS:
        return start == b">"
    below = [line for line in _lines(head) if not line.startswith(_COMMENT_MARKS)]
    if not below or below[0].startswith(b">"):
        return bool(below)
    return start == b";" and any(map(_are_bases, below[:2]))


def _is_fastq(head: bytes) -> bool:
    if not head.lstrip().startswith(b"@") or _SAM_START.match(head.lstrip()):
        return False
    lines = _lines(head)
    for line in lines[1:]:
        if line.startswith(b"+"):
            return True
        if not _are_bases(line):
            return False
    return len(lines) > 1


def _is_genbank(head: bytes) -> bool:
    """A LOCUS line at the beginning, or below the header of a release file."""
    if head.lstrip().startswith((b"LOCUS ", b"LOCUS\t")):
        return True
    return not _HEADER_COLUMNS & _columns(head) and _LOCUS_BELOW.search(head) is not None


def _is_embl(head: bytes) -> bool:
    return _EMBL_START.match(head.lstrip()) is not None


def _is_sbol(head: bytes) -> bool:
    return head.lstrip()[:1] in (b"<", b"_", b"#") and _SBOL.search(head) is not None


def _is_other_xml(head: bytes) -> bool:
    return head.lstrip()[:1] == b"<" and _OTHER_XML.search(head) is not None


def _is_gff3(head: bytes) -> bool:
    return head.lstrip().startswith(b"##gff-version")


def _is_gck(head: bytes) -> bool:
    """A head of 24 bytes, the length of a packet, the number of bases, and the bases."""
    packet, number = int.from_bytes(head[24:28], "big"), int.from_bytes(head[28:32], "big")
    bases = head[32 : 32 + min(number, 64)]
    is_number = head[24:25] == b"\x00"  # of letters, no first one is 0
    fits = 0 < number <= packet - 4 and len(bases) == min(number, 64)
    return is_number and fits and _are_bases(bases)


def _is_table(head: bytes) -> bool:
    is_excel_csv = head[:4].lower() == b"sep="
    return b"\x00" not in head and (is_excel_csv or bool(_HEADER_COLUMNS & _columns(head)))


def _may_be_table(head: bytes) -> bool:
    """Text whose first line is divided like that of a table, but names no column that is known."""
    return b"\x00" not in head and any(delimiter in first_line(head) for delimiter in "\t,;")


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
    Format("snapgene", is_snapgene, "binary.snapgene:read_snapgene"),
    Format("ab1", lambda head: head.startswith(ABI_MAGIC), "binary.traces:read_abi"),
    Format("scf", lambda head: head.startswith(SCF_MAGIC), "binary.traces:read_scf"),
    Format("xdna", is_xdna, "binary.xdna:read_xdna"),
    Format("gck", _is_gck, "binary.gck:read_gck"),
    Format("gff3", _is_gff3, "gff3:read_gff3"),
    Format("fasta", _is_fasta, "fasta:read_fasta"),
    Format("fastq", _is_fastq, "fastq:read_fastq"),
    Format("genbank", _is_genbank, "genbank:read_genbank"),
    Format("embl", _is_embl, "embl:read_embl"),
    TABLE,
    Format("sbol", _is_sbol, "xml.sbol:read_sbol"),
    Format("xml", _is_other_xml, "xml.documents:read_documents"),
    Format("bare sequence", is_bare, "bare:read_bare"),
)


class ForeignFileError(InputError):
    """A file of no format that is read; among others in a folder it is skipped."""


def format_of(file: InputFile, *, is_found: bool = False) -> Format:
    """The format of a file, from its first bytes; never from its suffix.

    Text with delimiters is taken for a table, whose header is then told to be wrong, unless the
    file was found in a folder or an archive. Raises ForeignFileError for a file of no format that
    is read, with what it is and the next step.
    """
    for candidate in FORMATS:
        if candidate.matches(file.head):
            return candidate
    refusal = refusal_of(file.head)
    if refusal.is_certain or is_found or not _may_be_table(file.head):
        raise ForeignFileError(f"this is {refusal.what}", where=file.name, hint=refusal.hint)
    return TABLE
