"""What is refused: the first bytes of a file in; what the file is, and what to do instead, out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from vecattr.formats.bare import is_bare_protein
from vecattr.inputs.text import LENIENT


class Refusal(NamedTuple):
    """What a file is, in words that follow "this is"; the next step; and whether its first bytes
    say so, or nothing that is known fits."""

    what: str
    hint: str
    is_certain: bool = True


class _Kind(NamedTuple):
    """A kind of file: its refusal, and the bytes it begins with or a pattern of its head."""

    refusal: Refusal
    begins: tuple[bytes, ...] = ()
    pattern: re.Pattern[bytes] | None = None
    test: Callable[[bytes], bool] | None = None

    def matches(self, head: bytes) -> bool:
        """Whether a file that begins so is of this kind."""
        if head.startswith(self.begins):
            return True
        if self.pattern is not None:
            return self.pattern.search(head) is not None
        return self.test is not None and self.test(head)


_NOT_SEQUENCE = "export the sequence as GenBank, FASTA or SnapGene .dna"
_UNPACK = "unpack it, or pack the files as .zip, and give them or their folder"
_SAVE_AS_CSV = "save the sheet as CSV"
_PLASMID = "vecattr reads nucleotide sequences: give the plasmid's GenBank, FASTA or .dna file"
_CONSENSUS = "vecattr reads whole plasmids: give the consensus or assembly as FASTA or FASTQ"


def _re(pattern: bytes) -> re.Pattern[bytes]:
    return re.compile(pattern, re.I)


#: Every kind that is refused by name, in the order in which they are tried.
_KINDS = (
    _Kind(
        Refusal("an image", _NOT_SEQUENCE),
        (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*", b"BM", b"\x00\x00\x01\x00"),
        _re(rb"\ARIFF....WEBP|\A\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,300}-->\s*)?<svg[\s>]"),
    ),
    _Kind(Refusal("a PDF document", _NOT_SEQUENCE), (b"%PDF",)),
    _Kind(Refusal("a PostScript document", _NOT_SEQUENCE), (b"%!PS",)),
    _Kind(Refusal("an RTF document", "save it as plain text"), (b"{\\rtf",)),
    _Kind(
        Refusal(
            "an old Word, Excel or other Office document",
            "save a table as CSV, and text as plain text",
        ),
        (b"\xd0\xcf\x11\xe0",),
    ),
    _Kind(
        Refusal("a Word document", "save it as plain text, or export the sequence itself"),
        test=lambda head: head.startswith(b"PK") and b"word/" in head,
    ),
    _Kind(
        Refusal("a PowerPoint document", _NOT_SEQUENCE),
        test=lambda head: head.startswith(b"PK") and b"ppt/" in head,
    ),
    _Kind(
        Refusal("an Excel workbook", _SAVE_AS_CSV),
        test=lambda head: head.startswith(b"PK") and b"xl/" in head,
    ),
    _Kind(
        Refusal("an OpenDocument file", "save a table as CSV, and text as plain text"),
        test=lambda head: head.startswith(b"PK") and b"mimetypeapplication/vnd." in head,
    ),
    _Kind(
        Refusal("a 7z archive", _UNPACK),
        (b"7z\xbc\xaf\x27\x1c",),
    ),
    _Kind(Refusal("a RAR archive", _UNPACK), (b"Rar!\x1a\x07",)),
    _Kind(
        Refusal("a tar archive", _UNPACK),
        test=lambda head: head[257:262] == b"ustar",
    ),
    _Kind(
        Refusal("an SQLite database", "export its sequences as GenBank or FASTA"),
        (b"SQLite format 3\x00",),
    ),
    _Kind(
        Refusal("an HDF5 file", "if it holds reads, call their bases and give the consensus"),
        (b"\x89HDF\r\n",),
    ),
    _Kind(Refusal("a BAM file of aligned reads", _CONSENSUS), (b"BAM\x01",)),
    _Kind(Refusal("a CRAM file of aligned reads", _CONSENSUS), (b"CRAM",)),
    _Kind(
        Refusal("a SAM file of aligned reads", _CONSENSUS),
        pattern=_re(
            rb"\A\s*@(?:HD|SQ|RG|PG|CO)\t|"
            rb"\A[^\t\r\n]{1,254}\t\d{1,5}\t[^\t\r\n]+\t\d+\t\d{1,3}\t(?:\*|(?:\d+[MIDNSHPX=])+)\t"
        ),
    ),
    _Kind(
        Refusal("a VCF file of variants", _CONSENSUS),
        (b"##fileformat=VCF",),
    ),
    _Kind(
        Refusal("a feature table without bases (GTF, BED or GFF2)", "give the sequence's file"),
        pattern=_re(
            rb"\A(?:(?:#|track|browser)[^\r\n]*[\r\n]+)*[^\t\r\n]+\t(?:\d+\t\d+(?:[\t\r\n]|\Z)|"
            rb"[^\t\r\n]+\t[^\t\r\n]+\t\d+\t\d+\t[^\t\r\n]+\t[+.-]\t)"
        ),
    ),
    _Kind(
        Refusal("an alignment", "remove the gaps and save each sequence as FASTA"),
        (b"CLUSTAL", b"MUSCLE (", b"#NEXUS", b"# STOCKHOLM"),
        _re(rb"\A!!(?:NA|AA)_MULTIPLE_ALIGNMENT|\A\s*\d{1,6}[ \t]+\d{1,9}[ \t]*[\r\n]"),
    ),
    _Kind(
        Refusal("a protein structure", _PLASMID),
        pattern=_re(rb"\A(?:HEADER {4}|ATOM {2}|REMARK |data_\w+\s)"),
    ),
    _Kind(
        Refusal(
            "RNA with its structure",
            "vecattr reads DNA: give the plasmid's GenBank, FASTA or .dna file",
        ),
        pattern=_re(
            rb"\A\s*[ACGUTN]+[ \t]*\r?\n?[().\[\]{}<>]{4,}|"
            rb"\A\s*\d+[ \t]+(?:ENERGY|dG)|\A\s*(?:#[^\r\n]*[\r\n]+)*1[ \t]+[ACGUTN][ \t]+\d+"
        ),
    ),
    _Kind(
        Refusal("ASN.1 of GenBank", "download the record as GenBank (full) or FASTA"),
        pattern=_re(rb"\A\s*(?:Seq-entry|Bioseq(?:-set)?|Seq-submit)\s*::="),
    ),
    _Kind(Refusal("a web page", "download the file itself, not the page that shows it"),
          pattern=_re(rb"\A\s*(?:<!--.{0,300}-->\s*)?<(?:!doctype\s+html|html|head|body)\b")),
    _Kind(
        Refusal("XML of no kind that vecattr knows", _NOT_SEQUENCE),
        pattern=_re(rb"\A\s*<(?:\?xml|[A-Za-z][\w:.-]*[\s>])"),
    ),
    _Kind(
        Refusal("JSON, which is not read", "export GenBank, FASTA, SBOL in XML, or a CSV table"),
        pattern=_re(rb"\A\s*[{\[]\s*(?:[\"{\[\]}]|-?\d|true|false|null)"),
    ),
    _Kind(
        Refusal("a bare sequence of protein", _PLASMID),
        test=is_bare_protein,
    ),
)  # fmt: skip

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def refusal_of(head: bytes) -> Refusal:
    """What a file of no format that is read is, by its first bytes."""
    for kind in _KINDS:
        if kind.matches(head):
            return kind.refusal
    if _CONTROL.search(head.decode("utf-8", LENIENT)):
        return Refusal("binary data of no known kind", _NOT_SEQUENCE)
    return Refusal(
        "text of no known kind",
        "a table begins with a header, FASTA with '>', GenBank with 'LOCUS', EMBL with 'ID'",
        is_certain=False,
    )
