"""Claims about --together, --together-by and --linked on the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from vecattr.cli.main import run
from vecattr.cli.rendering.answers import LINK_COLUMN, columns
from vecattr.cli.rendering.bad_records import BAD_COLUMNS
from vecattr.cli.rendering.joint import GROUP_COLUMNS

COLUMNS = columns(evidence=False)
Capture = pytest.CaptureFixture[str]


def query(shelf: Any, *options: object, code: int = 0) -> None:
    arguments = [str(option) for option in options]
    assert run(["query", *arguments, "-i", str(shelf.index), "-k", "2", "-q"]) == code


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def three(shelf: Any, tmp_path: Path) -> Path:
    path: Path = shelf.fasta(tmp_path / "three.fa", shelf.plasmids[:3])
    return path


def test_the_joint_answer_stands_before_each_record_s_own(
    shelf: Any, three: Path, capsys: Capture
) -> None:
    query(shelf, three, "--together", "--format", "csv")
    found = rows(capsys.readouterr().out)
    assert list(found[0]) == [*COLUMNS, *GROUP_COLUMNS]
    ids = [plasmid.id for plasmid in shelf.plasmids[:3] for _ in range(2)]
    assert [row["query"] for row in found] == ["together", "together", *ids]
    assert [row["kind"] for row in found] == ["joint"] * 2 + ["lab"] * 6
    assert {row["group"] for row in found} == {"together"}
    assert None not in found[0]  # no row is longer than the header
    assert None not in found[0].values()  # … or shorter
    assert found[0]["length"] == str(sum(map(len, shelf.plasmids[:3])))
    query(shelf, three, "--format", "csv")
    alone = rows(capsys.readouterr().out)
    assert [{name: row[name] for name in COLUMNS} for row in found[2:]] == alone


def test_rows_are_grouped_by_a_column(shelf: Any, capsys: Capture) -> None:
    query(shelf, shelf.table, "--where", "split=dev", "--together-by", "lab", "--format", "json")
    joints = json.loads(capsys.readouterr().out)
    assert sorted(joint["query"] for joint in joints) == sorted(
        {plasmid.lab for plasmid in shelf.plasmids}
    )
    assert all(len(joint["members"]) == 3 for joint in joints)


def test_links_are_told_only_when_asked_for(shelf: Any, three: Path, capsys: Capture) -> None:
    query(shelf, three, "--linked", "--format", "csv")
    found = rows(capsys.readouterr().out)
    assert list(found[0]) == [*COLUMNS, LINK_COLUMN]
    assert [row["query"] for row in found] == [
        plasmid.id for plasmid in shelf.plasmids[:3] for _ in range(2)
    ]


@pytest.mark.parametrize("form", ["table", "tsv", "csv", "json", "jsonl", "html", "svg"])
@pytest.mark.parametrize("way", ["--together", "--linked"])
def test_every_format_is_written(
    way: str, form: str, shelf: Any, three: Path, tmp_path: Path
) -> None:
    query(shelf, three, way, "--format", form, "-o", tmp_path / "answers")
    text = (tmp_path / "answers").read_text()
    assert shelf.plasmids[0].id in text
    assert ("together" in text) == (way == "--together") or form in ("html", "svg")


def test_a_table_for_people_tells_each_by_itself(shelf: Any, three: Path, capsys: Capture) -> None:
    query(shelf, three, "--together", "--format", "table")
    text = capsys.readouterr().out
    assert text.startswith("together  (3 plasmids, ")
    assert "  each by itself\n" in text


def test_two_ways_exclude_each_other(shelf: Any, three: Path, capsys: Capture) -> None:
    query(shelf, three, "--together", "--linked", code=2)
    assert "--together and --linked exclude each other" in capsys.readouterr().err
    query(shelf, shelf.table, "--together-by", "lab", "--group-by", "publication", code=2)
    assert "leave --group-by out" in capsys.readouterr().err


def test_several_indexes_are_refused(shelf: Any, three: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.index"
    assert run(["build-index", str(shelf.table), "-m", str(shelf.model), "-i", str(other)]) == 0
    query(shelf, three, "--together", "-i", other, code=2)


def test_bad_records_follow_the_joint_answers(shelf: Any, three: Path, capsys: Capture) -> None:
    three.write_text(f">bad\nACG!\n{three.read_text()}")
    query(shelf, three, "--together", "--on-bad-record", "report", "--format", "csv")
    found = rows(capsys.readouterr().out)
    assert list(found[0]) == [*COLUMNS, *GROUP_COLUMNS, *BAD_COLUMNS]
    assert [row["kind"] for row in found[-1:]] == ["bad"]
    query(shelf, three, "--together", "--on-bad-record", "report", "--format", "json")
    joint, bad = json.loads(capsys.readouterr().out)
    assert (joint["query"], bad["query"]) == ("together", "bad")
