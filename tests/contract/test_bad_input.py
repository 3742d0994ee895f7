"""What users get wrong: each with its message and exit code; and odd input that is answered."""

from __future__ import annotations

import csv
import io
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run

Capture = pytest.CaptureFixture[str]
GOOD = "ACGTTGCA" * 40


def failure(arguments: list[str], capsys: Capture) -> tuple[int, str]:
    """Exit code and message; nothing may be on stdout, no traceback on stderr."""
    capsys.readouterr()
    code = run(arguments)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    assert captured.err.startswith("vecattr: error: ")
    return code, captured.err


REFUSED_TABLES = {
    "empty file": ("", "empty"),
    "no header": (f"p1,{GOOD},Lab A\np2,{GOOD},Lab B\n", ""),
    "a missing column": ("sequence_id,lab\np1,A\n", "sequence"),
    "a lab called unknown": (f"sequence_id,sequence,lab\np1,{GOOD},unknown\n", "reserved"),
}


@pytest.mark.parametrize("case", REFUSED_TABLES)
def test_a_wrong_table_is_refused_with_exit_code_3(
    case: str, shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    text, words = REFUSED_TABLES[case]
    table = tmp_path / "t.csv"
    table.write_text(text)
    target = tmp_path / "t.index"
    arguments = ["build-index", str(table), "-m", str(shelf.model), "-i", str(target)]
    code, message = failure(arguments, capsys)
    assert code == 3
    assert "t.csv" in message
    assert words in message
    assert not target.exists()


def test_a_label_file_that_does_not_match_is_refused(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "values.csv").write_text(f"sequence_id,sequence\np1,{GOOD}\n")
    (tmp_path / "labels.csv").write_text("sequence_id,A,B\nother,1,0\n")
    arguments = ["evaluate", str(tmp_path / "values.csv"), "-i", str(shelf.index)]
    code, message = failure([*arguments, "--labels", str(tmp_path / "labels.csv")], capsys)
    assert code == 3
    assert "p1" in message


def test_no_index_at_all_names_the_command_that_makes_one(tmp_path: Path, capsys: Capture) -> None:
    code, message = failure(["query", "x.fa", "-i", str(tmp_path / "none")], capsys)
    assert code == 4
    assert "vecattr build-index" in message


def test_an_index_path_that_is_a_file_is_refused(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    code, message = failure(["info", "-i", str(path)], capsys)
    assert code == 4
    assert "is a file" in message


def test_a_model_that_is_not_there_names_the_command_that_makes_one(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    arguments = ["build-index", str(shelf.table), "-i", str(tmp_path / "i")]
    code, message = failure([*arguments, "-m", str(tmp_path / "none")], capsys)
    assert code == 4
    assert "vecattr train" in message


def test_an_index_made_by_another_model_is_refused(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    index = Path(shutil.copytree(shelf.index, tmp_path / "swapped.index"))
    config = index / "model" / "config.json"
    config.write_text(config.read_text().replace('"rotations": 1', '"rotations": 2'))
    fasta = tmp_path / "q.fa"
    fasta.write_text(f">a\n{GOOD}\n")
    code, message = failure(["query", str(fasta), "-i", str(index)], capsys)
    assert code == 4
    assert "config.json" in message


def test_k_of_zero_is_wrong_usage(shelf: Any, capsys: Capture) -> None:
    code, message = failure(["query", "x.fa", "-k", "0", "-i", str(shelf.index)], capsys)
    assert code == 2
    assert "-k" in message


def test_a_file_that_is_not_there_is_named(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    missing = tmp_path / "missing.fa"
    code, message = failure(["query", str(missing), "-i", str(shelf.index)], capsys)
    assert code == 3
    assert "missing.fa" in message


def test_an_index_is_not_replaced_unasked(shelf: Any, capsys: Capture) -> None:
    arguments = ["build-index", str(shelf.table), "-m", str(shelf.model), "-i", str(shelf.index)]
    code, message = failure(arguments, capsys)
    assert code == 2
    assert "--replace" in message


def test_labs_and_min_plasmids_exclude_each_other(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    names = tmp_path / "labs.txt"
    names.write_text("Lab 01\n")
    arguments = ["build-index", str(shelf.table), "-m", str(shelf.model), "--labs", str(names)]
    assert failure([*arguments, "--min-plasmids", "3"], capsys)[0] == 2


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [("unknown", 3, "reserved"), ("", 3, "empty"), ("a\tb", 3, "control")],
)
def test_names_that_no_lab_may_have(
    shelf: Any, tmp_path: Path, capsys: Capture, name: str, code: int, words: str
) -> None:
    fasta = tmp_path / "n.fa"
    fasta.write_text(f">a\n{GOOD}\n")
    arguments = ["add-lab", str(fasta), "--lab", name, "-i", str(shelf.index)]
    found, message = failure(arguments, capsys)
    assert found == code
    assert words in message


def test_add_lab_with_one_bad_record_adds_nothing(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    index = Path(shutil.copytree(shelf.index, tmp_path / "own.index"))
    fasta = tmp_path / "n.fa"
    fasta.write_text(f">a\n{GOOD}\n>b\nEFIL\n")
    before = (index / "manifest.json").read_bytes()
    code, message = failure(["add-lab", str(fasta), "--lab", "N", "-i", str(index)], capsys)
    assert code == 3
    assert "nothing was added" in message
    assert (index / "manifest.json").read_bytes() == before


def answers(arguments: list[str], capsys: Capture) -> list[dict[str, str]]:
    assert run(arguments) == 0
    return list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))


def test_one_bad_record_among_good_ones_leaves_the_rest_answered(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    fasta = tmp_path / "q.fa"
    fasta.write_text(f">a\n{GOOD}\n>b\nEFIL\n>c\n{GOOD}\n")
    assert run(["query", str(fasta), "-i", str(shelf.index), "-k", "1"]) == 3
    captured = capsys.readouterr()
    found = csv.DictReader(io.StringIO(captured.out), delimiter="\t")
    assert [record["query"] for record in found] == ["a", "c"]
    assert "'b'" in captured.err


def test_one_base_is_answered_and_marked(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    fasta = tmp_path / "q.fa"
    fasta.write_text(">a\nA\n")
    (first, *_) = answers(["query", str(fasta), "-i", str(shelf.index)], capsys)
    assert "too short to trust" in first["notes"]
    assert first["verdict"] == "unknown"
    assert first["length"] == "1"


def test_a_sequence_of_which_the_model_knows_nothing_is_told(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    fasta = tmp_path / "q.fa"
    bases = random.Random(7).choices("ACGT", k=2_000)
    fasta.write_text(f">a\n{''.join(bases)}\n")
    first, *_ = answers(["query", str(fasta), "-i", str(shelf.index)], capsys)
    assert first["verdict"] == "unknown"
    assert "knows no part of this sequence" in first["notes"]


def test_a_k_above_the_number_of_labs_gives_fewer_rows_and_a_note(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    fasta = tmp_path / "q.fa"
    fasta.write_text(f">a\n{GOOD}\n")
    found = answers(["query", str(fasta), "-i", str(shelf.index), "-k", "1000"], capsys)
    assert len(found) == 4
    assert "fewer than 1000" in found[0]["notes"]


def test_ten_million_bases_are_answered(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    fasta = tmp_path / "q.fa"
    fasta.write_text(">a\n" + GOOD * (10_000_000 // len(GOOD)) + "\n")
    (first,) = answers(["query", str(fasta), "-i", str(shelf.index), "-k", "1"], capsys)
    assert first["length"] == "10000000"
