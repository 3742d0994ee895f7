"""Claims about formats: content decides, anything else is refused with advice."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.kinds import (
    FORMATS,
    TABLE,
    TABLES,
    ForeignFileError,
    Format,
    format_of,
)
from vecattr.inputs.input_files import HEAD, open_input


def format_name(content: bytes, folder: Path) -> str:
    path = folder / "input"
    path.write_bytes(content)
    with open_input(path) as file:
        return format_of(file).name


@pytest.mark.parametrize(
    "file_format",
    [one for one in FORMATS if one not in TABLES],
    ids=lambda file_format: file_format.name,
)
def test_every_format_has_a_reader_in_the_module_it_names(file_format: Format) -> None:
    module = file_format.reader_path.partition(":")[0]
    assert file_format.reader().__module__ == f"vecattr.formats.{module}"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\n >a\nACGT\n", "fasta"),
        (b"LOCUS       x 4 bp DNA\n", "genbank"),
        (b"\x09\x00\x00\x00\x0eSnapGene\x00\x01\x00\x0f\x00\x13", "snapgene"),
        ("sequence_id,sequence\n".encode("utf-16"), "table"),
        (b";a comment\n>a\nACGT\n", "fasta"),
        (b"#a comment\n\n>a\nACGT\n", "fasta"),
        (b";p1\nACGTACGT\n", "fasta"),
        (b"@read1\nACGT\n+\nIIII\n", "fastq"),
        (b"acgtACGT\nACGT\n", "bare sequence"),
        (b"##gff-version 3\n##FASTA\n>a\nACGT\n", "gff3"),
        (b"ID   X; SV 1; linear; DNA; STD; SYN; 4 BP.\nXX\n", "embl"),
        (b"GBSYN1.SEQ   Header\n\nLOCUS       X    4 bp    DNA     linear\n", "genbank"),
        (b"sequence_id,sequence\n", "table"),
        (b"sequence_id\tsequence\r\n", "table"),
        (b'"sequence"\n', "table"),
    ],
)
def test_the_format_is_recognized_by_content(content: bytes, name: str, tmp_path: Path) -> None:
    assert format_name(content, tmp_path) == name


ZIP = b"PK\x03\x04\x14\x00\x00\x00\x08\x00"
SAM_ROW = b"read1\t0\tpA\t1\t60\t4M\t*\t0\t0\tACGT\tIIII\n"

REFUSED = {
    "PNG": (b"\x89PNG\r\n\x1a\n\x00\x00", "an image"),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "an image"),
    "SVG": (b'<?xml version="1.0"?>\n<svg width="9">', "an image"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
    "Word": (ZIP + b"[Content_Types].xml......word/document.xml", "a Word document"),
    "PowerPoint": (ZIP + b"[Content_Types].xml......ppt/presentation.xml", "PowerPoint"),
    "OpenDocument": (
        ZIP + b"mimetypeapplication/vnd.oasis.opendocument.text",
        "an OpenDocument file",
    ),
    "old Word": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Word, Excel"),
    "RTF": (b"{\\rtf1\\ansi ACGT}", "an RTF document"),
    "HTML": (b"\n\n<!DOCTYPE html>\n<html>", "a web page"),
    "XML": (b'<?xml version="1.0"?>\n<note>a</note>', "XML of no kind"),
    "JSON": (b'{"name": "a", "sequence": "ACGT"}\n', "JSON"),
    "JSON list": (b'[\n {"id": 1}]', "JSON"),
    "SAM": (b"@HD\tVN:1.6\n" + SAM_ROW, "a SAM file"),
    "SAM without a head": (SAM_ROW, "a SAM file"),
    "BAM": (b"BAM\x01\x00\x00", "a BAM file"),
    "CRAM": (b"CRAM\x03\x00", "a CRAM file"),
    "VCF": (b"##fileformat=VCFv4.2\n#CHROM\tPOS\n", "a VCF file"),
    "GTF": (b'pA\tmade\texon\t1\t9\t.\t+\t.\tgene_id "x";\n', "a feature table"),
    "BED": (b"track name=x\npA\t1\t9\tname\n", "a feature table"),
    "Clustal": (b"CLUSTAL W (1.83)\n\nseq1  ACGT-ACGT\n", "an alignment"),
    "PHYLIP": (b" 2 8\nseq1  ACGT-ACG\n", "an alignment"),
    "PDB": (b"HEADER    DNA      01-JAN-00   1ABC\n", "a protein structure"),
    "RNA with structure": (b"GGGAAACCC\n(((...)))\n", "RNA with its structure"),
    "mfold": (b"9 dG = -3.1 x\n1 G 0 2 9 1\n", "RNA with its structure"),
    "ASN.1": (b"Seq-entry ::= set {\n", "ASN.1"),
    "SQLite": (b"SQLite format 3\x00\x10", "an SQLite database"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    "tar": (b"p1.gb".ljust(257, b"\x00") + b"ustar\x0000", "a tar archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
    "protein": (b"MKVLAAGIAGLLLA\nMKV\n", "a bare sequence of protein"),
    "binary": (b"\x01\x02\x03\x04\x05\x00\x00", "binary data"),
    "text": (b"Dear colleague\n", "text of no known kind"),
    "code": (b"test_data = {\n'data_empty': {\n", "text of no known kind"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_named_with_the_next_step(
    content: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ForeignFileError) as caught:
        format_name(content, tmp_path)
    assert message in caught.value.what
    assert caught.value.hint
    assert caught.value.where == str(tmp_path / "input")


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"name;note\n", b"Dear Ann, thank you\n"])
def test_text_with_delimiters_is_a_table_unless_it_lies_in_a_folder(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "x").write_bytes(content)
    with open_input(tmp_path / "x") as file:
        assert format_of(file) is TABLE
        with pytest.raises(ForeignFileError, match="text of no known kind"):
            format_of(file, is_found=True)


#: Heads on which a careless pattern takes the square of their length, or more.
HEADS = (
    *(b"\n" * HEAD, b" " * HEAD, b";" * HEAD, b";\n" * (HEAD // 2), b"@\n" * (HEAD // 2)),
    *(b"\nLOCUS       x" * (HEAD // 14), b"ACGU" + b"\n" * HEAD, b"1 " * HEAD, b"\t" * HEAD),
    *(b"ID   " + b" " * HEAD, b"<" * HEAD, b"{" * HEAD, b"#\n" * HEAD, b"Length: 1 " * 6000),
    *(b"((((" * HEAD, b"a\t1\t" * 10_000, b"4M" * HEAD, b"x" * HEAD, b"http://sbols.org/v" * 3000),
)


@pytest.mark.parametrize("head", HEADS, ids=lambda head: repr(head[:14]))
def test_the_kind_of_a_hostile_head_is_told_in_a_bounded_time(head: bytes, tmp_path: Path) -> None:
    with suppress(InputError):
        format_name(b"x" + head, tmp_path)
    with suppress(InputError):
        format_name(head, tmp_path)
