"""The evidence in files for other programs: they read back what was told, whatever names hold."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from Bio import SeqIO
from Bio.SeqFeature import SeqFeature
from Bio.SeqRecord import SeqRecord

from vecattr.attribution import (
    Attribution,
    Hit,
    LabSupport,
    Provenance,
    Source,
    Stretch,
    Stretches,
)
from vecattr.mosaic import Holder, LabShare, MosaicPart
from vecattr.plasmid import Annotation
from vecattr.reports.exports.bed import bed_of
from vecattr.reports.exports.genbank import genbank_of
from vecattr.reports.exports.gff3 import gff3_of
from vecattr.reports.exports.marks import marks_of

BASES = "ACGTTGCAAC" * 50
#: Names that hold what the formats give a meaning to.
WILD = 'Lab "A"; B=C, 100 % & <D>\t\x1b[2J é /note="x"'
PARTS = (
    MosaicPart(
        41, 200, 160, "one_lab", (LabShare(WILD, 3, 0.9),), 1, 20, (Holder("p;1", WILD, 0.8),)
    ),
    MosaicPart(201, 300, 100, "unknown", (), 0, 12),
    MosaicPart(301, 40, 240, "common", (), 250, 30),
)
SUPPORT = Stretch("support", 451, 60, 110, 1, 4, 9, (Source("p;1", WILD, 0.75, -1),))
ANSWER = Attribution(
    query='q 1|"wild"; \n é',
    length=len(BASES),
    topology="circular",
    labs=(Hit(WILD, 0.9, 0.9, 0.6),),
    verdict="known",
    confidence=0.9,
    threshold=0.5,
    neighbors=(),
    notes=("a note;\nof two lines",),
    provenance=Provenance("0.1.0", "ab12", "cd34"),
    evidence=Stretches(WILD, 20, (SUPPORT,), (), 0, PARTS, (LabSupport("Other", (), 0),)),
    annotations=(
        Annotation("CDS", 'a "gene"', 10, 90, -1),
        Annotation("a kind of its own", "ori", 480, 20),
    ),
    bases=BASES,
    outside=0.2,
    strength="moderate",
)
PLAIN = replace(ANSWER, query="q2", topology="linear", evidence=None, annotations=())


def spans(feature: SeqFeature) -> list[tuple[int, int]]:
    """From 1, along the query, whatever the strand."""
    pieces = feature.location.parts
    if feature.location.strand == -1:
        pieces = pieces[::-1]
    return [(int(piece.start) + 1, int(piece.end)) for piece in pieces]


def genbank(*answers: Attribution) -> list[SeqRecord]:
    return list(SeqIO.parse(io.StringIO("".join(genbank_of(answers))), "genbank"))


# ---------------------------------------------------------------------------------------- GenBank


def test_genbank_read_back_has_the_bases_the_annotations_and_every_stretch() -> None:
    record, plain = genbank(ANSWER, PLAIN)
    assert str(record.seq) == BASES
    assert (record.annotations["topology"], plain.annotations["topology"]) == ("circular", "linear")
    assert (plain.id, plain.features, str(plain.seq)) == ("q2", [], BASES)
    assert len(record.features) == len(ANSWER.annotations) + len(marks_of(ANSWER))
    marked = record.features[2:]
    assert {feature.type for feature in marked} == {"misc_feature"}
    assert [spans(feature) for feature in marked] == [
        [(41, 200)],
        [(201, 300)],
        [(301, 500), (1, 40)],
        [(451, 500), (1, 60)],
    ]
    assert [feature.location.strand for feature in marked] == [1, 1, 1, -1]


def test_genbank_tells_labs_and_plasmids_in_notes() -> None:
    [record] = genbank(ANSWER)
    one_lab, unknown, common, support = record.features[2:]
    assert one_lab.qualifiers["note"][:3] == ["vecattr: part", "kind: one_lab", "n_labs: 1"]
    [lab] = [note for note in one_lab.qualifiers["note"] if note.startswith("lab: ")]
    assert lab == r'lab: Lab "A"; B=C, 100 % & <D>\t\x1b[2J é /note="x" (90 %, 3 plasmids)'
    assert unknown.qualifiers["label"] == ["nothing known"]
    assert common.qualifiers["label"] == ["common property of 250 labs"]
    assert "plasmid: p;1 (75 %)" in support.qualifiers["note"]
    colours = {feature.qualifiers["ApEinfo_fwdcolor"][0] for feature in record.features[2:]}
    assert len(colours) == 3  # the support has the colour of its lab
    assert "Most likely Lab" in record.annotations["comment"]


def test_a_whole_part_is_told_as_whole() -> None:
    whole = replace(SUPPORT, sources=(Source("p1", "Ash", 1.0, 1),))
    assert ANSWER.evidence is not None
    answer = replace(ANSWER, evidence=replace(ANSWER.evidence, support=(whole,)))
    assert "plasmid: p1 (100 %)" in genbank(answer)[0].features[-1].qualifiers["note"]


def test_genbank_keeps_what_the_query_annotates() -> None:
    [record] = genbank(ANSWER)
    gene, origin = record.features[:2]
    assert (gene.type, gene.location.strand, spans(gene)) == ("CDS", -1, [(10, 90)])
    assert gene.qualifiers["label"] == ['a "gene"']
    assert (origin.type, spans(origin)) == ("misc_feature", [(480, 500), (1, 20)])


def test_records_of_one_name_are_told_apart() -> None:
    names = [record.name for record in genbank(PLAIN, PLAIN, replace(PLAIN, query="q2_2"))]
    assert len(set(names)) == 3
    long = replace(PLAIN, query="a" * 200)
    [first, second] = genbank(long, long)
    assert first.name != second.name


# ------------------------------------------------------------------------------------------- GFF3


def gff3(*answers: Attribution) -> tuple[list[str], list[list[str]], str]:
    """Directives and comments, the columns of each line, and the FASTA part."""
    text, _, fasta = "".join(gff3_of(answers)).partition("##FASTA\n")
    lines = text.splitlines()
    return (
        [line for line in lines if line.startswith("#")],
        [line.split("\t") for line in lines if not line.startswith("#")],
        fasta,
    )


def attributes(columns: list[str]) -> dict[str, list[str]]:
    pairs = (pair.split("=") for pair in columns[8].split(";"))
    return {unquote(key): [unquote(value) for value in text.split(",")] for key, text in pairs}


def test_gff3_keeps_its_rules() -> None:
    heads, rows, fasta = gff3(ANSWER, PLAIN)
    assert heads[0] == "##gff-version 3"
    names = {head.split()[1] for head in heads if head.startswith("##sequence-region")}
    assert {columns[0] for columns in rows} == names
    for columns in rows:
        assert len(columns) == 9
        assert re.fullmatch(r"(?:[a-zA-Z0-9.:^*$@!+_?|-]|~|%[0-9A-F]{2})+", columns[0])
        start, end = int(columns[3]), int(columns[4])
        assert 1 <= start <= end <= 2 * len(BASES)
        assert columns[6] in "+-."
        assert columns[8].isprintable()
    identities = [identity for columns in rows for identity in attributes(columns)["ID"]]
    assert len(identities) == len(set(identities))
    assert {record.id for record in SeqIO.parse(io.StringIO(fasta), "fasta")} == names
    assert {str(record.seq) for record in SeqIO.parse(io.StringIO(fasta), "fasta")} == {BASES}


def test_gff3_tells_a_circle_and_goes_on_over_its_origin() -> None:
    _, rows, _ = gff3(ANSWER, PLAIN)
    whole, *marks, plain = rows
    assert attributes(whole)["Is_circular"] == ["true"]
    assert "Is_circular" not in attributes(plain)
    assert [(row[3], row[4], row[6]) for row in marks] == [
        ("41", "200", "."),
        ("201", "300", "."),
        ("301", "540", "."),
        ("451", "560", "-"),
    ]


def test_gff3_gives_names_back_as_they_are_but_for_control_characters() -> None:
    _, rows, _ = gff3(ANSWER)
    shown = r'Lab "A"; B=C, 100 % & <D>\t\x1b[2J é /note="x"'
    assert attributes(rows[1])["Name"] == [shown]
    assert attributes(rows[1])["lab"] == [f"{shown} (90 %, 3 plasmids)"]


# -------------------------------------------------------------------------------------------- BED


def test_bed_keeps_its_rules() -> None:
    rows = [line.split("\t") for line in "".join(bed_of([ANSWER, PLAIN])).splitlines()]
    assert [(int(row[1]), int(row[2]), row[5]) for row in rows] == [
        (40, 200, "."),
        (200, 300, "."),
        (300, 500, "."),
        (0, 40, "."),
        (450, 500, "-"),
        (0, 60, "-"),
    ]
    for row in rows:
        assert len(row) == 9
        assert re.fullmatch(r"[A-Za-z0-9_.|-]{1,255}", row[0])
        assert re.fullmatch(r"[\x20-\x7e]{1,255}", row[3])
        assert 0 <= int(row[4]) <= 1000
        assert row[6:8] == row[1:3]
        assert re.fullmatch(r"\d{1,3}(,\d{1,3}){2}", row[8])


@pytest.mark.parametrize("lab", ['"quoted', "=cmd|'/C calc'!A0", "+SUM(1)", "@x", "a;=1+1"])
@pytest.mark.parametrize("query", ["track", "browser x", "#q", '"q', "-1+2", "+1", "=1", "@q"])
def test_readers_of_tables_see_every_line_and_run_nothing(query: str, lab: str) -> None:
    """A name that begins with a quote swallows rows, one like `track` is a line of settings, and
    spreadsheets run what begins with = + - @."""
    share = replace(PARTS[0], labs=(LabShare(lab, 3, 0.9),))
    evidence = Stretches(lab, 20, (SUPPORT,), (), 0, (share,))
    answers = [replace(ANSWER, query=query, evidence=evidence), ANSWER]
    bed = "".join(bed_of(answers)).splitlines()
    assert not any(line.startswith(("track", "browser", "#")) for line in bed)
    for lines in (bed, ["\t".join(row) for row in gff3(*answers)[1]]):
        cells = list(csv.reader(lines, delimiter="\t"))
        assert len(cells) == len(lines)
        pieces = [piece for row in cells for cell in row for piece in cell.split(";")]
        signs = ("=", "+", "-", "@")
        assert [piece for piece in pieces if piece.startswith(signs) and len(piece) > 1] == []


@pytest.mark.parametrize("writer", [genbank_of, gff3_of, bed_of])
def test_no_answers_are_a_file_without_records(writer: object) -> None:
    assert callable(writer)
    assert "".join(writer([])) in ("", "##gff-version 3\n")
