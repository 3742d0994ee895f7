"""Bringing a table up to date: what is added, what changed, what was withdrawn, what stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vecattr.collection.change_list import ids_to_add, ids_to_remove
from vecattr.collection.collecting import CollectOptions, CollectReport, collect
from vecattr.collection.settled import DEFAULT_SOURCES
from vecattr.collection.sources import file_sources
from vecattr.errors import InputError
from vecattr.inputs.limits import DEFAULT_LIMITS

Rows = Callable[[Path], list[dict[str, str]]]
Text = Callable[..., str]


@pytest.fixture
def archive(tmp_path: Path, record_text: Text, bases: Text) -> Callable[..., Path]:
    """A maker of a file of records: by accession number the version, the seed of the bases, and
    other facts."""

    def made(name: str, **records: dict[str, Any]) -> Path:
        texts = []
        for number, facts in records.items():
            others = {key: value for key, value in facts.items() if key not in ("version", "seed")}
            accession = f"ZZ00000{number[1:]}.{facts.get('version', 1)}"
            texts.append(record_text(accession, bases(facts.get("seed", number)), **others))
        (tmp_path / name).write_text("".join(texts))
        return tmp_path / name

    return made


def run(sources: list[Path], output: Path, **options: Any) -> CollectReport:
    chosen = {"lab_from": DEFAULT_SOURCES, **options}
    return collect(file_sources(sources, limits=DEFAULT_LIMITS), output, CollectOptions(**chosen))


def update(table: Path, *sources: Path, **options: Any) -> CollectReport:
    """Bring a table up to date in its place."""
    changes = table.with_name("changes.csv")
    return run(list(sources), table, update=table, changes=changes, **options)


def labs(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["sequence_id"]: row["lab"] for row in rows}


def test_an_update_with_the_same_sources_changes_nothing(
    tmp_path: Path, archive: Any, rows: Rows
) -> None:
    table = tmp_path / "t.csv"
    source = archive("a.gb", n1={}, n2={})
    run([source], table)
    before = table.read_bytes()
    report = update(table, source)
    assert table.read_bytes() == before
    assert (dict(report.changes), rows(tmp_path / "changes.csv")) == ({}, [])


def test_what_is_new_changed_and_withdrawn_is_listed(
    tmp_path: Path, archive: Any, rows: Rows
) -> None:
    table = tmp_path / "t.csv"
    run([archive("a.gb", n1={}, n2={}, n3={}, n4={})], table)
    newer = archive(
        "b.gb", n5={}, n4={"authors": "Other,Q.R."}, n3={"version": 2, "seed": 9}, n1={}
    )
    report = update(table, newer)
    assert report.changes == {"added": 1, "changed": 2, "withdrawn": 1}
    listed = {row["old_id"] or row["sequence_id"]: row for row in rows(tmp_path / "changes.csv")}
    assert {name: row["change"] for name, row in listed.items()} == {
        "ZZ000002.1": "withdrawn",
        "ZZ000003.1": "changed",
        "ZZ000004.1": "changed",
        "ZZ000005.1": "added",
    }
    assert listed["ZZ000002.1"]["why"] == "no longer in the sources"
    assert listed["ZZ000003.1"]["why"] == "sequence_id sequence"
    assert listed["ZZ000003.1"]["sequence_id"] == "ZZ000003.2"
    assert (listed["ZZ000004.1"]["why"], listed["ZZ000004.1"]["lab"]) == ("lab", "Other, Q.R.")
    assert list(labs(rows(table))) == ["ZZ000001.1", "ZZ000003.2", "ZZ000004.1", "ZZ000005.1"]
    assert list(ids_to_remove(tmp_path / "changes.csv")) == [
        "ZZ000002.1",
        "ZZ000003.1",
        "ZZ000004.1",
    ]
    assert list(ids_to_add(tmp_path / "changes.csv")) == ["ZZ000003.2", "ZZ000004.1", "ZZ000005.1"]


def test_a_withdrawn_row_says_why_it_was_left_out(tmp_path: Path, archive: Any, rows: Rows) -> None:
    table = tmp_path / "t.csv"
    run([archive("a.gb", n1={}, n2={}, n3={})], table)
    early = {"seed": "n2", "day": "01-JAN-1991"}
    update(table, archive("b.gb", n1={"division": "PAT"}, n2={}, n3={}, n4=early))
    why = {row["old_id"]: row["why"] for row in rows(tmp_path / "changes.csv")}
    assert why["ZZ000001.1"] == "patent"
    assert why["ZZ000002.1"] == "duplicate of ZZ000004.1"


def test_partial_sources_withdraw_nothing(tmp_path: Path, archive: Any, rows: Rows) -> None:
    table = tmp_path / "t.csv"
    run([archive("a.gb", n1={}, n2={})], table)
    report = update(table, archive("b.gb", n3={}), is_partial=True)
    assert report.changes == {"added": 1}
    assert report.carried == 2
    assert list(labs(rows(table))) == ["ZZ000001.1", "ZZ000002.1", "ZZ000003.1"]


def test_rows_of_other_sources_stay(tmp_path: Path, archive: Any, bases: Text, rows: Rows) -> None:
    table = tmp_path / "t.csv"
    own = tmp_path / "own.csv"
    own.write_text(f"sequence_id,sequence,lab\nown1,{bases(50)},Own lab\n")
    run([archive("a.gb", n1={}, n2={}), own], table)
    report = update(table, archive("b.gb", n1={}))
    assert (report.changes, report.carried) == ({"withdrawn": 1}, 1)
    assert labs(rows(table)) == {"ZZ000001.1": "Lomnor, B.C.", "own1": "Own lab"}


def test_a_record_that_cannot_be_read_withdraws_nothing(
    tmp_path: Path, archive: Any, rows: Rows
) -> None:
    table = tmp_path / "t.csv"
    run([archive("a.gb", n1={}, n2={}, n3={})], table)
    damaged = archive("b.gb", n1={}, n2={})
    damaged.write_text(damaged.read_text().replace("1500 bp", "1700 bp", 1))
    report = update(table, damaged)
    assert (report.bad, report.changes) == (1, {})
    assert len(rows(table)) == 3


def test_what_the_table_has_stays_when_an_earlier_deposit_appears(
    tmp_path: Path, archive: Any, rows: Rows
) -> None:
    table = tmp_path / "t.csv"
    run([archive("a.gb", n1={})], table)
    early = archive("b.gb", n2={"seed": "n1", "day": "01-JAN-1991"})
    update(table, early, is_partial=True)
    assert list(labs(rows(table))) == ["ZZ000001.1"]


def test_a_lab_keeps_the_name_that_the_table_has(tmp_path: Path, archive: Any, rows: Rows) -> None:
    table = tmp_path / "t.csv"
    run([archive("a.gb", n1={"authors": "Lomnor,B."})], table)
    assert labs(rows(table)) == {"ZZ000001.1": "Lomnor, B."}
    more = {"authors": "Lomnor,B.C."}
    report = update(table, archive("b.gb", n1={"authors": "Lomnor,B."}, n2=more, n3=more))
    assert report.changes == {"added": 2}
    assert set(labs(rows(table)).values()) == {"Lomnor, B."}
    update(table, archive("c.gb", n4=more), is_partial=True)
    assert labs(rows(table))["ZZ000004.1"] == "Lomnor, B."


def test_the_aliases_have_the_last_word_in_an_update(
    tmp_path: Path, archive: Any, rows: Rows
) -> None:
    table, aliases = tmp_path / "t.csv", tmp_path / "aliases.csv"
    run([archive("a.gb", n1={})], table)
    aliases.write_text('spelling,lab\n"Lomnor, B.C.",The Lomnor lab\n')
    report = update(table, archive("a.gb", n1={}), aliases=aliases)
    assert report.changes == {"changed": 1}
    assert labs(rows(table)) == {"ZZ000001.1": "The Lomnor lab"}


def test_an_interrupted_update_leaves_the_table(tmp_path: Path, archive: Any) -> None:
    table = tmp_path / "t.csv"
    run([archive("a.gb", n1={}, n2={})], table)
    before = table.read_bytes()
    (tmp_path / "bad.csv").write_text("sequence_id,sequence\nx,ACGT\n")
    with pytest.raises(InputError, match="no table that collect wrote"):
        run([tmp_path / "a.gb"], table, update=tmp_path / "bad.csv")
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    ["sequence_id,sequence\na,ACGT\n", "change,old_id,sequence_id,sequence\nmoved,a,a,ACGT\n"],
)
def test_another_table_is_no_list_of_changes(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(InputError):
        list(ids_to_remove(tmp_path / "c.csv"))
