"""Claims about GenBank files: topology is read, and nothing is silently wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.errors import InputError
from vecattr.formats.genbank import read_genbank
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input


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
    (record,) = genbank_records(genbank(name=name, version=version), tmp_path)
    assert record.id == expected


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


def test_a_missing_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not closed by '//'"):
        genbank_records(genbank() + genbank(end=""), tmp_path)


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


def test_locations_that_are_nested_too_deeply_make_a_bad_record_of_a_good_file(
    tmp_path: Path,
) -> None:
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
    assert records[1].problem is None


def test_a_long_locus_line_is_looked_at_in_a_time_that_does_not_grow(tmp_path: Path) -> None:
    (tmp_path / "long.gb").write_text("LOCUS x" + " " * 60_000 + "y\nORIGIN\n//\n")
    with open_input(tmp_path / "long.gb") as file:
        [record] = read_genbank(file)
    assert record.problem is not None
