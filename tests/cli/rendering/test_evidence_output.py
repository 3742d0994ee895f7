"""The evidence of answers on the command line: every format, and nothing changed without it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vecattr.attribution import (
    Attribution,
    Hit,
    LabSupport,
    Provenance,
    Source,
    Stretch,
    Stretches,
)
from vecattr.cli.main import run
from vecattr.cli.rendering.answers import COLUMNS, KNOWN_COLUMNS, render
from vecattr.cli.rendering.evidence import EVIDENCE_COLUMNS, MOSAIC_COLUMNS
from vecattr.cli.rendering.format_names import FORMATS, Format
from vecattr.mosaic import Holder, LabShare, MosaicPart

KINDS = ("support", "common")
Capture = pytest.CaptureFixture[str]

PLAIN = Attribution(
    query="q1",
    length=5000,
    topology="circular",
    labs=(Hit("Lab <A>", 0.9, 0.9),),
    verdict="known",
    confidence=0.9,
    threshold=0.4,
    neighbors=(),
    notes=(),
    provenance=Provenance("0.1.0", "ab12", "cd34"),
)
SOURCES = tuple(Source(f"<p{number}>", "Lab <A>", 1.0, -1) for number in range(5))
SUPPORT = Stretch("support", 4901, 100, 200, 1, 7, 24, SOURCES)
COMMON = Stretch("common", 300, 900, 601, 300, 300, 70)
ANSWER = replace(PLAIN, evidence=Stretches("Lab <A>", 20, (SUPPORT,), (COMMON,), 3))
NOTHING = replace(PLAIN, query="q2", labs=(), evidence=Stretches(None, 20, (), (), 0))
PARTS = (
    MosaicPart(
        51,
        900,
        850,
        "few_labs",
        (LabShare("Lab <A>", 4, 1.0), LabShare("Lab B", 2, 0.7)),
        6,
        100,
        (Holder("<p0>", "Lab <A>", 1.0),),
    ),
    MosaicPart(901, 2000, 1100, "unknown", (), 0, 140),
    MosaicPart(2001, 50, 3050, "common", (), 300, 380),
)
TOLD = replace(
    PLAIN,
    evidence=Stretches(
        "Lab <A>", 20, (SUPPORT,), (), 0, PARTS, (LabSupport("Lab B", (COMMON,), 2),)
    ),
)


def text(form: Format, *answers: Attribution) -> str:
    return "".join(render(answers, form=form))


def records(*answers: Attribution) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text("csv", *answers))))


def test_evidence_adds_columns_before_the_youngest_ones_and_a_row_a_stretch() -> None:
    lab, support, common = records(ANSWER)
    assert tuple(lab) == (
        *COLUMNS[:-3],
        *EVIDENCE_COLUMNS,
        *COLUMNS[-3:],
        *MOSAIC_COLUMNS,
        *KNOWN_COLUMNS,
    )
    assert {lab[name] for name in EVIDENCE_COLUMNS} == {""}
    head = ("query", "rank", "kind", "lab", "id", "cosine", "probability", "work", "index")
    assert [support[name] for name in head] == [
        *("q1", "1", "support", "Lab <A>", "<p0>", "", "", "known", "cd34")
    ]
    assert [support[name] for name in EVIDENCE_COLUMNS] == [
        *("4901", "100", "200", "-1", "1", "7", "24", "1.000000"),
        "<p0>; <p1>; <p2>; <p3>; <p4>",
    ]
    assert [common[name] for name in ("kind", "lab", "id")] == ["common", "", ""]
    assert [common[name] for name in EVIDENCE_COLUMNS] == [
        *("300", "900", "601", "", "300", "300", "70", "", "")
    ]


def test_rows_of_labs_are_the_same_with_and_without_evidence() -> None:
    [plain] = records(PLAIN)
    assert tuple(plain) == (*COLUMNS, *KNOWN_COLUMNS)
    assert {name: records(ANSWER)[0][name] for name in plain} == plain


def test_a_query_with_neither_labs_nor_stretches_still_has_its_row() -> None:
    [row] = records(NOTHING)
    assert (row["query"], row["kind"]) == ("q2", "none")


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_has_the_evidence_when_asked_and_no_word_of_it_else(form: Format) -> None:
    written = json.loads(text(form, ANSWER))
    value = written[0] if form == "json" else written
    assert list(value)[-1] == "evidence"
    assert {key: value["evidence"][key] for key in ("lab", "common_labs", "left_off")} == {
        "lab": "Lab <A>",
        "common_labs": 20,
        "left_off": 3,
    }
    [support], [common] = value["evidence"]["support"], value["evidence"]["common"]
    ends = {"rank": 1, "start": 4901, "end": 100, "bases": 200, "strand": -1}
    counts = {"least_labs": 1, "most_labs": 7, "kmers": 24}
    not_told = {"publication": None, "year": None, "source_url": None}
    sources = [
        {"id": f"<p{number}>", "lab": "Lab <A>", "share": 1.0, "strand": -1, **not_told}
        for number in range(5)
    ]
    assert support == {**ends, **counts, "sources": sources}
    assert list(common) == ["rank", "start", "end", "bases", "least_labs", "most_labs", "kmers"]
    assert "evidence" not in text(form, PLAIN)


def test_each_part_of_the_mosaic_is_a_row_along_the_query() -> None:
    rows = [row for row in records(TOLD) if row["kind"].startswith("mosaic_")]
    assert [row["kind"] for row in rows] == ["mosaic_few_labs", "mosaic_unknown", "mosaic_common"]
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    few, unknown, common = rows
    assert [few[name] for name in ("lab", "id", "labs", "n_labs", "kmers", "share")] == [
        *("Lab <A>", "<p0>", "Lab <A>; Lab B", "6", "100", "1.000000"),
    ]
    assert [unknown[name] for name in ("start", "end", "labs", "n_labs")] == [
        "901",
        "2000",
        "",
        "0",
    ]
    assert [common[name] for name in ("start", "end", "lab", "n_labs")] == ["2001", "50", "", "300"]


def test_json_tells_the_mosaic_and_other_labs_at_the_end_of_the_evidence() -> None:
    evidence = json.loads(text("json", TOLD))[0]["evidence"]
    assert list(evidence)[-2:] == ["mosaic", "others"]
    first = evidence["mosaic"][0]
    assert list(first) == ["start", "end", "bases", "kind", "labs", "n_labs", "kmers", "holders"]
    assert first["labs"][1] == {"name": "Lab B", "plasmids": 2, "share": 0.7}
    [other] = evidence["others"]
    assert (other["lab"], other["left_off"], len(other["support"])) == ("Lab B", 2, 1)


def test_a_table_tells_whose_each_part_is() -> None:
    written = text("table", replace(TOLD, evidence=replace(TOLD.evidence, others=())))
    lines = [" ".join(line.split()) for line in written.splitlines()]
    assert "51 900 850 6 labs Lab <A> (4), Lab B (2) and 4 more" in lines
    assert "901 2000 1100 nothing known -" in lines
    assert "2001 50 3050 common, 300 labs -" in lines


def test_a_table_names_some_plasmids_and_counts_the_others() -> None:
    written = text("table", ANSWER)
    [line] = [line for line in written.splitlines() if "<p0>" in line]
    assert line.split() == [
        *("1", "4901", "100", "200", "-", "1-7", "1.0000"),
        *("<p0>,", "<p1>,", "<p2>", "and", "2", "more"),
    ]
    assert "stretches that speak for Lab <A>; at most 20 labs have them" in written
    assert "common property of more than 20 labs" in written
    assert "not shown: 3 more" in written
    assert "(none)" in text("table", NOTHING)


def test_a_table_and_a_page_say_no_word_of_evidence_that_was_not_asked_for() -> None:
    for form in ("table", "html"):
        assert "common property" not in text(form, PLAIN)


def test_html_holds_no_name_unescaped() -> None:
    written = text("html", ANSWER)
    assert "&lt;p0&gt;" in written
    assert "<p0>" not in written
    assert "<A>" not in written


def test_a_table_with_evidence_cannot_drive_a_terminal() -> None:
    source = Source("\x1b[2J", "\x07", 1.0, 1)
    wild = Stretches("\x1b[2J", 20, (replace(SUPPORT, sources=(source,)),), (), 0)
    assert text("table", replace(PLAIN, evidence=wild)).replace("\n", "").isprintable()


# ------------------------------------------------------------------------------- the command line


@pytest.mark.parametrize("form", FORMATS)
def test_query_tells_its_evidence_in_every_format(
    shelf: Any, tmp_path: Path, form: str, capsys: Capture
) -> None:
    plasmid = shelf.plasmids[1]  # of split=train: it is stored
    query = str(shelf.fasta(tmp_path / "q.fa", [replace(plasmid.rotated(100), id="turned")]))
    capsys.readouterr()
    assert run(["query", query, "-i", str(shelf.index), "--evidence", "--format", form]) == 0
    assert plasmid.id in capsys.readouterr().out


@pytest.mark.parametrize(
    ("form", "suffix", "start"),
    [
        ("genbank", ".gb", "LOCUS"),
        ("gff3", ".gff3", "##gff-version 3"),
        ("bed", ".bed", "turned\t"),
    ],
)
def test_the_evidence_is_written_for_other_programs(
    shelf: Any, tmp_path: Path, form: str, suffix: str, start: str, capsys: Capture
) -> None:
    plasmid = replace(shelf.plasmids[1].rotated(100), id="turned")
    query = str(shelf.fasta(tmp_path / "q.fa", [plasmid]))
    capsys.readouterr()
    assert run(["query", query, "-i", str(shelf.index), "--format", form]) == 0
    written = capsys.readouterr().out
    assert written.startswith(start)
    assert "speaks for" in written
    assert f"{plasmid.lab}" in written
    target = tmp_path / f"evidence{suffix}"
    assert run(["query", query, "-i", str(shelf.index), "-o", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == written


def test_every_lab_is_one_too_many_for_what_one_lab_may_share(shelf: Any, capsys: Capture) -> None:
    chosen = [str(shelf.table), "--where", "split=train", "-i", str(shelf.index)]
    capsys.readouterr()
    assert run(["query", *chosen, "--evidence", "--common-labs", "1", "--format", "tsv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))
    most = {kind: {int(r["most_labs"]) for r in rows if r["kind"] == kind} for kind in KINDS}
    assert most["support"] == {1}
    assert min(most["common"]) >= 2


def test_evidence_is_shown_for_labs_that_are_named(shelf: Any, capsys: Capture) -> None:
    chosen = [str(shelf.table), "--where", "split=train", "-i", str(shelf.index)]
    names = sorted({f"{plasmid.lab}" for plasmid in shelf.plasmids})[:2]
    capsys.readouterr()
    wanted = [argument for name in names for argument in ("--evidence-for", name)]
    assert run(["query", *chosen, *wanted, "--format", "json"]) == 0
    for answer in json.loads(capsys.readouterr().out):
        assert [other["lab"] for other in answer["evidence"]["others"]] == names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--evidence-for", "Nobody"], "no lab 'Nobody'"),
        (["--common-labs", "3"], "--common-labs without --evidence"),
        (["--evidence", "--common-labs", "401"], "expected 1 to 400"),
        (["--evidence", "--common-labs", "0"], "common-labs"),
    ],
)
def test_what_cannot_be_shown_is_a_usage_error(
    shelf: Any, options: list[str], message: str, capsys: Capture
) -> None:
    capsys.readouterr()
    assert run(["query", str(shelf.table), "-i", str(shelf.index), *options]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
