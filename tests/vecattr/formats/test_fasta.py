"""Claims about FASTA: ids are first words, odd letters stay for the plasmid to judge."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import InputError
from vecattr.formats.fasta import read_fasta
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input


def records_of(content: bytes, folder: Path) -> list[Record]:
    path = folder / "in.fasta"
    path.write_bytes(content)
    with open_input(path) as file:
        return list(read_fasta(file))


def test_the_id_is_the_first_word_and_the_place_names_it(tmp_path: Path) -> None:
    (record,) = records_of(b">pAB1 made here\nAC\nGT\n", tmp_path)
    assert (record.id, record.sequence, record.topology) == ("pAB1", "ACGT", None)
    assert record.place == f"{tmp_path / 'in.fasta'}, record 'pAB1'"


@given(
    st.lists(st.text("ACGTNacgtn", min_size=1, max_size=40), min_size=1, max_size=4),
    st.integers(1, 50),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
)
def test_wrapping_and_line_ends_do_not_change_a_sequence(
    sequences: list[str], width: int, line_end: str
) -> None:
    lines = []
    for number, sequence in enumerate(sequences):
        lines.append(f">r{number}")
        lines += [sequence[at : at + width] for at in range(0, len(sequence), width)]
    with tempfile.TemporaryDirectory() as folder:
        records = records_of(line_end.join(lines).encode(), Path(folder))
    assert [record.sequence for record in records] == sequences


def test_a_record_without_an_id_is_named_by_its_number(tmp_path: Path) -> None:
    _, record = records_of(b">a\nAC\n> \nGT\n", tmp_path)
    assert record.id == ""
    assert record.place.endswith("record number 2")


@pytest.mark.parametrize("odd", ["µ", "\x00", "5"])
def test_an_odd_letter_does_not_hide_the_next_record(odd: str, tmp_path: Path) -> None:
    first, second = records_of(f">é\nAC{odd}\n>b\nGT\n".encode(), tmp_path)
    assert first.sequence == f"AC{odd}"
    assert second.sequence == "GT"


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="UTF-8"):
        records_of(b">a\xff\nACGT\n", tmp_path)


def test_ten_million_bases_are_one_record(tmp_path: Path) -> None:
    (record,) = records_of(b">big\n" + b"ACGTTGCATC\n" * 1_000_000, tmp_path)
    assert len(record.sequence) == 10_000_000
