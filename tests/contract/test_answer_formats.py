"""Attributions in every format: the documented columns, one answer a query, nothing unescaped."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from vecattr.attribution import Attribution, Hit, Neighbor, Provenance
from vecattr.cli.rendering.answers import columns, render, verdict_line
from vecattr.cli.rendering.format_names import FORMATS, Format

ANSWER = Attribution(
    query="=q1",
    length=5000,
    topology="circular",
    labs=(Hit("Lab <A>", 0.9, 0.9), Hit("../x", -0.1, -0.1)),
    verdict="known",
    confidence=0.9,
    threshold=0.4,
    neighbors=(Neighbor("p1", "Lab <A>", "Lab <A>", 0.95, 4000, "linear"),),
    notes=("fewer labs than -k 10",),
    provenance=Provenance("0.1.0", "ab12", "cd34"),
    source="a <b>.gb",
)
EMPTY = replace(ANSWER, query="q2", labs=(), neighbors=(), confidence=float("nan"), threshold=None)


def text(form: Format, *answers: Attribution) -> str:
    return "".join(render(answers, form=form))


def test_tsv_has_the_documented_columns_and_a_row_for_each_lab_and_neighbour() -> None:
    lines = [line.split("\t") for line in text("tsv", ANSWER).splitlines()]
    names = columns(evidence=False)
    assert lines[0] == list(names)
    assert all(len(line) == len(names) for line in lines)
    records = [dict(zip(names, line, strict=True)) for line in lines[1:]]
    assert [(r["kind"], r["rank"], r["lab"], r["id"]) for r in records] == [
        ("lab", "1", "Lab <A>", ""),
        ("lab", "2", "../x", ""),
        ("neighbor", "1", "Lab <A>", "p1"),
    ]
    assert {r["query"] for r in records} == {"'=q1"}
    assert {r["index"] for r in records} == {"cd34"}


def test_csv_and_tsv_say_the_same() -> None:
    rows = list(csv.reader(io.StringIO(text("csv", ANSWER))))
    assert rows == [line.split("\t") for line in text("tsv", ANSWER).splitlines()]


def test_a_query_without_any_lab_still_has_its_row() -> None:
    records = list(csv.DictReader(io.StringIO(text("csv", EMPTY))))
    assert [(r["query"], r["kind"], r["confidence"]) for r in records] == [("q2", "none", "")]


def objects(form: Format, *answers: Attribution) -> list[dict[str, Any]]:
    written = text(form, *answers)
    if form == "json":
        return list(json.loads(written))
    return [json.loads(line) for line in written.splitlines()]


def test_json_and_jsonl_say_the_same() -> None:
    assert objects("json", ANSWER, EMPTY) == objects("jsonl", ANSWER, EMPTY)


def test_json_has_the_documented_names() -> None:
    (value,) = objects("json", ANSWER)
    assert list(value) == [
        "query",
        "length",
        "topology",
        "labs",
        "verdict",
        "confidence",
        "threshold",
        "neighbors",
        "notes",
        "provenance",
        "work",
        "coverage",
        "source",
        "outside",
        "strength",
        "links",
        "right_share",
        "reach",
        "sentence",
    ]
    assert value["labs"][0] == {
        "rank": 1,
        "name": "Lab <A>",
        "score": 0.9,
        "cosine": 0.9,
        "probability": None,
        "print_name": None,
        "institution": None,
        "url": None,
        "contact": None,
    }
    assert list(value["neighbors"][0])[-3:] == ["publication", "year", "source_url"]
    assert value["neighbors"][0]["rank"] == 1
    assert value["neighbors"][0]["id"] == "p1"


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_tells_the_file_of_a_query(form: Format) -> None:
    written = text(form, ANSWER)
    assert ("a &lt;b&gt;.gb" if form == "html" else "a <b>.gb") in written


def test_the_youngest_columns_stand_last_and_are_empty_where_nothing_is_known() -> None:
    lines = text("csv", ANSWER).splitlines()
    last = [line.rsplit(",", 7)[1:4] for line in lines]
    assert last == [["source", "outside", "strength"], *[["a <b>.gb", "", ""]] * 3]
    nowhere = replace(ANSWER, source=None, outside=0.25, strength="weak")
    assert text("csv", nowhere).splitlines()[-1].endswith(",,0.250000,weak,,,,")
    assert objects("json", nowhere)[0]["source"] is None


def test_what_is_known_of_labs_and_plasmids_stands_last_in_files_and_names_labs_in_tables() -> None:
    hit = replace(
        ANSWER.labs[0], name="L 7", print_name="Doe <b>lab", url="https://doe.example.org"
    )
    neighbor = replace(ANSWER.neighbors[0], publication="10.1000/x", year=2019)
    known = replace(ANSWER, labs=(hit,), neighbors=(neighbor,))
    header, lab, plasmid = text("csv", known).splitlines()
    assert header.endswith(",print_name,publication,year,source_url")
    assert lab.endswith(",Doe <b>lab,,,")
    assert plasmid.endswith(",,10.1000/x,2019,")
    assert "Doe <b>lab (L 7)" in text("table", known)
    assert known.sentence.startswith("Nearest is Doe <b>lab;")
    [answer] = objects("json", known)
    assert answer["labs"][0]["url"] == "https://doe.example.org"
    assert answer["neighbors"][0]["year"] == 2019


def test_a_table_does_not_repeat_that_a_query_came_through_a_pipe() -> None:
    assert "stdin" not in text("table", replace(ANSWER, source="<stdin>"))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_names_every_query(form: Format) -> None:
    written = text(form, ANSWER, EMPTY)
    assert "=q1" in written
    assert "q2" in written


def test_html_holds_no_name_unescaped() -> None:
    assert "<A>" not in text("html", ANSWER)


def test_the_verdict_names_both_values_it_compared() -> None:
    assert verdict_line(ANSWER) == "verdict: known (confidence 0.9000, threshold 0.4000)"
    bare = replace(ANSWER, threshold=None, verdict="uncalibrated")
    assert verdict_line(bare) == (
        "verdict: uncalibrated (best cosine 0.9000; this index has no threshold)"
    )


def test_the_verdict_of_an_uncalibrated_index_is_said_as_it_is() -> None:
    short = replace(ANSWER, threshold=None, verdict="unknown")
    assert verdict_line(short).startswith("verdict: unknown (best cosine 0.9000;")


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_is_a_negative_zero(form: Format) -> None:
    tiny = replace(ANSWER, labs=(Hit("L", -1e-9, -1e-9),), confidence=-1e-9, threshold=-1e-9)
    assert "-0.0" not in text(form, tiny)


def test_a_table_cannot_drive_a_terminal() -> None:
    written = text("table", replace(ANSWER, query="\x1b[2J", notes=("\x07",)))
    assert written.replace("\n", "").isprintable()
