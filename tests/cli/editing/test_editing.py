"""Commands that change an index, on a small real one: what they write, say and exit with."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def own_index(shelf: Any, tmp_path: Path) -> Path:
    """A copy of the index that may be changed."""
    return Path(shutil.copytree(shelf.index, tmp_path / "own.index"))


def records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def labs_of(index: Path, capsys: Capture) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run(["list-labs", "-i", str(index), "--format", "json"]) == 0
    return list(json.loads(capsys.readouterr().out))


def test_add_lab_makes_a_lab_that_is_found(
    shelf: Any, own_index: Path, tmp_path: Path, capsys: Capture
) -> None:
    supports = shelf.newcomers[:5]
    fasta = str(shelf.fasta(tmp_path / "new.fa", supports))
    arguments = ["add-lab", fasta, "--lab", "../new", "-i", str(own_index)]
    assert run([*arguments, "--dry-run"]) == 0
    assert "would add 5 plasmids" in capsys.readouterr().err
    assert "../new" not in [lab["lab"] for lab in labs_of(own_index, capsys)]
    assert run(arguments) == 0
    unknown = dict.fromkeys(("print_name", "institution", "url", "contact"))
    new = {"lab": "../new", "plasmids": 5, "origin": "mean", **unknown}
    assert new in labs_of(own_index, capsys)
    respelled = replace(supports[2].reverse_complement(), id="q")
    query = str(shelf.fasta(tmp_path / "late.fa", [respelled]))
    assert run(["query", query, "-i", str(own_index), "-k", "9", "--neighbors", "1"]) == 0
    *labs, nearest = records(capsys.readouterr().out)
    assert "../new" in [row["lab"] for row in labs]
    assert (nearest["lab"], nearest["id"]) == ("../new", supports[2].id)


def test_labs_are_renamed_removed_and_brought_back(own_index: Path, capsys: Capture) -> None:
    before = labs_of(own_index, capsys)
    index = ["-i", str(own_index)]
    assert run(["rename-lab", "Lab 01", "=cmd()", *index]) == 0
    assert run(["remove-lab", "Lab 02", *index]) == 0
    names = [lab["lab"] for lab in labs_of(own_index, capsys)]
    assert names == ["=cmd()", "Lab 03", "Lab 04"]
    assert run(["list-labs", *index]) == 0
    assert "'=cmd()\t" in capsys.readouterr().out
    assert run(["rollback", "--to", "1", *index]) == 0
    assert labs_of(own_index, capsys) == before


def test_compact_and_verify_leave_a_sound_index(own_index: Path, capsys: Capture) -> None:
    index = ["-i", str(own_index)]
    assert run(["remove-lab", "Lab 02", *index]) == 0
    assert run(["compact", *index]) == 0
    capsys.readouterr()
    assert run(["verify", *index, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert run(["info", *index, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["labs"] == 3


def test_verify_finds_a_changed_byte_with_exit_code_4(own_index: Path, capsys: Capture) -> None:
    (segment,) = (own_index / "segments").glob("*.h5")
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(data)
    assert run(["verify", "-i", str(own_index), "--format", "json"]) == 4
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_labs_that_the_file_does_not_name_are_pooled(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    keep = tmp_path / "labs.txt"
    keep.write_text("# to keep\nLab 01\n\nLab 02\n")
    target = str(tmp_path / "pooled.index")
    arguments = ["build-index", str(shelf.table), "-m", str(shelf.model), "-i", target, "-q"]
    assert run([*arguments, "--labs", str(keep)]) == 0
    names = [lab["lab"] for lab in labs_of(Path(target), capsys)]
    assert names == ["Lab 01", "Lab 02", "unknown-engineered"]
    assert run([*arguments, "--min-plasmids", "15", "--replace"]) == 0
    assert len(labs_of(Path(target), capsys)) == 4


def test_a_kept_lab_that_no_plasmid_is_of_is_told(
    shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    keep = tmp_path / "labs.txt"
    keep.write_text("Lab 01\nlab 2\n")
    target = str(tmp_path / "typo.index")
    arguments = ["build-index", str(shelf.table), "-m", str(shelf.model), "-i", target]
    assert run([*arguments, "--labs", str(keep)]) == 0
    assert "no plasmid is of 1 labs, first 'lab 2'" in capsys.readouterr().err


def test_a_name_that_differs_only_in_blanks_is_noted(
    shelf: Any, own_index: Path, tmp_path: Path, capsys: Capture
) -> None:
    fasta = str(shelf.fasta(tmp_path / "new.fa", shelf.newcomers[:2]))
    assert run(["add-lab", fasta, "--lab", "Lab  01", "-i", str(own_index)]) == 0
    assert "'Lab  01', 'Lab 01' differ only in blanks or invisible" in capsys.readouterr().err
    assert run(["rename-lab", "Lab  01", "Lab 02\u3164", "-i", str(own_index)]) == 0
    assert r"'Lab 02', 'Lab 02\u3164' differ only" in capsys.readouterr().err
    assert run(["rename-lab", "Lab 02\u3164", "Lab 02", "-i", str(own_index)]) == 0
    assert "differ" not in capsys.readouterr().err


def test_what_is_known_of_labs_is_stored_by_every_command_and_listed(
    shelf: Any, own_index: Path, tmp_path: Path, capsys: Capture
) -> None:
    table = tmp_path / "labs.tsv"
    table.write_text(
        "lab\tprint_name\turl\nLab 01\tDoe lab\thttps://doe.example.org\nnobody\tX\t\n"
    )
    assert run(["lab-info", str(table), "-i", str(own_index)]) == 0
    told = capsys.readouterr().err
    assert "took 1 of 2 rows; something is known of 1 labs now" in told
    assert "1 of 2 labs are not in the index and left out: 'nobody'" in told
    [lab] = [lab for lab in labs_of(own_index, capsys) if lab["lab"] == "Lab 01"]
    assert (lab["print_name"], lab["url"]) == ("Doe lab", "https://doe.example.org")
    fasta = str(shelf.fasta(tmp_path / "new.fa", shelf.newcomers[:5]))
    table.write_text("lab,email\nnew,new@x.example.org\n")
    arguments = ["add-lab", fasta, "--lab", "new", "--lab-info", str(table), "-i", str(own_index)]
    assert run(arguments) == 0
    capsys.readouterr()
    [lab] = [lab for lab in labs_of(own_index, capsys) if lab["lab"] == "new"]
    assert lab["contact"] == "new@x.example.org"
    table.write_text("lab,url\nnew,javascript:x\n")
    assert run(["lab-info", str(table), "-i", str(own_index)]) == 3
    assert "labs.tsv:2" in capsys.readouterr().err
