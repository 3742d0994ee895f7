"""Claims about formats: content decides, anything else is refused with advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.kinds import FORMATS, TABLES, Format, format_of
from vecattr.inputs.input_files import open_input


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
        (b"sequence_id,sequence\n", "table"),
        (b"sequence_id\tsequence\r\n", "table"),
        (b'"sequence"\n', "table"),
    ],
)
def test_the_format_is_recognized_by_content(content: bytes, name: str, tmp_path: Path) -> None:
    assert format_name(content, tmp_path) == name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary"),
        ("sequence_id,sequence\n".encode("utf-16"), "UTF-16"),
        (b"@read1\nACGT\n+\nIIII\n", "FASTQ"),
        (b"acgtACGT\nACGT\n", "bare sequence"),
        (b"Dear colleague\n", "neither a table"),
    ],
)
def test_other_content_is_refused_with_advice(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        format_name(content, tmp_path)
    assert message in str(caught.value)
    assert caught.value.hint
