"""Claims about --on-bad-record: what is answered, what is told where, and the exit code."""

from __future__ import annotations

import csv
import io
import json
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from vecattr.cli.main import run
from vecattr.cli.rendering.answers import COLUMNS
from vecattr.cli.rendering.bad_records import BAD_COLUMNS, BadQueries
from vecattr.errors import InputError
from vecattr.readers.records import BadRecord
from vecattr.schemas.output_schemas import output_schema

Capture = pytest.CaptureFixture[str]

ORDER = ["bad1", "good0", "good1", "bad2", "bad3", "good2", "bad4"]


@pytest.fixture
def mixed(shelf: Any, tmp_path: Path) -> Path:
    """Records of ORDER; the bad ones hold a letter that is no base."""
    path = tmp_path / "mixed.fa"
    sequences = {f"good{number}": shelf.plasmids[number].sequence for number in range(3)}
    path.write_text("".join(f">{name}\n{sequences.get(name, 'ACG!')}\n" for name in ORDER))
    return path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def query(shelf: Any, path: Path, *options: str) -> int:
    return run(["query", str(path), "-i", str(shelf.index), "-k", "2", *options])


def test_reported_records_stand_in_their_places(shelf: Any, mixed: Path, capsys: Capture) -> None:
    assert query(shelf, mixed, "--on-bad-record", "report", "--format", "csv") == 0
    captured = capsys.readouterr()
    found = rows(captured.out)
    names = tuple(found[0])
    assert names[: len(COLUMNS)] == COLUMNS
    assert names[-len(BAD_COLUMNS) :] == BAD_COLUMNS
    assert [name for name, _ in groupby(row["query"] for row in found)] == ORDER
    for row in found:
        if row["query"].startswith("bad"):
            assert row["kind"] == "bad"
            assert row["error"].startswith("'!' at position 4 is not a nucleotide letter")
            assert row["where"] == f"{mixed}, record '{row['query']}'"
            assert row["source"] == str(mixed)
        else:
            assert (row["kind"], row["error"], row["where"]) == ("lab", "", "")
    assert "4 bad record(s) reported, 3 good" in captured.err
    assert "not a nucleotide" not in captured.err


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_reported_records_are_objects_with_an_error(
    form: str, shelf: Any, mixed: Path, capsys: Capture
) -> None:
    assert query(shelf, mixed, "--on-bad-record", "report", "--format", form) == 0
    text = capsys.readouterr().out
    objects = json.loads(text) if form == "json" else list(map(json.loads, text.splitlines()))
    assert [value["query"] for value in objects] == ORDER
    assert [value["query"] for value in objects if "error" in value] == [
        name for name in ORDER if name.startswith("bad")
    ]
    validator = Draft202012Validator(output_schema("query", lines=True))
    assert all(map(validator.is_valid, objects))
    assert not validator.is_valid({"query": "x", "source": None, "error": "text"})


def test_a_table_shows_reported_records_in_their_places(
    shelf: Any, mixed: Path, capsys: Capture
) -> None:
    assert query(shelf, mixed, "--on-bad-record", "report", "--format", "table") == 0
    text = capsys.readouterr().out
    places = [text.index(name) for name in ORDER]
    assert places == sorted(places)
    assert text.count("is not a nucleotide letter") == 4


def test_a_page_lists_reported_records_behind_the_answers(
    shelf: Any, mixed: Path, capsys: Capture
) -> None:
    options = ["--on-bad-record", "report", "--format"]
    assert query(shelf, mixed, *options, "html") == 0
    answers, bad = capsys.readouterr().out.split("Records that could not be read</h2>")
    assert all(name in (bad if name.startswith("bad") else answers) for name in ORDER)
    assert bad.count("is not a nucleotide letter") == 4
    assert query(shelf, mixed, *options, "svg") == 0
    assert "bad1" not in capsys.readouterr().out


def test_skipped_records_are_counted_and_no_fault(shelf: Any, mixed: Path, capsys: Capture) -> None:
    assert query(shelf, mixed, "--on-bad-record", "skip", "--format", "csv") == 0
    captured = capsys.readouterr()
    assert {row["query"] for row in rows(captured.out)} == {"good0", "good1", "good2"}
    assert not set(BAD_COLUMNS) & rows(captured.out)[0].keys()
    assert "4 bad record(s) left out, 3 good" in captured.err


def test_the_first_bad_record_ends_the_command(shelf: Any, mixed: Path, capsys: Capture) -> None:
    assert query(shelf, mixed, "--on-bad-record", "fail") == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "record 'bad1'" in captured.err
    assert "bad2" not in captured.err


def test_without_the_option_nothing_changes(shelf: Any, mixed: Path, capsys: Capture) -> None:
    assert query(shelf, mixed, "--format", "csv") == 3
    captured = capsys.readouterr()
    assert {row["query"] for row in rows(captured.out)} == {"good0", "good1", "good2"}
    assert captured.err.count("vecattr: error: ") == 4


@pytest.mark.parametrize(("policy", "kinds"), [("report", ["bad"]), ("skip", [])])
def test_a_bad_file_that_is_alone_is_a_bad_record(
    policy: str, kinds: list[str], shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    empty = tmp_path / "sample7.fa"
    empty.touch()
    assert query(shelf, empty, "--on-bad-record", policy, "--format", "csv") == 0
    text = capsys.readouterr().out
    assert text.startswith("query,rank,kind,")
    assert [row["kind"] for row in rows(text)] == kinds
    assert [row["query"] for row in rows(text)] == ["sample7"] * len(kinds)
    assert query(shelf, tmp_path / "no.fa", "--on-bad-record", policy) == 3


def test_evaluate_lists_reported_records(shelf: Any, tmp_path: Path, capsys: Capture) -> None:
    table = tmp_path / "t.csv"
    lines = Path(shelf.table).read_text().splitlines()
    cells = lines[1].split(",")
    bad = ",".join(["worse", "ACG!", *cells[2:]])
    table.write_text("\n".join([*lines, bad]) + "\n")
    arguments = ["evaluate", str(table), "-i", str(shelf.index), "--format", "json"]
    assert run([*arguments, "--on-bad-record", "report"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert [record["query"] for record in figures["bad_records"]] == ["worse"]
    assert Draft202012Validator(output_schema("evaluate")).is_valid(figures)
    assert run([*arguments, "--on-bad-record", "skip"]) == 0
    assert "bad_records" not in json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("options", "code", "written"),
    [([], 3, True), (["fail"], 3, False), (["skip"], 0, True), (["report"], 0, True)],
)
def test_embed_writes_what_is_good(
    options: list[str],
    code: int,
    written: bool,
    shelf: Any,
    mixed: Path,
    tmp_path: Path,
    capsys: Capture,
) -> None:
    target = tmp_path / "v.tsv"
    policy = ["--on-bad-record", *options] if options else []
    arguments = ["embed", str(mixed), "-i", str(shelf.index), "-o", str(target)]
    assert run([*arguments, *policy]) == code
    assert target.exists() == written
    told = capsys.readouterr().err.count("is not a nucleotide letter")
    assert told == {"skip": 0, "fail": 1}.get("".join(options), 4)


@pytest.mark.parametrize("options", [[], ["--on-bad-record", "skip"]])
def test_add_lab_adds_the_good_ones_only_when_it_is_told_to(
    options: list[str], shelf: Any, mixed: Path, capsys: Capture
) -> None:
    arguments = ["add-lab", str(mixed), "--lab", "New", "-i", str(shelf.index), "--dry-run"]
    assert run([*arguments, *options]) == (0 if options else 3)
    assert ("would add 3 plasmids" in capsys.readouterr().err) == bool(options)


@pytest.mark.parametrize(
    ("options", "code"), [([], 3), (["fail"], 3), (["skip"], 0), (["report"], 0)]
)
def test_collect_obeys_too(
    options: list[str], code: int, shelf: Any, tmp_path: Path, capsys: Capture
) -> None:
    table = tmp_path / "source.csv"
    rest = shelf.plasmids[0].sequence
    table.write_text(f"sequence_id,sequence,lab\na,{rest},Ash\nb,{rest[:500]}!{rest},Ash\n")
    policy = ["--on-bad-record", *options] if options else []
    assert run(["collect", str(table), "-o", str(tmp_path / "out.csv"), *policy]) == code
    told = "not a nucleotide letter" in capsys.readouterr().err
    assert told == (options != ["skip"])


def test_bad_records_wait_for_the_answers_before_them() -> None:
    bad = [BadRecord(f"bad{number}", InputError("junk")) for number in range(3)]
    queries = BadQueries()
    plasmids = queries.counted(iter(["p0", "p1"]))  # type: ignore[list-item]
    next(plasmids)
    queries.take(bad[0])
    next(plasmids)
    woven = queries.woven(["a0", "a1"])
    assert [next(woven), next(woven)] == ["a0", bad[0]]
    queries.take(bad[1])
    queries.take(bad[2])
    assert list(woven) == ["a1", bad[1], bad[2]]
