"""Claims about GenBank files: topology is read, and nothing is silently wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.formats import flat_text
from vecattr.formats.genbank import read_genbank
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input
from vecattr.readers.plasmids import read_plasmids


def genbank(
    bases: str = "acgtacgtacgt",
    *,
    name: str = "pAB1",
    length: int | None = None,
    topology: str = "circular",
    version: str = "AB0001.2",
    end: str = "//\n",
) -> str:
    stated = len(bases) if length is None else length
    lines = [
        f"LOCUS       {name:<16} {stated:>11} bp    DNA     {topology:<8} SYN 01-JAN-2020",
        "DEFINITION  made.",
        f"ACCESSION   {version.split('.')[0] or '.'}",
        f"VERSION     {version}",
        "FEATURES             Location/Qualifiers",
        f"     source          1..{len(bases)}",
        "ORIGIN",
    ]
    for start in range(0, len(bases), 60):
        row = bases[start : start + 60]
        blocks = " ".join(row[at : at + 10] for at in range(0, len(row), 10))
        lines.append(f"{start + 1:>9} {blocks}")
    return "\n".join(lines) + "\n" + end


def genbank_records(text: str, folder: Path) -> list[Record]:
    path = folder / "my plasmid.gb"
    path.write_text(text)
    with open_input(path) as file:
        assert format_of(file).name == "genbank"
        return list(read_genbank(file))


@pytest.mark.parametrize("topology", ["circular", "linear"])
@pytest.mark.parametrize("length", [1, 59, 60, 61, 200])
def test_genbank_gives_bases_and_topology(topology: str, length: int, tmp_path: Path) -> None:
    bases = ("acgtn" * 40)[:length]
    (record,) = genbank_records(genbank(bases, topology=topology), tmp_path)
    assert (record.id, record.sequence.lower()) == ("AB0001.2", bases)
    assert (record.topology, record.problem) == (topology, None)


def test_genbank_without_a_topology_gives_none(tmp_path: Path) -> None:
    (record,) = genbank_records(genbank(topology=""), tmp_path)
    assert record.topology is None


@pytest.mark.parametrize(
    ("name", "version", "expected"),
    [("pAB1", ".", "pAB1"), ("Exported", ".", "my plasmid"), ("Exported", "X1.1", "X1.1")],
)
def test_an_export_without_an_id_gets_the_name_of_its_file(
    name: str, version: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "my plasmid.gb"
    path.write_text(genbank(name=name, version=version))
    assert [record.id for record in read_plasmids([path])] == [expected]


def test_a_locus_line_as_plasmid_editors_write_it_is_read(tmp_path: Path) -> None:
    first = "LOCUS       Exported                  12 bp ds-DNA     circular SYN 01-JAN-2020"
    text = genbank().split("\n", 1)[1]
    (record,) = genbank_records(f"{first}\n{text}", tmp_path)
    assert (record.problem, record.topology, len(record.sequence)) == (None, "circular", 12)


def test_a_wrong_length_is_that_records_problem_and_the_next_is_read(tmp_path: Path) -> None:
    text = genbank(length=99, name="bad") + "\n" + genbank(version="AB0002.1")
    bad, good = genbank_records(text, tmp_path)
    assert bad.problem is not None
    assert "states 99 bases, the record holds 12" in bad.problem.what
    assert bad.place.endswith("record 'bad'")
    assert good.problem is None


def test_a_cut_record_is_that_records_problem(tmp_path: Path) -> None:
    whole = genbank("acgtn" * 40, name="cut")
    for cut in range(len("LOCUS       "), len(whole) - len("5 acgtn\n//\n")):
        good, bad = genbank_records(genbank() + whole[:cut], tmp_path)
        assert good.problem is None
        assert bad.problem is not None
        assert "not closed by '//'" in bad.problem.what


def test_a_record_that_lacks_only_its_last_line_is_whole(tmp_path: Path) -> None:
    first, last = genbank_records(genbank(end="") + genbank(end=""), tmp_path)
    assert (first.problem, last.problem) == (None, None)
    assert first.sequence == last.sequence == "acgtacgtacgt"


LOCUS_LINES = {
    "no division": "LOCUS       pTest     12 bp    DNA     circular",
    "no division, a date": "LOCUS       pTest     12 bp    DNA     circular  01-JAN-2020",
    "shifted columns": "LOCUS       pTest     12 bp    DNA        circular     01-JAN-2020",
    "upper case": "LOCUS       pTST       12 bp    DNA   CIRCULAR SYN        01-JAN-2020",
    "a name with blanks": "LOCUS       p 1.0 my part   12 bp ds-DNA    circular SYN 01-JAN-2020",
    "a length in the name": "LOCUS       3128bp my 7 bp part   12 bp ds-DNA  circular SYN",
    "name and length joined": "LOCUS       pLong_name12 bp    DNA     circular SYN 01-JAN-2020",
    "name in a number, joined": "LOCUS       pUC1912 bp    DNA     circular SYN 01-JAN-2020",
    "tabs": "LOCUS\tpTest\t12 bp \tDNA\tcircular\tSYN",
    "a second line": "LOCUS       pTest     12 bp    DNA\n            circular SYN 01-JAN-2020",
    "no length": "LOCUS       pTest     DNA     circular SYN 01-JAN-2020",
    "no blank before the unit": "LOCUS       pTest     12bp    DNA     circular SYN",
}


@pytest.mark.parametrize("line", LOCUS_LINES.values(), ids=LOCUS_LINES)
@pytest.mark.parametrize("topology", ["circular", "linear"])
def test_locus_lines_of_all_programs_are_read(line: str, topology: str, tmp_path: Path) -> None:
    line = line.replace("circular", topology).replace("CIRCULAR", topology.upper())
    text = genbank().split("\n", 1)[1]
    (record,) = genbank_records(f"{line}\n{text}", tmp_path)
    assert (record.problem, record.note) == (None, None)
    assert (record.sequence, record.topology) == ("acgtacgtacgt", topology)


@pytest.mark.parametrize("line", LOCUS_LINES.values(), ids=LOCUS_LINES)
def test_the_length_is_checked_whatever_the_locus_line(line: str, tmp_path: Path) -> None:
    text = genbank("acgtn" * 40).split("\n", 1)[1]
    lost = "\n".join(row for row in text.split("\n") if not row.startswith("       61 "))
    (record,) = genbank_records(f"{line.replace('12', '200')}\n{lost}", tmp_path)
    assert record.problem is not None
    assert "140" in record.problem.what


@pytest.mark.parametrize("stated", [4, 13])
def test_a_length_that_the_numbers_of_the_lines_contradict_gives_a_note(
    stated: int, tmp_path: Path
) -> None:
    (record,) = genbank_records(genbank(length=stated), tmp_path)
    assert (record.problem, record.sequence) == (None, "acgtacgtacgt")
    assert record.note is not None
    assert f"states {stated} bases, the record holds 12" in record.note


def test_a_base_lost_in_the_middle_is_damage(tmp_path: Path) -> None:
    text = genbank("acgtn" * 40).replace("61 acgtnacgtn", "61 acgtncgtn")
    (record,) = genbank_records(text, tmp_path)
    assert record.problem is not None
    assert "states 200 bases, the record holds 199" in record.problem.what


FEATURES = {
    "beyond the end": "     gene            2812..915",
    "an open quote": '     CDS             1..9\n                     /note="never closed',
    "no location": "     CDS",
    "not a feature": "  *** what is this ***",
    "an embedded record": '     CDS             1..9\n        /note="LOCUS  x  9 bp\n        //',
}


@pytest.mark.parametrize("feature", FEATURES.values(), ids=FEATURES)
def test_no_feature_is_a_reason_to_refuse_bases(feature: str, tmp_path: Path) -> None:
    text = genbank().replace("ORIGIN", f"{feature}\nORIGIN")
    (record,) = genbank_records(text, tmp_path)
    assert (record.problem, record.sequence) == (None, "acgtacgtacgt")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_what_follows_the_last_record_is_a_note(line_end: str, tmp_path: Path) -> None:
    text = genbank().replace("\n", line_end) + "\r\x00\x00\x01Y\x00\x01\x00"
    (record,) = genbank_records(text, tmp_path)
    assert (record.problem, record.sequence) == (None, "acgtacgtacgt")
    assert record.note is not None
    assert "'//'" in record.note
    (record,) = genbank_records(genbank() + "\n\x00\x00\x1a\n", tmp_path)
    assert record.note is None


def test_a_release_file_with_a_header_is_read(tmp_path: Path) -> None:
    header = "GBSYN1.SEQ     Genetic Sequence Data Bank\n    May 2026\n\n 2 loci, 24 bases\n"
    text = header + "\n" + genbank(version="AB1.1") + genbank(version="AB2.1")
    first, second = genbank_records(text, tmp_path)
    assert (first.id, second.id) == ("AB1.1", "AB2.1")
    assert first.note is second.note is None


def test_a_record_after_one_that_is_not_closed_is_read(tmp_path: Path) -> None:
    text = genbank(length=99, end="") + genbank(version="AB2.1")
    bad, good = genbank_records(text, tmp_path)
    assert bad.problem is not None
    assert (good.id, good.problem) == ("AB2.1", None)


def test_records_are_the_same_wherever_the_text_is_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "".join(genbank("acgtn" * n, version=f"AB{n}.1") for n in range(1, 30))
    whole = genbank_records(text, tmp_path)
    for chunk in (1, 7, 100, 997):
        monkeypatch.setattr(flat_text, "_CHUNK", chunk)
        assert genbank_records(text, tmp_path) == whole


@pytest.mark.parametrize(
    "text",
    [
        "LOCUS       x               12 bp    DNA     linear   SYN 01-JAN-2020\n//\n",
        "LOCUS       x               12 aa            linear   SYN 01-JAN-2020\n//\n",
        "LOCUS what is this\n//\n",
        "LOCUS       x               12 bp    DNA     linear   SYN\nORIGIN\n  junk\n//\n",
    ],
)
def test_a_record_without_readable_bases_carries_a_problem(text: str, tmp_path: Path) -> None:
    (record,) = genbank_records(text, tmp_path)
    assert record.problem is not None
    assert record.id


def test_latin1_author_names_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "x.gb"
    path.write_bytes(genbank().replace("made.", "by Ménard.").encode("latin-1"))
    with open_input(path) as file:
        (record,) = read_genbank(file)
    assert record.problem is None


def test_locations_that_are_nested_deeply_do_no_harm(tmp_path: Path) -> None:
    location = "complement(" * 5000 + "1..2" + ")" * 5000
    texts = [
        f"LOCUS       {name} 8 bp DNA circular\nFEATURES             Location/Qualifiers\n"
        f"     gene            {place}\nORIGIN\n        1 acgtacgt\n//\n"
        for name, place in (("deep", location), ("good", "1..2"))
    ]
    (tmp_path / "two.gb").write_text("".join(texts))
    with open_input(tmp_path / "two.gb") as file:
        records = list(read_genbank(file))
    assert [record.id for record in records] == ["deep", "good"]
    assert [record.problem for record in records] == [None, None]


def test_a_long_locus_line_is_looked_at_in_a_time_that_does_not_grow(tmp_path: Path) -> None:
    (tmp_path / "long.gb").write_text("LOCUS x" + " " * 60_000 + "y\nORIGIN\n//\n")
    with open_input(tmp_path / "long.gb") as file:
        [record] = read_genbank(file)
    assert record.problem is not None
