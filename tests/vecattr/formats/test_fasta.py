"""Claims about FASTA: ids are first words, odd letters stay for the plasmid to judge."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecattr.errors import InputError
from vecattr.formats import fasta
from vecattr.formats.fasta import read_fasta
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input
from vecattr.plasmid import Plasmid


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
    st.sampled_from(["\n", "\r\n", "\n\n", "\r", "\n  ", "\n;note\n", "\n#note\n"]),
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
    assert ["".join(record.sequence.split()) for record in records] == sequences


def test_a_record_without_an_id_is_named_by_its_number(tmp_path: Path) -> None:
    _, record = records_of(b">a\nAC\n> \nGT\n", tmp_path)
    assert record.id == ""
    assert record.place.endswith("record number 2")


@pytest.mark.parametrize("odd", ["µ", "\x00", "5"])
def test_an_odd_letter_does_not_hide_the_next_record(odd: str, tmp_path: Path) -> None:
    first, second = records_of(f">é\nAC{odd}\n>b\nGT\n".encode(), tmp_path)
    assert first.sequence == f"AC{odd}"
    assert second.sequence == "GT"


def test_no_letter_of_a_header_is_a_reason_to_refuse_bases(tmp_path: Path) -> None:
    text = ">a from the M\u00fcller lab\nACGT\n>b\nGG\n"
    utf8 = records_of(text.encode(), tmp_path)
    assert [record.sequence for record in utf8] == ["ACGT", "GG"]
    assert utf8[0].title == "a from the M\u00fcller lab"
    assert records_of(text.encode("latin-1"), tmp_path) == utf8
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"):
        assert records_of(text.encode(encoding), tmp_path) == utf8
    assert records_of(b">a\x81\xff\nACGT\n", tmp_path)[0].sequence == "ACGT"


def test_comments_are_no_bases(tmp_path: Path) -> None:
    content = b";made by hand\n#and\n>a\n;inside\nACGT\n!more\nGG\n>b\nTT\n;end"
    records = records_of(content, tmp_path)
    assert [(record.id, record.sequence) for record in records] == [("a", "ACGTGG"), ("b", "TT")]


@pytest.mark.parametrize(
    ("bases", "words"), [("GGGAAACCC\n(((...)))", "RNA with its structure"), ("ACGT*", "end mark")]
)
def test_letters_that_are_no_bases_are_explained(bases: str, words: str, tmp_path: Path) -> None:
    (record,) = records_of(f">a\n{bases}\n".encode(), tmp_path)
    with pytest.raises(InputError) as caught:
        Plasmid(record.id, record.sequence)
    assert words in str(caught.value.hint)


def test_fasta_of_old_is_read(tmp_path: Path) -> None:
    pearson = records_of(b";p1|NAME\n;a comment\nacgT\nac\n;p2\nGG\n", tmp_path)
    assert [(record.title, record.sequence) for record in pearson] == [
        ("p1|NAME", "acgTac"),
        ("p2", "GG"),
    ]
    ig = records_of(b"; a comment\n;\npOne\nACGT\nAC2\n; another\npTwo\nGGGG1\n", tmp_path)
    assert [(record.id, record.sequence, record.topology) for record in ig] == [
        ("pOne", "ACGTAC", "circular"),
        ("pTwo", "GGGG", "linear"),
    ]
    pir = records_of(b">DC;pOne\nA title of Trees\nACGT\nAC*\n>DL;pTwo\n\nGG*\n", tmp_path)
    assert [(record.id, record.sequence, record.topology) for record in pir] == [
        ("pOne", "ACGTAC", "circular"),
        ("pTwo", "GG", "linear"),
    ]


def test_a_header_states_the_topology(tmp_path: Path) -> None:
    content = b">a [topology=linear]\nAC\n>b circular=true\nAC\n>c\nAC\n"
    records = records_of(content, tmp_path)
    assert [record.topology for record in records] == ["linear", "circular", None]


def test_records_are_the_same_wherever_the_text_is_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"".join(b">p%d x\n%s\n" % (n, b"ACGTN\n" * n) for n in range(1, 40))
    whole = records_of(b";note\n" + content, tmp_path)
    assert [len(record.sequence) for record in whole] == [5 * n for n in range(1, 40)]
    for chunk in (1, 7, 100, 997):
        monkeypatch.setattr(fasta, "_CHUNK", chunk)
        assert records_of(b";note\n" + content, tmp_path) == whole


def test_ten_million_bases_are_one_record(tmp_path: Path) -> None:
    (record,) = records_of(b">big\n" + b"ACGTTGCATC\n" * 1_000_000, tmp_path)
    assert len(record.sequence) == 10_000_000
