"""Claims about reading public records: facts of the header, as Biopython reads them; streaming."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest
from Bio import SeqIO

from vecattr.designers.public_files import is_flat, read_annotated, read_public_file
from vecattr.errors import InputError
from vecattr.inputs.input_files import InputFile


def test_the_header_of_a_genbank_record_is_read_as_biopython_reads_it(made) -> None:
    text = made.genbank(
        made.reference("Roe,A.B. and de\n            Coe,D.".replace("\n            ", " ")),
        made.reference(
            "Roe,A.B. and de Coe,D.",
            title="A vector with a title that is longer than a line, so that it has to be wrapped",
            journal="Plasmid 10 (2), 1-9 (2014)",
            pubmed="1234567",
        ),
        comment="A comment of several words, longer than a line, so that it has to be wrapped",
    )
    record = made.one(text)
    oracle = SeqIO.read(io.StringIO(text), "genbank")
    assert record.sequence.upper() == str(oracle.seq).upper()
    assert record.id == oracle.id
    assert record.definition == oracle.description + "."
    assert (record.topology, record.division, record.date) == (
        oracle.annotations["topology"],
        oracle.annotations["data_file_division"],
        oracle.annotations["date"],
    )
    assert record.organism == oracle.annotations["organism"]
    assert record.lineage.split("; ") == oracle.annotations["taxonomy"]
    assert " ".join(record.comment.split()) == " ".join(oracle.annotations["comment"].split())
    for reference, expected in zip(
        record.references, oracle.annotations["references"], strict=True
    ):
        assert reference.authors == expected.authors
        assert reference.title == expected.title
        assert reference.journal == expected.journal
        assert reference.pubmed == expected.pubmed_id
        assert (reference.first, reference.last) == (1, 3000)
    assert dict(record.sources[0]) == {
        name: tuple(values) for name, values in oracle.features[0].qualifiers.items()
    }


def test_the_header_of_an_embl_record_is_read_as_biopython_reads_it(made) -> None:
    text = made.embl()
    record = made.one(text, name="made.embl")
    oracle = SeqIO.read(io.StringIO(text), "embl")
    assert record.sequence.upper() == str(oracle.seq).upper()
    assert (record.id, record.topology, record.division) == (oracle.id, "circular", "SYN")
    assert record.definition == oracle.description.rstrip(".")
    assert record.organism == oracle.annotations["organism"]
    for reference, expected in zip(
        record.references, oracle.annotations["references"], strict=True
    ):
        assert reference.authors == expected.authors.rstrip(";")
        assert reference.journal == expected.journal
        assert (reference.first, reference.last) == (1, 3000)
    assert [reference.pubmed for reference in record.references] == ["1234567", ""]
    assert record.sources[0]["organism"] == ("Cloning vector pXY2",)


def test_a_release_file_is_read_packed_with_its_header_before_the_first_record(
    made, tmp_path: Path
) -> None:
    header = "GBSYN1.SEQ   Genetic Sequence Data Bank\n\n   3 loci, 9000 bases\n\n"
    texts = [made.genbank(accession=f"XX00000{number}", seed=number) for number in range(3)]
    path = tmp_path / "gbsyn1.seq.gz"
    path.write_bytes(gzip.compress((header + "".join(texts)).encode()))
    records = list(read_public_file(path))
    assert [record.id for record in records] == ["XX000000.1", "XX000001.1", "XX000002.1"]
    assert [record.sequence for record in records] == [
        made.bases_of(3000, seed=n) for n in range(3)
    ]


class _Endless(io.RawIOBase):
    """The same record again and again, counting the bytes that were read."""

    def __init__(self, text: bytes) -> None:
        super().__init__()
        self.text, self.bytes_read = text, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        start = self.bytes_read % len(self.text)
        chunk = (self.text[start:] + self.text)[: len(buffer)]
        buffer[: len(chunk)] = chunk
        self.bytes_read += len(chunk)
        return len(chunk)


def test_records_come_one_at_a_time_from_a_file_without_end(made) -> None:
    text = made.genbank(made.reference("Roe,A.")).encode()
    raw = _Endless(text)
    records = read_annotated(InputFile("endless", text, io.BufferedReader(raw)))
    for number in range(1, 3001):
        assert next(records).sequence == made.bases_of(3000)
        assert raw.bytes_read < number * len(text) + (4 << 20)


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_ends_of_lines_make_no_difference(ends: str, made, tmp_path: Path) -> None:
    path = tmp_path / "made.gb"
    path.write_bytes(made.genbank(made.reference("Roe,A.")).replace("\n", ends).encode())
    (record,) = read_public_file(path)
    assert record.sequence == made.bases_of(3000)
    assert record.references[0].authors == "Roe,A."
    assert record.comment == ""


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_accents_do_not_refuse_a_record(encoding: str, made, tmp_path: Path) -> None:
    path = tmp_path / "made.gb"
    path.write_bytes(made.genbank(made.reference("Röe,A.")).encode(encoding))
    (record,) = read_public_file(path)
    assert record.problem is None
    assert record.sequence == made.bases_of(3000)


def test_a_bad_record_does_not_lose_the_good_ones(made) -> None:
    wrong = made.genbank(length=3000).replace("3000 bp", "9999 bp")
    records = made.read(made.genbank() + wrong + made.genbank(accession="XX000009"))
    assert [record.problem is None for record in records] == [True, False, True]
    assert "9999" in str(records[1].problem)
    assert records[2].id == "XX000009.1"


def test_a_record_that_is_cut_short_has_a_problem(made) -> None:
    first, second = made.read(made.genbank() + made.genbank()[:2500])
    assert first.problem is None
    assert second.problem is not None


def test_a_protein_is_no_problem_but_a_protein(made) -> None:
    assert made.one(made.genbank(unit="aa", facts="linear SYN 01-FEB-2015")).molecule == "protein"


def test_a_name_that_a_program_wrote_gives_way_to_the_files(made) -> None:
    text = made.genbank(locus="Exported", accession=".").replace(
        "VERSION     ..1\n", "VERSION     .\n"
    )
    assert made.one(text, name="pXY7.gb").id == "pXY7"


def test_a_region_of_an_accession_is_told(made) -> None:
    record = made.record(accession="XX000001 REGION: 10..3009")
    assert (record.accession, record.region) == ("XX000001", "10..3009")


@pytest.mark.parametrize("text", [">p1\nACGT\n", "ID\tsequence\nx\tACGT\n", '{"a": 1}'])
def test_files_without_such_facts_are_refused(text: str, made) -> None:
    assert not is_flat(text.encode())
    with pytest.raises(InputError, match="GenBank, EMBL or SBOL"):
        made.read(text, name="other.txt")
