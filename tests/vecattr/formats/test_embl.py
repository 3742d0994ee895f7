"""Claims about EMBL files: bases and topology are read, and nothing is silently wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from vecattr.formats.embl import read_embl
from vecattr.formats.kinds import format_of
from vecattr.formats.record import Record
from vecattr.inputs.input_files import open_input


def embl(
    bases: str = "acgtn" * 40, *, first: str = "", accession: str = "XX1", end: str = "//\n"
) -> str:
    first = first or f"ID   XX1; SV 2; circular; other DNA; SYN; SYN; {len(bases)} BP."
    lines = [first, "XX", f"AC   {accession};", "XX", f"SQ   Sequence {len(bases)} BP;"]
    for start in range(0, len(bases), 60):
        row = bases[start : start + 60]
        blocks = " ".join(row[at : at + 10] for at in range(0, len(row), 10))
        lines.append(f"     {blocks:<66}{start + len(row):>9}")
    return "\n".join(lines) + "\n" + end


def embl_records(text: str, folder: Path) -> list[Record]:
    path = folder / "my plasmid.embl"
    path.write_text(text)
    with open_input(path) as file:
        assert format_of(file).name == "embl"
        return list(read_embl(file))


@pytest.mark.parametrize("length", [1, 59, 60, 61, 200])
def test_embl_gives_bases_topology_and_accession(length: int, tmp_path: Path) -> None:
    bases = ("acgtn" * 40)[:length]
    (record,) = embl_records(embl(bases), tmp_path)
    assert (record.id, record.sequence, record.topology) == ("XX1.2", bases, "circular")
    assert (record.problem, record.note) == (None, None)


FIRST_LINES = {
    "old": ("ID   pOld      standard; circular DNA; SYN; 200 BP.", "circular"),
    "IMGT": ("ID   pOld IMGT/LIGM annotation : by annotators; RNA; SYN; 200 BP.", None),
    "RepBase": ("ID   pOld  repbase;    DNA;    ORY; 200 BP.", None),
    "linear": ("ID   pOld; SV 1; linear; genomic DNA; STD; SYN; 200 BP.", "linear"),
    "no length": ("ID   pOld", None),
}


@pytest.mark.parametrize(("first", "topology"), FIRST_LINES.values(), ids=FIRST_LINES)
def test_first_lines_of_all_programs_are_read(
    first: str, topology: str | None, tmp_path: Path
) -> None:
    (record,) = embl_records(embl(first=first, accession="."), tmp_path)
    assert (record.id, record.topology, record.problem) == ("pOld", topology, None)
    assert record.sequence == "acgtn" * 40


def test_a_lost_line_of_bases_is_that_records_problem(tmp_path: Path) -> None:
    rows = embl().split("\n")
    lost = "\n".join(row for row in rows if not row.endswith(" 120"))
    bad, good = embl_records(lost + embl(), tmp_path)
    assert bad.problem is not None
    assert "states 200 bases, the record holds 140" in bad.problem.what
    assert good.problem is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (embl(first="ID   P1; PRT; NR2; 1 SQ"), "protein"),
        (embl(first="ID   P1       STANDARD;      PRT;   200 AA."), "protein"),
        (
            "ID   X; SV 1; linear; DNA; CON; INV; 11 BP.\nXX\nCO   join(A:1..9)\n//\n",
            "no",
        ),
        (embl()[:300], "not closed"),
    ],
)
def test_a_record_without_readable_bases_carries_a_problem(
    text: str, words: str, tmp_path: Path
) -> None:
    good, bad = embl_records(embl() + text, tmp_path)
    assert good.problem is None
    assert bad.problem is not None
    assert words in bad.problem.what
    assert bad.problem.hint
