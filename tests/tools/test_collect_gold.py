"""Claims about the figures of `tools/collect_gold.py`, on made records."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from collect_gold import Answer, agrees, answers_of, pairwise, read_gold, report

COLUMNS = ("file", "record_id", "engineered", "lab_gold", "lab_id", "also_ok")


def record(authors: str, *, accession: str) -> str:
    bases = "acgtacgtac" * 150
    rows = "\n".join(
        f"{start + 1:>9} {bases[start : start + 60]}" for start in range(0, len(bases), 60)
    )
    return (
        f"LOCUS       {accession:<16}  1500 bp    DNA     circular SYN 01-FEB-2015\n"
        f"DEFINITION  Cloning vector.\nACCESSION   {accession}\n"
        f"REFERENCE   1  (bases 1 to 1500)\n  AUTHORS   {authors}\n  TITLE     Direct Submission\n"
        "  JOURNAL   Submitted (01-JAN-2015) University of Nowhere\n"
        f"FEATURES             Location/Qualifiers\nORIGIN\n{rows}\n//\n"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = tmp_path / "files"
    files.mkdir()
    texts = {"XX1": "Roemer,A.", "XX2": "Roemer,A.", "XX3": "Coemer,C."}
    (files / "many.gb").write_text(
        "".join(record(authors, accession=name) for name, authors in texts.items())
    )
    (files / "nobody.gb").write_text(record(".", accession="XX4"))
    rows = [
        ("many.gb", "XX1", "yes", "Römer (Ann), University of Nowhere", "roemer", "Roemer"),
        ("many.gb", "XX2", "yes", "Roemer", "roemer", ""),
        ("many.gb", "XX3", "yes", "Poe", "poe", "Doe|none"),
        ("nobody.gb", "XX4", "yes", "none", "none", ""),
    ]
    with (tmp_path / "gold.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])
    return tmp_path


def test_figures_count_what_agrees(folder: Path) -> None:
    answers = answers_of(read_gold(folder), folder)
    assert [answer.is_right for answer in answers] == [True, True, False, True]
    text = report(answers)
    assert "flat records right      3 of 4 (75.0 %)" in text
    assert "macro over labs         50.0 % of 2" in text
    assert "without a lab, said so  1 of 1" in text
    assert "F1 1.000" in text
    assert not any(name in text for name in ("Roemer", "Coemer", "XX1"))


def test_halves_divide_the_labs(folder: Path) -> None:
    halves = [read_gold(folder, half=half) for half in (0, 1)]
    assert sum(map(len, halves)) == 4
    labs = [{row["lab_id"] for row in half} - {"none"} for half in halves]
    assert not labs[0] & labs[1]


def test_pairs_that_are_wrongly_one_cost_precision(folder: Path) -> None:
    answers = answers_of(read_gold(folder), folder)
    merged = [Answer(part.gold, part.reason, part.designer, "One, A.") for part in answers]
    precision, recall, _ = pairwise(merged)
    assert (precision, recall) == (pytest.approx(1 / 3), 1.0)


@pytest.mark.parametrize(
    ("lab", "gold", "is_one"),
    [
        ("van Roe, Ann", "van Roe (Ann)", True),
        ("Röe, A. (Nowhere)", "Roe, University of Nowhere", True),
        ("Roe, A.", "van Roe", False),
        (None, "none", True),
        (None, "Roe", False),
        ("Roe, A.", "none", False),
    ],
)
def test_labs_agree_by_last_name(lab: str | None, gold: str, is_one: bool) -> None:
    assert agrees(lab, gold) is is_one
