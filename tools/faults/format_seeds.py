"""Valid files of every format of sequences but FASTA, GenBank, SnapGene and tables, for fuzzing."""

from __future__ import annotations

import io
import struct
import zipfile

_BASES = b"acgtnACGTRYKMacgattcgatcgatcgat" * 3
_TYPE = b"http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_RDF = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '

FASTQ = b"@p1 circular=true\n%s\n+\n%s\n@p2\nAC\nGT\n+\nII\nII\n" % (_BASES, b"I" * len(_BASES))
GFF3 = (
    b"##gff-version 3\np1\tm\tregion\t1\t9\t.\t+\t.\tIs_circular=true\n##FASTA\n>p1\n%s\n" % _BASES
)
OLD_FASTA = b"; a comment\npOne\n%s2\n; p2\nACGT\n>DL;p3\ntitle\n%s*\n" % (_BASES, _BASES)
BARE = b"    1 %s\n   91 acgtacgtac\n" % _BASES
GCG = b"!!NA_SEQUENCE 1.0\n p1 Length: 10 Check: 1 ..\n  1 acgtacgtac\n"
JBEI = (
    b'<seq:seq xmlns:seq="http://jbei.org/sequence"><seq:name>p1</seq:name><seq:circular>true'
    b"</seq:circular><seq:sequence>%s</seq:sequence></seq:seq>" % _BASES
)
NTRIPLES = (
    b"<urn:p1> <%s> <http://sbols.org/v3#Component> .\n"
    b"<urn:p1> <http://sbols.org/v3#hasSequence> <urn:s1> .\n"
    b"<urn:s1> <%s> <http://sbols.org/v3#Sequence> .\n"
    b'<urn:s1> <http://sbols.org/v3#elements> "%s" .\n' % (_TYPE, _TYPE, _BASES)
)
SBOL = (
    _RDF + b'xmlns:s="http://sbols.org/v2#"><s:ComponentDefinition rdf:about="urn:p1">'
    b'<s:displayId>p1</s:displayId><s:sequence rdf:resource="urn:s1"/></s:ComponentDefinition>'
    b'<s:Sequence rdf:about="urn:s1"><s:elements>%s</s:elements></s:Sequence></rdf:RDF>' % _BASES
)


def embl(bases: bytes = _BASES[:60]) -> bytes:
    """An EMBL file of one record."""
    head = b"ID   X1; SV 1; circular; other DNA; SYN; SYN; %d BP.\nXX\nAC   X1;\nXX\n" % len(bases)
    return head + b"SQ   Sequence %d BP;\n     %s %9d\n//\n" % (len(bases), bases, len(bases))


def xdna() -> bytes:
    """A Serial Cloner file."""
    return struct.pack(">BBB25xII60xI11xB", 0, 1, 1, len(_BASES), 0, 4, 255) + _BASES + b"made\0"


def gck() -> bytes:
    """A Gene Construction Kit file without features."""
    length = struct.pack(">I", len(_BASES))
    packets = (length + _BASES, b"", length + b"\0\0", length + b"\0\0", b"")
    body = b"".join(struct.pack(">I", len(packet)) + packet for packet in packets)
    return bytes(24) + body + b"\0\0" + bytes(706) + b"\x02p1" + bytes(16) + b"\1"


def abi() -> bytes:
    """An AB1 file of one tag."""
    entry = struct.pack(">4sIHHIIII", b"PBAS", 1, 2, 1, len(_BASES), len(_BASES), 128, 0)
    head = b"ABIF" + struct.pack(">H4sIHHIII", 101, b"tdir", 1, 1023, 28, 1, 28, 128 + len(_BASES))
    return head.ljust(128, b"\0") + _BASES + entry


def scf() -> bytes:
    """An SCF file of version 3."""
    head = b".scf" + struct.pack(">IIIIIIII", 0, 0, len(_BASES), 0, 0, 128, 0, 0) + b"3.00"
    return head.ljust(128, b"\0") + bytes(8 * len(_BASES)) + _BASES + bytes(3 * len(_BASES))


def archive() -> bytes:
    """A zip archive of a few of these files, one of them an archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as outer:
        for name, data in (("a.embl", embl()), ("b.fastq", FASTQ), ("README", b"Dear Ann\n")):
            outer.writestr(zipfile.ZipInfo(name), data)
        outer.writestr(zipfile.ZipInfo("c.zip"), b"PK\x05\x06" + bytes(18))
    return content.getvalue()
